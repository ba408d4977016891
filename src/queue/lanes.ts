// All lanes of all destinations, under one ceiling that nobody can fill alone: lanes that have been at one message for long
// count apart, destinations that have taken nothing lately get a part of it only, and a lane that waits for work gives way to
// one that has some (docs/queue.md, "Lanes").
import type { Clock } from '../base/clock.ts'
import type { QueueConfig } from '../config/sections/queue.ts'
import type { DestinationState } from './destinations.ts'
import { Lane, type LaneHost } from './lane.ts'

export class LanePool {
  readonly #clock: Clock
  readonly #config: QueueConfig['lanes']
  readonly #all = new Set<Lane>()
  readonly #waiting = new Set<Lane>()
  #unproven = 0
  #slow = 0
  #slowCountedAt = Number.NEGATIVE_INFINITY

  constructor(clock: Clock, config: QueueConfig['lanes']) {
    this.#clock = clock
    this.#config = config
  }

  get all(): ReadonlySet<Lane> {
    return this.#all
  }

  /** Whether a lane to that destination may be opened; where all are taken, an idle one is sent home. */
  roomFor(state: DestinationState, now: number): 'room' | 'full' | 'too-many-unproven' {
    const { total, unproven } = this.#config
    const slow = this.#slowLanes()
    if (!state.isProven(now) && this.#unproven - slow >= Math.max(1, Math.floor(total * unproven))) {
      return 'too-many-unproven'
    }
    if (this.#all.size - slow < total) return 'room'
    for (const lane of this.#waiting) {
      lane.end()
      break
    }
    // Its place is free when it has said goodbye.
    return 'full'
  }

  /** True where nothing can be opened until a lane ends or turns out to be slow. */
  get full(): boolean {
    return this.#all.size - this.#slowLanes() >= this.#config.total && this.#waiting.size === 0
  }

  open(state: DestinationState, host: LaneHost, now: number): Lane {
    const unproven = !state.isProven(now)
    const lane = new Lane({ state, host, clock: this.#clock, idleFor: this.#config.idle, unproven })
    if (unproven) this.#unproven++
    this.#all.add(lane)
    state.lanes.add(lane)
    return lane
  }

  closed(lane: Lane): void {
    this.proven(lane)
    this.#all.delete(lane)
    this.#waiting.delete(lane)
    lane.state.lanes.delete(lane)
  }

  /** The lane's destination took something. */
  proven(lane: Lane): void {
    if (!lane.unproven) return
    lane.unproven = false
    this.#unproven--
  }

  idle(lane: Lane, state: 'waits' | 'works'): void {
    if (state === 'waits') this.#waiting.add(lane)
    else this.#waiting.delete(lane)
  }

  /** A lane of that destination that waits for work. */
  waitingFor(state: DestinationState): Lane | undefined {
    for (const lane of state.lanes) if (lane instanceof Lane && lane.waits) return lane
    return undefined
  }

  /** Counted at most once a second: they only matter where the ceiling is near. */
  #slowLanes(): number {
    const now = this.#clock.monotonic()
    if (this.#all.size < this.#config.total * this.#config.unproven) return 0
    if (now - this.#slowCountedAt < 1000) return this.#slow
    this.#slowCountedAt = now
    let slow = 0
    for (const { busySince } of this.#all) {
      if (busySince !== undefined && now - busySince >= this.#config.slowAfter) slow++
    }
    this.#slow = Math.min(slow, this.#config.slow)
    return this.#slow
  }
}
