// Converts a message for a host that takes less than it has: from 8bit or binary to 7bit, or from binary to 8bit, by encoding
// the bodies that need it and saying so in their headers (RFC 6152 §3, RFC 3030 §3, RFC 2045 §6). Streaming, by the stored structure:
// nothing but one MIME header at a time is held.
//
// Refused, because it would be no conversion but damage: anything inside multipart/signed (RFC 1847 §2.1), 8-bit octets in
// headers and between parts, bodies whose inside is not known (too deep, boundary missing), message types that may
// not be encoded (RFC 2046 §5.2). The decoded content never changes.
import { Buffer } from 'node:buffer'
import { splitHeader } from './header.ts'
import { type Region, RegionScanner, regionsOf, type RegionFindings } from './downgrade-regions.ts'
import { Base64Encoder, QuotedPrintableEncoder, type TransferEncoder } from './transfer-encode.ts'
import type { MessageStructure, Part } from './mime/structure.ts'

/** What the host takes. */
export type TargetBody = '7bit' | '8bit'

/** Why a message cannot be converted. */
export type DowngradeFailure =
  /** A signature covers what would have to change. */
  | 'signed'
  /** Header fields have octets above 127: they need SMTPUTF8, not an encoding (RFC 6532 §3.2). */
  | 'header-eight-bit'
  /** A part whose inside is not known, or may not be encoded. */
  | 'opaque'
  /** A MIME header is longer than the limit. */
  | 'header-too-long'

export type DowngradePlan =
  | { readonly type: 'as-it-is' }
  | { readonly type: 'convert'; readonly steps: readonly Step[] }
  | { readonly type: 'impossible'; readonly failure: DowngradeFailure }

/** What happens to a region. */
type Step =
  | { readonly type: 'copy'; readonly end: number }
  | {
      readonly type: 'header'
      readonly end: number
      readonly encoding: string
      /** RFC 2045 §4: a message that had no MIME header gets one. */
      readonly message: boolean
    }
  | { readonly type: 'encode'; readonly end: number; readonly encoding: Encoding; readonly last: boolean }

type Encoding = 'quoted-printable' | 'base64'

/** Scans a message: push all of its octets, then plan. */
export class DowngradeScan {
  readonly #regions: readonly Region[]
  readonly #scanner: RegionScanner
  readonly #size: number

  constructor(structure: MessageStructure) {
    this.#size = structure.size
    this.#regions = regionsOf(structure)
    this.#scanner = new RegionScanner(this.#regions)
  }

  push(chunk: Uint8Array): void {
    this.#scanner.push(chunk)
  }

  /** What was found; `plan` and `eightBit` may be asked after it. */
  finish(): ScannedMessage {
    return new ScannedMessage(this.#regions, { findings: this.#scanner.finish(), size: this.#size })
  }
}

/** A message whose octets are known. */
export class ScannedMessage {
  readonly #regions: readonly Region[]
  readonly #findings: readonly RegionFindings[]
  readonly #size: number

  constructor(
    regions: readonly Region[],
    { findings, size }: { readonly findings: readonly RegionFindings[]; readonly size: number },
  ) {
    this.#regions = regions
    this.#findings = findings
    this.#size = size
  }

  /** Octets above 127 anywhere. */
  get eightBit(): boolean {
    return this.#findings.some(({ eightBit }) => eightBit)
  }

  /** Octets above 127 in a header, that of the message or of a part: an internationalised message (RFC 6532 §3). */
  get headerEightBit(): boolean {
    return this.#regions.some(({ kind }, at) => kind === 'header' && this.#findings[at]?.eightBit === true)
  }

  /** What has to be done for a host that takes that much. `maxHeader`: octets of a header that may be held. */
  plan(target: TargetBody, { maxHeader }: { readonly maxHeader: number }): DowngradePlan {
    const encoded = new Map<Part, Encoding>()
    const relabelled = new Set<Part>()
    for (const [at, region] of this.#regions.entries()) {
      const findings = this.#findings[at]
      if (findings === undefined) continue
      const failure = considerRegion(region, { findings, target, encoded, relabelled })
      if (failure !== null) return { type: 'impossible', failure }
    }
    if (encoded.size === 0 && relabelled.size === 0) return { type: 'as-it-is' }
    const changed = this.#regions.filter(
      ({ kind, part }) => kind === 'header' && part !== null && (encoded.has(part) || relabelled.has(part)),
    )
    if (changed.some(({ start, end }) => end - start > maxHeader))
      return { type: 'impossible', failure: 'header-too-long' }
    return { type: 'convert', steps: this.#steps(target, encoded, relabelled) }
  }

