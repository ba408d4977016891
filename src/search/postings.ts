// Lists of documents, and sets of them. A document is the number of an email within its segment, from 0.
//
// A list is kept as gaps (LEB128), or as a bitmap where that is shorter; which of them the list's size says (`sizeOf`).
import { OctetReader, type OctetWriter } from './octets.ts'

/** Appends a list of ascending documents and gives what says how long it is and of which form. */
export function writePostings(output: OctetWriter, documents: Iterable<number>, total: number): number {
  const start = output.length
  let expected = 0
  let last = -1
  for (const document of documents) {
    output.number(document - expected)
    last = document
    expected = document + 1
  }
  const length = output.length - start
  const bitmapLength = (last >> 3) + 1
  if (length <= bitmapLength || total === 0) return length * 2
  const bitmap = new Uint8Array(bitmapLength)
  for (const document of documents)
    bitmap[document >> 3] = (bitmap[document >> 3] ?? 0) | (1 << (document & 7))
  output.length = start
  output.bytes(bitmap)
  return bitmapLength * 2 + 1
}

/** Octets of a list. */
export function postingsLength(size: number): number {
  return Math.floor(size / 2)
}

/** The documents of a list, ascending, appended to `into` with `base` added. */
export function readPostings(bytes: Uint8Array, size: number, into: number[], base = 0): void {
  if (size % 2 === 1) {
    for (let index = 0; index < bytes.length; index++) {
      for (let rest = bytes[index] ?? 0; rest !== 0; rest &= rest - 1) {
        into.push(base + index * 8 + 31 - Math.clz32(rest & -rest))
      }
    }
    return
  }
  const reader = new OctetReader(bytes)
  let next = base
  while (reader.at < bytes.length) {
    next += reader.number()
    into.push(next++)
  }
}

/** Documents of one segment. */
export class DocumentSet {
  readonly total: number
  readonly bits: Uint8Array

  /** `bits` is kept. */
  constructor(total: number, bits: Uint8Array = new Uint8Array((total + 7) >> 3)) {
    this.total = total
    this.bits = bits
  }

  static all(total: number): DocumentSet {
    const bits = new Uint8Array((total + 7) >> 3).fill(0xff)
    if (total % 8 !== 0) bits[bits.length - 1] = (1 << (total % 8)) - 1
    return new DocumentSet(total, bits)
  }

  add(document: number): void {
    this.bits[document >> 3] = (this.bits[document >> 3] ?? 0) | (1 << (document & 7))
  }

  has(document: number): boolean {
    return ((this.bits[document >> 3] ?? 0) & (1 << (document & 7))) !== 0
  }

  /** Adds a list as `writePostings` wrote it. */
  addPostings(bytes: Uint8Array, size: number): void {
    const { bits } = this
    if (size % 2 === 1) {
      for (let index = 0; index < bytes.length; index++)
        bits[index] = (bits[index] ?? 0) | (bytes[index] ?? 0)
      return
    }
    let next = 0
    let value = 0
    let scale = 1
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at] ?? 0
      value += (byte & 0x7f) * scale
      if (byte >= 0x80) {
        scale *= 128
        continue
      }
      next += value
      bits[next >> 3] = (bits[next >> 3] ?? 0) | (1 << (next & 7))
      next++
      value = 0
      scale = 1
    }
  }

  or(other: DocumentSet): void {
    const { bits } = this
    for (let at = 0; at < bits.length; at++) bits[at] = (bits[at] ?? 0) | (other.bits[at] ?? 0)
  }

  and(other: DocumentSet): void {
    const { bits } = this
    for (let at = 0; at < bits.length; at++) bits[at] = (bits[at] ?? 0) & (other.bits[at] ?? 0)
  }

  copy(): DocumentSet {
    return new DocumentSet(this.total, this.bits.slice())
  }

  /** Takes away what the other has. */
  without(other: DocumentSet): void {
    const { bits } = this
    for (let at = 0; at < bits.length; at++) bits[at] = (bits[at] ?? 0) & ~(other.bits[at] ?? 0)
  }

  get isEmpty(): boolean {
    return this.bits.every((byte) => byte === 0)
  }

  get count(): number {
    let count = 0
    for (const byte of this.bits) count += bitCounts[byte] ?? 0
    return count
  }
}

const bitCounts: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  let count = 0
  for (let rest = byte; rest !== 0; rest &= rest - 1) count++
  return count
})
