// The queue at work: which domains wait, claims, leases, and what ran out of time. Each is made for a queue of very many
// rows: it costs by what it gives, never by what waits.
import { all, changed, dialect, type Fragment, get, many, type Op, run, sql } from '../op.ts'
import type {
  ClaimedRecipient,
  QueueId,
  QueueMessage,
  QueueNews,
  QueueRecipient,
  QueueRow,
} from '../queue.ts'
import {
  inOrder,
  leaseTo,
  messagesOf,
  ownWords,
  queueMessageOf,
  queueRecipientColumns,
  queueRecipientOf,
  type QueueRecipientRow,
  rowsNamed,
} from './queue-rows.ts'
import { keepAttempt } from './queue-settle.ts'

/** Rows that another node is about to take are none of ours. */
const takenAtOnce: Fragment = dialect({ sqlite: sql``, pg: sql`FOR UPDATE SKIP LOCKED` })

/** See `QueueStore.queueDomains`: from one domain's first row straight to the next domain's. */
export function* queueDomains(request: {
  after?: string
  limit: number
}): Op<{ domain: string; due: number; waiting: number | null }[]> {
  const rows = yield* all<{ domain: string; due: number }>`
    SELECT domain, due FROM (
      WITH RECURSIVE step (domain) AS (
        SELECT (SELECT MIN(first.domain) FROM queue_recipient AS first
          WHERE first.state = 'waiting' AND first.domain > ${request.after ?? ''})
        UNION ALL
        SELECT (SELECT MIN(next.domain) FROM queue_recipient AS next
          WHERE next.state = 'waiting' AND next.domain > step.domain)
        FROM step WHERE step.domain IS NOT NULL
      )
      SELECT step.domain, (SELECT MIN(row.next_attempt) FROM queue_recipient AS row
          WHERE row.state = 'waiting' AND row.domain = step.domain) AS due
      FROM step WHERE step.domain IS NOT NULL LIMIT ${request.limit}) AS found`
  return rows.map(({ domain, due }) => ({ domain, due, waiting: null }))
}

export function* nextDue(request?: { domain: string }): Op<number | undefined> {
  const among = request === undefined ? sql`1 = 1` : sql`domain = ${request.domain}`
  const row = yield* get<{ due: number | null }>`
    SELECT MIN(next_attempt) AS due FROM queue_recipient WHERE state = 'waiting' AND ${among}`
  return row?.due ?? undefined
}

/** So many due rows are sorted; of more, those whose turn it is are looked for among the domain's in order of turn. */
const sortedAtMost = 200

export interface ClaimRequest {
  readonly domain: string
  readonly limit: number
  readonly now: number
  readonly holder: string
  readonly leaseUntil: number
}

/** See `QueueStore.claimDue`. */
export function* claimDue(request: ClaimRequest): Op<ClaimedRecipient[]> {
  const { domain, limit, now, holder } = request
  const due = yield* get<{ n: number }>`SELECT COUNT(*) AS n FROM (SELECT number FROM queue_recipient
    WHERE state = 'waiting' AND domain = ${domain} AND next_attempt <= ${now} LIMIT ${sortedAtMost}) AS due`
  if (!due || due.n === 0) return []
  // The sign keeps SQLite from the index on next_attempt.
  const isDue = due.n < sortedAtMost ? sql`next_attempt <= ${now}` : sql`+next_attempt <= ${now}`
  const rows = yield* all<QueueRecipientRow>`
    SELECT ${queueRecipientColumns} FROM queue_recipient
    WHERE state = 'waiting' AND domain = ${domain} AND ${isDue}
    ORDER BY priority DESC, turn, next_attempt, message, number LIMIT ${limit} ${takenAtOnce}`
  if (rows.length === 0) return []
  yield* leaseTo(holder, request.leaseUntil)
  yield* run`UPDATE queue_recipient SET state = 'active', holder = ${holder}
    FROM ${rowsNamed(rows)} AS claimed
    WHERE queue_recipient.message = claimed.message AND queue_recipient.number = claimed.number`
  return yield* withMessages(rows.map((row) => ({ ...row, state: 'active' })))
}

/** Rows of one message come together, where its first one is. */
function* withMessages(rows: readonly QueueRecipientRow[]): Op<ClaimedRecipient[]> {
  const byMessage = new Map<QueueId, QueueRecipientRow[]>()
  for (const row of rows) {
    const list = byMessage.get(row.message)
    if (list) list.push(row)
    else byMessage.set(row.message, [row])
  }
  const messages = yield* messagesOf([...byMessage.keys()])
  return [...byMessage].flatMap(([id, list]) => {
    const found = messages.get(id)
    if (!found) throw new Error(`queued message ${id} is missing`)
    const message: QueueMessage = queueMessageOf(found)
    return list.map((row) => ({ message, recipient: queueRecipientOf(row) }))
  })
}

