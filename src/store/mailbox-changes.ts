// Changes of a mailbox as JMAP makes them (RFC 8621 §2.5): all that is asked of one mailbox in one commit, or nothing of it.
import type { AccountId, Mailbox, MailboxId, SpecialUse } from './model.ts'
import type { Outcome } from './store.ts'

/** What belongs to a mailbox and is kept beside it. */
export interface MailboxExtras {
  /** In whose list of subscriptions, and under which name there. */
  readonly subscription?: { readonly account: AccountId; readonly name: string; readonly subscribed: boolean }
  /** An object of the mailbox's account whose key is the mailbox's number (`objects.ts`). */
  readonly object?: { readonly kind: string; readonly value: string }
}

export interface MailboxChangeStore {
  /** Nothing of that name may be there, not even what only holds others; its superior must be there. */
  makeMailbox(
    request: {
      account: AccountId
      name: string
      specialUse?: SpecialUse
      now: number
    } & MailboxExtras,
  ): Promise<
    Outcome<
      { mailbox: Mailbox },
      'exists' | 'no-superior' | 'too-many-mailboxes' | 'over-quota' | 'special-use-taken'
    >
  >
  /** With its name change those of its inferiors, and the owner's subscriptions to them. INBOX keeps its name. */
  changeMailbox(
    request: {
      account: AccountId
      mailbox: MailboxId
      name?: string
      specialUse?: SpecialUse | null
      now: number
    } & MailboxExtras,
  ): Promise<
    Outcome<
      object,
      | 'not-found'
      | 'is-inbox'
      | 'exists'
      | 'no-superior'
      | 'into-itself'
      | 'too-many-mailboxes'
      | 'over-quota'
      | 'special-use-taken'
    >
  >
  /** With the owner's subscription. `emails`: what to do where it shows some. */
  destroyMailbox(request: {
    account: AccountId
    mailbox: MailboxId
    emails: 'refuse' | 'remove'
    /** Kinds of objects under its number that go too. */
    objects: readonly string[]
    now: number
  }): Promise<Outcome<object, 'not-found' | 'is-inbox' | 'has-children' | 'has-emails'>>
}
