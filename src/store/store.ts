// The store's contract: everything Posthorn keeps, in words of the field, never SQL. Two engines hold it (SQLite and
// PostgreSQL); `test/contracts/` says what holding it means.
//
// - Every call that touches mail carries the account, so that no session can reach another account's objects.
// - A promise that resolves means a durable commit. Expected refusals are values; a rejection means broken I/O, and the
//   change did not happen (or, after a lost connection to a database server, may have: `StoreUnavailable.outcomeUnknown`).
// - Reads see a committed state, and a call's own earlier writes. Nothing holds a transaction open between calls.
// - Changes are told after their commit, in order of modSeq within an account.
import type {
  Account,
  AccountId,
  AddressEntry,
  BlobId,
  Change,
  Credentials,
  EmailId,
  Mailbox,
  MailboxId,
  Message,
  MessageText,
  ModSeq,
  ObjectId,
  Quota,
  SpecialUse,
  StagedBlob,
  StagedMessage,
  Uid,
} from './model.ts'
import type { ChangeBatch, FlagColumns } from './changes.ts'
import type { AnnotationStore } from './annotations.ts'
import type { EmailChangeStore } from './email-changes.ts'
import type { MailboxChangeStore } from './mailbox-changes.ts'
import type { EmailStore } from './emails.ts'
import type { GuardStore } from './guarded.ts'
import type { ObjectStore } from './objects.ts'
import type { DeliveryExtras, QueueId, QueueStore } from './queue.ts'
import type { SearchIndexStore } from './search-index.ts'
import type { SharingStore } from './sharing.ts'
import type { SubmissionStore } from './submissions.ts'
import type { UploadStore } from './uploads.ts'

export type Refused<Reason extends string> = { readonly ok: false; readonly reason: Reason }
export type Outcome<T, Reason extends string> = ({ readonly ok: true } & T) | Refused<Reason>

/** The engine is there but cannot serve: disk full, I/O error, database gone. Temporary to a client. */
export class StoreUnavailable extends Error {
  override name = 'StoreUnavailable'
  readonly outcomeUnknown: boolean
  constructor(message: string, options: { cause?: unknown; outcomeUnknown?: boolean } = {}) {
    super(message, { cause: options.cause })
    this.outcomeUnknown = options.outcomeUnknown ?? false
  }
}

/** The database is not one that this version can serve: a newer one's, or another program's. Nothing was changed. */
export class UnsuitableDatabase extends Error {
  override name = 'UnsuitableDatabase'
}

/** Who has mail. Addresses are canonical keys (`src/mail/address.ts`). */
export interface DirectoryStore {
  addDomain(request: { name: string; now: number }): Promise<Outcome<object, 'exists'>>
  listDomains(): Promise<{ name: string; accounts: number; aliases: number; createdAt: number }[]>
  /** Refuses while addresses are left in it. */
  removeDomain(name: string): Promise<Outcome<object, 'not-found' | 'not-empty'>>
  hasDomain(name: string): Promise<boolean>

  /** Makes the account with INBOX and the given special-use mailboxes, subscribed. */
  addAccount(request: {
    address: string
    credentials: Credentials
    quota: Quota
    /** Default 'user'. */
    role?: Account['role']
    mailboxes: readonly { name: string; specialUse: SpecialUse }[]
    now: number
  }): Promise<Outcome<{ account: Account }, 'exists' | 'no-such-domain'>>
  /** In order of address. */
  listAccounts(request?: { after?: string; limit?: number }): Promise<Account[]>
  /** The one with the smallest id, which is never given again; undefined where there is none. */
  oldestAccount(): Promise<Account | undefined>
  getAccount(id: AccountId): Promise<Account | undefined>
  updateAccount(request: {
    id: AccountId
    credentials?: Credentials
    /** Change nothing unless the stored credentials are still these, as `credentialsOf` gave them. */
    replacing?: Credentials
    quota?: Quota
    state?: Account['state']
    role?: Account['role']
    hiddenCapabilities?: readonly string[]
    /** Change nothing unless the account still has these. */
    expecting?: Pick<Account, 'quota' | 'hiddenCapabilities'>
  }): Promise<Outcome<object, 'not-found' | 'changed'>>
  /** Removes the account with all its mail, addresses and leases. Its id is never given again. */
  removeAccount(id: AccountId): Promise<Outcome<object, 'not-found'>>
  credentialsOf(address: string): Promise<{ account: Account; credentials: Credentials } | undefined>

