// SEARCH keys: the grammar of RFC 3501 §9 `search-key`, as a table by name.
//
// An extension adds a row to `keys`. Depth and number of keys are bounded. Strings stay binary until the whole command is
// read, since CHARSET says what they mean and this grammar does not convert.
import type { Cursor } from './cursor.ts'
import { parseDate } from './date.ts'
import type { DayNumber } from './date.ts'
import { parseKeyword, systemFlag } from './flags.ts'
import { atSequenceSet, parseSequenceSet } from './sequence-set.ts'
import type { SequenceSet } from './sequence-set.ts'

/** What a message must be. Strings are binary, in the charset of the command. */
export type SearchKey =
  | { readonly key: 'all' }
  /** All of these bits of `systemFlag` set, or none. */
  | { readonly key: 'flag'; readonly flag: number; readonly set: boolean }
  | { readonly key: 'keyword'; readonly keyword: string; readonly set: boolean }
  | { readonly key: 'recent'; readonly set: boolean }
  /** INTERNALDATE or the Date field: before, on, or on and after a day. */
  | {
      readonly key: 'date'
      readonly of: 'internal' | 'sent'
      readonly relation: 'before' | 'on' | 'since'
      readonly day: DayNumber
    }
  | { readonly key: 'size'; readonly relation: 'larger' | 'smaller'; readonly octets: number }
  /** A header field (lower-cased) that contains `text`; empty text means that the field is there. */
  | { readonly key: 'header'; readonly field: string; readonly text: string }
  /** The same of a field of the envelope structure. */
  | { readonly key: 'envelope'; readonly field: EnvelopeField; readonly text: string }
  | { readonly key: 'body' | 'text'; readonly text: string }
  | { readonly key: 'numbers'; readonly set: SequenceSet }
  | { readonly key: 'uids'; readonly set: SequenceSet }
  | { readonly key: 'not'; readonly of: SearchKey }
  | { readonly key: 'or'; readonly either: SearchKey; readonly or: SearchKey }
  | { readonly key: 'and'; readonly all: readonly SearchKey[] }

/** RFC 3501 §6.4.4: fields that are searched in the message's envelope structure. */
export type EnvelopeField = 'bcc' | 'cc' | 'from' | 'subject' | 'to'

/** A whole search. */
export interface SearchProgram {
  /** As the client wrote it, or null: US-ASCII. */
  readonly charset: string | null
  readonly criteria: SearchKey
}

export interface SearchLimits {
  readonly searchDepth: number
  readonly searchKeys: number
}

interface Reading {
  readonly cursor: Cursor
  readonly limits: SearchLimits
  keys: number
}

type KeyReader = (reading: Reading, depth: number) => SearchKey

const flag = (bit: number, set: boolean) => (): SearchKey => ({ key: 'flag', flag: bit, set })
const envelope = (field: EnvelopeField): KeyReader => {
  return ({ cursor }) => {
    cursor.sp()
    return { key: 'envelope', field, text: cursor.astring('a search string') }
  }
}
const date = (of: 'internal' | 'sent', relation: 'before' | 'on' | 'since'): KeyReader => {
  return ({ cursor }) => {
    cursor.sp()
    return { key: 'date', of, relation, day: parseDate(cursor) }
  }
}
const text = (key: 'body' | 'text'): KeyReader => {
  return ({ cursor }) => {
    cursor.sp()
    return { key, text: cursor.astring('a search string') }
  }
}
const size = (relation: 'larger' | 'smaller'): KeyReader => {
  return ({ cursor }) => {
    cursor.sp()
    return { key: 'size', relation, octets: cursor.number() }
  }
}
const keyword = (set: boolean): KeyReader => {
  return ({ cursor }) => {
    cursor.sp()
    return { key: 'keyword', keyword: parseKeyword(cursor), set }
  }
}

