// A write that is done only where accounts are as they were (`../guarded.ts`): one operation around another.
import type { AccountPoint } from '../guarded.ts'
import type { ModSeq } from '../model.ts'
import { get, type Op, type OpResult } from '../op.ts'
import { addEmail } from './email-add.ts'
import { changeEmails, destroyEmails } from './email-changes.ts'
import { changeMailbox, destroyMailbox, makeMailbox } from './mailbox-changes.ts'
import { changeObjects } from './objects.ts'
import { cancelSubmission, lockSubmission } from './queue-cancel.ts'
import { lockAccounts } from './rows.ts'

const guardable = {
  addEmail,
  changeEmails,
  destroyEmails,
  makeMailbox,
  changeMailbox,
  destroyMailbox,
  changeObjects,
  cancelSubmission,
}
export type Guardable = typeof guardable

/** What to do, and where accounts must be for that; the first of them is the one that the caller follows. */
export interface GuardedRequest {
  readonly points: readonly AccountPoint[]
  readonly name: keyof Guardable
  /** The operation's first parameter. */
  readonly request: Parameters<Guardable[keyof Guardable]>[0]
}

export type GuardedResult =
  | { readonly moved: true }
  | {
      readonly moved: false
      readonly modSeq: ModSeq
      readonly result: OpResult<Guardable[keyof Guardable]>
    }

/** See `GuardStore.guarded`. */
export function* guarded(
  { points, name, request }: GuardedRequest,
  limits: Parameters<Guardable['changeEmails']>[1] & Parameters<Guardable['makeMailbox']>[1],
): Op<GuardedResult> {
  // The name and the request belong together by the type of `GuardStore`.
  if (name === 'cancelSubmission') yield* lockSubmission(request as Parameters<typeof cancelSubmission>[0])
  yield* lockAccounts(points.map(({ account }) => account))
  for (const point of points) {
    if ((yield* modSeqOf(point)) !== point.modSeq) return { moved: true }
  }
  const operation = guardable[name] as (...parameters: unknown[]) => Op<OpResult<Guardable[typeof name]>>
  const result = yield* operation(request, limits)
  const [first] = points
  return { moved: false, modSeq: (first && (yield* modSeqOf(first))) ?? (0 as ModSeq), result }
}

function* modSeqOf({ account }: AccountPoint): Op<ModSeq | undefined> {
  const row = yield* get<{ modseq: ModSeq }>`SELECT modseq FROM account WHERE id = ${account}`
  return row?.modseq
}