/** See `QueueStore.beginAttempts`. */
export function* beginAttempts(request: { rows: readonly QueueRow[]; holder: string }): Op<void> {
  yield* run`UPDATE queue_recipient SET suspicion = 2 FROM ${rowsNamed(inOrder(request.rows))} AS begun
    WHERE queue_recipient.message = begun.message AND queue_recipient.number = begun.number
      AND state = 'active' AND holder = ${request.holder}`
}

export function* renewLeases(request: { holder: string; leaseUntil: number }): Op<void> {
  const { holder, leaseUntil } = request
  yield* run`UPDATE queue_holder SET lease_until = ${leaseUntil} WHERE holder = ${holder} AND lease_until < ${leaseUntil}`
}

export interface RecoverRequest {
  readonly now: number
  readonly holder: string
  readonly abandoned: 'expired' | 'all'
  readonly nextAttempt: number
  readonly poisonAfter: number
}

const interrupted = 'the attempt was interrupted: whether it reached anyone is unknown'

/** See `QueueStore.recoverLeases`. */
export function* recoverLeases(request: RecoverRequest): Op<{ waiting: number; poisoned: number }> {
  const { now, abandoned, nextAttempt, poisonAfter } = request
  const lost =
    abandoned === 'all' ? sql`holder <> ${request.holder}` : sql`lease_until <= CAST(${now} AS BIGINT)`
  const holders = yield* all<{ holder: string }>`
    SELECT holder FROM queue_holder WHERE ${lost} ORDER BY holder ${takenAtOnce}`
  const words = JSON.stringify(ownWords({ at: now, outcome: 'unknown', reply: interrupted, status: '4.3.0' }))
  const recovered: Recovered[] = []
  for (const { holder } of holders) {
    recovered.push(...(yield* recoverOf(holder, { words, nextAttempt, poisonAfter })))
    yield* run`DELETE FROM queue_holder WHERE holder = ${holder}`
  }
  if (recovered.length === 0) return { waiting: 0, poisoned: 0 }
  const waiting = recovered.filter(({ state }) => state === 'waiting')
  yield* released(waiting, nextAttempt)
  return { waiting: waiting.length, poisoned: recovered.length - waiting.length }
}

interface Recovered {
  readonly message: QueueId
  readonly number: number
  readonly domain: string
  readonly state: string
}

/**
 * Of a row that nothing was known against nobody can say whether it was being tried: it is under suspicion from now on. One
 * that is under suspicion says so itself (`beginAttempts`): tried, it counts a fault; only claimed, it is as it was.
 */
function* recoverOf(
  holder: string,
  as: { words: string; nextAttempt: number; poisonAfter: number },
): Op<Recovered[]> {
  const { words, nextAttempt, poisonAfter } = as
  const again = sql`holder = NULL, suspicion = 1, next_attempt = ${nextAttempt},
    turn = CASE WHEN turn < ${nextAttempt} THEN CAST(${nextAttempt} AS BIGINT) ELSE turn END`
  const claimed = yield* all<Recovered>`
    UPDATE queue_recipient SET ${again}, state = 'waiting'
    WHERE state = 'active' AND holder = ${holder} AND suspicion = 1
    RETURNING message, number, domain, state`
  const poison = sql`suspicion = 2 AND faults + 1 >= ${poisonAfter}`
  const tried = yield* all<Recovered>`
    UPDATE queue_recipient SET ${again}, state = CASE WHEN ${poison} THEN 'held' ELSE 'waiting' END,
      reason = CASE WHEN ${poison} THEN 'poison' ELSE CAST(${interrupted} AS TEXT) END,
      faults = faults + CASE WHEN suspicion = 2 THEN 1 ELSE 0 END, attempts = attempts + 1, last = ${words}
    WHERE state = 'active' AND holder = ${holder}
    RETURNING message, number, domain, state`
  yield* many(tried.map((row) => keepAttempt(row, words)))
  return [...claimed, ...tried]
}

/** Tells those who wait for work. */
export function* released(rows: readonly { domain: string }[], earliest: number, news?: QueueNews): Op<void> {
  const domains = [...new Set(rows.map(({ domain }) => domain))]
  if (domains.length > 0) yield* changed({ type: 'queued', domains, earliest, ...(news && { news }) })
}

/** See `QueueStore.queueOverdue`. */
export function* queueOverdue(request: {
  now: number
  limit: number
}): Op<{ expired: QueueRecipient[]; delayed: QueueRecipient[] }> {
  const { now, limit } = request
  const rows = yield* all<QueueRecipientRow & { deadline: number }>`
    SELECT ${queueRecipientColumns}, queue_message.deadline
    FROM queue_recipient JOIN queue_message ON queue_message.id = queue_recipient.message
    WHERE queue_recipient.state = 'waiting' AND watch_at <= ${now} ORDER BY watch_at LIMIT ${limit}`
  const expired: QueueRecipient[] = []
  const delayed: QueueRecipient[] = []
  for (const { deadline, ...row } of rows) {
    if (deadline <= now) expired.push(queueRecipientOf(row))
    else delayed.push(queueRecipientOf(row))
  }
  return { expired, delayed }
}
