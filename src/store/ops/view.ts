// Reading a mailbox: a session's view of it, its messages in batches, and where a blob's bytes are.
import type { AccountId, BlobId, Mailbox, MailboxId, Message, MessageText, ModSeq, Uid } from '../model.ts'
import { get, many, type Op, sql, type Stmt, tuples } from '../op.ts'
import type { UidSelection } from '../store.ts'
import { blockRows, blocksOf, flagBlocks, overlay, told } from './flag-blocks.ts'
import { flagStates, gaps } from './flag-states.ts'
import {
  among,
  type MessageRow,
  type MessageTextRow,
  mailboxOf,
  messageColumns,
  messageOf,
  messageTextOf,
  packedColumn,
  selectableMailbox,
} from './rows.ts'

/** The mailbox as it is; undefined where there is none that can be selected. */
export function* openMailbox(request: {
  account: AccountId
  mailbox: MailboxId
}): Op<{ mailbox: Mailbox; recentFrom: Uid } | undefined> {
  const row = yield* selectableMailbox(request.account, request.mailbox)
  return row && { mailbox: mailboxOf(row), recentFrom: row.recent_from }
}

export interface View {
  uids: Uint32Array
  flags: Uint8Array
  keywords: Map<number, string>
  modSeq: ModSeq
}

/** See `MailStore.loadView`. A message that has gone since `asOf` has no flags left. */
export function* loadView(request: {
  account: AccountId
  mailbox: MailboxId
  asOf?: { modSeq: ModSeq; uidNext: Uid }
}): Op<View> {
  const { account, mailbox, asOf } = request
  const state = yield* get<{ modseq: ModSeq }>`
    SELECT modseq FROM mailbox WHERE account = ${account} AND id = ${mailbox}`
  const below = asOf?.uidNext ?? 0x1_0000_0000
  const rows = yield* flagStates({ account, mailbox, uids: [[1, below - 1]] })
  const gone: number[] = asOf ? yield* goneSince({ account, mailbox, asOf }) : []
  const uids = new Uint32Array(rows.uids.length + gone.length)
  const flags = new Uint8Array(uids.length)
  const keywords = new Map<number, string>()
  let next = 0
  let absent = 0
  for (const [index, uid] of rows.uids.entries()) {
    for (let lost = gone[absent]; lost !== undefined && lost < uid; lost = gone[absent]) {
      uids[next++] = lost
      absent++
    }
    const words = rows.keywords.size === 0 ? undefined : rows.keywords.get(uid)
    if (words !== undefined) keywords.set(next, words)
    uids[next] = uid
    flags[next++] = (rows.state[index] ?? 0) & 31
  }
  for (; absent < gone.length; absent++) uids[next++] = gone[absent] ?? 0
  return { uids, flags, keywords, modSeq: state?.modseq ?? (1 as ModSeq) }
}

function* goneSince(request: {
  account: AccountId
  mailbox: MailboxId
  asOf: { modSeq: ModSeq; uidNext: Uid }
}): Op<number[]> {
  const { account, mailbox, asOf } = request
  const stones = yield* tuples<[first: number, last: number]>`
    SELECT first, last FROM tombstone
    WHERE account = ${account} AND modseq > ${asOf.modSeq} AND mailbox = ${mailbox} AND first < ${asOf.uidNext}
    ORDER BY first`
  const gone: number[] = []
  for (const [first, last] of stones) {
    for (let uid = first; uid <= last && uid < asOf.uidNext; uid++) gone.push(uid)
  }
  return gone
}

interface Place {
  readonly account: AccountId
  readonly mailbox: MailboxId
}

const allUids = [1, 0xffff_ffff] as const

/** Up to this many messages are looked up one by one; for more, all replies of the account are read at once. */
const lookedUp = 1_000

