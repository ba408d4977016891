// SEARCH and UID SEARCH (RFC 9051 §6.4.4) in both forms of answers, with SAVE (RFC 5182): every key is judged by the model as well.
import assert from 'node:assert/strict'
import { chooseSet } from '../sets.ts'
import { formatDay } from '../observer.ts'
import { Illegal, isList, numberOf, numbersIn, wordOf } from '../responses.ts'
import { keywords, refusedNumbers, systemFlags, vocabulary } from './action.ts'
import { chooseModSeq } from './fetch.ts'
import type { Action, MakingOnView } from './action.ts'
import type { Answer, Value } from '../responses.ts'
import type { Entry } from '../view.ts'
import type { Message } from '../mailboxes.ts'

/** A search key, and what it means. */
export interface Key {
  readonly text: string
  readonly matches: (message: Message, entry: Entry) => boolean
  readonly modSeq?: true
  readonly numbers?: true
  readonly bad?: true
}

const day = 86_400_000
const dayOf = (time: number): number => Math.floor(time / day)
const has = (text: string, part: string): boolean => text.toLowerCase().includes(part.toLowerCase())

type Maker = (making: MakingOnView) => Key

const makers: readonly Maker[] = [
  () => ({ text: 'ALL', matches: () => true }),
  ({ dice }) => {
    const flag = dice.pick(systemFlags).slice(1)
    const un = dice.oneIn(2)
    return {
      text: `${un ? 'UN' : ''}${flag.toUpperCase()}`,
      matches: ({ flags }) => flags.has(`\\${flag.toLowerCase()}`) !== un,
    }
  },
  ({ dice }) => {
    const word = dice.pick(keywords)
    const un = dice.oneIn(2)
    return {
      text: `${un ? 'UN' : ''}KEYWORD ${word}`,
      matches: ({ flags }) => flags.has(word.toLowerCase()) !== un,
    }
  },
  ({ dice, view }) => {
    const set = chooseSet(dice, view, { uid: false })
    const uids = new Set(set.entries.map(({ uid }) => uid))
    return {
      text: set.text,
      matches: ({ uid }) => uids.has(uid),
      ...(set.text === '$' ? {} : { numbers: true as const }),
      ...(set.bad ? { bad: true as const } : {}),
    }
  },
  ({ dice, view }) => {
    const set = chooseSet(dice, view, { uid: true })
    const uids = new Set(set.entries.map(({ uid }) => uid))
    return { text: `UID ${set.text}`, matches: ({ uid }) => uids.has(uid) }
  },
  ({ dice }) => {
    const size = dice.between(80, 140)
    const larger = dice.oneIn(2)
    return {
      text: `${larger ? 'LARGER' : 'SMALLER'} ${size}`,
      matches: ({ content }) => (larger ? content.text.length > size : content.text.length < size),
    }
  },
  ({ dice, now }) => {
    const time = now - dice.below(35) * day
    const [word, test] = dice.pick([
      ['BEFORE', (at: number) => dayOf(at) < dayOf(time)],
      ['ON', (at: number) => dayOf(at) === dayOf(time)],
      ['SINCE', (at: number) => dayOf(at) >= dayOf(time)],
    ] as const)
    return { text: `${word} ${formatDay(time)}`, matches: ({ date }) => test(date) }
  },
  ({ dice, now }) => {
    const time = now - dice.below(400) * day
    const [word, test] = dice.pick([
      ['SENTBEFORE', (at: number) => at < dayOf(time) * day],
      ['SENTON', (at: number) => at === dayOf(time) * day],
      ['SENTSINCE', (at: number) => at >= dayOf(time) * day],
    ] as const)
    return { text: `${word} "${formatDay(time)}"`, matches: ({ content }) => test(content.sent) }
  },
  ({ dice }) => {
    const word = dice.pick(vocabulary).slice(0, dice.between(1, 5))
    const [name, of] = dice.pick([
      ['SUBJECT', ({ content }: Message) => content.subject],
      ['FROM', ({ content }: Message) => content.from],
      ['BODY', ({ content }: Message) => content.body],
      ['TEXT', ({ content }: Message) => content.text],
      ['HEADER Subject', ({ content }: Message) => content.subject],
      ['HEADER X-None', () => ''],
    ] as const)
    return { text: `${name} ${word}`, matches: (message) => has(of(message), word) }
  },
  (making) => {
    const modSeq = chooseModSeq(making)
    return { text: `MODSEQ ${modSeq}`, modSeq: true, matches: (message) => message.modSeq >= modSeq }
  },
  ({ dice, now }) => {
    const seconds = dice.between(1, 800 * 3600)
    const older = dice.oneIn(2)
    const limit = now - seconds * 1000
    return {
      text: `${older ? 'OLDER' : 'YOUNGER'} ${seconds}`,
      matches: ({ date }) => (older ? date <= limit : date >= limit),
    }
  },
]

