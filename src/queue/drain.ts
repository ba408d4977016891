// Gives all that waits for some domains to one lane that somebody else brought: a customer who dialled in and wants his mail
// over this very connection (RFC 2645, RFC 821 §3.8). Routes and back-off don't matter here; each row still ends in exactly one
// settlement, and what was not tried is given back.
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { QueueConfig } from '../config/sections/queue.ts'
import type { Events } from '../events/event.ts'
import { errorText } from '../events/error-text.ts'
import { queueFault } from '../events/queue.ts'
import type { QueueStore, Settlement } from '../store/queue.ts'
import { groupRows, type Work } from './destinations.ts'
import type { FairTurns } from './fairness.ts'
import { noteBeginning } from './held-rows.ts'
import { expiryOf, faultOf, putOff, type Row, settlementOf, type SettlementRules } from './settlement.ts'
import type { Job, JobSource, RecipientResult } from './transport.ts'

/** Recipients, by how they ended. */
export interface DrainResult {
  readonly done: number
  readonly failed: number
  readonly waiting: number
}

export interface DrainOptions {
  readonly store: Pick<QueueStore, 'claimDue' | 'changeQueued' | 'beginAttempts'>
  readonly clock: Clock
  readonly random: Random
  readonly turns: FairTurns
  readonly config: QueueConfig
  readonly holder: string
  readonly events: Events
  readonly rules: SettlementRules
  readonly settle: (settlement: Settlement, row: Row) => void
}

const claimSize = 50
const maxRecipients = 100

/** Rejects when the store cannot serve; otherwise resolves when the lane has ended. */
export async function drainDomains(
  domains: readonly string[],
  lane: (jobs: JobSource) => Promise<void>,
  options: DrainOptions,
): Promise<DrainResult> {
  const { store, clock } = options
  const now = clock.now()
  for (const domain of domains) {
    const filter = { domain, state: 'waiting' } as const
    await store.changeQueued({ filter, change: { type: 'hasten', nextAttempt: now }, now })
  }
  const drain = new Drain(domains, options)
  let trouble: unknown
  try {
    await lane(drain)
  } catch (error) {
    trouble = error
  }
  return drain.end(trouble)
}

class Drain implements JobSource {
  readonly #parts: DrainOptions
  readonly #domains: string[]
  readonly #since: number
  readonly #pending: Work[] = []
  readonly #out = new Map<Job, Work>()
  readonly #result = { done: 0, failed: 0, waiting: 0 }

  constructor(domains: readonly string[], parts: DrainOptions) {
    this.#parts = parts
    this.#domains = [...domains]
    this.#since = parts.clock.now()
  }

  async next(): Promise<Job | null> {
    while (this.#pending.length === 0) {
      const [domain] = this.#domains
      if (domain === undefined) return null
      const { store, clock, config, holder } = this.#parts
      const now = clock.now()
      // As of the beginning: what is put off meanwhile is not tried twice over one connection.
      const rows = await store.claimDue({
        ...{ domain, limit: claimSize, now: this.#since, holder, leaseUntil: now + config.lease },
      })
      if (rows.length < claimSize) this.#domains.shift()
      const live = rows.filter((row) => {
        if (row.message.expiresAt > now) return true
        this.#settle(expiryOf(row, this.#parts.rules, now), row)
        return false
      })
      this.#pending.push(...groupRows(live, maxRecipients))
    }
    const work = this.#pending.shift()
    if (work === undefined) return null
    this.#out.set(work.job, work)
    await noteBeginning(work.rows, this.#parts)
    return work.job
  }

  report(job: Job, results: readonly RecipientResult[]): void {
    const work = this.#out.get(job)
    if (work === undefined) throw new Error('a job is reported once, by the lane that took it')
    this.#out.delete(job)
    const { rules, clock, random, turns } = this.#parts
    const now = clock.now()
    for (const [index, row] of work.rows.entries()) {
      const result = results[index]
      if (result === undefined || result.type === 'untried') this.#giveBack(row)
      else {
        const { domain } = row.recipient
        const { priority } = row.message.options
        const turn = turns.next({ domain, priority, sender: row.message.sender, now })
        this.#settle(settlementOf(row, result, rules, { now, random, turn }), row)
      }
    }
  }

  end(trouble: unknown): DrainResult {
    const { clock, random, events, rules } = this.#parts
    const now = clock.now()
    for (const { rows } of this.#pending.splice(0)) for (const row of rows) this.#giveBack(row)
    for (const { rows } of this.#out.values()) {
      const error = trouble ?? new Error('the lane ended without a result')
      events.emit(queueFault, { destination: 'drain', recipients: rows.length, error: errorText(error) })
      for (const row of rows) {
        this.#settle(faultOf(row, error, rules, { now, random, turn: row.recipient.turn }), row)
      }
    }
    this.#out.clear()
    return this.#result
  }

  #giveBack(row: Row): void {
    const { turn, reason } = row.recipient
    this.#settle(putOff(row, { nextAttempt: this.#parts.clock.now() + 1, turn, reason }), row)
  }

  #settle(settlement: Settlement, row: Row): void {
    if (settlement.type !== 'done') this.#result.waiting++
    else if (settlement.outcome === 'failed' || settlement.outcome === 'expired') this.#result.failed++
    else this.#result.done++
    this.#parts.settle(settlement, row)
  }
}
