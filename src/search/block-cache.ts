// What was read of segments lately, up to so many octets: headers, dictionary blocks, rows of lists. Segments never change, so what
// is here is right for ever; what nobody asks for goes first.

interface Kept {
  readonly value: object
  readonly weight: number
}

/** Kept values by key, the longest unused first. */
export class BlockCache {
  readonly #capacity: number
  readonly #kept = new Map<string, Kept>()
  #weight = 0

  /** Octets, about. */
  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** Octets that are kept, about. */
  get weight(): number {
    return this.#weight
  }

  /** `as` says what was put there; a key names one kind of thing. */
  get<T extends object>(key: string, as: (value: object) => value is T): T | undefined {
    const kept = this.#kept.get(key)
    if (kept === undefined || !as(kept.value)) return undefined
    this.#kept.delete(key)
    this.#kept.set(key, kept)
    return kept.value
  }

  put(key: string, value: object, weight: number): void {
    const all = weight + overhead
    this.#forget(key)
    // Not worth everything else.
    if (all * 4 > this.#capacity) return
    this.#kept.set(key, { value, weight: all })
    this.#weight += all
    for (const oldest of this.#kept.keys()) {
      if (this.#weight <= this.#capacity) break
      this.#forget(oldest)
    }
  }

  #forget(key: string): void {
    const kept = this.#kept.get(key)
    if (kept === undefined) return
    this.#kept.delete(key)
    this.#weight -= kept.weight
  }
}

/** What an entry costs beside its content. */
const overhead = 300
