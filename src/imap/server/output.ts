// Untagged responses on their way out: gathered into writes of some ten kilobytes, with the peer's pace kept.
//
// Text is binary strings (one unit per octet), octets are copied once. `text` and `bytes` return a promise only where the peer must be
// waited for, so that a hundred thousand small responses cost no promise each; who writes much awaits what they return.
import { Buffer } from 'node:buffer'
import type { Sink } from '../../base/core.ts'

const batch = 49_152
/** Octets of this many at once are handed on as they are, and not copied. */
const large = 16_384

/** One command's responses. `end` before the command is answered. */
export class Output {
  readonly #sink: Sink
  /** What is behind `#octets` in the order of sending. */
  #text = ''
  #octets: Buffer | null = null
  #filled = 0

  constructor(sink: Sink) {
    this.#sink = sink
  }

  /** The connection is gone; go no further. */
  get gone(): boolean {
    return this.#sink.gone.aborted
  }

  /** Adds a binary string. */
  text(binary: string): void | Promise<void> {
    this.#text += binary
    if (this.#text.length + this.#filled >= batch) return this.end()
  }

  /** Adds octets. */
  bytes(octets: Uint8Array): void | Promise<void> {
    if (octets.length >= large) {
      const before = this.end()
      if (before === undefined) return this.#sink.write(octets)
      return before.then(() => this.#sink.write(octets))
    }
    this.#octets ??= Buffer.allocUnsafe(batch + large)
    // Less than a batch is gathered at any time, so that this fits.
    this.#filled += this.#octets.write(this.#text, this.#filled, 'latin1')
    this.#text = ''
    this.#octets.set(octets, this.#filled)
    this.#filled += octets.length
    if (this.#filled >= batch) return this.end()
  }

  /** Sends what is gathered. */
  end(): void | Promise<void> {
    const octets = this.#octets
    const text = this.#text
    this.#text = ''
    if (octets === null) return text === '' ? undefined : this.#sink.write(Buffer.from(text, 'latin1'))
    const gathered = octets.subarray(0, this.#filled)
    this.#octets = null
    this.#filled = 0
    return this.#sink.write(text === '' ? gathered : Buffer.concat([gathered, Buffer.from(text, 'latin1')]))
  }
}
