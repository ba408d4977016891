// The full-text index of an account, as the store keeps it: immutable segments made of blocks. What a block holds is
// `src/search`'s own; to the store it is octets.
//
// - A segment covers the emails (firstEmail, lastEmail]; segments of an account never overlap and leave no gap, so that the
//   largest `lastEmail` is the cursor: whatever is above it is not indexed and must be scanned.
// - A replacement (a merge) is one commit: who reads sees the old segments or the new one, never both. Blocks of a segment that is
//   gone read as undefined, and the reader starts again with the new list.
// - The index is derived: it can be dropped and made again at any time. It counts towards no quota, and no modSeq.
import type { AccountId, BlobId, EmailId } from './model.ts'

export interface SearchSegment {
  /** Counter of the account, never used again. */
  readonly id: number
  /** Times that its content was merged. */
  readonly level: number
  readonly firstEmail: EmailId
  readonly lastEmail: EmailId
  /** Emails in it. */
  readonly emails: number
  /** Octets of all blocks. */
  readonly size: number
  /** `src/search`: a segment of another version is dropped and made anew. */
  readonly version: number
}

export interface SearchBlock {
  /** Of the segment; gives the order. */
  readonly number: number
  readonly bytes: Uint8Array
}

/** An email that waits for indexing, with what its text is read from. */
export interface UnindexedEmail {
  readonly email: EmailId
  readonly blob: BlobId
  readonly prefix: string
  readonly structure: string
}

export interface SearchIndexStore {
  /** Accounts with emails above their cursor, those that wait longest first. */
  accountsToIndex(request: { limit: number }): Promise<{ account: AccountId; waiting: number }[]>
  /** Emails above the cursor, in order. */
  unindexed(request: { account: AccountId; limit: number }): Promise<UnindexedEmail[]>
  /** In order of `firstEmail`. */
  searchSegments(account: AccountId): Promise<SearchSegment[]>
  /** In the order asked for; undefined where the segment is gone. */
  searchBlocks(request: {
    account: AccountId
    segment: number
    numbers: readonly number[]
  }): Promise<(SearchBlock | undefined)[]>
  /** Adds a segment and removes those that it replaces. False where they have changed meanwhile: nothing was done. */
  saveSegment(request: {
    account: AccountId
    segment: Omit<SearchSegment, 'id'>
    blocks: readonly SearchBlock[]
    replaces: readonly number[]
  }): Promise<boolean>
  /** Forgets the index of an account. */
  dropSearchIndex(account: AccountId): Promise<void>
}
