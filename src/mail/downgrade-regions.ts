// A message as a row of regions (headers, bodies of leaves, what lies between), and what a scan finds in each: what has to be
// known before a message can be converted for a host that takes less than it has (downgrade.ts).
import type { MessageStructure, Part } from './mime/structure.ts'

/** A stretch of the message's octets, `[start, end)`. Regions follow one another without gaps. */
export interface Region {
  readonly start: number
  readonly end: number
  /** `between`: preambles, boundaries, epilogues. */
  readonly kind: 'header' | 'leaf' | 'between'
  /** Whose header or body it is; null between parts. */
  readonly part: Part | null
  /** What it lies in, outermost first, itself left out. */
  readonly ancestors: readonly Part[]
  /** The header of a message, not of a mere part (RFC 2045 §4: MIME-Version belongs there). */
  readonly message: boolean
}

/** What octets a region has. */
export interface RegionFindings {
  /** Octets above 127. */
  readonly eightBit: boolean
  /** A CR or LF alone, or a NUL (RFC 2045 §2.8: not allowed in 8bit data). */
  readonly binary: boolean
  /** A line beyond 998 octets (RFC 2045 §2.7). */
  readonly longLine: boolean
}

/** The regions of a message, in order. */
export function regionsOf(structure: MessageStructure): Region[] {
  const regions: Region[] = []
  let at = 0
  const between = (end: number, ancestors: readonly Part[]) => {
    if (end > at) regions.push({ start: at, end, kind: 'between', part: null, ancestors, message: false })
    at = Math.max(at, end)
  }
  const visit = (part: Part, place: { readonly ancestors: readonly Part[]; readonly message: boolean }) => {
    const { ancestors, message } = place
    between(part.headerStart, ancestors)
    regions.push({ start: at, end: part.bodyStart, kind: 'header', part, ancestors, message })
    at = part.bodyStart
    const inside = [...ancestors, part]
    if (part.message !== null) visit(part.message.root, { ancestors: inside, message: true })
    else if (part.parts.length > 0) {
      for (const child of part.parts) visit(child, { ancestors: inside, message: false })
    } else {
      regions.push({ start: at, end: part.bodyEnd, kind: 'leaf', part, ancestors, message: false })
      at = part.bodyEnd
    }
    between(part.bodyEnd, inside)
  }
  visit(structure.root, { ancestors: [], message: true })
  between(structure.size, [])
  return regions
}

/** RFC 2045 §2.7 and RFC 5322 §2.1.1. */
const longestLine = 998

/** Looks at every octet once, as they come. */
export class RegionScanner {
  readonly #regions: readonly Region[]
  readonly #findings: { eightBit: boolean; binary: boolean; longLine: boolean }[]
  #current = 0
  #offset = 0
  #line = 0
  #afterCr = false

  constructor(regions: readonly Region[]) {
    this.#regions = regions
    this.#findings = regions.map(() => ({ eightBit: false, binary: false, longLine: false }))
  }

  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; at++) this.#take(chunk[at] ?? 0)
  }

  /** By region, in their order. */
  finish(): readonly RegionFindings[] {
    if (this.#afterCr) this.#note('binary')
    return this.#findings
  }

  #take(octet: number): void {
    while (this.#offset >= (this.#regions[this.#current]?.end ?? Number.POSITIVE_INFINITY)) this.#current++
    if (octet > 127) this.#note('eightBit')
    if (octet === 0 || (octet === lf) !== this.#afterCr) this.#note('binary')
    this.#afterCr = octet === cr
    if (octet === lf) this.#line = 0
    else if (++this.#line > longestLine + 1) this.#note('longLine')
    this.#offset++
  }

  #note(what: 'eightBit' | 'binary' | 'longLine'): void {
    const findings = this.#findings[this.#current]
    if (findings !== undefined) findings[what] = true
  }
}

const lf = 10
const cr = 13
