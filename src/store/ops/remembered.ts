// Small things that outlive a restart beside the mail: suppressed addresses, rates, policies of others, and what webhooks
// have yet to tell. Each is one row by its key; what expires is pruned with the garbage.
import { all, get, many, type Op, run } from '../op.ts'
import type { HookCursor, HookEvent, Suppression } from '../queue.ts'
import type { Outcome } from '../store.ts'

export function* suppress(entry: Suppression): Op<void> {
  yield* run`INSERT INTO suppression (address, reason, since, until)
    VALUES (${entry.address}, ${entry.reason}, ${entry.since}, ${entry.until})
    ON CONFLICT (address) DO UPDATE SET reason = excluded.reason, since = excluded.since, until = excluded.until`
}

export function* unsuppress(address: string): Op<boolean> {
  return (yield* run`DELETE FROM suppression WHERE address = ${address}`) === 1
}

interface SuppressionRow {
  readonly address: string
  readonly reason: string
  readonly since: number
  readonly until: number | null
}

/** See `QueueStore.findSuppressed`. */
export function* findSuppressed(request: { addresses: readonly string[]; now: number }): Op<Suppression[]> {
  const found = yield* many(
    [...new Set(request.addresses)].map(
      (address) => get<SuppressionRow>`
        SELECT address, reason, since, until FROM suppression
        WHERE address = ${address} AND (until IS NULL OR until > ${request.now})`,
    ),
  )
  return found.flatMap((row) => (row ? [{ ...row }] : []))
}

export function* listSuppressions(request: { after?: string; limit: number }): Op<Suppression[]> {
  const rows = yield* all<SuppressionRow>`
    SELECT address, reason, since, until FROM suppression
    WHERE address > ${request.after ?? ''} ORDER BY address LIMIT ${request.limit}`
  return rows.map((row) => ({ ...row }))
}

/** See `QueueStore.chargeRate`. */
export function* chargeRate(request: {
  key: string
  start: number
  amount: number
  limit: number
}): Op<Outcome<{ used: number }, 'exceeded'>> {
  const { key, start, amount, limit } = request
  if (amount > limit) return { ok: false, reason: 'exceeded' }
  const row = yield* get<{ used: number }>`
    INSERT INTO rate (key, start, used) VALUES (${key}, ${start}, ${amount})
    ON CONFLICT (key) DO UPDATE SET start = excluded.start,
      used = CASE WHEN rate.start = excluded.start THEN rate.used + excluded.used ELSE excluded.used END
      WHERE rate.start <> excluded.start OR rate.used + excluded.used <= ${limit}
    RETURNING used`
  return row ? { ok: true, used: row.used } : { ok: false, reason: 'exceeded' }
}

export function* remember(request: {
  kind: string
  key: string
  value: string
  expiresAt: number
}): Op<void> {
  const { kind, key, value, expiresAt } = request
  yield* run`INSERT INTO remembered (kind, key, value, expires_at) VALUES (${kind}, ${key}, ${value}, ${expiresAt})
    ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at`
}

export function* recall(request: { kind: string; key: string; now: number }): Op<string | undefined> {
  const { kind, key, now } = request
  const row = yield* get<{ value: string }>`
    SELECT value FROM remembered WHERE kind = ${kind} AND key = ${key} AND expires_at > ${now}`
  return row?.value
}

/** See `QueueStore.recallAll`. */
export function* recallAll(request: {
  kind: string
  after: string
  limit: number
  now: number
}): Op<{ key: string; value: string }[]> {
  const { kind, after, limit, now } = request
  const rows = yield* all<{ key: string; value: string }>`SELECT key, value FROM remembered
    WHERE kind = ${kind} AND key > ${after} AND expires_at > ${now} ORDER BY key LIMIT ${limit}`
  return rows.map((row) => ({ ...row }))
}

/** See `QueueStore.hookEvents`. */
export function* hookEvents(request: { after: number; limit: number }): Op<HookEvent[]> {
  const rows = yield* all<{ id: number; type: string; at: number; payload: string }>`
    SELECT id, type, at, payload FROM hook_event WHERE id > ${request.after} ORDER BY id LIMIT ${request.limit}`
  return rows.map((row) => ({ ...row }))
}

export function* hookCursors(): Op<HookCursor[]> {
  const rows = yield* all<{ endpoint: string; last: number; failures: number; next_attempt: number }>`
    SELECT endpoint, last, failures, next_attempt FROM hook_cursor ORDER BY endpoint`
  return rows.map(({ endpoint, last, failures, next_attempt: nextAttempt }) => ({
    endpoint,
    last,
    failures,
    nextAttempt,
  }))
}

/** See `QueueStore.claimHookCursor`. */
export function* claimHookCursor(request: {
  endpoint: string
  holder: string
  now: number
  until: number
}): Op<HookCursor | undefined> {
  const { endpoint, holder, now, until } = request
  const row = yield* get<{ last: number; failures: number; next_attempt: number }>`
    INSERT INTO hook_cursor (endpoint, last, failures, next_attempt, holder, held_until)
    VALUES (${endpoint}, 0, 0, 0, ${holder}, ${until})
    ON CONFLICT (endpoint) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until
      WHERE hook_cursor.held_until <= ${now} OR hook_cursor.holder = excluded.holder
    RETURNING last, failures, next_attempt`
  if (!row) return undefined
  return { endpoint, last: row.last, failures: row.failures, nextAttempt: row.next_attempt }
}

/** See `QueueStore.setHookCursor`. */
export function* setHookCursor(request: { cursor: HookCursor; holder: string; until: number }): Op<boolean> {
  const { cursor, holder, until } = request
  const { endpoint, last, failures, nextAttempt } = cursor
  const changed = yield* run`UPDATE hook_cursor SET last = ${last}, failures = ${failures},
      next_attempt = ${nextAttempt}, held_until = ${until}
    WHERE endpoint = ${endpoint} AND holder = ${holder}`
  return changed === 1
}

export function* pruneHookEvents(upTo: number): Op<void> {
  yield* run`DELETE FROM hook_event WHERE id <= ${upTo}`
}

/** How long a rate, or a holder of leases that came no more, is kept; no window is longer. */
const keptMilliseconds = 40 * 24 * 3_600_000

/** Drops what nobody may ask for any more; gives how many rows. */
export function* pruneExpired(now: number): Op<number> {
  const before = now - keptMilliseconds
  const dropped = yield* many([
    run`DELETE FROM remembered WHERE expires_at <= ${now}`,
    run`DELETE FROM done_once WHERE expires_at <= ${now}`,
    run`DELETE FROM suppression WHERE until <= ${now}`,
    run`DELETE FROM rate WHERE start < ${before}`,
    run`DELETE FROM queue_holder WHERE lease_until < ${before}
      AND NOT EXISTS (SELECT 1 FROM queue_recipient WHERE state = 'active' AND queue_recipient.holder = queue_holder.holder)`,
  ])
  return dropped.reduce((sum, one) => sum + one, 0)
}
