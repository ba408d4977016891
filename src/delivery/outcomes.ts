// What a host's words mean for a recipient: gone, failed, not now (and whom that concerns), or unknown.
//
// - 421, and everything that ends a session before the message was complete, concerns the destination: others need not try.
// - 4yz and 5yz are the host's verdict and tell how far it reaches: RCPT its recipient, all else the message (RFC 5321 §4.2.1).
// - A connection that broke behind the final dot leaves the outcome unknown (RFC 1047); that is never turned into a failure here.
import type { Capabilities } from '../smtp/client/capabilities.ts'
import type { CannotCarry, DeliveryOutcome } from '../smtp/client/outgoing.ts'
import type { DeliverBy } from '../mail/delivery-options.ts'
import type { RecipientResult } from '../queue/transport.ts'
import { endingWords, makeAttempt, stageName, statusOf, type HostFacts, type Trouble } from './attempt.ts'
import { errorText } from '../events/error-text.ts'
import { isPositive, type ServerReply } from '../smtp/client/reply.ts'

export interface OutcomeContext {
  readonly facts: HostFacts
  readonly capabilities: Capabilities
  readonly dialect: 'smtp' | 'lmtp'
  /** RFC 2852 §4: what the message asks for. */
  readonly deliverBy: DeliverBy | null
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** The result for one recipient. `lost` outcomes are for the lane, which may try elsewhere; here they concern the destination. */
export function resultOf(outcome: DeliveryOutcome, context: OutcomeContext): RecipientResult {
  const { facts, at } = context
  const attempt = (rest: Omit<Parameters<typeof makeAttempt>[0], 'at' | 'facts'>) =>
    makeAttempt({ at, facts, ...rest })
  switch (outcome.type) {
    case 'accepted': {
      // RFC 3461 §5.2.2: a host without DSN reports no success, so that duty stays ours; LMTP is final delivery.
      const kind = context.dialect === 'smtp' && context.capabilities.dsn ? 'relayed' : 'delivered'
      // RFC 3461 §5.2.2 (b): our report then says "relayed" all the same, and the attempt is what it says.
      const said = context.dialect === 'smtp' ? 'relayed' : 'delivered'
      const { verbatim } = outcome.reply
      const status = outcome.reply.enhanced ?? '2.0.0'
      return {
        type: 'done',
        outcome: kind,
        attempt: attempt({ stage: 'reply', outcome: said, reply: verbatim, status }),
        ...(owesTrace(context) ? { owes: 'relayed-report' as const } : {}),
      }
    }
    case 'refused':
      return refusedResult(outcome.stage, outcome.reply, context)
    case 'lost':
      if (outcome.ending.type === 'closed') return { type: 'untried' }
      return {
        type: 'deferred',
        scope: 'destination',
        attempt: attempt({
          stage: stageName(outcome.ending.stage),
          outcome: 'deferred',
          ...endingWords(outcome.ending),
        }),
      }
    case 'unknown':
      return {
        type: 'unknown',
        attempt: attempt({
          stage: stageName(outcome.ending.stage),
          outcome: 'unknown',
          ...endingWords(outcome.ending),
        }),
      }
    case 'cannot-carry': {
      const { reply, status } = cannotCarry[outcome.reason]
      return { type: 'failed', attempt: attempt({ stage: 'mail', outcome: 'failed', reply, status }) }
    }
    case 'beyond-limit':
      return { type: 'untried' }
    case 'content-failed':
      return oursFailed(outcome.error, context)
  }
}

/** RFC 2852 §4.1.4 and §4.1.4.2: with by-trace always, by-mode N where the next host cannot keep the time; LMTP delivers. */
function owesTrace({ deliverBy, dialect, capabilities, at }: OutcomeContext): boolean {
  if (deliverBy === null || dialect === 'lmtp') return false
  if (deliverBy.trace === 'asked') return true
  return deliverBy.mode === 'notify' && capabilities.deliverBy === null && at < deliverBy.at
}

function refusedResult(
  stage: Extract<DeliveryOutcome, { type: 'refused' }>['stage'],
  reply: ServerReply,
  { facts, at, dialect }: OutcomeContext,
): RecipientResult {
  const words = { reply: reply.verbatim, status: statusOf(reply), stage: stageName(stage) }
  // A 2yz or 3yz where it makes no sense (RFC 5321 §4.3.2) is no acceptance, and no lasting refusal either.
  const transient = reply.code < 500 || isPositive(reply) || tooManyRecipients(stage, reply)
  if (!transient) {
    return { type: 'failed', attempt: makeAttempt({ at, facts, ...words, outcome: 'failed' }) }
  }
  return {
    type: 'deferred',
    // RFC 2033 §4.2: LMTP answers the message for each recipient.
    scope: stage === 'rcpt' || (dialect === 'lmtp' && stage === 'reply') ? 'recipient' : 'message',
    attempt: makeAttempt({ at, facts, ...words, outcome: 'deferred' }),
  }
}

/**
 * RFC 5321 §4.5.3.1.10: 452 to RCPT means that the transaction has enough recipients; "552 … SHOULD be treated as a temporary,
 * rather than permanent, failure". A 552 that says more (RFC 3463 §3.3: 5.2.2, a full mailbox) means what it says.
 */
export function tooManyRecipients(stage: string, reply: ServerReply): boolean {
  if (stage !== 'rcpt') return false
  const subject = reply.enhanced?.slice(1) ?? ''
  const counted = subject === '' || subject === '.5.3'
  return (reply.code === 452 || reply.code === 552) && counted
}

const cannotCarry: Readonly<Record<CannotCarry, { readonly reply: string; readonly status: string }>> = {
  'needs-smtputf8': {
    reply: '553 5.6.7 The address needs SMTPUTF8, which the host does not offer',
    status: '5.6.7',
  },
  'needs-binarymime': { reply: '554 5.6.1 The host does not take BINARYMIME', status: '5.6.1' },
  'bare-newline': {
    reply: '554 5.6.1 The message has bare line breaks, which the host would not take as they are',
    status: '5.6.1',
  },
}

/** Something of ours failed: not the host's fault, and no reason to give up. */
export function oursFailed(
  error: unknown,
  { facts, at }: Pick<OutcomeContext, 'facts' | 'at'>,
): RecipientResult {
  return {
    type: 'deferred',
    scope: 'message',
    attempt: makeAttempt({
      at,
      facts,
      stage: 'ours',
      outcome: 'deferred',
      reply: errorText(error),
      status: '4.3.0',
    }),
  }
}

/** No host could be used. */
export function troubleResult(trouble: Trouble, at: number): RecipientResult {
  const { facts, stage, reply, status, outcome } = trouble
  const attempt = makeAttempt({ at, facts, stage, outcome, reply, status })
  return outcome === 'failed'
    ? { type: 'failed', attempt }
    : { type: 'deferred', scope: 'destination', attempt }
}

/** No host could be given this message; for other mail that says nothing. */
export function messageTrouble(trouble: Trouble, at: number): RecipientResult {
  const result = troubleResult(trouble, at)
  return result.type === 'deferred' ? { ...result, scope: 'message' } : result
}
