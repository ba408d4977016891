// The queue of this process: finds what is due, has it tried, and keeps what became of it.
//
// - At the start everything that a dead process had under lease is recovered: all of it where this process is alone with its
//   store, else what ran out. From then on the leases of this holder are renewed until it stops.
// - It is woken by what comes in (`store.onQueued`), by the earliest due time it knows, and looks for itself now and then.
// - What is past its end is made due at once, and settled as expired by whoever claims it: nothing is settled that
//   somebody may be trying.
// Attempts are the dispatcher's; here are times, recovery, orders from outside, and the end.
import type { Checkpoint } from '../base/checkpoint.ts'
import type { Clock, Timer } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { QueueConfig } from '../config/sections/queue.ts'
import { errorText } from '../events/error-text.ts'
import type { Events } from '../events/event.ts'
import { queueRecovered, queueStoreTrouble } from '../events/queue.ts'
import type { QueueId, QueueRecipient, QueueRow, QueueStore, Settlement } from '../store/queue.ts'
import { conditionOf } from './backoff.ts'
import { lanesOf } from './concurrency.ts'
import { Dispatcher } from './dispatcher.ts'
import { drainDomains, type DrainResult } from './drain.ts'
import { DueDomains } from './due-domains.ts'
import type { Express } from './express.ts'
import type { FairTurns } from './fairness.ts'
import type { Row, SettlementRules } from './settlement.ts'
import { type Settled, Settler } from './settler.ts'
import { hookEventOf, tell } from './tell.ts'
import type { JobSource, Transport } from './transport.ts'

/** Who makes reports of what has ended or is late. */
export interface ReportMaker {
  /** Settlements with reports to make were committed. */
  due(): void
  /** These rows have been waiting for so long that their sender wants to know. */
  delayed(rows: readonly QueueRecipient[]): Promise<void>
}

export interface QueueOptions {
  readonly store: QueueStore
  readonly transport: Transport
  /** The same object that gives turns to what comes in. */
  readonly turns: FairTurns
  /** The same object that those have who queue mail in this process; absent: all of it waits to be claimed. */
  readonly express?: Express
  readonly clock: Clock
  readonly random: Random
  readonly events: Events
  readonly config: QueueConfig
  /** Unique to this run of this process. */
  readonly holder: string
  /** `alone`: no other process works on this store (SQLite). */
  readonly company: 'alone' | 'shared'
  readonly reports: ReportMaker
  readonly webhooks?: 'on' | 'off'
  /** Told how far a message has come; for tests that kill the process. */
  readonly checkpoint?: Checkpoint | undefined
}

export interface DestinationReport {
  readonly destination: string
  readonly route: string
  readonly condition: 'alive' | 'dead' | 'probe'
  readonly lanes: number
  readonly allowed: number
  readonly failures: number
  readonly reason: string
  /** Milliseconds since the epoch; 0 where it is alive. */
  readonly retryAt: number
}

export type FlushResult =
  | { readonly type: 'none' }
  | { readonly type: 'started'; readonly pending: number | null }
  | { readonly type: 'unable' }

export interface Queue {
  /** Recovers, then works until `stop`. Rejects with `StoreUnavailable` when the store cannot serve at the start. */
  start(): Promise<void>
  /** Gives back what was not tried, and waits for what is under way, bounded by `stopWithin`. */
  stop(): Promise<void>
  /** Domains have due rows: for whoever queued them in this process and need not wait for the store to tell. */
  wake(domains: readonly string[]): void
  /** RFC 1985 §5.1: has everything tried now that waits for a domain, for it and those below, or for a route. */
  flush(request: { node: string; form: 'domain' | 'subdomains' | 'queue' }): Promise<FlushResult>
  /** Messages that wait for these domains. */
  pending(domains: readonly string[]): Promise<number>
  /** Has one lane take all that waits for these domains, whatever their routes (ATRN, TURN); meanwhile nobody else does. */
  drainInto(domains: readonly string[], lane: (jobs: JobSource) => Promise<void>): Promise<DrainResult>
  destinations(): readonly DestinationReport[]
  /** Why a domain's mail waits, where its destination is dead. */
  troubleOf(domain: string): { readonly reason: string; readonly retryAt: number } | undefined
}

