// What is told of a settlement: an event for the log, and one for webhooks, which is kept in the same commit.
import type { Events } from '../events/event.ts'
import {
  doubleBounce,
  queueDeferred,
  queueDelivered,
  queueFailed,
  queueHeld,
  queuePoisoned,
  queueUnknown,
} from '../events/queue.ts'
import type { Attempt, NewHookEvent, RecipientOutcome, Settlement } from '../store/queue.ts'
import type { Row } from './settlement.ts'

/** For the log and the counters. What was only given back is not told. */
export function tell(events: Events, settlement: Settlement, { message, recipient }: Row): void {
  const row = { message: message.name, recipient: recipient.address }
  const attempt = settlement.attempt ?? recipient.last
  const said = {
    host: attempt?.host ?? '',
    status: attempt?.status ?? '',
    reply: attempt?.reply ?? recipient.reason,
  }
  const stage = attempt?.stage ?? ''
  if (settlement.type === 'held') {
    if (settlement.reason.startsWith('poison: ')) {
      events.emit(queuePoisoned, { ...row, faults: recipient.faults + 1, error: said.reply })
    } else events.emit(queueHeld, { ...row, reason: settlement.reason })
  } else if (settlement.type === 'waiting') {
    const { nextAttempt } = settlement
    if (!settlement.counts) return
    if (settlement.attempt?.outcome === 'unknown') {
      events.emit(queueUnknown, { ...row, host: said.host, reply: said.reply, nextAttempt })
    } else events.emit(queueDeferred, { ...row, ...said, stage, scope: scopeOf(settlement), nextAttempt })
  } else if (settlement.outcome === 'failed' || settlement.outcome === 'expired') {
    events.emit(queueFailed, { ...row, ...said, stage, outcome: settlement.outcome })
    // RFC 5321 §6.1: nobody is told of a report that cannot be delivered.
    if (message.reversePath === '')
      events.emit(doubleBounce, { ...row, status: said.status, reply: said.reply })
  } else {
    const { address, tls } = connectionOf(attempt)
    events.emit(queueDelivered, { ...row, ...said, address, tls, outcome: settlement.outcome })
  }
}

/** `message.delivered`, `message.deferred`, `message.bounced`, `message.discarded`; nothing for what was only given back or is held. */
export function hookEventOf(
  settlement: Settlement,
  { message, recipient }: Row,
  at: number,
): NewHookEvent | undefined {
  const attempt = settlement.attempt ?? recipient.last
  const payload = {
    id: message.name,
    recipient: recipient.address,
    reversePath: message.reversePath,
    messageId: message.messageId,
    attempts: recipient.attempts + (settlement.attempt === null ? 0 : 1),
    host: attempt?.host ?? null,
    status: attempt?.status ?? null,
    reply: attempt?.reply ?? null,
  }
  if (settlement.type === 'waiting') {
    if (!settlement.counts) return undefined
    const { nextAttempt } = settlement
    return { type: 'message.deferred', at, payload: JSON.stringify({ ...payload, nextAttempt }) }
  }
  if (settlement.type === 'held') return undefined
  return {
    type: endings[settlement.outcome],
    at,
    payload: JSON.stringify({ ...payload, outcome: settlement.outcome }),
  }
}

/** What webhooks call an end. */
export const endings: Readonly<Record<RecipientOutcome, string>> = {
  delivered: 'message.delivered',
  relayed: 'message.delivered',
  expanded: 'message.delivered',
  failed: 'message.bounced',
  expired: 'message.bounced',
  discarded: 'message.discarded',
}

function scopeOf(settlement: Settlement & { type: 'waiting' }): string {
  return settlement.fault === 'ours' ? 'ours' : 'host'
}

function connectionOf(attempt: Attempt | null): { address: string; tls: string } {
  return { address: attempt?.address ?? '', tls: attempt?.tls ?? '' }
}
