// A stable sort that lets others have their turns: merging runs, of which each is sorted at once.
import type { Pace } from '../pace.ts'

const runLength = 2_048

/** Sorts in place and returns it, or its twin. Equal items keep their order. */
export async function pacedSort(
  items: Uint32Array,
  compare: (a: number, b: number) => number,
  pace: Pace,
): Promise<Uint32Array> {
  for (let at = 0; at < items.length; at += runLength) {
    items.subarray(at, at + runLength).sort(compare)
    await pace.spend(runLength * 16)
  }
  let from: Uint32Array = items
  let to: Uint32Array = new Uint32Array(items.length)
  for (let width = runLength; width < items.length; width *= 2) {
    for (let at = 0; at < items.length; at += 2 * width) {
      const middle = Math.min(at + width, items.length)
      const end = Math.min(at + 2 * width, items.length)
      await merge({ from, to, at, middle, end }, compare, pace)
    }
    ;[from, to] = [to, from]
  }
  return from
}

interface Merging {
  readonly from: Uint32Array
  readonly to: Uint32Array
  readonly at: number
  readonly middle: number
  readonly end: number
}

async function merge(
  { from, to, at, middle, end }: Merging,
  compare: (a: number, b: number) => number,
  pace: Pace,
): Promise<void> {
  let left = at
  let right = middle
  for (let next = at; next < end; next++) {
    const takeLeft = left < middle && (right >= end || compare(from[left] ?? 0, from[right] ?? 0) <= 0)
    to[next] = from[takeLeft ? left++ : right++] ?? 0
    if ((next & 0xfff) === 0) await pace.spend(4 * 0x1000)
  }
}
