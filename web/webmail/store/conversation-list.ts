// One list of conversations: the answer to a query, as an array with holes of which the parts in sight are loaded.
//
// - Answers come in any order: each belongs to a round, and those of an old round are dropped. A page whose query has another state than the
//   rest begins a new round, since positions may have moved.
// - While something is being changed that the list shows already (`hold`), answers may be older than what is shown: they are dropped, and
//   asked for again afterwards.
import { signal, type Signal } from '@preact/signals'
import type { Email, Filter, GetResponse, Id, QueryResponse, SearchSnippet } from '../../shared/jmap/types.ts'
import { isOffline, isTooLarge, listProperties, type MailStore, type Thread } from './mail-store.ts'

const page = 50
/** Milliseconds for which nothing moves before what is in sight is asked for: rows that fly by are not. */
const restTime = 60
/** Rows by which a list moves at once at a hand's speed, and rows beyond sight that are loaded then. */
const handStep = 12
const ahead = 25
/** Milliseconds after which what could not be loaded is asked for again. */
const retryTime = 4000

interface Found {
  /** Of emails, when it was answered. */
  readonly state: string
  readonly query: QueryResponse
  readonly threads: readonly Thread[]
  /** null: more than one request may ask for. */
  readonly emails: readonly Email[] | null
  readonly snippets: readonly SearchSnippet[]
}

