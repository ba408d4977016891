// COPY and MOVE within an account: another message of the same email (RFC 8474 §5.1), by sets. Between accounts they make other
// emails (`copy-across.ts`).
//
// The target's UIDs are a run in the order of the source's. Everything of one call has one modseq; what came is told before
// what went.
import type { AccountId, MailboxId, ModSeq, Uid } from '../model.ts'
import { changed, get, type Op, refuse, run, sql, tuples } from '../op.ts'
import type { Copied, Outcome, Transfer, UidSelection } from '../store.ts'
import { placeAll } from './arrivals.ts'
import { transferAcross } from './copy-across.ts'
import { noteLeaving } from './departures.ts'
import { leave } from './expunge.ts'
import { foldBlocks } from './flag-blocks.ts'
import { columnsOf } from './flags.ts'
import { among, count, lockAccount, nextModSeq, noCounts, selectableMailbox } from './rows.ts'

/** `flags` and `keywords` as they arrive. */
type SourceRow = [uid: Uid, flags: number, keywords: string, size: number]

/** See `MailStore.copy`. */
export function* copy(
  request: Transfer,
  limits: { threadKeys: number },
): Op<Outcome<Copied, 'no-such-mailbox' | 'over-quota'>> {
  const { account, toAccount = account, from, uids } = request
  if (toAccount !== account) return yield* transferAcross({ ...request, toAccount }, 'copy', limits)
  const begun = yield* begin(request)
  if (!Array.isArray(begun)) return begun
  const rows = begun
  const charged = yield* get<{ modseq: ModSeq }>`
    UPDATE account SET modseq = modseq + 1, used_messages = used_messages + ${rows.length}
    WHERE id = ${account} AND (quota_messages IS NULL OR used_messages + ${rows.length} <= quota_messages)
    RETURNING modseq`
  if (!charged) return { ok: false, reason: 'over-quota' }
  // Before the new rows stand beside the old ones, which a copy within one mailbox could count too.
  yield* run`UPDATE email SET refs = refs + more.n
    FROM (SELECT account, email, COUNT(*) AS n FROM message WHERE ${among({ account, mailbox: from, uids })}
      GROUP BY account, email) AS more
    WHERE email.account = more.account AND email.id = more.email`
  return yield* enter({ ...request, rows, modSeq: charged.modseq })
}

/** See `MailStore.move`. */
export function* move(
  request: Transfer,
  limits: { threadKeys: number },
): Op<Outcome<Copied, 'no-such-mailbox' | 'over-quota'>> {
  const { account, toAccount = account } = request
  if (toAccount !== account) return yield* transferAcross({ ...request, toAccount }, 'move', limits)
  const begun = yield* begin(request)
  if (!Array.isArray(begun)) return begun
  return yield* transfer({ ...request, rows: begun, modSeq: yield* nextModSeq(account) })
}

/** The messages that are to go, of a locked account; or the answer where none can. */
function* begin({ account, from, to, uids }: Transfer): Op<SourceRow[] | Outcome<Copied, 'no-such-mailbox'>> {
  yield* lockAccount(account)
  const target = yield* selectableMailbox(account, to)
  const source = yield* selectableMailbox(account, from)
  if (!target || !source) return { ok: false, reason: 'no-such-mailbox' }
  const rows = yield* sourceRows({ account, mailbox: from, uids })
  return rows.length === 0 ? nothingCopied(target) : rows
}

/** Moves everything, under a modseq that the caller took: RENAME of INBOX. */
export function* moveAll(request: {
  account: AccountId
  from: MailboxId
  to: MailboxId
  modSeq: ModSeq
  now: number
}): Op<void> {
  const { account, from } = request
  const uids: UidSelection = [[1, 0xffff_ffff]]
  const rows = yield* sourceRows({ account, mailbox: from, uids })
  if (rows.length > 0) yield* transfer({ ...request, uids, rows })
}

function nothingCopied(target: { uid_validity: number; modseq: ModSeq }): Outcome<Copied, never> {
  return { ok: true, uidValidity: target.uid_validity, modSeq: target.modseq, from: [], to: [] }
}

interface Entering extends Transfer {
  readonly rows: readonly SourceRow[]
  readonly modSeq: ModSeq
}

function* sourceRows(place: { account: AccountId; mailbox: MailboxId; uids: UidSelection }): Op<SourceRow[]> {
  // The rows are copied as they are.
  yield* foldBlocks(place, place.uids)
  return yield* tuples<SourceRow>`
    SELECT uid, flags, keywords, size FROM message WHERE ${among(place)} ORDER BY uid`
}

function* transfer(request: Entering): Op<Outcome<Copied, 'no-such-mailbox'>> {
  const { account, from, uids, rows, modSeq } = request
  const copied = yield* enter(request)
  if (!copied.ok) return copied
  // The new rows are as young as this modseq; in a move within one mailbox the selection may match them too.
  const these = among({ account, mailbox: from, uids })
  yield* noteLeaving({ account, mailbox: from, modSeq, rows })
  yield* run`DELETE FROM message WHERE ${sql`${these} AND message.added < ${modSeq}`}`
  const counts = noCounts()
  for (const [, flags, , size] of rows) count(counts, flags, size)
  yield* leave({ account, mailbox: from, modSeq, uids: rows.map(([uid]) => uid), counts })
  return copied
}

/** The rows again in the target, with its next UIDs. */
function* enter(request: Entering): Op<Outcome<Copied, 'no-such-mailbox'>> {
  const { account, from, to, uids, modSeq, now, flags: kept = 31, keywords: words = 'all' } = request
  const rows = arriving(request)
  const counts = noCounts()
  for (const [, flags, , size] of rows) count(counts, flags, size)
  const placed = yield* placeAll({ account, mailbox: to, modSeq, counts })
  if (!placed) return yield* refuse({ ok: false, reason: 'no-such-mailbox' })
  yield* run`
    INSERT INTO message
      (account, mailbox, uid, modseq, added, flags, keywords, email, size, internal_date, saved_after)
    SELECT account, CAST(${to} AS BIGINT), CAST(${placed.uid} AS BIGINT) - 1 + ROW_NUMBER() OVER (ORDER BY uid),
      CAST(${modSeq} AS BIGINT), CAST(${modSeq} AS BIGINT), flags & CAST(${kept} AS BIGINT),
      CASE WHEN CAST(${words} AS TEXT) = 'all' THEN keywords ELSE '' END, email, size, internal_date,
      CAST(${now} AS BIGINT) - internal_date
    FROM message WHERE ${among({ account, mailbox: from, uids })}`
  // The range up to uid_next was just taken for these.
  const arrived = rows.map((_, index) => (placed.uid + index) as Uid)
  const columns = columnsOf(
    rows.map(([, flags, keywords], index) => [arrived[index] ?? 0, flags, keywords] as const),
  )
  yield* changed({ type: 'batch', of: 'message-added', account, mailbox: to, modSeq, columns })
  return { ok: true, uidValidity: placed.uid_validity, modSeq, from: rows.map(([uid]) => uid), to: arrived }
}

/** Rows with the flags and keywords that come along. */
function arriving({ rows, flags: kept = 31, keywords: words = 'all' }: Entering): readonly SourceRow[] {
  if (kept === 31 && words === 'all') return rows
  return rows.map(([uid, flags, keywords, size]) => [
    uid,
    flags & kept,
    words === 'all' ? keywords : '',
    size,
  ])
}
