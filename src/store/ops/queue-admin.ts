// The queue as operators and reports see it: lists, histories, shapes, and orders about rows that nobody works on.
import { all, changed, type Fragment, get, many, type Op, run, sql } from '../op.ts'
import type {
  Attempt,
  QueueEntry,
  QueueFilter,
  QueueId,
  QueueRow,
  QueueShape,
  QueueStore,
  ReportKind,
  ReportsDue,
} from '../queue.ts'
import {
  attemptOf,
  idsNamed,
  messagesOf,
  ownWords,
  queueMessageColumns,
  queueMessageOf,
  type QueueMessageRow,
  queueRecipientColumns,
  queueRecipientOf,
  type QueueRecipientRow,
  rowsNamed,
} from './queue-rows.ts'
import { insertEvents, tally, tallyOf } from './queue-settle.ts'
import { released } from './queue-work.ts'
import { forUpdate } from './rows.ts'

/** Conditions on `queue_recipient` and on `queue_message`. */
function conditions(filter: QueueFilter): { row: Fragment; message: Fragment } {
  let row = sql`1 = 1`
  let message = sql`1 = 1`
  if (filter.number !== undefined) row = sql`${row} AND queue_recipient.number = ${filter.number}`
  if (filter.domain !== undefined) row = sql`${row} AND queue_recipient.domain = ${filter.domain}`
  if (filter.recipient !== undefined) row = sql`${row} AND queue_recipient.address = ${filter.recipient}`
  if (filter.state !== undefined) row = sql`${row} AND queue_recipient.state = ${filter.state}`
  if (filter.id !== undefined) {
    // Said of both, so that neither is looked for among all others.
    row = sql`${row} AND queue_recipient.message = ${filter.id}`
    message = sql`${message} AND queue_message.id = ${filter.id}`
  }
  if (filter.name !== undefined) message = sql`${message} AND queue_message.name = ${filter.name}`
  if (filter.sender !== undefined) message = sql`${message} AND queue_message.sender = ${filter.sender}`
  if (filter.before !== undefined) message = sql`${message} AND queue_message.arrived_at < ${filter.before}`
  return { row, message }
}

/** See `QueueStore.queueList`. */
export function* queueList(request: {
  filter: QueueFilter
  after?: QueueId
  limit: number
  finished: 'with' | 'without'
}): Op<QueueEntry[]> {
  const { row, message } = conditions(request.filter)
  const open = request.finished === 'with' ? sql`1 = 1` : sql`queue_message.finished_at IS NULL`
  const messages = yield* all<QueueMessageRow>`
    SELECT ${queueMessageColumns} FROM queue_message LEFT JOIN blob ON blob.id = queue_message.blob
    WHERE queue_message.id > ${request.after ?? 0} AND ${open} AND ${message} AND EXISTS
      (SELECT 1 FROM queue_recipient WHERE queue_recipient.message = queue_message.id AND ${row})
    ORDER BY queue_message.id LIMIT ${request.limit}`
  const rows = yield* all<QueueRecipientRow>`
    SELECT ${queueRecipientColumns} FROM queue_recipient
    WHERE queue_recipient.message IN ${idsNamed(messages.map(({ id }) => id))} AND ${row} ORDER BY message, number`
  return entriesOf(messages, rows)
}

function entriesOf(messages: Iterable<QueueMessageRow>, rows: readonly QueueRecipientRow[]): QueueEntry[] {
  const byMessage = Map.groupBy(rows, ({ message }) => message)
  return [...messages].map((row) => ({
    message: queueMessageOf(row),
    recipients: (byMessage.get(row.id) ?? []).map(queueRecipientOf),
    finishedAt: row.finished_at,
  }))
}

/** See `QueueStore.queueEntry`. */
export function* queueEntry(
  id: QueueId,
): Op<(QueueEntry & { attempts: { number: number; attempt: Attempt }[] }) | undefined> {
  const [entry] = yield* queueList({ filter: { id }, limit: 1, finished: 'with' })
  if (!entry) return undefined
  const kept = yield* all<{ number: number; attempt: string }>`
    SELECT number, attempt FROM queue_attempt WHERE message = ${id} ORDER BY number, position`
  const attempts = kept.map(({ number, attempt }) => ({ number, attempt: attemptOf(attempt) }))
  const latest = new Map(kept.map(({ number, attempt }) => [number, attempt]))
  // The attempt that settled a row is kept with the row alone.
  for (const { number, last } of entry.recipients) {
    if (last && latest.get(number) !== JSON.stringify(last)) attempts.push({ number, attempt: last })
  }
  return { ...entry, attempts: attempts.toSorted((a, b) => a.attempt.at - b.attempt.at) }
}