  /** `local@domain`, or `@domain` for the catch-all. Sets the whole list of targets, and whose mailing list it is, if one. */
  setAlias(request: {
    address: string
    targets: readonly string[]
    owner?: string | null
    now: number
  }): Promise<Outcome<object, 'exists' | 'no-such-domain'>>
  listAliases(request?: {
    domain?: string
  }): Promise<{ address: string; targets: readonly string[]; owner: string | null }[]>
  removeAlias(address: string): Promise<Outcome<object, 'not-found'>>
  /** At least 16 octets, the same for ever and on every node: the first proposal that came is kept. */
  installationSecret(proposed: Uint8Array): Promise<Uint8Array>
  /** One look-up, no policy: subaddresses, catch-all and alias chains are the directory's. */
  findAddress(address: string): Promise<AddressEntry | undefined>
  /** The same for who asks where mail goes: of an account without a quota `used` and `modSeq` may be those of before. */
  locateAddress(address: string): Promise<AddressEntry | undefined>
  /** Addresses with that local part over all domains, in order of domain. */
  findLocalPart(request: { local: string; limit: number }): Promise<string[]>
}

/** One recipient of a delivery. */
export interface DeliveryTarget {
  readonly account: AccountId
  /** By name; created when missing and `create` is set, else INBOX is used. Default INBOX. */
  readonly mailbox?: { readonly name: string; readonly create: boolean }
  /** Return-Path, Delivered-To, Received, with CRLFs. */
  readonly prefix: string
  readonly flags?: number
  readonly keywords?: string
}

export interface DeliverRequest extends DeliveryExtras {
  readonly message: StagedMessage
  readonly internalDate: number
  /** May be empty where something is queued. */
  readonly targets: readonly DeliveryTarget[]
  /** `each`: a full account refuses its own target alone. Default `all`. */
  readonly quota?: 'all' | 'each'
}

export type DeliverResult =
  | {
      readonly ok: true
      /** In the order of the targets. */
      readonly results: readonly Outcome<
        { mailbox: MailboxId; uid: Uid; uidValidity: number },
        'no-such-account' | 'over-quota'
      >[]
      /** The queue's message, where something was queued. */
      readonly queued: QueueId | null
      /** The queue's message's blob, where rows came under lease. */
      readonly blob?: BlobId
      /** What `keeps` asked for. */
      readonly object?: ObjectId
    }
  | Refused<'over-quota' | 'no-such-account'>
  /** `result` is that of the request that had the same key; '' where it was a report that is made already. */
  | (Refused<'done-before'> & { readonly result: string })

export type MailboxPlace = Pick<Mailbox, 'id' | 'selectable'>

export interface MailStore {
  /**
   * One message into one mailbox of each account and, with `enqueue`, into the queue: in one commit and with one blob. For
   * quota it is refused only when every target would be refused and nothing is queued; otherwise all get it (an overshoot by
   * at most this message), or, with `quota: 'each'`, those that have room. A missing or disabled account is reported per
   * target and does not stop the others; with no target left and nothing queued nothing is kept.
   */
  deliver(request: DeliverRequest): Promise<DeliverResult>
  /** IMAP APPEND of one or more messages: all or none. */
  append(request: {
    account: AccountId
    mailbox: MailboxId
    messages: readonly { message: StagedMessage; flags: number; keywords: string; internalDate: number }[]
    /**
     * RFC 8508: this message is expunged in the same commit, \Deleted or not, and what it took is room for the new ones. Its
     * `account` is the same by default.
     */
    replaces?: { account?: AccountId; mailbox: MailboxId; uid: Uid }
    /** As `QueueStore.remember`, in the same commit: an import keeps what it has brought. */
    remembers?: { kind: string; key: string; value: string; expiresAt: number }
    /** Where writes wait for one another, others go first: nobody waits for this one in person. */
    behind?: true
    now: number
  }): Promise<
    Outcome<
      { uids: readonly Uid[]; uidValidity: number; modSeq: ModSeq },
      'over-quota' | 'no-such-mailbox' | 'too-many-keywords' | 'not-there'
    >
  >

