// One list of conversations: the answer to a query, as an array with holes of which the parts in sight are loaded. When something
// changes, the part in sight is asked for again and the rest forgotten.
import { signal, type Signal } from '@preact/signals'
import type { Email, Filter, GetResponse, Id, QueryResponse, SearchSnippet } from '../../shared/jmap/types.ts'
import { isOffline, listProperties, type MailStore } from './mail-store.ts'

const page = 50
/** Milliseconds for which nothing moves before what is in sight is asked for: rows that fly by are not. */
const restTime = 60

export class ConversationList {
  readonly store: MailStore
  readonly filter: Filter
  readonly searching: boolean
  /** null: not yet known. */
  readonly total: Signal<number | null> = signal(null)
  readonly error: Signal<Error | null> = signal(null)
  /** The email that stands for each conversation; undefined: not loaded. */
  ids: (Id | undefined)[] = []
  readonly snippets = new Map<Id, SearchSnippet>()
  readonly #loading = new Set<number>()
  #sight: [number, number] = [0, page]
  #round = 0
  #rest: ReturnType<typeof setTimeout> | undefined

  constructor(store: MailStore, filter: Filter, searching: boolean) {
    this.store = store
    this.filter = filter
    this.searching = searching
  }

  /** Tells what is in sight; what of it is missing is loaded, once the eye rests on it. */
  see(first: number, last: number): void {
    this.#sight = [first, last]
    clearTimeout(this.#rest)
    if (this.total.value === null) this.#loadMissing()
    else this.#rest = setTimeout(() => this.#loadMissing(), restTime)
  }

  #loadMissing(): void {
    const [first, last] = this.#sight
    for (let start = first - (first % page); start < Math.max(last, 1); start += page) {
      const known = this.total.value
      if (known !== null && start >= known) break
      const shown = this.ids.slice(Math.max(start, first), Math.min(start + page, last))
      if (known === null || shown.length === 0 || shown.includes(undefined))
        void this.#load(start, this.#round)
    }
  }

  /** Asks again for what is in sight. */
  async refresh(): Promise<void> {
    const round = ++this.#round
    this.#loading.clear()
    const [first, last] = this.#sight
    const start = first - (first % page)
    const count = Math.max(1, Math.ceil((last - start) / page))
    await Promise.all(Array.from({ length: count }, (_, index) => this.#load(start + index * page, round)))
  }

  async #load(position: number, round: number): Promise<void> {
    if (this.#loading.has(position)) return
    this.#loading.add(position)
    try {
      const batch = this.store.client.batch()
      const query = batch.add<QueryResponse>('Email/query', {
        filter: this.filter,
        sort: [{ property: 'receivedAt', isAscending: false }],
        collapseThreads: true,
        position,
        limit: page,
        calculateTotal: true,
      })
      const heads = batch.add<GetResponse<Email>>('Email/get', {
        '#ids': query.ref('/ids'),
        properties: ['threadId'],
      })
      const threads = batch.add<GetResponse<{ id: Id; emailIds: Id[] }>>('Thread/get', {
        '#ids': heads.ref('/list/*/threadId'),
      })
      const emails = batch.add<GetResponse<Email>>('Email/get', {
        '#ids': threads.ref('/list/*/emailIds'),
        properties: listProperties,
      })
      const snippets = this.searching
        ? batch.add<{ list: SearchSnippet[] }>('SearchSnippet/get', {
            filter: this.filter,
            '#emailIds': query.ref('/ids'),
          })
        : null
      await batch.send()
      const found = await query.result
      this.store.keepThreads((await threads.result).list)
      this.store.keep((await emails.result).list)
      for (const one of (await snippets?.result.catch(() => null))?.list ?? [])
        this.snippets.set(one.emailId, one)
      if (round === this.#round) this.#place(found)
    } catch (error) {
      if (isOffline(error) && !this.searching) this.#placeKept()
      else this.error.value = error instanceof Error ? error : new Error(String(error))
    } finally {
      this.#loading.delete(position)
    }
  }

  #place({ ids, position, total = 0 }: QueryResponse): void {
    const changed = total !== this.total.value
    if (changed) this.ids = this.ids.slice(0, total)
    for (const [index, id] of ids.entries()) this.ids[position + index] = id
    // The others moved by an unknown number: what is out of sight is asked for when it comes in sight.
    if (changed) {
      const [first, last] = this.#sight
      this.ids = this.ids.map((id, index) =>
        index >= Math.min(first, position) - page && index < Math.max(last, position + page) ? id : undefined,
      )
    }
    this.error.value = null
    this.total.value = total
    this.store.touch()
  }

  /** Without a network: what is there already, else what was read lately. */
  #placeKept(): void {
    if (this.total.value !== null) return
    // Lists that are no searches have one condition of these.
    this.ids = this.store.keptHeads(this.filter as { inMailbox?: Id; hasKeyword?: string })
    this.total.value = this.ids.length
    this.store.touch()
  }

  /** Takes conversations out at once, before the server has answered. */
  remove(gone: ReadonlySet<Id>): void {
    const left = this.ids.filter((id) => id === undefined || !gone.has(id))
    const removed = this.ids.length - left.length
    this.ids = left
    if (this.total.value !== null) this.total.value = Math.max(0, this.total.value - removed)
    this.store.touch()
  }

  indexOf(threadId: Id): number {
    return this.ids.findIndex((id) => id !== undefined && this.store.emails.get(id)?.threadId === threadId)
  }
}
