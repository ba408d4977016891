// Cuts the byte stream of an IMAP client into lines and literals, before any grammar runs.
//
// Invariants: nothing is kept beyond the limits, wherever the network cuts the bytes; a literal is only read after the
// session has said what to do with it; work is linear in the octets received. A line ends with CRLF: a bare LF ends
// the line too (else a client could hide a command in it), but the command is reported as malformed and never parsed.
//
// The owner pulls with `next`. After a `literal` fragment it must call `collect`, `stream` or `refuse` before it pulls
// again. What follows `{`digits`}` or `{`digits`+}` at the end of a line is a literal whatever stands before it
// (RFC 7888 §3: the receiver checks the end of every line); `{-1}` and `{}` are not literals and the grammar refuses them.
import { Buffer } from 'node:buffer'

/** A stretch of a command's lines as a binary string (no CRLF, no `{n}`), and the literal that followed it. */
export interface CommandPart {
  readonly text: string
  readonly literal: Uint8Array | null
}

/** What came next on the wire. */
export type Fragment =
  /** A whole command: its last part has no literal. */
  | { readonly type: 'command'; readonly parts: readonly CommandPart[] }
  /** A literal is announced. `parts` is the command up to it (the last one's literal still null). */
  | {
      readonly type: 'literal'
      readonly parts: readonly CommandPart[]
      /** Octets; beyond 2^53 saturated. */
      readonly size: number
      readonly synchronizing: boolean
      /** Over the limit for an argument. */
      readonly tooBig: boolean
    }
  /** Octets of a literal that is being streamed. An empty literal comes as one empty, last chunk. */
  | { readonly type: 'chunk'; readonly bytes: Uint8Array; readonly last: boolean }
  /** A command that will not be parsed; the rest of it is dropped. `head` has its first octets, for the tag. */
  | { readonly type: 'refused'; readonly reason: 'line-too-long' | 'bare-newline'; readonly head: string }
  /** A dropped command went on and on: end the session. */
  | { readonly type: 'hopeless' }

/** The part of `ImapLimits` that framing needs. */
export interface FragmentLimits {
  readonly line: number
  readonly literal: number
  readonly command: number
  readonly drain: number
}

type Mode =
  | { readonly name: 'line' }
  | { readonly name: 'decide'; readonly text: string; readonly size: number; readonly synchronizing: boolean }
  | { readonly name: 'collect'; readonly text: string; readonly pieces: Uint8Array[]; left: number }
  | { readonly name: 'stream'; left: number }
  | { readonly name: 'drain'; left: number }
  | { readonly name: 'hopeless' }

const lineFeed = 10
const carriageReturn = 13
/** `{` + 20 digits + `+}` + CR: what must be kept of a line's end to see a literal there. */
const tailKept = 25

/** The framing of one session. */
export class Fragmenter {
  #limits: FragmentLimits
  readonly #chunks: Uint8Array[] = []
  #offset = 0
  #buffered = 0
  #mode: Mode = { name: 'line' }
  #parts: CommandPart[] = []
  /** Octets of `#parts`. */
  #size = 0
  #line: Uint8Array[] = []
  #lineLength = 0
  /** The current command is dropped up to its end; how much of it was dropped already. */
  #dropping: { dropped: number } | null = null

  constructor(limits: FragmentLimits) {
    this.#limits = limits
  }

  /** Other limits from the next octet on: after log-in. */
  setLimits(limits: FragmentLimits): void {
    this.#limits = limits
  }

  /** Takes bytes; keeps references to them. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#chunks.push(bytes)
    this.#buffered += bytes.length
  }

  /** Octets received and not yet looked at. */
  get buffered(): number {
    return this.#buffered
  }

  /** Whether a command has begun and not ended. */
  get inCommand(): boolean {
    return (
      this.#mode.name !== 'line' || this.#parts.length > 0 || this.#lineLength > 0 || this.#dropping !== null
    )
  }

