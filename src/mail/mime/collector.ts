// Gathers the octets of one header from chunks, each field and the whole header up to a limit.
//
// An overlong field loses its end, and the fields after it still count: a header line of 100 MB costs no more memory than
// the limit, and the message stays legible. What is kept depends on the bytes alone, not on how they were cut.
import { Buffer } from 'node:buffer'
import type { Purse } from './entity.ts'

const lf = 10
const nothing = Buffer.alloc(0)

/** One header at a time: `begin`, `add` its octets in order, `take` the text. */
export class HeaderCollector {
  readonly #purse: Purse
  #buffer: Buffer = nothing
  #length = 0
  /** Octets kept of the field that is being read. */
  #fieldLength = 0
  #atLineStart = true
  #text = ''

  constructor(purse: Purse) {
    this.#purse = purse
  }

  begin(): void {
    this.#length = 0
    this.#fieldLength = 0
    this.#atLineStart = true
    this.#text = ''
  }

  /** The octets `[from, to)` of the chunk belong to the header. */
  add(chunk: Uint8Array, from: number, to: number): void {
    if (from >= to) return
    const { fieldOctets, headerOctets } = this.#purse.limits
    // A header that came in one piece and is shorter than one field may be needs no copy and no look at its lines.
    const small = this.#length + this.#text.length + to - from <= Math.min(fieldOctets, headerOctets)
    if (small && this.#length === 0 && this.#text === '') {
      this.#text = view(chunk).toString('latin1', from, to)
      return
    }
    this.#spill()
    let at = from
    while (at < to) {
      const newline = chunk.indexOf(lf, at)
      const end = newline < 0 || newline >= to ? to : newline + 1
      this.#addLine(chunk, at, end)
      this.#atLineStart = end === newline + 1
      at = end
    }
  }

  /** The header so far, one character per octet. */
  take(): string {
    const text = this.#text === '' ? this.#buffer.toString('latin1', 0, this.#length) : this.#text
    this.begin()
    return text
  }

  /** More follows what was taken as text: from here on lines are measured. */
  #spill(): void {
    if (this.#text === '') return
    const bytes = Buffer.from(this.#text, 'latin1')
    this.#text = ''
    let at = 0
    while (at < bytes.length) {
      const newline = bytes.indexOf(lf, at)
      const end = newline < 0 ? bytes.length : newline + 1
      this.#addLine(bytes, at, end)
      this.#atLineStart = newline >= 0
      at = end
    }
  }

  #addLine(chunk: Uint8Array, from: number, to: number): void {
    const { fieldOctets, headerOctets } = this.#purse.limits
    if (this.#atLineStart && chunk[from] !== 32 && chunk[from] !== 9) this.#endField()
    const room = Math.min(fieldOctets - this.#fieldLength, headerOctets - this.#length)
    const length = Math.min(room, to - from)
    if (length < to - from) this.#purse.note('header-limit')
    if (length <= 0) return
    this.#reserve(length)
    this.#buffer.set(chunk.subarray(from, from + length), this.#length)
    this.#length += length
    this.#fieldLength += length
  }

  /** A field that was cut off gets the line break that it lost, so that the next one stands by itself. */
  #endField(): void {
    this.#fieldLength = 0
    if (this.#length === 0 || this.#buffer[this.#length - 1] === lf) return
    this.#reserve(1)
    this.#buffer[this.#length++] = lf
  }

  #reserve(length: number): void {
    const needed = this.#length + length
    if (needed <= this.#buffer.length) return
    const larger = Buffer.alloc(Math.max(needed, 2 * this.#buffer.length, 4_096))
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
  }
}

function view(chunk: Uint8Array): Buffer {
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
}
