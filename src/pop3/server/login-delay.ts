// RFC 2449 §6.5: an account that logged in waits a while before it may do so again. One object for all sessions of a
// listener; it remembers for no longer than the delay, and a bounded number of accounts.
import { BoundedMap } from '../../directory/bounded-map.ts'
import type { Clock } from '../../base/clock.ts'
import type { AccountId } from '../../store/model.ts'

const rememberedAccounts = 100_000

export class LoginDelay {
  readonly #clock: Clock
  readonly #milliseconds: number
  readonly #recent = new BoundedMap<true>(rememberedAccounts)

  /** `seconds` of 0 delays nobody. */
  constructor(clock: Clock, seconds: number) {
    this.#clock = clock
    this.#milliseconds = seconds * 1000
  }

  isTooSoon(account: AccountId): boolean {
    return this.#recent.get(String(account), this.#clock.monotonic()) === true
  }

  noteLogin(account: AccountId): void {
    if (this.#milliseconds === 0) return
    this.#recent.set(String(account), true, this.#clock.monotonic() + this.#milliseconds)
  }
}
