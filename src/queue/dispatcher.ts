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
import { errorText } from '../events/error-text.ts'
import type { Events } from '../events/event.ts'
import { destinationAlive, destinationDead, queueFault, queueStoreTrouble } from '../events/queue.ts'
import type { ClaimedRecipient, QueueStore, Settlement } from '../store/queue.ts'
import { conditionOf, failedOnce, healthy } from './backoff.ts'
import { narrow, widen } from './concurrency.ts'
import { DestinationState, groupRows, type Work } from './destinations.ts'
import type { Place } from './express.ts'
import type { FairTurns } from './fairness.ts'
import type { Lane, LaneHost } from './lane.ts'
import { LanePool } from './lanes.ts'
import {
  expiryOf,
  faultOf,
  type Moment,
  putOff,
  type Row,
  settlementOf,
  type SettlementRules,
} from './settlement.ts'
import type { Destination, RecipientResult, Transport } from './transport.ts'

export interface DispatcherOptions {
  readonly store: Pick<QueueStore, 'claimDue' | 'nextDue'>
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

type DomainPhase = 'idle' | 'ready' | 'claiming'

interface DomainState {
  phase: DomainPhase
  /** More is due in the store than was claimed last: what comes now must not overtake it. */
  backlog: boolean
  /** Became due while it was being claimed. */
  again: boolean
  /** Where its last row went. */
  destination: DestinationState | undefined
}

const claimsAtOnce = 4
/** Rows per lane that are claimed ahead. */
const rowsPerLane = 10
/** Rows of a domain whose destination is not known yet, or has taken nothing lately. */
const firstClaim = 5
const domainsRemembered = 20_000
const destinationsRemembered = 5000
const storeRetryAfter = 5000
const othersAfter = 1000
/** How often a job may come back untried before its rows do, and how long these wait then. */
const untriedAtMost = 2
const untriedAfter = 60_000
const barrenAtMost = 3
const lookAgainAfter = 1000

export class Dispatcher implements LaneHost {
  readonly #parts: DispatcherOptions
  readonly #pool: LanePool
  readonly #domains = new Map<string, DomainState>()
  readonly #destinations = new Map<string, DestinationState>()
  /** Domains that are due and whose destination is not known. */
  readonly #unknown = new Set<string>()
  // Destinations with something to do, in turn. Each stands here until it has been looked at; what happens to it puts it back.
  readonly #wantLanes = new Set<DestinationState>()
  readonly #wantClaims = new Set<DestinationState>()
  /** Dead ones, whose due rows are to be put off. */
  readonly #wantPutOffs = new Set<DestinationState>()
  /** Those that would have a lane, were there not too many that nobody knows anything good of. */
  readonly #starved = new Set<DestinationState>()
  readonly #excluded = new Set<string>()
  readonly #running = new Set<Promise<void>>()
  /** Claims under way, by domain. */
  readonly #claiming = new Map<string, Promise<void>>()
  /** Rows that are claimed and not settled. */
  #held = 0
  #claims = 0
  #putOffClaims = 0
  #pumping = false
  #stopping = false
  #lookAgain: Timer | undefined

  constructor(parts: DispatcherOptions) {
    this.#parts = {
      ...parts,
      settle: (settlement, row) => {
        this.#held--
        parts.settle(settlement, row)
      },
    }
    this.#pool = new LanePool(parts.clock, parts.config.lanes)
  }

  get lanes(): number {
    return this.#pool.all.size
  }

  get destinations(): Iterable<DestinationState> {
    return this.#destinations.values()
  }

  /** Where the domain's mail went last. */
  destinationOf(domain: string): DestinationState | undefined {
    return this.#domains.get(domain)?.destination
  }

  /** The domain has due rows. */
  due(name: string): void {
    if (this.#stopping || this.#excluded.has(name)) return
    const domain = this.#domain(name)
    if (domain.phase === 'claiming') domain.again = true
    if (domain.phase !== 'idle') return
    this.#setReady(name, domain)
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
      this.#want(state)
    }
    this.pump()
  }

  /** Whether rows of the domain that were put off until then need no longer wait. */
  wasRevived(name: string, until: number): boolean {
    return this.destinationOf(name)?.revivedFrom === until
  }

