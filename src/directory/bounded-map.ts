// A map that forgets: its entries expire, and when it is full the one that was set longest ago goes first. What
// strangers can make us remember must have an end.

interface Entry<V> {
  readonly value: V
  readonly expiresAt: number
}

/** Times are those of one clock, in milliseconds. */
export class BoundedMap<V> {
  readonly #entries = new Map<string, Entry<V>>()
  readonly #maximum: number

  constructor(maximum: number) {
    this.#maximum = maximum
  }

  get size(): number {
    return this.#entries.size
  }

  /** Also those that have expired and were not asked for since. */
  keys(): Iterable<string> {
    return this.#entries.keys()
  }

  get(key: string, now: number): V | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    if (entry.expiresAt > now) return entry.value
    this.#entries.delete(key)
    return undefined
  }

  set(key: string, value: V, expiresAt: number): void {
    // Deleting first moves the entry to the end: a Map keeps the order of insertion.
    this.#entries.delete(key)
    this.#entries.set(key, { value, expiresAt })
    if (this.#entries.size <= this.#maximum) return
    const oldest = this.#entries.keys().next()
    if (oldest.done !== true) this.#entries.delete(oldest.value)
  }

  delete(key: string): void {
    this.#entries.delete(key)
  }
}
