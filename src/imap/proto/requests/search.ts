// Requests that search and order messages.
import type { MailboxFilter } from '../grammar/mailbox-filter.ts'
import type { SearchProgram } from '../grammar/search-key.ts'
import type { SearchReturn } from '../grammar/search-return.ts'
import type { SortCriterion, ThreadAlgorithm } from '../grammar/sort.ts'
import type { Named } from './named.ts'

interface Searching {
  readonly uid: boolean
  readonly program: SearchProgram
}

export type SearchRequest =
  /** `returns` null: the answer of RFC 3501, or of RFC 9051 where that is enabled. */
  | Named<'SEARCH', Searching & { readonly returns: SearchReturn | null }>
  | Named<
      'SORT',
      Searching & { readonly returns: SearchReturn | null; readonly criteria: readonly SortCriterion[] }
    >
  | Named<'THREAD', Searching & { readonly algorithm: ThreadAlgorithm }>
  /** RFC 10022 §3.1: null is all batches; both ends inclusive, from 1. */
  | Named<
      'UIDBATCHES',
      { readonly size: number; readonly range: { readonly first: number; readonly last: number } | null }
    >

/** RFC 7377 §2; `sources` null is the selected mailbox. */
export type MultiSearchRequest = Named<
  'ESEARCH',
  {
    readonly sources: readonly MailboxFilter[] | null
    readonly returns: SearchReturn
    readonly program: SearchProgram
  }
>
