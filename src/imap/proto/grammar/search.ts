// SEARCH keys: the grammar of RFC 3501 §9 `search-key`, as a table by name, with those of RFC 5032, 6203, 7162, 8474, 8514 and 9738.
//
// Depth and number of keys are bounded. Strings stay binary until the whole command is read, since CHARSET says what they mean and
// this grammar does not convert.
import type { Cursor } from './cursor.ts'
import { parseDate } from './date.ts'
import { parseKeyword, systemFlag } from './flags.ts'
import { parseModSequenceOrZero } from './mod-sequence.ts'
import { atSequenceSet, parseSequenceSet } from './sequence-set.ts'
import type { DateKind, EnvelopeField, SearchKey, SearchProgram, SearchUses } from './search-key.ts'

export interface SearchLimits {
  readonly searchDepth: number
  readonly searchKeys: number
}

interface Reading {
  readonly cursor: Cursor
  readonly limits: SearchLimits
  readonly uses: SearchUses
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
const date = (of: DateKind, relation: 'before' | 'on' | 'since'): KeyReader => {
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
    return { key: 'size', relation, octets: cursor.number64() }
  }
}
const within = (relation: 'older' | 'younger'): KeyReader => {
  return ({ cursor }) => {
    cursor.sp()
    return { key: 'within', relation, seconds: cursor.nzNumber() }
  }
}
const uidBound = (relation: 'after' | 'before'): KeyReader => {
  return ({ cursor }) => {
    cursor.sp()
    return { key: 'uid-bound', relation, uid: cursor.nzNumber() }
  }
}
const object = (of: 'email' | 'thread'): KeyReader => {
  return ({ cursor }) => {
    cursor.sp()
    // RFC 8474 §7: objectid = 1*255(ALPHA / DIGIT / "_" / "-")
    const id = cursor.atom('an object id')
    return /^[\w-]{1,255}$/.test(id) ? { key: 'object', of, id } : cursor.fail('expected an object id')
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
  ['EMAILID', object('email')],
  ['FLAGGED', flag(systemFlag.flagged, true)],
  ['FROM', envelope('from')],
  ['FUZZY', readFuzzy],
  ['HEADER', readHeader],
  ['KEYWORD', keyword(true)],
  ['LARGER', size('larger')],
  ['MODSEQ', readModSeq],
  // NEW is RECENT and UNSEEN; OLD is NOT RECENT.
  ['NEW', () => ({ key: 'and', all: [{ key: 'recent', set: true }, flag(systemFlag.seen, false)()] })],
  ['NOT', readNot],
  ['OLD', () => ({ key: 'recent', set: false })],
  ['OLDER', within('older')],
  ['ON', date('internal', 'on')],
  ['OR', readOr],
  ['RECENT', () => ({ key: 'recent', set: true })],
  ['SAVEDBEFORE', date('saved', 'before')],
  // RFC 8514 §4.3: every mailbox here has save dates.
  ['SAVEDATESUPPORTED', () => ({ key: 'all' })],
  ['SAVEDON', date('saved', 'on')],
  ['SAVEDSINCE', date('saved', 'since')],
  ['SEEN', flag(systemFlag.seen, true)],
  ['SENTBEFORE', date('sent', 'before')],
  ['SENTON', date('sent', 'on')],
  ['SENTSINCE', date('sent', 'since')],
  ['SINCE', date('internal', 'since')],
  ['SMALLER', size('smaller')],
  ['SUBJECT', envelope('subject')],
  ['TEXT', text('text')],
  ['THREADID', object('thread')],
  ['TO', envelope('to')],
  ['UID', readUids],
  ['UIDAFTER', uidBound('after')],
  ['UIDBEFORE', uidBound('before')],
  ['UNANSWERED', flag(systemFlag.answered, false)],
  ['UNDELETED', flag(systemFlag.deleted, false)],
  ['UNDRAFT', flag(systemFlag.draft, false)],
  ['UNFLAGGED', flag(systemFlag.flagged, false)],
  ['UNKEYWORD', keyword(false)],
  ['UNSEEN', flag(systemFlag.seen, false)],
  ['YOUNGER', within('younger')],
])

