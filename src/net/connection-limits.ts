// Counts open connections: in all, by address, by prefix (IPv4 /24, IPv6 /64, since one IPv6 customer has a whole /64) and by
// site (IPv6 /48, since many have a whole one of those), and new ones by their rate. Pure counting; who is over a limit is
// refused by `listener.ts`. One object serves all listeners of a protocol family, so that a second port is no second chance.
import type { Clock } from '../base/clock.ts'
import { ipPrefix } from '../base/ip-address.ts'
import type { NetConfig } from '../config/sections/net.ts'
import { ConnectionRate } from './connection-rate.ts'

export interface ConnectionLimits {
  readonly total: number
  readonly perAddress: number
  readonly perPrefix: number
  /** From one IPv6 /48; IPv4 has no such thing. Absent: none. */
  readonly perSite?: number
}

export type ConnectionRefusal = 'total' | 'address' | 'prefix' | 'site' | 'rate'

const prefixBits = { ipv4: 24, ipv6: 64 }
const siteBits = { ipv4: 32, ipv6: 48 }

/** With the limits of the configuration. */
export function createConnectionCount(config: NetConfig, clock: Clock): ConnectionCount {
  const limits = {
    total: config.maxConnections,
    perAddress: config.maxConnectionsPerAddress,
    perPrefix: config.maxConnectionsPerPrefix,
    perSite: config.maxConnectionsPerSite,
  }
  const rate = {
    perAddress: config.maxConnectionRatePerAddress,
    perPrefix: config.maxConnectionRatePerPrefix,
  }
  return new ConnectionCount(limits, new ConnectionRate(rate, clock))
}

export class ConnectionCount {
  readonly #limits: ConnectionLimits
  readonly #rate: ConnectionRate | null
  readonly #open = new Map<string, number>()
  #total = 0

  constructor(limits: ConnectionLimits, rate: ConnectionRate | null = null) {
    this.#limits = limits
    this.#rate = rate
  }

  get total(): number {
    return this.#total
  }

  /**
   * Counts a connection, or says which limit refuses it; null is somebody without an address of his own (a proxy), who counts
   * in all alone. Each one that entered must `leave` once.
   */
  enter(address: string | null): ConnectionRefusal | null {
    if (this.#total >= this.#limits.total) return 'total'
    if (address === null) {
      this.#total++
      return null
    }
    const refusal = this.enterBehind(address)
    if (refusal === null) this.#total++
    return refusal
  }

  leave(address: string | null): void {
    this.#total--
    if (address !== null) this.leaveBehind(address)
  }

  /**
   * Counts a client for whom a connection that has entered speaks from now on, or says which limit refuses it. Each one that
   * entered must `leaveBehind` once.
   */
  enterBehind(address: string): Exclude<ConnectionRefusal, 'total'> | null {
    const names = namesOf(address)
    const { perAddress, perPrefix, perSite = Number.POSITIVE_INFINITY } = this.#limits
    if (this.#of(names.address) >= perAddress) return 'address'
    if (this.#of(names.prefix) >= perPrefix) return 'prefix'
    if (names.site !== null && this.#of(names.site) >= perSite) return 'site'
    if (this.#rate?.allows(address) === false) return 'rate'
    this.#rate?.count(address)
    for (const name of Object.values(names)) if (name !== null) this.#open.set(name, this.#of(name) + 1)
    return null
  }

  leaveBehind(address: string): void {
    for (const name of Object.values(namesOf(address))) if (name !== null) this.#decrease(name)
  }

  #of(name: string): number {
    return this.#open.get(name) ?? 0
  }

  /** Entries that reach zero go, so that the map is never larger than the connections need. */
  #decrease(name: string): void {
    const count = this.#of(name)
    if (count > 1) this.#open.set(name, count - 1)
    else this.#open.delete(name)
  }
}

interface Names {
  readonly address: string
  readonly prefix: string
  readonly site: string | null
}

/** Prefixes carry their length, so that none is taken for an address or for another kind. */
function namesOf(address: string): Names {
  return {
    address,
    prefix: ipPrefix(address, prefixBits),
    site: address.includes(':') ? ipPrefix(address, siteBits) : null,
  }
}
