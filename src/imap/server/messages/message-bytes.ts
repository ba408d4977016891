// The octets of one message: the recipient's trace fields, then the blob, as one thing with offsets.
//
// Offsets of the structure count from the blob's first octet; here everything does, and the prefix lies before 0. A small blob is
// read once; a large one is streamed for every section that is asked of it, and never held.
import { Buffer } from 'node:buffer'
import { decodeStructure, tryRootOffsets } from '../../../mail/mime/codec.ts'
import type { BlobStore } from '../../../store/store.ts'
import type { MessageStructure } from '../../../mail/mime/structure.ts'
import type { MessageText } from '../../../store/model.ts'

/** A stretch of a message: octets of the prefix and of the blob, or octets made for the occasion. */
export type Piece =
  | { readonly from: 'blob'; readonly start: number; readonly end: number }
  | { readonly from: 'memory'; readonly bytes: Uint8Array }

/** A literal was announced and cannot be finished: nothing that is said now would be understood. */
export class LiteralBroken extends Error {
  override name = 'LiteralBroken'
}

const nothing = new Uint8Array(0)

/** One message's octets. */
export class MessageBytes {
  readonly #blobs: BlobStore
  readonly #message: MessageText
  readonly prefix: Uint8Array
  #structure: MessageStructure | null
  #offsets: { readonly headerStart: number; readonly bodyStart: number } | null = null
  #small: Promise<Uint8Array | undefined> | null = null

  /** `structure`: where it is decoded already. */
  constructor(blobs: BlobStore, message: MessageText, structure: MessageStructure | null = null) {
    this.#blobs = blobs
    this.#message = message
    this.#structure = structure
    this.prefix = message.prefix === '' ? nothing : Buffer.from(message.prefix)
  }

  /** Decoded when it is first asked for. */
  get structure(): MessageStructure {
    this.#structure ??= decodeStructure(this.#message.structure)
    return this.#structure
  }

  /** Where the message's own header and body begin, without decoding the structure where that can be. */
  get offsets(): { readonly headerStart: number; readonly bodyStart: number } {
    this.#offsets ??= tryRootOffsets(this.#message.structure) ?? this.structure.root
    return this.#offsets
  }

  /** The blob's octets, where they came with the row. */
  get whole(): Uint8Array | undefined {
    const { data } = this.#message
    if (data === undefined || data === null) return undefined
    if (data.length !== this.blobSize)
      throw new Error(`blob ${this.#message.blob} is not as long as its row says`)
    return data
  }

  /** Octets of the blob. */
  get blobSize(): number {
    return this.#message.size - this.prefix.length
  }

  /** The octets of a piece, in chunks. */
  async *read(piece: Piece): AsyncGenerator<Uint8Array> {
    if (piece.from === 'memory') {
      yield piece.bytes
      return
    }
    const { start, end } = piece
    if (start >= end) return
    this.#small ??= Promise.resolve(this.whole ?? this.#blobs.readSmall(this.#message.blob))
    const whole = await this.#small
    if (whole !== undefined) {
      if (whole.length < end) throw new Error(`blob ${this.#message.blob} is shorter than its row says`)
      yield whole.subarray(start, end)
      return
    }
    let left = end - start
    for await (const chunk of this.#blobs.read(this.#message.blob, { start, end })) {
      left -= chunk.length
      yield chunk
    }
    if (left !== 0) throw new Error(`blob ${this.#message.blob} is shorter than its row says`)
  }

  /** The octets of a piece, where `whole` is there. */
  now(piece: Piece): Uint8Array {
    if (piece.from === 'memory') return piece.bytes
    if (this.whole === undefined) throw new Error('the octets are not at hand')
    return this.whole.subarray(piece.start, piece.end)
  }

  /** Up to `most` octets of a range, in memory. */
  async collect(range: { start: number; end: number }, most: number): Promise<Uint8Array> {
    const chunks: Uint8Array[] = []
    const end = Math.min(range.end, range.start + most)
    for await (const chunk of this.read({ from: 'blob', start: range.start, end })) chunks.push(chunk)
    const [only] = chunks
    return only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks)
  }
}

/** Octets of pieces together. */
export function sizeOf(pieces: readonly Piece[]): number {
  return pieces.reduce(
    (sum, piece) => sum + (piece.from === 'memory' ? piece.bytes.length : piece.end - piece.start),
    0,
  )
}

/**
 * RFC 9051 §4.3: a literal has no NUL in it, and only BINARY has a literal8. A message may hold some, since APPEND takes them; here
 * they become the octet 0x80, as Dovecot has it too, so that sizes stay.
 */
export function withoutNul(octets: Uint8Array): Uint8Array {
  if (!octets.includes(0)) return octets
  return octets.map((octet) => (octet === 0 ? 0x80 : octet))
}

/** The pieces between two places of their whole: RFC 3501 §6.4.5 `<start.length>`. */
export function cut(pieces: readonly Piece[], start: number, end: number): Piece[] {
  const kept: Piece[] = []
  let at = 0
  for (const piece of pieces) {
    const length = sizeOf([piece])
    const from = Math.max(0, start - at)
    const to = Math.min(length, end - at)
    at += length
    if (from >= to) continue
    if (piece.from === 'memory') kept.push({ from: 'memory', bytes: piece.bytes.subarray(from, to) })
    else kept.push({ from: 'blob', start: piece.start + from, end: piece.start + to })
  }
  return kept
}
