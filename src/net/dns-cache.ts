// Answers of DNS, kept until their time to live is over, in a bounded number: the least recently used go first.
import type { Clock } from '../base/clock.ts'
import type { DnsAnswer } from '../base/resolver.ts'

interface Kept {
  readonly answer: DnsAnswer<unknown>
  /** On the monotonic clock. */
  readonly until: number
}

export class DnsCache {
  readonly #clock: Clock
  readonly #capacity: number
  /** In the order of last use. */
  readonly #kept = new Map<string, Kept>()

  constructor(clock: Clock, capacity: number) {
    this.#clock = clock
    this.#capacity = capacity
  }

  get size(): number {
    return this.#kept.size
  }

  /** With the rest of its TTL, in whole seconds. */
  get(key: string): DnsAnswer<unknown> | undefined {
    const kept = this.#kept.get(key)
    if (kept === undefined) return undefined
    this.#kept.delete(key)
    const left = kept.until - this.#clock.monotonic()
    if (left <= 0) return undefined
    this.#kept.set(key, kept)
    return kept.answer.ok ? { ...kept.answer, ttl: Math.floor(left / 1_000) } : kept.answer
  }

  set(key: string, answer: DnsAnswer<unknown>, seconds: number): void {
    if (seconds <= 0 || this.#capacity <= 0) return
    this.#kept.delete(key)
    this.#kept.set(key, { answer, until: this.#clock.monotonic() + seconds * 1_000 })
    if (this.#kept.size <= this.#capacity) return
    for (const oldest of this.#kept.keys()) {
      this.#kept.delete(oldest)
      break
    }
  }
}
