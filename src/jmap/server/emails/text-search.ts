// The texts that one query looks for: what the full-text index says of them, and, where it cannot say, what reading the message shows.
// Both look into the same texts (`src/mail/search-text`), so that a message is found the same way before and after it is indexed.
import { Buffer } from 'node:buffer'
import { bodyPieces, bodyText, envelopeText, searchedFields } from '../../../mail/search-text/texts.ts'
import { fold } from '../../../mail/search-text/fold.ts'
import { holdsWord, type SearchWord } from '../../../mail/search-text/word-places.ts'
import type { KeyAnswer, SearchAnswer, Searcher, SearchField, TextKey } from '../../../search/search.ts'
import type { AccountId, EmailId } from '../../../store/model.ts'
import type { Store } from '../../../store/store.ts'
import { searchTokens, type EmailCondition, type TextMember } from '../../proto/email-filter.ts'
import { storedSource, type EmailSource } from './email-source.ts'

/** One text that must be in one of the fields, or in a header field of that name. */
interface Needle {
  readonly fields: readonly SearchField[]
  readonly word: SearchWord
  readonly header: string | null
  /** Attachments' names too. */
  readonly names: boolean
}

/** RFC 8621 §4.4.1. */
const fieldsOf: Readonly<Record<TextMember, readonly SearchField[]>> = {
  text: ['subject', 'from', 'to', 'cc', 'bcc', 'body'],
  from: ['from'],
  to: ['to'],
  cc: ['cc'],
  bcc: ['bcc'],
  subject: ['subject'],
  body: ['body'],
}

export interface TextLimits {
  /** Octets of one header, and of all text parts of a message together, that are read. */
  readonly header: number
  readonly text: number
}

/** Numbers of needles all of which must be found. */
export type TextTest = readonly number[]

export class TextSearch {
  readonly #needles: Needle[] = []
  #answer: SearchAnswer | null = null
  /** By needle: the key for names of attachments, or -1. */
  #nameKeys: readonly number[] = []
  /** By email: what reading showed of each needle. */
  readonly #read = new Map<number, readonly boolean[]>()

  get isEmpty(): boolean {
    return this.#needles.length === 0
  }

  /** What a condition asks of texts; null: nothing. */
  add(condition: EmailCondition): TextTest | null {
    const found: number[] = []
    for (const [member, fields] of Object.entries(fieldsOf)) {
      // Its members are those of the table.
      const wanted = condition[member as TextMember]
      if (wanted === undefined) continue
      for (const word of searchTokens(wanted)) {
        // RFC 8621 §4.4.1 text: "The server MAY extend the search to any additional textual property", here to names of attachments. Other
        // fields of parts are metadata that nobody sees.
        found.push(this.#add({ fields, word, header: null, names: member === 'text' }))
      }
    }
    const [name, value] = condition.header ?? []
    if (name !== undefined) {
      const word: SearchWord = { text: fold(value ?? ''), at: 'anywhere' }
      found.push(this.#add({ fields: ['header'], word, header: name.toLowerCase(), names: false }))
    }
    return found.length === 0 ? null : found
  }

  #add(needle: Needle): number {
    return this.#needles.push(needle) - 1
  }

  /** Asks the index, where there is one. */
  async lookUp(searcher: Searcher | null, account: AccountId): Promise<void> {
    if (searcher === null || this.isEmpty) return
    // Behind the needles, where each may be a part's header or an attachment's name: the index knows both together.
    const places = this.#needles.map(({ word, names }): TextKey[] =>
      names ? [{ fields: ['mime'], ...word }] : [],
    )
    this.#answer = await searcher.lookUp({ account, keys: [...this.#needles.map(keyOf), ...places.flat()] })
    let next = this.#needles.length
    this.#nameKeys = places.map((own) => (own.length === 0 ? -1 : next++))
  }

  /** Null where the message must be read. */
  judge(test: TextTest, email: number): boolean | null {
    const read = this.#read.get(email)
    let known: boolean | null = true
    for (const number of test) {
      const value: boolean | null = read === undefined ? this.#ask(number, email) : (read[number] ?? false)
      if (value === false) return false
      if (value === null) known = null
    }
    return known
  }

  #ask(number: number, email: number): boolean | null {
    const answer = this.#answer
    const key: KeyAnswer | undefined = answer?.keys[number]
    if (answer === null || key === undefined || email > answer.indexedUpTo) return null
    // The index holds emails of the store.
    const value = key.judge(email as EmailId)
    const names = answer.keys[this.#nameKeys[number] ?? -1]
    if (value === false && names !== undefined && names.judge(email as EmailId) !== false) return null
    // That a field of this name is there is more than that its name is.
    return value === true && this.#needles[number]?.header !== null ? null : value
  }

  /** Reads these messages, and knows everything of them from then on. */
  async read(
    emails: readonly EmailId[],
    { store, account, limits }: { store: Store; account: AccountId; limits: TextLimits },
  ): Promise<void> {
    for await (const texts of store.emailTexts({ account, emails, data: true })) {
      for (const text of texts) {
        const source = storedSource(store.blobs, account, text)
        this.#read.set(text.email, await this.#find(source, limits))
      }
    }
    // What is gone matches nothing.
    for (const email of emails) if (!this.#read.has(email)) this.#read.set(email, [])
  }

  async #find(source: EmailSource, limits: TextLimits): Promise<boolean[]> {
    const { envelope, root } = source.structure
    const found = this.#needles.map(({ fields, word, header }) => {
      if (header !== null) return false
      return fields.some((field) => {
        if (field === 'body' || field === 'header' || field === 'mime') return false
        const text = envelopeText(envelope, field)
        return text !== undefined && holdsWord(text, word)
      })
    })
    if (this.#needles.some(({ header }) => header !== null)) {
      const end = Math.min(root.bodyStart, root.headerStart + limits.header)
      const own = await source.read(root.headerStart, end)
      const fields = searchedFields(Buffer.concat([source.prefix, own]))
      for (const [number, { header, word }] of this.#needles.entries()) {
        if (header === null) continue
        found[number] = fields.some(({ name, value }) => name === header && holdsWord(value, word))
      }
    }
    const open = this.#needles.flatMap(({ fields }, number) =>
      found[number] === false && fields.includes('body') ? [number] : [],
    )
    if (open.length > 0) await this.#findInBody(source, { limits, open, found })
    return found
  }

  async #findInBody(
    source: EmailSource,
    { limits, open, found }: { limits: TextLimits; open: readonly number[]; found: boolean[] },
  ): Promise<void> {
    let left = limits.text
    for (const piece of bodyPieces(source.structure.root)) {
      if (piece.what === 'name') {
        const name = bodyText(piece, new Uint8Array(0))
        for (const number of open) {
          const needle = this.#needles[number]
          if (needle?.names === true && holdsWord(name, needle.word)) found[number] = true
        }
      }
      // As the index has it: headers of parts and names of attachments are no body.
      if (piece.what !== 'text') continue
      if (open.every((number) => found[number])) return
      if (left <= 0) continue
      const octets = await source.read(piece.start, Math.min(piece.end, piece.start + left))
      left -= octets.length
      const text = bodyText(piece, octets)
      for (const number of open) {
        const needle = this.#needles[number]
        if (needle && holdsWord(text, needle.word)) found[number] = true
      }
    }
  }
}

function keyOf({ fields, word, header }: Needle): TextKey {
  if (header === null) return { fields, ...word }
  // For a field alone, its name stands in the header of every match.
  return word.text === '' ? { fields, text: header } : { fields, text: word.text, header }
}
