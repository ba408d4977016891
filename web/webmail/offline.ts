// Registers the service worker that keeps the page itself, and what was read lately, for times without a network.
export function startOffline(): void {
  if (!('serviceWorker' in navigator) || !isSecureContext) return
  navigator.serviceWorker.register('/sw.js', { scope: '/mail/' }).catch(() => {
    // Private windows and some enterprise policies refuse it: the page then needs the network.
  })
}
