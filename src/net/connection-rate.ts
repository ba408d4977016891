// How many connections came in of late, by address and by prefix: a ceiling on new ones per minute.
//
// A sliding minute made of two fixed ones: the count of the last minute weighs as much as of it still lies within sixty
// seconds. Exact enough, and two numbers a name. Only those let in are counted, so that whoever is refused and tries again
// gets in at the allowed rate instead of never. Names are kept in a bounded number; in a flood from more of them than
// that the rest goes uncounted, and the limits on open connections hold.
import type { Clock } from '../base/clock.ts'
import { ipPrefix } from '../base/ip-address.ts'

export interface ConnectionRateLimits {
  /** New connections in a minute from one address; 0 is no limit. */
  readonly perAddress: number
  /** From one IPv4 /24 or IPv6 /64; 0 is no limit. */
  readonly perPrefix: number
}

const minute = 60_000
const most = 100_000
const prefixBits = { ipv4: 24, ipv6: 64 }

export class ConnectionRate {
  readonly #clock: Clock
  readonly #limits: ConnectionRateLimits
  #current = new Map<string, number>()
  #last = new Map<string, number>()
  #began: number

  constructor(limits: ConnectionRateLimits, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
    this.#began = clock.monotonic()
  }

  /** Whether one more may come in from there now. */
  allows(address: string): boolean {
    const passed = this.#turn()
    const { perAddress, perPrefix } = this.#limits
    return (
      (perAddress === 0 || this.#recent(address, passed) < perAddress) &&
      (perPrefix === 0 || this.#recent(ipPrefix(address, prefixBits), passed) < perPrefix)
    )
  }

  /** One came in. */
  count(address: string): void {
    this.#turn()
    if (this.#limits.perAddress > 0) this.#add(address)
    if (this.#limits.perPrefix > 0) this.#add(ipPrefix(address, prefixBits))
  }

  #recent(name: string, passed: number): number {
    return (this.#current.get(name) ?? 0) + (this.#last.get(name) ?? 0) * (1 - passed)
  }

  #add(name: string): void {
    const count = this.#current.get(name)
    if (count !== undefined || this.#current.size < most) this.#current.set(name, (count ?? 0) + 1)
  }

  /** Begins a new minute where it is time; gives the part of the present one that has passed. */
  #turn(): number {
    const elapsed = this.#clock.monotonic() - this.#began
    if (elapsed < minute) return elapsed / minute
    const minutes = Math.floor(elapsed / minute)
    this.#last = minutes === 1 ? this.#current : new Map()
    this.#current = new Map()
    this.#began += minutes * minute
    return (elapsed - minutes * minute) / minute
  }
}
