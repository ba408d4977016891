// Writes that are done only where nobody has changed an account since it was looked at: what `ifInState` of JMAP promises (RFC 8620 §5.3).
// The look and the write are one commit.
import type { EmailChangeStore } from './email-changes.ts'
import type { MailboxChangeStore } from './mailbox-changes.ts'
import type { AccountId, ModSeq } from './model.ts'
import type { ObjectStore } from './objects.ts'
import type { SubmissionStore } from './submissions.ts'

/** An account as it was: any change of it takes a higher modseq. */
export interface AccountPoint {
  readonly account: AccountId
  readonly modSeq: ModSeq
}

/** The writes that can be guarded. */
export type GuardedWrites = EmailChangeStore &
  MailboxChangeStore &
  Pick<ObjectStore, 'changeObjects'> &
  Pick<SubmissionStore, 'cancelSubmission'>

/** Somebody has changed one of the accounts meanwhile. Nothing was written. */
export class AccountMoved extends Error {
  override name = 'AccountMoved'
}

export interface GuardStore {
  /**
   * Each of its writes rejects with `AccountMoved` where one of the accounts is not at its point any more; `done` is told of those that
   * were not refused so, with what the first account's modseq is then.
   */
  guarded(points: readonly AccountPoint[], done: (modSeq: ModSeq) => void): GuardedWrites
}
