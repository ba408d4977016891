// The content of a message: from DATA by its dots (RFC 5321 §4.5.2), from BDAT by count (RFC 3030 §2).
//
// - DATA ends at CRLF "." CRLF and nothing else; a bare CR or LF is reported at once, since that is how mail is smuggled
//   (RFC 5321 §2.3.8, §4.1.1.4). A chunk is never unstuffed.
// - Content is handed on as views of what arrived; it is copied only where a dot must go. Nothing of a message is kept.
// - Searching is done by the engine's own search over a Latin-1 view, several times faster than a loop over octets.
import { Buffer } from 'node:buffer'

const CR = 0x0d
const LF = 0x0a
const DOT = 0x2e
const nothing = Buffer.alloc(0)

/** What one call of `DataReader.read` made of its octets. */
export interface DataPiece {
  /** `end`: the final dot has come. `bare-newline`: the session must end. */
  readonly status: 'more' | 'end' | 'bare-newline'
  /** Content, unstuffed; empty where there is none. */
  readonly content: Uint8Array
  /** How many octets of the input belong to the message, final dot included. */
  readonly used: number
}

/** How a message stops. */
interface Stop {
  readonly status: 'end' | 'bare-newline'
  readonly used: number
}

/** Where in a line the last octet was. */
type LinePosition = 'line-start' | 'text' | 'cr' | 'dot' | 'dot-cr'

/** Octets searched at a time: bounds the cost of many small messages in one chunk. */
const window = 16_384

/** A CR or LF out of order, a dot at the start of a line, or NUL: all that needs a look. */
const remarkable = /\r(?!\n)|(?<!\r)\n|\n\.|\0/g

/** The content of DATA. One object per message. */
export class DataReader {
  /** A NUL has come. */
  hasNul = false
  /** A line was longer than `maxLineSize`. */
  hasLongLine = false
  readonly #lines: LineMeter
  #position: LinePosition = 'line-start'

  constructor(maxLineSize: number) {
    this.#lines = new LineMeter(maxLineSize)
  }

  read(bytes: Buffer): DataPiece {
    const kept = new Keeper(bytes)
    let at = 0
    while (at < bytes.length) {
      const stop = this.#readWindow(bytes, at, kept)
      if (typeof stop !== 'number') {
        const content = kept.finish(stop.used)
        this.#measure(content)
        return { status: stop.status, content, used: stop.used }
      }
      at = stop
    }
    const content = kept.finish(bytes.length)
    this.#measure(content)
    return { status: 'more', content, used: bytes.length }
  }

  #measure(content: Uint8Array): void {
    if (!this.hasLongLine) this.hasLongLine = this.#lines.exceeds(content)
  }

  /** Goes on from `at`; gives the next position, or how the message stopped. */
  #readWindow(bytes: Buffer, at: number, kept: Keeper): number | Stop {
    const next = this.#position === 'text' ? null : this.#readEdge(bytes, at, kept)
    if (next !== null) return next
    this.#position = 'text'
    const end = Math.min(at + window, bytes.length)
    const text = bytes.toString('latin1', at, end)
    remarkable.lastIndex = 0
    for (let match = remarkable.exec(text); match !== null; match = remarkable.exec(text)) {
      const { index } = match
      if (match[0] === '\0') this.hasNul = true
      else if (match[0] === '\n.') {
        if (!isStuffed(text, index + 1)) {
          this.#position = 'line-start'
          return at + index + 1
        }
        kept.skip(at + index + 1)
      } else if (match[0] === '\r' && index === text.length - 1) {
        this.#position = 'cr'
        return end
      } else return { status: 'bare-newline', used: at + index }
    }
    if (text.charCodeAt(text.length - 1) === LF) this.#position = 'line-start'
    return end
  }

  /** One octet where a line begins, or where the last one left a question; null where it is text like any other. */
  #readEdge(bytes: Buffer, at: number, kept: Keeper): number | Stop | null {
    const octet = bytes[at]
    switch (this.#position) {
      case 'line-start':
        if (octet !== DOT) break
        // RFC 5321 §4.5.2: the first of the line is deleted, whatever follows.
        kept.skip(at)
        this.#position = 'dot'
        return at + 1
      case 'dot':
        if (octet !== CR) break
        kept.skip(at)
        this.#position = 'dot-cr'
        return at + 1
      case 'cr':
        if (octet !== LF) return { status: 'bare-newline', used: at }
        this.#position = 'line-start'
        return at + 1
      case 'dot-cr':
        if (octet !== LF) return { status: 'bare-newline', used: at }
        kept.skip(at)
        // RFC 5321 §4.1.1.4: only CRLF "." CRLF ends the message; its first CRLF belongs to the content.
        return { status: 'end', used: at + 1 }
      case 'text':
        break
    }
    return octet === LF ? { status: 'bare-newline', used: at } : null
  }
}

