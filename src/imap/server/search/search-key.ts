// Search keys made ready: strings decoded and folded, sets resolved, and a judgement from whatever is known so far.
//
// A judgement is true, false, or null: not known without reading more. So flags, numbers and dates decide first, and a
// message's octets are read only where they can still change the result.
//
// Comparison (RFC 3501 §6.4.4: substring, "case-insensitive"): both sides folded (`src/mail/search-text/fold.ts`).
import { Buffer } from 'node:buffer'
import { decodeCharset, knowsCharset } from '../../../mail/charset.ts'
import { displayText } from '../../../mail/encoded-word.ts'
import { fold } from '../../../mail/search-text/fold.ts'
import { recentBit } from '../../proto/encode/flags.ts'
import { resolveNumberSet } from '../../proto/grammar/sequence-set.ts'
import { tryDate } from '../../../mail/date.ts'
import type { Envelope, EnvelopeAddress } from '../../../mail/mime/structure.ts'
import type { Message } from '../../../store/model.ts'
import type { EnvelopeField, SearchKey, SearchProgram } from '../../proto/grammar/search.ts'
import type { Ranges, SequenceSet } from '../../proto/grammar/sequence-set.ts'
import type { Selected } from '../messages/selected.ts'
import type { View } from '../messages/view.ts'

const day = 86_400_000

/** A text to be found in what only the message's octets tell. */
export type ContentKey =
  | { readonly key: 'header'; readonly field: string; readonly text: string }
  | { readonly key: 'body' | 'text'; readonly text: string }

/** A search key with its strings folded and its sets resolved. */
export type ReadyKey =
  | Exclude<SearchKey, { key: 'not' | 'or' | 'and' | 'numbers' | 'uids' }>
  | { readonly key: 'indexes'; readonly ranges: Ranges }
  | { readonly key: 'not'; readonly of: ReadyKey }
  | { readonly key: 'or'; readonly either: ReadyKey; readonly or: ReadyKey }
  | { readonly key: 'and'; readonly all: readonly ReadyKey[] }

/** What is known of one message. */
export interface Facts {
  readonly view: View
  readonly index: number
  readonly row: Message | null
  readonly envelope: Envelope | null
  /** Answers of content keys so far. */
  readonly found: Map<ReadyKey, boolean>
}

/** A program ready to run, and what it may have to read. */
export interface ReadySearch {
  readonly criteria: ReadyKey
  /** How many keys it has, all levels together. */
  readonly keys: number
  readonly needs: 'view' | 'row' | 'text'
  readonly content: readonly (ReadyKey & ContentKey)[]
}

/** Undefined for a charset that nothing here can decode (RFC 3501 §6.4.4: NO with BADCHARSET). */
export function tryReadySearch(program: SearchProgram, selected: Searched): ReadySearch | undefined {
  const { charset, criteria } = program
  // RFC 3501 §6.4.4: US-ASCII where none is given; 8-bit is taken for UTF-8 then, as clients mean it.
  const label = charset === null || /^us-ascii$/i.test(charset) ? 'utf-8' : charset
  if (!knowsCharset(label)) return undefined
  const content: (ReadyKey & ContentKey)[] = []
  const needs = { keys: 0, row: false, text: false }
  const decode = (text: string): string => fold(decodeCharset(Buffer.from(text, 'latin1'), label))
  const ready = makeReady(criteria, { selected, decode, content, needs })
  const { keys } = needs
  return { criteria: ready, keys, needs: needs.text ? 'text' : needs.row ? 'row' : 'view', content }
}

/** The mailbox that is searched. */
type Searched = Pick<Selected, 'view' | 'saved'>

interface Making {
  readonly selected: Searched
  readonly decode: (text: string) => string
  readonly content: (ReadyKey & ContentKey)[]
  readonly needs: { keys: number; row: boolean; text: boolean }
}