  /** See `ExpressLine`. */
  reserve(name: string): Place | undefined {
    if (this.#stopping || this.#excluded.has(name) || this.#isLaden()) return undefined
    const domain = this.#domains.get(name)
    const state = domain?.destination
    if (domain === undefined || state === undefined) return undefined
    if (domain.backlog || state.health.failures > 0) return undefined
    const now = this.#parts.clock.now()
    if (!state.isProven(now)) return undefined
    if (state.pending.length + state.reserved >= this.#wanted(state, now)) {
      domain.backlog = true
      return undefined
    }
    state.reserved++
    this.#held++
    return {
      release: () => {
        state.reserved--
        this.#held--
      },
    }
  }

  /** See `ExpressLine`. */
  board(name: string, rows: readonly ClaimedRecipient[]): void {
    this.#held += rows.length
    if (this.#excluded.has(name)) {
      this.#putOff(rows, { at: this.#parts.clock.now(), reason: undefined })
    } else this.#distribute(this.#domain(name), rows)
    this.pump()
  }

  /** Leaves the domain to somebody else until `include`; resolves when nothing more of it will be claimed. */
  async exclude(name: string): Promise<void> {
    this.#excluded.add(name)
    this.#unready(name)
    await this.#claiming.get(name)
  }

  include(name: string): void {
    this.#excluded.delete(name)
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
    for (const state of this.#destinations.values()) this.#giveBack(state.pending.splice(0))
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
    this.#want(state)
    return work
  }

  idle(lane: Lane, state: 'waits' | 'works'): void {
    this.#pool.idle(lane, state)
    if (state === 'waits') this.#want(lane.state)
    this.pump()
  }

  reported(lane: Lane, work: Work, results: readonly RecipientResult[]): void {
    this.#parts.checkpoint?.('queue.tried')
    const untried: Row[] = []
    for (const [index, row] of work.rows.entries()) {
      const result = results[index]
      if (result === undefined || result.type === 'untried') untried.push(row)
      else {
        this.#parts.settle(settlementOf(row, result, this.#parts.rules, this.#moment(row)), row)
      }
    }
    this.#learn(lane, work, results)
    if (untried.length > 0) this.#again(lane.state, untried, work.untried + 1)
    this.#want(lane.state)
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
      this.#putOff(other.rows, { at, reason })
      return false
    })
    state.pending.splice(0, state.pending.length, ...kept)
  }

