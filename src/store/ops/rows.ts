// Rows of the tables that several operations read, how they become values of the model, and the pieces of SQL that name
// them. Brands are given here and nowhere else: a value read from its column is what the column holds.
import type {
  Account,
  AccountId,
  BlobId,
  EmailId,
  Mailbox,
  MailboxId,
  Message,
  MessageText,
  ModSeq,
  SpecialUse,
  ThreadId,
  Uid,
} from '../model.ts'
import { dialect, type Fragment, get, type Op, sql } from '../op.ts'
import type { UidSelection } from '../store.ts'

/** INBOX is the first mailbox of every account. */
export const inboxId: MailboxId = 1 as MailboxId

export interface AccountRow {
  readonly id: AccountId
  readonly address: string
  readonly state: Account['state']
  readonly role: Account['role']
  readonly created_at: number
  readonly quota_bytes: number | null
  readonly quota_messages: number | null
  readonly quota_mailboxes: number | null
  readonly quota_annotations: number | null
  readonly hidden_capabilities: string
  readonly used_bytes: number
  readonly used_messages: number
  readonly modseq: ModSeq
}

export const accountColumns: Fragment = sql`account.id, account.address, account.state, account.role, account.created_at,
  account.quota_bytes, account.quota_messages, account.quota_mailboxes, account.quota_annotations,
  account.hidden_capabilities, account.used_bytes, account.used_messages, account.modseq`

export function accountOf(row: AccountRow): Account {
  return {
    id: row.id,
    address: row.address,
    state: row.state,
    role: row.role,
    quota: {
      bytes: row.quota_bytes,
      messages: row.quota_messages,
      mailboxes: row.quota_mailboxes,
      annotations: row.quota_annotations,
    },
    used: { bytes: row.used_bytes, messages: row.used_messages },
    hiddenCapabilities: row.hidden_capabilities === '' ? [] : row.hidden_capabilities.split(' '),
    modSeq: row.modseq,
    createdAt: row.created_at,
  }
}

export interface MailboxRow {
  readonly id: MailboxId
  readonly name: string
  readonly special_use: SpecialUse | null
  readonly selectable: number
  readonly uid_validity: number
  readonly uid_next: Uid
  readonly recent_from: Uid
  readonly modseq: ModSeq
  readonly messages: number
  readonly unseen: number
  readonly deleted: number
  readonly bytes: number
}

export const mailboxColumns: Fragment = sql`id, name, special_use, selectable, uid_validity, uid_next, recent_from,
  modseq, messages, unseen, deleted, bytes`

export function mailboxOf(row: MailboxRow): Mailbox {
  return {
    id: row.id,
    name: row.name,
    specialUse: row.special_use,
    uidValidity: row.uid_validity,
    uidNext: row.uid_next,
    modSeq: row.modseq,
    messages: row.messages,
    unseen: row.unseen,
    deleted: row.deleted,
    bytes: row.bytes,
    recentFrom: row.recent_from,
    selectable: row.selectable === 1,
  }
}

/** Columns of `messageColumns`, in order. */
export type MessageRow = [
  uid: Uid,
  modseq: ModSeq,
  flags: number,
  keywords: string,
  email: EmailId,
  size: number,
  internalDate: number,
  savedAt: number | null,
]

export const messageColumns: Fragment = sql`message.uid, message.modseq, message.flags, message.keywords, message.email,
  message.size, message.internal_date, message.internal_date + message.saved_after`

export function messageOf(row: MessageRow): Message {
  const [uid, modSeq, flags, keywords, email, size, internalDate, savedAt] = row
  return { uid, modSeq, flags, keywords, email, size, internalDate, savedAt }
}

export type MessageTextRow = [
  ...MessageRow,
  thread: ThreadId,
  blob: BlobId,
  prefix: string,
  structure: string,
  data?: Uint8Array | null,
]

export function messageTextOf(row: MessageTextRow): MessageText {
  const [uid, modSeq, flags, keywords, email, size, internalDate, savedAt, ...text] = row
  const [thread, blob, prefix, structure, data] = text
  const message = { uid, modSeq, flags, keywords, email, size, internalDate, savedAt }
  return data === undefined
    ? { ...message, thread, blob, prefix, structure }
    : { ...message, thread, blob, prefix, structure, data }
}

/** Holds the row until the commit where others could change it meanwhile; SQLite has one writer. */
export const forUpdate: Fragment = dialect({ sqlite: sql``, pg: sql`FOR UPDATE` })

/** Makes other writers of the account wait. False where there is no such account. */
export function* lockAccount(account: AccountId): Op<boolean> {
  const row = yield* get<{ id: number }>`SELECT id FROM account WHERE id = ${account} ${forUpdate}`
  return row !== undefined
}

