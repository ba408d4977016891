// What changed since a modseq, from the rows and their tombstones, and the forgetting of tombstones.
//
// A modseq is told whole or not at all: `limit` is rounded up to the end of its modseq, so that who goes on from the
// `modSeq` of an answer misses nothing.
//
// Messages have no index by modseq (docs/decisions/010-no-modseq-index.md): the mailboxes that changed since are scanned, and
// a mailbox's modseq is never less than that of a message in it.
import type { AccountId, Change, MailboxId, ModSeq, Uid } from '../model.ts'
import { all, type Fragment, get, type Op, run, sql, tuples } from '../op.ts'
import { blocksOf, told } from './flag-blocks.ts'
import { newsWhere } from './news.ts'
import { among } from './rows.ts'
import { runsOf } from './uid-runs.ts'

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
  const blocks = yield* toldSince(request)
  const upTo = (yield* cut(request, blocks)) ?? state.modseq
  const span = sql`account = ${account} AND modseq > ${since} AND modseq <= ${upTo}`
  const here = mailbox === undefined ? sql`` : sql`AND mailbox = ${mailbox}`
  const changes: (Change & { modSeq: ModSeq })[] = [
    ...(yield* ownChanges(request, upTo)),
    ...(yield* messageChanges(request, { upTo, blocks })),
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
function* cut(request: ChangesRequest, blocks: ToldSince): Op<ModSeq | undefined> {
  const { account, since, mailbox, limit } = request
  if (limit === undefined) return undefined
  const here = mailbox === undefined ? sql`` : sql`AND mailbox = ${mailbox}`
  const offset = Math.max(0, limit - 1)
  const message =
    blocks.size > 0
      ? yield* cutWithBlocks(request, { blocks, offset })
      : yield* get<{ modseq: ModSeq }>`SELECT modseq FROM message WHERE ${youngerMessages(request)}
          ORDER BY modseq LIMIT 1 OFFSET ${offset}`
  const stone = yield* get<{ modseq: ModSeq }>`
    SELECT modseq FROM tombstone WHERE account = ${account} AND modseq > ${since} ${here}
    ORDER BY modseq LIMIT 1 OFFSET ${offset}`
  if (!message || !stone) return (message ?? stone)?.modseq
  return message.modseq < stone.modseq ? message.modseq : stone.modseq
}

function* cutWithBlocks(
  request: ChangesRequest,
  { blocks, offset }: { blocks: ToldSince; offset: number },
): Op<{ modseq: ModSeq } | undefined> {
  const rows = yield* tuples<[mailbox: MailboxId, uid: number, modSeq: ModSeq]>`
    SELECT mailbox, uid, modseq FROM message WHERE ${youngerMessages(request)}`
  const modSeqs = rows.flatMap(([mailbox, uid, modSeq]) => (blocks.get(mailbox)?.has(uid) ? [] : [modSeq]))
  for (const changes of blocks.values()) for (const { modSeq } of changes.values()) modSeqs.push(modSeq)
  const modseq = modSeqs.sort((a, b) => a - b)[offset]
  return modseq === undefined ? undefined : { modseq }
}

/** By mailbox and UID: what blocks say of changes since then, which stands before the rows. */
type ToldSince = ReadonlyMap<MailboxId, ReadonlyMap<number, { flags: number; modSeq: ModSeq }>>

function* toldSince(request: ChangesRequest): Op<ToldSince> {
  const rows = yield* all<{ mailbox: MailboxId; first: number; states: Uint8Array }>`
    SELECT mailbox, first, states FROM flag_block WHERE account = ${request.account} AND mailbox IN
      (${changedMailboxes(request)}) ORDER BY mailbox, first`
  const found = new Map<MailboxId, Map<number, { flags: number; modSeq: ModSeq }>>()
  for (const row of rows) {
    for (const { uid, flags, modSeq } of told(blocksOf([row]))) {
      if (modSeq <= request.since) continue
      let ofMailbox = found.get(row.mailbox)
      if (!ofMailbox) found.set(row.mailbox, (ofMailbox = new Map()))
      // It was one of the account's.
      ofMailbox.set(uid, { flags, modSeq: modSeq as ModSeq })
    }
  }
  return found
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
function youngerMessages(request: ChangesRequest): Fragment {
  const { account, since } = request
  return sql`account = ${account} AND modseq > ${since} AND mailbox IN (${changedMailboxes(request)})`
}

function changedMailboxes({ account, since, mailbox }: ChangesRequest): Fragment {
  const only = mailbox === undefined ? sql`` : sql`AND id = ${mailbox}`
  return sql`SELECT id FROM mailbox WHERE account = ${account} AND modseq > ${since} ${only}`
}

interface YoungRow {
  readonly mailbox: MailboxId
  readonly uid: Uid
  readonly modseq: ModSeq
  readonly added: ModSeq
  readonly flags: number
  readonly keywords: string
}

function* messageChanges(
  request: ChangesRequest,
  { upTo, blocks }: { upTo: ModSeq; blocks: ToldSince },
): Op<Told[]> {
  const { account, since } = request
  let rows = yield* all<YoungRow>`SELECT mailbox, uid, modseq, added, flags, keywords FROM message
    WHERE ${youngerMessages(request)} AND modseq <= ${upTo} ORDER BY modseq, mailbox, uid`
  if (blocks.size > 0) {
    rows = rows.filter(({ mailbox, uid }) => !blocks.get(mailbox)?.has(uid))
    for (const [mailbox, changes] of blocks)
      rows.push(...(yield* rowsInBlocks(request, { mailbox, changes, upTo })))
    rows.sort((a, b) => a.modseq - b.modseq || a.mailbox - b.mailbox || a.uid - b.uid)
  }
  return rows.map(({ mailbox, uid, modseq: modSeq, added, flags, keywords }) => {
    const type = added > since ? 'message-added' : 'flags-changed'
    return { type, account, mailbox, modSeq, uid, flags, keywords }
  })
}

/** The rest of what is told of messages in blocks, which is in their rows. */
function* rowsInBlocks(
  { account }: ChangesRequest,
  told: { mailbox: MailboxId; changes: ReadonlyMap<number, { flags: number; modSeq: ModSeq }>; upTo: ModSeq },
): Op<YoungRow[]> {
  const { mailbox, changes, upTo } = told
  const uids = [...changes].flatMap(([uid, { modSeq }]) => (modSeq <= upTo ? [uid] : []))
  if (uids.length === 0) return []
  const rows = yield* all<YoungRow>`SELECT mailbox, uid, modseq, added, flags, keywords FROM message
    WHERE ${among({ account, mailbox, uids: runsOf(uids) })}`
  return rows.map((row) => {
    const change = changes.get(row.uid)
    return change ? { ...row, flags: change.flags, modseq: change.modSeq } : row
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
       UNION ALL SELECT account, modseq FROM departure WHERE seen_at < ${before}
       UNION ALL SELECT account, modseq FROM news WHERE seen_at < ${before}) AS old
    GROUP BY account ORDER BY account`
  let dropped = 0
  for (const { account, modseq } of due) {
    yield* run`UPDATE account SET forgotten = ${modseq} WHERE id = ${account} AND forgotten < ${modseq}`
    yield* noteForgotten(account, modseq)
    dropped += yield* run`DELETE FROM tombstone WHERE account = ${account} AND modseq <= ${modseq}`
    dropped += yield* run`DELETE FROM mailbox_tombstone WHERE account = ${account} AND modseq <= ${modseq}`
    dropped += yield* run`DELETE FROM object_tombstone WHERE account = ${account} AND modseq <= ${modseq}`
    yield* run`DELETE FROM departure WHERE account = ${account} AND modseq <= ${modseq}`
    yield* run`DELETE FROM news WHERE account = ${account} AND modseq <= ${modseq}`
  }
  yield* run`UPDATE tombstone SET seen_at = ${now} WHERE seen_at IS NULL`
  yield* run`UPDATE mailbox_tombstone SET seen_at = ${now} WHERE seen_at IS NULL`
  yield* run`UPDATE object_tombstone SET seen_at = ${now} WHERE seen_at IS NULL`
  yield* run`UPDATE departure SET seen_at = ${now} WHERE seen_at IS NULL`
  yield* run`UPDATE news SET seen_at = ${now} WHERE seen_at IS NULL`
  return { dropped, accounts: due.map(({ account }) => account) }
}

/** Of each kind, the last that is about to go. */
function* noteForgotten(account: AccountId, upTo: ModSeq): Op<void> {
  const left = yield* get<{ last: ModSeq | null }>`
    SELECT MAX(modseq) AS last FROM departure WHERE account = ${account} AND modseq <= ${upTo}`
  const mailboxes = yield* get<{ last: ModSeq | null }>`SELECT MAX(modseq) AS last FROM
    (SELECT modseq FROM mailbox_tombstone WHERE account = ${account} AND modseq <= ${upTo}
     UNION ALL SELECT modseq FROM news
       WHERE account = ${account} AND modseq <= ${upTo} AND kind = 'subscription') AS gone`
  yield* run`UPDATE account SET forgotten_departures = ${left?.last ?? 0}
    WHERE id = ${account} AND forgotten_departures < ${left?.last ?? 0}`
  yield* run`UPDATE account SET forgotten_mailboxes = ${mailboxes?.last ?? 0}
    WHERE id = ${account} AND forgotten_mailboxes < ${mailboxes?.last ?? 0}`
  const kinds = yield* all<{
    kind: string
    last: ModSeq
  }>`SELECT kind, MAX(modseq) AS last FROM object_tombstone
    WHERE account = ${account} AND modseq <= ${upTo} GROUP BY kind ORDER BY kind`
  for (const { kind, last } of kinds) {
    yield* run`UPDATE object_kind SET forgotten = ${last}
      WHERE account = ${account} AND kind = ${kind} AND forgotten < ${last}`
  }
}
