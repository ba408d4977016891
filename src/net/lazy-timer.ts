// One timer for a time that moves on and on: moving it later costs nothing, since it fires early and is set anew then.
import type { Clock, Timer } from '../base/clock.ts'

export class LazyTimer {
  readonly #clock: Clock
  readonly #fire: (now: number) => void
  #timer: Timer | null = null
  #at = 0

  /** `fire` is called with the monotonic clock's milliseconds; early perhaps, but only once each time that it was set. */
  constructor(clock: Clock, fire: (now: number) => void) {
    this.#clock = clock
    this.#fire = fire
  }

  /** Fires at that time or before. */
  set(at: number): void {
    if (this.#timer !== null) {
      if (this.#at <= at) return
      this.#timer.cancel()
    }
    this.#at = at
    const delay = Math.max(0, Math.ceil(at - this.#clock.monotonic()))
    this.#timer = this.#clock.after(delay, () => {
      this.#timer = null
      this.#fire(this.#clock.monotonic())
    })
  }

  cancel(): void {
    this.#timer?.cancel()
    this.#timer = null
  }
}
