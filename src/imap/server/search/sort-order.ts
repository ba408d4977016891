// The order of SORT (RFC 5256 §3, RFC 5957 §4, RFC 6203 §6): a column of numbers for each criterion, words by their rank.
//
// "If two or more messages exactly match according to the sorting criteria, these messages are sorted according to the order in which
// they appear in the mailbox": the sort is stable.
import { loadFacts } from './run-search.ts'
import { Pace } from '../pace.ts'
import { orderBy, rank } from './paced-sort.ts'
import { place } from './placing.ts'
import type { CommandRun } from '../context.ts'
import type { FactKind } from './facts/mailbox-facts.ts'
import type { FoundMessages } from './run-search.ts'
import type { Ranks } from './paced-sort.ts'
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
  const pace = new Pace()
  const columns: Ranks[] = []
  for (const { key, reverse } of criteria) {
    const column = await columnOf(found, key, pace)
    columns.push(reverse ? reversed(column) : column)
  }
  const order = await orderBy(columns, matches.length, pace)
  return order.map((position) => matches[position] ?? 0)
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

function reversed({ ranks, count }: Ranks): Ranks {
  const turned = new Float64Array(ranks.length)
  for (let at = 0; at < turned.length; at++) turned[at] = count - 1 - (ranks[at] ?? 0)
  return { ranks: turned, count }
}

/** By position in the matches. */
async function columnOf(found: FoundMessages, key: SortKey, pace: Pace): Promise<Ranks> {
  const { matches } = found
  // RFC 6203 §6: "The message with the highest score is returned first."
  if (key === 'RELEVANCY')
    return { ranks: Float64Array.from(matches, (index) => 100 - found.scoreOf(index)), count: 101 }
  const values = new Float64Array(matches.length)
  if (key === 'ARRIVAL' || key === 'SIZE' || key === 'DATE') {
    const numberOf = numbersOf(found, key)
    for (let at = 0; at < values.length; at++) values[at] = numberOf(matches[at] ?? 0)
    return rankTimes(values, pace)
  }
  const words = await found.facts.texts.words.ranks(pace)
  const rankOf = wordsOf(found, key, words)
  for (let at = 0; at < values.length; at++) values[at] = rankOf(matches[at] ?? 0)
  return { ranks: values, count: words.length }
}

/** Ranks of numbers of which most are whole seconds, or small: what lies within one double beside a position needs no ranking. */
export async function rankTimes(values: Float64Array, pace: Pace): Promise<Ranks> {
  let least = Infinity
  let most = -Infinity
  let seconds = true
  for (let at = 0; at < values.length; at++) {
    const value = values[at] ?? 0
    least = Math.min(least, value)
    most = Math.max(most, value)
    seconds &&= value % 1_000 === 0
  }
  const unit = seconds ? 1_000 : 1
  const count = (most - least) / unit + 1
  if (!(count * values.length < Number.MAX_SAFE_INTEGER)) return rank(values, pace)
  for (let at = 0; at < values.length; at++) values[at] = ((values[at] ?? 0) - least) / unit
  return { ranks: values, count }
}

type NumberKey = Extract<SortKey, 'ARRIVAL' | 'SIZE' | 'DATE'>

function numbersOf(found: FoundMessages, key: NumberKey): (index: number) => number {
  if (key === 'DATE') return sentDates(found)
  const { rows } = found.facts
  const places = place(found.searched.view, rows.uids)
  const column = key === 'SIZE' ? rows.sizes : rows.internalDates
  return (index) => column.at(places[index] ?? -1)
}

type WordKey = Exclude<SortKey, NumberKey | 'RELEVANCY'>

function wordsOf(found: FoundMessages, key: WordKey, ranks: Int32Array): (index: number) => number {
  const { texts } = found.facts
  const places = place(found.searched.view, texts.uids)
  const columns = {
    ...{ SUBJECT: texts.subjects, FROM: texts.from, TO: texts.to, CC: texts.cc },
    ...{ DISPLAYFROM: texts.displayFrom, DISPLAYTO: texts.displayTo },
  }
  const column = columns[key]
  return (index) => ranks[column.at(places[index] ?? -1)] ?? 0
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