/** See `MailStore.loadEmails`. The table of emails itself, whose rows are wide, is not read for a large mailbox. */
export function* loadEmails({ account, mailbox }: Place): Op<{
  uids: Uint32Array
  emails: Float64Array
  threads: Float64Array
}> {
  const rows = yield* tuples<[uid: number, email: number]>`
    SELECT uid, email FROM message WHERE account = ${account} AND mailbox = ${mailbox} ORDER BY uid`
  const replies =
    rows.length > lookedUp
      ? yield* tuples<[email: number, thread: number]>`
          SELECT id, thread FROM email WHERE account = ${account} AND thread IS NOT NULL`
      : yield* tuples<[email: number, thread: number]>`
          SELECT email.id, email.thread FROM message JOIN email
            ON email.account = message.account AND email.id = message.email
          WHERE message.account = ${account} AND message.mailbox = ${mailbox} AND email.thread IS NOT NULL`
  const threadOf = new Map(replies)
  const uids = new Uint32Array(rows.length)
  const emails = new Float64Array(rows.length)
  const threads = new Float64Array(rows.length)
  for (const [index, [uid, email]] of rows.entries()) {
    uids[index] = uid
    emails[index] = email
    threads[index] = threadOf.get(email) ?? email
  }
  return { uids, emails, threads }
}

/** See `MailStore.loadSizes`. */
export function* loadSizes({ account, mailbox }: Place): Op<{ uids: Uint32Array; sizes: Float64Array }> {
  const here = among({ account, mailbox })
  const uids = yield* packedColumn(sql`SELECT uid, uid AS packed FROM message WHERE ${here} ORDER BY uid`)
  const sizes = yield* packedColumn(sql`SELECT uid, size AS packed FROM message WHERE ${here} ORDER BY uid`)
  return { uids: Uint32Array.from(uids), sizes: Float64Array.from(sizes) }
}

/** See `MailStore.deletedBytes`. */
export function* deletedBytes({ account, mailbox }: Place): Op<number> {
  const blocks = yield* flagBlocks({ account, mailbox })
  const these = among({ account, mailbox, ...(blocks.length > 0 && { uids: gaps(blocks, allUids) }) })
  const row = yield* get<{ bytes: number }>`SELECT COALESCE(SUM(size), 0) AS bytes FROM message
    WHERE ${these} AND flags & 8 <> 0`
  let bytes = row?.bytes ?? 0
  for (const { first, states } of blocks) {
    const sizes = yield* tuples<[uid: number, size: number]>`SELECT uid, size FROM message
      WHERE account = ${account} AND mailbox = ${mailbox} AND uid BETWEEN ${first} AND ${first + states.length - 1}`
    for (const [uid, size] of sizes) if (((states[uid - first] ?? 0) & 8) !== 0) bytes += size
  }
  return bytes
}

/** See `MailStore.loadModSeqs`. */
export function* loadModSeqs({
  account,
  mailbox,
  above = 0 as ModSeq,
}: Place & { above?: ModSeq }): Op<{ uids: Uint32Array; modSeqs: Float64Array }> {
  // A mailbox's modseq is never less than that of a message in it.
  const changed = yield* get<{ modseq: ModSeq }>`
    SELECT modseq FROM mailbox WHERE account = ${account} AND id = ${mailbox} AND modseq > ${above}`
  const rows = changed ? yield* youngerThan({ account, mailbox }, above) : []
  const uids = new Uint32Array(rows.length)
  const modSeqs = new Float64Array(rows.length)
  for (const [index, [uid, modSeq]] of rows.entries()) {
    uids[index] = uid
    modSeqs[index] = modSeq
  }
  return { uids, modSeqs }
}

function* youngerThan(place: Place, above: ModSeq): Op<[uid: number, modSeq: number][]> {
  const { account, mailbox } = place
  const rows = yield* tuples<[uid: number, modSeq: number]>`SELECT uid, modseq FROM message
    WHERE account = ${account} AND mailbox = ${mailbox} AND modseq > ${above} ORDER BY uid`
  const blocks = yield* flagBlocks(place)
  if (blocks.length === 0) return rows
  const younger = new Map(rows)
  // A block's modseq is larger than that of the row.
  for (const { uid, modSeq } of told(blocks)) if (modSeq > above) younger.set(uid, modSeq)
  return [...younger].sort(([a], [b]) => a - b)
}

