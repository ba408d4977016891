// The dispatcher: takes due rows of domains whose time has come, and gives them to lanes.
//
// - Rows are claimed for a domain only when its destination has use for them, so that what is in memory is bounded by the
//   lanes, not by the queue. Domains whose destination is busy wait in a list of names.
// - Destinations take turns, for claims as for new lanes: one that is slow, dead or has very much keeps nobody waiting.
// - A dead destination's rows are put off in the store with its reason, without an attempt, until it has been probed.
// - Every row claimed ends in exactly one settlement, whatever a transport does; exceptions are ours and count as faults.
import type { Checkpoint } from '../base/checkpoint.ts'
import type { Clock, Timer } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { QueueConfig } from '../config/sections/queue.ts'
import type { Events } from '../events/event.ts'
import { destinationAlive, destinationDead } from '../events/queue.ts'
import type { ClaimedRecipient, QueueStore, Settlement } from '../store/queue.ts'
import { conditionOf, failedOnce, healthy } from './backoff.ts'
import { Claims, rowsPerLane } from './claims.ts'
import { narrow, widen } from './concurrency.ts'
import { type DestinationState, groupRows, type Work } from './destinations.ts'
import type { Place } from './express.ts'
import type { FairTurns } from './fairness.ts'
import { HeldRows, noteBeginning } from './held-rows.ts'
import type { Lane, LaneHost } from './lane.ts'
import { LanePool } from './lanes.ts'
import { type DomainState, Roster } from './roster.ts'
import type { Row, SettlementRules } from './settlement.ts'
import type { RecipientResult, Transport } from './transport.ts'

export interface DispatcherOptions {
  readonly store: Pick<QueueStore, 'claimDue' | 'nextDue' | 'beginAttempts'>
  readonly transport: Transport
  readonly turns: FairTurns
  readonly clock: Clock
  readonly random: Random
  readonly events: Events
  readonly config: QueueConfig
  readonly holder: string
  readonly rules: SettlementRules
  /** Every settlement, with the row as it was claimed. */
  readonly settle: (settlement: Settlement, row: Row) => void
  /** The domain has rows due at that time. */
  readonly dueAt: (domain: string, at: number) => void
  readonly checkpoint?: Checkpoint | undefined
}

/** How often a job may come back untried before its rows do, and how long these wait then. */
const untriedAtMost = 2
const untriedAfter = 60_000
const barrenAtMost = 3
const lookAgainAfter = 1000

export class Dispatcher implements LaneHost {
  readonly #parts: DispatcherOptions
  readonly #pool: LanePool
  readonly #roster: Roster
  readonly #held: HeldRows
  readonly #claims: Claims
  readonly #running = new Set<Promise<void>>()
  #pumping = false
  #stopping = false
  #lookAgain: Timer | undefined

