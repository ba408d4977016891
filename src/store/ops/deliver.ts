// New messages: delivery to many accounts at once.
//
// What goes to other hosts too, or is a report, or must not be done twice, does that in the same commit (`queue-enqueue.ts`).
// A delivery to one INBOX is six statements: account, blob, mailbox, the thread's key, email, message; an answer looks its keys up first.
// The account's row comes first, since it serialises the writers of the account, and in order of account, so that two
// deliveries never wait for each other.
import { Buffer } from 'node:buffer'
import type { AccountId, BlobId, Change, EmailId, MailboxId, ObjectId, Uid } from '../model.ts'
import { all, changed, get, many, type Op, refuse, run, type Stmt } from '../op.ts'
import type { DeliveryEvent } from '../queue.ts'
import type { DeliverRequest, DeliverResult, DeliveryTarget } from '../store.ts'
import { type Charged, insertBlob, insertEmail, insertMessage, type Placed } from './arrivals.ts'
import { createPath } from './mailboxes.ts'
import { changeObjects } from './objects.ts'
import { claimOnce, enqueue, isOpen } from './queue-enqueue.ts'
import { insertEvents, markReported } from './queue-settle.ts'
import { inboxId, lockAccount, lockAccounts } from './rows.ts'
import {
  claimThreadKey,
  joinThreads,
  keepThreadKeys,
  type KeyRow,
  knownThreadKeys,
  stagedThreadKeys,
} from './threads.ts'

