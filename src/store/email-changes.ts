// Changes of mail by email, as JMAP makes them (RFC 8621 §4.6 to §4.8, decision 014): one email with all its messages at a time, where
// IMAP changes one message of one mailbox.
//
// - Messages with \Deleted are not touched by a change, and do not count as places; they go when the email is destroyed.
// - What one call changes is in one commit. Emails that cannot be changed as asked are told, and do not stop the others.
// - Whoever asks has looked at rights and knows what it asks for; nothing here is a patch.
import type { AccountId, BlobId, EmailId, MailboxId, StagedMessage, ThreadId } from './model.ts'
import type { Outcome } from './store.ts'

/** A message, by where it stood when it was last seen. */
export type SeenPlace = readonly [mailbox: MailboxId, uid: number]

/** What becomes of one email. What it has already may be added, and what it lacks may be removed. */
export interface EmailChange {
  readonly email: EmailId
  /** Where its messages were, those with \Deleted too: only to find them faster; what is wrong or missing is looked up. */
  readonly places?: readonly SeenPlace[]
  /** Bits of `Flag`, without \Deleted, and keywords: of all its messages. */
  readonly add?: { readonly flags: number; readonly keywords: readonly string[] }
  readonly remove?: { readonly flags: number; readonly keywords: readonly string[] }
  /** Mailboxes that it comes into, with all that it has, and leaves. */
  readonly enter?: readonly MailboxId[]
  readonly leave?: readonly MailboxId[]
}

export type EmailChangeRefusal =
  /** No message of it is shown. */
  | 'not-found'
  | 'no-such-mailbox'
  /** It would be in no mailbox any more. */
  | 'no-mailbox-left'
  | 'too-many-keywords'
  | 'over-quota'

/** What a new email is made of: a message of its own, or that of an email of the same or another account. */
export type EmailSource =
  | { readonly type: 'message'; readonly message: StagedMessage }
  | { readonly type: 'email'; readonly account: AccountId; readonly email: EmailId }

export interface AddedEmail {
  readonly email: EmailId
  readonly thread: ThreadId
  readonly blob: BlobId
  /** Octets, prefix included. */
  readonly size: number
}

export interface EmailChangeStore {
  /** In the order of `changes`. */
  changeEmails(request: {
    account: AccountId
    changes: readonly EmailChange[]
    now: number
  }): Promise<readonly Outcome<object, EmailChangeRefusal>[]>
  /** Takes emails out of all mailboxes; gives those that were not there. */
  destroyEmails(request: {
    account: AccountId
    emails: readonly Pick<EmailChange, 'email' | 'places'>[]
  }): Promise<readonly EmailId[]>
  /** A new email in all of these mailboxes, at least one. A copy keeps the trace fields of its source. */
  addEmail(request: {
    account: AccountId
    source: EmailSource
    mailboxes: readonly MailboxId[]
    flags: number
    /** As `Message.keywords`. */
    keywords: string
    /** Milliseconds since the epoch; null: that of the source, which is an email. */
    receivedAt: number | null
    now: number
  }): Promise<Outcome<AddedEmail, 'over-quota' | 'no-such-mailbox' | 'too-many-keywords' | 'no-such-email'>>
}
