// Whether a message matches, from whatever is known so far: true, false, or null where more must be read.
//
// Three-valued logic throughout, so that NOT and OR over what is not known yet are sound: flags, numbers and dates decide first, and a
// message's octets are read only where they can still change the result.
import { recentBit } from '../../proto/encode/flags.ts'
import { noDay } from './facts/text-facts.ts'
import { textVerdict } from './facts/text-column.ts'
import type { EmailId } from '../../../store/model.ts'
import type { KeyAnswer } from '../../../search/search.ts'
import type { Ranges } from '../../proto/grammar/sequence-set.ts'
import type { ReadyKey } from './ready-search.ts'
import type { RowFacts } from './facts/row-facts.ts'
import type { TextFacts } from './facts/text-facts.ts'
import type { View } from '../messages/view.ts'

const day = 86_400_000

/** Facts of a mailbox, and by index of the view where a message is in them; -1 where it is not. */
export interface Placed<Facts> {
  readonly facts: Facts
  readonly places: Int32Array
}

/** What is known of all messages. */
export interface Evidence {
  readonly view: View
  readonly rows: Placed<RowFacts> | null
  readonly texts: Placed<TextFacts> | null
  /** By index of the view; 0 is gone. */
  readonly modSeqs: Float64Array | null
  readonly threads: Float64Array | null
  /** By number of the text: a `textVerdict` by place in `texts`. */
  readonly columns: readonly (Uint8Array | null)[]
  /** By number of the text: what the full-text index answers of emails up to `indexedUpTo`. */
  readonly answers: readonly (KeyAnswer | null)[]
  readonly indexedUpTo: number
}

/** What was learned by reading one message. */
export interface Reading {
  /** By number of the text. */
  readonly found: readonly (boolean | null)[]
  /** RFC 3501 §6.4.4 SENTON: the day of the Date field, null where there is none. */
  readonly sentDay: number | null
}

/** Whether the message at that index matches, or null. */
export function judge(key: ReadyKey, index: number, evidence: Evidence, reading?: Reading): boolean | null {
  const { view } = evidence
  switch (key.key) {
    case 'all':
      return true
    case 'flag':
      return ((view.flags(index) & key.flag) === key.flag) === key.set
    case 'recent':
      return ((view.flags(index) & recentBit) !== 0) === key.set
    case 'keyword':
      return hasKeyword(view.keywords(view.uid(index)), key.keyword) === key.set
    case 'indexes':
      return contains(key.ranges, index)
    case 'text':
      return reading?.found[key.number] ?? judgeText(key.number, index, evidence)
    case 'not':
      return negate(judge(key.of, index, evidence, reading))
    case 'or': {
      const first = judge(key.either, index, evidence, reading)
      if (first === true) return true
      const other = judge(key.or, index, evidence, reading)
      if (other === true) return true
      return first === null || other === null ? null : false
    }
    case 'and': {
      let known: boolean | null = true
      for (const each of key.all) {
        const value = judge(each, index, evidence, reading)
        if (value === false) return false
        if (value === null) known = null
      }
      return known
    }
    case 'date':
      return key.of === 'sent' ? judgeSent(key, index, evidence, reading) : judgeRow(key, index, evidence)
    case 'size':
    case 'moment':
    case 'email':
      return judgeRow(key, index, evidence)
    case 'mod-sequence':
      return evidence.modSeqs === null ? null : (evidence.modSeqs[index] ?? 0) >= Math.max(1, key.least)
    case 'thread':
      return evidence.threads === null ? null : evidence.threads[index] === key.id
  }
}

type RowKey = Extract<ReadyKey, { key: 'date' | 'size' | 'moment' | 'email' }>

function judgeRow(key: RowKey, index: number, { rows }: Evidence): boolean | null {
  if (rows === null) return null
  const place = rows.places[index] ?? -1
  // It went before it was read: it matches nothing, and whoever asks leaves it out.
  if (place < 0) return false
  const { facts } = rows
  switch (key.key) {
    case 'size': {
      const size = facts.sizes.at(place)
      return key.relation === 'larger' ? size > key.octets : size < key.octets
    }
    case 'moment': {
      const at = facts.internalDates.at(place)
      return key.relation === 'until' ? at <= key.at : at >= key.at
    }
    case 'email':
      return facts.emails.at(place) === key.id
    case 'date': {
      // RFC 3501 §6.4.4: "disregarding time and timezone".
      const at = key.of === 'saved' ? facts.savedDates.at(place) : facts.internalDates.at(place)
      return compareDays(key, Math.floor(at / day))
    }
  }
}

type DateKey = Extract<ReadyKey, { key: 'date' }>

function judgeSent(key: DateKey, index: number, evidence: Evidence, reading?: Reading): boolean | null {
  if (reading !== undefined) return reading.sentDay !== null && compareDays(key, reading.sentDay)
  const { texts } = evidence
  if (texts === null) return null
  const place = texts.places[index] ?? -1
  if (place < 0) return false
  const sentDay = texts.facts.sentDays.at(place)
  return sentDay !== noDay && compareDays(key, sentDay)
}

function compareDays({ relation, day: wanted }: DateKey, at: number): boolean {
  if (relation === 'before') return at < wanted
  return relation === 'on' ? at === wanted : at >= wanted
}

function judgeText(number: number, index: number, evidence: Evidence): boolean | null {
  const { texts, rows, columns, answers, indexedUpTo } = evidence
  const column = columns[number] ?? null
  if (column !== null && texts !== null) {
    const place = texts.places[index] ?? -1
    if (place < 0) return false
    if (column[place] !== textVerdict.unknown) return column[place] === textVerdict.present
  }
  const answer = answers[number] ?? null
  if (answer === null || rows === null) return null
  const place = rows.places[index] ?? -1
  if (place < 0) return false
  const email = rows.facts.emails.at(place)
  return email > indexedUpTo ? null : answer.judge(email as EmailId)
}

function negate(value: boolean | null): boolean | null {
  return value === null ? null : !value
}

function hasKeyword(keywords: string, wanted: string): boolean {
  return keywords !== '' && ` ${keywords.toLowerCase()} `.includes(` ${wanted} `)
}

function contains(ranges: Ranges, index: number): boolean {
  let low = 0
  let high = ranges.length - 1
  while (low <= high) {
    const middle = (low + high) >>> 1
    const range = ranges[middle]
    if (range === undefined) return false
    if (index < range[0]) high = middle - 1
    else if (index > range[1]) low = middle + 1
    else return true
  }
  return false
}