/** See `MailStore.vanishedSince`. */
export function* vanishedSince({
  account,
  mailbox,
  since,
}: Place & { since: ModSeq }): Op<{ uids: UidSelection; complete: boolean }> {
  const state = yield* get<{ forgotten: number }>`SELECT forgotten FROM account WHERE id = ${account}`
  const stones = yield* tuples<[first: number, last: number]>`
    SELECT first, last FROM tombstone
    WHERE account = ${account} AND modseq > ${since} AND mailbox = ${mailbox} ORDER BY first`
  const gone: [number, number][] = []
  for (const [first, last] of stones) {
    const before = gone.at(-1)
    // A UID leaves once, so ranges can only touch.
    if (before?.[1] === first - 1) before[1] = last
    else gone.push([first, last])
  }
  return { uids: gone, complete: state !== undefined && since >= state.forgotten }
}

/** The first `limit` messages among `uids`; those of several ranges only where they span no more than that. */
export interface BatchRequest {
  readonly account: AccountId
  readonly mailbox: MailboxId
  readonly uids: UidSelection
  readonly limit: number
}

export function* messageBatch(request: BatchRequest): Op<Message[]> {
  const rows = yield* asTheyAre(
    request,
    tuples<MessageRow>`
      SELECT ${messageColumns} FROM message WHERE ${among(request)} ORDER BY message.uid LIMIT ${request.limit}`,
  )
  return rows.map(messageOf)
}

/** The rows, with what blocks say of their flags. */
function* asTheyAre<Row extends MessageRow | MessageTextRow>(
  request: BatchRequest,
  these: Stmt<Row[]>,
): Op<Row[]> {
  const { uids, limit } = request
  let rows: Row[]
  let blocks
  const [first] = uids
  const last = uids.at(-1)
  if (first && last && last[1] - first[0] < limit * 2) {
    // In one round trip.
    const [found, kept] = yield* many([these, blockRows(request, uids)])
    rows = found
    blocks = blocksOf(kept)
  } else {
    rows = yield* these
    const [low, high] = [rows[0]?.[0], rows.at(-1)?.[0]]
    blocks = low === undefined || high === undefined ? [] : yield* flagBlocks(request, [[low, high]])
  }
  if (blocks.length === 0) return rows
  overlay(rows, blocks, {
    uidOf: ([uid]) => uid,
    set(row, flags, modSeq) {
      row[1] = modSeq as ModSeq
      row[2] = flags
    },
  })
  return rows
}

export function* messageTextBatch(request: BatchRequest & { data?: boolean }): Op<MessageText[]> {
  const data = request.data === true ? sql`, blob.data` : sql``
  const rows = yield* asTheyAre(
    request,
    tuples<MessageTextRow>`
      SELECT ${messageColumns}, COALESCE(email.thread, email.id), email.blob, email.prefix, blob.structure${data}
      FROM message JOIN email ON email.account = message.account AND email.id = message.email
        JOIN blob ON blob.id = email.blob
      WHERE ${among(request)} ORDER BY message.uid LIMIT ${request.limit}`,
  )
  return rows.map(messageTextOf)
}

export function* structureBatch(request: BatchRequest): Op<(readonly [uid: Uid, structure: string])[]> {
  return yield* tuples<[uid: Uid, structure: string]>`
    SELECT message.uid, blob.structure
    FROM message JOIN email ON email.account = message.account AND email.id = message.email
      JOIN blob ON blob.id = email.blob
    WHERE ${among(request)} ORDER BY message.uid LIMIT ${request.limit}`
}

/** The size of a blob and where it is: `data` in its row, or the key of its file. */
export function* locateBlob(
  blob: BlobId,
): Op<{ size: number; key: string | null; data: Uint8Array | null } | undefined> {
  return yield* get<{ size: number; key: string | null; data: Uint8Array | null }>`
    SELECT size, key, data FROM blob WHERE id = ${blob}`
}
