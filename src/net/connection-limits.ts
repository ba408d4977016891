// Counts open connections: in all, by address, and by prefix (IPv4 /24, IPv6 /64, since one IPv6 customer has a whole
// /64). Pure counting; who is over a limit is refused by `listener.ts`. One object may serve several listeners.
import { ipPrefix } from '../base/ip-address.ts'

export interface ConnectionLimits {
  readonly total: number
  readonly perAddress: number
  readonly perPrefix: number
}

export type ConnectionRefusal = 'total' | 'address' | 'prefix'

const prefixBits = { ipv4: 24, ipv6: 64 }

export class ConnectionCount {
  readonly #limits: ConnectionLimits
  readonly #byAddress = new Map<string, number>()
  readonly #byPrefix = new Map<string, number>()
  #total = 0

  constructor(limits: ConnectionLimits) {
    this.#limits = limits
  }

  get total(): number {
    return this.#total
  }

  /** Counts a connection, or says which limit refuses it. Each one that entered must `leave` once. */
  enter(address: string): ConnectionRefusal | null {
    const prefix = ipPrefix(address, prefixBits)
    const ofAddress = this.#byAddress.get(address) ?? 0
    const ofPrefix = this.#byPrefix.get(prefix) ?? 0
    if (this.#total >= this.#limits.total) return 'total'
    if (ofAddress >= this.#limits.perAddress) return 'address'
    if (ofPrefix >= this.#limits.perPrefix) return 'prefix'
    this.#total++
    this.#byAddress.set(address, ofAddress + 1)
    this.#byPrefix.set(prefix, ofPrefix + 1)
    return null
  }

  leave(address: string): void {
    this.#total--
    decrease(this.#byAddress, address)
    decrease(this.#byPrefix, ipPrefix(address, prefixBits))
  }
}

/** Entries that reach zero go, so that the maps are never larger than the number of connections. */
function decrease(counts: Map<string, number>, key: string): void {
  const count = counts.get(key) ?? 0
  if (count > 1) counts.set(key, count - 1)
  else counts.delete(key)
}
