// Claims: which rows are taken from the store when, and how many. Only what a destination has use for is taken, so that
// memory is bounded by the lanes; few claims run at once, and those that write off a dead destination's rows run apart.
import type { Clock } from '../base/clock.ts'
import type { QueueConfig } from '../config/sections/queue.ts'
import { errorText } from '../events/error-text.ts'
import type { Events } from '../events/event.ts'
import { queueStoreTrouble } from '../events/queue.ts'
import type { ClaimedRecipient, QueueStore } from '../store/queue.ts'
import { conditionOf } from './backoff.ts'
import type { DestinationState } from './destinations.ts'
import type { DomainState, Roster } from './roster.ts'

export interface ClaimsOptions {
  readonly store: Pick<QueueStore, 'claimDue' | 'nextDue'>
  readonly clock: Clock
  readonly events: Events
  readonly config: QueueConfig
  readonly holder: string
  readonly roster: Roster
  /** The domain has rows due at that time. */
  readonly dueAt: (domain: string, at: number) => void
  /** Rows of the domain are under lease now; they are settled by whoever takes them. */
  readonly received: (domain: DomainState, rows: readonly ClaimedRecipient[]) => void
  /** Whether so many rows are held that only destinations with lanes may have more. */
  readonly isLaden: () => boolean
  /** No lane can be opened now, for anyone. */
  readonly isFull: () => boolean
  /** A claim has ended: there may be something to do. */
  readonly ended: () => void
}

const claimsAtOnce = 4
/** Rows per lane that are claimed ahead. */
export const rowsPerLane = 10
/** Rows of a domain whose destination is not known yet, or has taken nothing lately. */
const firstClaim = 5
const storeRetryAfter = 5000
const othersAfter = 1000

export class Claims {
  readonly #parts: ClaimsOptions
  /** Domains that somebody else works on. */
  readonly #excluded = new Set<string>()
  /** Claims under way, by domain. */
  readonly #underWay = new Map<string, Promise<void>>()
  #claims = 0
  #putOffClaims = 0
  #stopping = false

  constructor(parts: ClaimsOptions) {
    this.#parts = parts
  }

  isExcluded(name: string): boolean {
    return this.#excluded.has(name)
  }

  /** Leaves the domain to somebody else until `include`; resolves when nothing more of it will be claimed. */
  async exclude(name: string): Promise<void> {
    this.#excluded.add(name)
    this.#parts.roster.unready(name)
    await this.#underWay.get(name)
  }

  include(name: string): void {
    this.#excluded.delete(name)
  }

  /** Resolves when those under way have ended; no new ones begin. */
  async stop(): Promise<void> {
    this.#stopping = true
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay.values())
  }

  /** Begins as many as there may be, in turn. */
  pump(now: number): void {
    const { roster, isFull, isLaden } = this.#parts
    for (const state of roster.wantClaims) {
      if (this.#claims >= claimsAtOnce) break
      roster.wantClaims.delete(state)
      this.#claimFor(state, now)
    }
    for (const state of roster.wantPutOffs) {
      // Writing off a dead destination's rows must not keep the live ones' from being claimed.
      if (this.#putOffClaims > 0) break
      roster.wantPutOffs.delete(state)
      this.#claimFor(state, now)
    }
    for (const name of roster.unknown) {
      if (this.#claims >= claimsAtOnce || isFull() || isLaden()) break
      roster.unknown.delete(name)
      this.#start(name, { limit: firstClaim, state: undefined })
    }
  }

  /** Rows that are to be had at once for a destination that takes mail, or may. */
  wanted(state: DestinationState, now: number): number {
    const { claim } = this.#parts.config.lanes
    return state.isProven(now) ? Math.min(claim, state.allowed(now) * rowsPerLane) : firstClaim
  }

  #claimFor(state: DestinationState, now: number): void {
    const { roster, config, isLaden } = this.#parts
    const [name] = state.ready
    if (name === undefined) return roster.forget(state, now)
    const condition = conditionOf(state.health, now)
    if (condition === 'dead') {
      if (this.#putOffClaims > 0) roster.wantPutOffs.add(state)
      else this.#start(name, { limit: config.lanes.claim, state })
      return
    }
    if (state.claims > 0) return
    if (condition === 'probe') {
      if (state.lanes.size === 0 && state.pending.length === 0) this.#start(name, { limit: 1, state })
      return
    }
    // Rows of destinations that have lanes are bounded by these; the others' by what is held in all.
    if (state.lanes.size === 0 && isLaden()) {
      roster.starved.add(state)
      return
    }
    const wanted = this.wanted(state, now)
    if (state.pending.length * 2 <= wanted) this.#start(name, { limit: wanted, state })
  }

  #start(name: string, request: { limit: number; state: DestinationState | undefined }): void {
    const { clock, roster } = this.#parts
    const { state, limit } = request
    const domain = roster.domain(name)
    const dead = state !== undefined && conditionOf(state.health, clock.now()) === 'dead'
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
        roster.want(state)
      }
      this.#underWay.delete(name)
      this.#parts.ended()
    })
    this.#underWay.set(name, work)
  }

  async #claim(name: string, domain: DomainState, limit: number): Promise<void> {
    const { store, clock, config, holder, events, dueAt, roster, received } = this.#parts
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
    domain.backlog = rows.length >= limit
    received(domain, rows)
    if (rows.length < limit) await this.#noteNext(name)
    domain.phase = 'idle'
    if (this.#stopping || this.#excluded.has(name)) return
    if (rows.length >= limit || domain.again) roster.setReady(name, domain)
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
}