export function* findQueued(name: string): Op<QueueId | undefined> {
  const row = yield* get<{ id: QueueId }>`SELECT id FROM queue_message WHERE name = ${name}`
  return row?.id
}

/** See `QueueStore.findSent`. */
export function* findSent(request: { envId?: string; messageId?: string }): Op<QueueId | undefined> {
  const { envId = null, messageId = null } = request
  const byEnvelope = yield* get<{
    id: QueueId | null
  }>`SELECT MAX(id) AS id FROM queue_message WHERE env_id = ${envId}`
  const byField = yield* get<{ id: QueueId | null }>`
    SELECT MAX(id) AS id FROM queue_message WHERE message_id = ${messageId}`
  return byEnvelope?.id ?? byField?.id ?? undefined
}

/** See `QueueStore.reportsDue`. */
export function* reportsDue(request: { after?: QueueId; limit: number }): Op<ReportsDue[]> {
  const due = yield* all<{ message: QueueId }>`
    SELECT DISTINCT message FROM queue_recipient WHERE report IS NOT NULL AND message > ${request.after ?? 0}
    ORDER BY message LIMIT ${request.limit}`
  const ids = due.map(({ message }) => message)
  if (ids.length === 0) return []
  const messages = yield* messagesOf(ids)
  const rows = yield* all<QueueRecipientRow>`
    SELECT ${queueRecipientColumns} FROM queue_recipient
    WHERE report IS NOT NULL AND queue_recipient.message IN ${idsNamed(ids)} ORDER BY message, number`
  const counts = yield* all<{ id: QueueId; unsettled: number }>`
    SELECT id, unsettled FROM queue_message WHERE id IN ${idsNamed(ids)}`
  const unsettled = new Map(counts.map((row) => [row.id, row.unsettled]))
  const found = ids.flatMap((id) => messages.get(id) ?? [])
  return entriesOf(found, rows).map((entry) => ({
    ...entry,
    unsettled: unsettled.get(entry.message.id) ?? 0,
  }))
}

/** See `QueueStore.queueShape`. */
export function* queueShape(request: { now: number; ages: readonly number[] }): Op<QueueShape[]> {
  const { now, ages } = request
  let bucket = sql`0`
  for (const age of ages) {
    bucket = sql`${bucket} + CASE WHEN queue_message.arrived_at < ${now - age} THEN 1 ELSE 0 END`
  }
  const rows = yield* all<{ domain: string; bucket: number; n: number }>`
    SELECT domain, bucket, COUNT(*) AS n FROM (
      SELECT queue_recipient.domain, ${bucket} AS bucket
      FROM queue_message JOIN queue_recipient ON queue_recipient.message = queue_message.id
      WHERE queue_message.finished_at IS NULL AND queue_recipient.state <> 'settled') AS aged
    GROUP BY domain, bucket`
  const shapes = new Map<string, { domain: string; total: number; counts: number[] }>()
  for (const { domain, bucket: at, n } of rows) {
    const shape = shapes.get(domain) ?? { domain, total: 0, counts: Array<number>(ages.length + 1).fill(0) }
    shape.total += n
    shape.counts[at] = n
    shapes.set(domain, shape)
  }
  return [...shapes.values()].toSorted((a, b) => b.total - a.total || (a.domain < b.domain ? -1 : 1))
}

export function* queueTotals(): Op<Awaited<ReturnType<QueueStore['queueTotals']>>> {
  const [messages, waiting, active, held, reports] = yield* many([
    get<{ n: number }>`SELECT COUNT(*) AS n FROM queue_message WHERE finished_at IS NULL`,
    get<{ n: number }>`SELECT COUNT(*) AS n FROM queue_recipient WHERE state = 'waiting'`,
    get<{ n: number }>`SELECT COUNT(*) AS n FROM queue_recipient WHERE state = 'active'`,
    get<{ n: number }>`SELECT COUNT(*) AS n FROM queue_recipient WHERE state = 'held'`,
    get<{ n: number }>`SELECT COUNT(*) AS n FROM queue_recipient WHERE report IS NOT NULL`,
  ])
  const n = (row: { n: number } | undefined): number => row?.n ?? 0
  return { messages: n(messages), waiting: n(waiting), active: n(active), held: n(held), reports: n(reports) }
}

export type ChangeQueuedRequest = Parameters<QueueStore['changeQueued']>[0]

interface Ordered extends QueueRow {
  readonly domain: string
  readonly state: string
}