  constructor(parts: DispatcherOptions) {
    this.#parts = parts
    const { store, clock, random, events, config, holder, turns, rules, settle, dueAt } = parts
    this.#pool = new LanePool(clock, config.lanes)
    this.#roster = new Roster(config.lanes.initial)
    this.#held = new HeldRows({ turns, clock, random, events, rules, settle })
    this.#claims = new Claims({
      ...{ store, clock, events, config, holder, dueAt, roster: this.#roster },
      received: (domain, rows) => {
        this.#held.count += rows.length
        this.#distribute(domain, rows)
      },
      isLaden: () => this.#isLaden(),
      isFull: () => this.#isFull(),
      ended: () => this.pump(),
    })
  }

  get lanes(): number {
    return this.#pool.all.size
  }

  get destinations(): Iterable<DestinationState> {
    return this.#roster.destinations
  }

  /** Where the domain's mail went last. */
  destinationOf(domain: string): DestinationState | undefined {
    return this.#roster.destinationOf(domain)
  }

  /** The domain has due rows. */
  due(name: string): void {
    if (this.#stopping || this.#claims.isExcluded(name)) return
    const domain = this.#roster.domain(name)
    if (domain.phase === 'claiming') domain.again = true
    if (domain.phase !== 'idle') return
    this.#roster.setReady(name, domain)
    this.pump()
  }

  /** Dead destinations of these domains (none: of all) are probed now: whoever orders it may know that they are back. */
  revive(names: readonly string[]): void {
    const now = this.#parts.clock.now()
    const states =
      names.length === 0
        ? this.destinations
        : new Set(names.flatMap((name) => this.destinationOf(name) ?? []))
    for (const state of states) {
      if (conditionOf(state.health, now) !== 'dead') continue
      state.revivedFrom = state.health.retryAt
      state.health = { ...state.health, retryAt: now }
      this.#roster.want(state)
    }
    this.pump()
  }

  /** Whether rows of the domain that were put off until then need no longer wait. */
  wasRevived(name: string, until: number): boolean {
    return this.destinationOf(name)?.revivedFrom === until
  }

  /** See `ExpressLine`. */
  reserve(name: string): Place | undefined {
    if (this.#stopping || this.#claims.isExcluded(name) || this.#isLaden()) return undefined
    const domain = this.#roster.knownDomain(name)
    const state = domain?.destination
    if (domain === undefined || state === undefined) return undefined
    if (domain.backlog || state.health.failures > 0) return undefined
    const now = this.#parts.clock.now()
    if (!state.isProven(now)) return undefined
    if (state.pending.length + state.reserved >= this.#claims.wanted(state, now)) {
      domain.backlog = true
      return undefined
    }
    state.reserved++
    this.#held.count++
    return {
      release: () => {
        state.reserved--
        this.#held.count--
      },
    }
  }

  /** See `ExpressLine`. */
  board(name: string, rows: readonly ClaimedRecipient[]): void {
    this.#held.count += rows.length
    if (this.#claims.isExcluded(name)) {
      this.#held.putOff(rows, { at: this.#parts.clock.now() })
    } else this.#distribute(this.#roster.domain(name), rows)
    this.pump()
  }

  /** Leaves the domain to somebody else until `include`; resolves when nothing more of it will be claimed. */
  exclude(name: string): Promise<void> {
    return this.#claims.exclude(name)
  }

  include(name: string): void {
    this.#claims.include(name)
    this.due(name)
  }

  /** Looks what can be done, soon. */
  pump(): void {
    if (this.#pumping) return
    this.#pumping = true
    queueMicrotask(() => {
      this.#pumping = false
      if (!this.#stopping) this.#pump()
    })
  }

  /** No new attempts; resolves when those under way have ended, or after so long, when they are broken off. */
  async stop(within: number): Promise<void> {
    const { clock } = this.#parts
    this.#stopping = true
    this.#lookAgain?.cancel()
    for (const state of this.#roster.destinations) this.#held.giveBack(state.pending.splice(0))
    for (const lane of this.#pool.all) lane.end()
    const timer = clock.after(within, () => {
      for (const lane of this.#pool.all) lane.abort.abort()
    })
    const late = new AbortController()
    // A transport that does not heed the signal is not waited for: its rows stay under lease.
    const end = clock.sleep(within * 1.2 + 1, late.signal).catch(() => undefined)
    await Promise.race([this.#settleDown(), end])
    late.abort()
    timer.cancel()
  }

  async #settleDown(): Promise<void> {
    await this.#claims.stop()
    while (this.#running.size > 0) await Promise.allSettled(this.#running)
  }

  // What lanes ask and tell.

  take(lane: Lane): Work | 'end' | undefined {
    const { state } = lane
    if (this.#stopping) return 'end'
    const now = this.#parts.clock.now()
    const allowed = state.allowed(now)
    if (allowed === 0 || state.lanes.size > Math.max(1, allowed)) return 'end'
    // A probe is one job; what it learns decides about the rest.
    if (conditionOf(state.health, now) === 'probe' && lane.jobs > 0 && lane.unreported.length > 0)
      return 'end'
    const work = state.pending.shift()
    this.#roster.want(state)
    return work
  }

  idle(lane: Lane, state: 'waits' | 'works'): void {
    this.#pool.idle(lane, state)
    if (state === 'waits') this.#roster.want(lane.state)
    this.pump()
  }

  begins({ rows }: Work): Promise<void> | undefined {
    return noteBeginning(rows, this.#parts)
  }

  reported(lane: Lane, work: Work, results: readonly RecipientResult[]): void {
    this.#parts.checkpoint?.('queue.tried')
    const untried: Row[] = []
    for (const [index, row] of work.rows.entries()) {
      const result = results[index]
      if (result === undefined || result.type === 'untried') untried.push(row)
      else {
        this.#held.tried(row, result)
      }
    }
    this.#learn(lane, work, results)
    if (untried.length > 0) this.#again(lane.state, untried, work.untried + 1)
    this.#roster.want(lane.state)
    this.pump()
  }

  /** What the results say about the destination, and about the message. */
  #learn(lane: Lane, work: Work, results: readonly RecipientResult[]): void {
    const { clock, random, config } = this.#parts
    const { state } = lane
    const now = clock.now()
    const failure = results.find((result) => result.type === 'deferred' && result.scope === 'destination')
    if (failure?.type === 'deferred') {
      const before = conditionOf(state.health, now)
      state.window = narrow(state.window)
      state.health = failedOnce(state.health, failure.attempt.reply, { now, random, backOff: config.backOff })
      if (before !== 'dead' && conditionOf(state.health, now) === 'dead') this.#died(state)
      return
    }
    // Whoever answers for a recipient or a message is alive; nobody knows it of a lost connection.
    if (!results.some(({ type }) => type === 'done' || type === 'failed' || type === 'deferred')) return
    if (state.health.retryAt !== 0) this.#parts.events.emit(destinationAlive, { destination: state.key })
    state.health = healthy
    if (results.some(({ type }) => type === 'done')) {
      state.provenAt = now
      state.window = widen(state.window, state.destination.maxConnections)
      if (lane.unproven) this.#feed()
      this.#pool.proven(lane)
    }
    const refused = results.find((result) => result.type === 'deferred' && result.scope === 'message')
    if (refused?.type === 'deferred') this.#spare(state, work, refused.attempt.reply)
  }

  /** The destination wants this message later: its other recipients there need not be tried now. */
  #spare(state: DestinationState, { job }: Work, reason: string): void {
    const { ladder } = this.#parts.rules
    const at = this.#parts.clock.now() + (ladder.after[0] ?? 0)
    const kept = state.pending.filter((other) => {
      if (other.job.message.id !== job.message.id) return true
      this.#held.putOff(other.rows, { at, reason })
      return false
    })
    state.pending.splice(0, state.pending.length, ...kept)
  }

  #died(state: DestinationState): void {
    const { reason, failures, retryAt } = state.health
    this.#parts.events.emit(destinationDead, { destination: state.key, failures, reason, retryAt })
    for (const { rows } of state.pending.splice(0)) this.#held.putOff(rows, { at: retryAt, reason })
    for (const lane of state.lanes) (lane as Lane).end()
  }

  // Claims.

  #pump(): void {
    const now = this.#parts.clock.now()
    // Those that are put back at the end have their next turn in the same round.
    for (const state of this.#roster.wantLanes) {
      if (this.#isFull()) break
      this.#roster.wantLanes.delete(state)
      const opened = this.#openLane(state, now)
      if (opened !== 'no') this.#roster.wantLanes.add(state)
      if (opened === 'full') break
    }
    this.#claims.pump(now)
  }

  /** Gives work to lanes that wait for it, and opens one if need be. */
  #openLane(state: DestinationState, now: number): 'opened' | 'full' | 'no' {
    while (state.pending.length > 0) {
      const waiting = this.#pool.waitingFor(state)
      if (waiting === undefined) break
      const work = state.pending.shift()
      if (work !== undefined) waiting.offer(work)
    }
    // Lanes without a job are about to ask for one.
    if (state.pending.length <= state.lanes.size - this.#busy(state)) return 'no'
    if (state.lanes.size >= state.allowed(now)) return 'no'
    const room = this.#pool.roomFor(state, now)
    if (room === 'room') {
      this.#run(state, now)
      return 'opened'
    }
    this.#lookAgainSoon()
    if (room === 'full') return 'full'
    this.#roster.starved.add(state)
    return 'no'
  }

  #busy(state: DestinationState): number {
    let busy = 0
    for (const lane of state.lanes) if ((lane as Lane).busySince !== undefined) busy++
    return busy
  }

  /** No lane can be opened now, for anyone. */
  #isFull(): boolean {
    if (!this.#pool.full) return false
    this.#lookAgainSoon()
    return true
  }

  /** So many rows are claimed and not settled that only destinations with lanes may have more. */
  #isLaden(): boolean {
    const { total, slow } = this.#parts.config.lanes
    if (this.#held.count < (total + slow) * rowsPerLane) return false
    this.#lookAgainSoon()
    return true
  }

  /** A lane that turns out to be slow makes room, and tells nobody. */
  #lookAgainSoon(): void {
    this.#lookAgain ??= this.#parts.clock.after(lookAgainAfter, () => {
      this.#lookAgain = undefined
      for (const state of this.#roster.starved) this.#roster.want(state)
      this.#roster.starved.clear()
      this.pump()
    })
  }

  /** A place for a destination that nothing good is known of may be free. */
  #feed(): void {
    for (const state of this.#roster.starved) {
      this.#roster.starved.delete(state)
      this.#roster.want(state)
      break
    }
  }

  #distribute(domain: DomainState, rows: readonly ClaimedRecipient[]): void {
    if (rows.length > 0) this.#parts.checkpoint?.('queue.claimed')
    const { transport, turns, clock } = this.#parts
    const now = clock.now()
    const byDestination = new Map<DestinationState, Row[]>()
    for (const row of rows) {
      const { message, recipient } = row
      turns.taken({ domain: recipient.domain, priority: message.options.priority, turn: recipient.turn })
      if (message.expiresAt <= now) {
        this.#held.expired(row)
        continue
      }
      let state: DestinationState
      try {
        state = this.#roster.destination(transport.destinationOf(recipient, message))
      } catch (error) {
        this.#held.fault([row], error, 'routing')
        continue
      }
      domain.destination = state
      const list = byDestination.get(state)
      if (list === undefined) byDestination.set(state, [row])
      else list.push(row)
    }
    for (const [state, list] of byDestination) this.#receive(state, list)
  }

  #receive(state: DestinationState, rows: readonly Row[]): void {
    const { reason, retryAt } = state.health
    const now = this.#parts.clock.now()
    if (this.#stopping) return this.#held.putOff(rows, { at: now })
    if (conditionOf(state.health, now) === 'dead') return this.#held.putOff(rows, { at: retryAt, reason })
    // Only domains whose destination was not known bring more than was wanted: they come again through its list.
    const most = this.#parts.config.lanes.claim * 2
    if (state.pending.length >= most) return this.#held.putOff(rows, { at: now })
    state.pending.push(...groupRows(rows, state.destination.maxRecipients))
    this.#roster.want(state)
  }

  // Lanes.

  #run(state: DestinationState, now: number): void {
    const { transport } = this.#parts
    const lane = this.#pool.open(state, this, now)
    const run = async (): Promise<void> => {
      let trouble: unknown
      try {
        await transport.run({ destination: state.destination, jobs: lane, signal: lane.abort.signal })
      } catch (error) {
        trouble = error
      }
      lane.end()
      this.#closed(lane, trouble)
    }
    const running = run().finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  #closed(lane: Lane, trouble: unknown): void {
    const { state } = lane
    if (lane.unproven) this.#feed()
    this.#pool.closed(lane)
    const error = trouble ?? new Error('the transport ended without a result')
    for (const { rows } of lane.unreported) this.#held.fault(rows, error, state.key)
    state.barren = lane.jobs > 0 ? 0 : state.barren + 1
    // Lanes that end before their first job would be opened for ever.
    if (
      state.pending.length > 0 &&
      (state.barren >= barrenAtMost || (trouble !== undefined && lane.jobs === 0))
    ) {
      state.barren = 0
      for (const { rows } of state.pending.splice(0)) this.#held.fault(rows, error, state.key)
    }
    this.#roster.want(state)
    this.pump()
  }

  /** Nothing was said about them to anyone: another lane gets them, unless that happens again and again. */
  #again(state: DestinationState, rows: readonly Row[], untried: number): void {
    const now = this.#parts.clock.now()
    if (this.#stopping) return this.#held.putOff(rows, { at: now })
    const { reason, retryAt } = state.health
    if (conditionOf(state.health, now) === 'dead') return this.#held.putOff(rows, { at: retryAt, reason })
    if (untried > untriedAtMost) return this.#held.putOff(rows, { at: now + untriedAfter })
    for (const work of groupRows(rows, state.destination.maxRecipients)) {
      state.pending.unshift({ ...work, untried })
    }
    this.#roster.want(state)
  }
}
