// Who may do what in whose mailboxes (RFC 4314), as the store keeps it. What a right allows is decided where it is used.
//
// - The owner of a mailbox has every right, whether an entry says so or not; entries are for others.
// - An entry dies with its mailbox, and with the account that it names.
// - A new mailbox starts with the entries of its superior.
// - A change of entries is told as `rights-changed`, to the owner's listeners with the mailbox, and to those of the account that
//   it names, as a change of that account, without one. An entry for `anyone` is told to the owner's listeners alone.
import type { Account, AccountId, Mailbox, MailboxId } from './model.ts'
import type { Outcome } from './store.ts'

/** Rights of RFC 4314 §2.1 in use, in the order in which they are kept and shown. */
export const allRights = 'lrswipkxtea'

/** Letters of `allRights`, each at most once, in its order; '' is none. */
export type Rights = string

/** RFC 4314 §2: an identifier that is an account, or `anyone` (null): every account of the installation. */
export type Grantee = AccountId | null

/** One entry of an access control list. `negative`: these rights are taken away (RFC 4314 §2, "-"). */
export interface AccessEntry {
  readonly grantee: Grantee
  readonly negative: boolean
  readonly rights: Rights
}

/** A mailbox of another account that an account may see something of. */
export interface SharedMailbox {
  readonly mailbox: Mailbox
  /** All that the account has: its own entry and that of `anyone`, less the negative ones. Never ''. */
  readonly rights: Rights
}

/** The part of the store that knows who shares what. */
export interface SharingStore {
  /** Entries in order of grantee, `anyone` first. */
  accessList(request: { account: AccountId; mailbox: MailboxId }): Promise<AccessEntry[]>
  /** RFC 4314 §3.1: an entry without rights is removed. At most `StoreLimits.accessEntries` of one mailbox. */
  setAccess(request: {
    account: AccountId
    mailbox: MailboxId
    grantee: Grantee
    negative: boolean
    mode: 'replace' | 'add' | 'remove'
    rights: Rights
  }): Promise<Outcome<object, 'no-such-mailbox' | 'no-such-account' | 'too-many-entries'>>
  /** What `viewer` may do there: every right in its own account, '' where there is nothing for it. */
  rightsIn(request: { viewer: AccountId; account: AccountId; mailbox: MailboxId }): Promise<Rights>
  /** Accounts other than the viewer's in which it has a right somewhere, in order of address. */
  sharingAccounts(viewer: AccountId): Promise<Account[]>
  /** Of one of those, in order of name. */
  sharedMailboxes(request: { viewer: AccountId; account: AccountId }): Promise<SharedMailbox[]>
}
