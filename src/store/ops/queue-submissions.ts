// What the queue does to submissions (`../submissions.ts`): moves their state when rows settle, and takes messages back.
//
// Locks: rows of the queue, then accounts, then blobs, as everywhere.
import type { AccountId, ModSeq, ObjectId } from '../model.ts'
import { all, changed, get, type Op, refuse, run } from '../op.ts'
import type { QueueId } from '../queue.ts'
import type { Outcome } from '../store.ts'
import { submissionKind, type SubmissionStore } from '../submissions.ts'
import { changeObjects } from './objects.ts'
import { changeQueued } from './queue-admin.ts'
import { forUpdate, nextModSeq } from './rows.ts'

/** A message of the queue that somebody submitted. */
export interface Submitted {
  readonly account: AccountId | null
  readonly name: string
  readonly origin: string
}

/** Gives the objects of these messages a modseq, where they have one. */
export function* touchSubmissions(messages: readonly Submitted[]): Op<void> {
  const own = messages
    .flatMap(({ account, name, origin }) => (account !== null && origin === 'api' ? [{ account, name }] : []))
    .toSorted((a, b) => a.account - b.account)
  for (const { account, name } of own) {
    const object = yield* get<{ id: ObjectId }>`SELECT id FROM object
      WHERE account = ${account} AND kind = ${submissionKind} AND key = ${name}`
    if (!object) continue
    const modSeq = yield* nextModSeq(account)
    yield* run`UPDATE object SET modseq = ${modSeq}
      WHERE account = ${account} AND kind = ${submissionKind} AND id = ${object.id}`
    yield* run`UPDATE object_kind SET modseq = ${modSeq} WHERE account = ${account} AND kind = ${submissionKind}`
    yield* changed({ type: 'objects-changed', account, modSeq, kind: submissionKind })
  }
}

/** See `SubmissionStore.cancelSubmission`. */
export function* cancelSubmission(
  request: Parameters<SubmissionStore['cancelSubmission']>[0],
  limits: { objectSize: number },
): Op<Outcome<{ modSeq: ModSeq }, 'not-found' | 'too-late'>> {
  const { account, id, name, value, reason, now, webhooks } = request
  const message = yield* get<{ id: QueueId }>`SELECT id FROM queue_message
    WHERE name = ${name} AND account = ${account}`
  if (!message) return { ok: false, reason: 'too-late' }
  const rows = yield* all<{ state: string; attempts: number }>`SELECT state, attempts FROM queue_recipient
    WHERE message = ${message.id} ORDER BY number ${forUpdate}`
  const open = rows.every(({ state }) => state === 'waiting' || state === 'held')
  if (rows.length === 0 || !open) return { ok: false, reason: 'too-late' }
  yield* changeQueued({ filter: { id: message.id }, change: { type: 'discard', reason }, now, webhooks })
  const changedObject = yield* changeObjects(
    { account, kind: submissionKind, update: [{ id, value }], now },
    limits,
  )
  if (changedObject.ok) return { ok: true, modSeq: changedObject.modSeq }
  return yield* refuse({ ok: false, reason: 'not-found' })
}
