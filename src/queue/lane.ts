// One worker on one destination, as the transport sees it: jobs come out, results go in. The dispatcher says what the next
// job is and what becomes of results; the lane knows which jobs are out, and waits for work while a warm connection is
// worth keeping.
import type { Clock, Timer } from '../base/clock.ts'
import type { DestinationState, Work } from './destinations.ts'
import type { Job, JobSource, RecipientResult } from './transport.ts'

export interface LaneHost {
  /** The next job of the destination; undefined: none now. `end`: the lane shall end. */
  take(lane: Lane): Work | 'end' | undefined
  /** The work is about to be tried. A promise where something is to be noted first. */
  begins(work: Work): Promise<void> | undefined
  reported(lane: Lane, work: Work, results: readonly RecipientResult[]): void
  /** The lane waits for work from now on, or no longer does. */
  idle(lane: Lane, state: 'waits' | 'works'): void
}

export class Lane implements JobSource {
  readonly state: DestinationState
  readonly abort = new AbortController()
  /** Whether its destination had taken nothing lately when it was opened. */
  unproven: boolean
  /** Jobs taken so far. */
  jobs = 0
  /** Since when the oldest job is out; milliseconds of the monotonic clock. */
  busySince: number | undefined
  readonly #host: LaneHost
  readonly #clock: Clock
  readonly #idleFor: number
  readonly #out = new Map<Job, Work>()
  #waiter: { resolve: (job: Job | null | Promise<Job>) => void; timer: Timer } | undefined
  #ended = false

  constructor(options: {
    state: DestinationState
    host: LaneHost
    clock: Clock
    idleFor: number
    unproven: boolean
  }) {
    this.state = options.state
    this.unproven = options.unproven
    this.#host = options.host
    this.#clock = options.clock
    this.#idleFor = options.idleFor
  }

  get waits(): boolean {
    return this.#waiter !== undefined
  }

  /** What was taken and not reported. */
  get unreported(): readonly Work[] {
    return [...this.#out.values()]
  }

  next(): Promise<Job | null> {
    const work = this.#ended ? 'end' : this.#host.take(this)
    if (work === 'end') return Promise.resolve(null)
    if (work !== undefined) return Promise.resolve(this.#hand(work))
    if (this.#waiter !== undefined) throw new Error('a lane waits for one job at a time')
    return new Promise((resolve) => {
      const timer = this.#clock.after(this.#idleFor, () => this.end())
      this.#waiter = { resolve, timer }
      this.#host.idle(this, 'waits')
    })
  }

  report(job: Job, results: readonly RecipientResult[]): void {
    const work = this.#out.get(job)
    if (work === undefined) throw new Error('a job is reported once, by the lane that took it')
    if (results.length !== job.recipients.length) throw new Error('a job has one result for each recipient')
    this.#out.delete(job)
    this.busySince = this.#out.size === 0 ? undefined : this.#clock.monotonic()
    this.#host.reported(this, work, results)
  }

  /** There is work again: hands it to a lane that waits. False where it does not. */
  offer(work: Work): boolean {
    const waiter = this.#stopWaiting()
    if (waiter === undefined) return false
    waiter.resolve(this.#hand(work))
    return true
  }

  /** No more jobs; one that waits hears it now. */
  end(): void {
    this.#ended = true
    this.#stopWaiting()?.resolve(null)
  }

  #hand(work: Work): Job | Promise<Job> {
    this.jobs++
    this.#out.set(work.job, work)
    this.busySince ??= this.#clock.monotonic()
    const begun = this.#host.begins(work)
    return begun === undefined ? work.job : begun.then(() => work.job)
  }

  #stopWaiting(): { resolve: (job: Job | null | Promise<Job>) => void } | undefined {
    const waiter = this.#waiter
    if (waiter === undefined) return undefined
    this.#waiter = undefined
    waiter.timer.cancel()
    this.#host.idle(this, 'works')
    return waiter
  }
}
