// What SEARCH, SORT, THREAD and ESEARCH look for, as values.
import type { DayNumber } from './date.ts'
import type { SequenceSet } from './sequence-set.ts'

/** What a message must be. Strings are binary, in the charset of the command. */
export type SearchKey =
  | { readonly key: 'all' }
  /** All of these bits of `systemFlag` set, or none. */
  | { readonly key: 'flag'; readonly flag: number; readonly set: boolean }
  | { readonly key: 'keyword'; readonly keyword: string; readonly set: boolean }
  | { readonly key: 'recent'; readonly set: boolean }
  /** INTERNALDATE, the Date field or the save date (RFC 8514): before, on, or on and after a day. */
  | {
      readonly key: 'date'
      readonly of: DateKind
      readonly relation: 'before' | 'on' | 'since'
      readonly day: DayNumber
    }
  /** RFC 5032 §2: seconds before now. */
  | { readonly key: 'within'; readonly relation: 'older' | 'younger'; readonly seconds: number }
  | { readonly key: 'size'; readonly relation: 'larger' | 'smaller'; readonly octets: number }
  /** A header field (lower-cased) that contains `text`; empty text means that the field is there. */
  | { readonly key: 'header'; readonly field: string; readonly text: string }
  /** The same of a field of the envelope structure. */
  | { readonly key: 'envelope'; readonly field: EnvelopeField; readonly text: string }
  | { readonly key: 'body' | 'text'; readonly text: string }
  | { readonly key: 'numbers'; readonly set: SequenceSet }
  | { readonly key: 'uids'; readonly set: SequenceSet }
  /** RFC 9738 §3.2: UIDAFTER, UIDBEFORE. */
  | { readonly key: 'uid-bound'; readonly relation: 'after' | 'before'; readonly uid: number }
  /** RFC 7162 §3.1.5: changed at that mod-sequence or later. */
  | { readonly key: 'mod-sequence'; readonly least: number }
  /** RFC 8474 §6: an ObjectID as written. */
  | { readonly key: 'object'; readonly of: 'email' | 'thread'; readonly id: string }
  /** RFC 6203 §3. */
  | { readonly key: 'fuzzy'; readonly of: SearchKey }
  | { readonly key: 'not'; readonly of: SearchKey }
  | { readonly key: 'or'; readonly either: SearchKey; readonly or: SearchKey }
  | { readonly key: 'and'; readonly all: readonly SearchKey[] }

export type DateKind = 'internal' | 'sent' | 'saved'

/** RFC 3501 §6.4.4: fields that are searched in the message's envelope structure. */
export type EnvelopeField = 'bcc' | 'cc' | 'from' | 'subject' | 'to'

/** A whole search. */
export interface SearchProgram {
  /** As the client wrote it, or null: US-ASCII. */
  readonly charset: string | null
  readonly criteria: SearchKey
  /** Which kinds of keys stand in it, at any depth. */
  readonly uses: SearchUses
}

export interface SearchUses {
  /** Message sequence numbers (RFC 9586 §3 forbids them after ENABLE UIDONLY). */
  numbers: boolean
  /** MODSEQ, which enables CONDSTORE and adds to the answer (RFC 7162 §3.1.5). */
  modSeq: boolean
  fuzzy: boolean
}
