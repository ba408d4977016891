// Sequence sets as clients write them, well and badly: single numbers, `*`, ranges either way round, numbers that stand twice or beyond
// the end, `$`; and what they mean by RFC 9051 §9 and RFC 5182 §2.1.
import type { Dice } from './dice.ts'
import type { Entry, View } from './view.ts'

export interface Chosen {
  readonly text: string
  /** In ascending order. */
  readonly entries: readonly Entry[]
  /** It names a sequence number that is not there. */
  readonly bad: boolean
}

type End = number | '*'

export function chooseSet(
  dice: Dice,
  view: View,
  { uid, plain = false }: { uid: boolean; plain?: boolean },
): Chosen {
  if (!plain && dice.oneIn(10)) {
    return { text: '$', entries: view.entries.filter((entry) => view.saved.has(entry.uid)), bad: false }
  }
  const ranges: (readonly [End, End])[] = []
  for (
    let count = dice.weighted([
      [1, 6],
      [2, 2],
      [3, 1],
    ] as const);
    count > 0;
    count--
  ) {
    const first = chooseEnd(dice, view, uid)
    ranges.push([first, dice.oneIn(2) ? first : chooseEnd(dice, view, uid)])
  }
  const text = ranges.map(([a, b]) => (a === b && dice.below(8) > 0 ? `${a}` : `${a}:${b}`)).join(',')
  return { text, ...meaningOf(ranges, view, uid) }
}

function chooseEnd(dice: Dice, view: View, uid: boolean): End {
  const { entries } = view
  if (dice.oneIn(7)) return '*'
  if (entries.length === 0 || dice.oneIn(30)) {
    const last = uid ? (entries.at(-1)?.uid ?? 0) : entries.length
    return last + dice.between(1, 3)
  }
  if (!uid) return dice.between(1, entries.length)
  return dice.oneIn(4) ? dice.between(1, entries.at(-1)?.uid ?? 1) : dice.pick(entries).uid
}

export function meaningOf(
  ranges: readonly (readonly [End, End])[],
  { entries }: Pick<View, 'entries'>,
  uid: boolean,
): { entries: Entry[]; bad: boolean } {
  const numbers = entries.map((entry, index) => (uid ? entry.uid : index + 1))
  const largest = numbers.at(-1)
  if (largest === undefined) return { entries: [], bad: !uid }
  const bad = !uid && ranges.flat().some((end) => end !== '*' && end > largest)
  const named = entries.filter((_, index) =>
    ranges.some(([a, b]) => {
      const [first, last] = [a === '*' ? largest : a, b === '*' ? largest : b]
      const number = numbers[index] ?? 0
      return number >= Math.min(first, last) && number <= Math.max(first, last)
    }),
  )
  return { entries: bad ? [] : named, bad }
}

/** Numbers as a set, runs made ranges. */
export function formatSet(numbers: readonly number[]): string {
  const ranges: [number, number][] = []
  for (const number of numbers) {
    const last = ranges.at(-1)
    if (last !== undefined && last[1] + 1 === number) last[1] = number
    else ranges.push([number, number])
  }
  return ranges.map(([a, b]) => (a === b ? `${a}` : `${a}:${b}`)).join(',')
}
