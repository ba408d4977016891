// The service worker of the webmail: keeps the page's own files, so that it opens at once and without a network. Mail itself is not kept
// here: what was read lately is in the memory of the open page, and nothing of it stays on a borrowed computer.
//
// Files below /assets/ never change; the page is asked for first and taken from the cache when nobody answers.

interface WorkerScope {
  readonly location: Location
  skipWaiting(): Promise<void>
  readonly clients: { claim(): Promise<void> }
  addEventListener(type: 'install' | 'activate', listener: (event: WorkerEvent) => void): void
  addEventListener(type: 'fetch', listener: (event: FetchEvent) => void): void
}
interface WorkerEvent extends Event {
  waitUntil(promise: Promise<unknown>): void
}
interface FetchEvent extends WorkerEvent {
  readonly request: Request
  respondWith(response: Promise<Response>): void
}

// The types of a worker's own scope and those of a page exclude each other in one project.
const worker = self as unknown as WorkerScope
const cacheName = 'posthorn-pages-1'
const mostAssets = 150

worker.addEventListener('install', (event) => {
  event.waitUntil(
    caches
      .open(cacheName)
      .then((cache) => cache.add('/mail/'))
      .then(() => worker.skipWaiting()),
  )
})
worker.addEventListener('activate', (event) => {
  const clean = async (): Promise<void> => {
    for (const name of await caches.keys()) if (name !== cacheName) await caches.delete(name)
    await worker.clients.claim()
  }
  event.waitUntil(clean())
})

async function keep(key: string, response: Response): Promise<void> {
  const cache = await caches.open(cacheName)
  await cache.put(key, response)
  const kept = await cache.keys()
  for (const old of kept.slice(0, Math.max(0, kept.length - mostAssets))) await cache.delete(old)
}

async function asset(request: Request): Promise<Response> {
  const kept = await caches.match(request)
  if (kept !== undefined) return kept
  const response = await fetch(request)
  if (response.ok) await keep(request.url, response.clone())
  return response
}

async function page(request: Request): Promise<Response> {
  try {
    const response = await fetch(request)
    if (response.ok) await keep('/mail/', response.clone())
    return response
  } catch (error) {
    const kept = await caches.match('/mail/')
    if (kept !== undefined) return kept
    throw error
  }
}

worker.addEventListener('fetch', (event) => {
  const { request } = event
  const url = new URL(request.url)
  if (request.method !== 'GET' || url.origin !== worker.location.origin) return
  if (url.pathname.startsWith('/assets/')) event.respondWith(asset(request))
  else if (request.mode === 'navigate' && url.pathname.startsWith('/mail/')) event.respondWith(page(request))
})

// A module, whatever it imports.
export type { WorkerScope }
