// From a sequence set to messages of a view.
import { largestIn, resolveNumberSet } from '../../proto/grammar/sequence-set.ts'
import type { Ranges, SequenceSet } from '../../proto/grammar/sequence-set.ts'
import type { Selected } from './selected.ts'

/** The indexes that a command's set means, ascending; undefined where it names a sequence number that is not there. */
export function tryIndexes(
  { view, saved }: Pick<Selected, 'view' | 'saved'>,
  set: SequenceSet,
  uid: boolean,
): Ranges | undefined {
  // RFC 5182 §2.1: messages that went meanwhile are not in it any more, and that is no error.
  if (set === 'saved') return view.indexesOf(saved)
  // RFC 3501 §6.4.8: a UID that does not exist is ignored without any error.
  if (uid) return view.indexesOf(resolveNumberSet(set, view.largestUid))
  // RFC 3501 §9 seq-number: one beyond the mailbox is BAD, `*` in an empty mailbox too.
  if (view.length === 0 || largestIn(set) > view.length) return undefined
  return resolveNumberSet(set, view.length).map(([first, last]) => [first - 1, last - 1] as const)
}

/** How many indexes ranges have. */
export function countOf(ranges: Ranges): number {
  return ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0)
}

/** Every index of ranges. */
export function* each(ranges: Ranges): Generator<number> {
  for (const [first, last] of ranges) for (let index = first; index <= last; index++) yield index
}

/** Ascending indexes as ranges. */
export function rangesOf(indexes: readonly number[]): Ranges {
  const ranges: [number, number][] = []
  for (const index of indexes) {
    const last = ranges.at(-1)
    if (last !== undefined && last[1] + 1 === index) last[1] = index
    else ranges.push([index, index])
  }
  return ranges
}
