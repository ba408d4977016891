// Bytes that a session's core is not to hear yet, in the order in which they came.
import { Buffer } from 'node:buffer'

export class HeldInput {
  #pieces: Uint8Array[] | null = null
  /** Octets. */
  size = 0

  get isEmpty(): boolean {
    return this.#pieces === null
  }

  add(bytes: Uint8Array): void {
    this.#pieces ??= []
    this.#pieces.push(bytes)
    this.size += bytes.length
  }

  /** All of it, which is then no longer held. */
  take(): Uint8Array {
    const pieces = this.#pieces ?? []
    this.clear()
    const [only] = pieces
    return only !== undefined && pieces.length === 1 ? only : Buffer.concat(pieces)
  }

  clear(): void {
    this.#pieces = null
    this.size = 0
  }
}
