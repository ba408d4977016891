// The things that the store keeps, as values. Ids are counters: account ids of the whole store, all others of their
// account (blobs of the store). None is ever used again, so a reference can dangle but never point at something else.
//
// Model: an *email* is one message as one account holds it: a blob (the bytes as received), the trace prefix that
// was written for this recipient, its size and date. A *message* is an email's place in one mailbox, with a UID, flags
// and a modseq. IMAP COPY makes another message of the same email (RFC 8474 §5.1: EMAILID stays), so the flags of copies
// are independent. Every change of an account takes the next value of that account's one modseq.

import type { Threading } from '../mail/mime/codec.ts'

declare const brand: unique symbol
type Branded<T, Name> = T & { readonly [brand]: Name }

export type AccountId = Branded<number, 'AccountId'>
/** Counter within the account. */
export type MailboxId = Branded<number, 'MailboxId'>
/** Counter within the account. RFC 8474 EMAILID derives from it. */
export type EmailId = Branded<number, 'EmailId'>
/** Counter within the account, the email that began it. RFC 8474 THREADID derives from it. */
export type ThreadId = Branded<number, 'ThreadId'>
export type BlobId = Branded<number, 'BlobId'>
/** Counter within the account, of what it has beside mail (`objects.ts`). */
export type ObjectId = Branded<number, 'ObjectId'>
/** RFC 3501 §2.3.1.1: 1 to 2^32 − 1, strictly ascending in a mailbox. */
export type Uid = Branded<number, 'Uid'>
/** RFC 7162 §3.1: at most 2^53 − 1 here; one sequence for the whole account. */
export type ModSeq = Branded<number, 'ModSeq'>

/** System flags as bits of `Message.flags` (RFC 3501 §2.3.2). \Recent is never stored: see `openMailbox`. */
export const Flag = { seen: 1, answered: 2, flagged: 4, deleted: 8, draft: 16 } as const

export interface Quota {
  /** Octets of all emails, prefixes included; null is unlimited. */
  readonly bytes: number | null
  /** Messages in all mailboxes; null is unlimited. */
  readonly messages: number | null
  /** Mailboxes (RFC 9208 §5.3); null or absent: `StoreLimits.mailboxes` alone. */
  readonly mailboxes?: number | null
  /** Octets of all annotations (RFC 9208 §5.4); null or absent is unlimited. */
  readonly annotations?: number | null
}

export interface Account {
  readonly id: AccountId
  /** Canonical key of the primary address: `local@domain`, domain in A-label lower case. */
  readonly address: string
  readonly state: 'active' | 'disabled'
  /** Admins run the server by the pages and by HTTP; the command line needs none. */
  readonly role: 'user' | 'admin'
  readonly quota: Quota
  readonly used: { readonly bytes: number; readonly messages: number }
  /** IMAP capabilities that are not shown to this account's clients, upper case: for one that breaks on them. */
  readonly hiddenCapabilities: readonly string[]
  readonly modSeq: ModSeq
  /** Milliseconds since the epoch. */
  readonly createdAt: number
}

/** RFC 5802 §3, in base64. */
export interface StoredScram {
  readonly salt: string
  readonly iterations: number
  readonly storedKey: string
  readonly serverKey: string
}

/** What a log-in is checked against. Never leaves the store and the directory; never printed. */
export interface Credentials {
  /** PHC string, `$argon2id$v=19$m=…`, or null: no password log-in. */
  readonly argon2id: string | null
  /** RFC 7677; null where the password was imported as a hash. */
  readonly scramSha256: StoredScram | null
  /** RFC 5802; absent where the password was set before it was kept. */
  readonly scramSha1?: StoredScram | null
  /** For CRAM-MD5 (RFC 2195): two states of MD5, in base64; absent or null unless the operator has switched it on. */
  readonly cramMd5?: { readonly inner: string; readonly outer: string } | null
}

/** Where an address leads. `target` addresses are canonical keys. */
export type AddressEntry =
  | { readonly type: 'account'; readonly account: Account }
  | {
      readonly type: 'alias'
      readonly targets: readonly string[]
      /** Of a mailing list: who gets what bounces (RFC 5321 §3.9.2). Null: no list, an alias alone (§3.9.1). */
      readonly owner: string | null
    }

/** RFC 6154 §2 and RFC 8457; INBOX is by name. */
export type SpecialUse = 'archive' | 'drafts' | 'junk' | 'sent' | 'trash' | 'flagged' | 'important' | 'all'

