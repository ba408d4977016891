// What the rows of a segment hold. Row 0 is its header; odd rows hold dictionary blocks, even ones lists of documents.
//
// - A segment has a dictionary of tokens and one of grams for each field. A dictionary is a sequence of blocks; a block is a
//   sorted run of tokens as one text, each between zero octets, so that all tokens that contain something are found by one
//   native search over the octets. Behind the text stand the sizes of the tokens' lists.
// - Lists follow each other in the order of their tokens from the block's place on; one that would cross the end of its row
//   starts the next row.
// - Tokens are in the order of their UTF-16 units. No token has a zero character.
import { Buffer } from 'node:buffer'
import { zstdCompressSync, zstdDecompressSync, constants } from 'node:zlib'
import { OctetReader, OctetWriter } from './octets.ts'
import { postingsLength } from './postings.ts'
import type { SearchField } from './search.ts'

/** Raised with any change of the form, of the tokens, or of the texts: segments of another version are made anew. */
export const segmentVersion = 2

/** In the order of their dictionaries. */
export const fieldOrder: readonly SearchField[] = [
  'subject',
  'from',
  'to',
  'cc',
  'bcc',
  'header',
  'body',
  'mime',
]
/** First the tokens of each field, then the grams of each. */
export const dictionaries: number = fieldOrder.length * 2

export const headerRow = 0
/** Octets of a row, at most; a block or list is never larger. */
export const rowLength: number = 64 * 1024
/** Octets of a block's text. */
export const blockTextLength: number = 32 * 1024

export const dictionaryRow = (index: number): number => index * 2 + 1
export const postingsRow = (index: number): number => index * 2 + 2

/** Where a block is and what is first in it. */
export interface BlockPlace {
  /** Index among the dictionary rows, octets in it. */
  readonly row: number
  readonly offset: number
  readonly length: number
  readonly tokens: number
  /** Index among the rows of lists, and where in it the first list may start. */
  readonly postingsRow: number
  readonly postingsOffset: number
  readonly first: string
}

export interface SegmentHeader {
  readonly dictionaries: readonly (readonly BlockPlace[])[]
  /** The email of each document, ascending. */
  readonly emails: Float64Array
  /** Documents whose text was cut short: what the index does not know of them may still be there. */
  readonly partial: readonly number[]
}

type PackedPlace = readonly [
  row: number,
  offset: number,
  length: number,
  tokens: number,
  postingsRow: number,
  postingsOffset: number,
  first: string,
]

export function encodeHeader({ dictionaries: places, emails, partial }: SegmentHeader): Uint8Array {
  const packed: readonly (readonly PackedPlace[])[] = places.map((blocks) =>
    blocks.map((place) => [
      ...([place.row, place.offset, place.length, place.tokens] as const),
      ...([place.postingsRow, place.postingsOffset, place.first] as const),
    ]),
  )
  const output = new OctetWriter()
  const json = Buffer.from(JSON.stringify(packed))
  output.number(json.length)
  output.bytes(json)
  writeAscending(output, emails)
  writeAscending(output, partial)
  return compress(output.view())
}

export function decodeHeader(bytes: Uint8Array): SegmentHeader {
  const raw = zstdDecompressSync(bytes)
  const reader = new OctetReader(raw)
  // Written by `encodeHeader` of this version, which the segment's row says.
  const packed = JSON.parse(
    Buffer.from(reader.bytes(reader.number())).toString(),
  ) as readonly (readonly PackedPlace[])[]
  return {
    dictionaries: packed.map((blocks) =>
      blocks.map(([row, offset, length, tokens, postings, postingsOffset, first]) => ({
        ...{ row, offset, length, tokens, postingsOffset, first },
        postingsRow: postings,
      })),
    ),
    emails: Float64Array.from(readAscending(reader)),
    partial: readAscending(reader),
  }
}

function writeAscending(output: OctetWriter, numbers: ArrayLike<number> & Iterable<number>): void {
  output.number(numbers.length)
  let last = 0
  for (const number of numbers) {
    output.number(number - last)
    last = number
  }
}

function readAscending(reader: OctetReader): number[] {
  const length = reader.number()
  const numbers: number[] = []
  for (let last = 0; numbers.length < length;) numbers.push((last += reader.number()))
  return numbers
}

/** A dictionary block from its tokens and the sizes of their lists. */
export function encodeBlock(tokens: readonly string[], sizes: readonly number[]): Uint8Array {
  const output = new OctetWriter()
  const text = Buffer.from(`\0${tokens.join('\0')}\0`)
  output.number(tokens.length)
  output.number(text.length)
  output.bytes(text)
  for (const size of sizes) output.number(size)
  return compress(output.view())
}

function compress(bytes: Uint8Array): Uint8Array {
  return zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 3 } })
}

/** Where the list of a token is. */
export interface ListPlace {
  readonly row: number
  readonly offset: number
  readonly size: number
}

/** A dictionary block, decoded as far as it is used. */
export class DictionaryBlock {
  /** Every token between two zero octets. */
  readonly text: Buffer
  readonly #place: BlockPlace
  readonly #sizes: Uint8Array
  #starts: Uint16Array | null = null
  /** Row, offset and size of each token's list. */
  #lists: Int32Array | null = null

  constructor(bytes: Uint8Array, place: BlockPlace) {
    const raw = zstdDecompressSync(bytes)
    const reader = new OctetReader(raw)
    reader.number()
    const length = reader.number()
    this.text = raw.subarray(reader.at, reader.at + length)
    this.#sizes = raw.subarray(reader.at + length)
    this.#place = place
  }

  /** Octets that it keeps in memory once it has been used. */
  get weight(): number {
    return this.text.length + this.#sizes.length + this.#place.tokens * 14
  }

  /** Which token an octet of the text belongs to. */
  tokenAt(offset: number): number {
    const starts = this.#tokenStarts()
    let low = 0
    let high = starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    return low
  }

  token(index: number): string {
    const start = this.#tokenStarts()[index] ?? 0
    return this.text.toString('utf8', start, this.text.indexOf(0, start))
  }

  /** All of them, in order. */
  tokens(): string[] {
    return this.text.toString('utf8', 1, this.text.length - 1).split('\0')
  }

  /** Where the list of a token is. */
  listOf(index: number): ListPlace {
    const lists = (this.#lists ??= placesOf(this.#sizes, this.#place))
    const at = index * 3
    return { row: lists[at] ?? 0, offset: lists[at + 1] ?? 0, size: lists[at + 2] ?? 0 }
  }

  #tokenStarts(): Uint16Array {
    if (this.#starts === null) {
      const starts = new Uint16Array(this.#place.tokens)
      let at = 1
      for (let index = 0; index < starts.length; index++) {
        starts[index] = at
        at = this.text.indexOf(0, at) + 1
      }
      this.#starts = starts
    }
    return this.#starts
  }
}

function placesOf(sizes: Uint8Array, place: BlockPlace): Int32Array {
  const reader = new OctetReader(sizes)
  const lists = new Int32Array(place.tokens * 3)
  let row = place.postingsRow
  let offset = place.postingsOffset
  for (let index = 0; index < place.tokens; index++) {
    const size = reader.number()
    const length = postingsLength(size)
    if (offset + length > rowLength) {
      row++
      offset = 0
    }
    lists.set([row, offset, size], index * 3)
    offset += length
  }
  return lists
}
