// What the full-text index answers to whoever searches mail: for each text key, which emails match, which don't, and which must be
// read to know.
//
// - The index never misses what a scan of the message would find (`src/mail/search-text` makes the texts for both): `false` is
//   certain. `true` is certain too: it is said only where the needle is one run of letters and digits, whose occurrences the
//   index knows completely. Everything else is null: read the message.
// - It trails behind delivery. Emails above `indexedUpTo` are null for every key.
// - An answer is made of one state of the index, and says nothing of whether an email is still in a mailbox.
import type { WordPlace } from '../mail/search-text/word-places.ts'
import type { AccountId, EmailId } from '../store/model.ts'

/**
 * What is searched. `subject` to `bcc` are the fields of the envelope (RFC 3501 §6.4.4 FROM: "the envelope structure's FROM
 * field"), `header` is every field of the header as `name: value` with the trace fields of the recipient before it, `body` the text
 * and HTML parts, `mime` the headers of parts and of messages inside, and the names of attachments. RFC 9051 BODY is `body`, TEXT
 * is `header`, `body` and `mime`.
 */
export type SearchField = 'subject' | 'from' | 'to' | 'cc' | 'bcc' | 'header' | 'body' | 'mime'

/** One text to look for, in any of the fields. */
export interface TextKey {
  readonly fields: readonly SearchField[]
  /** Folded (`fold` of `src/mail/search-text/fold.ts`), or any text for a fuzzy key. */
  readonly text: string
  /** Where in the words it stands; default: anywhere. Of a fuzzy key nothing. */
  readonly at?: WordPlace
  /** RFC 6203: words by their stems and with small errors, any order. */
  readonly fuzzy?: boolean
  /** RFC 3501 §6.4.4 HEADER: the text is of this field (lower-cased). Such a key is judged false or null, never true. */
  readonly header?: string
}

/** What the index knows of one key. */
export interface KeyAnswer {
  /** Whether the email matches; null where it must be read. A fuzzy key is never null up to `indexedUpTo`. */
  judge(email: EmailId): boolean | null
  /** RFC 6203 §4: relevancy from 1 to 100 of an email that matches; of keys that are not fuzzy always 100. */
  score(email: EmailId): number
  /** Emails for which `judge` is null, among those that are indexed; how much is left to read. */
  readonly unsure: number
}

export interface SearchAnswer {
  /** Emails up to this one are indexed; 0 is none. */
  readonly indexedUpTo: EmailId
  /** In the order of the keys. */
  readonly keys: readonly KeyAnswer[]
}

/** Texts of an email that is not indexed, of which a fuzzy key is judged. */
export interface FieldText {
  readonly field: SearchField
  /** Folded. */
  readonly text: string
}

/** 1 to 100; 0 is no match. */
export type FuzzyJudge = (texts: Iterable<FieldText>) => number

export interface Searcher {
  /** `signal` ends the work early: rejects with its reason. Rejects with `StoreUnavailable` as a store's call. */
  lookUp(request: {
    account: AccountId
    keys: readonly TextKey[]
    signal?: AbortSignal
  }): Promise<SearchAnswer>
  /** For the emails above `indexedUpTo`: by the same words and stems, as well as one email alone lets it be told. */
  fuzzyJudge(key: TextKey): Promise<FuzzyJudge>
}