  listMailboxes(account: AccountId): Promise<Mailbox[]>
  getMailbox(request: { account: AccountId; mailbox: MailboxId }): Promise<Mailbox | undefined>
  findMailbox(request: { account: AccountId; name: string }): Promise<Mailbox | undefined>
  /** What of it lasts until the mailboxes of the account change: cheaper where mail comes into it all the time. */
  locateMailbox(request: { account: AccountId; name: string }): Promise<MailboxPlace | undefined>
  /** Makes missing superiors too (RFC 3501 §6.3.3). */
  createMailbox(request: {
    account: AccountId
    name: string
    specialUse?: SpecialUse
    now: number
  }): Promise<
    Outcome<{ mailbox: Mailbox }, 'exists' | 'too-many-mailboxes' | 'over-quota' | 'special-use-taken'>
  >
  /** With inferiors the name stays as not selectable (RFC 3501 §6.3.4). INBOX and unknown names are refused. */
  removeMailbox(request: {
    account: AccountId
    mailbox: MailboxId
  }): Promise<Outcome<object, 'not-found' | 'is-inbox' | 'has-children'>>
  /** Inferiors move along. Renaming INBOX moves its messages to a new mailbox and leaves INBOX empty (RFC 3501 §6.3.5). */
  renameMailbox(request: {
    account: AccountId
    mailbox: MailboxId
    name: string
    now: number
  }): Promise<Outcome<object, 'not-found' | 'exists' | 'into-itself' | 'too-many-mailboxes' | 'over-quota'>>
  /** RFC 6154 §4: gives a mailbox a special use, takes it from the one that had it, or, with null, takes it away. */
  setSpecialUse(request: {
    account: AccountId
    mailbox: MailboxId
    specialUse: SpecialUse | null
  }): Promise<Outcome<object, 'not-found'>>
  subscriptions(account: AccountId): Promise<string[]>
  setSubscription(request: { account: AccountId; name: string; subscribed: boolean }): Promise<void>

