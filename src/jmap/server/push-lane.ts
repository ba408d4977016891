// One push subscription at work: what it is still to be told, and when (RFC 8620 §7.2). Changes that come faster than they may be pushed
// are told together.
//
// - Between two pushes lies `pushInterval`, more after 429 (as long as the service asks, RFC 9110 §10.2.3), halved again by each success.
// - A failure is tried again after `pushFirstRetry`, each further one after twice that, at most `pushLongestRetry`, until `pushGiveUpAfter`; then it
//   rests until something changes.
// - 404 and 410 (RFC 8030 §7.3) mean that the subscription is no more.
import type { Clock, Timer } from '../../base/clock.ts'
import type { JmapConfig } from '../../config/sections/jmap.ts'
import type { JsonObject } from '../proto/json.ts'
import { stateChange, type States } from '../proto/push.ts'
import type { PushAnswer } from './push-request.ts'

export interface PushLaneParts {
  readonly clock: Clock
  readonly config: JmapConfig
  /** Undefined: it must not be pushed to any more. Never rejects. */
  send(object: JsonObject): Promise<PushAnswer | undefined>
  /** The service does not know it. */
  gone(): void
  failed(problem: string, failures: number, nextAttempt: number | null): void
}

/** Octets of JSON in one push: RFC 8291 §4 lets a service refuse more than 4096 encrypted ones. */
const largestPush = 3_700

export class PushLane {
  readonly #parts: PushLaneParts
  /** By account, then by type. */
  readonly #waiting = new Map<string, Map<string, string>>()
  #interval: number
  #failures = 0
  #failingSince = 0
  #notBefore = 0
  #timer: Timer | null = null
  #sending = false
  #stopped = false

  constructor(parts: PushLaneParts) {
    this.#parts = parts
    this.#interval = parts.config.pushInterval
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
    this.#waiting.clear()
  }

  tell(changed: States): void {
    for (const [account, states] of changed) {
      const waiting = this.#waiting.get(account) ?? new Map<string, string>()
      for (const [type, state] of states) waiting.set(type, state)
      this.#waiting.set(account, waiting)
    }
    this.#run()
  }

  #run(): void {
    if (this.#sending || this.#stopped || this.#waiting.size === 0) return
    const wait = this.#notBefore - this.#parts.clock.monotonic()
    this.#timer?.cancel()
    if (wait > 0) this.#timer = this.#parts.clock.after(wait, () => this.#run())
    else void this.#push()
  }

  async #push(): Promise<void> {
    this.#sending = true
    const batch = this.#take()
    const answer = await this.#parts.send(stateChange(batch))
    this.#sending = false
    if (this.#stopped || answer === undefined) return
    const problem = answer.ok ? problemOf(answer.status) : answer.problem
    if (problem === null) this.#succeeded()
    else if (answer.ok && (answer.status === 404 || answer.status === 410)) {
      this.#parts.gone()
      return
    } else this.#putOff(batch, { problem, answer })
    this.#run()
  }

  /** As many accounts as one push holds, and one at least. */
  #take(): States {
    const batch = new Map<string, ReadonlyMap<string, string>>()
    for (const [account, states] of this.#waiting) {
      batch.set(account, states)
      if (JSON.stringify(stateChange(batch)).length > largestPush && batch.size > 1) {
        batch.delete(account)
        break
      }
    }
    for (const account of batch.keys()) this.#waiting.delete(account)
    return batch
  }

  #succeeded(): void {
    this.#failures = 0
    this.#interval = Math.max(this.#parts.config.pushInterval, this.#interval / 2)
    this.#notBefore = this.#parts.clock.monotonic() + this.#interval
  }

  #putOff(batch: States, { problem, answer }: { problem: string; answer: PushAnswer }): void {
    const { clock, config, failed } = this.#parts
    const { pushFirstRetry, pushLongestRetry } = config
    const now = clock.monotonic()
    if (this.#failures++ === 0) this.#failingSince = now
    let wait = Math.min(pushLongestRetry, pushFirstRetry * 2 ** Math.min(this.#failures - 1, 20))
    if (answer.ok && answer.status === 429) {
      // RFC 8620 §7.2: it "MUST cause the JMAP server to reduce the frequency of pushes".
      this.#interval = Math.min(pushLongestRetry, this.#interval * 2)
      wait = Math.max(wait, this.#interval, secondsOf(answer.retryAfter) * 1000)
    }
    this.#notBefore = now + wait
    const givesUp = now - this.#failingSince >= config.pushGiveUpAfter
    failed(problem, this.#failures, givesUp ? null : clock.now() + wait)
    if (givesUp) return
    // What is waiting by now is younger.
    for (const [account, states] of batch) {
      this.#waiting.set(account, new Map([...states, ...(this.#waiting.get(account) ?? [])]))
    }
  }
}

function problemOf(status: number): string | null {
  return status >= 200 && status < 300 ? null : `the push service answered ${status}`
}

/** RFC 9110 §10.2.3 in seconds, a day at most; a date is not looked at. */
function secondsOf(retryAfter: string | null): number {
  return /^\d{1,6}$/.test(retryAfter ?? '') ? Math.min(86_400, Number(retryAfter)) : 0
}
