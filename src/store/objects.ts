// Small things that an account has beside mail, each a JSON value under a kind: identities, submissions, vacation, push subscriptions,
// sessions of the web pages, app passwords, passkeys, remembered contacts.
//
// - Ids are counters of the account and never used again; a kind is a word of lower-case letters and hyphens.
// - A change takes the next modSeq of the account, moves no mailbox, and is told as `objects-changed`. Removals leave tombstones for
//   as long as those of messages are kept, so that `objectsSince` can tell them (RFC 8620 §5.2).
// - All of one call are in one commit, or none is.
// - They die with their account. Those with `expiresAt` in the past are not shown; `collectGarbage` removes them and tells.
import type { AccountId, ModSeq, ObjectId } from './model.ts'
import type { Outcome } from './store.ts'

export interface StoredObject {
  readonly id: ObjectId
  /** A name of its own within account and kind, or null: for whoever looks one up by something else than the id. */
  readonly key: string | null
  /** JSON text. At most `StoreLimits.objectSize` octets. */
  readonly value: string
  readonly createdModSeq: ModSeq
  readonly modSeq: ModSeq
  /** Milliseconds since the epoch; null: for ever. */
  readonly expiresAt: number | null
}

export interface NewObject {
  readonly value: string
  readonly key?: string | null
  readonly expiresAt?: number | null
}

export interface ObjectUpdate {
  readonly id: ObjectId
  readonly value: string
  /** Absent: as it is. */
  readonly expiresAt?: number | null
  /** Refused as `changed` where it has another modSeq by now. */
  readonly ifModSeq?: ModSeq
}

export interface ObjectStore {
  /** Accounts that have one of that kind, whether it has expired or not, in order of id: for whoever takes up work at a start. */
  accountsWithObjects(kind: string): Promise<AccountId[]>
  /** In order of id. `containing`: those alone whose text has this in it; `limit`: the first so many. */
  listObjects(request: {
    account: AccountId
    kind: string
    now: number
    containing?: string
    limit?: number
  }): Promise<StoredObject[]>
  /** In order of id; unknown ones are left out. */
  getObjects(request: {
    account: AccountId
    kind: string
    ids: readonly ObjectId[]
    now: number
  }): Promise<StoredObject[]>
  findObject(request: {
    account: AccountId
    kind: string
    key: string
    now: number
  }): Promise<StoredObject | undefined>
  /**
   * `limit`: how many of that kind there may be afterwards. `created` in the order given. `unchanged`: refused as `changed` where anything
   * of those kinds was made, changed or removed after that modSeq (the kind's own of `objectsSince`): for what was decided by them.
   */
  changeObjects(request: {
    account: AccountId
    kind: string
    unchanged?: readonly { kind: string; since: ModSeq }[]
    create?: readonly NewObject[]
    update?: readonly ObjectUpdate[]
    destroy?: readonly ObjectId[]
    limit?: number
    now: number
  }): Promise<
    Outcome<
      { created: readonly ObjectId[]; modSeq: ModSeq },
      'no-such-account' | 'not-found' | 'changed' | 'key-taken' | 'too-many' | 'too-big'
    >
  >
  /**
   * What of that kind was made, changed and removed after `since`, each id in one list at most; what was made and removed since in
   * none. `complete` is false where older tombstones are gone. `modSeq`: the highest of any change of that kind, 0 for none.
   */
  objectsSince(request: { account: AccountId; kind: string; since: ModSeq; now: number }): Promise<{
    created: readonly ObjectId[]
    updated: readonly ObjectId[]
    destroyed: readonly ObjectId[]
    /** All that took a modseq after `since`, and what is gone, each with its first modseq and its last. */
    touched: readonly {
      readonly id: ObjectId
      readonly created: ModSeq
      readonly modSeq: ModSeq
      readonly isGone: boolean
    }[]
    modSeq: ModSeq
    complete: boolean
  }>
}
