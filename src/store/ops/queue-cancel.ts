// Takes a submitted message back (`../submissions.ts`): the rows of the queue and what the submission says, in one commit.
import type { ModSeq } from '../model.ts'
import { all, get, type Op, refuse } from '../op.ts'
import type { QueueId } from '../queue.ts'
import type { Outcome } from '../store.ts'
import { submissionKind, type SubmissionStore } from '../submissions.ts'
import { changeObjects } from './objects.ts'
import { changeQueued } from './queue-admin.ts'
import { forUpdate } from './rows.ts'

/** The locks of a cancellation, which come before those of accounts (`queue-submissions.ts`). */
export function* lockSubmission({
  account,
  name,
}: Pick<Parameters<SubmissionStore['cancelSubmission']>[0], 'account' | 'name'>): Op<void> {
  yield* all<{ number: number }>`SELECT number FROM queue_recipient
    WHERE message = (SELECT id FROM queue_message WHERE name = ${name} AND account = ${account})
    ORDER BY number ${forUpdate}`
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
