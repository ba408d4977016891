// The MIME walk: a message goes in as chunks of any size, its structure comes out (RFC 2045, RFC 2046, RFC 5322).
//
// Invariants:
// - The structure depends on the bytes alone, never on where a chunk ends.
// - Memory is bounded by `MimeLimits`: one header, one unfinished line that may be a delimiter, two samples for the
//   preview, and the structure itself. Bodies pass by.
// - Time is linear in the bytes: each line is looked at once, and a delimiter is found by a map, however deep the nesting.
// - Nothing throws. What is broken or beyond a limit is an opaque body, and `defects` says so.
//
// A delimiter line is `--boundary`, or `--boundary--`, and nothing but white space behind it (RFC 2046 §5.1.1
// `transport-padding`), so that a boundary which is the beginning of another one never closes it. deviates: the prose of
// RFC 2046 §5.1.1 would let any text follow the boundary, its grammar doesn't.
import { Buffer } from 'node:buffer'
import { parameter } from '../parameters.ts'
import { HeaderCollector } from './collector.ts'
import { ParsedHeader, Purse, type TraceHeader } from './entity.ts'
import { defaultMimeLimits, type MimeLimits } from './limits.ts'
import { previewOf, type TextSample } from './preview.ts'
import {
  emptyEnvelope,
  type EntityHeader,
  type EmbeddedMessage,
  type Envelope,
  type MessageStructure,
  type Part,
} from './structure.ts'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** A part that has begun and not ended. */
interface OpenPart {
  readonly part: Mutable<Part>
  /** Children are added here; it is `part.parts` seen as writable. */
  readonly children: Part[]
  /** RFC 2046 §5.1.5: the default type inside multipart/digest. */
  readonly digest: boolean
  /** Line feeds before the body. */
  linesBefore: number
  /** The delimiter that this multipart looks for; null for others and after its close delimiter. */
  boundary: string | null
  /** The outer multipart that used the same boundary, or -1: it is found again once this one is closed. */
  shadowed: number
}

const lf = 10
const cr = 13
const dash = 45
/** RFC 5322 §2.1.1: no line is longer than 998 octets, so a longer one is no delimiter, padding included. */
const longestDelimiter = 1_000

/** Walks one message. `push` its bytes in order, then `finish` once. */
export class MimeWalker {
  readonly #purse: Purse
  readonly #header: HeaderCollector
  readonly #open: OpenPart[] = []
  /** Delimiters looked for, and the place in `#open` of the multipart that each belongs to. */
  readonly #boundaries = new Map<string, number>()
  #parts = 0
  #mode: 'header' | 'body' = 'header'
  /** After the limit of parts nothing is a delimiter any more. */
  #frozen = false

  /** Octets of the chunks before the current one. */
  #base = 0
  #lines = 0
  #bareNewline = false
  /** The last octet before the current chunk. */
  #previous = 0
  /** Where the current line starts, from the first octet of the message. */
  #lineStart = 0
  /** Of the line before: the length of its line break, and of its content. */
  #breakLength = 0
  #lastLineLength = 0
  /** The current line, as far as it came in earlier chunks and may still be a delimiter. */
  #carry: Buffer = nothing
  #carryLength = 0
  #carryDead = false

