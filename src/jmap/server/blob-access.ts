// Binary data by blobId (RFC 8620 §6), for whoever reads or attaches it. What a blobId is made of is known to `blob-ids.ts` alone: an
// upload, a message, or octets inside one of these.
//
// - A blob is found in an account that the caller may use, and only what he may see there: uploads of his own, messages in mailboxes
//   that he may read.
// - The octets of an id never change.
import type { EmailId } from '../../store/model.ts'
import type { AccountPlace } from './module.ts'

export interface FoundBlob {
  /** The id by which it was found. */
  readonly id: string
  /** Octets, transfer encodings taken off. */
  readonly size: number
  /** Of an upload: what the uploader called it. Null: unknown. */
  readonly type: string | null
  /** Octets [start, end) in chunks; all of them by default. */
  read(range?: { readonly start: number; readonly end: number }): AsyncIterable<Uint8Array>
}

export interface BlobAccess {
  /** Undefined: there is none, or none that he may see. Rejects where the store cannot serve. */
  find(place: AccountPlace, blobId: string): Promise<FoundBlob | undefined>
}

/** What the mail part knows of an email, for those who have its blobId (RFC 9404 §4.3). */
export interface EmailPlace {
  readonly threadId: string
  /** Those that the viewer may read. */
  readonly mailboxIds: readonly string[]
}

export interface EmailSight {
  /** Undefined: there is no such email, or he may read it nowhere. */
  find(place: AccountPlace, email: EmailId): Promise<EmailPlace | undefined>
}
