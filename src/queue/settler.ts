// Settlements on their way into the store: while one commit is under way the next ones gather, so that a busy queue commits
// many at once and a quiet one commits at once.
//
// A store that cannot serve is asked again until it does, or until `close` has waited long enough: what is settled then stays
// under lease, and whoever recovers it finds an interrupted attempt.
import type { Checkpoint } from '../base/checkpoint.ts'
import type { Clock } from '../base/clock.ts'
import { errorText } from '../events/error-text.ts'
import type { Events } from '../events/event.ts'
import { queueStoreTrouble } from '../events/queue.ts'
import type { NewHookEvent, QueueStore, Settlement } from '../store/queue.ts'

export interface Settled {
  readonly settlement: Settlement
  readonly events: readonly NewHookEvent[]
}

export interface SettlerOptions {
  readonly store: Pick<QueueStore, 'settle'>
  readonly clock: Clock
  readonly events: Events
  readonly holder: string
  /** Told after each commit. */
  readonly committed: (settled: readonly Settled[]) => void
  readonly checkpoint?: Checkpoint | undefined
}

/** Settlements of one commit, at most. */
const batchSize = 500
const retryAfter = 1000

export class Settler {
  readonly #parts: SettlerOptions
  #waiting: Settled[] = []
  #running: Promise<void> | undefined
  readonly #stop = new AbortController()

  constructor(parts: SettlerOptions) {
    this.#parts = parts
  }

  /** Settlements that are not committed yet. */
  get pending(): number {
    return this.#waiting.length
  }

  add(settlement: Settlement, events: readonly NewHookEvent[] = []): void {
    this.#waiting.push({ settlement, events })
    this.#running ??= this.#run()
  }

  /** Resolves when everything is committed, or after so many milliseconds. */
  async close(within: number): Promise<void> {
    const { clock } = this.#parts
    const timer = clock.after(within, () => this.#stop.abort())
    await this.#running
    timer.cancel()
  }

  async #run(): Promise<void> {
    // Those of the same turn come along.
    await Promise.resolve()
    while (this.#waiting.length > 0 && !this.#stop.signal.aborted) {
      const batch = this.#waiting.splice(0, batchSize)
      if (await this.#commit(batch)) this.#parts.committed(batch)
      else this.#waiting = [...batch, ...this.#waiting]
    }
    this.#running = undefined
  }

  async #commit(batch: readonly Settled[]): Promise<boolean> {
    const { store, clock, events, holder, checkpoint } = this.#parts
    try {
      checkpoint?.('queue.settling')
      await store.settle({
        settlements: batch.map(({ settlement }) => settlement),
        holder,
        now: clock.now(),
        events: batch.flatMap((settled) => settled.events),
      })
      checkpoint?.('queue.settled')
      return true
    } catch (error) {
      events.emit(queueStoreTrouble, { doing: 'settle', error: errorText(error) })
      await clock.sleep(retryAfter, this.#stop.signal).catch(() => undefined)
      return false
    }
  }
}
