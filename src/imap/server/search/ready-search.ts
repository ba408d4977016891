// A search made ready: strings decoded and folded, sets resolved to indexes of the view, moments computed, and each text that has to be
// looked for given a number, under which whatever learns something of it keeps what it knows.
//
// Comparison is i;unicode-casemap (RFC 5255 §4.2), of substrings (RFC 3501 §6.4.4).
import { Buffer } from 'node:buffer'
import { decodeCharset, knowsCharset } from '../../../mail/charset.ts'
import { fold } from '../../../mail/search-text/fold.ts'
import { resolveNumberSet } from '../../proto/grammar/sequence-set.ts'
import type { AccountId, MailboxId } from '../../../store/model.ts'
import type { DateKind, EnvelopeField, SearchKey, SearchProgram } from '../../proto/grammar/search-key.ts'
import type { Ranges, SequenceSet } from '../../proto/grammar/sequence-set.ts'
import type { TextKey } from '../../../search/search.ts'
import type { View } from '../messages/view.ts'

/** The mailbox that is searched: the selected one of the session, or another one, opened for the search. */
export interface Searched {
  readonly account: AccountId
  readonly mailbox: MailboxId
  readonly view: View
  /** UIDs that `$` means. */
  readonly saved: Ranges
}

/** Text to look for. */
export type TextPart =
  | { readonly of: 'envelope'; readonly field: EnvelopeField; readonly text: string }
  | { readonly of: 'header'; readonly field: string; readonly text: string }
  | { readonly of: 'body' | 'text'; readonly text: string }

/** A `TextPart` and what the full-text index is asked for it. */
export interface ReadyText {
  readonly part: TextPart
  /** Null where the index has nothing to say: an empty text is in every field. */
  readonly key: TextKey | null
  /** RFC 6203 §3. */
  readonly fuzzy: boolean
}

/** A search key made ready. */
export type ReadyKey =
  | { readonly key: 'all' }
  | { readonly key: 'flag'; readonly flag: number; readonly set: boolean }
  | { readonly key: 'keyword'; readonly keyword: string; readonly set: boolean }
  | { readonly key: 'recent'; readonly set: boolean }
  | {
      readonly key: 'date'
      readonly of: DateKind
      readonly relation: 'before' | 'on' | 'since'
      readonly day: number
    }
  /** INTERNALDATE not after, or not before a moment. */
  | { readonly key: 'moment'; readonly relation: 'until' | 'from'; readonly at: number }
  | { readonly key: 'size'; readonly relation: 'larger' | 'smaller'; readonly octets: number }
  | { readonly key: 'mod-sequence'; readonly least: number }
  | { readonly key: 'email'; readonly id: number }
  | { readonly key: 'thread'; readonly id: number }
  | { readonly key: 'indexes'; readonly ranges: Ranges }
  /** By number in `ReadySearch.texts`. */
  | { readonly key: 'text'; readonly number: number }
  | { readonly key: 'not'; readonly of: ReadyKey }
  | { readonly key: 'or'; readonly either: ReadyKey; readonly or: ReadyKey }
  | { readonly key: 'and'; readonly all: readonly ReadyKey[] }

/** What must be known of each message beyond what the view knows. */
export interface Needs {
  rows: boolean
  sentDates: boolean
  modSeqs: boolean
  threads: boolean
}

export interface ReadySearch {
  readonly criteria: ReadyKey
  /** How many keys it has, all levels together. */
  readonly keys: number
  readonly needs: Readonly<Needs>
  readonly texts: readonly ReadyText[]
}

interface Making {
  readonly searched: Searched
  readonly decode: (text: string) => string
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly texts: ReadyText[]
  readonly needs: Needs
  keys: number
}

/** Undefined for a charset that nothing here can decode (RFC 3501 §6.4.4: NO with BADCHARSET). */
export function tryReadySearch(
  program: SearchProgram,
  options: { searched: Searched; now: number },
): ReadySearch | undefined {
  const { charset, criteria } = program
  // RFC 3501 §6.4.4: US-ASCII where none is given; 8-bit is taken for UTF-8 then, as RFC 9051 §6.4.4 has it.
  const label = charset === null || /^us-ascii$/i.test(charset) ? 'utf-8' : charset
  if (!knowsCharset(label)) return undefined
  const decode = (text: string): string => fold(decodeCharset(Buffer.from(text, 'latin1'), label))
  const needs: Needs = { rows: false, sentDates: false, modSeqs: false, threads: false }
  const making: Making = { ...options, decode, texts: [], needs, keys: 0 }
  const ready = makeReady(criteria, making, 'exact')
  return { criteria: ready, keys: making.keys, needs, texts: making.texts }
}

