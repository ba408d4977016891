// A message made fit for one host: what its capabilities forbid is converted where the standards let us, or refused with the
// status that says why. The bytes are streamed; a small message is read once.
import { Buffer, isAscii } from 'node:buffer'
import { DowngradeScan, Downgrader, type DowngradePlan } from '../mail/downgrade.ts'
import { formatAddressAscii, tryAddress } from '../mail/address.ts'
import type { MessageOptions } from '../mail/delivery-options.ts'
import type { MessageStructure } from '../mail/mime/structure.ts'
import type { Capabilities } from '../smtp/client/capabilities.ts'

/** A message as a lane carries it, whoever brought it. */
export interface Parcel {
  /** What people call it: the name of the queue, or of a delivery that is not queued. */
  readonly name: string
  readonly options: MessageOptions
  /** Trace fields before the body's octets, with CRLFs. */
  readonly prefix: string
  /** Octets without the prefix. */
  readonly bodySize: number
  /** All of it at once where that is cheap, without the prefix. */
  readonly small: () => Promise<Uint8Array | undefined>
  readonly read: () => AsyncIterable<Uint8Array>
  /** Offsets count from the first octet after the prefix. */
  readonly structure: () => MessageStructure
}

export interface Prepared {
  readonly type: 'ready'
  readonly options: MessageOptions
  readonly size: number
  readonly eightBit: boolean
  readonly content: () => AsyncIterable<Uint8Array>
}

export interface CannotGo {
  readonly type: 'cannot-go'
  /** In the form of a reply. */
  readonly reply: string
  readonly status: string
  /** Another host of the same domain may take it. */
  readonly elsewhere: boolean
}

export interface PrepareOptions {
  readonly capabilities: Capabilities
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly maxHeader: number
}

/** Makes it fit. Rejects where the store does. */
export async function prepare(parcel: Parcel, options: PrepareOptions): Promise<Prepared | CannotGo> {
  const { capabilities, now } = options
  const prefix = Buffer.from(parcel.prefix, 'utf8')
  const size = prefix.length + parcel.bodySize
  // RFC 1870 §6.1: known to be too long, it is not even offered.
  if (capabilities.size !== null && capabilities.size > 0 && size > capabilities.size) {
    return cannot(`552 5.3.4 The message has ${size} octets, and the host takes ${capabilities.size}`)
  }
  if (isTooLate(parcel.options, { capabilities, now })) {
    // RFC 2852 §4.1.4.1: mode R goes to no host that would not keep the time.
    const late = cannot('554 5.4.7 The host cannot be held to the time of delivery that was asked for')
    return { ...late, elsewhere: (parcel.options.deliverBy?.at ?? 0) > now }
  }
  const small = await parcel.small()
  const bytes = small === undefined ? null : Buffer.concat([prefix, small])
  // What a sender says of 8-bit octets is not to be trusted (many send them without a word); of a long message only reading it
  // would tell, which is done where the host could not take them.
  const eightBit = bytes === null || !isAscii(bytes)
  const plain: Prepared = {
    type: 'ready',
    options: parcel.options,
    size,
    eightBit,
    content: bytes === null ? () => streamed(prefix, parcel.read()) : () => atOnce(bytes),
  }
  return fit(plain, { parcel, prefix, small, ...options })
}

function isTooLate(
  { deliverBy }: MessageOptions,
  { capabilities, now }: { readonly capabilities: Capabilities; readonly now: number },
): boolean {
  if (deliverBy?.mode !== 'return') return false
  if (capabilities.deliverBy === null) return true
  return deliverBy.at - now < Math.max(1, capabilities.deliverBy.minimum) * 1000
}

interface Fitting extends PrepareOptions {
  readonly parcel: Parcel
  readonly prefix: Uint8Array
  readonly small: Uint8Array | undefined
}