  #sample: {
    readonly of: OpenPart
    readonly bytes: Uint8Array
    length: number
    subtype: 'plain' | 'html'
  } | null = null
  #htmlSample: TextSample | null = null
  #preview = ''

  #envelope: Envelope | null = null
  #trace: TraceHeader | null = null

  constructor(limits: Partial<MimeLimits> = {}) {
    this.#purse = new Purse({ ...defaultMimeLimits, ...limits })
    this.#header = new HeaderCollector(this.#purse)
    this.#begin(0, null)
  }

  /** Takes the next bytes; keeps no reference to them. */
  push(chunk: Uint8Array): void {
    const { length } = chunk
    if (length === 0) return
    let at = 0
    while (at < length) at = this.#mode === 'header' ? this.#readHeader(chunk, at) : this.#readBody(chunk, at)
    this.#previous = chunk[length - 1] ?? 0
    this.#base += length
  }

  /** The end of the message; the walker is used up. */
  finish(): MessageStructure {
    this.#finishLine()
    if (this.#mode === 'header') {
      this.#purse.note('header-unfinished')
      this.#endHeader(this.#base)
      // An embedded message that starts at the very end has an empty header of its own.
      while (this.#mode === 'header') this.#endHeader(this.#base)
    }
    for (const open of this.#open) if (open.boundary !== null) this.#purse.note('boundary-unclosed')
    const root = this.#open[0]?.part
    this.#closeFrom(0, this.#base)
    if (this.#bareNewline) this.#purse.note('bare-newline')
    // The constructor begins the root and the loop above reads its header, so neither can be missing.
    if (root === undefined || this.#envelope === null || this.#trace === null)
      throw new Error('walk without a root')
    const characters = this.#purse.limits.previewCharacters
    const html = this.#htmlSample
    const preview = this.#preview === '' && html !== null ? previewOf(html, characters) : this.#preview
    const envelope = this.#envelope
    return { size: this.#base, envelope, root, preview, ...this.#trace, defects: this.#purse.defects }
  }

  /** Reads header lines from `from`; returns where it stopped: behind the header, or at the end of the chunk. */
  #readHeader(chunk: Uint8Array, from: number): number {
    let at = from
    while (at < chunk.length) {
      const newline = indexOfNewline(chunk, at)
      if (newline < 0) {
        this.#header.add(chunk, from, at)
        // What may be a delimiter is no header yet.
        if (!this.#carryPartial(chunk, at)) this.#header.add(chunk, at, chunk.length)
        return chunk.length
      }
      const delimiter = this.#delimiterText(chunk, at, newline)
      if (delimiter !== null) {
        // A delimiter ends the header that it stands in; `#delimiter` asks for the header's text.
        this.#header.add(chunk, from, at)
        if (this.#delimiter(delimiter, this.#base + newline + 1)) return newline + 1
        from = at
      }
      this.#releaseCarry()
      this.#endLine(chunk, newline)
      at = newline + 1
      if (this.#lastLineLength === 0) {
        this.#header.add(chunk, from, at)
        this.#endHeader(this.#base + at)
        return at
      }
    }
    this.#header.add(chunk, from, chunk.length)
    return chunk.length
  }

  /** The line that was held back as a possible delimiter is none: in a header it is header. */
  #releaseCarry(): void {
    if (this.#mode === 'header') this.#header.add(this.#carry, 0, this.#carryLength)
    this.#carryLength = 0
  }

  /** Reads body lines from `from`; returns where a new header starts, or the end of the chunk. */
  #readBody(chunk: Uint8Array, from: number): number {
    const watching = this.#boundaries.size > 0 && !this.#frozen
    let at = from
    while (at < chunk.length) {
      const newline = indexOfNewline(chunk, at)
      if (newline < 0) {
        this.#carryPartial(chunk, at)
        break
      }
      if (watching && (chunk[at] === dash || this.#carryLength > 0)) {
        const delimiter = this.#delimiterText(chunk, at, newline)
        if (delimiter !== null) {
          this.#addToSample(chunk, from, at)
          if (this.#delimiter(delimiter, this.#base + newline + 1)) return newline + 1
          from = at
        }
      }
      this.#endLine(chunk, newline)
      at = newline + 1
    }
    this.#addToSample(chunk, from, chunk.length)
    return chunk.length
  }

  #endLine(chunk: Uint8Array, newline: number): void {
    const before = newline > 0 ? chunk[newline - 1] : this.#previous
    const length = this.#base + newline - this.#lineStart
    const hasCr = before === cr && length > 0
    this.#breakLength = hasCr ? 2 : 1
    this.#lastLineLength = hasCr ? length - 1 : length
    if (!hasCr) this.#bareNewline = true
    this.#lines++
    this.#lineStart += length + 1
    this.#carryLength = 0
    this.#carryDead = false
  }

  /** The chunk ends inside a line: keeps what came of it if it may be a delimiter; false where it can't be. */
  #carryPartial(chunk: Uint8Array, from: number): boolean {
    if (this.#carryDead) return false
    const length = this.#carryLength + chunk.length - from
    const first = this.#carryLength > 0 ? this.#carry[0] : chunk[from]
    const watching = this.#boundaries.size > 0 && !this.#frozen
    if (!watching || first !== dash || length > longestDelimiter) {
      this.#carryDead = true
      this.#releaseCarry()
      return false
    }
    if (this.#carry.length === 0) this.#carry = Buffer.alloc(longestDelimiter)
    this.#carry.set(chunk.subarray(from), this.#carryLength)
    this.#carryLength = length
    return true
  }

  /** The line that ends at `newline` if it may be a delimiter, without white space at its end; else null. */
  #delimiterText(chunk: Uint8Array, from: number, newline: number): string | null {
    if (this.#boundaries.size === 0 || this.#frozen || this.#carryDead) return null
    const carried = this.#carryLength
    if (carried + newline - from > longestDelimiter) return null
    if ((carried > 0 ? this.#carry[0] : chunk[from]) !== dash) return null
    if ((carried > 1 ? this.#carry[1] : chunk[from + 1 - carried]) !== dash) return null
    const view = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    const head = carried > 0 ? this.#carry.toString('latin1', 0, carried) : ''
    return trimEnd(head + view.toString('latin1', from, newline))
  }

  /** The last line has no line break: it may still be a delimiter. */
  #finishLine(): void {
    const text = this.#carryLength === 0 ? '' : trimEnd(this.#carry.toString('latin1', 0, this.#carryLength))
    const found = text.startsWith('--') ? this.#findBoundary(text) : null
    if (found === null) {
      this.#releaseCarry()
      return
    }
    this.#closeInner(found.level)
    // Nothing can follow, so an opening delimiter opens nothing.
    if (found.closes) this.#closeBoundary(found.level)
  }

  /** Acts on a line that may be a delimiter; false where it is none. */
  #delimiter(text: string, lineEnd: number): boolean {
    const found = this.#findBoundary(text)
    if (found === null) return false
    const multipart = this.#open[found.level]
    if (multipart === undefined) return false
    if (!found.closes && this.#parts >= this.#purse.limits.parts) {
      // The part that was reached takes in all the rest, this line included.
      this.#purse.note('parts-limit')
      this.#frozen = true
      return false
    }
    this.#closeInner(found.level)
    this.#lines++
    this.#breakLength = this.#lastLineLength = 0
    this.#lineStart = lineEnd
    this.#carryLength = 0
    this.#carryDead = false
    if (found.closes) this.#closeBoundary(found.level)
    else this.#begin(lineEnd, multipart)
    return true
  }

  /** RFC 2046 §5.1.1: `dash-boundary` or `dash-boundary "--"`; the innermost multipart of that boundary. */
  #findBoundary(text: string): { level: number; closes: boolean } | null {
    const key = text.slice(2)
    const level = this.#boundaries.get(key)
    if (level !== undefined) return { level, closes: false }
    if (!key.endsWith('--')) return null
    const closing = this.#boundaries.get(trimEnd(key.slice(0, -2)))
    return closing === undefined ? null : { level: closing, closes: true }
  }

  /** Ends everything inside the multipart at `level`, before the line break that belongs to the delimiter. */
  #closeInner(level: number): void {
    const inner = this.#open[this.#open.length - 1]
    const start = this.#mode === 'header' && inner !== undefined ? inner.part.headerStart : 0
    const end = Math.max(start, this.#lineStart - this.#breakLength)
    while (this.#mode === 'header') {
      this.#purse.note('header-unfinished')
      this.#endHeader(end)
    }
    for (let at = level + 1; at < this.#open.length; at++) {
      if (this.#open[at]?.boundary !== null) this.#purse.note('boundary-unclosed')
    }
    // An empty line that ends a header belongs to it, even if the delimiter would claim it too.
    this.#closeFrom(level + 1, Math.max(end, this.#open[this.#open.length - 1]?.part.bodyStart ?? 0))
  }

  /** Ends the parts from that place of `#open` on; the delimiter or the end of the message is at `#lineStart`. */
  #closeFrom(level: number, end: number): void {
    for (let at = this.#open.length - 1; at >= level; at--) {
      const open = this.#open[at]
      if (open === undefined) continue
      if (open.boundary !== null) this.#closeBoundary(at)
      const { part } = open
      part.bodyEnd = Math.max(part.bodyStart, end)
      part.lines = this.#linesOf(open, end)
      if (this.#sample?.of === open) this.#endSample(open)
    }
    this.#open.length = Math.min(this.#open.length, level)
    this.#mode = 'body'
  }

  /** Lines of a body that ends at `end`; an unfinished last line counts. */
  #linesOf(open: OpenPart, end: number): number {
    const { part, linesBefore } = open
    if (end <= part.bodyStart) return 0
    // At a delimiter the last line break is the delimiter's; at the end of the message the last line may be unfinished.
    if (end < this.#lineStart) return this.#lines - linesBefore - 1 + (this.#lastLineLength > 0 ? 1 : 0)
    return this.#lines - linesBefore + (end > this.#lineStart ? 1 : 0)
  }

  #closeBoundary(level: number): void {
    const open = this.#open[level]
    if (open?.boundary == null) return
    if (open.shadowed >= 0) this.#boundaries.set(open.boundary, open.shadowed)
    else this.#boundaries.delete(open.boundary)
    open.boundary = null
  }

  /** A part begins, or the message itself. */
  #begin(headerStart: number, parent: OpenPart | null): OpenPart {
    const children: Part[] = []
    const part: Mutable<Part> = { ...blankPart, headerStart, parts: children }
    const digest = parent !== null && parent.part.type === 'multipart' && parent.part.subtype === 'digest'
    const open = { part, children, digest, linesBefore: 0, boundary: null, shadowed: -1 }
    if (parent !== null && parent.part.type === 'multipart') parent.children.push(part)
    this.#open.push(open)
    this.#parts++
    this.#mode = 'header'
    this.#header.begin()
    return open
  }

  /** The header of the innermost part ends at `bodyStart`. */
  #endHeader(bodyStart: number): void {
    const open = this.#open[this.#open.length - 1]
    this.#mode = 'body'
    if (open === undefined) return
    const parsed = new ParsedHeader(this.#header.take(), this.#purse)
    const entity = parsed.entity(open.digest)
    Object.assign(open.part, entity)
    open.part.bodyStart = bodyStart
    open.linesBefore = this.#lines
    if (this.#envelope === null) {
      this.#envelope = parsed.envelope()
      this.#trace = parsed.trace()
    }
    const holder = this.#holderOf(open)
    if (holder !== null) holder.envelope = parsed.envelope()
    if (entity.type === 'multipart') this.#openMultipart(open, entity)
    else if (isMessage(entity)) this.#openMessage(open, entity, bodyStart)
    else if (entity.type === 'text') this.#startSample(open, entity)
  }

  /** The message/rfc822 part of which this is the inside, as a writable value. */
  #holderOf(open: OpenPart): Mutable<EmbeddedMessage> | null {
    const outer = this.#open[this.#open.length - 2]
    return outer?.part.message?.root === open.part ? outer.part.message : null
  }

  #openMultipart(open: OpenPart, entity: EntityHeader): void {
    if (!isIdentity(entity.encoding)) this.#purse.note('composite-encoded')
    const boundary = trimEnd(parameter(entity.parameters, 'boundary') ?? '')
    if (boundary === '' || boundary.length > this.#purse.limits.boundaryOctets) {
      this.#purse.note('boundary-missing')
      return
    }
    if (this.#open.length >= this.#purse.limits.depth) {
      this.#purse.note('depth-limit')
      return
    }
    open.boundary = boundary
    open.shadowed = this.#boundaries.get(boundary) ?? -1
    this.#boundaries.set(boundary, this.#open.length - 1)
  }

  #openMessage(open: OpenPart, entity: EntityHeader, bodyStart: number): void {
    const { depth, parts } = this.#purse.limits
    if (!isIdentity(entity.encoding)) this.#purse.note('composite-encoded')
    else if (this.#open.length >= depth) this.#purse.note('depth-limit')
    else if (this.#parts >= parts) this.#purse.note('parts-limit')
    else {
      const inner = this.#begin(bodyStart, open)
      open.part.message = { envelope: emptyEnvelope, root: inner.part }
    }
  }

  #startSample(open: OpenPart, entity: EntityHeader): void {
    if (this.#preview !== '' || entity.disposition?.type === 'attachment') return
    const { previewPlainOctets, previewHtmlOctets } = this.#purse.limits
    const { subtype } = entity
    // Only what was filled is ever read; a small piece of a shared pool costs far less than a buffer of its own.
    if (subtype === 'plain') {
      this.#sample = { of: open, bytes: Buffer.allocUnsafe(previewPlainOctets), length: 0, subtype }
    } else if (subtype === 'html' && this.#htmlSample === null) {
      this.#sample = { of: open, bytes: Buffer.allocUnsafe(previewHtmlOctets), length: 0, subtype }
    }
  }

  #addToSample(chunk: Uint8Array, from: number, to: number): void {
    const sample = this.#sample
    if (sample === null || sample.length === sample.bytes.length) return
    const stop = Math.min(to, from + sample.bytes.length - sample.length)
    sample.bytes.set(chunk.subarray(from, stop), sample.length)
    sample.length += stop - from
  }

  #endSample(open: OpenPart): void {
    const sample = this.#sample
    this.#sample = null
    if (sample === null) return
    const { part } = open
    // The sample ran on to the delimiter; the line break before it is no text.
    const length = Math.min(sample.length, part.bodyEnd - part.bodyStart)
    const charset = parameter(part.parameters, 'charset') ?? null
    const bytes = sample.bytes.subarray(0, length)
    const text: TextSample = { subtype: sample.subtype, bytes, encoding: part.encoding, charset }
    if (text.subtype === 'html') this.#htmlSample = text
    else this.#preview = previewOf(text, this.#purse.limits.previewCharacters)
  }
}

const nothing = Buffer.alloc(0)

const blankPart: Part = {
  headerStart: 0,
  bodyStart: 0,
  bodyEnd: 0,
  lines: 0,
  type: 'text',
  subtype: 'plain',
  parameters: [],
  id: null,
  description: null,
  encoding: '7bit',
  disposition: null,
  language: [],
  location: null,
  md5: null,
  parts: [],
  message: null,
}

/** RFC 2046 §5.2.1, and RFC 6532 §3.7 for message/global. */
function isMessage(entity: EntityHeader): boolean {
  return entity.type === 'message' && (entity.subtype === 'rfc822' || entity.subtype === 'global')
}

/** RFC 2045 §6.2: encodings that change nothing. */
function isIdentity(encoding: string): boolean {
  return encoding !== 'base64' && encoding !== 'quoted-printable'
}

const shortLine = 8

/** `indexOf` costs as much as reading a few octets; short lines are read by hand, so that no input is slow. */
function indexOfNewline(chunk: Uint8Array, from: number): number {
  const near = Math.min(chunk.length, from + shortLine)
  for (let at = from; at < near; at++) if (chunk[at] === lf) return at
  return near === chunk.length ? -1 : chunk.indexOf(lf, near)
}

/** Without CR, space and tab at the end. */
function trimEnd(text: string): string {
  let end = text.length
  while (end > 0) {
    const unit = text.charCodeAt(end - 1)
    if (unit !== cr && unit !== 32 && unit !== 9) break
    end--
  }
  return end === text.length ? text : text.slice(0, end)
}