interface DeliverLimits {
  readonly objectSize: number
  readonly mailboxesPerAccount: number
  readonly threadKeys: number
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

type PaidLeg = Leg & { readonly charged: Charged }

/** See `MailStore.deliver`. */
export function* deliver(request: DeliverRequest, limits: DeliverLimits): Op<DeliverResult> {
  const { once, reported, internalDate, keeps } = request
  if (once) {
    const result = yield* claimOnce(once, internalDate)
    if (result !== undefined) return { ok: false, reason: 'done-before', result }
  }
  if (reported && !(yield* markReported(reported, internalDate))) {
    return yield* refuse({ ok: false, reason: 'done-before', result: '' })
  }
  // The object's account too, before any of them is charged.
  if (keeps) yield* lockAccounts([keeps.account, ...request.targets.map(({ account }) => account)])
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
  const kept = yield* keep(request, legs, limits)
  const object = keeps && (yield* keepObject(keeps, internalDate, limits))
  if (request.events) yield* insertEvents(request.events.filter((event) => cameTrue(event, kept.results)))
  return object === undefined ? kept : { ...kept, object }
}

function* keepObject(
  { account, kind, key, value, expiresAt }: NonNullable<DeliverRequest['keeps']>,
  now: number,
  limits: DeliverLimits,
): Op<ObjectId> {
  const made = yield* changeObjects({ account, kind, create: [{ key, value, expiresAt }], now }, limits)
  const [id] = made.ok ? made.created : []
  if (id === undefined) throw new Error(`object ${kind} of a delivery: ${made.ok ? 'none' : made.reason}`)
  return id
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
  let missing = 0
  for (let index = 0; index < legs.length; index++) {
    const leg = legs[index]
    if (leg === undefined) continue
    leg.charged = within[index]
    if (leg.charged === undefined) missing++
  }
  if (missing === 0) return legs.length > 0 || queued ? undefined : 'no-such-account'
  const held = legs.filter(({ charged }) => !charged)
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
function* keep(request: DeliverRequest, legs: readonly Leg[], limits: DeliverLimits): Op<Kept> {
  const results: Kept['results'][number][] = legs.map(() => ({ ok: false, reason: 'no-such-account' }))
  for (const { index, reason } of legs) results[index] = { ok: false, reason }
  const { enqueue: queued } = request
  const paid = legs.filter((leg): leg is PaidLeg => leg.charged !== undefined)
  const keys = paid.length === 0 ? [] : stagedThreadKeys(request.message, limits.threadKeys)
  const owners = keys.length === 0 ? [] : ownersOf(paid)
  const [blob, ...answers] = yield* many([
    insertBlob(request.message, paid.length + (queued && isOpen(queued) ? 1 : 0)),
    ...paid.map((leg) => placeInMailbox(leg.target, leg)),
    ...owners.map((account) => whoseKeys(account, { keys, paid })),
  ])
  if (!blob) throw new Error('the blob got no id')
  const rows: Stmt<number>[] = []
  const threads = new Map<PaidLeg, EmailId | null>()
  for (const [at, account] of owners.entries()) {
    const answer = answers[paid.length + at]
    const known = Array.isArray(answer) ? answer : []
    const own = paid.filter((leg) => leg.target.account === account)
    const [claimed] = known
    if (keys.length === 1 && claimed !== undefined) {
      // The key is there now, whoever brought it: nothing is to be kept.
      for (const leg of own) threads.set(leg, claimed.thread < leg.charged.email ? claimed.thread : null)
      continue
    }
    const joined = joinThreads(
      known,
      own.map(({ charged }) => ({ email: charged.email, keys })),
    )
    for (const leg of own) threads.set(leg, joined.threads.get(leg.charged.email) ?? null)
    rows.push(...keepThreadKeys(account, joined.fresh))
  }
  for (const [at, leg] of paid.entries()) {
    const got = answers[at]
    const { index, target, mailbox } = leg
    if (!got || Array.isArray(got)) throw new Error(`mailbox ${mailbox} of account ${target.account} is gone`)
    const place = { blob: blob.id, uid: got.uid, thread: threads.get(leg) ?? null }
    rows.push(...rowsOf(leg, place, request.internalDate))
    results[index] = { ok: true, mailbox, uid: got.uid, uidValidity: got.uid_validity }
    yield* changed(additionOf(leg, got.uid))
  }
  yield* many(rows)
  const id = queued ? yield* enqueue(queued, { id: blob.id, size: request.message.blob.size }) : null
  return { ok: true, results, queued: id, ...(queued?.lease && { blob: blob.id }) }
}

/** In the order of the legs, each once. */
function ownersOf(legs: readonly PaidLeg[]): AccountId[] {
  const owners: AccountId[] = []
  for (const { target } of legs) if (owners.at(-1) !== target.account) owners.push(target.account)
  return owners
}

/** Nearly all mail that is no answer has one key: it is looked up and kept in one statement. */
function whoseKeys(
  account: AccountId,
  { keys, paid }: { keys: readonly number[]; paid: readonly PaidLeg[] },
): Stmt<KeyRow[]> {
  const [key] = keys
  const first = paid.find(({ target }) => target.account === account)
  return keys.length === 1 && key !== undefined && first !== undefined
    ? claimThreadKey(account, key, first.charged.email)
    : knownThreadKeys(account, keys)
}

function rowsOf(
  { target, charged, mailbox, size }: PaidLeg,
  { blob, uid, thread }: { blob: BlobId; uid: Uid; thread: EmailId | null },
  internalDate: number,
): Stmt<number>[] {
  const { account, flags = 0, keywords = '', prefix } = target
  const { email, modseq: modSeq } = charged
  return [
    insertEmail({ account, email, blob, size, receivedAt: internalDate, prefix, thread }),
    insertMessage({
      ...{ account, mailbox, uid, modSeq, flags, keywords, email, size, internalDate },
      savedAt: internalDate,
    }),
  ]
}

function additionOf({ target, charged, mailbox }: PaidLeg, uid: Uid): Change {
  const { account, flags = 0, keywords = '' } = target
  return { type: 'message-added', account, mailbox, modSeq: charged.modseq, uid, flags, keywords }
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

function placeInMailbox(target: DeliveryTarget, leg: PaidLeg): Stmt<Placed | undefined> {
  const flags = target.flags ?? 0
  return get<Placed>`
    UPDATE mailbox SET uid_next = uid_next + 1, modseq = ${leg.charged.modseq}, messages = messages + 1,
      unseen = unseen + ${(flags & 1) === 0 ? 1 : 0}, deleted = deleted + ${(flags & 8) === 0 ? 0 : 1},
      bytes = bytes + ${leg.size}
    WHERE account = ${target.account} AND id = ${leg.mailbox} RETURNING uid_next - 1 AS uid, uid_validity`
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
