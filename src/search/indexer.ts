// Keeps the full-text indexes behind the mail: which accounts wait, which is next, and how much of the machine that may take.
//
// - An account is indexed when enough of its mail waits, when a search had to read much that waits, or after some time.
// - One account at a time, one job at a time. On a store with several nodes, a lease on the account keeps them apart; even without it
//   the store would let only one of them commit.
// - While mail arrives, indexing rests most of the time.
// - An account that fails waits before it is tried again; its mail is found by reading meanwhile.
import type { Clock, Timer } from '../base/clock.ts'
import type { SearchConfig } from '../config/sections/search.ts'
import { errorText } from '../events/error-text.ts'
import type { Events } from '../events/event.ts'
import { searchFailed } from '../events/search.ts'
import type { AccountId } from '../store/model.ts'
import { AccountIndexing, type IndexingStore, type IndexProgress } from './account-indexing.ts'
import type { Workshop } from './index-work.ts'

export interface IndexerOptions {
  readonly store: IndexingStore
  readonly workshop: Workshop
  readonly clock: Clock
  readonly events: Events
  readonly config: SearchConfig
  /** Unique to this run of this process. */
  readonly holder: string
}

interface Waiting {
  emails: number
  /** By the monotonic clock. */
  due: number
  /** When there came to be enough of them; null: there are not. */
  enoughSince: number | null
}

/** Accounts that wait and are kept in mind. */
const mostWaiting = 100_000
/** Accounts read at once when the process starts. */
const accountsAtOnce = 200
/** After a failure, or where another node has the account. */
const retryAfter = 60_000
/** Mail that arrives within this time makes the next pause long. */
const busyFor = 1_000
/** An account whose mail comes in one after the other is indexed once that has rested for so long, */
const calm = 2_000
/** or when it has gone on for so long. */
const longestBurst = 30_000
/** So many messages in that time are a rush; a few don't hurt. */
const rush = 10

export class Indexer implements AsyncDisposable {
  readonly #options: IndexerOptions
  readonly #waiting = new Map<AccountId, Waiting>()
  readonly #stopping = new AbortController()
  #unsubscribe: (() => void) | null = null
  #timer: Timer | null = null
  #working: Promise<void> | null = null
  /** The account at work, and those that wait behind it. */
  #tail: Promise<unknown> = Promise.resolve()
  /** More accounts wait than are kept in mind: the store knows them. */
  #isOverlooking = false
  #arrivals = 0
  #arrivedSince = -Infinity

  constructor(options: IndexerOptions) {
    this.#options = options
  }

