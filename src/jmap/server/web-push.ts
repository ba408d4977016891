// What a push to a service looks like: encrypted for the client where it gave keys (RFC 8291), and signed by this installation (VAPID, RFC
// 8292), with a key that comes from the installation's secret and is the same on every node.
import { Buffer } from 'node:buffer'
import { createECDH, hkdfSync } from 'node:crypto'
import webPush from 'web-push'
import type { JsonObject } from '../proto/json.ts'
import type { PushSubscription } from './push-subscription.ts'

export interface VapidKeys {
  /** Base64url; RFC 9749 §3 `applicationServerKey`. */
  readonly publicKey: string
  readonly privateKey: string
}

/** The order of P-256 (FIPS 186-5, SP 800-186 §3.2.1.3). */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

export function vapidKeysOf(secret: Uint8Array): VapidKeys {
  const octets = Buffer.from(hkdfSync('sha256', secret, '', 'posthorn jmap vapid', 48))
  const scalar = (BigInt(`0x${octets.toString('hex')}`) % (order - 1n)) + 1n
  const key = Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex')
  const curve = createECDH('prime256v1')
  curve.setPrivateKey(key)
  return { publicKey: curve.getPublicKey('base64url'), privateKey: key.toString('base64url') }
}

export interface PushPiece {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** Seconds that a push service may keep it: RFC 8620 §7.2 "The request MUST have a "TTL" header". */
const timeToLive = 86_400
/** RFC 8292 §2: at most a day ahead. */
const signedFor = 12 * 3600

/** `subject`: how the operator of a push service reaches ours (RFC 8292 §2.1). `now` in milliseconds since the epoch. */
export function makePush(
  { url, keys }: Pick<PushSubscription, 'url' | 'keys'>,
  object: JsonObject,
  by: { readonly vapid: VapidKeys; readonly subject: string; readonly now: number },
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
      ttl: String(timeToLive),
      urgency: 'normal',
      authorization: signed.Authorization,
    },
    body: encrypted ?? Buffer.from(text),
  }
}