/** Keys within keys, `depth` levels at most. */
export function chooseKey(making: MakingOnView, depth: number): Key {
  const { dice } = making
  if (depth === 0 || dice.below(4) > 0) return dice.pick(makers)(making)
  const [one, other] = [chooseKey(making, depth - 1), chooseKey(making, depth - 1)]
  const marks = { ...one, ...other }
  return dice.pick<() => Key>([
    () => ({ ...one, text: `NOT ${one.text}`, matches: (message, entry) => !one.matches(message, entry) }),
    () => ({
      ...marks,
      text: `OR ${one.text} ${other.text}`,
      matches: (message, entry) => one.matches(message, entry) || other.matches(message, entry),
    }),
    () => ({
      ...marks,
      text: `(${one.text} ${other.text})`,
      matches: (message, entry) => one.matches(message, entry) && other.matches(message, entry),
    }),
  ])()
}

const options = ['MIN', 'MAX', 'ALL', 'COUNT', 'SAVE'] as const

export function search(making: MakingOnView): Action {
  const { dice, session, view } = making
  const uid = dice.oneIn(2) || (session.modes.uidOnly && dice.below(8) > 0)
  const drawn = dice.oneIn(2) ? dice.some(options) : null
  const key = chooseKey(making, 2)
  // A number that is not there may be BAD, or match nothing: what `$` would be then is not asked.
  const chosen = key.bad === true ? (drawn?.filter((option) => option !== 'SAVE') ?? null) : drawn
  const returns = chosen === null ? '' : ` RETURN (${chosen.join(' ')})`
  const text = `${uid ? 'UID ' : ''}SEARCH${returns} ${key.text}`
  const action = { text, holds: !uid }
  if (refusedNumbers(making, uid) || (session.modes.uidOnly && key.numbers))
    return { ...action, expect: ['BAD'] }
  const save = chosen?.includes('SAVE') === true
  if (key.modSeq) session.modes.condstore = true
  if (key.bad) return { ...action, expect: ['BAD', 'OK'] }
  const found = findAll(view, key, uid)
  return {
    ...action,
    expect: ['OK'],
    apply(answer) {
      const esearch = chosen !== null || session.modes.rev2
      if (esearch) checkESearch(answer, { found, uid, chosen: chosen ?? [], modSeq: key.modSeq === true })
      else checkSearch(answer, { found, modSeq: key.modSeq === true })
      if (save) view.saved = savedOf(found, chosen ?? [])
    },
  }
}

/** A message that matches, by the number that the command tells. */
export interface Found {
  readonly message: Message
  readonly number: number
}

/** In the order of the mailbox. */
export function findAll(view: MakingOnView['view'], key: Key, uid: boolean): Found[] {
  const found: Found[] = []
  for (const [index, entry] of view.entries.entries()) {
    const message = view.mailbox.find(entry.uid)
    if (message !== undefined && key.matches(message, entry))
      found.push({ message, number: uid ? entry.uid : index + 1 })
  }
  return found
}

