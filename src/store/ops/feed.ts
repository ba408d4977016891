// What changed since a modseq, from the rows and their tombstones, and the forgetting of tombstones.
//
// A modseq is told whole or not at all: `limit` is rounded up to the end of its modseq, so that who goes on from the
// `modSeq` of an answer misses nothing.
//
// Messages have no index by modseq (docs/decisions/010-no-modseq-index.md): the mailboxes that changed since are scanned, and
// a mailbox's modseq is never less than that of a message in it.
import type { AccountId, Change, MailboxId, ModSeq, Uid } from '../model.ts'
import { all, type Fragment, get, type Op, run, sql } from '../op.ts'
import { newsWhere } from './news.ts'

export interface ChangesRequest {
  readonly account: AccountId
  readonly since: ModSeq
  readonly mailbox?: MailboxId
  readonly limit?: number
}

/** See `MailStore.changesSince`. */
export function* changesSince(
  request: ChangesRequest,
): Op<{ changes: Change[]; modSeq: ModSeq; complete: boolean }> {
  const { account, since, mailbox } = request
  const state = yield* get<{ modseq: ModSeq; forgotten: number }>`
    SELECT modseq, forgotten FROM account WHERE id = ${account}`
  if (!state) return { changes: [], modSeq: since, complete: false }
  const upTo = (yield* cut(request)) ?? state.modseq
  const span = sql`account = ${account} AND modseq > ${since} AND modseq <= ${upTo}`
  const here = mailbox === undefined ? sql`` : sql`AND mailbox = ${mailbox}`
  const changes: (Change & { modSeq: ModSeq })[] = [
    ...(yield* ownChanges(request, upTo)),
    ...(yield* messageChanges(request, upTo)),
    ...(yield* expunges(request, sql`${span} ${here}`)),
    ...(yield* removals(request, sql`${span} ${here}`)),
    ...(yield* newsWhere(account, sql`${span} ${here}`)),
    ...(mailbox === undefined ? yield* kinds(request, span) : []),
  ]
  // A stable sort: within a modseq the order above stays.
  changes.sort((a, b) => a.modSeq - b.modSeq)
  return { changes, modSeq: upTo, complete: since >= state.forgotten }
}

/** The modseq at which a limited answer ends; undefined where there is no more than the limit. */
function* cut(request: ChangesRequest): Op<ModSeq | undefined> {
  const { account, since, mailbox, limit } = request
  if (limit === undefined) return undefined
  const here = mailbox === undefined ? sql`` : sql`AND mailbox = ${mailbox}`
  const offset = Math.max(0, limit - 1)
  const message = yield* get<{ modseq: ModSeq }>`
    SELECT modseq FROM message WHERE ${youngerMessages(request)}
    ORDER BY modseq LIMIT 1 OFFSET ${offset}`
  const stone = yield* get<{ modseq: ModSeq }>`
    SELECT modseq FROM tombstone WHERE account = ${account} AND modseq > ${since} ${here}
    ORDER BY modseq LIMIT 1 OFFSET ${offset}`
  if (!message || !stone) return (message ?? stone)?.modseq
  return message.modseq < stone.modseq ? message.modseq : stone.modseq
}

type Told = Change & { modSeq: ModSeq }

function* ownChanges({ account, since, mailbox }: ChangesRequest, upTo: ModSeq): Op<Told[]> {
  const only = mailbox === undefined ? sql`` : sql`AND id = ${mailbox}`
  const rows = yield* all<{ id: MailboxId; added: ModSeq; changed: ModSeq }>`
    SELECT id, added, changed FROM mailbox
    WHERE account = ${account} AND changed > ${since} AND changed <= ${upTo} ${only} ORDER BY id`
  return rows.map(({ id, added, changed }) => ({
    type: added > since ? 'mailbox-created' : 'mailbox-changed',
    account,
    mailbox: id,
    modSeq: changed,
  }))
}

/** The condition that a row of `message` changed since then. */
function youngerMessages({ account, since, mailbox }: ChangesRequest): Fragment {
  const only = mailbox === undefined ? sql`` : sql`AND id = ${mailbox}`
  return sql`account = ${account} AND modseq > ${since} AND mailbox IN
    (SELECT id FROM mailbox WHERE account = ${account} AND modseq > ${since} ${only})`
}

