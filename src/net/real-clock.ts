// Time from the system: the `Clock` for everything but tests and simulations.
import { sleepBy } from '../base/sleep.ts'
import { performance } from 'node:perf_hooks'
import type { Clock, Timer } from '../base/clock.ts'

/** What Node's timers can wait for at once; longer waits are made of several. */
const longestTimer = 2_147_483_647

class RealTimer implements Timer {
  #task: (() => void) | null
  #rest: number
  #handle: NodeJS.Timeout

  constructor(milliseconds: number, task: () => void) {
    this.#task = task
    this.#rest = milliseconds
    this.#handle = this.#wait()
  }

  #wait(): NodeJS.Timeout {
    const length = Math.min(this.#rest, longestTimer)
    this.#rest -= length
    return setTimeout(fire, length, this).unref()
  }

  /** For `fire` alone. */
  elapsed(): void {
    if (this.#rest > 0) {
      this.#handle = this.#wait()
      return
    }
    const task = this.#task
    this.#task = null
    task?.()
  }

  cancel(): void {
    this.#task = null
    clearTimeout(this.#handle)
  }

  [Symbol.dispose](): void {
    this.cancel()
  }
}

function fire(timer: RealTimer): void {
  timer.elapsed()
}

export class RealClock implements Clock {
  now(): number {
    return Date.now()
  }

  monotonic(): number {
    return performance.now()
  }

  after(milliseconds: number, task: () => void): Timer {
    return new RealTimer(Math.max(0, milliseconds), task)
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return sleepBy(this, milliseconds, signal)
  }
}

/** For `VirtualClock`'s `settle`: resolves after all promise jobs and one turn of the event loop. */
export function settleEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
