// Time for tests: it runs like the real one, and can be moved on. Five days of retries pass in the time that they take to run.
//
// Timers run in the order of their due times; while time is moved, `now` and `monotonic` show each timer's own time while it runs, and
// what it set off (sockets and workers included) is given turns of the event loop before the next one.
import { milliseconds } from '../base/duration.ts'
import { sleepBy } from '../base/sleep.ts'
import type { Clock, Timer } from '../base/clock.ts'
import { RealClock } from '../net/real-clock.ts'

interface Entry {
  /** By `monotonic`. */
  readonly due: number
  readonly sequence: number
  readonly task: () => void
  real: Timer | null
}

/** Turns of the event loop that what a timer set off is given. */
const settlingTurns = 20

export class MovingClock implements Clock {
  readonly #real = new RealClock()
  /** Wall time where `monotonic` is 0. */
  readonly #began = this.#real.now() - this.#real.monotonic()
  /** How much time was skipped. */
  #skipped = 0
  #sequence = 0
  readonly #entries = new Set<Entry>()
  #moving: Promise<void> = Promise.resolve()
  /** While moved: the time that is shown, by `monotonic`. */
  #shown: number | null = null

  now(): number {
    // One clock for both, so that what `monotonic` has waited for has passed here too.
    return Math.floor(this.#began + this.monotonic())
  }

  monotonic(): number {
    return this.#shown ?? this.#running()
  }

  after(length: number, task: () => void): Timer {
    const entry: Entry = {
      due: this.monotonic() + Math.max(0, length),
      sequence: this.#sequence++,
      task,
      real: null,
    }
    this.#entries.add(entry)
    this.#arm(entry)
    const cancel = (): void => this.#take(entry)
    return { cancel, [Symbol.dispose]: cancel }
  }

  sleep(length: number, signal?: AbortSignal): Promise<void> {
    return sleepBy(this, length, signal)
  }

  /** Moves time on by `'5d'` or by milliseconds, running all that becomes due. Calls that overlap take their turn. */
  advance(by: number | string): Promise<void> {
    const length = milliseconds(by)
    const turn = this.#moving.then(() => this.#advance(length))
    this.#moving = turn.catch(() => undefined)
    return turn
  }

  async #advance(length: number): Promise<void> {
    await settle()
    const start = this.#running()
    const target = start + length
    try {
      for (let next = this.#next(target); next !== undefined; next = this.#next(target)) {
        this.#shown = Math.max(this.#shown ?? start, next.due)
        this.#take(next)
        next.task()
        await settle()
      }
    } finally {
      // From here on the real time of the timers that are left is shorter by what was skipped.
      this.#skipped += Math.max(0, target - this.#running())
      this.#shown = null
      for (const entry of this.#entries) this.#arm(entry)
    }
    await settle()
  }

  /** The next timer that is due by then. */
  #next(target: number): Entry | undefined {
    let next: Entry | undefined
    for (const entry of this.#entries) {
      if (entry.due > target) continue
      if (
        next === undefined ||
        entry.due < next.due ||
        (entry.due === next.due && entry.sequence < next.sequence)
      )
        next = entry
    }
    return next
  }

  #running(): number {
    return this.#real.monotonic() + this.#skipped
  }

  #arm(entry: Entry): void {
    entry.real?.cancel()
    entry.real = this.#real.after(Math.max(0, entry.due - this.#running()), () => {
      // While time is moved, `advance` keeps the order.
      if (this.#shown !== null) return
      this.#take(entry)
      entry.task()
    })
  }

  #take(entry: Entry): void {
    entry.real?.cancel()
    this.#entries.delete(entry)
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < settlingTurns; turn++) {
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
}
