// Submissions as they are kept (RFC 8621 §7), and what the queue knows of them: `undoStatus` and `deliveryStatus` are computed from its rows
// for as long as there are any, and kept when nothing can change any more.
import { encodeObjectId } from '../../mail/object-id.ts'
import type { AccountId } from '../../store/model.ts'
import type { StoredObject } from '../../store/objects.ts'
import type { Attempt, QueueEntry, QueueRecipient } from '../../store/queue.ts'
import type { Store } from '../../store/store.ts'
import { submissionKind } from '../../store/submissions.ts'
import type { SubmissionRecord, SubmissionStatus } from '../../delivery/submission-record.ts'
import { emailBlobId } from '../proto/blob-ids.ts'
import { submission } from '../proto/capabilities.ts'
import { formatUtcDate } from '../proto/date.ts'
import { objectOf, type Json, type JsonObject } from '../proto/json.ts'
import { ObjectTypeStore } from './object-type.ts'

export type UndoStatus = 'pending' | 'final' | 'canceled'

/** One with what is known of it now. */
export interface LiveSubmission {
  readonly object: StoredObject
  readonly record: SubmissionRecord
  readonly undoStatus: UndoStatus
}

export function submissionStore(parts: {
  readonly store: Store
  readonly now: () => number
}): ObjectTypeStore {
  const type = { name: 'EmailSubmission', capability: submission, kind: submissionKind, letter: 'S' }
  return new ObjectTypeStore(type, parts)
}

/** Looks at the queue; what is over is kept as it is. */
export async function liveSubmissions(
  store: Store,
  { account, objects, now }: { account: AccountId; objects: readonly StoredObject[]; now: number },
): Promise<LiveSubmission[]> {
  const live: LiveSubmission[] = []
  for (const object of objects) {
    // Written by `delivery/submission-record.ts`.
    const record = JSON.parse(object.value) as SubmissionRecord
    if (record.canceled) live.push({ object, record, undoStatus: 'canceled' })
    else if (record.isOver) live.push({ object, record, undoStatus: 'final' })
    else live.push(await looked(store, { account, object, record, now }))
  }
  return live
}

async function looked(
  store: Store,
  at: { account: AccountId; object: StoredObject; record: SubmissionRecord; now: number },
): Promise<LiveSubmission> {
  const { account, object, record, now } = at
  const id = await store.findQueued(object.key ?? '')
  const entry = id === undefined ? undefined : await store.queueEntry(id)
  const found = entry === undefined ? over(record) : statusOf(record, entry)
  if (found.isOver) {
    // Whoever is quicker keeps it.
    await store.changeObjects({
      ...{ account, kind: submissionKind, now },
      update: [{ id: object.id, value: JSON.stringify(found), ifModSeq: object.modSeq }],
    })
  }
  const waits = entry?.recipients.every(({ state }) => state === 'waiting' || state === 'held') ?? false
  // RFC 8621 §7: pending as long as nobody has got it.
  const nobody = Object.values(record.status).every(({ delivered }) => delivered !== 'yes')
  return { object, record: found, undoStatus: waits && nobody ? 'pending' : 'final' }
}

/** The queue has forgotten it, or never had it. */
function over(record: SubmissionRecord): SubmissionRecord {
  const status = Object.entries(record.status).map(([email, one]) => {
    return [email, one.delivered === 'queued' ? { ...one, delivered: 'unknown' as const } : one] as const
  })
  return { ...record, isOver: true, status: Object.fromEntries(status) }
}

function statusOf(record: SubmissionRecord, entry: QueueEntry): SubmissionRecord {
  const status = new Map(Object.entries(record.status))
  for (const row of entry.recipients) {
    const email = Object.keys(record.status).find((one) => sameAddress(one, row.address))
    const before = email === undefined ? undefined : status.get(email)
    if (email !== undefined && before !== undefined) status.set(email, rowStatus(row, before))
  }
  const isOver = entry.recipients.every(({ state }) => state === 'settled')
  return { ...record, isOver, status: Object.fromEntries(status) }
}

function sameAddress(one: string, other: string): boolean {
  const fold = (text: string): string => {
    const at = text.lastIndexOf('@')
    return text.slice(0, at) + text.slice(at).toLowerCase()
  }
  return fold(one) === fold(other)
}

function rowStatus(row: QueueRecipient, before: SubmissionStatus): SubmissionStatus {
  const { state, outcome, options, last } = row
  const smtpReply = last === null ? before.smtpReply : replyOf(last)
  if (state !== 'settled') return { ...before, smtpReply, delivered: 'queued' }
  // A report may have said more by now.
  if (before.delivered === 'yes' || before.delivered === 'no') return before
  if (outcome === 'delivered' && options.local === true) return { ...before, smtpReply, delivered: 'yes' }
  // RFC 8621 §7: "successful relaying … SHOULD NOT be taken as an indication that the message has successfully reached" its end.
  const gone = outcome === 'delivered' || outcome === 'relayed' || outcome === 'expanded'
  return { ...before, smtpReply, delivered: gone ? 'unknown' : 'no' }
}

/** RFC 8621 §7 `smtpReply`: what the host said in one line; our own words in the form of a reply. */
export function replyOf({ reply, status, outcome }: Pick<Attempt, 'reply' | 'status' | 'outcome'>): string {
  const lines = reply.split(/\r?\n/).map((line) => line.replace(/^(\d{3})-/, '$1 '))
  const [first = '', ...more] = lines
  const [prefix] = /^\d{3} (?:[245]\.\d{1,3}\.\d{1,3} )?/.exec(first) ?? []
  if (prefix === undefined) {
    const code =
      { delivered: 250, relayed: 250, discarded: 250 }[outcome as 'delivered'] ??
      (status.startsWith('5') ? 550 : 450)
    return `${code} ${status} ${lines.join(' ')}`
  }
  return [first, ...more.map((line) => withoutPrefix(line, prefix))].join(' ').trim()
}

function withoutPrefix(line: string, prefix: string): string {
  if (line.startsWith(prefix)) return line.slice(prefix.length)
  return line.startsWith(prefix.slice(0, 4)) ? line.slice(4) : line
}

/** As a client sees it (RFC 8621 §7). */
export function describeSubmission(
  submissions: ObjectTypeStore,
  account: AccountId,
  { object, record, undoStatus }: LiveSubmission,
): JsonObject {
  return {
    id: submissions.idOf(account, object.id),
    identityId: record.identityId,
    emailId: encodeObjectId('email', account, record.email),
    threadId: encodeObjectId('thread', account, record.thread),
    envelope: asJson(record.envelope),
    sendAt: formatUtcDate(record.sendAt),
    undoStatus,
    deliveryStatus: objectOf(Object.entries(record.status).map(([email, status]) => [email, { ...status }])),
    dsnBlobIds: record.dsn.map((email) => emailBlobId(account, email)),
    mdnBlobIds: record.mdn.map((email) => emailBlobId(account, email)),
  }
}

function asJson(value: unknown): Json {
  return JSON.parse(JSON.stringify(value)) as Json
}
