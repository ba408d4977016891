// Makes a segment of a batch of emails, in memory: which documents have which tokens, by field.
import type { SearchBlock } from '../store/search-index.ts'
import type { SearchField } from './search.ts'
import { dictionaries, fieldOrder } from './segment-format.ts'
import { SegmentWriter } from './segment-writer.ts'
import { tokenise, type TokenSink } from './tokens.ts'

/** What a segment has beside its rows. */
export interface BuiltSegment {
  readonly emails: number
  readonly size: number
  readonly rows: readonly SearchBlock[]
}

/** Documents by token; ascending, since they come in order. */
type Lists = Map<string, number[]>

export class SegmentBuilder {
  readonly #lists: readonly Lists[] = Array.from({ length: dictionaries }, () => new Map())
  readonly #emails: number[] = []
  readonly #partial: number[] = []
  readonly #sink: TokenSink & { tokens: Lists; grams: Lists; document: number }
  #weight = 0

  constructor() {
    const none: Lists = new Map()
    this.#sink = {
      tokens: none,
      grams: none,
      document: -1,
      token(token) {
        put(this.tokens, token, this.document)
      },
      gram(gram) {
        put(this.grams, gram, this.document)
      },
    }
  }

  get emails(): number {
    return this.#emails.length
  }

  /** Characters of text so far: with them grows the memory that it takes. */
  get weight(): number {
    return this.#weight
  }

  /** What follows is of this email; they come in ascending order. */
  startEmail(email: number): void {
    this.#sink.document = this.#emails.length
    this.#emails.push(email)
  }

  /** A text of the email, folded. */
  text(field: SearchField, text: string): void {
    const index = fieldOrder.indexOf(field)
    const sink = this.#sink
    sink.tokens = this.#lists[index] ?? sink.tokens
    sink.grams = this.#lists[index + fieldOrder.length] ?? sink.grams
    this.#weight += text.length
    tokenise(text, sink)
  }

  /** The email has more text than was told. */
  partial(): void {
    const document = this.#emails.length - 1
    if (this.#partial.at(-1) !== document) this.#partial.push(document)
  }

  /** The builder is used up. */
  finish(): BuiltSegment {
    const writer = new SegmentWriter(this.#emails.length)
    for (const [dictionary, lists] of this.#lists.entries()) {
      writer.startDictionary(dictionary)
      for (const token of [...lists.keys()].toSorted()) writer.add(token, lists.get(token) ?? [])
      lists.clear()
    }
    const rows = writer.finish(Float64Array.from(this.#emails), this.#partial)
    return { emails: this.#emails.length, size: writer.size, rows }
  }
}

function put(lists: Lists, token: string, document: number): void {
  const list = lists.get(token)
  if (list === undefined) lists.set(token, [document])
  else if (list[list.length - 1] !== document) list.push(document)
}
