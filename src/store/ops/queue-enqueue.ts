// What a delivery puts into the queue, and what it refuses because it was done before. Runs within `deliver`.
import type { BlobId } from '../model.ts'
import { changed, get, many, type Op, run, type Stmt } from '../op.ts'
import type { DeliveryExtras, NewQueueMessage, NewQueueRecipient, QueueId } from '../queue.ts'
import { leaseTo, ownWords } from './queue-rows.ts'

/** Claims the key. The result of the first request where this is not the first. */
export function* claimOnce(once: NonNullable<DeliveryExtras['once']>, now: number): Op<string | undefined> {
  const { account, key, result, expiresAt } = once
  const claimed = yield* get<{ account: number }>`
    INSERT INTO done_once (account, key, result, expires_at) VALUES (${account}, ${key}, ${result}, ${expiresAt})
    ON CONFLICT (account, key) DO UPDATE SET result = excluded.result, expires_at = excluded.expires_at
      WHERE done_once.expires_at <= ${now}
    RETURNING account`
  if (claimed) return undefined
  const before = yield* get<{ result: string }>`
    SELECT result FROM done_once WHERE account = ${account} AND key = ${key}`
  return before?.result ?? ''
}

/** How many rows of a new message are not settled, and how many wait for a report. */
function countsOf({ recipients }: NewQueueMessage): { unsettled: number; reports: number } {
  let unsettled = 0
  let reports = 0
  for (const { state } of recipients) {
    if (state.type !== 'settled') unsettled++
    else if (state.report) reports++
  }
  return { unsettled, reports }
}

/** Whether anything of it is left to do, so that the queue holds its blob. */
export function isOpen(message: NewQueueMessage): boolean {
  const { unsettled, reports } = countsOf(message)
  return unsettled + reports > 0
}

/** Its rows, and the hint for those who wait for work. The blob's `refs` counts it already where `isOpen`. */
export function* enqueue(message: NewQueueMessage, blob: { id: BlobId; size: number }): Op<QueueId> {
  const { options, arrivedAt, expiresAt } = message
  const { unsettled, reports } = countsOf(message)
  const deadline =
    options.deliverBy?.mode === 'return' ? Math.min(expiresAt, options.deliverBy.at) : expiresAt
  const finishedAt = unsettled + reports === 0 ? arrivedAt : null
  const row = yield* get<{ id: QueueId }>`
    INSERT INTO queue_message (name, origin, account, sender, reverse_path, message_id, env_id, blob, size, arrived_at,
      expires_at, deadline, delay_report_at, unsettled, reports, finished_at, options, prefix)
    VALUES (${message.name}, ${message.origin}, ${message.account}, ${message.sender}, ${message.reversePath},
      ${message.messageId}, ${options.envId}, ${blob.id}, ${blob.size}, ${arrivedAt}, ${expiresAt}, ${deadline},
      ${message.delayReportAt}, ${unsettled}, ${reports}, ${finishedAt}, ${JSON.stringify(options)},
      ${message.prefix})
    RETURNING id`
  if (!row) throw new Error('the queued message got no id')
  const watchAt = Math.min(deadline, message.delayReportAt ?? deadline)
  const domains = new Set<string>()
  let earliest = Infinity
  const holder = message.lease?.holder ?? null
  if (message.lease) yield* leaseTo(message.lease.holder, message.lease.until)
  const rows = message.recipients.map((recipient, number) => {
    if (recipient.state.type === 'waiting') {
      domains.add(recipient.domain)
      earliest = Math.min(earliest, recipient.nextAttempt)
    }
    return insertRecipient(recipient, {
      message: row.id,
      number,
      holder,
      priority: options.priority,
      watchAt,
      arrivedAt,
    })
  })
  yield* many(rows)
  if (reports > 0) {
    yield* changed({ type: 'queued', domains: [...domains], earliest, news: 'reports' })
  } else if (domains.size > 0) {
    yield* changed({ type: 'queued', domains: [...domains], earliest })
  }
  return row.id
}

function insertRecipient(
  recipient: NewQueueRecipient,
  place: {
    message: QueueId
    number: number
    holder: string | null
    priority: number
    watchAt: number
    arrivedAt: number
  },
): Stmt<number> {
  const { state, address, domain, reversePath, nextAttempt, turn } = recipient
  const reason = state.type === 'held' ? state.reason : ''
  const settled = state.type === 'settled' ? state : null
  const last = settled && JSON.stringify(settledBy(settled, place.arrivedAt))
  return run`INSERT INTO queue_recipient (message, number, domain, state, priority, next_attempt, turn, watch_at, holder, outcome,
      report, attempts, address, reverse_path, reason, options, last)
    VALUES (${place.message}, ${place.number}, ${domain}, ${state.type}, ${place.priority}, ${nextAttempt}, ${turn},
      ${place.watchAt}, ${state.type === 'active' ? place.holder : null}, ${settled && settled.outcome}, ${settled && settled.report}, 0, ${address}, ${reversePath},
      ${reason}, ${JSON.stringify(recipient.options)}, ${last})`
}

/** What was done before the message came to the queue, for its report. */
function settledBy(state: Extract<NewQueueRecipient['state'], { type: 'settled' }>, at: number) {
  const { outcome, status, reply } = state
  const tried = outcome === 'expanded' ? 'delivered' : outcome === 'expired' ? 'failed' : outcome
  return ownWords({ at, outcome: tried, reply, status })
}
