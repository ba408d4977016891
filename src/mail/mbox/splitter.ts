// An mbox file, chunk by chunk, into its messages: mboxo, mboxrd, mboxcl and mboxcl2 alike.
//
// - A message begins with a From_ line at the start of the file or behind an empty line, which belongs to the file and not to
//   the message before.
// - Quoting of lines that begin with `From ` is undone: one `>` goes from each `>From `, `>>From ` … (mboxrd; mboxo only knows
//   the first). A file in which an unquoted one is proven to be text (mboxcl2) quotes nothing.
// - Content-Length is believed only where it makes sense: it decides about a From_ line inside the body when a message (or the
//   end) follows exactly where it points. Until that is seen the octets between are held, at most `held` of them.
// - Never throws, and is linear; what stands before the first From_ line is dropped and told by `lostOctets`.
import { Buffer } from 'node:buffer'
import { isFromLine } from './from-line.ts'

export type MboxEvent =
  | { readonly type: 'begin'; readonly fromLine: string; readonly offset: number }
  /** Octets of the message, line ends as they stand. Valid until the next call. */
  | { readonly type: 'data'; readonly bytes: Uint8Array }
  | { readonly type: 'end' }

export interface MboxOptions {
  /** Default `auto`: mboxrd until the file proves to be mboxcl2. */
  readonly quoting?: 'auto' | 'mboxrd' | 'mboxo' | 'none'
  /** Octets held to find out what Content-Length is worth. Default 4 MB. */
  readonly held?: number
}

const LF = 10
const CR = 13
/** Of a line that has not ended: a From_ line or field is never longer. */
const longestLine = 4_096
/** `>` before `From ` that are looked at. */
export const longestQuote = 1_000
const nothing = Buffer.alloc(0)

/** A From_ line inside the body that Content-Length announces, and what came since. */
interface Doubt {
  readonly lines: { readonly line: Buffer; readonly isPart: boolean }[]
  size: number
  /** The empty line that parts two messages has come. */
  isParted: boolean
}

interface Facts {
  readonly fromLine: string | undefined
  readonly isPart: boolean
}

export class MboxSplitter {
  readonly #held: number
  #quoting: 'auto' | 'mboxrd' | 'mboxo' | 'none'
  #carry: Buffer = nothing
  #inLongLine = false
  #place: 'before' | 'header' | 'body' = 'before'
  /** The line before was empty. */
  #afterEmpty = false
  /** That line, where it may belong to the file and not to the message. */
  #pendingEmpty: Buffer | null = null
  #offset = 0
  /** What the header said of the body. */
  #announced: number | null = null
  /** Of the body, still to come by Content-Length. */
  #left: number | null = null
  #doubt: Doubt | null = null
  #isReplaying = false
  #events: MboxEvent[] = []
  /** Octets before the first From_ line. */
  lostOctets = 0

  constructor(options: MboxOptions = {}) {
    this.#quoting = options.quoting ?? 'auto'
    this.#held = options.held ?? 4 * 1024 * 1024
  }

