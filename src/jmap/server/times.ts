// How often something was done of late, by whom: a bound on what a client may have us do to others. Kept in memory, for those who did
// something within the time alone.
import type { Clock } from '../../base/clock.ts'

export class Times<Key> {
  readonly #options: {
    readonly most: number
    readonly within: number
    readonly clock: Pick<Clock, 'monotonic'>
  }
  readonly #times = new Map<Key, number[]>()

  /** `most` times `within` that many milliseconds. */
  constructor(options: { most: number; within: number; clock: Pick<Clock, 'monotonic'> }) {
    this.#options = options
  }

  /** False where it was done often enough. */
  tryAdd(key: Key): boolean {
    const { most, within, clock } = this.#options
    const now = clock.monotonic()
    for (const [other, times] of this.#times) {
      if ((times.at(-1) ?? 0) + within <= now) this.#times.delete(other)
    }
    const recent = (this.#times.get(key) ?? []).filter((time) => time + within > now)
    if (recent.length >= most) return false
    this.#times.set(key, [...recent, now])
    return true
  }
}
