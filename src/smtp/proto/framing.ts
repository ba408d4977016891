// From octets to command lines: what stands between the wire and the grammar. Content is content.ts.
//
// A command line ends in CRLF and nothing else. A CR without LF, or an LF without CR, is reported at once and never reaches
// the grammar, since whoever sends one may mean two lines by it (RFC 5321 §2.3.8). Memory is bounded: one unfinished
// line of at most the limit.
import { Buffer } from 'node:buffer'

/** What `CommandLines.next` found. */
export type CommandLine =
  | { readonly type: 'line'; readonly text: string }
  /** NUL, another control character, or octets that are not UTF-8. */
  | { readonly type: 'unreadable' }
  /** Longer than allowed; it has been read to its end. */
  | { readonly type: 'overlong' }
  /** Longer than allowed, and without an end so far. Nothing further can be understood. */
  | { readonly type: 'endless' }
  | { readonly type: 'bare-newline' }
  | { readonly type: 'incomplete' }

const unreadable: CommandLine = { type: 'unreadable' }
const overlong: CommandLine = { type: 'overlong' }
const endless: CommandLine = { type: 'endless' }
const bareNewline: CommandLine = { type: 'bare-newline' }
const incomplete: CommandLine = { type: 'incomplete' }

const CR = 0x0d
const LF = 0x0a

/** How long a line may be, CRLF included, and how much of a longer one is read on. */
export interface LineLimits {
  readonly octets: number
  readonly discarded: number
}

/** The octets that have come, given out as lines or as they are. */
export class InputBuffer {
  #chunk: Buffer = nothing
  #at = 0
  /** The beginning of a line that came without its end. */
  #partial: Buffer = nothing
  #partialLength = 0
  #discarding = false
  #discarded = 0

  /** True where nothing is left but perhaps an unfinished line. */
  get drained(): boolean {
    return this.#at >= this.#chunk.length
  }

  /** True where a line has begun and not ended. */
  get midLine(): boolean {
    return this.#partialLength > 0 || this.#discarding
  }

  push(bytes: Uint8Array): void {
    const view = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#chunk = this.drained ? view : Buffer.concat([this.#chunk.subarray(this.#at), view])
    this.#at = 0
  }

  /** The next command line. After `bare-newline` and `endless` the buffer is not to be read again. */
  next(limits: LineLimits): CommandLine {
    if (this.drained) {
      this.#chunk = nothing
      this.#at = 0
      return incomplete
    }
    const chunk = this.#chunk
    const start = this.#at
    const lf = chunk.indexOf(LF, start)
    const end = lf < 0 ? chunk.length : lf + 1
    this.#at = end
    if (!this.#newlinesInOrder(start, lf)) return bareNewline
    if (this.#discarding) return this.#discard(end - start, lf >= 0, limits)
    if (this.#partialLength + end - start > limits.octets)
      return this.#startDiscarding(end - start, lf, limits)
    if (lf < 0) {
      this.#keep(start)
      return incomplete
    }
    if (this.#partialLength === 0) return readLine(chunk, start, lf - 1)
    this.#keep(start)
    const line = readLine(this.#partial, 0, this.#partialLength - 2)
    this.#forgetPartial()
    return line
  }

  /** Everything that is left, for content. Give back what is not used with `unread`. */
  takeRest(): Buffer {
    const rest = this.#at === 0 ? this.#chunk : this.#chunk.subarray(this.#at)
    this.#chunk = nothing
    this.#at = 0
    return rest
  }

  unread(rest: Buffer): void {
    this.#chunk = rest
    this.#at = 0
  }

  /** RFC 5321 §2.3.8: CR and LF only together. `lf` is the position of the first LF, or -1. */
  #newlinesInOrder(start: number, lf: number): boolean {
    const chunk = this.#chunk
    const cr = chunk.indexOf(CR, start)
    const afterCr = this.#partialLength > 0 && this.#partial[this.#partialLength - 1] === CR
    // A CR that ended the last piece must be followed by LF now.
    if (afterCr) return lf === start
    if (lf >= 0) return cr === lf - 1 && cr >= start
    return cr < 0 || cr === chunk.length - 1
  }

  #keep(start: number): void {
    const length = this.#at - start
    const needed = this.#partialLength + length
    if (this.#partial.length < needed) {
      const grown = Buffer.allocUnsafeSlow(Math.max(128, needed * 2))
      this.#partial.copy(grown, 0, 0, this.#partialLength)
      this.#partial = grown
    }
    this.#chunk.copy(this.#partial, this.#partialLength, start, this.#at)
    this.#partialLength = needed
  }

  #forgetPartial(): void {
    this.#partial = nothing
    this.#partialLength = 0
  }

  #startDiscarding(length: number, lf: number, limits: LineLimits): CommandLine {
    const before = this.#partialLength
    const last = this.#chunk[this.#at - 1]
    this.#forgetPartial()
    if (lf >= 0) return overlong
    this.#discarding = true
    this.#discarded = 0
    this.#rememberCr(last)
    return this.#discard(before + length, false, limits)
  }

  #discard(length: number, ended: boolean, limits: LineLimits): CommandLine {
    this.#discarded += length
    const last = this.#chunk[this.#at - 1]
    this.#forgetPartial()
    if (ended) {
      this.#discarding = false
      return overlong
    }
    if (this.#discarded > limits.discarded) return endless
    this.#rememberCr(last)
    return incomplete
  }

  /** While discarding, only a CR at the very end is kept, since an LF must follow it. */
  #rememberCr(last: number | undefined): void {
    if (last !== CR) return
    this.#partial = loneCr
    this.#partialLength = 1
  }
}

const nothing = Buffer.alloc(0)
const loneCr = Buffer.from('\r')

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function readLine(bytes: Buffer, start: number, end: number): CommandLine {
  const text = bytes.toString('latin1', start, end)
  if (!/[^\x20-\x7e]/.test(text)) return { type: 'line', text }
  // RFC 5321 §2.4: octets beyond 127 have no meaning in a command, except as UTF-8 under RFC 6531 §3.3.
  if (/[\x00-\x1f\x7f]/.test(text)) return unreadable
  try {
    return { type: 'line', text: utf8.decode(bytes.subarray(start, end)) }
  } catch {
    return unreadable
  }
}
