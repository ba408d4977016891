// The full-text index of an account, as the store keeps it: immutable segments made of blocks. What a block holds is
// `src/search`'s own; to the store it is octets.
//
// - Emails up to the account's cursor are indexed; those above it must be scanned. A segment covers a stretch of them; segments
//   never overlap.
// - A segment is written in steps, each a small commit, and no reader sees it before `saveSegment`, which makes it ready and drops
//   those that it replaces in one commit. Blocks of a segment that was dropped go away in small steps too; they read as undefined,
//   and the reader starts again with the new list.
// - The index is derived: it can be dropped and made again at any time. It counts towards no quota, and no modSeq.
import type { AccountId, BlobId, EmailId } from './model.ts'

export interface SearchSegment {
  /** Counter of the account, never used again. */
  readonly id: number
  readonly firstEmail: EmailId
  readonly lastEmail: EmailId
  /** Emails in it. */
  readonly emails: number
  /** Octets of all blocks. */
  readonly size: number
  /** Of its form: who knows only another one drops the index. */
  readonly version: number
}

export interface SearchBlock {
  /** Of the segment; gives the order. */
  readonly number: number
  readonly bytes: Uint8Array
}

/** An email that waits for indexing, with what its text is read from. */
export interface EmailToIndex {
  readonly email: EmailId
  readonly blob: BlobId
  /** Octets, prefix included. */
  readonly size: number
  readonly prefix: string
  readonly structure: string
}

/** How far the index of an account is. */
export interface SearchProgress {
  readonly account: AccountId
  /** Emails up to this one are indexed; 0 is none. */
  readonly cursor: EmailId
  /** The newest email that the account has had. */
  readonly newest: EmailId
}

/** So many messages came to mailboxes of the account. */
export type MailListener = (account: AccountId, messages: number) => void

export interface SearchIndexStore {
  /** Of accounts with emails above their cursor, in order of account. */
  accountsToIndex(request: { after: AccountId; limit: number }): Promise<SearchProgress[]>
  /** Undefined where there is no such account. */
  searchProgress(account: AccountId): Promise<SearchProgress | undefined>
  /** Emails above `after`, in order, with what their text is read from. */
  emailsToIndex(request: { account: AccountId; after: EmailId; limit: number }): Promise<EmailToIndex[]>
  /** Which emails are left in a stretch, ascending; the first `limit` of them. */
  emailsBetween(request: {
    account: AccountId
    first: EmailId
    last: EmailId
    limit: number
  }): Promise<Float64Array>
  /** In order of `firstEmail`. */
  searchSegments(account: AccountId): Promise<SearchSegment[]>
  /** In the order asked for; undefined where there is none. */
  searchBlocks(request: {
    account: AccountId
    segment: number
    numbers: readonly number[]
  }): Promise<(Uint8Array | undefined)[]>
  /** A segment to write, which no reader sees; undefined where there is no such account. */
  beginSegment(account: AccountId): Promise<number | undefined>
  /** False where the segment is not being written any more. */
  putSearchBlocks(request: {
    account: AccountId
    segment: number
    blocks: readonly SearchBlock[]
  }): Promise<boolean>
  /**
   * Makes a segment ready, drops those that it replaces, and moves the cursor to `cursor` where it is not beyond. False where those or
   * the segment itself are not what they were: nothing was done.
   */
  saveSegment(request: {
    account: AccountId
    segment: SearchSegment
    replaces: readonly number[]
    cursor: EmailId
  }): Promise<boolean>
  /** Moves the cursor over emails that are gone. */
  skipIndexing(request: { account: AccountId; cursor: EmailId }): Promise<void>
  /** Removes some blocks of what was dropped, and of what was begun by somebody else than `keep`. True where more are left. */
  sweepSearchIndex(request: { account: AccountId; keep: number | null; limit: number }): Promise<boolean>
  /** Hears of each account that gets mail by this process from now on. The returned function ends it. */
  onMail(listener: MailListener): () => void
  /** Forgets the index of an account. */
  dropSearchIndex(account: AccountId): Promise<void>
}