/** Name → what follows it. RFC 3501 §6.4.4 has the meanings. */
const keys: ReadonlyMap<string, KeyReader> = new Map<string, KeyReader>([
  ['ALL', () => ({ key: 'all' })],
  ['ANSWERED', flag(systemFlag.answered, true)],
  ['BCC', envelope('bcc')],
  ['BEFORE', date('internal', 'before')],
  ['BODY', text('body')],
  ['CC', envelope('cc')],
  ['DELETED', flag(systemFlag.deleted, true)],
  ['DRAFT', flag(systemFlag.draft, true)],
  ['FLAGGED', flag(systemFlag.flagged, true)],
  ['FROM', envelope('from')],
  ['HEADER', readHeader],
  ['KEYWORD', keyword(true)],
  ['LARGER', size('larger')],
  // NEW is RECENT and UNSEEN; OLD is NOT RECENT.
  ['NEW', () => ({ key: 'and', all: [{ key: 'recent', set: true }, flag(systemFlag.seen, false)()] })],
  ['NOT', readNot],
  ['OLD', () => ({ key: 'recent', set: false })],
  ['ON', date('internal', 'on')],
  ['OR', readOr],
  ['RECENT', () => ({ key: 'recent', set: true })],
  ['SEEN', flag(systemFlag.seen, true)],
  ['SENTBEFORE', date('sent', 'before')],
  ['SENTON', date('sent', 'on')],
  ['SENTSINCE', date('sent', 'since')],
  ['SINCE', date('internal', 'since')],
  ['SMALLER', size('smaller')],
  ['SUBJECT', envelope('subject')],
  ['TEXT', text('text')],
  ['TO', envelope('to')],
  ['UID', readUids],
  ['UNANSWERED', flag(systemFlag.answered, false)],
  ['UNDELETED', flag(systemFlag.deleted, false)],
  ['UNDRAFT', flag(systemFlag.draft, false)],
  ['UNFLAGGED', flag(systemFlag.flagged, false)],
  ['UNKEYWORD', keyword(false)],
  ['UNSEEN', flag(systemFlag.seen, false)],
])

/** `search = "SEARCH" [SP "CHARSET" SP astring] 1*(SP search-key)`, behind `"SEARCH" SP`. */
export function parseSearch(cursor: Cursor, limits: SearchLimits): SearchProgram {
  const reading: Reading = { cursor, limits, keys: 0 }
  const all: SearchKey[] = []
  let charset: string | null = null
  let name = atKeyName(cursor) ? cursor.keyword('a search key') : null
  if (name === 'CHARSET') {
    cursor.sp()
    charset = cursor.astring('a charset')
    cursor.sp()
    name = atKeyName(cursor) ? cursor.keyword('a search key') : null
  }
  all.push(readKey(reading, 0, name))
  while (cursor.take(' ')) all.push(readKey(reading, 0))
  return { charset, criteria: all.length === 1 && all[0] !== undefined ? all[0] : { key: 'and', all } }
}

function atKeyName(cursor: Cursor): boolean {
  return cursor.peek() !== '(' && !atSequenceSet(cursor)
}

/** `search-key`; `name` where it has been read already. */
function readKey(reading: Reading, depth: number, name: string | null = null): SearchKey {
  const { cursor, limits } = reading
  if (depth > limits.searchDepth) cursor.fail(`search keys nested deeper than ${limits.searchDepth}`)
  if (++reading.keys > limits.searchKeys) cursor.fail(`more than ${limits.searchKeys} search keys`)
  if (name === null) {
    if (cursor.take('(')) return readParenthesized(reading, depth)
    if (atSequenceSet(cursor)) return { key: 'numbers', set: parseSequenceSet(cursor) }
  }
  const word = name ?? cursor.keyword('a search key')
  const reader = keys.get(word)
  if (reader === undefined) return cursor.fail(`unknown search key ${word.slice(0, 40)}`)
  return reader(reading, depth)
}

/** `"(" search-key *(SP search-key) ")"`, behind the parenthesis. */
function readParenthesized(reading: Reading, depth: number): SearchKey {
  const all: SearchKey[] = [readKey(reading, depth + 1)]
  while (!reading.cursor.take(')')) {
    reading.cursor.sp()
    all.push(readKey(reading, depth + 1))
  }
  return all.length === 1 && all[0] !== undefined ? all[0] : { key: 'and', all }
}

/** `"HEADER" SP header-fld-name SP astring` */
function readHeader({ cursor }: Reading): SearchKey {
  cursor.sp()
  const field = cursor.astring('a header field name').toLowerCase()
  cursor.sp()
  return { key: 'header', field, text: cursor.astring('a search string') }
}

/** `"NOT" SP search-key` */
function readNot(reading: Reading, depth: number): SearchKey {
  reading.cursor.sp()
  return { key: 'not', of: readKey(reading, depth + 1) }
}

/** `"OR" SP search-key SP search-key` */
function readOr(reading: Reading, depth: number): SearchKey {
  reading.cursor.sp()
  const either = readKey(reading, depth + 1)
  reading.cursor.sp()
  return { key: 'or', either, or: readKey(reading, depth + 1) }
}

/** `"UID" SP sequence-set` */
function readUids({ cursor }: Reading): SearchKey {
  cursor.sp()
  return { key: 'uids', set: parseSequenceSet(cursor) }
}
