// Sorting many numbers without holding up the others: runs that the engine sorts at once, merged in turns. And what makes numbers of
// criteria: ranks, and several of them as one.
import type { Pace } from '../pace.ts'

const runLength = 16_384

/** The same numbers in ascending order. Changes its argument. */
export async function pacedSort(numbers: Float64Array, pace: Pace): Promise<Float64Array> {
  for (let at = 0; at < numbers.length; at += runLength) {
    // Without a comparison of ours: several times as fast.
    numbers.subarray(at, at + runLength).sort()
    const others = pace.spend(8 * runLength)
    if (others !== undefined) await others
  }
  let from: Float64Array = numbers
  let to: Float64Array = new Float64Array(numbers.length > runLength ? numbers.length : 0)
  for (let width = runLength; width < numbers.length; width *= 2) {
    for (let at = 0; at < numbers.length; at += 2 * width) {
      const middle = Math.min(at + width, numbers.length)
      const end = Math.min(at + 2 * width, numbers.length)
      merge({ from, to, at, middle, end })
      const others = pace.spend(2 * (end - at))
      if (others !== undefined) await others
    }
    ;[from, to] = [to, from]
  }
  return from
}

interface Merging {
  readonly from: Float64Array
  readonly to: Float64Array
  readonly at: number
  readonly middle: number
  readonly end: number
}

function merge({ from, to, at, middle, end }: Merging): void {
  let left = at
  let right = middle
  for (let next = at; next < end; next++) {
    const one = from[left] ?? 0
    const other = from[right] ?? 0
    if (left < middle && (right >= end || one <= other)) {
      to[next] = one
      left++
    } else {
      to[next] = other
      right++
    }
  }
}

/** Numbers from 0 to `count - 1`, one for each item. */
export interface Ranks {
  readonly ranks: Float64Array
  readonly count: number
}

/** Equal numbers have equal ranks. */
export async function rank(numbers: Float64Array, pace: Pace): Promise<Ranks> {
  const sorted = await pacedSort(numbers.slice(), pace)
  let count = 0
  for (let at = 0; at < sorted.length; at++) {
    const value = sorted[at] ?? 0
    if (count === 0 || value !== sorted[count - 1]) sorted[count++] = value
  }
  const distinct = sorted.subarray(0, count)
  const ranks = new Float64Array(numbers.length)
  for (let at = 0; at < ranks.length; at++) {
    ranks[at] = lowerBound(distinct, numbers[at] ?? 0)
    if ((at & 0x1fff) !== 0) continue
    const others = pace.spend(0x2000 * 8)
    if (others !== undefined) await others
  }
  return { ranks, count }
}

function lowerBound(sorted: Float64Array, value: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] ?? 0) < value) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * Positions in order of the first ranks, equal ones of the next, and so on; those that are equal in all keep their order. The numbers
 * that are sorted are made of all ranks and the position, which a double holds for any mailbox that fits into memory.
 */
export async function orderBy(columns: readonly Ranks[], length: number, pace: Pace): Promise<Uint32Array> {
  let keys: Float64Array = new Float64Array(length)
  let count = 1
  for (const column of columns) {
    if (count * column.count * length > Number.MAX_SAFE_INTEGER)
      ({ ranks: keys, count } = await rank(keys, pace))
    for (let at = 0; at < length; at++) keys[at] = (keys[at] ?? 0) * column.count + (column.ranks[at] ?? 0)
    count *= column.count
  }
  if (count * length > Number.MAX_SAFE_INTEGER) ({ ranks: keys } = await rank(keys, pace))
  for (let at = 0; at < length; at++) keys[at] = (keys[at] ?? 0) * length + at
  const sorted = await pacedSort(keys, pace)
  const order = new Uint32Array(length)
  for (let at = 0; at < length; at++) order[at] = (sorted[at] ?? 0) % length
  return order
}
