// What the webmail keeps in this browser for times without a network. It is somebody's mail: the log-in page forgets it whenever nobody is
// logged in.
const cacheName = 'posthorn-mail-1'
const keyOf = (name: string): string => `/mail/kept/${encodeURIComponent(name)}`

/** Undefined where nothing is kept, or the browser keeps nothing (private windows, no TLS). */
export async function readKept<T>(name: string): Promise<T | undefined> {
  try {
    const found = await (await caches.open(cacheName)).match(keyOf(name))
    // Written by `writeKept` alone.
    return found === undefined ? undefined : ((await found.json()) as T)
  } catch {
    // No Cache here, or it is broken: as if nothing had been kept.
    return undefined
  }
}

export async function writeKept(name: string, value: unknown): Promise<void> {
  try {
    const response = new Response(JSON.stringify(value), { headers: { 'content-type': 'application/json' } })
    await (await caches.open(cacheName)).put(keyOf(name), response)
  } catch {
    // Full, or switched off: then it needs the network.
  }
}

export async function removeKept(name: string): Promise<void> {
  await caches
    .open(cacheName)
    .then((cache) => cache.delete(keyOf(name)))
    .catch(() => false)
}

/** Everything of whoever was logged in: mail, and the browser's push subscription. */
export async function forgetKept(): Promise<void> {
  if ('caches' in window) await caches.delete(cacheName).catch(() => false)
  if (!('serviceWorker' in navigator)) return
  const registration = await navigator.serviceWorker.getRegistration('/mail/').catch(() => undefined)
  const subscription = await registration?.pushManager?.getSubscription().catch(() => null)
  await subscription?.unsubscribe().catch(() => false)
}