  push(bytes: Uint8Array): MboxEvent[] {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const input = this.#carry.length === 0 ? chunk : Buffer.concat([this.#carry, chunk])
    let at = 0
    for (;;) {
      const lf = input.indexOf(LF, at)
      if (lf < 0) break
      this.#line(input.subarray(at, lf + 1), this.#inLongLine)
      at = lf + 1
    }
    const rest = input.subarray(at)
    this.#carry = nothing
    if (rest.length > longestLine || (this.#inLongLine && rest.length > 0)) {
      this.#line(rest, this.#inLongLine)
      this.#inLongLine = true
    } else this.#carry = Buffer.from(rest)
    return this.#take()
  }

  /** The end of the file. */
  finish(): MboxEvent[] {
    if (this.#carry.length > 0) this.#line(this.#carry, this.#inLongLine)
    this.#carry = nothing
    if (this.#doubt !== null) this.#settle(this.#left === 0)
    if (this.#place !== 'before') this.#events.push({ type: 'end' })
    this.#place = 'before'
    return this.#take()
  }

  #take(): MboxEvent[] {
    const events = this.#events
    this.#events = []
    return events
  }

  /** A line with its end, or a part of one that is too long to mean anything. */
  #line(line: Buffer, isPart: boolean): void {
    if (line.at(-1) === LF) this.#inLongLine = false
    const fromLine = isPart ? undefined : this.#tryFromLine(line)
    if (this.#doubt !== null) this.#hold(line, { fromLine, isPart })
    else if (fromLine !== undefined && (this.#left ?? 0) > 0) {
      this.#doubt = { lines: [], size: 0, isParted: false }
      this.#hold(line, { fromLine: undefined, isPart })
    } else this.#plain(line, { fromLine, isPart })
    this.#afterEmpty = !isPart && isEmptyLine(line)
  }

  /** A line whose meaning is plain. */
  #plain(line: Buffer, { fromLine, isPart }: Facts): void {
    if (fromLine !== undefined) this.#begin(fromLine)
    else if (this.#place === 'before') this.lostOctets += line.length
    else if (this.#place === 'header') this.#headerLine(line, isPart)
    else this.#bodyLine(line, isPart)
    this.#offset += line.length
  }

  #tryFromLine(line: Buffer): string | undefined {
    if (line[0] !== 0x46 || line.length > longestLine) return undefined
    if (this.#place !== 'before' && !this.#afterEmpty) return undefined
    const text = withoutEnd(line)
    return isFromLine(text) ? text : undefined
  }

  #begin(fromLine: string): void {
    if (this.#place !== 'before') this.#events.push({ type: 'end' })
    this.#events.push({ type: 'begin', fromLine, offset: this.#offset })
    this.#place = 'header'
    this.#pendingEmpty = null
    this.#left = null
    this.#announced = null
  }

  #headerLine(line: Buffer, isPart: boolean): void {
    this.#events.push({ type: 'data', bytes: isPart ? line : this.#unquoted(line) })
    if (isPart) return
    if (isEmptyLine(line)) {
      this.#place = 'body'
      const isBelieved = !this.#isReplaying && (this.#quoting === 'auto' || this.#quoting === 'none')
      this.#left = isBelieved ? this.#announced : null
    } else if (line.length < 60 && (line[0] === 0x43 || line[0] === 0x63)) {
      const length = /^content-length:[ \t]*(\d{1,15})\s*$/i.exec(line.toString('latin1'))
      if (length !== null) this.#announced = Number(length[1])
    }
  }

  #bodyLine(line: Buffer, isPart: boolean): void {
    if (this.#left !== null) this.#left -= line.length
    if (this.#pendingEmpty !== null) this.#events.push({ type: 'data', bytes: this.#pendingEmpty })
    this.#pendingEmpty = null
    if (isPart) this.#events.push({ type: 'data', bytes: line })
    else if (isEmptyLine(line)) this.#pendingEmpty = Buffer.from(line)
    else this.#events.push({ type: 'data', bytes: this.#unquoted(line) })
  }

  /** While it is open what the From_ line means. The body must end exactly where it was announced, before a message or the end. */
  #hold(line: Buffer, { fromLine, isPart }: Facts): void {
    const doubt = this.#doubt
    if (doubt === null) return
    if (this.#left === 0 && fromLine !== undefined) {
      this.#settle(true)
      this.#plain(line, { fromLine, isPart })
      return
    }
    doubt.lines.push({ line: Buffer.from(line), isPart })
    doubt.size += line.length
    if (this.#left === 0 && !doubt.isParted && !isPart && isEmptyLine(line)) doubt.isParted = true
    else this.#left = (this.#left ?? 0) - line.length
    if ((this.#left ?? 0) < 0 || doubt.size > this.#held) this.#settle(false)
  }

  #settle(isText: boolean): void {
    const { lines } = this.#doubt ?? { lines: [] }
    this.#doubt = null
    this.#left = null
    if (isText) {
      if (this.#quoting === 'auto') this.#quoting = 'none'
      for (const { line, isPart } of lines) this.#plain(line, { fromLine: undefined, isPart })
      return
    }
    this.#isReplaying = true
    this.#afterEmpty = true
    for (const { line, isPart } of lines) this.#line(line, isPart)
    this.#isReplaying = false
  }

  #unquoted(line: Buffer): Buffer {
    if (this.#quoting === 'none' || line[0] !== 0x3e) return line
    let at = 1
    if (this.#quoting !== 'mboxo') while (line[at] === 0x3e && at < longestQuote) at++
    return line.toString('latin1', at, at + 5) === 'From ' ? line.subarray(1) : line
  }
}

function isEmptyLine(line: Buffer): boolean {
  return (line.length === 1 && line[0] === LF) || (line.length === 2 && line[0] === CR && line[1] === LF)
}

function withoutEnd(line: Buffer): string {
  const end = line.length - (line.at(-1) === LF ? (line.at(-2) === CR ? 2 : 1) : 0)
  return line.toString('latin1', 0, end)
}
