// Sequence sets: read, resolved against the largest number in use, and written in their shortest form.
//
// A set is as many ranges as the command's size limit lets in. Resolving sorts and merges, so that work and answers
// depend on the messages there are and never on numbers that a client made up (`1:4294967295`).
import type { Cursor } from './cursor.ts'

/** `seq-number = nz-number / "*"` */
export type SeqNumber = number | '*'

/** `sequence-set` as written: ranges in any order, overlapping or not. */
export type NumberSet = readonly (readonly [SeqNumber, SeqNumber])[]

/** RFC 5182 §2.1: `$` stands for the result that the last search saved. */
export type SequenceSet = NumberSet | 'saved'

/** Ascending, disjoint, inclusive ranges. */
export type Ranges = readonly (readonly [first: number, last: number])[]

/** `sequence-set = (seq-number / seq-range) *("," sequence-set)` */
export function parseNumberSet(cursor: Cursor): NumberSet {
  const set: (readonly [SeqNumber, SeqNumber])[] = []
  do {
    const first = parseSeqNumber(cursor)
    set.push([first, cursor.take(':') ? parseSeqNumber(cursor) : first])
  } while (cursor.take(','))
  return set
}

/** `sequence-set =/ seq-last-command`, `seq-last-command = "$"` (RFC 5182 §4) */
export function parseSequenceSet(cursor: Cursor): SequenceSet {
  return cursor.take('$') ? 'saved' : parseNumberSet(cursor)
}

/** `seq-number = nz-number / "*"` */
function parseSeqNumber(cursor: Cursor): SeqNumber {
  return cursor.take('*') ? '*' : cursor.nzNumber()
}

/** Whether the next thing is a sequence set: a digit, `*` or `$`. */
export function atSequenceSet(cursor: Cursor): boolean {
  const next = cursor.peek()
  return next === '*' || next === '$' || (next >= '0' && next <= '9' && next !== '')
}

/** RFC 3501 §9: `*` is `largest`, and the two ends of a range may stand in either order. */
export function resolveNumberSet(set: NumberSet, largest: number): Ranges {
  const ranges: [number, number][] = set.map(([a, b]) => {
    const first = a === '*' ? largest : a
    const last = b === '*' ? largest : b
    return first <= last ? [first, last] : [last, first]
  })
  return mergeRanges(ranges)
}

/** Sorted, overlapping and touching ranges made one. Changes its argument's order. */
export function mergeRanges(ranges: [number, number][]): [number, number][] {
  ranges.sort((a, b) => a[0] - b[0])
  const merged: [number, number][] = []
  for (const [first, last] of ranges) {
    const previous = merged.at(-1)
    if (previous !== undefined && first <= previous[1] + 1) previous[1] = Math.max(previous[1], last)
    else merged.push([first, last])
  }
  return merged
}

/** Numbers that are in both. */
export function intersectRanges(a: Ranges, b: Ranges): Ranges {
  const both: (readonly [number, number])[] = []
  let i = 0
  let j = 0
  for (let x = a[i], y = b[j]; x !== undefined && y !== undefined; x = a[i], y = b[j]) {
    const first = Math.max(x[0], y[0])
    const last = Math.min(x[1], y[1])
    if (first <= last) both.push([first, last])
    if (x[1] < y[1]) i++
    else j++
  }
  return both
}

/** The largest number that a set names, or 0 where only `*` stands in it. */
export function largestIn(set: NumberSet): number {
  let largest = 0
  for (const [a, b] of set) {
    if (a !== '*' && a > largest) largest = a
    if (b !== '*' && b > largest) largest = b
  }
  return largest
}

/** Numbers as a set, in the order given, runs upwards made ranges: `1:3,7` (RFC 4315 §3 pairs two such by order). */
export function formatNumbers(numbers: Iterable<number>): string {
  let text = ''
  let first = 0
  let last = -1
  for (const number of numbers) {
    if (number === last + 1 && last > 0) {
      last = number
      continue
    }
    if (last > 0) text += formatRange(text, first, last)
    first = last = number
  }
  return last > 0 ? text + formatRange(text, first, last) : text
}

/** Ranges as a set. */
export function formatRanges(ranges: Ranges): string {
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}:${last}`)).join(',')
}

function formatRange(before: string, first: number, last: number): string {
  return `${before === '' ? '' : ','}${first === last ? first : `${first}:${last}`}`
}