/** See `QueueStore.changeQueued`. */
export function* changeQueued(request: ChangeQueuedRequest): Op<number> {
  const { change, now, webhooks } = request
  const { row, message } = conditions(request.filter)
  const found = yield* all<{ message: QueueId; number: number; domain: string; state: string }>`
    SELECT message, number, domain, state FROM queue_recipient
    WHERE ${eligible(change.type)} AND ${row} AND EXISTS
      (SELECT 1 FROM queue_message WHERE queue_message.id = queue_recipient.message AND ${message})
    ORDER BY message, number ${forUpdate}`
  if (found.length === 0) return 0
  switch (change.type) {
    case 'hold':
      yield* set(found, sql`state = 'held', reason = ${change.reason}`)
      break
    case 'release':
      yield* set(found, sql`state = 'waiting', faults = 0, reason = '', ${dueAt(change.nextAttempt)}`)
      yield* released(found, change.nextAttempt, 'order')
      break
    case 'retry':
    case 'hasten':
      yield* set(found, dueAt(change.nextAttempt))
      yield* released(found, change.nextAttempt, change.type === 'retry' ? 'order' : undefined)
      break
    case 'reroute':
      yield* set(found, sql`route = ${change.route}, ${dueAt(change.nextAttempt)}`)
      yield* released(
        found.filter(({ state }) => state === 'waiting'),
        change.nextAttempt,
        'order',
      )
      break
    case 'fail': {
      const words = ownWords({ at: now, outcome: 'failed', reply: change.reply, status: change.status })
      yield* settleByOrder(found, { outcome: 'failed', report: change.report, words })
      // Nobody else would look for it before the next sweep.
      if (change.report !== null) {
        yield* changed({ type: 'queued', domains: [], earliest: now, news: 'reports' })
      }
      if (webhooks === 'on') yield* tellEnd(found, { type: 'message.bounced', words })
      break
    }
    case 'discard': {
      const words = ownWords({ at: now, outcome: 'discarded', reply: change.reason, status: '2.0.0' })
      yield* settleByOrder(found, { outcome: 'discarded', report: null, words })
      if (webhooks === 'on') yield* tellEnd(found, { type: 'message.discarded', words })
      break
    }
  }
  return found.length
}

/** The same words that the queue has for an end of its own (`src/queue/tell.ts`). */
function* tellEnd(rows: readonly Ordered[], end: { type: string; words: Attempt }): Op<void> {
  const { type, words } = end
  const { at, outcome, status, reply } = words
  const ended = yield* all<{
    name: string
    reverse_path: string
    message_id: string | null
    address: string
    attempts: number
  }>`SELECT queue_message.name, queue_message.reverse_path, message_id, address, attempts
    FROM ${rowsNamed(rows)} AS ordered
    JOIN queue_recipient ON queue_recipient.message = ordered.message AND queue_recipient.number = ordered.number
    JOIN queue_message ON queue_message.id = ordered.message
    ORDER BY ordered.message, ordered.number`
  yield* insertEvents(
    ended.map(({ name, reverse_path: reversePath, message_id: messageId, address, attempts }) => {
      const message = { id: name, recipient: address, reversePath, messageId, attempts }
      return { type, at, payload: JSON.stringify({ ...message, host: null, status, reply, outcome }) }
    }),
  )
}

function eligible(type: ChangeQueuedRequest['change']['type']): Fragment {
  if (type === 'release') return sql`queue_recipient.state = 'held'`
  if (type === 'retry' || type === 'hasten') return sql`queue_recipient.state = 'waiting'`
  return sql`queue_recipient.state IN ('waiting', 'held')`
}

function dueAt(nextAttempt: number): Fragment {
  return sql`next_attempt = ${nextAttempt}, turn = ${nextAttempt}`
}

function* set(rows: readonly QueueRow[], assignments: Fragment): Op<void> {
  yield* run`UPDATE queue_recipient SET ${assignments} FROM ${rowsNamed(rows)} AS ordered
    WHERE queue_recipient.message = ordered.message AND queue_recipient.number = ordered.number`
}

function* settleByOrder(
  rows: readonly Ordered[],
  end: { outcome: 'failed' | 'discarded'; report: ReportKind | null; words: Attempt },
): Op<void> {
  const last = JSON.stringify(end.words)
  yield* set(
    rows,
    sql`state = 'settled', outcome = ${end.outcome}, report = ${end.report}, reason = '', last = ${last}`,
  )
  const tallies = new Map<QueueId, { unsettled: number; reports: number }>()
  for (const { message } of rows) {
    const counts = tallyOf(tallies, message)
    counts.unsettled--
    if (end.report) counts.reports++
  }
  yield* tally(tallies, end.words.at)
}

/** See `QueueStore.purgeQueue`. */
export function* purgeQueue(request: { finishedBefore: number; limit: number }): Op<number> {
  const { finishedBefore, limit } = request
  return yield* run`DELETE FROM queue_message WHERE id IN (SELECT id FROM queue_message
    WHERE finished_at IS NOT NULL AND finished_at < ${finishedBefore} ORDER BY finished_at LIMIT ${limit})`
}
