// Writes a segment: tokens in order with their lists in, rows out. Whoever feeds it takes the rows as they fill, so that a large
// segment is never whole in memory.
import { Buffer } from 'node:buffer'
import { OctetWriter } from './octets.ts'
import { postingsLength, writePostings } from './postings.ts'
import {
  type BlockPlace,
  blockTextLength,
  dictionaries,
  dictionaryRow,
  encodeBlock,
  encodeHeader,
  headerRow,
  postingsRow,
  rowLength,
} from './segment-format.ts'
import type { SearchBlock } from '../store/search-index.ts'

export class SegmentWriter {
  readonly #documents: number
  readonly #places: BlockPlace[][] = Array.from({ length: dictionaries }, () => [])
  #dictionary = 0
  #rows: SearchBlock[] = []
  #size = 0

  #tokens: string[] = []
  #sizes: number[] = []
  #textLength = 0
  #listsStart = { row: 0, offset: 0 }

  readonly #blocks = new OctetWriter()
  #blockRow = 0
  readonly #lists = new OctetWriter()
  #listRow = 0
  readonly #list = new OctetWriter()

  /** `documents`: how many there will be. */
  constructor(documents: number) {
    this.#documents = documents
  }

  /** Octets of all rows so far. */
  get size(): number {
    return this.#size
  }

  /** Rows that are full. */
  takeRows(): SearchBlock[] {
    const rows = this.#rows
    this.#rows = []
    return rows
  }

  /** What follows belongs to this dictionary; in ascending order. */
  startDictionary(dictionary: number): void {
    this.#endBlock()
    this.#dictionary = dictionary
  }

  /** Tokens come in order. */
  add(token: string, documents: Iterable<number>): void {
    const size = writePostings(this.#list, documents, this.#documents)
    if (this.#tokens.length === 0) this.#listsStart = { row: this.#listRow, offset: this.#lists.length }
    if (this.#lists.length + postingsLength(size) > rowLength) this.#endLists()
    this.#lists.bytes(this.#list.view())
    this.#list.length = 0
    this.#tokens.push(token)
    this.#sizes.push(size)
    this.#textLength += Buffer.byteLength(token) + 1
    if (this.#textLength >= blockTextLength) this.#endBlock()
  }

  /** The last rows, the header among them. */
  finish(emails: Float64Array, partial: readonly number[]): SearchBlock[] {
    this.#endBlock()
    this.#endLists()
    this.#endBlocks()
    this.#row(headerRow, encodeHeader({ dictionaries: this.#places, emails, partial }))
    return this.takeRows()
  }

  #endBlock(): void {
    const [first] = this.#tokens
    if (first === undefined) return
    const bytes = encodeBlock(this.#tokens, this.#sizes)
    if (this.#blocks.length + bytes.length > rowLength) this.#endBlocks()
    const { row, offset } = this.#listsStart
    this.#places[this.#dictionary]?.push({
      ...{ row: this.#blockRow, offset: this.#blocks.length, length: bytes.length },
      ...{ tokens: this.#tokens.length, postingsRow: row, postingsOffset: offset, first },
    })
    this.#blocks.bytes(bytes)
    this.#tokens = []
    this.#sizes = []
    this.#textLength = 0
  }

  #endBlocks(): void {
    if (this.#blocks.length > 0) this.#row(dictionaryRow(this.#blockRow++), this.#blocks.take())
  }

  #endLists(): void {
    if (this.#lists.length > 0) this.#row(postingsRow(this.#listRow++), this.#lists.take())
  }

  #row(number: number, bytes: Uint8Array): void {
    this.#size += bytes.length
    this.#rows.push({ number, bytes })
  }
}