  #died(state: DestinationState): void {
    const { reason, failures, retryAt } = state.health
    this.#parts.events.emit(destinationDead, { destination: state.key, failures, reason, retryAt })
    for (const { rows } of state.pending.splice(0)) this.#putOff(rows, { at: retryAt, reason })
    for (const lane of state.lanes) (lane as Lane).end()
  }

  // Claims.

  #pump(): void {
    const now = this.#parts.clock.now()
    // Those that are put back at the end have their next turn in the same round.
    for (const state of this.#wantLanes) {
      if (this.#isFull()) break
      this.#wantLanes.delete(state)
      const opened = this.#openLane(state, now)
      if (opened !== 'no') this.#wantLanes.add(state)
      if (opened === 'full') break
    }
    for (const state of this.#wantClaims) {
      if (this.#claims >= claimsAtOnce) break
      this.#wantClaims.delete(state)
      this.#claimFor(state, now)
    }
    for (const state of this.#wantPutOffs) {
      // Writing off a dead destination's rows must not keep the live ones' from being claimed.
      if (this.#putOffClaims > 0) break
      this.#wantPutOffs.delete(state)
      this.#claimFor(state, now)
    }
    for (const name of this.#unknown) {
      if (this.#claims >= claimsAtOnce || this.#isFull() || this.#isLaden()) break
      this.#unknown.delete(name)
      this.#start(name, { limit: firstClaim, state: undefined })
    }
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
    this.#starved.add(state)
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
    if (this.#held < (total + slow) * rowsPerLane) return false
    this.#lookAgainSoon()
    return true
  }

  /** A lane that turns out to be slow makes room, and tells nobody. */
  #lookAgainSoon(): void {
    this.#lookAgain ??= this.#parts.clock.after(lookAgainAfter, () => {
      this.#lookAgain = undefined
      for (const state of this.#starved) this.#want(state)
      this.#starved.clear()
      this.pump()
    })
  }

  /** A place for a destination that nothing good is known of may be free. */
  #feed(): void {
    for (const state of this.#starved) {
      this.#starved.delete(state)
      this.#want(state)
      break
    }
  }

  #claimFor(state: DestinationState, now: number): void {
    const [name] = state.ready
    if (name === undefined) return this.#forget(state)
    const condition = conditionOf(state.health, now)
    if (condition === 'dead') {
      if (this.#putOffClaims > 0) this.#wantPutOffs.add(state)
      else this.#start(name, { limit: this.#parts.config.lanes.claim, state })
      return
    }
    if (state.claims > 0) return
    if (condition === 'probe') {
      if (state.lanes.size === 0 && state.pending.length === 0) this.#start(name, { limit: 1, state })
      return
    }
    // Rows of destinations that have lanes are bounded by these; the others' by what is held in all.
    if (state.lanes.size === 0 && this.#isLaden()) {
      this.#starved.add(state)
      return
    }
    const wanted = this.#wanted(state, now)
    if (state.pending.length * 2 <= wanted) this.#start(name, { limit: wanted, state })
  }

  /** Rows that are to be had at once for a destination that takes mail, or may. */
  #wanted(state: DestinationState, now: number): number {
    const { claim } = this.#parts.config.lanes
    return state.isProven(now) ? Math.min(claim, state.allowed(now) * rowsPerLane) : firstClaim
  }

  #start(name: string, request: { limit: number; state: DestinationState | undefined }): void {
    const { state, limit } = request
    const domain = this.#domain(name)
    const dead = state !== undefined && conditionOf(state.health, this.#parts.clock.now()) === 'dead'
    domain.phase = 'claiming'
    domain.again = false
    state?.ready.delete(name)
    if (dead) this.#putOffClaims++
    else this.#claims++
    if (state !== undefined) state.claims++
    const work = this.#claim(name, domain, limit).finally(() => {
      if (dead) this.#putOffClaims--
      else this.#claims--
      if (state !== undefined) {
        state.claims--
        this.#want(state)
      }
      this.#running.delete(work)
      this.#claiming.delete(name)
      this.pump()
    })
    this.#running.add(work)
    this.#claiming.set(name, work)
  }

  async #claim(name: string, domain: DomainState, limit: number): Promise<void> {
    const { store, clock, config, holder, events, dueAt } = this.#parts
    const now = clock.now()
    let rows: ClaimedRecipient[] = []
    try {
      rows = await store.claimDue({ domain: name, limit, now, holder, leaseUntil: now + config.lease })
    } catch (error) {
      events.emit(queueStoreTrouble, { doing: 'claim', error: errorText(error) })
      domain.phase = 'idle'
      dueAt(name, now + storeRetryAfter)
      return
    }
    this.#held += rows.length
    domain.backlog = rows.length >= limit
    this.#distribute(domain, rows)
    if (rows.length < limit) await this.#noteNext(name)
    domain.phase = 'idle'
    if (this.#stopping || this.#excluded.has(name)) return
    if (rows.length >= limit || domain.again) this.#setReady(name, domain)
  }

  /** Of a domain's times only the earliest is remembered: when that has come, the next one is asked for. */
  async #noteNext(name: string): Promise<void> {
    const { store, clock, events, dueAt } = this.#parts
    try {
      const next = await store.nextDue({ domain: name })
      // What is due and was not given is another node's, for now.
      if (next !== undefined) dueAt(name, Math.max(next, clock.now() + othersAfter))
    } catch (error) {
      events.emit(queueStoreTrouble, { doing: 'look', error: errorText(error) })
    }
  }

  #distribute(domain: DomainState, rows: readonly ClaimedRecipient[]): void {
    if (rows.length > 0) this.#parts.checkpoint?.('queue.claimed')
    const { transport, turns, clock, settle, rules } = this.#parts
    const now = clock.now()
    const byDestination = new Map<DestinationState, Row[]>()
    for (const row of rows) {
      const { message, recipient } = row
      turns.taken({ domain: recipient.domain, priority: message.options.priority, turn: recipient.turn })
      if (message.expiresAt <= now) {
        settle(expiryOf(row, rules, now), row)
        continue
      }
      let state: DestinationState
      try {
        state = this.#destination(transport.destinationOf(recipient, message))
      } catch (error) {
        this.#fault([row], error, 'routing')
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
    if (this.#stopping) return this.#putOff(rows, { at: now, reason: undefined })
    if (conditionOf(state.health, now) === 'dead') return this.#putOff(rows, { at: retryAt, reason })
    // Only domains whose destination was not known bring more than was wanted: they come again through its list.
    const most = this.#parts.config.lanes.claim * 2
    if (state.pending.length >= most) return this.#putOff(rows, { at: now, reason: undefined })
    state.pending.push(...groupRows(rows, state.destination.maxRecipients))
    this.#want(state)
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
    for (const { rows } of lane.unreported) this.#fault(rows, error, state.key)
    state.barren = lane.jobs > 0 ? 0 : state.barren + 1
    // Lanes that end before their first job would be opened for ever.
    if (
      state.pending.length > 0 &&
      (state.barren >= barrenAtMost || (trouble !== undefined && lane.jobs === 0))
    ) {
      state.barren = 0
      for (const { rows } of state.pending.splice(0)) this.#fault(rows, error, state.key)
    }
    this.#want(state)
    this.pump()
  }

  #fault(rows: readonly Row[], error: unknown, destination: string): void {
    const { events, settle, rules } = this.#parts
    events.emit(queueFault, { destination, recipients: rows.length, error: errorText(error) })
    for (const row of rows) {
      settle(faultOf(row, error, rules, this.#moment(row)), row)
    }
  }

  /** Nothing was said about them to anyone: another lane gets them, unless that happens again and again. */
  #again(state: DestinationState, rows: readonly Row[], untried: number): void {
    const now = this.#parts.clock.now()
    if (this.#stopping) return this.#putOff(rows, { at: now, reason: undefined })
    const { reason, retryAt } = state.health
    if (conditionOf(state.health, now) === 'dead') return this.#putOff(rows, { at: retryAt, reason })
    if (untried > untriedAtMost) return this.#putOff(rows, { at: now + untriedAfter, reason: undefined })
    for (const work of groupRows(rows, state.destination.maxRecipients)) {
      state.pending.unshift({ ...work, untried })
    }
    this.#want(state)
  }

  #giveBack(works: readonly Work[]): void {
    const now = this.#parts.clock.now()
    for (const { rows } of works) this.#putOff(rows, { at: now, reason: undefined })
  }

  #putOff(rows: readonly Row[], options: { at: number; reason: string | undefined }): void {
    for (const row of rows) {
      const { recipient } = row
      const reason = options.reason ?? recipient.reason
      const settlement = putOff(row, { nextAttempt: options.at, turn: recipient.turn, reason })
      this.#parts.settle(settlement, row)
    }
  }

  #moment({ message, recipient }: Row): Moment {
    const { clock, random, turns } = this.#parts
    const now = clock.now()
    const { domain } = recipient
    const turn = turns.next({ domain, priority: message.options.priority, sender: message.sender, now })
    return { now, random, turn }
  }

  // Names.

  #want(state: DestinationState): void {
    if (state.pending.length > 0) this.#wantLanes.add(state)
    this.#wantClaims.add(state)
  }

  #forget(state: DestinationState): void {
    const now = this.#parts.clock.now()
    if (!state.isIdle() || state.health.retryAt > now || this.#destinations.size < destinationsRemembered)
      return
    this.#destinations.delete(state.key)
    for (const domain of this.#domains.values())
      if (domain.destination === state) domain.destination = undefined
  }

  #destination(destination: Destination): DestinationState {
    const known = this.#destinations.get(destination.key)
    if (known !== undefined) {
      known.destination = destination
      return known
    }
    const state = new DestinationState(destination, this.#parts.config.lanes.initial)
    this.#destinations.set(destination.key, state)
    return state
  }

  #domain(name: string): DomainState {
    const known = this.#domains.get(name)
    if (known !== undefined) return known
    if (this.#domains.size >= domainsRemembered) {
      for (const [other, { phase }] of this.#domains) {
        if (phase !== 'idle') continue
        this.#domains.delete(other)
        break
      }
    }
    const made: DomainState = { phase: 'idle', backlog: true, again: false, destination: undefined }
    this.#domains.set(name, made)
    return made
  }

  #setReady(name: string, domain: DomainState): void {
    domain.phase = 'ready'
    if (domain.destination === undefined) this.#unknown.add(name)
    else {
      domain.destination.ready.add(name)
      this.#want(domain.destination)
    }
  }

  #unready(name: string): void {
    const domain = this.#domains.get(name)
    if (domain?.phase !== 'ready') return
    domain.phase = 'idle'
    this.#unknown.delete(name)
    domain.destination?.ready.delete(name)
  }
}
