// What becomes of rows of the queue: settled, put back, held, reported.
//
// - A row has one last attempt in itself; those that did not settle it are history besides (`queue_attempt`).
// - A message counts its unsettled rows and its reports that are due. With the last of both it is finished, in the same
//   commit, and lets its blob go.
// - Rows are taken in order, then their messages, then blobs, then the events: what two transactions share they take in one order.
import type { AccountId, BlobId } from '../model.ts'
import { dialect, type Fragment, get, many, type Op, run, sql, type Stmt } from '../op.ts'
import type { NewHookEvent, QueueId, QueueRow, Settlement } from '../queue.ts'
import { inOrder } from './queue-rows.ts'
import { touchSubmissions } from './queue-submissions.ts'

export interface SettleRequest {
  readonly settlements: readonly Settlement[]
  readonly holder: string | null
  readonly now: number
  readonly events: readonly NewHookEvent[]
}

/** What a message's counts change by. */
interface Tally {
  unsettled: number
  reports: number
}

/** See `QueueStore.settle`. */
export function* settle(request: SettleRequest): Op<void> {
  const settlements = inOrder(request.settlements)
  const mine =
    request.holder === null ? sql`state <> 'settled'` : sql`state = 'active' AND holder = ${request.holder}`
  const history = yield* many(settlements.map((settlement) => settleRow(settlement, mine)))
  const tallies = new Map<QueueId, Tally>()
  const attempts: Stmt<number>[] = []
  for (const [index, settlement] of settlements.entries()) {
    if (history[index] !== 1) continue
    if (settlement.type === 'done') {
      const tally = tallyOf(tallies, settlement.message)
      tally.unsettled--
      if (settlement.report) tally.reports++
    } else if (settlement.attempt) attempts.push(keepAttempt(settlement, JSON.stringify(settlement.attempt)))
  }
  if (attempts.length > 0) yield* many(attempts)
  yield* tally(tallies, request.now)
  yield* insertEvents(request.events)
}

function settleRow(settlement: Settlement, mine: Fragment): Stmt<number> {
  const { message, number, attempt } = settlement
  const last = attempt && JSON.stringify(attempt)
  const tried = attempt ? 1 : 0
  switch (settlement.type) {
    case 'done':
      return run`UPDATE queue_recipient SET state = 'settled', holder = NULL, outcome = ${settlement.outcome},
          report = ${settlement.report}, reason = '', suspicion = 0, attempts = attempts + ${tried}, last = COALESCE(${last}, last)
        WHERE message = ${message} AND number = ${number} AND ${mine}`
    case 'waiting': {
      const { nextAttempt, turn, reason, fault, counts } = settlement
      return run`UPDATE queue_recipient SET state = 'waiting', holder = NULL, next_attempt = ${nextAttempt},
          turn = ${turn}, reason = ${reason}, attempts = attempts + ${counts ? 1 : 0},
          faults = faults + ${fault === 'ours' ? 1 : 0}, last = COALESCE(${last}, last),
          suspicion = CASE WHEN ${counts ? 1 : 0} = 1 THEN 0 WHEN suspicion = 2 THEN 1 ELSE suspicion END
        WHERE message = ${message} AND number = ${number} AND ${mine}`
    }
    case 'held':
      return run`UPDATE queue_recipient SET state = 'held', holder = NULL, reason = ${settlement.reason}, suspicion = 0,
          attempts = attempts + ${tried}, last = COALESCE(${last}, last)
        WHERE message = ${message} AND number = ${number} AND ${mine}`
  }
}

/** Adds to a row's history. */
export function keepAttempt({ message, number }: QueueRow, attempt: string): Stmt<number> {
  return run`INSERT INTO queue_attempt (message, number, position, attempt)
    SELECT CAST(${message} AS BIGINT), CAST(${number} AS BIGINT), COUNT(*), CAST(${attempt} AS TEXT)
    FROM queue_attempt WHERE message = ${message} AND number = ${number}`
}

export function tallyOf(tallies: Map<QueueId, Tally>, message: QueueId): Tally {
  const found = tallies.get(message)
  if (found) return found
  const made = { unsettled: 0, reports: 0 }
  tallies.set(message, made)
  return made
}

/** Changes the counts of messages; those that are finished by it let their blobs go. */
export function* tally(tallies: ReadonlyMap<QueueId, Tally>, now: number): Op<void> {
  if (tallies.size === 0) return
  const ordered = [...tallies].toSorted(([a], [b]) => a - b)
  const counted = yield* many(
    ordered.map(
      ([id, { unsettled, reports }]) => get<{
        blob: BlobId
        finished_at: number | null
        account: AccountId | null
        name: string
        origin: string
      }>`
        UPDATE queue_message SET unsettled = unsettled + ${unsettled}, reports = reports + ${reports},
          finished_at = CASE WHEN unsettled + ${unsettled} + reports + ${reports} = 0
            THEN CAST(${now} AS BIGINT) ELSE NULL END
        WHERE id = ${id} RETURNING blob, finished_at, account, name, origin`,
    ),
  )
  yield* touchSubmissions(counted.filter((row) => row !== undefined))
  const blobs = counted.flatMap((row) => (row && row.finished_at !== null ? [row.blob] : []))
  if (blobs.length === 0) return
  blobs.sort((a, b) => a - b)
  yield* many(blobs.map((blob) => run`UPDATE blob SET refs = refs - 1 WHERE id = ${blob}`))
}

/** False where one of them is reported already: nothing may be written then. See `DeliveryExtras.reported`. */
export function* markReported(rows: readonly QueueRow[], now: number): Op<boolean> {
  const ordered = inOrder(rows)
  const changed = yield* many(ordered.flatMap(reportedRow))
  const tallies = new Map<QueueId, Tally>()
  let every = true
  for (const [index, { message }] of ordered.entries()) {
    const settled = changed[2 * index] === 1
    if (settled) tallyOf(tallies, message).reports--
    else if (changed[2 * index + 1] !== 1) every = false
  }
  yield* tally(tallies, now)
  return every
}

/** Two statements, of which one fits. */
function reportedRow({ message, number }: QueueRow): Stmt<number>[] {
  return [
    run`UPDATE queue_recipient SET report = NULL
      WHERE message = ${message} AND number = ${number} AND report IS NOT NULL`,
    run`UPDATE queue_recipient SET delay_reported = 1,
        watch_at = (SELECT deadline FROM queue_message WHERE id = queue_recipient.message)
      WHERE message = ${message} AND number = ${number} AND state <> 'settled' AND delay_reported = 0`,
  ]
}

/** See `QueueStore.dropReports`. */
export function* dropReports(request: { rows: readonly QueueRow[]; now: number }): Op<void> {
  yield* markReported(request.rows, request.now)
}

/**
 * Last in its transaction: on PostgreSQL ids must appear in the order of the commits, or a reader that went on past one
 * would never see it. So the transactions that have events take turns from here on.
 */
export function* insertEvents(events: readonly NewHookEvent[]): Op<void> {
  if (events.length === 0) return
  const oneAtATime = dialect({ sqlite: sql``, pg: sql`FROM pg_advisory_xact_lock(1886352499, 1)` })
  yield* many([
    get<{ ok: number }>`SELECT 1 AS ok ${oneAtATime}`,
    ...events.map(
      ({ type, at, payload }) =>
        run`INSERT INTO hook_event (type, at, payload) VALUES (${type}, ${at}, ${payload})`,
    ),
  ])
}
