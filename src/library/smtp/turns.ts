// Whose turn it is: so many at once, and no more begun in a time than is allowed. First come, first served.
import type { Clock } from '../../base/clock.ts'

export interface TurnLimits {
  readonly places: number
  /** Turns that may begin in `delta` milliseconds; null is no limit. */
  readonly rate: number | null
  readonly delta: number
  readonly clock: Pick<Clock, 'monotonic' | 'sleep'>
}

export class Turns {
  readonly #limits: TurnLimits
  readonly #waiting: (() => void)[] = []
  #busy = 0
  /** Monotonic times of the last turns that began, the oldest first; at most `rate`. */
  #begun: number[] = []
  #pausing = false

  constructor(limits: TurnLimits) {
    this.#limits = limits
  }

  /** Whether `enter` would not wait. */
  isFree(): boolean {
    return this.#waiting.length === 0 && this.#busy < this.#limits.places && this.#pause() === 0
  }

  async enter(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve)
      this.#go()
    })
  }

  leave(): void {
    this.#busy--
    this.#go()
  }

  #go(): void {
    const { places, rate, clock } = this.#limits
    while (this.#waiting.length > 0 && this.#busy < places && !this.#pausing) {
      const pause = this.#pause()
      if (pause > 0) {
        void this.#waitFor(pause)
        return
      }
      if (rate !== null) this.#begun = [...this.#begun, clock.monotonic()].slice(-rate)
      this.#busy++
      this.#waiting.shift()?.()
    }
  }

  async #waitFor(milliseconds: number): Promise<void> {
    this.#pausing = true
    await this.#limits.clock.sleep(milliseconds)
    this.#pausing = false
    this.#go()
  }

  /** Until the next turn may begin. */
  #pause(): number {
    const { rate, delta, clock } = this.#limits
    const [oldest = 0] = this.#begun
    if (rate === null || this.#begun.length < rate) return 0
    return Math.max(0, oldest + delta - clock.monotonic())
  }
}
