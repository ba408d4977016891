// Untagged responses on their way out: gathered into writes of some ten kilobytes, with the peer's pace kept.
//
// Text is binary strings (one unit per octet). `text` returns a promise only where the peer must be waited for, so that a
// hundred thousand small responses cost no promise each; who writes much awaits what it returns.
import { Buffer } from 'node:buffer'
import type { Sink } from '../../base/core.ts'

const batch = 49_152

/** One command's responses. `end` before the command is answered. */
export class Output {
  readonly #sink: Sink
  #text = ''

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
    if (this.#text.length >= batch) return this.end()
  }

  /** Adds octets. */
  bytes(octets: Uint8Array): void | Promise<void> {
    if (octets.length < 4_096)
      return this.text(Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('latin1'))
    const before = this.end()
    if (before === undefined) return this.#sink.write(octets)
    return before.then(() => this.#sink.write(octets))
  }

  /** Sends what is gathered. */
  end(): void | Promise<void> {
    if (this.#text === '') return
    const bytes = Buffer.from(this.#text, 'latin1')
    this.#text = ''
    return this.#sink.write(bytes)
  }
}
