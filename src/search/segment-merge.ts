// Merges neighbouring segments into one, streaming: of each there is a block of its dictionary and a row of lists in memory, and the
// new rows go out as they fill. Emails that are no more drop out.
import type { SearchBlock } from '../store/search-index.ts'
import { postingsLength, readPostings } from './postings.ts'
import {
  decodeHeader,
  dictionaries,
  DictionaryBlock,
  dictionaryRow,
  headerRow,
  postingsRow,
  type SegmentHeader,
} from './segment-format.ts'
import { SegmentWriter } from './segment-writer.ts'

/** Rejects with `SegmentGone` where a row is not there. */
export type ReadRow = (segment: number, row: number) => Promise<Uint8Array>

export interface MergeRequest {
  /** In the order of their emails. */
  readonly segments: readonly number[]
  /** Emails that are left, ascending; those of the segments that are not among them drop out. */
  readonly alive: Float64Array
  readonly read: ReadRow
  /** Takes rows that are finished. */
  readonly write: (rows: readonly SearchBlock[]) => Promise<void>
  /** Others' turn, now and then. */
  readonly breathe: () => Promise<void>
}

export interface Merged {
  readonly emails: number
  readonly size: number
}

/** Rejects as its request's functions do. */
export async function mergeSegments(request: MergeRequest): Promise<Merged> {
  const { segments, read, write } = request
  const inputs: Input[] = []
  for (const segment of segments)
    inputs.push(new Input(segment, decodeHeader(await read(segment, headerRow)), read))
  const { emails, partial } = renumber(inputs, request.alive)
  const writer = new SegmentWriter(emails.length)
  for (let dictionary = 0; dictionary < dictionaries; dictionary++) {
    writer.startDictionary(dictionary)
    await mergeDictionary(inputs, { dictionary, writer, request })
  }
  await write(writer.finish(Float64Array.from(emails), partial))
  return { emails: emails.length, size: writer.size }
}

/** Numbers of the documents in the new segment. */
function renumber(inputs: readonly Input[], alive: Float64Array): { emails: number[]; partial: number[] } {
  const emails: number[] = []
  const partial: number[] = []
  let at = 0
  for (const input of inputs) {
    const numbers = new Int32Array(input.header.emails.length)
    input.base = emails.length
    let lost = false
    for (const [document, email] of input.header.emails.entries()) {
      while ((alive[at] ?? Infinity) < email) at++
      if (alive[at] === email) {
        numbers[document] = emails.length
        emails.push(email)
      } else {
        numbers[document] = -1
        lost = true
      }
    }
    if (lost) input.numbers = numbers
    for (const document of input.header.partial) {
      const number = numbers[document] ?? -1
      if (number >= 0) partial.push(number)
    }
  }
  return { emails, partial }
}

interface DictionaryMerge {
  readonly dictionary: number
  readonly writer: SegmentWriter
  readonly request: MergeRequest
}

async function mergeDictionary(inputs: readonly Input[], merge: DictionaryMerge): Promise<void> {
  const { dictionary, writer, request } = merge
  const active: Input[] = []
  for (const input of inputs) if (await input.start(dictionary)) active.push(input)
  const documents: number[] = []
  for (let rounds = 1; active.length > 0; rounds++) {
    const token = least(active)
    documents.length = 0
    for (let index = 0; index < active.length;) {
      const input = active[index]
      if (input === undefined || input.token !== token) {
        index++
        continue
      }
      if (!input.take(documents)) {
        await input.load()
        input.take(documents)
      }
      if (input.advance() || (await input.nextBlock())) index++
      else active.splice(index, 1)
    }
    if (documents.length > 0) writer.add(token, documents)
    const rows = writer.takeRows()
    if (rows.length > 0) await request.write(rows)
    if (rounds % roundsInTurn === 0) await request.breathe()
  }
}

/** Tokens merged before others have their turn: a millisecond or two. */
const roundsInTurn = 1_000

function least(inputs: readonly Input[]): string {
  let token = inputs[0]?.token ?? ''
  for (const input of inputs) if (input.token < token) token = input.token
  return token
}

/** One segment, read token by token. */
class Input {
  readonly #segment: number
  readonly header: SegmentHeader
  readonly #read: ReadRow
  /** Of its first document in the new segment. */
  base = 0
  /** New numbers, where some have gone. */
  numbers: Int32Array | null = null
  token = ''
  #dictionary = 0
  #next = 0
  #tokens: readonly string[] = []
  #block: DictionaryBlock | null = null
  #at = 0
  #blockRow: { readonly row: number; readonly bytes: Uint8Array } | null = null
  #listRow: { readonly row: number; readonly bytes: Uint8Array } | null = null

  constructor(segment: number, header: SegmentHeader, read: ReadRow) {
    this.#segment = segment
    this.header = header
    this.#read = read
  }

  /** Goes to the first token of a dictionary; false where it has none. */
  async start(dictionary: number): Promise<boolean> {
    this.#dictionary = dictionary
    this.#next = 0
    return await this.nextBlock()
  }

  async nextBlock(): Promise<boolean> {
    const place = this.header.dictionaries[this.#dictionary]?.[this.#next++]
    if (place === undefined) return false
    if (this.#blockRow?.row !== place.row) {
      this.#blockRow = { row: place.row, bytes: await this.#read(this.#segment, dictionaryRow(place.row)) }
    }
    const bytes = this.#blockRow.bytes.subarray(place.offset, place.offset + place.length)
    const block = new DictionaryBlock(bytes, place)
    this.#tokens = block.tokens()
    this.#block = block
    this.#at = -1
    return this.advance()
  }

  /** To the next token of the block; false at its end. */
  advance(): boolean {
    const token = this.#tokens[++this.#at]
    if (token === undefined) return false
    this.token = token
    return true
  }

  /** Adds the documents of the token; false where their row must be loaded first. */
  take(documents: number[]): boolean {
    if (this.#block === null) return true
    const place = this.#block.listOf(this.#at)
    if (this.#listRow?.row !== place.row) return false
    const bytes = this.#listRow.bytes.subarray(place.offset, place.offset + postingsLength(place.size))
    const { numbers } = this
    if (numbers === null) readPostings(bytes, place.size, documents, this.base)
    else {
      const old: number[] = []
      readPostings(bytes, place.size, old)
      for (const document of old) {
        const number = numbers[document] ?? -1
        if (number >= 0) documents.push(number)
      }
    }
    return true
  }

  /** The row of the token's list. */
  async load(): Promise<void> {
    const row = this.#block?.listOf(this.#at).row ?? 0
    this.#listRow = { row, bytes: await this.#read(this.#segment, postingsRow(row)) }
  }
}
