// SORT and THREAD (RFC 5256), with ESORT's answers (RFC 5267), and SEARCH by parts (RFC 9394).
import assert from 'node:assert/strict'
import { chooseKey, findAll } from './search.ts'
import { isList, numberOf, numbersIn, wordOf } from '../responses.ts'
import { refusedNumbers } from './action.ts'
import type { Action, MakingOnView } from './action.ts'
import type { Answer, Value } from '../responses.ts'
import type { Found, Key } from './search.ts'

type Order = (a: Found, b: Found) => number

const byText =
  (of: (found: Found) => string): Order =>
  (a, b) => {
    // i;unicode-casemap of US-ASCII.
    const [one, other] = [of(a).toUpperCase(), of(b).toUpperCase()]
    return one < other ? -1 : one > other ? 1 : 0
  }

const criteria: Readonly<Record<string, Order>> = {
  ARRIVAL: (a, b) => a.message.date - b.message.date,
  CC: () => 0,
  DATE: (a, b) => a.message.content.sent - b.message.content.sent,
  DISPLAYFROM: byText(({ message }) => message.content.from),
  FROM: byText(({ message }) => message.content.from.replace(/@.*/, '')),
  SIZE: (a, b) => a.message.content.text.length - b.message.content.text.length,
  SUBJECT: byText(({ message }) => message.content.subject),
  TO: () => 0,
}

/** What the command begins with, and whether it cannot be answered. */
function begin(making: MakingOnView): { uid: boolean; key: Key; refused: boolean } {
  const { dice, session } = making
  const uid = dice.oneIn(2) || (session.modes.uidOnly && dice.below(8) > 0)
  const key = chooseKey(making, 1)
  const refused = refusedNumbers(making, uid) || (session.modes.uidOnly && key.numbers === true)
  return { uid, key, refused }
}

/** What a refused command is, and what any one does to the session. */
function shell(
  { session }: MakingOnView,
  key: Key,
  of: { text: string; uid: boolean; refused: boolean },
): Action {
  const { text, uid, refused } = of
  if (refused) return { text, holds: !uid, expect: ['BAD'] }
  if (key.modSeq === true) session.modes.condstore = true
  return { text, holds: !uid, expect: key.bad === true ? ['BAD', 'OK'] : ['OK'] }
}

export function sort(making: MakingOnView): Action {
  const { dice, view } = making
  const { uid, key, refused } = begin(making)
  const chosen = Array.from({ length: dice.between(1, 3) }, () => ({
    name: dice.pick(Object.keys(criteria)),
    reverse: dice.oneIn(3),
  }))
  const returns = dice.oneIn(3) ? dice.some(['ALL', 'COUNT'] as const) : null
  const list = chosen.map(({ name, reverse }) => (reverse ? `REVERSE ${name}` : name)).join(' ')
  const option = returns === null ? '' : ` RETURN (${returns.join(' ')})`
  const text = `${uid ? 'UID ' : ''}SORT${option} (${list}) UTF-8 ${key.text}`
  const action = shell(making, key, { text, uid, refused })
  if (refused || key.bad === true) return action
  // Sorting is stable: RFC 5256 §3, "if all sort keys are equal … by sequence number".
  const found = findAll(view, key, uid).sort((a, b) => {
    for (const { name, reverse } of chosen) {
      const order = criteria[name]?.(a, b) ?? 0
      if (order !== 0) return reverse ? -order : order
    }
    return 0
  })
  const numbers = found.map(({ number }) => number)
  return {
    ...action,
    apply(answer) {
      if (returns === null) return assert.deepEqual(numbersOf(answer, 'SORT'), numbers, 'SORT')
      const items = itemsOf(answer, uid)
      if (returns.includes('COUNT')) assert.equal(numberOf(items.get('COUNT')), numbers.length, 'COUNT')
      const all = returns.length === 0 || returns.includes('ALL')
      if (!all || numbers.length === 0) assert.equal(items.has('ALL'), false, 'ALL is not due')
      else assert.deepEqual(inOrder(wordOf(items.get('ALL'))), numbers, 'ALL, in order')
    },
  }
}