export class ConversationList {
  readonly store: MailStore
  readonly filter: Filter
  readonly searching: boolean
  /** null: not yet known. */
  readonly total: Signal<number | null> = signal(null)
  readonly error: Signal<Error | null> = signal(null)
  /** Whether this is what was read lately, for want of a network. */
  readonly fromKept: Signal<boolean> = signal(false)
  /** The email that stands for each conversation; undefined or a hole: not loaded. */
  ids: (Id | undefined)[] = []
  readonly snippets = new Map<Id, SearchSnippet>()
  #loading = new Map<number, Promise<void>>()
  #sight: [number, number] = [0, page]
  #round = 0
  /** null: this round has no answer yet. */
  #queryState: string | null = null
  #emailState: string | null = null
  #confirmed: string | null = null
  #held = 0
  #stale = false
  #closed = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(store: MailStore, filter: Filter, searching: boolean) {
    this.store = store
    this.filter = filter
    this.searching = searching
  }

  /** Whether something of it is missing that could be there. */
  get isStale(): boolean {
    return this.#stale || this.fromKept.peek() || this.error.peek() !== null
  }

  /** Nobody looks at it any more. */
  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  /** Called once, with the state of emails from which changes are followed: a list that was asked for before may be older. */
  confirm(emailState: string): void {
    this.#confirmed = emailState
    this.#compare()
  }

  #compare(): void {
    if (this.#confirmed === null || this.#emailState === null) return
    const isOld = this.#emailState !== this.#confirmed
    this.#confirmed = null
    if (isOld) void this.refresh()
  }

  /** Tells what is in sight; what of it is missing is loaded: at a hand's speed before it comes in sight, else once the eye rests on it. */
  see(first: number, last: number): void {
    const step = Math.abs(first - this.#sight[0])
    this.#sight = [first, last]
    const known = this.total.peek() !== null
    if (known && step <= handStep) void this.need(Math.max(0, first - ahead), last + ahead)
    else if (known) this.#loadLater(restTime)
    else this.#loadMissing()
  }

  #loadLater(delay: number): void {
    clearTimeout(this.#timer)
    if (!this.#closed) this.#timer = setTimeout(() => this.#loadMissing(), delay)
  }

  #loadMissing(): void {
    const [first, last] = this.#sight
    void this.need(first, last)
  }

  /** Loads what is missing from `first` to before `last`. */
  async need(first: number, last: number): Promise<void> {
    const loads: Promise<void>[] = []
    for (let start = first - (first % page); start < Math.max(last, 1); start += page) {
      const known = this.total.peek()
      if (known !== null && start >= known) break
      const end = Math.min(start + page, last, known ?? Infinity)
      if (known === null || this.#isMissing(Math.max(start, first), end)) loads.push(this.#load(start))
    }
    await Promise.all(loads)
  }

  #isMissing(from: number, to: number): boolean {
    for (let index = from; index < to; index++) if (this.ids[index] === undefined) return true
    return false
  }

  /** Asks again for what is in sight, and forgets the rest. */
  async refresh(): Promise<void> {
    this.#round++
    this.#loading = new Map()
    this.#queryState = null
    this.#stale = false
    const [first, last] = this.#sight
    const start = first - (first % page)
    await this.#load(start, Math.max(1, Math.ceil((last - start) / page)) * page)
  }

  /** Drops answers until the result is called: the list shows already what they do not know. */
  hold(): () => void {
    this.#held++
    return () => {
      this.#held--
      const [first, last] = this.#sight
      const missing = this.#isMissing(first, Math.min(last, this.total.peek() ?? 0))
      if (this.#held === 0 && (this.#stale || missing || this.#loading.size > 0)) void this.refresh()
    }
  }

  #load(position: number, limit = page): Promise<void> {
    const underWay = this.#loading.get(position)
    if (underWay !== undefined) return underWay
    // This round's: a new one has a map of its own.
    const loading = this.#loading
    const load = this.#loadAt(position, limit).finally(() => loading.delete(position))
    loading.set(position, load)
    return load
  }

  async #loadAt(position: number, limit: number): Promise<void> {
    const round = this.#round
    try {
      const found = await this.#ask(position, limit)
      if (round !== this.#round) return
      if (this.#held > 0) {
        this.#stale = true
        return
      }
      if (this.#queryState !== null && this.#queryState !== found.query.queryState) {
        await this.refresh()
        return
      }
      await this.#keep(found)
      if (round !== this.#round) return
      this.#place(found.query)
      this.#emailState = found.state
      this.#compare()
    } catch (error) {
      if (round !== this.#round) return
      this.#stale = true
      if (isOffline(error) && !this.searching) this.#placeKept()
      else this.error.value = error instanceof Error ? error : new Error(String(error))
      this.#loadLater(retryTime)
    }
  }

  async #ask(position: number, limit: number): Promise<Found> {
    const batch = this.store.client.batch()
    const query = batch.add<QueryResponse>('Email/query', {
      filter: this.filter,
      sort: [{ property: 'receivedAt', isAscending: false }],
      collapseThreads: true,
      position,
      limit,
      calculateTotal: true,
    })
    const heads = batch.add<GetResponse<Email>>('Email/get', {
      '#ids': query.ref('/ids'),
      properties: ['threadId'],
    })
    const threads = batch.add<GetResponse<Thread>>('Thread/get', {
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
    const { state } = await heads.result
    return {
      state,
      query: await query.result,
      threads: (await threads.result).list,
      emails: await emails.result.then(
        ({ list }) => list,
        (error: unknown) => {
          if (isTooLarge(error)) return null
          throw error
        },
      ),
      snippets: (await snippets?.result.catch(() => null))?.list ?? [],
    }
  }

  async #keep({ threads, emails, snippets }: Found): Promise<void> {
    if (emails === null) await this.store.loadEmails(threads.flatMap(({ emailIds }) => emailIds))
    else this.store.keep(emails)
    this.store.keepThreads(threads)
    for (const one of snippets) this.snippets.set(one.emailId, one)
  }

  #place({ ids, position, total = 0, queryState }: QueryResponse): void {
    // A round's first answer takes the place of all that was there before.
    if (this.#queryState === null) this.ids = []
    this.#queryState = queryState
    for (const [index, id] of ids.entries()) this.ids[position + index] = id
    this.fromKept.value = false
    this.error.value = null
    this.total.value = total
    this.store.touch()
  }

  /** Without a network: what is there already, else what was read lately. */
  #placeKept(): void {
    if (this.total.peek() !== null && !this.fromKept.peek()) return
    // Lists that are no searches have one condition of these.
    this.ids = this.store.keptHeads(this.filter as { inMailbox?: Id; hasKeyword?: string })
    this.fromKept.value = true
    this.total.value = this.ids.length
    this.store.touch()
  }

  /** Takes conversations out at once, before the server has answered. */
  remove(gone: ReadonlySet<Id>): void {
    const left: (Id | undefined)[] = []
    let removed = 0
    for (let index = 0; index < this.ids.length; index++) {
      const id = this.ids[index]
      if (id !== undefined && gone.has(id)) removed++
      else if (id !== undefined) left[index - removed] = id
    }
    this.ids = left
    const total = this.total.peek()
    if (total !== null) this.total.value = Math.max(0, total - removed)
    this.store.touch()
  }
}