/** `search-program = ["CHARSET" SP charset SP] search-key *(SP search-key)` (RFC 4466 §6) */
export function parseSearch(cursor: Cursor, limits: SearchLimits): SearchProgram {
  let name = atKeyName(cursor) ? cursor.keyword('a search key') : null
  let charset: string | null = null
  if (name === 'CHARSET') {
    // RFC 9755 §3: after ENABLE UTF8=ACCEPT a client "MUST NOT issue a SEARCH command that contains a charset specification".
    if (cursor.modes.utf8) cursor.fail('CHARSET has no place after ENABLE UTF8=ACCEPT')
    cursor.sp()
    charset = cursor.astring('a charset')
    cursor.sp()
    name = atKeyName(cursor) ? cursor.keyword('a search key') : null
  }
  return readCriteria({ cursor, limits, charset }, name)
}

/** `search-criteria = charset 1*(SP search-key)` of SORT and THREAD (RFC 5256 §5), where the charset always stands. */
export function parseSearchCriteria(cursor: Cursor, limits: SearchLimits): SearchProgram {
  const charset = cursor.astring('a charset')
  cursor.sp()
  return readCriteria({ cursor, limits, charset }, null)
}

function readCriteria(
  of: { cursor: Cursor; limits: SearchLimits; charset: string | null },
  name: string | null,
): SearchProgram {
  const { cursor, limits, charset } = of
  const uses: SearchUses = { numbers: false, modSeq: false, fuzzy: false }
  const reading: Reading = { cursor, limits, uses, keys: 0 }
  const all: SearchKey[] = [readKey(reading, 0, name)]
  while (cursor.take(' ')) all.push(readKey(reading, 0))
  const criteria: SearchKey = all.length === 1 && all[0] !== undefined ? all[0] : { key: 'and', all }
  return { charset, criteria, uses }
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
    if (atSequenceSet(cursor)) return readNumbers(reading)
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

function readNumbers({ cursor, uses }: Reading): SearchKey {
  const set = parseSequenceSet(cursor)
  // RFC 5182 §2.1: `$` is of messages, and no number of any kind.
  if (set !== 'saved') uses.numbers = true
  return { key: 'numbers', set }
}

/** `"FUZZY" SP search-key` (RFC 6203 §7) */
function readFuzzy(reading: Reading, depth: number): SearchKey {
  reading.cursor.sp()
  reading.uses.fuzzy = true
  return { key: 'fuzzy', of: readKey(reading, depth + 1) }
}

/** `entry-flag-name = DQUOTE "/flags/" attr-flag DQUOTE ;; Does not include "\\Recent"` (RFC 7162 §7) */
const entryName = /^\/flags\/(?!\\recent$)\\?[^\s(){%*"\\\]\x00-\x1f\x7f]+$/i

/**
 * `"MODSEQ" [SP entry-name SP entry-type-req] SP mod-sequence-valzer` (RFC 7162 §7). There is one mod-sequence for all flags of a
 * message, so that the entry's name and type are ignored (§3.1.5: MUST).
 */
function readModSeq({ cursor, uses }: Reading): SearchKey {
  uses.modSeq = true
  cursor.sp()
  if (cursor.peek() === '"') {
    if (!entryName.test(cursor.quoted())) cursor.fail('expected an entry name')
    cursor.sp()
    const type = cursor.keyword('an entry type')
    if (type !== 'PRIV' && type !== 'SHARED' && type !== 'ALL') cursor.fail('expected PRIV, SHARED or ALL')
    cursor.sp()
  }
  return { key: 'mod-sequence', least: parseModSequenceOrZero(cursor) }
}

/** `"UID" SP sequence-set` */
function readUids({ cursor }: Reading): SearchKey {
  cursor.sp()
  return { key: 'uids', set: parseSequenceSet(cursor) }
}