/** The same for several, always in the same order, so that two operations never wait for each other; those that exist. */
export function* lockAccounts(accounts: readonly AccountId[]): Op<AccountId[]> {
  const present: AccountId[] = []
  for (const account of [...new Set(accounts)].toSorted((a, b) => a - b)) {
    if (yield* lockAccount(account)) present.push(account)
  }
  return present
}

/** The account's next modseq, and with it the account's lock. */
export function* nextModSeq(account: AccountId): Op<ModSeq> {
  const row = yield* get<{ modseq: ModSeq }>`
    UPDATE account SET modseq = modseq + 1 WHERE id = ${account} RETURNING modseq`
  if (!row) throw new Error(`account ${account} does not exist`)
  return row.modseq
}

/** The mailbox's row, where it can hold messages. */
export function* selectableMailbox(account: AccountId, mailbox: MailboxId): Op<MailboxRow | undefined> {
  return yield* get<MailboxRow>`
    SELECT ${mailboxColumns} FROM mailbox WHERE account = ${account} AND id = ${mailbox} AND selectable = 1`
}

/** Two-column rows of ranges from `[[first, last], …]`. */
export function ranges(list: UidSelection): Fragment {
  const json = JSON.stringify(list)
  return dialect({
    sqlite: sql`(SELECT value ->> 0 AS low, value ->> 1 AS high FROM json_each(${json}))`,
    pg: sql`(SELECT (value ->> 0)::bigint AS low, (value ->> 1)::bigint AS high FROM json_array_elements(${json}::json))`,
  })
}

/** The condition that a row of `message` is one of these. One range is a plain scan of the key. */
export function among(place: { account: AccountId; mailbox: MailboxId; uids?: UidSelection }): Fragment {
  const { account, mailbox, uids } = place
  const here = sql`message.account = ${account} AND message.mailbox = ${mailbox}`
  if (!uids) return here
  const [only] = uids
  if (!only) return sql`${here} AND message.uid < 0`
  if (uids.length === 1) return sql`${here} AND message.uid BETWEEN ${only[0]} AND ${only[1]}`
  const picked = sql`SELECT picked.uid FROM ${ranges(uids)} AS wanted CROSS JOIN message AS picked
    WHERE picked.account = ${account} AND picked.mailbox = ${mailbox} AND picked.uid BETWEEN wanted.low AND wanted.high`
  // As an array PostgreSQL computes them once and looks them up; left a set, its planner may compute it for each row.
  return dialect({
    sqlite: sql`${here} AND message.uid IN (${picked})`,
    pg: sql`${here} AND message.uid = ANY (ARRAY(${picked}))`,
  })
}

/** The condition that a column holds one of these numbers. */
export function oneOf(column: Fragment, numbers: readonly number[]): Fragment {
  const json = JSON.stringify(numbers)
  // An array for PostgreSQL as in `among`.
  return dialect({
    sqlite: sql`${column} IN (SELECT value FROM json_each(${json}))`,
    pg: sql`${column} = ANY (ARRAY(SELECT value::bigint FROM json_array_elements_text(${json}::json)))`,
  })
}

/** The same for texts. */
export function oneOfTexts(column: Fragment, texts: readonly string[]): Fragment {
  const [only] = texts
  if (texts.length === 1 && only !== undefined) return sql`${column} = ${only}`
  const json = JSON.stringify(texts)
  return dialect({
    sqlite: sql`${column} IN (SELECT value FROM json_each(${json}))`,
    pg: sql`${column} = ANY (ARRAY(SELECT json_array_elements_text(${json}::json)))`,
  })
}

/** Numbers of many rows in one text, in order of UID: a row for each costs several times as much. */
export const gathered: Fragment = dialect({
  sqlite: sql`json_group_array(packed)`,
  pg: sql`json_agg(packed ORDER BY uid)::text`,
})

/** The column `packed` of each row of a SELECT that has `uid` too and is ordered by it. */
export function* packedColumn(packedRows: Fragment): Op<number[]> {
  const found = yield* get<{
    text: string | null
  }>`SELECT ${gathered} AS text FROM (${packedRows}) AS packed_rows`
  // An array of numbers, as it was put together.
  return found?.text ? (JSON.parse(found.text) as number[]) : []
}

/** What a change of flags or of rows does to the counts of a mailbox. */
export interface Counts {
  messages: number
  unseen: number
  deleted: number
  bytes: number
}

/** Adds a message to the counts, or with `times` −1 takes it away. */
export function count(counts: Counts, flags: number, size: number, times = 1): void {
  counts.messages += times
  counts.bytes += times * size
  if ((flags & 1) === 0) counts.unseen += times
  if ((flags & 8) !== 0) counts.deleted += times
}

export const noCounts = (): Counts => ({ messages: 0, unseen: 0, deleted: 0, bytes: 0 })