function makeReady(key: SearchKey, making: Making): ReadyKey {
  const { selected, decode, content, needs } = making
  const { view, saved } = selected
  needs.keys++
  switch (key.key) {
    case 'not':
      return { key: 'not', of: makeReady(key.of, making) }
    case 'or':
      return { key: 'or', either: makeReady(key.either, making), or: makeReady(key.or, making) }
    case 'and':
      return { key: 'and', all: key.all.map((each) => makeReady(each, making)) }
    case 'numbers':
      return { key: 'indexes', ranges: numbersToIndexes(key.set, selected) }
    case 'uids':
      return {
        key: 'indexes',
        ranges: view.indexesOf(key.set === 'saved' ? saved : resolveNumberSet(key.set, view.largestUid)),
      }
    case 'keyword':
      return { ...key, keyword: key.keyword.toLowerCase() }
    case 'date':
      if (key.of === 'sent') needs.text = true
      else needs.row = true
      return key
    case 'size':
      needs.row = true
      return key
    case 'envelope':
      needs.text = true
      return { ...key, text: decode(key.text) }
    case 'header':
    case 'body':
    case 'text': {
      needs.text = true
      const ready = { ...key, text: decode(key.text) }
      content.push(ready)
      return ready
    }
    default:
      return key
  }
}

/** Numbers beyond the mailbox match nothing: a search is no reason for BAD. */
function numbersToIndexes(set: SequenceSet, { view, saved }: Searched): Ranges {
  if (set === 'saved') return view.indexesOf(saved)
  const { length } = view
  return resolveNumberSet(set, length).flatMap(([first, last]) =>
    first > length || last < 1 ? [] : [[Math.max(0, first - 1), Math.min(last, length) - 1] as const],
  )
}

/** Whether the message matches, or null. */
export function judge(key: ReadyKey, facts: Facts): boolean | null {
  const { view, index, row } = facts
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
    case 'size':
      if (row === null) return null
      return key.relation === 'larger' ? row.size > key.octets : row.size < key.octets
    case 'date':
      return judgeDate(key, facts)
    case 'envelope':
      return facts.envelope === null
        ? null
        : envelopeText(facts.envelope, key.field)?.includes(key.text) === true
    case 'header':
    case 'body':
    case 'text':
      return facts.found.get(key) ?? null
    case 'not':
      return negate(judge(key.of, facts))
    case 'or':
      return either(judge(key.either, facts), () => judge(key.or, facts))
    case 'and':
      return judgeAll(key.all, facts)
  }
}

function negate(value: boolean | null): boolean | null {
  return value === null ? null : !value
}

function either(first: boolean | null, second: () => boolean | null): boolean | null {
  if (first === true) return true
  const other = second()
  if (other === true) return true
  return first === null || other === null ? null : false
}

function judgeAll(keys: readonly ReadyKey[], facts: Facts): boolean | null {
  let known: boolean | null = true
  for (const key of keys) {
    const value = judge(key, facts)
    if (value === false) return false
    if (value === null) known = null
  }
  return known
}

/** RFC 3501 §6.4.4: "disregarding time and timezone". */
function judgeDate(key: Extract<ReadyKey, { key: 'date' }>, { row, envelope }: Facts): boolean | null {
  let at: number
  if (key.of === 'internal') {
    if (row === null) return null
    at = Math.floor(row.internalDate / day)
  } else {
    if (envelope === null) return null
    const sent = envelope.date === null ? undefined : tryDate(envelope.date)
    if (sent === undefined) return false
    at = Math.floor((sent.time + sent.zoneMinutes * 60_000) / day)
  }
  if (key.relation === 'before') return at < key.day
  return key.relation === 'on' ? at === key.day : at >= key.day
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

/** The field of the envelope as text to search; undefined where it is absent. */
function envelopeText(envelope: Envelope, field: EnvelopeField): string | undefined {
  if (field === 'subject') return envelope.subject === null ? undefined : fold(displayText(envelope.subject))
  const addresses = envelope[field]
  return addresses === null ? undefined : fold(addresses.map(addressText).join(', '))
}

function addressText({ name, mailbox, host }: EnvelopeAddress): string {
  const address = displayText(host === null ? (mailbox ?? '') : `${mailbox ?? ''}@${host}`)
  return name === null ? address : `${displayText(name)} <${address}>`
}
