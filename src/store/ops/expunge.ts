// Messages that leave: what expunging and removing do to emails, blobs, quota and counts, by sets and never row by row.
//
// A message names an email, an email names a blob; each holds the number of those that name it. An email goes with its
// last message, in the same commit. A blob without emails stays until the next collection, so that who is reading it can.
import type { AccountId, MailboxId, ModSeq, Uid } from '../model.ts'
import { changed, dialect, type Fragment, get, type Op, run, sql, tuples } from '../op.ts'
import type { UidSelection } from '../store.ts'
import { noteLeaving } from './departures.ts'
import { type FlagBlock, flagBlocks, forgetInBlocks, overlay } from './flag-blocks.ts'
import { flagStates } from './flag-states.ts'
import { runsOf } from './uid-runs.ts'
import {
  among,
  count,
  type Counts,
  lockAccount,
  nextModSeq,
  noCounts,
  ranges,
  selectableMailbox,
} from './rows.ts'

export interface ExpungeRequest {
  readonly account: AccountId
  readonly mailbox: MailboxId
  readonly uids?: UidSelection
  readonly which: 'deleted' | 'regardless'
}

/** See `MailStore.expunge`. */
export function* expunge(request: ExpungeRequest): Op<{ uids: readonly Uid[]; modSeq: ModSeq }> {
  const { account, mailbox, which } = request
  yield* lockAccount(account)
  const row = yield* selectableMailbox(account, mailbox)
  // RFC 7162 §3.1.1: a modseq is at least 1; a mailbox that is gone has none of its own.
  if (!row) return { uids: [], modSeq: 1 as ModSeq }
  const blocks = yield* flagBlocks(request, request.uids)
  const these = which === 'deleted' ? yield* deletedOnes(request, blocks) : among(request)
  const doomed = yield* tuples<[uid: Uid, flags: number, size: number]>`
    SELECT uid, flags, size FROM message WHERE ${these} ORDER BY uid`
  overlay(doomed, blocks, {
    uidOf: ([uid]) => uid,
    set(row, flags) {
      row[1] = flags
    },
  })
  if (doomed.length === 0) return { uids: [], modSeq: row.modseq }
  const modSeq = yield* nextModSeq(account)
  yield* takeAway({ account, mailbox, modSeq, these, doomed })
  const uids = doomed.map(([uid]) => uid)
  yield* forgetInBlocks(request, { blocks, uids })
  return { uids, modSeq }
}

/** The condition that names those with \Deleted. */
function* deletedOnes(request: ExpungeRequest, blocks: readonly FlagBlock[]): Op<Fragment> {
  if (blocks.length === 0) return sql`${among(request)} AND message.flags & 8 <> 0`
  const { uids, state } = yield* flagStates(request)
  return among({ ...request, uids: runsOf([...uids].filter((_, at) => ((state[at] ?? 0) & 8) !== 0)) })
}

export type DoomedRow = readonly [uid: Uid, flags: number, size: number]

/** Takes messages out of a mailbox at a modseq that the caller took. No block says anything of them, or it is told after this. */
export function* takeAway(going: {
  account: AccountId
  mailbox: MailboxId
  modSeq: ModSeq
  /** The condition that names them, and their rows. */
  these: Fragment
  doomed: readonly DoomedRow[]
}): Op<void> {
  const { account, mailbox, modSeq, these, doomed } = going
  const counts = noCounts()
  for (const [, flags, size] of doomed) count(counts, flags, size)
  yield* noteLeaving({ account, mailbox, modSeq, rows: doomed })
  yield* releaseEmails(account, these)
  yield* run`DELETE FROM message WHERE ${these}`
  yield* leave({ account, mailbox, modSeq, uids: doomed.map(([uid]) => uid), counts })
}

/**
 * Takes all messages of a mailbox that is about to go, without tombstones: the mailbox's own stands for them. Without a modseq its account
 * goes too, and nobody will ask.
 */
export function* releaseAll(account: AccountId, mailbox: MailboxId, modSeq: ModSeq | null): Op<void> {
  const these = among({ account, mailbox })
  if (modSeq !== null) {
    const { uids, state } = yield* flagStates({ account, mailbox })
    const rows = Array.from(uids, (uid, at) => [uid, state[at] ?? 0] as const)
    yield* noteLeaving({ account, mailbox, modSeq, rows })
  }
  yield* releaseEmails(account, these)
  yield* run`DELETE FROM message WHERE ${these}`
  yield* run`DELETE FROM flag_block WHERE account = ${account} AND mailbox = ${mailbox}`
}

/** Counts, tombstones and the telling for messages whose rows have left the mailbox. */
export function* leave(left: {
  account: AccountId
  mailbox: MailboxId
  modSeq: ModSeq
  uids: readonly Uid[]
  counts: Counts
}): Op<void> {
  const { account, mailbox, modSeq, uids, counts } = left
  yield* run`UPDATE mailbox SET modseq = ${modSeq}, messages = messages - ${counts.messages},
      unseen = unseen - ${counts.unseen}, deleted = deleted - ${counts.deleted}, bytes = bytes - ${counts.bytes}
    WHERE account = ${account} AND id = ${mailbox}`
  yield* run`INSERT INTO tombstone (account, modseq, mailbox, first, last)
    SELECT CAST(${account} AS BIGINT), CAST(${modSeq} AS BIGINT), CAST(${mailbox} AS BIGINT), low, high
    FROM ${ranges(runsOf(uids))} AS gone`
  yield* changed({ type: 'messages-expunged', account, mailbox, modSeq, uids })
}

/** SQLite, which has no statistics, would go through all emails of the account. */
const orphans = dialect({ sqlite: sql`email INDEXED BY email_orphan`, pg: sql`email` })

/**
 * Takes the messages' share of their emails, the emails that are left without, and their share of the blobs. What is joined is found by both
 * columns of its key, or all emails of the account would be looked at for one message.
 */
function* releaseEmails(account: AccountId, these: Fragment): Op<void> {
  const messages = yield* run`UPDATE email SET refs = refs - going.n
    FROM (SELECT account, email, COUNT(*) AS n FROM message WHERE ${these} GROUP BY account, email) AS going
    WHERE email.account = going.account AND email.id = going.email`
  if (messages === 0) return
  yield* run`UPDATE blob SET refs = refs - going.n
    FROM (SELECT blob, COUNT(*) AS n FROM ${orphans} WHERE account = ${account} AND refs = 0 GROUP BY blob) AS going
    WHERE blob.id = going.blob`
  const freed = yield* get<{ bytes: number | null }>`
    SELECT SUM(size) AS bytes FROM ${orphans} WHERE account = ${account} AND refs = 0`
  const counted = yield* get<{ n: number }>`SELECT COUNT(*) AS n FROM message WHERE ${these}`
  yield* run`DELETE FROM ${orphans} WHERE account = ${account} AND refs = 0`
  yield* run`UPDATE account SET used_bytes = used_bytes - ${freed?.bytes ?? 0},
    used_messages = used_messages - ${counted?.n ?? 0} WHERE id = ${account}`
}
