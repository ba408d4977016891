// The audit's questions about the queue: counts of messages against their rows, leases against their holders, and the blobs
// of unfinished messages. The references of blobs are counted with those of emails (`audit.ts`).
import { all, type Op } from './op.ts'
import type { AuditFinding } from './store.ts'

interface Told {
  readonly message: string
}

/** Everything about the queue, in one read. */
export function* auditQueue(): Op<AuditFinding[]> {
  const counts = yield* all<Told>`
    SELECT 'queued message ' || id || ' counts ' || unsettled || ' unsettled, ' || reports || ' reports; found ' || u ||
      ', ' || r AS message
    FROM (SELECT queue_message.id, queue_message.unsettled, queue_message.reports,
        COUNT(queue_recipient.number) FILTER (WHERE queue_recipient.state <> 'settled') AS u,
        COUNT(queue_recipient.report) AS r
      FROM queue_message LEFT JOIN queue_recipient ON queue_recipient.message = queue_message.id
      GROUP BY queue_message.id, queue_message.unsettled, queue_message.reports) AS counted
    WHERE unsettled <> u OR reports <> r ORDER BY id`
  const blobs = yield* all<Told>`
    SELECT 'queued message ' || queue_message.id || ' of ' || queue_message.size || ' bytes has blob ' ||
      queue_message.blob || ' of ' || COALESCE(CAST(blob.size AS TEXT), 'no row') AS message
    FROM queue_message LEFT JOIN blob ON blob.id = queue_message.blob
    WHERE queue_message.finished_at IS NULL AND (blob.id IS NULL OR blob.size <> queue_message.size)
    ORDER BY queue_message.id`
  const leases = yield* all<Told>`
    SELECT 'row ' || message || '.' || number || ' is under lease by ' || queue_recipient.holder ||
      ', which has none' AS message
    FROM queue_recipient LEFT JOIN queue_holder ON queue_holder.holder = queue_recipient.holder
    WHERE state = 'active' AND queue_holder.holder IS NULL`
  return [
    ...counts.map(({ message }) => ({ check: 'queue-counts', account: null, message })),
    ...blobs.map(({ message }) => ({ check: 'queue-blob', account: null, message })),
    ...leases.map(({ message }) => ({ check: 'queue-lease', account: null, message })),
  ]
}
