// An order of all emails by something that never changes, and the rank of each in it: made once, and then new emails are put in their
// places.
type Key = number | string

export class SlotOrder {
  /** Slots in ascending order of their keys, then of their ids. */
  sorted: Int32Array = new Int32Array(0)
  /** By slot: equal for equal keys. */
  ranks: Int32Array = new Int32Array(0)
  /** Ranks there are. */
  count = 0
  readonly #keys: Key[] = []

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
    const keys = this.#keys
    const compare = (a: number, b: number): number => {
      const [one, other] = [keys[a] ?? 0, keys[b] ?? 0]
      return one < other ? -1 : one > other ? 1 : (ids[a] ?? 0) - (ids[b] ?? 0)
    }
    const fresh = Int32Array.from({ length: length - from }, (_, index) => from + index).sort(compare)
    this.#merge(fresh, compare)
    this.#rank()
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
      if (index > 0 && this.#keys[sorted[index - 1] ?? 0] !== this.#keys[slot]) rank++
      ranks[slot] = rank
    }
    this.ranks = ranks
    this.count = rank + 1
  }
}

/** The slots in ascending order of their ranks, or descending; those of one rank stay in their order. */
export function sortedByRank(
  slots: Int32Array,
  { ranks, count }: { readonly ranks: Int32Array; readonly count: number },
  isAscending: boolean,
): Int32Array {
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
