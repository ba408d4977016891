// Files that users have uploaded and that no message holds yet (RFC 8620 §6): each is a blob of its own, kept until it expires or the
// uploader's room is wanted for newer ones.
//
// - An upload belongs to the account that it was uploaded into, and is seen by its uploader alone.
// - Ids are counters of the account, of those that `objects.ts` gives too; none is used again.
// - They count towards no quota of mail. They die with either account.
// - They take no modSeq and are told to nobody.
import type { AccountId, BlobId, ObjectId, StagedBlob } from './model.ts'
import type { Outcome } from './store.ts'

export interface Upload {
  readonly id: ObjectId
  readonly account: AccountId
  readonly uploader: AccountId
  readonly blob: BlobId
  readonly size: number
  /** As the uploader called it. */
  readonly type: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

export interface UploadStore {
  /** `room`: octets that the uploads of the uploader may take together; the oldest go until the new one fits (RFC 8620 §6). */
  addUpload(request: {
    account: AccountId
    uploader: AccountId
    blob: StagedBlob
    type: string
    room: number
    now: number
    expiresAt: number
  }): Promise<Outcome<{ upload: Upload }, 'no-such-account'>>
  /** The same octets once more, for another account (RFC 8620 §6.3) or a longer time. */
  copyUpload(request: {
    from: { readonly account: AccountId; readonly id: ObjectId }
    account: AccountId
    uploader: AccountId
    room: number
    now: number
    expiresAt: number
  }): Promise<Outcome<{ upload: Upload }, 'no-such-account' | 'not-found'>>
  findUpload(request: {
    account: AccountId
    uploader: AccountId
    id: ObjectId
    now: number
  }): Promise<Upload | undefined>
}
