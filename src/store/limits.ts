// What the store refuses by size or count, and how much it does at once. Every engine takes these as an argument.
export interface StoreLimits {
  /** Mailboxes of one account, the unselectable ones included. */
  readonly mailboxesPerAccount: number
  /** Keywords of one message, and the length of all of them together in characters. */
  readonly keywordsPerMessage: number
  readonly keywordLengthPerMessage: number
  /** Keywords of one mailbox that `keywordsIn` tells. */
  readonly mailboxKeywords: number
  /** Entries of one access control list. */
  readonly accessEntries: number
  /** Shared annotations of one mailbox or account, and private ones of one account there; octets of a value, characters of a name. */
  readonly annotations: number
  readonly annotationSize: number
  readonly annotationNameLength: number
  /** Octets of the value of one object. */
  readonly objectSize: number
  /** Message identifiers of one message that decide on its thread: the first and the last of them where it names more. */
  readonly threadKeys: number
  /** Messages up to this many octets live in the database, larger ones in files. */
  readonly inlineBlobBytes: number
  /** Rows of one batch of `messages` and `messageTexts`. */
  readonly batchRows: number
  /** Flags of this many messages, changed at once, go to blocks; UIDs that one covers, `longestBlock` at most (`ops/flag-blocks.ts`). */
  readonly flagBlockChanges: number
  readonly flagBlockUids: number
  /** How long tombstones are kept for clients that come back, in milliseconds. */
  readonly tombstoneMilliseconds: number
  /** How old a file that no row names must be before it is dropped, in milliseconds. */
  readonly orphanMilliseconds: number
  /** Messages that wait to be filed in an in-memory store, beyond which each that comes has two others filed (`sqlite/in-tray.ts`). */
  readonly waitingMessages: number
  /** Octets that an in-memory store holds in large blobs: in a temporary file, and in memory where there is none. */
  readonly temporaryBlobBytes: number
  readonly memoryBlobBytes: number
  /** Operations in one commit of the SQLite writer, and the time after which it commits what it has, in milliseconds. */
  readonly groupOperations: number
  readonly groupMilliseconds: number
}

export const defaultStoreLimits: StoreLimits = {
  mailboxesPerAccount: 10_000,
  keywordsPerMessage: 100,
  keywordLengthPerMessage: 2_000,
  mailboxKeywords: 1_000,
  accessEntries: 500,
  annotations: 200,
  annotationSize: 64 * 1024,
  annotationNameLength: 1_000,
  objectSize: 256 * 1024,
  threadKeys: 32,
  inlineBlobBytes: 64 * 1024,
  batchRows: 500,
  flagBlockChanges: 128,
  flagBlockUids: 2_048,
  tombstoneMilliseconds: 90 * 24 * 3_600_000,
  orphanMilliseconds: 3_600_000,
  waitingMessages: 50_000,
  temporaryBlobBytes: 4 * 1024 ** 3,
  memoryBlobBytes: 256 * 1024 * 1024,
  groupOperations: 200,
  groupMilliseconds: 5,
}
