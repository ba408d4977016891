// What becomes of a row after an attempt: pure, from the transport's result and the row as it was.
import { errorText } from '../events/error-text.ts'
import type { Random } from '../base/random.ts'
import type { Attempt, QueueMessage, QueueRecipient, Settlement } from '../store/queue.ts'
import type { RecipientOptions } from '../mail/delivery-options.ts'
import { reportOf } from './enqueue.ts'
import { nextAttempt, type RetryLadder } from './schedule.ts'
import type { RecipientResult } from './transport.ts'

export interface SettlementRules {
  readonly ladder: RetryLadder
  /** Milliseconds; RFC 1047: not soon, since it may make a second copy. */
  readonly unknownAfter: number
  readonly poisonAfter: number
  /** Whether failures of mail without a sender are reported to the postmaster. */
  readonly doubleBounce: 'discard' | 'postmaster'
}

export interface Row {
  readonly message: QueueMessage
  readonly recipient: QueueRecipient
}

export interface Moment {
  readonly now: number
  readonly random: Random
  /** The row's turn, should it wait again. */
  readonly turn: number
}

/** `untried` is not settled here: the row goes to another lane or back. */
export type TriedResult = Exclude<RecipientResult, { type: 'untried' }>

export function settlementOf(
  { message, recipient }: Row,
  result: TriedResult,
  rules: SettlementRules,
  moment: Moment,
): Settlement {
  const row = { message: recipient.message, number: recipient.number }
  const attempts = recipient.attempts + 1
  const next = nextAttempt({ attempts }, moment.now, moment.random, rules.ladder)
  switch (result.type) {
    case 'done': {
      const { attempt, outcome, owes } = result
      // RFC 3461 §5.2.2 (b), §5.2.3 (a): whoever took over the duty to report (`relayed`) does it himself.
      const told = outcome === 'delivered'
      const sent = message.reversePath !== ''
      const traced = owes !== undefined && sent && wantsTrace(recipient.options)
      const report = traced ? 'success' : told ? reportOf(recipient.options, 'success', sent) : null
      return { ...row, attempt, type: 'done', outcome, report }
    }
    case 'failed':
      return { ...row, attempt: result.attempt, ...failure({ message, recipient }, 'failed', rules) }
    case 'deferred':
      // What fails here and for this message alone (its bytes cannot be read) will fail again: it counts towards poison.
      if (result.scope === 'message' && result.attempt.stage === 'ours') {
        return faultOf({ message, recipient }, result.attempt.reply, rules, moment)
      }
      return { ...row, attempt: result.attempt, ...waiting(result.attempt.reply, next, moment) }
    case 'unknown': {
      const at = Math.max(next, moment.now + rules.unknownAfter)
      return { ...row, attempt: result.attempt, ...waiting(result.attempt.reply, at, moment) }
    }
    case 'held':
      return { ...row, attempt: null, type: 'held', reason: result.reason }
  }
}

/** Given up, with the report that is due: RFC 3461 §5.2.6. */
export function failure(
  { message, recipient }: Row,
  outcome: 'failed' | 'expired',
  rules: SettlementRules,
): { type: 'done'; outcome: 'failed' | 'expired'; report: 'failure' | null } {
  const somebody = message.reversePath !== '' || rules.doubleBounce === 'postmaster'
  const report = reportOf(recipient.options, 'failure', somebody) === null ? null : 'failure'
  return { type: 'done', outcome, report }
}

/**
 * RFC 2852 §4.1.4: a report that a message with a Deliver By request was passed on goes to everyone who did not say NEVER. A
 * list's owner asked for no time (RFC 3461 §5.2.7.1).
 */
export function wantsTrace({ notify, redistributed }: RecipientOptions): boolean {
  return redistributed !== true && notify?.length !== 0
}

/** The time is up: the last host's words stay, or, where none spoke, ours are kept as an attempt. */
export function expiryOf(row: Row, rules: SettlementRules, now: number): Settlement {
  const { recipient } = row
  const words = recipient.reason === '' ? 'it could not be tried in time' : recipient.reason
  const attempt =
    recipient.last === null ? ownAttempt(words, { now, status: '5.4.7', outcome: 'failed' }) : null
  const { message, number } = recipient
  return { message, number, attempt, ...failure(row, 'expired', rules) }
}

/** An exception of ours: tried again, but not for ever. */
export function faultOf(row: Row, error: unknown, rules: SettlementRules, moment: Moment): Settlement {
  const { recipient } = row
  const { message, number } = recipient
  const reply = errorText(error)
  const poison = rules.poisonAfter > 0 && recipient.faults + 1 >= rules.poisonAfter
  const attempt = ownAttempt(reply, {
    now: moment.now,
    status: '4.3.0',
    outcome: poison ? 'held' : 'deferred',
  })
  if (poison) return { message, number, attempt, type: 'held', reason: `poison: ${reply}` }
  const attempts = recipient.attempts + 1
  const at = nextAttempt({ attempts }, moment.now, moment.random, rules.ladder)
  return { message, number, attempt, ...waiting(reply, at, moment), fault: 'ours' }
}

/** Given back without an attempt. */
export function putOff(
  { recipient }: Row,
  options: { nextAttempt: number; turn: number; reason: string },
): Settlement {
  const { message, number } = recipient
  return { message, number, attempt: null, type: 'waiting', ...options, fault: 'none', counts: false }
}

function waiting(reason: string, at: number, { turn }: Moment) {
  return { type: 'waiting', nextAttempt: at, turn, reason, fault: 'none', counts: true } as const
}

function ownAttempt(
  reply: string,
  options: { now: number; status: string; outcome: Attempt['outcome'] },
): Attempt {
  return {
    at: options.now,
    ...{ host: null, address: null, tls: null, verification: null, policy: null },
    stage: 'ours',
    outcome: options.outcome,
    reply,
    status: options.status,
  }
}