/** True where a dot that begins a line is surely not the last line's, so that the search may go on behind it. */
function isStuffed(text: string, dot: number): boolean {
  const after = text.charCodeAt(dot + 1)
  return after !== CR && after !== LF && dot + 1 < text.length
}

/** Gathers content from a chunk: as one view where nothing inside is left out, else in a copy. */
class Keeper {
  readonly #bytes: Buffer
  /** The first stretch; the only one unless a dot was stuffed. */
  #first: Buffer | null = null
  #copy: Buffer | null = null
  #copied = 0
  /** Where the stretch that has not been kept begins. */
  #start = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** Leaves out the octet at `at`. */
  skip(at: number): void {
    this.#keep(at)
    this.#start = at + 1
  }

  finish(end: number): Uint8Array {
    this.#keep(end)
    if (this.#copy !== null) return this.#copy.subarray(0, this.#copied)
    return this.#first ?? nothing
  }

  #keep(end: number): void {
    if (end <= this.#start) return
    if (this.#first === null) {
      this.#first = this.#bytes.subarray(this.#start, end)
      return
    }
    if (this.#copy === null) {
      this.#copy = Buffer.allocUnsafe(this.#bytes.length)
      this.#copied = this.#first.copy(this.#copy)
    }
    this.#copied += this.#bytes.copy(this.#copy, this.#copied, this.#start, end)
  }
}

/** Watches the length of lines (CRLF included) across pieces. */
class LineMeter {
  readonly #limit: number
  #length = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  exceeds(content: Uint8Array): boolean {
    if (this.#limit === 0) return false
    let at = 0
    for (let lf = content.indexOf(LF); lf >= 0; lf = content.indexOf(LF, at)) {
      if (this.#length + lf + 1 - at > this.#limit) return true
      this.#length = 0
      at = lf + 1
    }
    this.#length += content.length - at
    return this.#length > this.#limit
  }
}

const remarkableInChunk = /\r(?!\n)|(?<!\r)\n|\0/g

/** Looks at chunks of text (BDAT without BINARYMIME) for what may not be there; changes nothing. One per message. */
export class ChunkScanner {
  hasNul = false
  hasBareNewline = false
  hasLongLine = false
  readonly #lines: LineMeter
  #afterCr = false

  constructor(maxLineSize: number) {
    this.#lines = new LineMeter(maxLineSize)
  }

  scan(bytes: Buffer): void {
    if (!this.hasLongLine) this.hasLongLine = this.#lines.exceeds(bytes)
    for (let at = 0; at < bytes.length && !this.hasBareNewline; at += window) {
      this.#scanWindow(bytes, at, Math.min(at + window, bytes.length))
    }
  }

  /** The message is whole: a CR at its end is bare too. */
  finish(): void {
    if (this.#afterCr) this.hasBareNewline = true
  }

  #scanWindow(bytes: Buffer, start: number, end: number): void {
    let from = start
    if (this.#afterCr) {
      if (bytes[from] !== LF) this.hasBareNewline = true
      this.#afterCr = false
      from++
    }
    const text = bytes.toString('latin1', from, end)
    remarkableInChunk.lastIndex = 0
    for (let match = remarkableInChunk.exec(text); match !== null; match = remarkableInChunk.exec(text)) {
      if (match[0] === '\0') this.hasNul = true
      else if (match[0] === '\r' && match.index === text.length - 1) this.#afterCr = true
      else this.hasBareNewline = true
    }
  }
}