  /** State at this moment; `claimRecent` makes its new messages \Recent to the caller alone (SELECT, not EXAMINE). */
  openMailbox(request: {
    account: AccountId
    mailbox: MailboxId
    claimRecent: boolean
  }): Promise<{ mailbox: Mailbox; recentFrom: Uid } | undefined>
  /**
   * UIDs, flags and modseqs in order of UID, for a session's view: those that were in the mailbox at `asOf` (a modSeq
   * and uidNext from `openMailbox`), whatever happened since; or all now. Typed arrays of equal length.
   */
  loadView(request: {
    account: AccountId
    mailbox: MailboxId
    asOf?: { modSeq: ModSeq; uidNext: Uid }
  }): Promise<{
    uids: Uint32Array
    flags: Uint8Array
    /** By index in the arrays, of those messages that have any. */
    keywords: Map<number, string>
    modSeq: ModSeq
  }>
  /** Which email each message is: typed arrays of equal length, in order of UID. */
  loadEmails(request: { account: AccountId; mailbox: MailboxId }): Promise<{
    uids: Uint32Array
    emails: Float64Array
    threads: Float64Array
  }>
  /** Keywords of the messages in it, each once (whatever its case), in order; the first `StoreLimits.mailboxKeywords` of them. */
  keywordsIn(request: { account: AccountId; mailbox: MailboxId }): Promise<string[]>
  /** Octets of the messages with \Deleted (RFC 9051 §6.3.11 DELETED-STORAGE). */
  deletedBytes(request: { account: AccountId; mailbox: MailboxId }): Promise<number>
  /** Modseqs of messages as the mailbox is now: typed arrays of equal length, in order of UID (RFC 7162). */
  loadModSeqs(request: { account: AccountId; mailbox: MailboxId; above?: ModSeq }): Promise<{
    uids: Uint32Array
    modSeqs: Float64Array
  }>
  /** Octets of each message, as the mailbox is now: typed arrays of equal length, in order of UID. */
  loadSizes(request: { account: AccountId; mailbox: MailboxId }): Promise<{
    uids: Uint32Array
    sizes: Float64Array
  }>
  /**
   * UIDs that left the mailbox after `since`, in ranges (RFC 7162 §3.2.5 VANISHED (EARLIER)). `complete` is false where older
   * tombstones are gone: then every UID that is not there counts as vanished.
   */
  vanishedSince(request: {
    account: AccountId
    mailbox: MailboxId
    since: ModSeq
  }): Promise<{ uids: UidSelection; complete: boolean }>
  /** Rows in order of UID; unknown UIDs are left out. Batches, so that nothing holds a whole mailbox. */
  messages(request: { account: AccountId; mailbox: MailboxId; uids: UidSelection }): AsyncIterable<Message[]>
  /** The same with blob, prefix and structure; `data`: and the octets of small blobs. */
  messageTexts(request: {
    account: AccountId
    mailbox: MailboxId
    uids: UidSelection
    data?: boolean
  }): AsyncIterable<MessageText[]>
  /** Only the structures: for listings of many envelopes. */
  structures(request: {
    account: AccountId
    mailbox: MailboxId
    uids: UidSelection
  }): AsyncIterable<(readonly [uid: Uid, structure: string])[]>

  /** Flags and keywords of these UIDs. Those changed since `unchangedSince` are left alone and told (RFC 7162 §3.1.3). */
  setFlags(request: {
    account: AccountId
    mailbox: MailboxId
    uids: UidSelection
    mode: 'add' | 'remove' | 'replace'
    flags: number
    keywords: readonly string[]
    unchangedSince?: ModSeq
    /** Flags (bits) and keywords that may be changed, where not all may: the others stay as they are. For `replace`. */
    only?: { readonly flags: number; readonly keywords: boolean }
  }): Promise<
    Outcome<
      {
        changed: readonly { uid: Uid; flags: number; keywords: string; modSeq: ModSeq }[]
        /** The same as columns, and the one modseq that they all got. */
        columns: FlagColumns
        modSeq: ModSeq
        refused: readonly Uid[]
      },
      'no-such-mailbox' | 'too-many-keywords'
    >
  >
  /** Removes those of `uids` (all, when absent) that have \Deleted, or, with `regardless`, have it or not. */
  expunge(request: {
    account: AccountId
    mailbox: MailboxId
    uids?: UidSelection
    which: 'deleted' | 'regardless'
  }): Promise<{ uids: readonly Uid[]; modSeq: ModSeq }>
  copy(request: Transfer): Promise<Outcome<Copied, 'no-such-mailbox' | 'over-quota'>>
  move(request: Transfer): Promise<Outcome<Copied, 'no-such-mailbox' | 'over-quota'>>
  /** A random key of 16 octets at least, made when first asked for (RFC 4467 §3: one for each mailbox and user). */
  urlKey(request: {
    account: AccountId
    mailbox: MailboxId
    proposed: Uint8Array
  }): Promise<Uint8Array | undefined>
  /** RFC 4467 §7 RESETKEY: URLs made with the old key are void. Without `mailbox`: of all of them. */
  resetUrlKey(request: { account: AccountId; mailbox?: MailboxId }): Promise<void>

  /** What changed after `since`, oldest first; `complete` is false when older tombstones are gone (then start afresh). */
  changesSince(request: {
    account: AccountId
    since: ModSeq
    mailbox?: MailboxId
    limit?: number
  }): Promise<{ changes: Change[]; modSeq: ModSeq; complete: boolean }>
  /** Live changes of one account from now on. The returned function ends it. Never called inside a transaction. */
  subscribe(account: AccountId, listener: (changes: readonly Change[]) => void): () => void
  /** The same, with changes of very many messages at once as columns. */
  subscribeBatched(
    account: AccountId,
    listener: (changes: readonly (Change | ChangeBatch)[]) => void,
  ): () => void
}