export function createQueue(options: QueueOptions): Queue {
  return new RunningQueue(options)
}

const pageSize = 500
/** Milliseconds for attempts under way, before mail is given to somebody who has come for it. */
const drainPatience = 5_000
const horizonPolls = 2
const dueRemembered = 20_000
const sweepRows = 500
const strayAfter = 5000
/** Into how many steps the length of a lease is cut. */
const leaseSteps = 20
const purgeRows = 1000
/** More faults than any row comes to. */
const neverPoison = 2 ** 31 - 1

class RunningQueue implements Queue {
  readonly #parts: QueueOptions
  readonly #rules: SettlementRules
  readonly #settler: Settler
  readonly #due: DueDomains
  readonly #dispatcher: Dispatcher
  readonly #rows = new WeakMap<Settlement, Row>()
  readonly #timers = new Map<string, Timer>()
  readonly #work = new Set<Promise<void>>()
  /** Names of messages whose commit nobody knows of. */
  readonly #strays = new Set<string>()
  /** Resolves when settlements have been committed. */
  #nextCommit = Promise.withResolvers<void>()
  #unsubscribe: (() => void) | undefined
  #state: 'new' | 'running' | 'stopped' = 'new'
  #stopped: Promise<void> | undefined

  constructor(parts: QueueOptions) {
    this.#parts = parts
    const { store, transport, turns, clock, random, events, config, holder, checkpoint } = parts
    this.#rules = {
      ladder: { after: config.retry.after, jitter: config.retry.jitter },
      unknownAfter: config.retry.unknownAfter,
      poisonAfter: config.retry.poisonAfter,
      doubleBounce: config.reports.doubleBounce,
    }
    const committed = (settled: readonly Settled[]): void => this.#committed(settled)
    this.#settler = new Settler({ store, clock, events, holder, committed, checkpoint })
    this.#due = new DueDomains({
      clock,
      horizon: config.poll * horizonPolls,
      limit: dueRemembered,
      due: (domain) => this.#dispatcher.due(domain),
    })
    this.#dispatcher = new Dispatcher({
      ...{ store, transport, turns, clock, random, events, config, holder, checkpoint, rules: this.#rules },
      settle: (settlement, row) => this.#settle(settlement, row),
      dueAt: (domain, at) => this.#due.note(domain, at),
    })
  }

  async start(): Promise<void> {
    const { store, clock, config, company, checkpoint } = this.#parts
    await this.#recover(company === 'alone' ? 'all' : 'expired')
    checkpoint?.('queue.recovered')
    this.#state = 'running'
    this.#unsubscribe = store.onQueued((domains, earliest, news) => {
      // Rows that no attempt settles: mail for mailboxes here whose sender wants to hear of its success, and an operator's end.
      if (news === 'reports') this.#parts.reports.due()
      else if (domains.length === 0) this.#look()
      if (news === 'order') this.#dispatcher.revive(domains)
      for (const domain of domains) this.#due.note(domain, earliest)
    })
    await this.#scan()
    this.#every('poll', config.poll, () => this.#poll())
    this.#every('sweep', config.sweep, () => this.#sweep())
    this.#every('lease', config.lease / 3, async () => {
      const { holder } = this.#parts
      await store.renewLeases({ holder, leaseUntil: clock.now() + config.lease })
    })
    this.#parts.reports.due()
    this.#openExpress()
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    this.#state = 'stopped'
    this.#parts.express?.close()
    this.#unsubscribe?.()
    this.#due.clear()
    for (const [name, timer] of this.#timers) if (name !== 'lease') timer.cancel()
    const { stopWithin } = this.#parts.config
    await this.#dispatcher.stop(stopWithin)
    await this.#settler.close(stopWithin)
    this.#timers.get('lease')?.cancel()
    await Promise.allSettled(this.#work)
  }

  wake(domains: readonly string[]): void {
    if (this.#state !== 'running') return
    for (const domain of domains) this.#dispatcher.due(domain)
  }

  async flush(request: { node: string; form: 'domain' | 'subdomains' | 'queue' }): Promise<FlushResult> {
    if (this.#state !== 'running') return { type: 'unable' }
    const { store, clock } = this.#parts
    const domains = await this.#domainsOf(request)
    if (domains.length === 0) return { type: 'none' }
    const pending = await this.pending(domains)
    const nextAttempt = clock.now()
    for (const domain of domains) {
      const filter = { domain, state: 'waiting' } as const
      await store.changeQueued({ filter, change: { type: 'retry', nextAttempt }, now: nextAttempt })
    }
    // RFC 1985 §1: whoever asks has just come on line; of the order all nodes hear that such destinations are to be probed.
    this.wake(domains)
    return pending === 0 ? { type: 'none' } : { type: 'started', pending }
  }

  async pending(domains: readonly string[]): Promise<number> {
    let messages = 0
    for (const domain of domains) {
      const filter = { domain }
      const page = await this.#parts.store.queueList({ filter, limit: pageSize, finished: 'without' })
      // What is being tried at this moment, in vain perhaps, waits as well. One look: between two of them a row could change sides.
      const waits = ({ state }: QueueRecipient): boolean => state === 'waiting' || state === 'active'
      messages += page.filter(({ recipients }) => recipients.some(waits)).length
    }
    return messages
  }

  async drainInto(
    domains: readonly string[],
    lane: (jobs: JobSource) => Promise<void>,
  ): Promise<DrainResult> {
    const { store, clock, random, turns, config, holder, events } = this.#parts
    const excluded = Promise.all(domains.map((domain) => this.#dispatcher.exclude(domain)))
    try {
      await excluded
      await this.#attemptsOver(domains)
      return await drainDomains(domains, lane, {
        ...{ store, clock, random, turns, config, holder, events, rules: this.#rules },
        settle: (settlement, row) => this.#settle(settlement, row),
      })
    } finally {
      for (const domain of domains) this.#dispatcher.include(domain)
    }
  }

  /** Resolves when nobody tries the domains' mail any more, or after a while: what is tried elsewhere does not come along. */
  async #attemptsOver(domains: readonly string[]): Promise<void> {
    const { store, clock } = this.#parts
    const patience = new AbortController()
    const tooLong = clock.sleep(drainPatience, patience.signal).then(
      () => 'too long' as const,
      () => 'over' as const,
    )
    try {
      for (const domain of domains) {
        const filter = { domain, state: 'active' } as const
        for (;;) {
          const committed = this.#nextCommit.promise
          const active = await store.queueList({ filter, limit: 1, finished: 'without' })
          if (active.length === 0) break
          if ((await Promise.race([committed, tooLong])) === 'too long') return
        }
      }
    } finally {
      patience.abort()
    }
  }

  destinations(): readonly DestinationReport[] {
    const now = this.#parts.clock.now()
    return [...this.#dispatcher.destinations].map((state) => ({
      destination: state.key,
      route: state.destination.route,
      condition: conditionOf(state.health, now),
      lanes: state.lanes.size,
      allowed: lanesOf(state.window, state.destination.maxConnections),
      failures: state.health.failures,
      reason: state.health.reason,
      retryAt: state.health.retryAt,
    }))
  }

  troubleOf(domain: string): { reason: string; retryAt: number } | undefined {
    const state = this.#dispatcher.destinationOf(domain)
    if (state === undefined || state.health.retryAt === 0) return undefined
    return { reason: state.health.reason, retryAt: state.health.retryAt }
  }

  #openExpress(): void {
    const { express, holder, clock, config } = this.#parts
    const dispatcher = this.#dispatcher
    express?.open({
      holder,
      leaseUntil: () => leaseUntil(clock.now(), config.lease),
      reserve: (domain) => dispatcher.reserve(domain),
      board: (domain, rows) => dispatcher.board(domain, rows),
      look: (name) => {
        this.#timers.get('stray')?.cancel()
        this.#strays.add(name)
        this.#timers.set(
          'stray',
          clock.after(strayAfter, () => void this.#guard('look', () => this.#findStrays())),
        )
      },
    })
  }

  /** Rows that came into the store under our lease, after all, without anybody knowing. */
  async #findStrays(): Promise<void> {
    const { store, clock, holder } = this.#parts
    for (const name of this.#strays) {
      const id = await store.findQueued(name)
      const entry = id === undefined ? undefined : await store.queueEntry(id)
      const active = entry?.recipients.filter(({ state }) => state === 'active') ?? []
      const now = clock.now()
      const settlements = active.map(({ message, number, turn }): Settlement => ({
        ...{ message, number, turn, attempt: null, type: 'waiting', nextAttempt: now },
        ...{ reason: '', fault: 'none', counts: false },
      }))
      if (settlements.length > 0) await store.settle({ settlements, holder, now, events: [] })
      this.#strays.delete(name)
      this.wake([...new Set(active.map(({ domain }) => domain))])
    }
  }

  #settle(settlement: Settlement, row: Row): void {
    const { events, clock, webhooks } = this.#parts
    tell(events, settlement, row)
    const hook = webhooks === 'on' ? hookEventOf(settlement, row, clock.now()) : undefined
    this.#rows.set(settlement, row)
    this.#settler.add(settlement, hook === undefined ? [] : [hook])
  }

  #committed(settled: readonly Settled[]): void {
    this.#nextCommit.resolve()
    this.#nextCommit = Promise.withResolvers<void>()
    let reports = false
    const hasty: Settlement[] = []
    for (const { settlement } of settled) {
      if (settlement.type === 'done' && settlement.report !== null) reports = true
      const row = this.#rows.get(settlement)
      if (settlement.type === 'waiting' && row !== undefined && this.#state === 'running') {
        const { domain } = row.recipient
        this.#due.note(domain, settlement.nextAttempt)
        if (!settlement.counts && this.#dispatcher.wasRevived(domain, settlement.nextAttempt)) {
          hasty.push(settlement)
        }
      }
    }
    if (reports) this.#parts.reports.due()
    if (hasty.length > 0) void this.#guard('hasten', () => this.#hasten(hasty))
  }

  /** The order to try these now came while they were being put off, and found nothing that it could change. */
  async #hasten(rows: readonly QueueRow[]): Promise<void> {
    const { store, clock } = this.#parts
    const now = clock.now()
    const change = { type: 'hasten', nextAttempt: now } as const
    await Promise.all(
      rows.map(({ message: id, number }) => store.changeQueued({ filter: { id, number }, change, now })),
    )
  }

  async #domainsOf(request: { node: string; form: 'domain' | 'subdomains' | 'queue' }): Promise<string[]> {
    const { node, form } = request
    if (form === 'domain') return [node]
    const below = `.${node}`
    const fits = (domain: string): boolean =>
      form === 'subdomains'
        ? domain === node || domain.endsWith(below)
        : this.#dispatcher.destinationOf(domain)?.destination.route === node
    const found = new Set<string>()
    for await (const { domain } of this.#waitingDomains()) if (fits(domain)) found.add(domain)
    // RFC 1985 §5.3: what is being tried at this moment is accumulated mail too, and 251 would deny it.
    for (const domain of await this.#activeDomains()) if (fits(domain)) found.add(domain)
    return [...found]
  }

  /** Few: they are bounded by the lanes. */
  async #activeDomains(): Promise<Set<string>> {
    const { store } = this.#parts
    const filter = { state: 'active' } as const
    const domains = new Set<string>()
    let after: QueueId | undefined
    for (;;) {
      const request = { filter, limit: pageSize, finished: 'without' } as const
      const page = await store.queueList({ ...request, ...(after !== undefined && { after }) })
      for (const { recipients } of page) for (const { domain } of recipients) domains.add(domain)
      after = page.at(-1)?.message.id
      if (page.length < pageSize || after === undefined) return domains
    }
  }

  async *#waitingDomains(): AsyncGenerator<{ domain: string; due: number }> {
    const { store } = this.#parts
    let after: string | undefined
    for (;;) {
      const page = await store.queueDomains({ ...(after !== undefined && { after }), limit: pageSize })
      yield* page
      after = page.at(-1)?.domain
      if (page.length < pageSize || after === undefined) return
    }
  }

  async #scan(): Promise<void> {
    for await (const { domain, due } of this.#waitingDomains()) {
      if (this.#state !== 'running') return
      this.#due.note(domain, due)
    }
  }

  /** Looks soon; for a wake that names no domain. */
  #look(): void {
    void this.#guard('scan', () => this.#scan())
  }

  async #poll(): Promise<void> {
    const { store, clock, config, company } = this.#parts
    if (company === 'shared') await this.#recover('expired')
    const due = await store.nextDue()
    if (due !== undefined && due <= clock.now() + config.poll * horizonPolls) await this.#scan()
  }

  async #sweep(): Promise<void> {
    const { store, clock, config, reports } = this.#parts
    const now = clock.now()
    const { expired, delayed } = await store.queueOverdue({ now, limit: sweepRows })
    for (const id of new Set(expired.map(({ message }) => message))) {
      // Whoever claims it finds that its time is up.
      const filter = { id, state: 'waiting' } as const
      await store.changeQueued({ filter, change: { type: 'hasten', nextAttempt: now }, now })
    }
    this.wake([...new Set(expired.map(({ domain }) => domain))])
    if (delayed.length > 0) await reports.delayed(delayed)
    reports.due()
    await store.purgeQueue({ finishedBefore: now - config.keepHistory, limit: purgeRows })
  }

  async #recover(abandoned: 'all' | 'expired'): Promise<void> {
    const { store, clock, config, holder, events } = this.#parts
    const now = clock.now()
    if (this.#state === 'running') await store.renewLeases({ holder, leaseUntil: now + config.lease })
    const recovered = await store.recoverLeases({
      now,
      holder,
      abandoned,
      // Most of it was claimed and never tried. What was may have come through (RFC 1047), but the far side's final wait
      // for us, 5 minutes by RFC 5321 §4.5.3.2.7, is over by then: no copy is taken beside one that is still coming.
      nextAttempt: now + config.retry.interruptedAfter,
      poisonAfter: config.retry.poisonAfter === 0 ? neverPoison : config.retry.poisonAfter,
    })
    if (recovered.waiting + recovered.poisoned > 0) events.emit(queueRecovered, recovered)
  }

  /** Again and again, never two at once. */
  #every(name: string, period: number, work: () => Promise<void>): void {
    const set = (): void => {
      this.#timers.set(
        name,
        this.#parts.clock.after(period, () => {
          const running = this.#guard(name, work)
          void running.then(() => {
            if (this.#state === 'running') set()
          })
        }),
      )
    }
    set()
  }

  #guard(doing: string, work: () => Promise<void>): Promise<void> {
    const running = work().catch((error: unknown) => {
      this.#parts.events.emit(queueStoreTrouble, { doing, error: errorText(error) })
    })
    this.#work.add(running)
    void running.then(() => this.#work.delete(running))
    return running
  }
}

/** In steps: where the store has the same end already, a message more writes nothing for it. */
function leaseUntil(now: number, lease: number): number {
  const step = Math.ceil(lease / leaseSteps)
  return Math.ceil((now + lease) / step) * step
}
