// Rows of the queue and the values that they stand for. Options and attempts are kept as the JSON of their types; nothing
// else writes these columns, so that what is parsed is what was put there.
import type { MessageOptions, RecipientOptions } from '../../mail/delivery-options.ts'
import type { AccountId, BlobId } from '../model.ts'
import { all, dialect, type Fragment, type Op, run, sql } from '../op.ts'
import type { Attempt, QueueId, QueueMessage, QueueRecipient, QueueRow } from '../queue.ts'

export interface QueueMessageRow {
  readonly id: QueueId
  readonly name: string
  readonly origin: QueueMessage['origin']
  readonly account: AccountId | null
  readonly sender: string
  readonly reverse_path: string
  readonly message_id: string | null
  readonly blob: BlobId
  readonly size: number
  readonly arrived_at: number
  readonly expires_at: number
  readonly delay_report_at: number | null
  readonly finished_at: number | null
  readonly options: string
  readonly prefix: string
  readonly structure: string | null
}

/** Of `queue_message` left joined with `blob`, which may be gone once the message is finished. */
export const queueMessageColumns: Fragment = sql`queue_message.id, queue_message.name, queue_message.origin,
  queue_message.account, queue_message.sender, queue_message.reverse_path, queue_message.message_id,
  queue_message.blob, queue_message.size, queue_message.arrived_at, queue_message.expires_at,
  queue_message.delay_report_at, queue_message.finished_at, queue_message.options, queue_message.prefix,
  blob.structure`

export function queueMessageOf(row: QueueMessageRow): QueueMessage {
  return {
    id: row.id,
    name: row.name,
    origin: row.origin,
    account: row.account,
    sender: row.sender,
    reversePath: row.reverse_path,
    prefix: row.prefix,
    messageId: row.message_id,
    options: JSON.parse(row.options) as MessageOptions,
    arrivedAt: row.arrived_at,
    expiresAt: row.expires_at,
    delayReportAt: row.delay_report_at,
    blob: row.blob,
    size: row.size,
    structure: row.structure ?? '',
  }
}

export interface QueueRecipientRow {
  readonly message: QueueId
  readonly number: number
  readonly domain: string
  readonly state: QueueRecipient['state']
  readonly next_attempt: number
  readonly turn: number
  readonly outcome: QueueRecipient['outcome']
  readonly report: QueueRecipient['report']
  readonly attempts: number
  readonly faults: number
  readonly suspicion: number
  readonly delay_reported: number
  readonly address: string
  readonly reverse_path: string | null
  readonly route: string | null
  readonly reason: string
  readonly options: string
  readonly last: string | null
}

export const queueRecipientColumns: Fragment = sql`queue_recipient.message, queue_recipient.number,
  queue_recipient.domain, queue_recipient.state, queue_recipient.next_attempt, queue_recipient.turn,
  queue_recipient.outcome, queue_recipient.report, queue_recipient.attempts, queue_recipient.faults, queue_recipient.suspicion,
  queue_recipient.delay_reported, queue_recipient.address, queue_recipient.reverse_path, queue_recipient.route,
  queue_recipient.reason, queue_recipient.options, queue_recipient.last`

export function queueRecipientOf(row: QueueRecipientRow): QueueRecipient {
  return {
    message: row.message,
    number: row.number,
    address: row.address,
    domain: row.domain,
    reversePath: row.reverse_path,
    options: JSON.parse(row.options) as RecipientOptions,
    state: row.state,
    outcome: row.outcome,
    nextAttempt: row.next_attempt,
    turn: row.turn,
    attempts: row.attempts,
    faults: row.faults,
    suspected: row.suspicion > 0,
    route: row.route,
    reason: row.reason,
    last: row.last === null ? null : attemptOf(row.last),
    report: row.report,
    delayReported: row.delay_reported === 1,
  }
}

export function attemptOf(text: string): Attempt {
  return JSON.parse(text) as Attempt
}

/** What this program itself has to say of a row, in the form of an attempt. */
export function ownWords(said: {
  at: number
  outcome: Attempt['outcome']
  reply: string
  status: string
}): Attempt {
  const nowhere = { host: null, address: null, tls: null, verification: null, policy: null }
  return { ...nowhere, ...said, stage: 'ours' }
}

/** All leases of the holder last until then at least. */
export function* leaseTo(holder: string, until: number): Op<void> {
  yield* run`INSERT INTO queue_holder (holder, lease_until) VALUES (${holder}, ${until})
    ON CONFLICT (holder) DO UPDATE SET lease_until = excluded.lease_until
      WHERE queue_holder.lease_until < excluded.lease_until`
}

/** The rows as a table of the columns `message` and `number`. */
export function rowsNamed(rows: readonly QueueRow[]): Fragment {
  const json = JSON.stringify(rows.map(({ message, number }) => [message, number]))
  return dialect({
    sqlite: sql`(SELECT value ->> 0 AS message, value ->> 1 AS number FROM json_each(${json}))`,
    pg: sql`(SELECT (value ->> 0)::bigint AS message, (value ->> 1)::bigint AS number
      FROM json_array_elements(${json}::json))`,
  })
}

/** The ids as something that `IN` takes. */
export function idsNamed(ids: readonly number[]): Fragment {
  const json = JSON.stringify(ids)
  return dialect({
    sqlite: sql`(SELECT value FROM json_each(${json}))`,
    pg: sql`(SELECT value::text::bigint FROM json_array_elements(${json}::json))`,
  })
}

/** The messages by id, each one object however often it is asked for. */
export function* messagesOf(ids: readonly QueueId[]): Op<Map<QueueId, QueueMessageRow>> {
  const rows = yield* all<QueueMessageRow>`
    SELECT ${queueMessageColumns} FROM queue_message LEFT JOIN blob ON blob.id = queue_message.blob
    WHERE queue_message.id IN ${idsNamed([...new Set(ids)])}`
  return new Map(rows.map((row) => [row.id, row]))
}

/** Ascending, so that two transactions never wait for each other. */
export function inOrder<Row extends QueueRow>(rows: readonly Row[]): Row[] {
  return rows.toSorted((a, b) => a.message - b.message || a.number - b.number)
}
