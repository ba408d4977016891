// The order of SORT (RFC 5256 §3, RFC 5957 §4, RFC 6203 §6): a column of numbers for each criterion, words by their rank.
//
// "If two or more messages exactly match according to the sorting criteria, these messages are sorted according to the order in which
// they appear in the mailbox": the sort is stable.
import { loadFacts } from './run-search.ts'
import { Pace } from '../pace.ts'
import { pacedSort } from './paced-sort.ts'
import { place } from './placing.ts'
import type { CommandRun } from '../context.ts'
import type { FactKind } from './facts/mailbox-facts.ts'
import type { FoundMessages } from './run-search.ts'
import type { SortCriterion, SortKey } from '../../proto/grammar/sort.ts'

/** Matches in the order asked for, as indexes of the view. */
export async function sortFound(
  run: CommandRun,
  found: FoundMessages,
  criteria: readonly SortCriterion[],
): Promise<Uint32Array> {
  const kinds = new Set<FactKind>(criteria.flatMap(({ key }) => factsFor[key]))
  const { searched, facts, matches } = found
  await loadFacts(run, { searched, facts, kinds: [...kinds] })
  const columns = criteria.map(({ key, reverse }) => ({
    values: columnOf(found, key),
    sign: reverse ? -1 : 1,
  }))
  const compare = (a: number, b: number): number => {
    for (const { values, sign } of columns) {
      const difference = (values[a] ?? 0) - (values[b] ?? 0)
      if (difference !== 0) return difference * sign
    }
    return a - b
  }
  const positions = Uint32Array.from(matches, (_, position) => position)
  const sorted = await pacedSort(positions, compare, new Pace())
  return sorted.map((position) => matches[position] ?? 0)
}

const factsFor: Readonly<Record<SortKey, readonly FactKind[]>> = {
  ARRIVAL: ['rows'],
  SIZE: ['rows'],
  // Where there is no Date, the internal date counts.
  DATE: ['rows', 'texts'],
  SUBJECT: ['texts'],
  FROM: ['texts'],
  TO: ['texts'],
  CC: ['texts'],
  DISPLAYFROM: ['texts'],
  DISPLAYTO: ['texts'],
  RELEVANCY: [],
}

/** By position in the matches the value to sort by. */
function columnOf(found: FoundMessages, key: SortKey): Float64Array {
  const { matches } = found
  // RFC 6203 §6: "The message with the highest score is returned first."
  if (key === 'RELEVANCY') return Float64Array.from(matches, (index) => -found.scoreOf(index))
  const valueOf = valuesOf(found, key)
  return Float64Array.from(matches, valueOf)
}

function valuesOf(found: FoundMessages, key: Exclude<SortKey, 'RELEVANCY'>): (index: number) => number {
  const { rows, texts } = found.facts
  const { view } = found.searched
  if (key === 'ARRIVAL' || key === 'SIZE') {
    const places = place(view, rows.uids)
    const column = key === 'SIZE' ? rows.sizes : rows.internalDates
    return (index) => column.at(places[index] ?? -1)
  }
  if (key === 'DATE') return sentDates(found)
  const places = place(view, texts.uids)
  const ranks = texts.words.ranks()
  const column = {
    SUBJECT: texts.subjects,
    FROM: texts.from,
    TO: texts.to,
    CC: texts.cc,
    ...displayed(texts),
  }[key]
  return (index) => ranks[column.at(places[index] ?? -1)] ?? 0
}

function displayed({ displayFrom, displayTo }: FoundMessages['facts']['texts']) {
  return { DISPLAYFROM: displayFrom, DISPLAYTO: displayTo }
}

/** RFC 5256 §2.2: the sent date by index of the view, in milliseconds; without one the internal date. Needs rows and texts. */
export function sentDates({ facts, searched }: FoundMessages): (index: number) => number {
  const { rows, texts } = facts
  const textPlaces = place(searched.view, texts.uids)
  const rowPlaces = place(searched.view, rows.uids)
  return (index) => {
    const place = textPlaces[index] ?? -1
    const sent = place < 0 ? NaN : texts.sentTimes.at(place)
    return Number.isNaN(sent) ? rows.internalDates.at(rowPlaces[index] ?? -1) : sent
  }
}
