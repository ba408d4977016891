// Chance that replays: everything that a step decides is drawn from the step's own seed, so that leaving out other steps changes as
// little as possible in what it does.
import { SeededRandom } from '../../../src/base/seeded-random.ts'

export class Dice {
  readonly #random: SeededRandom

  constructor(seed: number | string) {
    this.#random = new SeededRandom(seed)
  }

  below(bound: number): number {
    return this.#random.below(bound)
  }

  /** From `first` to `last`. */
  between(first: number, last: number): number {
    return first + this.below(last - first + 1)
  }

  /** True in one of `n`. */
  oneIn(n: number): boolean {
    return this.below(n) === 0
  }

  pick<T>(from: readonly T[]): T {
    const picked = from[this.below(from.length)]
    if (picked === undefined) throw new Error('nothing to pick from')
    return picked
  }

  /** Each with one chance in two; in the order that they have. */
  some<T>(from: readonly T[]): T[] {
    return from.filter(() => this.oneIn(2))
  }

  /** By weight. */
  weighted<T>(from: readonly (readonly [T, number])[]): T {
    let left = this.below(from.reduce((sum, [, weight]) => sum + weight, 0))
    for (const [value, weight] of from) {
      if (left < weight) return value
      left -= weight
    }
    throw new Error('nothing to pick from')
  }
}
