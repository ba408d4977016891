// An order of all emails by something that never changes, and the rank of each in it: made once, and then new emails are put in their
// places.

/** What is asked of an order. */
export interface Ranked {
  /** Slots in ascending order of their keys, then of their ids. */
  readonly sorted: Int32Array
  /** By slot: equal for equal keys. */
  readonly ranks: Int32Array
  /** Ranks there are. */
  readonly count: number
}

export class SlotOrder<Key> implements Ranked {
  sorted: Int32Array = new Int32Array(0)
  ranks: Int32Array = new Int32Array(0)
  count = 0
  readonly #keys: Key[] = []
  readonly #compareKeys: (one: Key, other: Key) => number

  constructor(compareKeys: (one: Key, other: Key) => number) {
    this.#compareKeys = compareKeys
  }

  /** Octets held, about. */
  get weight(): number {
    const [first] = this.#keys
    return this.#keys.length * (typeof first === 'string' ? 96 : 24)
  }

  /** Takes in slots up to `length`; `ids` breaks ties. */
  extend(length: number, { keyOf, ids }: { keyOf: (slot: number) => Key; ids: Float64Array }): void {
    const from = this.#keys.length
    if (from >= length) return
    for (let slot = from; slot < length; slot++) this.#keys.push(keyOf(slot))
    const idOrder = (a: number, b: number): number => (ids[a] ?? 0) - (ids[b] ?? 0)
    const places = this.#places(from)
    const fresh = Int32Array.from({ length: length - from }, (_, index) => from + index).sort(
      (a, b) => (places[a - from] ?? 0) - (places[b - from] ?? 0) || idOrder(a, b),
    )
    this.#merge(fresh, (a, b) => this.#compare(a, b) || idOrder(a, b))
    this.#rank()
  }

  /** Of each slot from `from` on, where its key stands among theirs: many emails have few senders, and texts are dear to compare. */
  #places(from: number): Int32Array {
    const fresh = this.#keys.slice(from)
    const distinct = [...new Set(fresh)].sort(this.#compareKeys)
    const places = new Map<Key, number>()
    let place = 0
    for (const [index, key] of distinct.entries()) {
      const before = distinct[index - 1]
      if (before !== undefined && this.#compareKeys(before, key) !== 0) place = index
      places.set(key, place)
    }
    return Int32Array.from(fresh, (key) => places.get(key) ?? 0)
  }

  #compare(a: number, b: number): number {
    const [one, other] = [this.#keys[a], this.#keys[b]]
    // Both are there: they were taken in before anything is compared.
    return one === undefined || other === undefined ? 0 : this.#compareKeys(one, other)
  }

  #merge(fresh: Int32Array, compare: (a: number, b: number) => number): void {
    const old = this.sorted
    const merged = new Int32Array(old.length + fresh.length)
    let [at, next] = [0, 0]
    for (let to = 0; to < merged.length; to++) {
      const [known, coming] = [old[at], fresh[next]]
      const takeOld = coming === undefined || (known !== undefined && compare(known, coming) < 0)
      merged[to] = (takeOld ? known : coming) ?? 0
      if (takeOld) at++
      else next++
    }
    this.sorted = merged
  }

  #rank(): void {
    const { sorted } = this
    const ranks = new Int32Array(sorted.length)
    let rank = 0
    for (let index = 0; index < sorted.length; index++) {
      const slot = sorted[index] ?? 0
      if (index > 0 && this.#compare(sorted[index - 1] ?? 0, slot) !== 0) rank++
      ranks[slot] = rank
    }
    this.ranks = ranks
    this.count = rank + 1
  }
}

/** The slots in ascending order of their ranks, or descending; those of one rank stay in their order. */
export function sortedByRank(slots: Int32Array, { ranks, count }: Ranked, isAscending: boolean): Int32Array {
  const rankOf = (slot: number): number => {
    const rank = ranks[slot] ?? 0
    return isAscending ? rank : count - 1 - rank
  }
  const ends = new Int32Array(count + 1)
  for (const slot of slots) {
    const next = rankOf(slot) + 1
    ends[next] = (ends[next] ?? 0) + 1
  }
  for (let rank = 1; rank <= count; rank++) ends[rank] = (ends[rank] ?? 0) + (ends[rank - 1] ?? 0)
  const found = new Int32Array(slots.length)
  for (const slot of slots) {
    const rank = rankOf(slot)
    const at = ends[rank] ?? 0
    ends[rank] = at + 1
    found[at] = slot
  }
  return found
}
