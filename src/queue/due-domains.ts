// When which domain has something to try: those due soon, by what the store said and what settlements said since. What is due
// later is left to the next look at the store, so that this stays small however much waits.
import type { Clock, Timer } from '../base/clock.ts'

export class DueDomains {
  readonly #clock: Clock
  readonly #horizon: number
  readonly #limit: number
  readonly #due: (domain: string) => void
  readonly #times = new Map<string, number>()
  #timer: Timer | undefined
  #timerAt = Number.POSITIVE_INFINITY

  /** `due` is called for each domain when its time has come. Milliseconds. */
  constructor(options: { clock: Clock; horizon: number; limit: number; due: (domain: string) => void }) {
    this.#clock = options.clock
    this.#horizon = options.horizon
    this.#limit = options.limit
    this.#due = options.due
  }

  note(domain: string, at: number): void {
    const now = this.#clock.now()
    if (at <= now) {
      this.#times.delete(domain)
      this.#due(domain)
      return
    }
    if (at - now > this.#horizon) return
    const known = this.#times.get(domain)
    if (known !== undefined && known <= at) return
    if (known === undefined && this.#times.size >= this.#limit) return
    this.#times.set(domain, at)
    if (at < this.#timerAt) this.#setTimer(at)
  }

  clear(): void {
    this.#timer?.cancel()
    this.#times.clear()
    this.#timerAt = Number.POSITIVE_INFINITY
  }

  #setTimer(at: number): void {
    this.#timer?.cancel()
    this.#timerAt = at
    this.#timer = this.#clock.after(Math.max(1, at - this.#clock.now()), () => this.#fire())
  }

  #fire(): void {
    const now = this.#clock.now()
    this.#timerAt = Number.POSITIVE_INFINITY
    let next = Number.POSITIVE_INFINITY
    const due: string[] = []
    for (const [domain, at] of this.#times) {
      if (at <= now) due.push(domain)
      else next = Math.min(next, at)
    }
    for (const domain of due) this.#times.delete(domain)
    if (next !== Number.POSITIVE_INFINITY) this.#setTimer(next)
    for (const domain of due) this.#due(domain)
  }
}