type Manner = 'exact' | 'fuzzy'

function makeReady(key: SearchKey, making: Making, manner: Manner): ReadyKey {
  const { searched, needs } = making
  making.keys++
  switch (key.key) {
    case 'not':
      return { key: 'not', of: makeReady(key.of, making, manner) }
    case 'or': {
      const either = makeReady(key.either, making, manner)
      return { key: 'or', either, or: makeReady(key.or, making, manner) }
    }
    case 'and':
      return { key: 'and', all: key.all.map((each) => makeReady(each, making, manner)) }
    case 'fuzzy':
      return makeReady(key.of, making, 'fuzzy')
    case 'numbers':
      return { key: 'indexes', ranges: numbersToIndexes(key.set, searched) }
    case 'uids':
    case 'uid-bound':
      return { key: 'indexes', ranges: searched.view.indexesOf(uidsOf(key, searched)) }
    case 'keyword':
      return { ...key, keyword: key.keyword.toLowerCase() }
    case 'date':
      if (key.of === 'sent') needs.sentDates = true
      else needs.rows = true
      return key
    case 'within': {
      needs.rows = true
      // RFC 5032 §2: to the resolution of a second, and the target time itself belongs to both.
      const at = (Math.floor(making.now / 1_000) - key.seconds) * 1_000
      return key.relation === 'older'
        ? { key: 'moment', relation: 'until', at: at + 999 }
        : { key: 'moment', relation: 'from', at }
    }
    case 'size':
      needs.rows = true
      return key
    case 'mod-sequence':
      needs.modSeqs = true
      return key
    case 'object':
      return objectKey(key, making)
    case 'envelope':
    case 'header':
    case 'body':
    case 'text':
      return textKey(key, making, manner)
    default:
      return key
  }
}

function uidsOf(key: Extract<SearchKey, { key: 'uids' | 'uid-bound' }>, { view, saved }: Searched): Ranges {
  if (key.key === 'uids') return key.set === 'saved' ? saved : resolveNumberSet(key.set, view.largestUid)
  // RFC 9738 §3.2: unlike `UID n:*`, UIDAFTER never means the last message when there is none after it.
  return key.relation === 'after' ? [[key.uid + 1, 0xffff_ffff]] : [[0, key.uid - 1]]
}

/** Numbers beyond the mailbox match nothing: RFC 7377 §2, "it MUST NOT be considered an error". */
function numbersToIndexes(set: SequenceSet, { view, saved }: Searched): Ranges {
  if (set === 'saved') return view.indexesOf(saved)
  const { length } = view
  return resolveNumberSet(set, length).flatMap(([first, last]) =>
    first > length || last < 1 ? [] : [[Math.max(1, first) - 1, Math.min(last, length) - 1] as const],
  )
}

/** RFC 8474 §6: ids of another account, or of another kind, are of no message here. */
function objectKey(key: Extract<SearchKey, { key: 'object' }>, making: Making): ReadyKey {
  const parts = (key.of === 'email' ? /^M(\d{1,15})_(\d{1,15})$/ : /^T(\d{1,15})_(\d{1,15})$/).exec(key.id)
  if (parts === null || Number(parts[1]) !== making.searched.account)
    return { key: 'not', of: { key: 'all' } }
  const id = Number(parts[2])
  if (key.of === 'email') {
    making.needs.rows = true
    return { key: 'email', id }
  }
  making.needs.threads = true
  return { key: 'thread', id }
}

function textKey(
  key: Extract<SearchKey, { key: 'envelope' | 'header' | 'body' | 'text' }>,
  making: Making,
  manner: Manner,
): ReadyKey {
  const { key: of, ...rest } = key
  const text = making.decode(key.text)
  // What the union loses by being taken apart: each kind of key has the part of the same name.
  const part = { of, ...rest, text } as TextPart
  const fuzzy = manner === 'fuzzy' && text !== ''
  making.texts.push({ part, key: text === '' ? null : indexKey(part, fuzzy), fuzzy })
  return { key: 'text', number: making.texts.length - 1 }
}

function indexKey(part: TextPart, fuzzy: boolean): TextKey {
  const { text } = part
  if (part.of === 'envelope') return { fields: [part.field], text, fuzzy }
  if (part.of === 'header') return { fields: ['header'], text, header: part.field, fuzzy }
  // RFC 9051 §6.4.4 TEXT: "in the header (including MIME header fields) or body of the message".
  return { fields: part.of === 'body' ? ['body'] : ['header', 'body', 'mime'], text, fuzzy }
}
