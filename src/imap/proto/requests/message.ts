// Requests on the messages of the selected mailbox (RFC 3501 §6.4), but for those that search.
import type { FetchItem } from '../grammar/fetch.ts'
import type { FetchModifiers } from '../grammar/fetch-modifiers.ts'
import type { FlagSet } from '../grammar/flags.ts'
import type { SequenceSet } from '../grammar/sequence-set.ts'
import type { Named } from './named.ts'

/** RFC 3501 §6.4.6. */
export interface StoreArguments {
  readonly uid: boolean
  readonly set: SequenceSet
  readonly mode: 'add' | 'remove' | 'replace'
  readonly silent: boolean
  readonly change: FlagSet
  /** RFC 7162 §3.1.3; null: whatever happened. */
  readonly unchangedSince: number | null
}

export interface FetchArguments extends FetchModifiers {
  readonly uid: boolean
  readonly set: SequenceSet
  readonly items: readonly FetchItem[]
}

export type MessageRequest =
  | Named<'CLOSE' | 'UNSELECT', object>
  /** `set` is of UIDs (RFC 4315 §2.1), or null: all. */
  | Named<'EXPUNGE', { readonly set: SequenceSet | null }>
  | Named<'FETCH', FetchArguments>
  | Named<'STORE', StoreArguments>
  | Named<'COPY' | 'MOVE', { readonly uid: boolean; readonly set: SequenceSet; readonly mailbox: string }>
