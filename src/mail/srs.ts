// Sender rewriting: forwarded mail leaves under an address of ours that leads back to its sender, so that the next host's SPF
// check finds us, and bounces come back to us to be passed on.
//
// - `SRS0=HASH=TT=domain=local@ours` wraps a plain sender; `SRS1=HASH=forwarder==REST@ours` wraps an address that another
//   forwarder wrapped, without growing: its bounce goes to that forwarder, which unwraps it.
// - The hash is an HMAC with the installation's secret, so that nobody can make this host send mail to where he likes; the
//   stamp counts days, so that an address leads back for some weeks alone. Both are compared without regard to case, since
//   hosts on the way may fold it.
// - A wrapped address that would be longer than a local part may be is not made (RFC 5321 §4.5.3.1.1).
import { Buffer } from 'node:buffer'
import { createHmac, timingSafeEqual } from 'node:crypto'
import { type Address, formatAddress, tryAddress } from './address.ts'

/** What protects an address of ours that carries another one. */
export interface ReturnPathKey {
  readonly secret: Uint8Array
  /** Characters of the hash, 5 bits each. */
  readonly hashLength: number
}

const dayMilliseconds = 86_400_000
/** The stamp is two characters of 5 bits. */
const stampDays = 1024
const alphabet = 'abcdefghijklmnopqrstuvwxyz234567'

/** An address under `domain` that leads back to `sender`; undefined where it would be too long, or the sender has no domain. */
export function trySrsForward(
  sender: Address,
  options: { domain: string; now: number; key: ReturnPathKey },
): string | undefined {
  const { domain, now, key } = options
  if (sender.domain === null || sender.utf8 || sender.localPart === '') return undefined
  const wrapped = tryWrapped(sender.localPart)
  const local =
    wrapped === undefined
      ? srs0(sender.localPart, sender.domain, { now, key })
      : srs1(wrapped.rest, wrapped.domain ?? sender.domain, key)
  const address = tryAddress(`${local}@${domain}`)
  return address && formatAddress(address)
}

/** Where a bounce to an address of `trySrsForward` belongs; undefined where it is none, is forged, or is too old. */
export function trySrsReverse(
  address: Address,
  options: { now: number; maxAge: number; key: ReturnPathKey },
): Address | undefined {
  const { now, maxAge, key } = options
  const { localPart } = address
  const one = /^srs1[=+-]([a-z2-7]+)=([^=]+)=(.+)$/i.exec(localPart)
  if (one !== null) {
    const [, hash = '', domain = '', rest = ''] = one
    if (!sameHash(hash, hashOf(key, 'srs1', domain, rest))) return undefined
    return tryAddress(`SRS0${rest}@${domain}`)
  }
  const zero = /^srs0[=+-]([a-z2-7]+)=([a-z2-7]{2})=([^=]+)=(.+)$/i.exec(localPart)
  if (zero === null) return undefined
  const [, hash = '', stamp = '', domain = '', local = ''] = zero
  if (!sameHash(hash, hashOf(key, 'srs0', stamp, domain, local))) return undefined
  if (ageOf(stamp, now) * dayMilliseconds > maxAge) return undefined
  return tryAddress(`${local}@${domain}`)
}

/** A hash over parts, in lower case, for addresses that carry others. */
export function hashOf(key: ReturnPathKey, purpose: string, ...parts: readonly string[]): string {
  const hmac = createHmac('sha256', key.secret)
  hmac.update(`posthorn ${purpose}\0${parts.join('\0').toLowerCase()}`)
  let text = ''
  for (const octet of hmac.digest().subarray(0, key.hashLength)) text += alphabet[octet & 31]
  return text
}

/** Without regard to case, in a time that tells nothing. */
export function sameHash(given: string, wanted: string): boolean {
  const one = Buffer.from(given.toLowerCase())
  const other = Buffer.from(wanted)
  return one.length === other.length && timingSafeEqual(one, other)
}

function srs0(local: string, domain: string, options: { now: number; key: ReturnPathKey }): string {
  const stamp = stampOf(options.now)
  return `SRS0=${hashOf(options.key, 'srs0', stamp, domain, local)}=${stamp}=${domain}=${local}`
}

function srs1(rest: string, domain: string, key: ReturnPathKey): string {
  return `SRS1=${hashOf(key, 'srs1', domain, rest)}=${domain}=${rest}`
}

/** What another forwarder wrapped: for SRS1 with the domain of the first one. `rest` begins with its separator. */
function tryWrapped(localPart: string): { rest: string; domain: string | undefined } | undefined {
  const one = /^srs1[=+-][^=]+=([^=]+)=(.+)$/i.exec(localPart)
  if (one !== null) return { domain: one[1], rest: one[2] ?? '' }
  const zero = /^srs0([=+-].+=.+=.+=.+)$/i.exec(localPart)
  return zero === null ? undefined : { domain: undefined, rest: zero[1] ?? '' }
}

function stampOf(now: number): string {
  const day = Math.floor(now / dayMilliseconds) % stampDays
  return `${alphabet[day >> 5]}${alphabet[day & 31]}`
}

/** Days since the stamp; a stamp of tomorrow (a clock that was set back) counts as new. */
function ageOf(stamp: string, now: number): number {
  const lower = stamp.toLowerCase()
  const day = alphabet.indexOf(lower.charAt(0)) * 32 + alphabet.indexOf(lower.charAt(1))
  const age = ((Math.floor(now / dayMilliseconds) % stampDays) - day + stampDays) % stampDays
  return age === stampDays - 1 ? 0 : age
}