/** RFC 6531 §3.5, RFC 6152 §3, RFC 3030 §3: what the host lacks. */
async function fit(plain: Prepared, fitting: Fitting): Promise<Prepared | CannotGo> {
  const { capabilities, maxHeader } = fitting
  const { options, eightBit } = plain
  const noUtf8 = options.smtpUtf8 && !capabilities.smtpUtf8
  const noBinary = options.body === 'BINARYMIME' && !capabilities.binaryMime
  const noEightBit = eightBit && !capabilities.eightBitMime
  if (!noUtf8 && !noBinary && !noEightBit) return plain
  const lowered = { ...options, smtpUtf8: options.smtpUtf8 && capabilities.smtpUtf8 }
  if (!eightBit && !noBinary) return { ...plain, options: lowered }
  const scan = new DowngradeScan(fitting.parcel.structure())
  for await (const chunk of bodyOf(fitting)) scan.push(chunk)
  const scanned = scan.finish()
  // RFC 6531 §3.5: a message whose header needs SMTPUTF8 cannot go to a host without it.
  if (noUtf8 && scanned.headerEightBit)
    return cannot('554 5.6.7 The header of the message needs SMTPUTF8, which the host does not offer')
  const body = capabilities.eightBitMime && scanned.eightBit ? '8BITMIME' : '7BIT'
  const ready: Prepared = { ...plain, options: { ...lowered, body }, eightBit: scanned.eightBit }
  if (!noBinary && !noEightBit) return { ...ready, options: lowered }
  const plan = scanned.plan(capabilities.eightBitMime ? '8bit' : '7bit', { maxHeader })
  if (plan.type === 'as-it-is') return ready
  if (plan.type === 'impossible') return impossible(plan.failure, noBinary ? 'binary' : 'eight-bit')
  return converted({ ...ready, eightBit: body === '8BITMIME' }, { plan, fitting })
}

/** The message with a plan carried out: once to measure it, again each time that it is sent. */
async function converted(
  ready: Prepared,
  { plan, fitting }: { plan: Extract<DowngradePlan, { type: 'convert' }>; fitting: Fitting },
): Promise<Prepared> {
  const { prefix } = fitting
  async function* body(): AsyncGenerator<Uint8Array> {
    const downgrader = new Downgrader(plan)
    for await (const chunk of bodyOf(fitting)) {
      const out = downgrader.push(chunk)
      if (out.length > 0) yield out
    }
  }
  let size = prefix.length
  for await (const chunk of body()) size += chunk.length
  return { ...ready, size, content: () => streamed(prefix, body()) }
}

function bodyOf({ parcel, small }: Fitting): AsyncIterable<Uint8Array> {
  return small === undefined ? parcel.read() : atOnce(small)
}

function impossible(
  failure: Extract<DowngradePlan, { type: 'impossible' }>['failure'],
  from: 'binary' | 'eight-bit',
): CannotGo {
  if (failure === 'header-eight-bit')
    return cannot('554 5.6.7 The header of the message has octets above 127, which the host does not take')
  const why = failure === 'signed' ? 'its signature would break' : 'its parts are not known well enough'
  // RFC 3463 §3.7: 5.6.1 media not supported, 5.6.3 conversion required but not supported.
  return cannot(
    from === 'binary'
      ? `554 5.6.1 The host does not take BINARYMIME, and the message cannot be converted: ${why}`
      : `554 5.6.3 The host does not take 8BITMIME, and the message cannot be converted: ${why}`,
  )
}

function cannot(reply: string): CannotGo {
  return { type: 'cannot-go', reply, status: reply.split(' ', 2)[1] ?? '5.6.0', elsewhere: false }
}

async function* streamed(prefix: Uint8Array, body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (prefix.length > 0) yield prefix
  yield* body
}

// oxlint-disable-next-line require-await -- the interface is that of a stream
async function* atOnce(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

/**
 * How an address is said to that host: as it is, or with its domain in A-labels where the host knows no SMTPUTF8 (RFC 6531
 * §3.7); null where it cannot be said at all.
 */
export function pathFor(address: string, capabilities: Capabilities): string | null {
  if (capabilities.smtpUtf8 || isAscii(Buffer.from(address))) return address
  const parsed = tryAddress(address, { utf8: true })
  if (parsed === undefined || !isAscii(Buffer.from(parsed.localPart))) return null
  return formatAddressAscii(parsed)
}
