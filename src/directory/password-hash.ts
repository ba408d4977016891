// Password hashes: argon2id (RFC 9106) by node:crypto, written as PHC strings
// `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>` (base64 without padding).
//
// A hash that came from elsewhere keeps its own parameters, within bounds: a stored string must not be able to make a
// log-in take gigabytes or minutes.
import { Buffer } from 'node:buffer'
import { argon2, timingSafeEqual } from 'node:crypto'

/** The cost of a hash. */
export interface Argon2Cost {
  /** KiB. */
  readonly memory: number
  readonly passes: number
  readonly parallelism: number
}

export interface Argon2Hash extends Argon2Cost {
  readonly salt: Uint8Array
  readonly tag: Uint8Array
}

const tagLength = 32
export const argon2SaltLength = 16
/** The most that an imported hash may cost: 1 GiB, 100 passes, 16 lanes. */
const ceiling: Argon2Cost = { memory: 1_048_576, passes: 100, parallelism: 16 }

const phc =
  /^\$argon2id\$v=19\$m=([1-9]\d{0,9}),t=([1-9]\d{0,9}),p=([1-9]\d{0,4})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{16,172})$/

/** The hash, or undefined where the text is none, or costs more than we are ready to pay. */
export function tryParsePhc(text: string): Argon2Hash | undefined {
  const match = phc.exec(text)
  if (match === null) return undefined
  const [, m, t, p, salt = '', tag = ''] = match
  const cost = { memory: Number(m), passes: Number(t), parallelism: Number(p) }
  const affordable =
    cost.memory <= ceiling.memory && cost.passes <= ceiling.passes && cost.parallelism <= ceiling.parallelism
  // RFC 9106 §3.1: at least 8 KiB for each lane.
  if (!affordable || cost.memory < 8 * cost.parallelism) return undefined
  return { ...cost, salt: Buffer.from(salt, 'base64'), tag: Buffer.from(tag, 'base64') }
}

export function formatPhc(hash: Argon2Hash): string {
  const { memory, passes, parallelism, salt, tag } = hash
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(salt)}$${unpadded(tag)}`
}

/** A new hash. The work is done off the main thread. */
export async function hashPassword(
  password: string,
  cost: Argon2Cost,
  salt: Uint8Array,
): Promise<Argon2Hash> {
  return { ...cost, salt, tag: await derive(password, cost, salt, tagLength) }
}

/** True when the password has that hash. Takes the same time for right and wrong. */
export async function verifyPassword(password: string, hash: Argon2Hash): Promise<boolean> {
  const tag = await derive(password, hash, hash.salt, hash.tag.byteLength)
  return timingSafeEqual(tag, hash.tag)
}

/** True when a hash was made with other costs than those wanted now. */
export function isOutdated(hash: Argon2Hash, wanted: Argon2Cost): boolean {
  const { memory, passes, parallelism } = wanted
  return hash.memory !== memory || hash.passes !== passes || hash.parallelism !== parallelism
}

function derive(password: string, cost: Argon2Cost, nonce: Uint8Array, length: number): Promise<Buffer> {
  const parameters = {
    message: Buffer.from(password),
    nonce,
    parallelism: cost.parallelism,
    tagLength: length,
    memory: cost.memory,
    passes: cost.passes,
  }
  return new Promise((resolve, reject) => {
    argon2('argon2id', parameters, (error, tag) => (error === null ? resolve(tag) : reject(error)))
  })
}

function unpadded(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '')
}