  /** Listens for mail, and looks what waits since before. */
  start(): void {
    const { store } = this.#options
    this.#unsubscribe = store.onMail((account, messages) => {
      this.#countArrivals(messages)
      this.#add(account, messages, calm)
    })
    this.#working = this.#lookAround().then(() => this.#next())
  }

  /** A search had to read so many emails of the account that are not indexed. */
  readonly behind = (account: AccountId, emails: number): void => {
    if (this.#unsubscribe === null || emails < this.#options.config.behind) return
    const waiting = this.#waiting.get(account)
    const due = this.#options.clock.monotonic()
    if (waiting === undefined) this.#waiting.set(account, { emails, due, enoughSince: null })
    else waiting.due = Math.min(waiting.due, due)
    this.#arm()
  }

  /** Indexes what waits of one account, now. Rejects as the store, and where another node is at it. */
  async indexNow(
    account: AccountId,
    options: { onProgress?: (progress: IndexProgress) => void; signal?: AbortSignal } = {},
  ): Promise<IndexProgress> {
    const signal = AbortSignal.any([this.#stopping.signal, ...(options.signal ? [options.signal] : [])])
    const done = await this.#alone(() => this.#indexing(account, signal).run(options.onProgress))
    if (done === 'taken') throw new Error('another node indexes this account')
    return done
  }

  /** Ends within the time of a small commit. */
  async stop(): Promise<void> {
    this.#unsubscribe?.()
    this.#unsubscribe = null
    this.#timer?.cancel()
    this.#stopping.abort(new Error('the indexer stops'))
    await this.#options.workshop.close()
    await this.#working
    await this.#tail
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /** The workshop does one thing at a time. */
  #alone<T>(task: () => Promise<T>): Promise<T> {
    const run = this.#tail.then(task)
    this.#tail = run.catch(() => undefined)
    return run
  }

  #indexing(account: AccountId, signal: AbortSignal): AccountIndexing {
    return new AccountIndexing({
      ...this.#options,
      account,
      signal,
      pause: (spent) => this.#pause(spent, signal),
    })
  }

  #countArrivals(messages: number): void {
    const now = this.#options.clock.monotonic()
    if (now - this.#arrivedSince > busyFor) {
      this.#arrivals = 0
      this.#arrivedSince = now
    }
    this.#arrivals += messages
  }

  /** Rests in proportion to what was spent, where mail arrives. */
  async #pause(spent: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const { clock, config } = this.#options
    const isRush = this.#arrivals >= rush && clock.monotonic() - this.#arrivedSince <= busyFor * 2
    if (!isRush || spent <= 0) return
    await clock.sleep(Math.min(busyFor, (spent * (100 - config.share)) / config.share), signal)
  }

  /** `patience`: how long to wait for more where there are enough. */
  #add(account: AccountId, emails: number, patience: number): void {
    const { clock, config } = this.#options
    const now = clock.monotonic()
    const waiting = this.#waiting.get(account)
    if (waiting === undefined) {
      if (this.#waiting.size >= mostWaiting) {
        this.#isOverlooking = true
        return
      }
      const isEnough = emails >= config.after
      const due = now + (isEnough ? patience : config.wait)
      this.#waiting.set(account, { emails, due, enoughSince: isEnough ? now : null })
      if (this.#waiting.size === 1 || isEnough) this.#arm()
      return
    }
    waiting.emails += emails
    if (waiting.emails < config.after) return
    if (waiting.enoughSince === null) {
      waiting.enoughSince = now
      waiting.due = Math.min(waiting.due, now + patience)
      this.#arm()
    } else if (waiting.due > now) {
      // The timer stays: it finds that there is time.
      waiting.due = Math.min(now + patience, waiting.enoughSince + longestBurst)
    }
  }

  /** Accounts whose mail came when nobody listened. */
  async #lookAround(): Promise<void> {
    const { store, events, config } = this.#options
    // Accounts are numbered from 1.
    let after = 0 as AccountId
    try {
      while (!this.#stopping.signal.aborted) {
        const found = await store.accountsToIndex({ after, limit: accountsAtOnce })
        for (const { account, cursor, newest } of found) {
          const emails = newest - cursor
          this.#add(account, emails >= config.behind ? Math.max(emails, config.after) : emails, 0)
        }
        const last = found.at(-1)
        if (last === undefined || found.length < accountsAtOnce) return
        after = last.account
      }
    } catch (error) {
      events.emit(searchFailed, { account: 0, error: errorText(error) })
    }
  }

  #arm(): void {
    if (this.#working !== null || this.#unsubscribe === null) return
    this.#timer?.cancel()
    let due = Infinity
    for (const waiting of this.#waiting.values()) due = Math.min(due, waiting.due)
    if (due === Infinity) return
    const delay = Math.max(0, due - this.#options.clock.monotonic())
    this.#timer = this.#options.clock.after(Math.min(delay, longestTimer), () => {
      this.#working = this.#work().then(() => this.#next())
    })
  }

  #next(): void {
    this.#working = null
    this.#arm()
  }

  /** Everything that is due, the largest first. */
  async #work(): Promise<void> {
    const { clock, events } = this.#options
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const now = clock.monotonic()
      const due = [...this.#waiting].filter(([, waiting]) => waiting.due <= now)
      for (const [account] of due.toSorted(([, a], [, b]) => b.emails - a.emails)) {
        this.#waiting.delete(account)
        try {
          const done = await this.#alone(() => this.#indexing(account, signal).run())
          if (done === 'taken') this.#retry(account)
        } catch (error) {
          if (signal.aborted) return
          events.emit(searchFailed, { account, error: errorText(error) })
          this.#retry(account)
        }
      }
      if (due.length > 0) continue
      if (!this.#isOverlooking) return
      // Those that there was no room for.
      this.#isOverlooking = false
      await this.#lookAround()
      if (this.#isOverlooking) return
    }
  }

  #retry(account: AccountId): void {
    const due = this.#options.clock.monotonic() + retryAfter
    const emails = this.#waiting.get(account)?.emails ?? 0
    this.#waiting.set(account, { emails: Math.max(1, emails), due, enoughSince: null })
  }
}

/** Timers of Node hold no more than 24 days. */
const longestTimer = 86_400_000
