// One small https request: for MTA-STS policies (RFC 8461 §3.3) and access tokens (RFC 6749 §6).
//
// Certificates are verified, redirects are not followed, size and time are bounded, and names are looked up by our own
// resolver, so that a name that leads to this machine or its network is refused where the relay would refuse it.
import { request as httpsRequest } from 'node:https'
import { Buffer } from 'node:buffer'
import type { Clock } from '../base/clock.ts'
import type { Resolver } from '../base/resolver.ts'
import { errorText } from '../events/error-text.ts'
import { guardedLookup, leadsInside } from '../net/guarded-lookup.ts'
import { isPublicAddress } from '../net/public-address.ts'

export interface HttpsQuery {
  readonly url: URL
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly maxOctets: number
  readonly timeoutMilliseconds: number
}

export type HttpsAnswer =
  | { readonly ok: true; readonly status: number; readonly contentType: string; readonly body: string }
  | { readonly ok: false; readonly problem: string }

/** Asks; never rejects. */
export type HttpsRequest = (query: HttpsQuery) => Promise<HttpsAnswer>

export interface HttpsOptions {
  readonly resolver: Pick<Resolver, 'a' | 'aaaa'>
  readonly clock: Clock
  readonly allowPrivate: boolean
  /** PEM of authorities to trust instead of the system's. */
  readonly authorities?: readonly string[]
}

/** The real one. */
export function createHttpsRequest(options: HttpsOptions): HttpsRequest {
  return (query) => {
    if (query.url.protocol !== 'https:') return Promise.resolve({ ok: false, problem: 'not https' })
    const result = Promise.withResolvers<HttpsAnswer>()
    const stop = new AbortController()
    const timer = options.clock.after(query.timeoutMilliseconds, () => stop.abort(new Error('timed out')))
    send({ query, options, signal: stop.signal, done: result.resolve })
    return result.promise.finally(() => {
      timer.cancel()
      stop.abort()
    })
  }
}

function send(work: {
  readonly query: HttpsQuery
  readonly options: HttpsOptions
  readonly signal: AbortSignal
  readonly done: (answer: HttpsAnswer) => void
}): void {
  const { query, options, signal, done } = work
  const fail = (error: unknown) =>
    done({ ok: false, problem: errorText(signal.aborted ? signal.reason : error) })
  const isAllowed = options.allowPrivate ? () => true : isPublicAddress
  if (leadsInside(query.url, isAllowed)) {
    done({ ok: false, problem: 'only private addresses' })
    return
  }
  const outgoing = httpsRequest(
    query.url,
    {
      method: query.method,
      headers: query.headers,
      signal,
      agent: false,
      lookup: guardedLookup({ resolver: options.resolver, isAllowed }),
      ...(options.authorities === undefined ? {} : { ca: [...options.authorities] }),
    },
    (incoming) => {
      const parts: Uint8Array[] = []
      let octets = 0
      incoming.on('data', (part: Uint8Array) => {
        octets += part.length
        if (octets <= query.maxOctets) parts.push(part)
        else {
          done({ ok: false, problem: `the answer is longer than ${query.maxOctets} octets` })
          outgoing.destroy()
        }
      })
      incoming.on('end', () =>
        done({
          ok: true,
          status: incoming.statusCode ?? 0,
          contentType: incoming.headers['content-type'] ?? '',
          body: Buffer.concat(parts).toString('utf8'),
        }),
      )
      incoming.on('error', fail)
    },
  )
  outgoing.on('error', fail)
  outgoing.end(query.body)
}
