// What the queue does to submissions (`../submissions.ts`): moves their state when rows settle.
//
// Locks: rows of the queue, then accounts, then blobs, as everywhere.
import type { AccountId, ObjectId } from '../model.ts'
import { changed, get, type Op, run } from '../op.ts'
import { submissionKind } from '../submissions.ts'
import { nextModSeq } from './rows.ts'

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