/** RFC 5182 §2.1 */
function savedOf(found: readonly Found[], chosen: readonly string[]): Set<number> {
  const uids = found.map(({ message }) => message.uid)
  const ends = [
    ...(chosen.includes('MIN') ? uids.slice(0, 1) : []),
    ...(chosen.includes('MAX') ? uids.slice(-1) : []),
  ]
  const onlyEnds =
    (chosen.includes('MIN') || chosen.includes('MAX')) && !chosen.includes('ALL') && !chosen.includes('COUNT')
  return new Set(onlyEnds ? ends : uids)
}

function highest(found: readonly Found[]): number {
  return Math.max(...found.map(({ message }) => message.modSeq))
}

function checkSearch(
  { untagged }: Answer,
  { found, modSeq }: { found: readonly Found[]; modSeq: boolean },
): void {
  const responses = untagged.filter(({ name }) => name === 'SEARCH')
  assert.equal(responses.length, 1, 'one SEARCH response')
  const values = [...(responses[0]?.values ?? [])]
  const last = values.at(-1)
  if (isList(last)) {
    values.pop()
    assert.ok(modSeq, 'MODSEQ only where it was searched for')
    assert.equal(numberOf(last[1]), highest(found), 'the highest MODSEQ')
  } else if (modSeq && found.length > 0) throw new Illegal('SEARCH MODSEQ without MODSEQ')
  assert.deepEqual(
    values.map((value) => numberOf(value)).sort((a, b) => a - b),
    found.map(({ number }) => number),
    'SEARCH',
  )
}

function checkESearch(
  { untagged, tagged }: Answer,
  of: { found: readonly Found[]; uid: boolean; chosen: readonly string[]; modSeq: boolean },
): void {
  const { found, uid, chosen } = of
  const responses = untagged.filter(({ name }) => name === 'ESEARCH')
  assert.equal(
    untagged.some(({ name }) => name === 'SEARCH'),
    false,
    'no SEARCH where ESEARCH is due',
  )
  if (chosen.length === 1 && chosen[0] === 'SAVE')
    return assert.equal(responses.length, 0, 'SAVE alone asks for nothing')
  assert.equal(responses.length, 1, 'one ESEARCH response')
  const values = [...(responses[0]?.values ?? [])]
  const correlator = values.shift()
  assert.deepEqual(correlator, [{ atom: 'TAG' }, { text: tagged?.tag }], 'the correlator')
  if (uid) assert.deepEqual(values.shift(), { atom: 'UID' })
  const items = new Map<string, Value>()
  for (let at = 0; at < values.length; at += 2) items.set(wordOf(values[at]), values[at + 1] ?? null)
  const numbers = found.map(({ number }) => number)
  const all = chosen.length === 0 || chosen.includes('ALL')
  const wants = (name: string): boolean => chosen.includes(name)
  const some = numbers.length > 0
  expect(items, 'MIN', wants('MIN') && some ? `${numbers[0]}` : undefined)
  expect(items, 'MAX', wants('MAX') && some ? `${numbers.at(-1)}` : undefined)
  expect(items, 'COUNT', wants('COUNT') ? `${numbers.length}` : undefined)
  const listed = items.get('ALL')
  if (!(all && some)) assert.equal(listed, undefined, 'ALL is not due')
  else
    assert.deepEqual(
      numbersIn(wordOf(listed)).sort((a, b) => a - b),
      numbers,
      'ALL',
    )
  if (of.modSeq && some) {
    const onlyEnds = !all && !wants('COUNT') && (wants('MIN') || wants('MAX'))
    const ends = [...(wants('MIN') ? found.slice(0, 1) : []), ...(wants('MAX') ? found.slice(-1) : [])]
    const shown = onlyEnds ? ends : found
    // RFC 7162 §3.1.5
    if (items.has('MODSEQ')) assert.equal(numberOf(items.get('MODSEQ')), highest(shown), 'the highest MODSEQ')
    else throw new Illegal('ESEARCH with the key MODSEQ without MODSEQ')
  } else assert.equal(items.has('MODSEQ'), false, 'MODSEQ only where it was searched for')
}

function expect(items: ReadonlyMap<string, Value>, name: string, value: string | undefined): void {
  const told = items.get(name)
  assert.equal(told === undefined ? undefined : wordOf(told), value, name)
}