  /** The next fragment, or undefined until more bytes come. */
  next(): Fragment | undefined {
    for (;;) {
      const mode = this.#mode
      if (mode.name === 'hopeless') return { type: 'hopeless' }
      if (mode.name === 'decide') throw new Error('a literal waits for a decision')
      if (mode.name === 'stream') return this.#nextChunk(mode)
      if (mode.name === 'line') {
        const line = this.#takeLine()
        if (line === undefined) return undefined
        const fragment = line === null ? this.#tooLong() : this.#endLine(line)
        if (fragment !== undefined) return fragment
        continue
      }
      if (mode.left > 0) {
        const bytes = this.#take(mode.left)
        if (bytes === undefined) return undefined
        mode.left -= bytes.length
        if (mode.name === 'collect') mode.pieces.push(bytes)
        continue
      }
      if (mode.name === 'collect') {
        this.#parts.push({ text: mode.text, literal: Buffer.concat(mode.pieces) })
      }
      this.#mode = { name: 'line' }
    }
  }

  /** Reads the announced literal into the command. */
  collect(): void {
    const { text, size } = this.#decide()
    this.#size += size
    this.#mode = { name: 'collect', text, pieces: [], left: size }
  }

  /** Hands the announced literal out in chunks; what follows it comes as a `literal` or `command` with fresh parts. */
  stream(): void {
    const { size } = this.#decide()
    this.#begin()
    this.#mode = { name: 'stream', left: size }
  }

  /**
   * Drops the announced literal and the rest of its command. A synchronizing literal is never sent once the command has
   * been answered; of a non-synchronizing one up to `drain` octets are read and dropped, else the answer is `hopeless`.
   */
  refuse(drain: number = this.#limits.drain): 'dropped' | 'hopeless' {
    const { size, synchronizing } = this.#decide()
    this.#begin()
    this.#mode = { name: 'line' }
    if (synchronizing) return 'dropped'
    if (size > drain) {
      this.#mode = { name: 'hopeless' }
      return 'hopeless'
    }
    this.#dropping = { dropped: 0 }
    this.#mode = { name: 'drain', left: size }
    return 'dropped'
  }

  /** Drops the rest of a literal that is being streamed, and of its command. */
  abandon(): void {
    const left = this.#mode.name === 'stream' ? this.#mode.left : 0
    this.#begin()
    this.#dropping = { dropped: 0 }
    this.#mode = { name: 'drain', left }
  }

  #decide(): Extract<Mode, { name: 'decide' }> {
    if (this.#mode.name !== 'decide') throw new Error('no literal is announced')
    return this.#mode
  }

