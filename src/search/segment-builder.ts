// Makes a segment of a batch of emails, in memory: which documents have which tokens, by field.
import type { SearchBlock } from '../store/search-index.ts'
import type { SearchField } from './search.ts'
import { fieldOrder } from './segment-format.ts'
import { SegmentWriter } from './segment-writer.ts'
import { gramAt, gramLength, tokenise, type TokenSink } from './tokens.ts'

/** What a segment has beside its rows. */
export interface BuiltSegment {
  readonly emails: number
  readonly size: number
  readonly rows: readonly SearchBlock[]
}

/** Documents by token; ascending, since they come in order. */
type Lists = Map<string, number[]>

/** Documents by gram. Those of ASCII letters and digits, nearly all, are known by a number: cutting each out would cost most. */
class GramLists {
  readonly #byCode: (number[] | undefined)[] = []
  readonly #others: Lists = new Map()

  put(text: string, at: number, document: number): void {
    const code = gramCode(text, at)
    if (code < 0) {
      putInto(this.#others, gramAt(text, at), document)
      return
    }
    const list = this.#byCode[code]
    if (list === undefined) this.#byCode[code] = [document]
    else if (list[list.length - 1] !== document) list.push(document)
  }

  /** All of them; it is empty afterwards. */
  take(): Lists {
    const lists: Lists = new Map(this.#others)
    for (const [code, list] of this.#byCode.entries()) if (list !== undefined) lists.set(gramOf(code), list)
    this.#byCode.length = 0
    this.#others.clear()
    return lists
  }
}

const alphabet = '0123456789abcdefghijklmnopqrstuvwxyz'

/** A number below 36³; −1 of a gram with other characters. */
function gramCode(text: string, at: number): number {
  let code = 0
  for (let index = at; index < at + gramLength; index++) {
    const unit = text.charCodeAt(index)
    if (unit >= 48 && unit <= 57) code = code * 36 + unit - 48
    else if (unit >= 97 && unit <= 122) code = code * 36 + unit - 87
    else return -1
  }
  return code
}

function gramOf(code: number): string {
  return `${alphabet.charAt(Math.floor(code / 1296))}${alphabet.charAt(Math.floor(code / 36) % 36)}${alphabet.charAt(code % 36)}`
}

export class SegmentBuilder {
  readonly #tokens: readonly Lists[] = fieldOrder.map(() => new Map())
  readonly #grams: readonly GramLists[] = fieldOrder.map(() => new GramLists())
  readonly #emails: number[] = []
  readonly #partial: number[] = []
  readonly #sink: TokenSink & { tokens: Lists; grams: GramLists; document: number }
  #weight = 0

  constructor() {
    this.#sink = {
      tokens: new Map(),
      grams: new GramLists(),
      document: -1,
      token(token) {
        putInto(this.tokens, token, this.document)
      },
      gram(text, at) {
        this.grams.put(text, at, this.document)
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
    sink.tokens = this.#tokens[index] ?? sink.tokens
    sink.grams = this.#grams[index] ?? sink.grams
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
    const dictionary = (number: number, lists: Lists): void => {
      writer.startDictionary(number)
      for (const token of [...lists.keys()].toSorted()) writer.add(token, lists.get(token) ?? [])
      lists.clear()
    }
    for (const [index, lists] of this.#tokens.entries()) dictionary(index, lists)
    for (const [index, grams] of this.#grams.entries()) dictionary(index + fieldOrder.length, grams.take())
    const rows = writer.finish(Float64Array.from(this.#emails), this.#partial)
    return { emails: this.#emails.length, size: writer.size, rows }
  }
}

function putInto(lists: Lists, token: string, document: number): void {
  const list = lists.get(token)
  if (list === undefined) lists.set(token, [document])
  else if (list[list.length - 1] !== document) list.push(document)
}