/** Ascending, non-overlapping, inclusive ranges of UIDs. */
export type UidSelection = readonly (readonly [first: number, last: number])[]

/** Messages on their way from a mailbox to another, which may be another account's: then they become other emails there. */
export interface Transfer {
  readonly account: AccountId
  readonly from: MailboxId
  readonly uids: UidSelection
  readonly to: MailboxId
  /** Whose `to` is; default `account`. Both accounts' changes are in one commit. */
  readonly toAccount?: AccountId
  /** RFC 4314 §4: bits of the flags that come along where the right to set others lacks; default all. */
  readonly flags?: number
  /** Whether keywords come along; default 'all'. */
  readonly keywords?: 'all' | 'none'
  /** For `Message.savedAt`. */
  readonly now: number
}

export interface Copied {
  readonly uidValidity: number
  /** Of the target, after it. */
  readonly modSeq: ModSeq
  /** In order of the source; equal length. */
  readonly from: readonly Uid[]
  readonly to: readonly Uid[]
}

/** Collects the bytes of one message: in memory while small, in a file (or its database twin) when large. */
export interface BlobWriter {
  /** A promise where the medium asks for patience. Rejects with `StoreUnavailable`. The bytes are copied where kept. */
  write(bytes: Uint8Array): void | Promise<void>
  /** Everything is synced when this resolves (large) or will be with its row (small). */
  finish(): Promise<StagedBlob> | StagedBlob
  /** Forgets it; harmless after `finish` or twice. */
  discard(): Promise<void>
}

export interface BlobStore {
  stage(): BlobWriter
  /** Bytes [start, end) of a blob, in chunks of at most 64 KB or so; a small blob comes as one. */
  read(blob: BlobId, range?: { start: number; end: number }): AsyncIterable<Uint8Array>
  /** The whole of a blob that lives in the database, else undefined: the fast way for small messages. */
  readSmall(blob: BlobId): Promise<Uint8Array | undefined>
  /** The same as `read`, of what was finished and is in no row yet: for whoever decides on a message before it is kept. */
  readStaged(blob: StagedBlob, range?: { start: number; end: number }): AsyncIterable<Uint8Array>
}

/** A named, expiring claim: a POP3 maildrop. The queue's rows have leases of their own (`queue.ts`). */
export interface LeaseStore {
  acquireLease(request: {
    account: AccountId
    name: string
    holder: string
    now: number
    expiresAt: number
  }): Promise<boolean>
  releaseLease(request: { account: AccountId; name: string; holder: string }): Promise<void>
}

export interface AuditFinding {
  readonly check: string
  readonly account: AccountId | null
  readonly message: string
}

export interface Maintenance {
  /** Recomputes counts, UID and modseq order, blob references and files, quota; empty when all is well. */
  audit(options?: { onProgress?: (done: number, total: number) => void }): Promise<AuditFinding[]>
  /** Drops blobs and files that no row names, and tombstones older than the limit. */
  collectGarbage(request: { now: number }): Promise<{ blobs: number; files: number; tombstones: number }>
}

export interface Store
  extends
    DirectoryStore,
    MailStore,
    SharingStore,
    AnnotationStore,
    ObjectStore,
    UploadStore,
    EmailStore,
    EmailChangeStore,
    MailboxChangeStore,
    SubmissionStore,
    GuardStore,
    SearchIndexStore,
    QueueStore,
    LeaseStore,
    Maintenance,
    AsyncDisposable {
  readonly blobs: BlobStore
  /** The engine in a word or two, for the log: `sqlite 3.53.4 (file)`. */
  readonly description: string
  /** Commits what is under way, then closes. */
  close(): Promise<void>
}

export type { ChangeBatch, EmailId, FlagColumns }
