// What a push to a service looks like: encrypted for the client where it gave keys (RFC 8291), and signed by this installation (VAPID, RFC
// 8292). Loaded with the first push.
import { Buffer } from 'node:buffer'
import webPush from 'web-push'
import type { JsonObject } from '../proto/json.ts'
import type { PushSubscription } from './push-subscription.ts'
import type { VapidKeys } from './vapid.ts'

export interface PushPiece {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** RFC 8292 §2: at most a day ahead. */
const signedFor = 12 * 3600

/** `subject`: how the operator of a push service reaches ours (RFC 8292 §2.1). `now` in milliseconds since the epoch. */
export function makePush(
  { url, keys }: Pick<PushSubscription, 'url' | 'keys'>,
  object: JsonObject,
  by: {
    readonly vapid: VapidKeys
    readonly subject: string
    readonly now: number
    /** Milliseconds that a push service may keep it. */
    readonly timeToLive: number
  },
): PushPiece {
  const text = JSON.stringify(object)
  const encrypted =
    keys === null ? null : webPush.encrypt(keys.p256dh, keys.auth, text, 'aes128gcm').cipherText
  const { origin } = new URL(url)
  const expiration = Math.trunc(by.now / 1000) + signedFor
  const signed = webPush.getVapidHeaders(
    origin,
    by.subject,
    by.vapid.publicKey,
    by.vapid.privateKey,
    'aes128gcm',
    expiration,
  )
  return {
    headers: {
      // RFC 8620 §7.2: "MUST have a content type of "application/json"".
      'content-type': 'application/json',
      ...(encrypted === null ? {} : { 'content-encoding': 'aes128gcm' }),
      // RFC 8620 §7.2: "The request MUST have a "TTL" header".
      ttl: String(Math.floor(by.timeToLive / 1000)),
      urgency: 'normal',
      authorization: signed.Authorization,
    },
    body: encrypted ?? Buffer.from(text),
  }
}
