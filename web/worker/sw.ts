// The service worker of the webmail: keeps the page's own files, so that it opens at once and without a network, and hears what the server
// pushes (RFC 8620 §7.2) while no page is open. What was read lately is kept by the page (`webmail/store/kept-mail.ts`).
//
// Files below /assets/ never change; the page is asked for first and taken from the cache when nobody answers.

interface WorkerScope {
  readonly location: Location
  skipWaiting(): Promise<void>
  readonly clients: {
    claim(): Promise<void>
    matchAll(options: { type: 'window'; includeUncontrolled: boolean }): Promise<readonly PageClient[]>
    openWindow(url: string): Promise<unknown>
  }
  readonly registration: ServiceWorkerRegistration
  addEventListener(type: 'install' | 'activate', listener: (event: WorkerEvent) => void): void
  addEventListener(type: 'fetch', listener: (event: FetchEvent) => void): void
  addEventListener(type: 'push', listener: (event: PushEvent) => void): void
  addEventListener(type: 'notificationclick', listener: (event: ClickEvent) => void): void
}
interface PageClient {
  readonly url: string
  readonly visibilityState: DocumentVisibilityState
  focus(): Promise<unknown>
  postMessage(message: unknown): void
}
interface WorkerEvent extends Event {
  waitUntil(promise: Promise<unknown>): void
}
interface FetchEvent extends WorkerEvent {
  readonly request: Request
  respondWith(response: Promise<Response>): void
}
interface PushEvent extends WorkerEvent {
  readonly data: { json(): unknown } | null
}
interface ClickEvent extends WorkerEvent {
  readonly notification: Notification
}

// The types of a worker's own scope and those of a page exclude each other in one project.
const worker = self as unknown as WorkerScope
const cacheName = 'posthorn-pages-1'
/** All caches of pages; those of mail are the page's own. */
const cachePrefix = 'posthorn-pages-'
const mostAssets = 150

/** The page and what it names: the first visit loaded them before there was a worker. */
async function install(): Promise<void> {
  const cache = await caches.open(cacheName)
  await cache.add('/mail/')
  const html = (await (await cache.match('/mail/'))?.text()) ?? ''
  await cache.addAll([...new Set([...html.matchAll(/"(\/assets\/[^"]+)"/g)].map(([, path = '']) => path))])
  await worker.skipWaiting()
}

worker.addEventListener('install', (event) => event.waitUntil(install()))
worker.addEventListener('activate', (event) => {
  const clean = async (): Promise<void> => {
    for (const name of await caches.keys()) {
      if (name.startsWith(cachePrefix) && name !== cacheName) await caches.delete(name)
    }
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

/** RFC 8620 §7.1, §7.2.2: what the server pushes. */
type Pushed =
  | {
      readonly '@type': 'PushVerification'
      readonly pushSubscriptionId: string
      readonly verificationCode: string
    }
  | { readonly '@type': 'StateChange'; readonly changed: Readonly<Record<string, unknown>> }

type Call = readonly [name: string, args: Readonly<Record<string, unknown>>, id: string]

/** The answers in order; throws where the session is over, or nobody answers. */
async function ask(...methodCalls: readonly Call[]): Promise<Readonly<Record<string, unknown>>[]> {
  const using = ['urn:ietf:params:jmap:core', 'urn:ietf:params:jmap:mail']
  const response = await fetch('/jmap/api', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ using, methodCalls }),
  })
  if (!response.ok) throw new Error(`the server answered ${response.status}`)
  const { methodResponses } = (await response.json()) as { methodResponses: readonly Call[] }
  return methodResponses.map(([name, answer]) => {
    if (name === 'error') throw new Error('the server refused')
    return answer
  })
}

interface News {
  readonly title: string
  readonly body: string
  readonly path: string
}

interface Newest {
  readonly threadId: string
  readonly subject: string | null
  readonly from: readonly { readonly name: string | null; readonly email: string }[] | null
}

/** The newest unread message of the inbox; null where there is none: it was read elsewhere already, or is not for the inbox. */
async function newest(accountId: string): Promise<News | null> {
  const [found] = await ask(['Mailbox/query', { accountId, filter: { role: 'inbox' } }, 'm'])
  const [inbox] = (found?.['ids'] ?? []) as readonly string[]
  if (inbox === undefined) return null
  const conditions = [{ inMailbox: inbox }, { notKeyword: '$seen' }]
  const query = {
    accountId,
    filter: { operator: 'AND', conditions },
    sort: [{ property: 'receivedAt', isAscending: false }],
    limit: 1,
  }
  const [, got] = await ask(
    ['Email/query', query, 'q'],
    [
      'Email/get',
      {
        accountId,
        '#ids': { resultOf: 'q', name: 'Email/query', path: '/ids' },
        properties: ['threadId', 'subject', 'from'],
      },
      'g',
    ],
  )
  const [email] = (got?.['list'] ?? []) as readonly Newest[]
  if (email === undefined) return null
  const sender = email.from?.[0]
  return {
    title: sender?.name ?? sender?.email ?? 'New mail',
    body: email.subject ?? '(no subject)',
    path: `f/${encodeURIComponent(inbox)}/${encodeURIComponent(email.threadId)}`,
  }
}

function mailPages(): Promise<readonly PageClient[]> {
  return worker.clients
    .matchAll({ type: 'window', includeUncontrolled: true })
    .then((pages) => pages.filter(({ url }) => new URL(url).pathname.startsWith('/mail/')))
}

async function announce(accountId: string): Promise<void> {
  const pages = await mailPages()
  // Who looks at the page sees it there.
  if (pages.some(({ visibilityState }) => visibilityState === 'visible')) return
  const plain: News = { title: 'New mail', body: '', path: '' }
  const news = await newest(accountId).catch(() => plain)
  if (news === null) return
  await worker.registration.showNotification(news.title, {
    body: news.body,
    icon: '/icon.svg',
    tag: 'posthorn-mail',
    data: news.path,
  })
}

async function hear(data: unknown): Promise<void> {
  const pushed = data as Pushed
  if (pushed['@type'] === 'PushVerification') {
    const { pushSubscriptionId, verificationCode } = pushed
    await ask(['PushSubscription/set', { update: { [pushSubscriptionId]: { verificationCode } } }, 'v'])
  } else {
    const [accountId] = Object.keys(pushed.changed)
    if (accountId !== undefined) await announce(accountId)
  }
}

worker.addEventListener('push', (event) => {
  if (event.data !== null) event.waitUntil(hear(event.data.json()))
})

worker.addEventListener('notificationclick', (event) => {
  const path = String(event.notification.data ?? '')
  event.notification.close()
  const open = async (): Promise<void> => {
    const [page] = await mailPages()
    if (page === undefined) {
      await worker.clients.openWindow(`/mail/${path}`)
      return
    }
    page.postMessage({ type: 'open', path })
    await page.focus()
  }
  event.waitUntil(open())
})

// A module, whatever it imports.
export type { WorkerScope }
