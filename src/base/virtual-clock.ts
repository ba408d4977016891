// Time that moves only when told to: five days of retries pass in milliseconds.
//
// Timers run in the order of their due times, those of one time in the order in which they were set, and `now` and
// `monotonic` show each timer's own time while it runs. Between two timers, everything that the first one set off is
// given time to settle: by default promise jobs alone, since this folder has no timers. Where real input and output
// takes part (files, workers, sockets) pass a `settle` that waits for it.
import { sleepBy } from './sleep.ts'
import type { Clock, Timer } from './clock.ts'
import { milliseconds } from './duration.ts'

export interface VirtualClockOptions {
  /** Wall time at the beginning, in milliseconds since the Unix epoch. Default 2026-01-01T00:00:00Z. */
  readonly start?: number
  /** Resolves when what a timer set off has come to rest. Default: a fixed number of promise jobs. */
  readonly settle?: () => Promise<void>
}

const defaultStart = 1_767_225_600_000
const settlingJobs = 200
/** More timers than this at one moment mean a timer that sets itself again without delay. */
const timersAtOneMoment = 1_000_000

interface Entry {
  readonly at: number
  readonly sequence: number
  readonly task: () => void
}

export class VirtualClock implements Clock {
  readonly #settle: () => Promise<void>
  #wall: number
  #elapsed = 0
  #sequence = 0
  /** Sorted by time, then sequence; latest first, so that the next one is popped from the end. */
  readonly #entries: Entry[] = []
  #advancing: Promise<void> = Promise.resolve()

  constructor(options: VirtualClockOptions = {}) {
    this.#wall = options.start ?? defaultStart
    this.#settle = options.settle ?? settlePromiseJobs
  }

  now(): number {
    return this.#wall + this.#elapsed
  }

  monotonic(): number {
    return this.#elapsed
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#entries.length
  }

  after(milliseconds: number, task: () => void): Timer {
    const entry = { at: this.#elapsed + Math.max(0, milliseconds), sequence: this.#sequence++, task }
    this.#entries.splice(this.#position(entry), 0, entry)
    const cancel = () => this.#remove(entry)
    return { cancel, [Symbol.dispose]: cancel }
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return sleepBy(this, milliseconds, signal)
  }

  /**
   * Moves time on by `'5d'` or by milliseconds, running every timer that becomes due, also those set meanwhile.
   * Rejects with what a timer's task threw, having stopped there. Calls that overlap take their turn.
   */
  advance(by: number | string): Promise<void> {
    const length = milliseconds(by)
    const turn = this.#advancing.then(() => this.#advance(length))
    this.#advancing = turn.catch(() => undefined)
    return turn
  }

  /** Moves to the next timer and runs it and all of the same moment; false where none is set. */
  async advanceToNext(): Promise<boolean> {
    const next = this.#entries.at(-1)
    if (next === undefined) return false
    await this.advance(Math.max(0, next.at - this.#elapsed))
    return true
  }

  /** Changes wall time alone, as an administrator or NTP does; timers and `monotonic` notice nothing. */
  setWallTime(now: number): void {
    this.#wall = now - this.#elapsed
  }

  async #advance(length: number): Promise<void> {
    const target = this.#elapsed + length
    let ran = 0
    await this.#settle()
    for (;;) {
      const next = this.#entries.at(-1)
      if (next === undefined || next.at > target) break
      ran = next.at > this.#elapsed ? 0 : ran + 1
      if (ran > timersAtOneMoment) throw new Error('a timer keeps setting itself again without delay')
      this.#elapsed = Math.max(this.#elapsed, next.at)
      this.#entries.pop()
      next.task()
      await this.#settle()
    }
    this.#elapsed = Math.max(this.#elapsed, target)
  }

  /** Where the entry is, or belongs. */
  #position(entry: Entry): number {
    let low = 0
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const other = this.#entries[middle]
      if (other !== undefined && isLater(other, entry)) low = middle + 1
      else high = middle
    }
    return low
  }

  #remove(entry: Entry): void {
    const at = this.#position(entry)
    if (this.#entries[at] === entry) this.#entries.splice(at, 1)
  }
}

function isLater(one: Entry, other: Entry): boolean {
  return one.at === other.at ? one.sequence > other.sequence : one.at > other.at
}

async function settlePromiseJobs(): Promise<void> {
  for (let job = 0; job < settlingJobs; job++) await null
}
