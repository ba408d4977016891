// The rows of a message that is new to an account: its blob, the email, and its place in a mailbox.
import type { AccountId, BlobId, EmailId, MailboxId, ModSeq, StagedMessage, Uid } from '../model.ts'
import { get, type Op, run, type Stmt } from '../op.ts'
import type { Counts } from './rows.ts'

/** What an account's row gives to new emails: their modseq, and the first of their ids. */
export interface Charged {
  readonly modseq: ModSeq
  readonly email: EmailId
}

/** What a mailbox's row gives to new messages: the first of their UIDs. */
export interface Placed {
  readonly uid: Uid
  readonly uid_validity: number
}

export function insertBlob(
  { blob, structure }: StagedMessage,
  refs: number,
): Stmt<{ id: BlobId } | undefined> {
  const key = blob.type === 'stored' ? blob.key : null
  const data = blob.type === 'inline' ? blob.bytes : null
  return get<{ id: BlobId }>`INSERT INTO blob (refs, size, structure, key, data)
    VALUES (${refs}, ${blob.size}, ${structure}, ${key}, ${data}) RETURNING id`
}

export function insertEmail(row: {
  account: AccountId
  email: EmailId
  blob: BlobId
  /** Messages; default 1. */
  refs?: number
  size: number
  receivedAt: number
  prefix: string
  thread: EmailId | null
}): Stmt<number> {
  const { account, email, blob, refs = 1, size, receivedAt, prefix, thread } = row
  return run`INSERT INTO email (account, id, blob, refs, size, received_at, prefix, thread)
    VALUES (${account}, ${email}, ${blob}, ${refs}, ${size}, ${receivedAt}, ${prefix}, ${thread})`
}

export function insertMessage(row: {
  account: AccountId
  mailbox: MailboxId
  uid: Uid
  modSeq: ModSeq
  flags: number
  keywords: string
  email: EmailId
  size: number
  internalDate: number
  savedAt: number
}): Stmt<number> {
  const { account, mailbox, uid, modSeq, flags, keywords, email, size, internalDate, savedAt } = row
  return run`INSERT INTO message
      (account, mailbox, uid, modseq, added, flags, keywords, email, size, internal_date, saved_after)
    VALUES (${account}, ${mailbox}, ${uid}, ${modSeq}, ${modSeq}, ${flags}, ${keywords}, ${email}, ${size},
      ${internalDate}, ${savedAt - internalDate})`
}

/** Takes UIDs of a mailbox for that many messages. */
export function* placeAll(coming: {
  account: AccountId
  mailbox: MailboxId
  modSeq: ModSeq
  counts: Counts
}): Op<Placed | undefined> {
  const { account, mailbox, modSeq, counts } = coming
  return yield* get<Placed>`
    UPDATE mailbox SET uid_next = uid_next + ${counts.messages}, modseq = ${modSeq},
      messages = messages + ${counts.messages}, unseen = unseen + ${counts.unseen},
      deleted = deleted + ${counts.deleted}, bytes = bytes + ${counts.bytes}
    WHERE account = ${account} AND id = ${mailbox} AND selectable = 1
    RETURNING uid_next - ${counts.messages} AS uid, uid_validity`
}
