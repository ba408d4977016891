// New messages: delivery to many accounts at once and IMAP APPEND.
//
// What goes to other hosts too, or is a report, or must not be done twice, does that in the same commit (`queue-enqueue.ts`).
// A delivery to one INBOX is five statements: account, blob, mailbox, email, message. The account's row comes first, since
// it serialises the writers of the account, and in order of account, so that two deliveries never wait for each other.
import { Buffer } from 'node:buffer'
import type { AccountId, BlobId, EmailId, MailboxId, ModSeq, StagedMessage, Uid } from '../model.ts'
import { all, changed, get, many, type Op, refuse, run, type Stmt } from '../op.ts'
import type { DeliveryEvent } from '../queue.ts'
import type { DeliverRequest, DeliverResult, DeliveryTarget, Outcome } from '../store.ts'
import { type KeywordLimits, tooManyKeywords } from './flags.ts'
import { createPath } from './mailboxes.ts'
import { claimOnce, enqueue, isOpen } from './queue-enqueue.ts'
import { insertEvents, markReported } from './queue-settle.ts'
import { count, inboxId, lockAccount, noCounts, selectableMailbox } from './rows.ts'

interface Charged {
  readonly modseq: ModSeq
  readonly email: EmailId
}

interface Placed {
  readonly uid: Uid
  readonly uid_validity: number
}

/** A target with its place among the results. */
interface Leg {
  readonly index: number
  readonly target: DeliveryTarget
  readonly size: number
  mailbox: MailboxId
  charged: Charged | undefined
  /** Why it is not charged. */
  reason: 'over-quota' | 'no-such-account'
}

/** See `MailStore.deliver`. */
export function* deliver(
  request: DeliverRequest,
  limits: { mailboxesPerAccount: number },
): Op<DeliverResult> {
  const { once, reported, internalDate } = request
  if (once) {
    const result = yield* claimOnce(once, internalDate)
    if (result !== undefined) return { ok: false, reason: 'done-before', result }
  }
  if (reported && !(yield* markReported(reported, internalDate))) {
    return yield* refuse({ ok: false, reason: 'done-before', result: '' })
  }
  const legs = request.targets.map((target, index): Leg => {
    const size = request.message.blob.size + Buffer.byteLength(target.prefix)
    return { index, target, size, mailbox: inboxId, charged: undefined, reason: 'no-such-account' }
  })
  legs.sort((a, b) => a.target.account - b.target.account)
  for (const leg of legs) {
    if (leg.target.mailbox) leg.mailbox = yield* place(leg.target, request.internalDate, limits)
  }
  const reason = yield* chargeAll(legs, request)
  if (reason) return yield* refuse({ ok: false, reason })
  const kept = yield* keep(request, legs)
  if (request.events) yield* insertEvents(request.events.filter((event) => cameTrue(event, kept.results)))
  return kept
}

/** Only what came of its target is told. */
function cameTrue({ about }: DeliveryEvent, results: Kept['results']): boolean {
  if (about === undefined) return true
  const result = results[about.target]
  return result !== undefined && (result.ok ? 'kept' : result.reason) === about.came
}

/** Charges every account; the reason where nothing could be kept. */
function* chargeAll(
  legs: readonly Leg[],
  { enqueue: queued, quota }: DeliverRequest,
): Op<'over-quota' | 'no-such-account' | undefined> {
  const within = yield* many(legs.map(({ target, size }) => chargeWithinQuota(target.account, size)))
  for (const [index, leg] of legs.entries()) leg.charged = within[index]
  const held = legs.filter(({ charged }) => !charged)
  if (held.length === 0) return legs.length > 0 || queued ? undefined : 'no-such-account'
  const nothing = held.length === legs.length && !queued
  if (nothing || quota === 'each') {
    for (const leg of held) leg.reason = yield* reasonOf(leg.target.account)
    if (!nothing) return undefined
    return held.some((leg) => leg.reason === 'over-quota') ? 'over-quota' : 'no-such-account'
  }
  const anyway = yield* many(held.map(({ target, size }) => chargeRegardless(target.account, size)))
  for (const [index, leg] of held.entries()) leg.charged = anyway[index]
  return undefined
}

/** Why an account was not charged. */
function* reasonOf(id: AccountId): Op<'over-quota' | 'no-such-account'> {
  const account = yield* get<{ state: string }>`SELECT state FROM account WHERE id = ${id}`
  return account?.state === 'active' ? 'over-quota' : 'no-such-account'
}

type Kept = Extract<DeliverResult, { ok: true }>

