// What an import sends to whoever keeps the mail, and what comes back: the language between `run-import.ts`, which reads the
// source, and `importer.ts`, which stands at the store. Plain data, since a control socket may be between them; octets are base64.
import type { SpecialUse } from '../store/model.ts'

/** Comes in this order: a folder, its messages; of a message with `more`, its data and its end. */
export type ImportRecord =
  | {
      readonly type: 'folder'
      /** As the source calls it. */
      readonly name: string
      /** Where to; null where the special use or the name decides. */
      readonly target: string | null
      readonly specialUse: SpecialUse | null
      readonly goesBy: 'special-use' | 'name'
      readonly subscribed: boolean
    }
  | {
      readonly type: 'message'
      readonly name: string
      readonly key: string | null
      readonly flags: number
      readonly keywords: readonly string[]
      readonly internalDate: number
      readonly identity: string | null
      /** The one that came before under the same identity; there are no data. */
      readonly isCopy: boolean
      readonly data: string
      readonly more: boolean
    }
  | { readonly type: 'data'; readonly data: string }
  | { readonly type: 'end' }
  /** The message that has begun cannot be read to its end. */
  | { readonly type: 'broken' }
  /** Nothing follows. */
  | { readonly type: 'finish' }

export type ImportEvent =
  /** Answers each folder. */
  | {
      readonly type: 'folder'
      readonly name: string
      readonly mailbox: string
      readonly known: readonly string[]
    }
  | { readonly type: 'problem'; readonly name: string; readonly reason: string }

export interface ImportTotals {
  readonly imported: number
  readonly bytes: number
  /** There from an earlier import. */
  readonly known: number
  /** In the mailbox already, whoever brought it (`dedupe`). */
  readonly duplicates: number
  readonly failed: number
  /** Why it ended before the source did; null where it did not. */
  readonly stopped: string | null
}
