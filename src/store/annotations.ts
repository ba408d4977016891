// Annotations of mailboxes and of accounts (RFC 5464), as the store keeps them.
//
// - Names are whole entry names as RFC 5464 §3.1 has them, in lower case: `/private/comment`, `/shared/vendor/…`. What may be
//   read and set by whom is decided where it is used.
// - `/private/` entries belong to the account that looks at the mailbox, `/shared/` ones to the mailbox.
// - They die with their mailbox and move with it when it is renamed; of INBOX they stay and are copied (§4.1). No message has any.
// - A change is told as `annotations-changed` of the account that has them, shared entries and each viewer's private ones apart; it takes
//   a modSeq of that account, and changes that of no mailbox and no message.
import type { AccountId, MailboxId } from './model.ts'
import type { Outcome } from './store.ts'

/** One entry with its value, octets as they were set (RFC 5464 §3.3 has none for NIL: such an entry is absent). */
export interface Annotation {
  readonly name: string
  readonly value: Uint8Array
}

export interface AnnotationChange {
  readonly name: string
  /** Null removes. */
  readonly value: Uint8Array | null
}

/** Where annotations are: at a mailbox of `account`, or, with null, at the account itself (a server annotation for IMAP). */
export interface AnnotatedPlace {
  readonly account: AccountId
  readonly mailbox: MailboxId | null
  /** Whose private entries. */
  readonly viewer: AccountId
}

export interface AnnotationStore {
  /** Entries in order of name. `under`: only these names and, with `depth`, those below. Default: all. */
  annotations(
    place: AnnotatedPlace & { readonly under?: readonly string[]; readonly depth?: 0 | 1 | 'infinity' },
  ): Promise<Annotation[]>
  /** Octets of all values in an account, whoever set them (RFC 9208 §5.4). */
  annotationBytes(account: AccountId): Promise<number>
  /** All or none. Bounds: `StoreLimits.annotations` in one place, `annotationSize` octets each. */
  setAnnotations(
    place: AnnotatedPlace & { readonly changes: readonly AnnotationChange[] },
  ): Promise<Outcome<object, 'no-such-mailbox' | 'too-many' | 'too-big' | 'over-quota'>>
}
