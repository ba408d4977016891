// One POST of JSON to a service of the operator's, and its answer, both bounded in size and time. Redirects are not followed: what
// was configured is what is asked, and nothing else ever sees a message.
import { Buffer } from 'node:buffer'
import type { Clock } from '../base/clock.ts'
import type { Secret } from '../base/secret.ts'
import { within } from './parts.ts'
import { signatureHeaders } from './signature.ts'

/** `fetch`, as an argument. */
export type HttpFetch = (
  url: string,
  request: {
    readonly method: 'POST'
    readonly headers: Record<string, string>
    readonly body: string
    readonly redirect: 'manual'
    readonly signal: AbortSignal
  },
) => Promise<Response>

export interface PostedJson {
  readonly url: string
  /** Of the request, for its signature. */
  readonly id: string
  readonly body: string
  readonly secret: Secret | null
  /** Milliseconds, for the whole answer. */
  readonly timeout: number
  /** Octets. */
  readonly maxAnswer: number
}

export interface HttpAnswer {
  readonly status: number
  readonly body: Uint8Array
}

/** Rejects where there was no answer in time, or a larger one. */
export function postJson(
  request: PostedJson,
  { httpFetch, clock }: { httpFetch: HttpFetch; clock: Clock },
): Promise<HttpAnswer> {
  const { url, id, body, secret, timeout, maxAnswer } = request
  return within(timeout, clock, async (signal) => {
    const response = await httpFetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'Posthorn',
        ...signatureHeaders({ id, time: clock.now(), body }, secret),
      },
      body,
      redirect: 'manual',
      signal,
    })
    return { status: response.status, body: await readBody(response, maxAnswer) }
  })
}

async function readBody(response: Response, limit: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let octets = 0
  // Leaving the loop gives the stream up.
  for await (const piece of response.body ?? []) {
    octets += piece.length
    if (octets > limit) throw new Error(`the answer has more than ${limit} octets`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}