/** The rows of a charged delivery, and what is told of it. */
function* keep(request: DeliverRequest, legs: readonly Leg[]): Op<Kept> {
  const results: Kept['results'][number][] = legs.map(() => ({ ok: false, reason: 'no-such-account' }))
  for (const { index, reason } of legs) results[index] = { ok: false, reason }
  const { enqueue: queued } = request
  const paid = legs.filter((leg): leg is Leg & { charged: Charged } => leg.charged !== undefined)
  const [blob, ...placed] = yield* many([
    insertBlob(request.message, paid.length + (queued && isOpen(queued) ? 1 : 0)),
    ...paid.map((leg) => placeInMailbox(leg.target, leg)),
  ])
  if (!blob) throw new Error('the blob got no id')
  const rows: Stmt<number>[] = []
  for (const [at, { index, target, size, mailbox, charged }] of paid.entries()) {
    const got = placed[at]
    if (!got) throw new Error(`mailbox ${mailbox} of account ${target.account} is gone`)
    const { account, flags = 0, keywords = '', prefix } = target
    const { internalDate } = request
    rows.push(
      insertEmail({ account, email: charged.email, blob: blob.id, size, receivedAt: internalDate, prefix }),
      run`INSERT INTO message (account, mailbox, uid, modseq, added, flags, keywords, email, size, internal_date)
        VALUES (${account}, ${mailbox}, ${got.uid}, ${charged.modseq}, ${charged.modseq}, ${flags}, ${keywords},
          ${charged.email}, ${size}, ${internalDate})`,
    )
    results[index] = { ok: true, mailbox, uid: got.uid, uidValidity: got.uid_validity }
    yield* changed({
      type: 'message-added',
      account,
      mailbox,
      modSeq: charged.modseq,
      uid: got.uid,
      flags,
      keywords,
    })
  }
  yield* many(rows)
  const id = queued ? yield* enqueue(queued, { id: blob.id, size: request.message.blob.size }) : null
  return { ok: true, results, queued: id, ...(queued?.lease && { blob: blob.id }) }
}

/** The mailbox that the target names, made where it asks for that, else INBOX. */
function* place(target: DeliveryTarget, now: number, limits: { mailboxesPerAccount: number }): Op<MailboxId> {
  const { account, mailbox } = target
  if (!mailbox) return inboxId
  // Or it could be removed between this look and the message.
  yield* lockAccount(account)
  const found = yield* get<{ id: MailboxId }>`
    SELECT id FROM mailbox WHERE account = ${account} AND name = ${mailbox.name} AND selectable = 1`
  if (found) return found.id
  if (!mailbox.create) return inboxId
  const owner = yield* get<{ state: string }>`SELECT state FROM account WHERE id = ${account}`
  if (owner?.state !== 'active') return inboxId
  const made = yield* createPath({ account, name: mailbox.name, now }, limits)
  return made.ok ? made.mailbox : inboxId
}

function chargeWithinQuota(account: AccountId, size: number): Stmt<Charged | undefined> {
  return get<Charged>`
    UPDATE account SET modseq = modseq + 1, next_email = next_email + 1, used_bytes = used_bytes + ${size},
      used_messages = used_messages + 1
    WHERE id = ${account} AND state = 'active' AND (quota_bytes IS NULL OR used_bytes + ${size} <= quota_bytes)
      AND (quota_messages IS NULL OR used_messages < quota_messages)
    RETURNING modseq, next_email - 1 AS email`
}

function chargeRegardless(account: AccountId, size: number): Stmt<Charged | undefined> {
  return get<Charged>`
    UPDATE account SET modseq = modseq + 1, next_email = next_email + 1, used_bytes = used_bytes + ${size},
      used_messages = used_messages + 1
    WHERE id = ${account} AND state = 'active' RETURNING modseq, next_email - 1 AS email`
}

function insertBlob({ blob, structure }: StagedMessage, refs: number): Stmt<{ id: BlobId } | undefined> {
  const key = blob.type === 'stored' ? blob.key : null
  const data = blob.type === 'inline' ? blob.bytes : null
  return get<{ id: BlobId }>`INSERT INTO blob (refs, size, structure, key, data)
    VALUES (${refs}, ${blob.size}, ${structure}, ${key}, ${data}) RETURNING id`
}

function placeInMailbox(target: DeliveryTarget, leg: Leg & { charged: Charged }): Stmt<Placed | undefined> {
  const flags = target.flags ?? 0
  return get<Placed>`
    UPDATE mailbox SET uid_next = uid_next + 1, modseq = ${leg.charged.modseq}, messages = messages + 1,
      unseen = unseen + ${(flags & 1) === 0 ? 1 : 0}, deleted = deleted + ${(flags & 8) === 0 ? 0 : 1},
      bytes = bytes + ${leg.size}
    WHERE account = ${target.account} AND id = ${leg.mailbox} RETURNING uid_next - 1 AS uid, uid_validity`
}