  #steps(target: TargetBody, encoded: ReadonlyMap<Part, Encoding>, relabelled: ReadonlySet<Part>): Step[] {
    const steps: Step[] = []
    for (const { kind, part, end, message } of this.#regions) {
      const encoding = part === null ? undefined : encoded.get(part)
      if (part !== null && kind === 'header' && (encoding !== undefined || relabelled.has(part))) {
        steps.push({ type: 'header', end, encoding: encoding ?? target, message })
      } else if (kind === 'leaf' && encoding !== undefined) {
        steps.push({ type: 'encode', end, encoding, last: end === this.#size })
      } else steps.push({ type: 'copy', end })
    }
    return steps
  }
}

interface Considered {
  readonly findings: RegionFindings
  readonly target: TargetBody
  readonly encoded: Map<Part, Encoding>
  readonly relabelled: Set<Part>
}

/** What one region needs; null where that can be done. */
function considerRegion(region: Region, considered: Considered): DowngradeFailure | null {
  const { findings, target, encoded, relabelled } = considered
  const { part, ancestors, kind } = region
  const tooMuch = findings.binary || (target === '7bit' && findings.eightBit)
  if (kind !== 'leaf' || part === null) {
    // RFC 6152 §3 changes bodies; what is said outside of them has no encoding that fits.
    if (kind === 'header' && target === '7bit' && findings.eightBit) return 'header-eight-bit'
    return kind === 'between' && tooMuch ? 'opaque' : null
  }
  const labelled = tooMuchByLabel(part, target)
  const lines = findings.longLine && labelled
  if (!tooMuch && !labelled && !lines) return null
  // RFC 1847 §2.1: what is signed must not be changed on the way.
  if (ancestors.some(isSigned)) return tooMuch || lines ? 'signed' : null
  for (const ancestor of ancestors) if (tooMuchByLabel(ancestor, target)) relabelled.add(ancestor)
  if (!tooMuch && !lines) {
    // Labelled for more than it has: the label alone changes.
    relabelled.add(part)
    return null
  }
  // RFC 2046 §5.2: of messages and multiparts only the innermost bodies may be encoded.
  if (part.type === 'multipart' || part.type === 'message' || isEncoded(part)) return 'opaque'
  encoded.set(part, part.type === 'text' ? 'quoted-printable' : 'base64')
  return null
}

function isSigned(part: Part): boolean {
  return part.type === 'multipart' && part.subtype === 'signed'
}

function isEncoded(part: Part): boolean {
  return part.encoding === 'base64' || part.encoding === 'quoted-printable'
}

function tooMuchByLabel({ encoding }: Part, target: TargetBody): boolean {
  return encoding === 'binary' || (target === '7bit' && encoding === '8bit')
}

/** Carries out a plan: push all octets of the message, in order. */
export class Downgrader {
  readonly #steps: readonly Step[]
  #step = 0
  #offset = 0
  #held: Uint8Array[] = []
  #encoder: TransferEncoder | null = null

  constructor(plan: Extract<DowngradePlan, { type: 'convert' }>) {
    this.#steps = plan.steps
  }

  /** What those octets become. */
  push(chunk: Uint8Array): Uint8Array {
    const out: Uint8Array[] = []
    let rest = chunk
    while (rest.length > 0) {
      const step = this.#steps[this.#step]
      if (step === undefined) {
        out.push(rest)
        break
      }
      const piece = rest.subarray(0, step.end - this.#offset)
      rest = rest.subarray(piece.length)
      this.#offset += piece.length
      if (piece.length > 0) out.push(this.#apply(step, piece))
      if (this.#offset >= step.end) {
        out.push(this.#close(step))
        this.#step++
      }
    }
    return Buffer.concat(out)
  }

  #apply(step: Step, piece: Uint8Array): Uint8Array {
    if (step.type === 'copy') return piece
    if (step.type === 'header') {
      this.#held.push(Buffer.from(piece))
      return nothing
    }
    this.#encoder ??= step.encoding === 'base64' ? new Base64Encoder() : new QuotedPrintableEncoder()
    return this.#encoder.push(piece)
  }

  #close(step: Step): Uint8Array {
    if (step.type === 'copy') return nothing
    if (step.type === 'header') {
      const header = Buffer.concat(this.#held).toString('latin1')
      this.#held = []
      return Buffer.from(relabel(header, step), 'latin1')
    }
    const end = this.#encoder?.finish() ?? nothing
    this.#encoder = null
    // A message ends with a line break; the one of base64 is not part of what it encodes.
    return step.last && step.encoding === 'base64' ? Buffer.concat([end, Buffer.from('\r\n')]) : end
  }
}

const nothing = new Uint8Array(0)

/** A header that says how its body is encoded now. */
function relabel(header: string, { encoding, message }: Extract<Step, { type: 'header' }>): string {
  const { fields } = splitHeader(header)
  let out = ''
  let at = 0
  for (const field of fields) {
    if (field.name === 'content-transfer-encoding') out += header.slice(at, field.start)
    else out += header.slice(at, field.end)
    at = field.end
  }
  const has = (name: string) => fields.some((field) => field.name === name)
  if (out !== '' && !out.endsWith('\n')) out += '\r\n'
  if (message && !has('mime-version')) out += 'MIME-Version: 1.0\r\n'
  // RFC 1428 §3: text of a charset that nobody named.
  if (!has('content-type') && message) out += 'Content-Type: text/plain; charset=unknown-8bit\r\n'
  out += `Content-Transfer-Encoding: ${encoding}\r\n`
  const rest = header.slice(at)
  return out + (rest === '' ? '\r\n' : rest)
}
