// Submissions of JMAP (RFC 8621 §7) as far as the store knows them: objects of the account of this kind, each under the name of its message
// in the queue.
//
// - One is made in the commit that queues its message (`DeliveryExtras.keeps`).
// - When a row of its message settles, the object takes a modseq in the same commit, so that its state moves and its account is told. What
//   the row says is in the queue alone.
import type { AccountId, ModSeq, ObjectId } from './model.ts'
import type { Outcome } from './store.ts'

export const submissionKind = 'submission'

export interface SubmissionStore {
  /**
   * Takes a message back: all of its recipients, none of whom anybody has begun to serve, or none. `value` is what the object says from
   * then on.
   */
  cancelSubmission(request: {
    account: AccountId
    id: ObjectId
    /** Of the queue's message. */
    name: string
    value: string
    reason: string
    now: number
    webhooks: 'on' | 'off'
  }): Promise<Outcome<{ modSeq: ModSeq }, 'not-found' | 'too-late'>>
}
