// Wrong guesses are counted so that attackers are stopped and owners are not.
//
// - Three leaky counts: for the remote network, for the name, and for the name from a network it is known to have used.
//   Who comes from a known network is judged by the third alone, so an attack from elsewhere cannot lock him out.
// - The same wrong password counts once for each name and network: a device with an old password harms nobody.
// - For its name an attempt counts from its beginning, and is taken back when it was right: a thousand at once gain
//   nothing. For its network it counts when it has failed: a whole office may log in at the same moment.
// - One throttle serves all protocols. It remembers a bounded number of entries and forgets them with time.
import { ipPrefix } from '../base/ip-address.ts'
import { BoundedMap } from './bounded-map.ts'
import type { Clock } from '../base/clock.ts'
import type { ThrottleConfig } from '../config/sections/auth.ts'

export interface Guess {
  /** The canonical key of the name, whether it exists or not. */
  readonly name: string
  readonly remoteAddress: string
  /** Equal for equal passwords of one name; null where the password is not seen (SCRAM), which always counts. */
  readonly fingerprint: string | null
}

/** One count of wrong guesses. */
export interface ThrottleCount {
  /** Of a network, of a name, or of a name from a network where it has logged in. */
  readonly kind: 'network' | 'name' | 'known-network'
  /** The network, the name, or both. */
  readonly key: string
  readonly count: number
  readonly limit: number
  /** Whether the next guess is refused. */
  readonly isFull: boolean
}

/** A guess under way. */
export interface CountedGuess {
  /**
   * How it ended; to be called once. `right` takes back what it counted and makes its network known to its name,
   * `untried` (nobody looked at it) only takes back.
   */
  settle(outcome: 'right' | 'wrong' | 'untried'): void
}

export class LoginThrottle {
  readonly #clock: Clock
  readonly #limits: ThrottleConfig
  readonly #networks: LeakyCounts
  readonly #names: LeakyCounts
  readonly #knownPairs: LeakyCounts
  /** Guesses that counted already. */
  readonly #seen: BoundedMap<true>
  /** Names with the networks they logged in from. */
  readonly #known: BoundedMap<true>

  constructor(clock: Clock, limits: ThrottleConfig) {
    const { window, memory } = limits
    this.#clock = clock
    this.#limits = limits
    this.#networks = new LeakyCounts({ window, memory, limit: limits.failuresPerPrefix })
    this.#names = new LeakyCounts({ window, memory, limit: limits.failuresPerAccount })
    this.#knownPairs = new LeakyCounts({ window, memory, limit: limits.failuresFromKnownPrefix })
    this.#seen = new BoundedMap(memory)
    this.#known = new BoundedMap(memory)
  }

  /** Counts a guess, or refuses it. */
  begin(guess: Guess): CountedGuess | 'throttled' {
    const { ipv4PrefixBits, ipv6PrefixBits } = this.#limits
    const network = ipPrefix(guess.remoteAddress, { ipv4: ipv4PrefixBits, ipv6: ipv6PrefixBits })
    const pair = `${network} ${guess.name}`
    const now = this.#clock.monotonic()
    const judge = (counts: LeakyCounts, key: string): Judge => {
      const seenKey = guess.fingerprint === null ? null : `${key} ${guess.name} ${guess.fingerprint}`
      const counted = seenKey !== null && this.#seen.get(seenKey, now) !== undefined
      return { counts, key, seenKey, counted }
    }
    const isKnown = this.#known.get(pair, now) === true
    const forName = isKnown ? judge(this.#knownPairs, pair) : judge(this.#names, guess.name)
    const forNetwork = isKnown ? null : judge(this.#networks, network)
    if (isFull(forName, now) || (forNetwork !== null && isFull(forNetwork, now))) return 'throttled'
    this.#count(forName)
    return {
      settle: (outcome) => {
        if (outcome === 'wrong') {
          if (forNetwork !== null) this.#count(forNetwork)
          return
        }
        this.#takeBack(forName)
        const later = this.#clock.monotonic()
        if (outcome === 'right') this.#known.set(pair, true, later + this.#limits.knownFor)
      },
    }
  }

  /** What is counted now, fullest first, at most `limit`. */
  list(limit: number): ThrottleCount[] {
    const now = this.#clock.monotonic()
    const all = [
      ...this.#networks.list('network', now),
      ...this.#names.list('name', now),
      ...this.#knownPairs.list('known-network', now),
    ]
    return all.toSorted((left, right) => right.count / right.limit - left.count / left.limit).slice(0, limit)
  }

  /** Forgets a count, so that who is shut out may try again; false where there is none. */
  lift(kind: ThrottleCount['kind'], key: string): boolean {
    const counts = { network: this.#networks, name: this.#names, 'known-network': this.#knownPairs }[kind]
    return counts.forget(key, this.#clock.monotonic())
  }

  #count({ counts, key, seenKey, counted }: Judge): void {
    if (counted) return
    const now = this.#clock.monotonic()
    // Another attempt with the same password may have been quicker.
    if (seenKey !== null && this.#seen.get(seenKey, now) !== undefined) return
    counts.add(key, 1, now)
    if (seenKey !== null) this.#seen.set(seenKey, true, now + this.#limits.window)
  }

  #takeBack({ counts, key, seenKey, counted }: Judge): void {
    if (counted) return
    counts.add(key, -1, this.#clock.monotonic())
    if (seenKey !== null) this.#seen.delete(seenKey)
  }
}

/** One count that a guess is measured by. */
interface Judge {
  readonly counts: LeakyCounts
  readonly key: string
  /** Null where guesses cannot be told apart. */
  readonly seenKey: string | null
  /** The same guess counted before. */
  readonly counted: boolean
}

function isFull({ counts, key, counted }: Judge, now: number): boolean {
  return !counted && counts.isFull(key, now)
}

/** Counts that drain evenly, a full one within the window. */
class LeakyCounts {
  readonly #limit: number
  readonly #window: number
  readonly #levels: BoundedMap<{ readonly level: number; readonly at: number }>

  /** A limit of 0 is none. */
  constructor(options: { readonly limit: number; readonly window: number; readonly memory: number }) {
    this.#limit = options.limit
    this.#window = Math.max(1, options.window)
    this.#levels = new BoundedMap(options.memory)
  }

  isFull(key: string, now: number): boolean {
    return this.#limit > 0 && this.#level(key, now) + 1 > this.#limit
  }

  add(key: string, amount: number, now: number): void {
    if (this.#limit === 0) return
    const level = this.#level(key, now) + amount
    if (level > 0) this.#levels.set(key, { level, at: now }, now + this.#window)
    else this.#levels.delete(key)
  }

  list(kind: ThrottleCount['kind'], now: number): ThrottleCount[] {
    const limit = this.#limit
    return [...this.#levels.keys()].flatMap((key) => {
      const count = this.#level(key, now)
      return count === 0 ? [] : [{ kind, key, count, limit, isFull: this.isFull(key, now) }]
    })
  }

  forget(key: string, now: number): boolean {
    const there = this.#levels.get(key, now) !== undefined
    this.#levels.delete(key)
    return there
  }

  #level(key: string, now: number): number {
    const entry = this.#levels.get(key, now)
    if (entry === undefined) return 0
    return Math.max(0, entry.level - ((now - entry.at) * this.#limit) / this.#window)
  }
}
