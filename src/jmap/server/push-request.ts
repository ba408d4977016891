// One POST to a push service (RFC 8620 §7.2, RFC 8030 §5): a URL that a client gave us, so that it may lead anywhere.
//
// Where it leads is looked up by us at the moment of connecting, and an address that is not of the Internet at large is refused (RFC
// 8620 §8.6); an address in the URL itself too. Redirects are not followed, and the answer's body is not read.
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Clock } from '../../base/clock.ts'
import { type AddressGuard, guardedLookup, leadsInside } from '../../net/guarded-lookup.ts'
import { errorText } from '../../events/error-text.ts'

export interface PushPost {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  readonly timeoutMilliseconds: number
}

export type PushAnswer =
  | { readonly ok: true; readonly status: number; readonly retryAfter: string | null }
  | { readonly ok: false; readonly problem: string }

/** Never rejects. */
export type PushRequest = (post: PushPost) => Promise<PushAnswer>

export interface PushRequestOptions extends AddressGuard {
  readonly clock: Clock
  /** PEM of authorities to trust instead of the system's. */
  readonly authorities?: readonly string[]
}

export function createPushRequest(options: PushRequestOptions): PushRequest {
  return (post) => {
    const result = Promise.withResolvers<PushAnswer>()
    const stop = new AbortController()
    const timer = options.clock.after(post.timeoutMilliseconds, () => stop.abort(new Error('timed out')))
    try {
      send({ post, options, signal: stop.signal, done: result.resolve })
    } catch (error) {
      // A header that cannot be sent.
      result.resolve({ ok: false, problem: errorText(error) })
    }
    return result.promise.finally(() => {
      timer.cancel()
      stop.abort()
    })
  }
}

function send(work: {
  readonly post: PushPost
  readonly options: PushRequestOptions
  readonly signal: AbortSignal
  readonly done: (answer: PushAnswer) => void
}): void {
  const { post, options, signal, done } = work
  const fail = (error: unknown): void =>
    done({ ok: false, problem: errorText(signal.aborted ? signal.reason : error) })
  const url = new URL(post.url)
  if (leadsInside(url, options.isAllowed)) {
    done({ ok: false, problem: 'only private addresses' })
    return
  }
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest
  const outgoing = request(
    url,
    {
      method: 'POST',
      headers: { ...post.headers, 'content-length': String(post.body.length) },
      ...{ signal, agent: false, lookup: guardedLookup(options) },
      ...(options.authorities === undefined ? {} : { ca: [...options.authorities] }),
    },
    (incoming) => {
      const retryAfter = incoming.headers['retry-after'] ?? null
      done({ ok: true, status: incoming.statusCode ?? 0, retryAfter })
      incoming.on('error', () => {})
      incoming.destroy()
    },
  )
  outgoing.on('error', fail)
  outgoing.end(post.body)
}