function* messageChanges(request: ChangesRequest, upTo: ModSeq): Op<Told[]> {
  const { account, since } = request
  const rows = yield* all<{
    mailbox: MailboxId
    uid: Uid
    modseq: ModSeq
    added: ModSeq
    flags: number
    keywords: string
  }>`SELECT mailbox, uid, modseq, added, flags, keywords FROM message
    WHERE ${youngerMessages(request)} AND modseq <= ${upTo} ORDER BY modseq, mailbox, uid`
  return rows.map(({ mailbox, uid, modseq: modSeq, added, flags, keywords }) => {
    const type = added > since ? 'message-added' : 'flags-changed'
    return { type, account, mailbox, modSeq, uid, flags, keywords }
  })
}

function* expunges({ account }: ChangesRequest, where: Fragment): Op<Told[]> {
  const rows = yield* all<{ mailbox: MailboxId; modseq: ModSeq; first: Uid; last: Uid }>`
    SELECT mailbox, modseq, first, last FROM tombstone WHERE ${where} ORDER BY modseq, mailbox, first`
  const told: {
    type: 'messages-expunged'
    account: AccountId
    mailbox: MailboxId
    modSeq: ModSeq
    uids: Uid[]
  }[] = []
  for (const { mailbox, modseq: modSeq, first, last } of rows) {
    let change = told.at(-1)
    if (change?.mailbox !== mailbox || change.modSeq !== modSeq) {
      change = { type: 'messages-expunged', account, mailbox, modSeq, uids: [] }
      told.push(change)
    }
    // Every UID of a tombstone was one.
    for (let uid = first; uid <= last; uid++) change.uids.push(uid as Uid)
  }
  return told
}

function* removals({ account }: ChangesRequest, where: Fragment): Op<Told[]> {
  const rows = yield* all<{ mailbox: MailboxId; modseq: ModSeq }>`
    SELECT mailbox, modseq FROM mailbox_tombstone WHERE ${where} ORDER BY modseq, mailbox`
  return rows.map(({ mailbox, modseq: modSeq }) => ({ type: 'mailbox-removed', account, mailbox, modSeq }))
}

function* kinds({ account }: ChangesRequest, where: Fragment): Op<Told[]> {
  const rows = yield* all<{ kind: string; modseq: ModSeq }>`
    SELECT kind, modseq FROM object_kind WHERE ${where} ORDER BY modseq, kind`
  return rows.map(({ kind, modseq: modSeq }) => ({ type: 'objects-changed', account, modSeq, kind }))
}

/** Marks tombstones that no collection has seen with `now`, and drops those that were marked before `before`: how many, and whose. */
export function* forgetTombstones(request: {
  now: number
  before: number
}): Op<{ dropped: number; accounts: AccountId[] }> {
  const { now, before } = request
  const due = yield* all<{ account: AccountId; modseq: ModSeq }>`
    SELECT account, MAX(modseq) AS modseq FROM
      (SELECT account, modseq FROM tombstone WHERE seen_at < ${before}
       UNION ALL SELECT account, modseq FROM mailbox_tombstone WHERE seen_at < ${before}
       UNION ALL SELECT account, modseq FROM object_tombstone WHERE seen_at < ${before}
       UNION ALL SELECT account, modseq FROM news WHERE seen_at < ${before}) AS old
    GROUP BY account ORDER BY account`
  let dropped = 0
  for (const { account, modseq } of due) {
    yield* run`UPDATE account SET forgotten = ${modseq} WHERE id = ${account} AND forgotten < ${modseq}`
    dropped += yield* run`DELETE FROM tombstone WHERE account = ${account} AND modseq <= ${modseq}`
    dropped += yield* run`DELETE FROM mailbox_tombstone WHERE account = ${account} AND modseq <= ${modseq}`
    dropped += yield* run`DELETE FROM object_tombstone WHERE account = ${account} AND modseq <= ${modseq}`
    yield* run`DELETE FROM news WHERE account = ${account} AND modseq <= ${modseq}`
  }
  yield* run`UPDATE tombstone SET seen_at = ${now} WHERE seen_at IS NULL`
  yield* run`UPDATE mailbox_tombstone SET seen_at = ${now} WHERE seen_at IS NULL`
  yield* run`UPDATE object_tombstone SET seen_at = ${now} WHERE seen_at IS NULL`
  yield* run`UPDATE news SET seen_at = ${now} WHERE seen_at IS NULL`
  return { dropped, accounts: due.map(({ account }) => account) }
}
