// What an account may submit in an hour: messages and recipients, counted in the store, so that every node and every session counts
// together. Counted when it is asked for, whatever becomes of it.
import type { SubmissionConfig } from '../../config/sections/submission.ts'
import type { Account } from '../../store/model.ts'
import { replies, type Reply } from '../proto/reply.ts'
import type { HandlerParts } from './parts.ts'

const hour = 3_600_000

const limits = {
  messages: {
    limitOf: (config: SubmissionConfig) => config.messagesPerHour,
    reply: replies.tooManyFromAccount,
  },
  recipients: {
    limitOf: (config: SubmissionConfig) => config.recipientsPerHour,
    reply: replies.tooManyRecipientsFromAccount,
  },
} as const

export type Rate = keyof typeof limits

/** Counts one; the refusal where that is too many, else null. Rejects with `StoreUnavailable`. */
export async function chargeAccount(
  { chargeRate, submission, clock }: Pick<HandlerParts, 'chargeRate' | 'submission' | 'clock'>,
  { account, what }: { account: Account; what: Rate },
): Promise<Reply | null> {
  const { limitOf, reply } = limits[what]
  const limit = limitOf(submission)
  if (chargeRate === null || limit === 0) return null
  const start = Math.floor(clock.now() / hour) * hour
  const charged = await chargeRate({ key: `${what}:${account.id}`, start, amount: 1, limit })
  return charged.ok ? null : reply
}
