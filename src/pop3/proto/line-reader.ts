// Cuts a client's octets into lines before anything reads them (RFC 1939 §3: commands end with CRLF).
//
// A line that is too long is reported once and skipped to its end; one that ends with LF alone, or holds NUL or a stray
// CR, is reported as malformed. So every line gets exactly one reply and a client never waits for none. The outcome
// does not depend on how the octets arrived. What is kept never exceeds one chunk and one line.
import { Buffer } from 'node:buffer'

export type Line =
  /** Without its CRLF. */
  | { readonly type: 'line'; readonly bytes: Uint8Array }
  | { readonly type: 'too-long' }
  /** Ends with LF alone, or holds NUL or CR. */
  | { readonly type: 'malformed' }

const lf = 0x0a
const cr = 0x0d

export class LineReader {
  #buffer: Buffer = Buffer.alloc(0)
  /** Where the next line begins. */
  #start = 0
  /** No LF between #start and here. */
  #searched = 0
  /** Inside a line that was reported as too long. */
  #skipping = false

  push(bytes: Uint8Array): void {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const rest = this.#buffer.subarray(this.#start)
    this.#buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    this.#searched -= this.#start
    this.#start = 0
  }

  /** True when nothing waits, not even a part of a line. */
  get isEmpty(): boolean {
    return this.#start === this.#buffer.length
  }

  /** The next line of at most `limit` octets with its CRLF; undefined when more input is needed. */
  next(limit: number): Line | undefined {
    for (;;) {
      const end = this.#buffer.indexOf(lf, this.#searched)
      if (end === -1) return this.#unfinished(limit)
      const start = this.#start
      this.#start = this.#searched = end + 1
      if (this.#skipping) {
        this.#skipping = false
        continue
      }
      if (end + 1 - start > limit) return { type: 'too-long' }
      const line = this.#buffer.subarray(start, end - 1)
      if (end === start || this.#buffer[end - 1] !== cr || line.includes(cr) || line.includes(0)) {
        return { type: 'malformed' }
      }
      return { type: 'line', bytes: line }
    }
  }

  #unfinished(limit: number): Line | undefined {
    this.#searched = this.#buffer.length
    if (this.#skipping) this.#start = this.#searched
    else if (this.#buffer.length - this.#start > limit) {
      this.#skipping = true
      this.#start = this.#searched
      return { type: 'too-long' }
    }
    return undefined
  }
}
