// The mail of an account as JMAP sees it: by email and not by mailbox, with what was before (RFC 8621 §4, decisions 014 and 018).
//
// - A message is *shown* while it is in a mailbox without \Deleted. An email is there while one of its messages is shown.
// - What was shown at a modseq can be told for as long as tombstones are kept: from the messages that are there (`shownSince`) and
//   from those that departed (`shown` to `modSeq`, the latter not included).
// - Everything here is a reading; what changes mail keeps the books.
import type { AccountId, BlobId, EmailId, Mailbox, MailboxId, ModSeq, ThreadId } from './model.ts'
import type { UidSelection } from './store.ts'

/** Messages as columns of equal length, in order of UID. */
export interface EmailPlaces {
  readonly uids: Uint32Array
  /** Bits of `Flag`. */
  readonly flags: Uint8Array
  /** By index, of those messages that have any; as `Message.keywords`. */
  readonly keywords: ReadonlyMap<number, string>
  readonly modSeqs: Float64Array
  /** Since when it is shown, if it is. */
  readonly shownSince: Float64Array
  readonly emails: Float64Array
  readonly threads: Float64Array
  readonly sizes: Float64Array
  /** Milliseconds since the epoch. */
  readonly receivedAt: Float64Array
}

/** What is read of an email to answer from its text. As `MessageText`, without a place. */
export interface EmailText {
  readonly email: EmailId
  readonly thread: ThreadId
  readonly blob: BlobId
  /** Octets, prefix included. */
  readonly size: number
  /** Milliseconds since the epoch. */
  readonly receivedAt: number
  readonly prefix: string
  readonly structure: string
  /** The blob's octets, where they were asked for; null where they are in a file. */
  readonly data?: Uint8Array | null
}

/** A message that was shown from modseq `shown` on, and no longer since `modSeq`. */
export interface Departure {
  readonly modSeq: ModSeq
  readonly mailbox: MailboxId
  readonly email: EmailId
  readonly thread: ThreadId
  readonly shown: ModSeq
}

export interface Departures {
  /** In order of modSeq. */
  readonly departures: readonly Departure[]
  /** The last that is not kept any more, 0 for none. */
  readonly forgotten: ModSeq
  /** False where older ones are gone. */
  readonly complete: boolean
}

/** A mailbox with the modseqs of its making and of the last change of its own: name, special use, selectable. */
export interface DatedMailbox {
  readonly mailbox: Mailbox
  readonly createdModSeq: ModSeq
  readonly changedModSeq: ModSeq
}

/** What of the mailboxes changed after a modseq that their rows don't say. */
export interface MailboxNews {
  /** `createdModSeq`: 0 where it is not known any more. */
  readonly removed: readonly {
    readonly mailbox: MailboxId
    readonly modSeq: ModSeq
    readonly createdModSeq: ModSeq
  }[]
  /** Names that were subscribed or unsubscribed. */
  readonly subscriptions: readonly { readonly name: string; readonly modSeq: ModSeq }[]
  /** Highest of these, and of those that are not kept any more; 0 for none. */
  readonly modSeq: ModSeq
  /** False where older ones are gone. */
  readonly complete: boolean
}

export interface EmailStore {
  /** In batches; unknown UIDs are left out. */
  emailPlaces(request: {
    account: AccountId
    mailbox: MailboxId
    uids: UidSelection
  }): AsyncIterable<EmailPlaces>
  /** In batches, each in order of id; unknown ones are left out. `data`: and the octets of small blobs. */
  emailTexts(request: {
    account: AccountId
    emails: readonly EmailId[]
    data?: boolean
  }): AsyncIterable<EmailText[]>
  departuresSince(request: { account: AccountId; since: ModSeq }): Promise<Departures>
  /** In order of name. */
  datedMailboxes(account: AccountId): Promise<DatedMailbox[]>
  mailboxNewsSince(request: { account: AccountId; since: ModSeq }): Promise<MailboxNews>
}
