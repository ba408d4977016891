// Whether the queue takes more. Counting all of it takes time, so that it is done now and then, and what came in since is
// added: an estimate that errs towards full, by what went out since the last count.
import type { Clock } from '../base/clock.ts'
import type { QueueStore } from '../store/queue.ts'

/** How often it is counted, in milliseconds. */
const countEvery = 30_000

export class QueueGauge {
  readonly #store: Pick<QueueStore, 'queueTotals'>
  readonly #clock: Clock
  readonly #limit: number
  #messages = 0
  #countedAt = Number.NEGATIVE_INFINITY
  #counting = false

  /** `limit` 0: always room. */
  constructor(options: { store: Pick<QueueStore, 'queueTotals'>; clock: Clock; limit: number }) {
    this.#store = options.store
    this.#clock = options.clock
    this.#limit = options.limit
  }

  isFull(): boolean {
    if (this.#limit === 0) return false
    if (this.#clock.monotonic() - this.#countedAt >= countEvery) void this.count()
    return this.#messages >= this.#limit
  }

  added(): void {
    this.#messages++
  }

  async count(): Promise<void> {
    if (this.#counting) return
    this.#counting = true
    this.#countedAt = this.#clock.monotonic()
    try {
      this.#messages = (await this.#store.queueTotals()).messages
    } catch {
      // The store is in trouble, and whoever delivers hears of it; the last count stands.
    } finally {
      this.#counting = false
    }
  }
}