export function thread(making: MakingOnView): Action {
  const { dice, view } = making
  const { uid, key, refused } = begin(making)
  const algorithm = dice.pick(['ORDEREDSUBJECT', 'REFERENCES', 'REFS'])
  const text = `${uid ? 'UID ' : ''}THREAD ${algorithm} US-ASCII ${key.text}`
  const action = shell(making, key, { text, uid, refused })
  if (refused || key.bad === true) return action
  const found = findAll(view, key, uid)
  return {
    ...action,
    apply(answer) {
      const responses = answer.untagged.filter(({ name }) => name === 'THREAD')
      assert.equal(responses.length, 1, 'one THREAD response')
      const threads = (responses[0]?.values ?? []).map(flat)
      const sorted = (numbers: readonly number[]): number[] => numbers.toSorted((a, b) => a - b)
      const all = sorted(found.map(({ number }) => number))
      assert.deepEqual(sorted(threads.flat()), all, 'each message in one thread')
      if (algorithm === 'ORDEREDSUBJECT') checkSubjects(threads, found)
    },
  }
}

/** RFC 5256 §3 ORDEREDSUBJECT: a thread for each subject, by sent date; threads by that of their first messages. */
function checkSubjects(threads: readonly (readonly number[])[], found: readonly Found[]): void {
  const groups = Map.groupBy(found, ({ message }) => message.content.subject.toUpperCase())
  const order: Order = (a, b) => a.message.content.sent - b.message.content.sent || a.number - b.number
  const expected = [...groups.values()].map((group) => group.toSorted(order))
  const wanted = new Map(expected.map((group) => [group[0]?.number, group.map(({ number }) => number)]))
  const sent = new Map(found.map(({ number, message }) => [number, message.content.sent]))
  let last = -Infinity
  for (const numbers of threads) {
    assert.deepEqual(numbers, wanted.get(numbers[0]), 'a thread of one subject')
    const first = sent.get(numbers[0] ?? 0) ?? 0
    assert.ok(first >= last, 'threads by the date of their first messages')
    last = first
  }
}

/** SEARCH RETURN (PARTIAL a:b), of what was found from its beginning, or from its end. */
export function partial(making: MakingOnView): Action {
  const { dice, view } = making
  const { uid, key, refused } = begin(making)
  const [first, last] = [dice.between(1, 6), dice.between(1, 6)]
  const sign = dice.oneIn(2) ? '-' : ''
  const range = `${sign}${first}:${sign}${last}`
  const text = `${uid ? 'UID ' : ''}SEARCH RETURN (PARTIAL ${range} COUNT) ${key.text}`
  const action = shell(making, key, { text, uid, refused })
  if (refused || key.bad === true) return action
  const numbers = findAll(view, key, uid).map(({ number }) => number)
  const [low, high] = [Math.min(first, last), Math.max(first, last)]
  const part =
    sign === ''
      ? numbers.slice(low - 1, high)
      : numbers
          .toReversed()
          .slice(low - 1, high)
          .reverse()
  return {
    ...action,
    apply(answer) {
      const items = itemsOf(answer, uid)
      assert.equal(numberOf(items.get('COUNT')), numbers.length, 'COUNT')
      const told = items.get('PARTIAL')
      assert.ok(isList(told) && told.length === 2, 'PARTIAL (range set)')
      assert.deepEqual(told[1] === null ? [] : numbersIn(wordOf(told[1])), part, `PARTIAL ${range}`)
    },
  }
}

function numbersOf({ untagged }: Answer, name: string): number[] {
  const responses = untagged.filter((each) => each.name === name)
  assert.equal(responses.length, 1, `one ${name} response`)
  // RFC 7162 §3.1.6: with the key MODSEQ, the highest one behind.
  return (responses[0]?.values ?? []).filter((value) => !isList(value)).map((value) => numberOf(value))
}

function itemsOf({ untagged }: Answer, uid: boolean): ReadonlyMap<string, Value> {
  const responses = untagged.filter(({ name }) => name === 'ESEARCH')
  assert.equal(responses.length, 1, 'one ESEARCH response')
  const values = (responses[0]?.values ?? []).slice(1)
  if (uid) assert.deepEqual(values.shift(), { atom: 'UID' })
  const items = new Map<string, Value>()
  for (let at = 0; at < values.length; at += 2) items.set(wordOf(values[at]), values[at + 1] ?? null)
  return items
}

/** A set as it is written: a range may fall. */
function inOrder(set: string): number[] {
  return set.split(',').flatMap((range) => {
    const [from = 0, to = from] = range.split(':').map(Number)
    const step = from <= to ? 1 : -1
    return Array.from({ length: Math.abs(to - from) + 1 }, (_, index) => from + index * step)
  })
}

function flat(value: Value): number[] {
  return isList(value) ? value.flatMap(flat) : [numberOf(value)]
}