  #begin(): void {
    this.#parts = []
    this.#size = 0
  }

  #nextChunk(mode: Extract<Mode, { name: 'stream' }>): Fragment | undefined {
    if (mode.left === 0) {
      this.#mode = { name: 'line' }
      return { type: 'chunk', bytes: new Uint8Array(0), last: true }
    }
    const bytes = this.#take(mode.left)
    if (bytes === undefined) return undefined
    mode.left -= bytes.length
    const last = mode.left === 0
    if (last) this.#mode = { name: 'line' }
    return { type: 'chunk', bytes, last }
  }

  /** At most `length` octets from the front of what is buffered. */
  #take(length: number): Uint8Array | undefined {
    const head = this.#chunks[0]
    if (head === undefined) return undefined
    const end = Math.min(head.length, this.#offset + length)
    const bytes = head.subarray(this.#offset, end)
    this.#buffered -= bytes.length
    if (end === head.length) {
      this.#chunks.shift()
      this.#offset = 0
    } else {
      this.#offset = end
    }
    return bytes
  }

  /** A line without its LF (the CR still there), once it is whole; null where it is too long. Each octet is looked at once. */
  #takeLine(): string | null | undefined {
    for (;;) {
      const head = this.#chunks[0]
      if (head === undefined) return undefined
      const at = head.indexOf(lineFeed, this.#offset)
      const length = (at === -1 ? head.length : at) - this.#offset
      // The CR may be one octet over the limit.
      if (this.#dropping === null && this.#lineLength + length > this.#limits.line + 1) return null
      const bytes = this.#take(length) ?? new Uint8Array(0)
      this.#keep(length === 0 ? new Uint8Array(0) : bytes)
      if (at === -1) {
        if (this.#dropping !== null && this.#dropping.dropped > this.#limits.drain) return ''
        continue
      }
      this.#take(1)
      const text = Buffer.concat(this.#line).toString('latin1')
      this.#line = []
      this.#lineLength = 0
      return text
    }
  }

  #keep(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#line.push(bytes)
    this.#lineLength += bytes.length
    if (this.#dropping === null) return
    this.#dropping.dropped += bytes.length
    // Of a dropped line only its end matters: a literal may be announced there.
    if (this.#lineLength > 4 * tailKept) {
      this.#line = [Uint8Array.from(Buffer.concat(this.#line).subarray(-tailKept))]
      this.#lineLength = tailKept
    }
  }

  #tooLong(): Fragment {
    const first = this.#parts[0]?.text ?? ''
    const head = this.#parts.length > 0 ? first : this.#lineHead()
    this.#begin()
    this.#dropping = { dropped: this.#lineLength }
    return { type: 'refused', reason: 'line-too-long', head: head.slice(0, 200) }
  }

  #lineHead(): string {
    const here = this.#chunks[0]?.subarray(this.#offset, this.#offset + 200) ?? new Uint8Array(0)
    return Buffer.concat([...this.#line, here])
      .subarray(0, 200)
      .toString('latin1')
  }

  #endLine(raw: string): Fragment | undefined {
    const dropping = this.#dropping
    const crlf = raw.length > 0 && raw.charCodeAt(raw.length - 1) === carriageReturn
    const line = crlf ? raw.slice(0, -1) : raw
    const announced = tryLiteral(line)
    if (dropping !== null) {
      if (dropping.dropped > this.#limits.drain) {
        this.#mode = { name: 'hopeless' }
        return { type: 'hopeless' }
      }
      if (announced === undefined || announced.synchronizing) {
        this.#dropping = null
        return undefined
      }
      dropping.dropped += announced.size
      this.#mode =
        dropping.dropped > this.#limits.drain ? { name: 'hopeless' } : { name: 'drain', left: announced.size }
      return undefined
    }
    const parts = this.#parts
    if (!crlf) {
      const head = parts[0]?.text ?? line
      this.#begin()
      return { type: 'refused', reason: 'bare-newline', head: head.slice(0, 200) }
    }
    if (announced === undefined) {
      this.#begin()
      return { type: 'command', parts: [...parts, { text: line, literal: null }] }
    }
    const { text, size, synchronizing } = announced
    this.#size += text.length
    const tooBig = size > this.#limits.literal || this.#size + size > this.#limits.command
    this.#mode = { name: 'decide', text, size, synchronizing }
    return { type: 'literal', parts: [...parts, { text, literal: null }], size, synchronizing, tooBig }
  }
}

/** `literal = "{" number ["+"] "}" CRLF *CHAR8` (RFC 7888 §8) at the end of a line, looked for from the end. */
function tryLiteral(line: string): { text: string; size: number; synchronizing: boolean } | undefined {
  let at = line.length - 1
  if (line.charCodeAt(at) !== 0x7d) return undefined
  at--
  const synchronizing = line.charCodeAt(at) !== 0x2b
  if (!synchronizing) at--
  const end = at + 1
  while (at >= 0 && isDigit(line.charCodeAt(at))) at--
  if (at < 0 || at + 1 === end || line.charCodeAt(at) !== 0x7b) return undefined
  const digits = line.slice(at + 1, end)
  const size = Math.min(Number(digits), Number.MAX_SAFE_INTEGER)
  return { text: line.slice(0, at), size, synchronizing }
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}
