// Finds caught messages: by what is in memory where that decides, else by the full-text index, else by reading texts from the store.
import { fold } from '../mail/search-text/fold.ts'
import type { Searcher } from '../search/search.ts'
import type { Account, EmailId, Mailbox } from '../store/model.ts'
import type { BlobStore, Store } from '../store/store.ts'
import { CaughtContent } from './content.ts'
import type { CaughtSummary } from './message.ts'
import { indexedPhrases, matches, matchesIndexed, matchesText, parseQuery, type Query } from './query.ts'
import { type Row, summaryOf } from './row.ts'
import type { Shelf } from './shelf.ts'

export interface Found {
  /** Newest first. */
  readonly messages: readonly CaughtSummary[]
  readonly total: number
  readonly unread: number
  /** For `FindRequest.after`; null at the end. */
  readonly next: string | null
}

export interface FindRequest {
  /** Absent or blank: all. */
  readonly query?: string
  readonly timeZone?: string
  readonly inbox?: string
  readonly start?: number
  readonly limit?: number
  /** Milliseconds since the epoch: older ones alone. */
  readonly before?: number
  /** `Found.next` of an answer before: what was older than that, whatever has gone since. */
  readonly after?: string
}

export interface FinderParts {
  readonly store: Pick<Store, 'loadEmails'>
  /** Of what is read from the store. */
  readonly content: { readonly blobs: Pick<BlobStore, 'read'>; readonly textSize: number }
  readonly account: Account
  readonly mailbox: Mailbox
  /** The full-text index; null where none is kept. */
  readonly searcher: () => Searcher | null
}

export class Finder {
  readonly #parts: FinderParts
  readonly #shelf: Shelf

  constructor(parts: FinderParts, shelf: Shelf) {
    this.#parts = parts
    this.#shelf = shelf
  }

  async page(request: FindRequest): Promise<Found> {
    const { start = 0, limit = 50 } = request
    const rows = await this.rows(request)
    const page = rows.slice(start, start + limit)
    const last = page.at(-1)
    return {
      messages: page.map(summaryOf),
      next: last === undefined || rows.length <= start + page.length ? null : String(last.uid),
      total: rows.length,
      unread: rows.reduce((sum, { read }) => sum + (read ? 0 : 1), 0),
    }
  }

  /** Newest first. */
  async rows({ query = '', timeZone, inbox, before, after }: FindRequest): Promise<Row[]> {
    const parsed = parseQuery(query, timeZone === undefined ? {} : { timeZone })
    const older = after !== undefined && /^\d{1,10}$/.test(after) ? Number(after) : Number.POSITIVE_INFINITY
    const found: Row[] = []
    const open: Row[] = []
    for (const row of this.#shelf.rows) {
      if (inbox !== undefined && row.inbox !== inbox) continue
      if (before !== undefined && row.receivedAt >= before) continue
      if (row.uid >= older) continue
      const test = matches(parsed, row)
      if (test === 'yes') found.push(row)
      else if (test === 'text') open.push(row)
    }
    if (open.length > 0) {
      const unsure = await this.#lookUp(parsed, open, found)
      for await (const batch of this.#shelf.texts(unsure)) {
        for (const [text, row] of batch) {
          const content = new CaughtContent(text, this.#parts.content)
          if (matchesText(parsed, row, await content.searchText())) found.push(row)
        }
      }
      found.sort((one, other) => one.uid - other.uid)
    }
    return found.toReversed()
  }

  /** Adds to `found` those that the full-text index is sure of; gives those that must be read. */
  async #lookUp(query: Query, rows: readonly Row[], found: Row[]): Promise<readonly Row[]> {
    const { store, account, mailbox } = this.#parts
    const searcher = this.#parts.searcher()
    const phrases = indexedPhrases(query)
    // A few messages are read sooner than looked up.
    if (searcher === null || phrases.length === 0 || rows.length < worthLookUp) return rows
    const keys = phrases.map((phrase) => ({ fields: ['body', 'mime'] as const, text: fold(phrase) }))
    const [answer, emails] = await Promise.all([
      searcher.lookUp({ account: account.id, keys }),
      store.loadEmails({ account: account.id, mailbox: mailbox.id }),
    ])
    const emailOf = new Map(Array.from(emails.uids, (uid, index) => [uid, emails.emails[index] ?? 0]))
    const unsure: Row[] = []
    for (const row of rows) {
      // The store's own number.
      const email = (emailOf.get(row.uid) ?? Number.POSITIVE_INFINITY) as EmailId
      const test = matchesIndexed(query, row, (phrase) => {
        const key = answer.keys[phrases.indexOf(phrase)]
        return key === undefined || email > answer.indexedUpTo ? null : key.judge(email)
      })
      if (test === 'yes') found.push(row)
      else if (test === 'text') unsure.push(row)
    }
    return unsure
  }
}

/** Messages from which on the index is asked. */
const worthLookUp = 200