function insertEmail(row: {
  account: AccountId
  email: number
  blob: BlobId
  size: number
  receivedAt: number
  prefix: string
}): Stmt<number> {
  return run`INSERT INTO email (account, id, blob, refs, size, received_at, prefix)
    VALUES (${row.account}, ${row.email}, ${row.blob}, 1, ${row.size}, ${row.receivedAt}, ${row.prefix})`
}

export interface AppendRequest {
  readonly account: AccountId
  readonly mailbox: MailboxId
  readonly messages: readonly {
    readonly message: StagedMessage
    readonly flags: number
    readonly keywords: string
    readonly internalDate: number
  }[]
}

type Appended = Outcome<
  { uids: readonly Uid[]; uidValidity: number; modSeq: ModSeq },
  'over-quota' | 'no-such-mailbox' | 'too-many-keywords' | 'not-there'
>

/** See `MailStore.append`. */
export function* append(request: AppendRequest, limits: KeywordLimits): Op<Appended> {
  const { account, mailbox, messages } = request
  if (messages.some(({ keywords }) => tooManyKeywords(keywords, limits))) {
    return { ok: false, reason: 'too-many-keywords' }
  }
  const counts = noCounts()
  for (const { message, flags } of messages) count(counts, flags, message.blob.size)
  if (!(yield* selectableMailbox(account, mailbox))) return { ok: false, reason: 'no-such-mailbox' }
  const charged = yield* get<Charged>`
    UPDATE account SET modseq = modseq + 1, next_email = next_email + ${counts.messages},
      used_bytes = used_bytes + ${counts.bytes}, used_messages = used_messages + ${counts.messages}
    WHERE id = ${account} AND (quota_bytes IS NULL OR used_bytes + ${counts.bytes} <= quota_bytes)
      AND (quota_messages IS NULL OR used_messages + ${counts.messages} <= quota_messages)
    RETURNING modseq, next_email - ${counts.messages} AS email`
  if (!charged) return { ok: false, reason: 'over-quota' }
  const placed = yield* get<Placed>`
    UPDATE mailbox SET uid_next = uid_next + ${counts.messages}, modseq = ${charged.modseq},
      messages = messages + ${counts.messages}, unseen = unseen + ${counts.unseen},
      deleted = deleted + ${counts.deleted}, bytes = bytes + ${counts.bytes}
    WHERE account = ${account} AND id = ${mailbox} AND selectable = 1
    RETURNING uid_next - ${counts.messages} AS uid, uid_validity`
  if (!placed) return yield* refuse({ ok: false, reason: 'no-such-mailbox' })
  const blobs = yield* many(messages.map(({ message }) => insertBlob(message, 1)))
  const rows: Stmt<number>[] = []
  const uids: Uid[] = []
  const { modseq: modSeq } = charged
  for (const [index, { message, flags, keywords, internalDate }] of messages.entries()) {
    const blob = blobs[index]
    if (!blob) throw new Error('a blob got no id')
    const email = charged.email + index
    // The range up to uid_next was just taken for these.
    const uid = (placed.uid + index) as Uid
    const { size } = message.blob
    rows.push(
      insertEmail({ account, email, blob: blob.id, size, receivedAt: internalDate, prefix: '' }),
      run`INSERT INTO message (account, mailbox, uid, modseq, added, flags, keywords, email, size, internal_date)
        VALUES (${account}, ${mailbox}, ${uid}, ${modSeq}, ${modSeq}, ${flags}, ${keywords}, ${email}, ${size},
          ${internalDate})`,
    )
    uids.push(uid)
    yield* changed({ type: 'message-added', account, mailbox, modSeq, uid, flags, keywords })
  }
  yield* many(rows)
  return { ok: true, uids, uidValidity: placed.uid_validity, modSeq }
}

/** Up to `limit` blobs that neither an email nor the queue names leave, the newest as an empty row that keeps its id from coming again. */
export function* dropOrphanBlobs(limit: number): Op<{ dropped: number; keys: string[] }> {
  const doomed = yield* all<{ id: BlobId; key: string | null }>`
    SELECT id, key FROM blob WHERE refs = 0 AND (size > 0 OR id < (SELECT MAX(id) FROM blob)) ORDER BY id LIMIT ${limit}`
  const newest = yield* get<{ id: BlobId | null }>`SELECT MAX(id) AS id FROM blob`
  for (const { id } of doomed) {
    if (id !== newest?.id) yield* run`DELETE FROM blob WHERE id = ${id} AND refs = 0`
    else
      yield* run`UPDATE blob SET size = 0, structure = '', key = NULL, data = ${new Uint8Array()} WHERE id = ${id}`
  }
  return { dropped: doomed.length, keys: doomed.flatMap(({ key }) => key ?? []) }
}
