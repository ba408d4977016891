// Reads one segment for a search: which documents have a token like this. Rows come from the store, by way of the cache.
import type { AccountId } from '../store/model.ts'
import type { SearchIndexStore } from '../store/search-index.ts'
import type { BlockCache } from './block-cache.ts'
import { postingsLength } from './postings.ts'
import {
  type BlockPlace,
  decodeHeader,
  DictionaryBlock,
  dictionaryRow,
  headerRow,
  type ListPlace,
  postingsRow,
  type SegmentHeader,
} from './segment-format.ts'
import { SegmentGone } from './segment-gone.ts'

/** Where segments are read from. */
export interface SegmentSource {
  readonly store: Pick<SearchIndexStore, 'searchBlocks'>
  readonly cache: BlockCache
  readonly account: AccountId
}

/** A header as the cache keeps it. */
class KeptHeader {
  readonly header: SegmentHeader
  constructor(header: SegmentHeader) {
    this.header = header
  }
}

const isKeptHeader = (value: object): value is KeptHeader => value instanceof KeptHeader
const isBlock = (value: object): value is DictionaryBlock => value instanceof DictionaryBlock
const isRow = (value: object): value is Uint8Array => value instanceof Uint8Array

/** Rows asked for in one call of the store. */
const rowsAtOnce = 4

export class SegmentReader {
  readonly #source: SegmentSource
  readonly #segment: number
  readonly header: SegmentHeader

  private constructor(source: SegmentSource, segment: number, header: SegmentHeader) {
    this.#source = source
    this.#segment = segment
    this.header = header
  }

  /** Rejects with `SegmentGone`, as everything here. */
  static async open(source: SegmentSource, segment: number): Promise<SegmentReader> {
    const { store, cache, account } = source
    const key = `${account} ${segment} h`
    let kept = cache.get(key, isKeptHeader)
    if (kept === undefined) {
      const [bytes] = await store.searchBlocks({ account, segment, numbers: [headerRow] })
      if (bytes === undefined) throw new SegmentGone()
      kept = new KeptHeader(decodeHeader(bytes))
      const places = kept.header.dictionaries.reduce((sum, blocks) => sum + blocks.length, 0)
      cache.put(key, kept, kept.header.emails.length * 8 + places * 200)
    }
    return new SegmentReader(source, segment, kept.header)
  }

  /** Blocks [from, to) of a dictionary, in order, with where each is. */
  async *blocks(dictionary: number, from = 0, to = Infinity): AsyncGenerator<DictionaryBlock> {
    const places = this.header.dictionaries[dictionary] ?? []
    const wanted = places.slice(from, to)
    let rows = new Map<number, Uint8Array>()
    for (const [index, place] of wanted.entries()) {
      const key = this.#key('d', place.row, place.offset)
      let block = this.#source.cache.get(key, isBlock)
      if (block === undefined) {
        if (!rows.has(place.row)) rows = await this.#nextRows(wanted, index)
        const row = rows.get(place.row) ?? new Uint8Array(0)
        block = new DictionaryBlock(row.subarray(place.offset, place.offset + place.length), place)
        this.#source.cache.put(key, block, block.weight)
      }
      yield block
    }
  }

  /** The row of the block at `index` and some that follow. */
  async #nextRows(places: readonly BlockPlace[], index: number): Promise<Map<number, Uint8Array>> {
    const rows: number[] = []
    for (let at = index; at < places.length && rows.length < rowsAtOnce; at++) {
      const row = places[at]?.row
      if (row !== undefined && rows.at(-1) !== row) rows.push(row)
    }
    const found = await this.#load(rows.map(dictionaryRow))
    return new Map(rows.map((row, at) => [row, found[at] ?? new Uint8Array(0)]))
  }

  /** Gives each list, in the order asked for; ascending rows are read together. */
  async readLists(
    lists: readonly ListPlace[],
    take: (bytes: Uint8Array, size: number, index: number) => void,
  ): Promise<void> {
    const rows = [...new Set(lists.map(({ row }) => row))]
    const found = new Map<number, Uint8Array>()
    let at = 0
    for (let start = 0; start < rows.length; start += rowsAtOnce) {
      const some = rows.slice(start, start + rowsAtOnce)
      found.clear()
      const missing: number[] = []
      for (const row of some) {
        const kept = this.#source.cache.get(this.#key('l', row, 0), isRow)
        if (kept === undefined) missing.push(row)
        else found.set(row, kept)
      }
      const loaded = missing.length === 0 ? [] : await this.#load(missing.map(postingsRow))
      for (const [index, row] of missing.entries()) {
        const bytes = loaded[index] ?? new Uint8Array(0)
        found.set(row, bytes)
        this.#source.cache.put(this.#key('l', row, 0), bytes, bytes.length)
      }
      for (; at < lists.length; at++) {
        const place = lists[at]
        const row = place && found.get(place.row)
        if (place === undefined || row === undefined) break
        take(row.subarray(place.offset, place.offset + postingsLength(place.size)), place.size, at)
      }
    }
  }

  async #load(numbers: readonly number[]): Promise<Uint8Array[]> {
    const { store, account } = this.#source
    const found = await store.searchBlocks({ account, segment: this.#segment, numbers })
    return found.map((bytes) => {
      if (bytes === undefined) throw new SegmentGone()
      return bytes
    })
  }

  #key(kind: string, row: number, offset: number): string {
    return `${this.#source.account} ${this.#segment} ${kind} ${row} ${offset}`
  }
}