export interface Mailbox {
  readonly id: MailboxId
  /** Unicode (NFC) path with `/` between levels; `INBOX` in capitals. */
  readonly name: string
  readonly specialUse: SpecialUse | null
  readonly uidValidity: number
  readonly uidNext: Uid
  /** Highest modseq of any change in this mailbox (RFC 7162 HIGHESTMODSEQ). */
  readonly modSeq: ModSeq
  readonly messages: number
  readonly unseen: number
  readonly deleted: number
  readonly bytes: number
  /** UIDs from this one on are \Recent to the next session that selects the mailbox. */
  readonly recentFrom: Uid
  /** False for a name that only holds others (`\Noselect`): removed while it has inferiors. */
  readonly selectable: boolean
}

/** A message's row: everything but its text. */
export interface Message {
  readonly uid: Uid
  readonly modSeq: ModSeq
  /** Bits of `Flag`. */
  readonly flags: number
  /** Keywords, space separated, sorted; '' is none. Case is kept, comparison ignores it. */
  readonly keywords: string
  readonly email: EmailId
  /** Octets, prefix included: RFC822.SIZE. */
  readonly size: number
  /** Milliseconds since the epoch. */
  readonly internalDate: number
  /** When it came into this mailbox (RFC 8514); null of messages older than the store's knowing of it. */
  readonly savedAt: number | null
}

/** A message with what is needed to answer from its text. */
export interface MessageText extends Message {
  readonly thread: ThreadId
  readonly blob: BlobId
  /** The trace fields that stand before the blob's bytes, CRLF included, as latin1/UTF-8 text; '' is none. */
  readonly prefix: string
  /** `encodeStructure` of `src/mail/mime`; offsets count from the blob's first byte. */
  readonly structure: string
  /** The blob's octets, where they were asked for; null where they are in a file. */
  readonly data?: Uint8Array | null
}

/** A message's bytes and structure, staged: durable or in memory, but not yet named by any row. */
export interface StagedMessage {
  readonly blob: StagedBlob
  readonly structure: string
  /** What the structure says of its thread, where whoever staged it knows that already. */
  readonly threading?: Threading
}

/** Small blobs travel as bytes and commit with their rows; large ones are synced to their place already. */
export type StagedBlob =
  | { readonly type: 'inline'; readonly size: number; readonly bytes: Uint8Array }
  | { readonly type: 'stored'; readonly size: number; readonly key: string }

/** What changed, told after the commit, in order of modSeq within an account. */
export type Change =
  | {
      readonly type: 'message-added'
      readonly account: AccountId
      readonly mailbox: MailboxId
      readonly modSeq: ModSeq
      readonly uid: Uid
      readonly flags: number
      readonly keywords: string
    }
  | {
      readonly type: 'flags-changed'
      readonly account: AccountId
      readonly mailbox: MailboxId
      readonly modSeq: ModSeq
      readonly uid: Uid
      readonly flags: number
      readonly keywords: string
    }
  | {
      readonly type: 'messages-expunged'
      readonly account: AccountId
      readonly mailbox: MailboxId
      readonly modSeq: ModSeq
      readonly uids: readonly Uid[]
    }
  | {
      readonly type: 'mailbox-created' | 'mailbox-changed' | 'mailbox-removed'
      readonly account: AccountId
      readonly mailbox: MailboxId
      readonly modSeq: ModSeq
    }
  /** RFC 4314: of a mailbox of the account; null: other accounts share something else with it than before. */
  | {
      readonly type: 'rights-changed'
      readonly account: AccountId
      readonly mailbox: MailboxId | null
      readonly modSeq: ModSeq
    }
  /** RFC 5464 §5: of a mailbox, or, with null, of the account itself. */
  | {
      readonly type: 'annotations-changed'
      readonly account: AccountId
      readonly mailbox: MailboxId | null
      readonly modSeq: ModSeq
      /** Whose private entries; null: shared ones. */
      readonly viewer: AccountId | null
      readonly names: readonly string[]
    }
  | {
      readonly type: 'subscription-changed'
      readonly account: AccountId
      readonly modSeq: ModSeq
      readonly name: string
      readonly subscribed: boolean
    }
  /** Of one kind (`objects.ts`). */
  | {
      readonly type: 'objects-changed'
      readonly account: AccountId
      readonly modSeq: ModSeq
      readonly kind: string
    }
  | { readonly type: 'account-removed'; readonly account: AccountId }
