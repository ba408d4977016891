// Push subscriptions (RFC 8620 §7.2) as they are kept: an object of the account for each, with what the client gave, what verifies it, and
// with which credentials it was made.
import { Buffer } from 'node:buffer'
import type { AccountId, ModSeq, ObjectId } from '../../store/model.ts'
import type { StoredObject } from '../../store/objects.ts'
import { where, record, string } from '../proto/shape.ts'

/** RFC 8291 §3.1, §3.2. */
export interface PushKeys {
  readonly p256dh: string
  readonly auth: string
}

export interface PushRecord {
  readonly deviceClientId: string
  readonly url: string
  readonly keys: PushKeys | null
  readonly verificationCode: string
  /** The client has told us the code: RFC 8620 §7.2.2 lets us push from then on. */
  readonly isVerified: boolean
  /** Null: all. */
  readonly types: readonly string[] | null
  /** RFC 8620 §7.2: "tied to the credentials used to authenticate the API request that created it". */
  readonly credential: string
}

export interface PushSubscription extends PushRecord {
  readonly account: AccountId
  readonly object: ObjectId
  readonly modSeq: ModSeq
  /** Milliseconds since the epoch; null: with its credentials. */
  readonly expiresAt: number | null
}

export function subscriptionOf(
  account: AccountId,
  { id, value, modSeq, expiresAt }: StoredObject,
): PushSubscription {
  // Written by `writeRecord` alone.
  return { ...(JSON.parse(value) as PushRecord), account, object: id, modSeq, expiresAt }
}

export function writeRecord(subscription: PushRecord): string {
  const { deviceClientId, url, keys, verificationCode, isVerified, types, credential } = subscription
  return JSON.stringify({ deviceClientId, url, keys, verificationCode, isVerified, types, credential })
}

/** RFC 8620 §7.2 `id`. */
export function subscriptionId(object: ObjectId): string {
  return `P${object}`
}

export function trySubscriptionNumber(id: string): ObjectId | undefined {
  // Numbers of the store's; one that is nobody's finds nothing.
  return /^P[1-9]\d{0,14}$/.test(id) ? (Number(id.slice(1)) as ObjectId) : undefined
}

const octetsOf = (text: string): number =>
  /^[A-Za-z0-9_-]*={0,2}$/.test(text) ? Buffer.from(text, 'base64url').length : -1

/** RFC 8620 §7.2 `keys`: an uncompressed point of P-256, and 16 octets. */
export const pushKeys = record({
  p256dh: where(string, (text) =>
    octetsOf(text) === 65 && Buffer.from(text, 'base64url')[0] === 4
      ? null
      : 'a P-256 public key in base64url is wanted',
  ),
  auth: where(string, (text) => (octetsOf(text) === 16 ? null : '16 octets in base64url are wanted')),
})
