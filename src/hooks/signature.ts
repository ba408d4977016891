// Signatures of the requests that Posthorn sends to operators' HTTP services, in the form of Standard Webhooks 1.0.0: an HMAC-SHA256
// over `id.timestamp.body`, so that neither can be exchanged nor an old request be sent again unnoticed.
import { Buffer } from 'node:buffer'
import { createHmac } from 'node:crypto'
import type { Secret } from '../base/secret.ts'

export interface SignedRequest {
  /** The same for every attempt at the same thing. */
  readonly id: string
  /** Milliseconds since the epoch; sent in seconds. */
  readonly time: number
  readonly body: string
}

/** `webhook-id`, `webhook-timestamp`, and, with a secret, `webhook-signature`. */
export function signatureHeaders(
  { id, time, body }: SignedRequest,
  secret: Secret | null,
): Record<string, string> {
  const timestamp = String(Math.floor(time / 1000))
  const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp }
  if (secret === null) return headers
  const mac = createHmac('sha256', keyOf(secret)).update(`${id}.${timestamp}.${body}`).digest('base64')
  return { ...headers, 'webhook-signature': `v1,${mac}` }
}

/** `whsec_` announces base64; any other text is the key itself. */
function keyOf(secret: Secret): Uint8Array {
  const text = secret.reveal()
  return text.startsWith('whsec_') ? Buffer.from(text.slice(6), 'base64') : Buffer.from(text)
}
