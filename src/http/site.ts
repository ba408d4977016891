// All that is served over HTTP by one server, whatever its listeners: finds the mount of a request, tells it who asks, and answers for
// it when it fails.
//
// - A request that changes something and comes from another site's page is refused here, for every mount, unless it brings
//   credentials of its own in `Authorization`, which no browser adds by itself.
// - Where everybody may read (a catcher), requests must name this host by a name that no stranger can point here.
// - What leaves says that it is what its type says, and, unless the mount decided otherwise, that it is no page.
import type { HttpEnvironment, HttpMount, WebSocketHandler } from '../base/http-mount.ts'
import { errorText } from '../events/error-text.ts'
import { apiTrouble } from '../events/http.ts'
import type { Account } from '../store/model.ts'
import { StoreUnavailable } from '../store/store.ts'
import { authenticate, type RequestOrigin } from './authenticate.ts'
import { MountTable } from './mount-table.ts'
import { isLocalName, isSafe, pageOriginOf } from './origin.ts'
import type { HttpParts } from './parts.ts'
import { isProblem, makeProblem, problemResponse, unavailable } from './problem.ts'

/** What the carrier knows of a request's connection; `stopping` aborts when the server is to end. */
export interface Connected extends RequestOrigin {
  readonly stopping: AbortSignal
}

export interface Site {
  /** What stands before the paths of requests, and is taken off before they come here; '' for nothing. */
  readonly root: string
  fetch(request: Request, connected: Connected): Promise<Response>
  /** A Response refuses it. */
  upgrade(request: Request, connected: Connected): Promise<Response | WebSocketHandler>
}

/** For a mount and for the site itself. */
export type Environment = HttpEnvironment<Account>

export function createSite(parts: HttpParts, mounts: readonly HttpMount<Account>[]): Site {
  const table = new MountTable(mounts)
  const guarded = async <T>(
    request: Request,
    connected: Connected,
    work: (mount: HttpMount<Account>, env: Environment) => Promise<T | Response>,
  ): Promise<T | Response> => {
    const { pathname } = new URL(request.url)
    const env = environmentOf(parts, request, connected)
    const refusal = refusalOf(parts, request, env)
    if (refusal !== null) return refusal
    const mount = table.find(request.method, pathname)
    if (mount === undefined) return nothingHere()
    try {
      return await work(mount, env)
    } catch (error) {
      return failure(parts, request, error)
    }
  }
  const site: Site = {
    root: parts.root ?? '',
    async fetch(request, connected) {
      const response = await guarded<Response>(request, connected, (mount, env) => mount.fetch(request, env))
      return hardened(rootedLocation(response, site.root))
    },
    upgrade: (request, connected) =>
      guarded(
        request,
        connected,
        async (mount, env) => (await mount.upgrade?.(request, env)) ?? nothingHere(),
      ),
  }
  return site
}

/** Mounts know nothing of what stands before their paths. */
function rootedLocation(response: Response, root: string): Response {
  const location = response.headers.get('location')
  if (root === '' || location === null || !/^\/(?!\/)/.test(location)) return response
  const headers = new Headers(response.headers)
  headers.set('location', root + location)
  return new Response(response.body, { status: response.status, headers })
}

/** What a mount sees of a request. */
export function environmentOf(parts: HttpParts, request: Request, connected: Connected): Environment {
  const { remoteAddress, secure, stopping } = connected
  const { root = '' } = parts
  const origin = parts.web.origin ?? `${secure ? 'https' : 'http'}://${new URL(request.url).host}`
  const env: Environment = {
    ...{ remoteAddress, secure, stopping, origin, root },
    async authenticate(asking) {
      const judged = await authenticate(parts, asking, { remoteAddress, secure, origin })
      return isProblem(judged)
        ? { ok: false, response: problemResponse(judged) }
        : { ok: true, caller: judged }
    },
  }
  return env
}

function refusalOf(parts: HttpParts, request: Request, { origin }: Environment): Response | null {
  const { headers } = request
  if (
    parts.access === 'open' &&
    !isLocalName(new URL(request.url).host, [parts.hostname, ...parts.web.hosts])
  ) {
    const detail = 'This catcher is not known by that name. List it in `web.hosts`, or use an address.'
    return problemResponse(makeProblem(403, 'unknown-host', detail))
  }
  // RFC 9110 §8.4: nothing is unpacked here, so no bomb goes off.
  if ((headers.get('content-encoding') ?? 'identity').trim().toLowerCase() !== 'identity') {
    const problem = makeProblem(415, 'unsupported-encoding', 'Bodies are taken as they are, not compressed.')
    // RFC 9110 §15.5.16.
    return problemResponse({ ...problem, headers: { 'accept-encoding': 'identity' } })
  }
  if (isSafe(request) || headers.has('authorization')) return null
  if (isListed(parts, headers.get('origin'))) return null
  if (pageOriginOf(headers, origin) !== 'foreign') return null
  return problemResponse(makeProblem(403, 'cross-site', 'Pages of other sites change nothing here.'))
}

/** Whether an operator lets the pages of that origin change things: those of a catcher's application. */
function isListed({ pageOrigins = [] }: HttpParts, origin: string | null): boolean {
  return origin !== null && (pageOrigins.includes('*') || pageOrigins.includes(origin))
}

function nothingHere(): Response {
  return problemResponse(makeProblem(404, 'not-found', 'There is nothing here.'))
}

/** RFC 9110 §15.6: what of ours failed is told in the log; the client learns that he may try again, or not. */
export function failure(parts: HttpParts, request: Request, error: unknown): Response {
  // The client went away in the middle of its request: nobody hears the answer, and nothing of ours failed.
  if (request.signal.aborted) return problemResponse(unavailable)
  parts.events.emit(apiTrouble, { path: new URL(request.url).pathname, error: errorText(error) })
  if (error instanceof StoreUnavailable) return problemResponse(unavailable)
  return problemResponse(makeProblem(500, 'internal', 'Something of ours failed; nothing was promised.'))
}

/** A response that a browser was led to directly runs nothing and can be framed by nobody, unless its mount said what it may. */
const noPage = "default-src 'none'; frame-ancestors 'none'; sandbox"

function hardened(response: Response): Response {
  const wanted: [string, string][] = [
    ['x-content-type-options', 'nosniff'],
    ['content-security-policy', noPage],
  ]
  const missing = wanted.filter(([name]) => !response.headers.has(name))
  if (missing.length === 0) return response
  try {
    for (const [name, value] of missing) response.headers.set(name, value)
    return response
  } catch {
    // Of a redirect, whose fields cannot be changed.
    const headers = new Headers([...response.headers, ...missing])
    return new Response(response.body, { status: response.status, headers })
  }
}
