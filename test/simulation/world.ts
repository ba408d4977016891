// The simulated Internet: one clock, one seed, one network in memory, one DNS; Posthorns that relay to each other, and hosts with
// personalities. Everything that happens follows from the seed.
import { SeededRandom } from '../../src/base/seeded-random.ts'
import { VirtualClock } from '../../src/base/virtual-clock.ts'
import { MemoryNetwork } from '../../src/net/memory-network.ts'
import type { MemoryTlsIdentity } from '../../src/net/memory-tls.ts'
import { ZoneResolver } from '../../src/net/zone-resolver.ts'
import { House } from './house.ts'
import { Peer } from './peer.ts'
import type { Personality } from './personality.ts'
import { StoreCalls } from './store-calls.ts'

/** How a domain's mail hosts can be found and reached. */
export interface Place {
  /** `mx`: two hosts, the first one dead; `implicit`: an address record alone; `usual`: one MX. */
  readonly mx: 'usual' | 'implicit' | 'first is dead'
  readonly tls: MemoryTlsIdentity | null
  readonly connect: 'open' | 'black-hole' | 'refused' | 'unreachable'
}

export class World implements AsyncDisposable {
  readonly clock: VirtualClock
  readonly random: SeededRandom
  readonly network: MemoryNetwork
  readonly resolver = new ZoneResolver()
  readonly calls = new StoreCalls()
  readonly houses: House[] = []
  readonly peers: Peer[] = []
  readonly #zone: string[] = []
  #addresses = 0

  constructor(seed: number | string) {
    this.random = new SeededRandom(seed)
    this.clock = new VirtualClock({ settle: () => this.calls.settled() })
    this.network = new MemoryNetwork({
      clock: this.clock,
      random: this.random.fork('network'),
      segments: 'cut',
      latencyMilliseconds: 10,
    })
  }

  /** A Posthorn with a domain and people in it. */
  async addHouse(domain: string, people: readonly string[]): Promise<House> {
    const address = this.#address()
    const host = this.network.host([address])
    this.publish(`${domain}. MX 10 mx.${domain}.`, `mx.${domain}. A ${address}`)
    const { clock, resolver, calls } = this
    const house = new House({
      domain,
      address,
      clock,
      resolver,
      calls: this.calls,
      network: host,
      random: this.random.fork(domain),
    })
    await house.start()
    await house.settle(people)
    this.houses.push(house)
    return house
  }

  /** A host with a personality that takes a domain's mail. */
  async addPeer(domain: string, personality: Personality, place: Place): Promise<Peer> {
    const address = this.#address()
    const host = this.network.host([address], { tls: place.tls, connect: place.connect })
    const name = place.mx === 'implicit' ? domain : `mx.${domain}`
    const peer = new Peer(domain, personality, { clock: this.clock, random: this.random.fork(domain) })
    await host.listen({ address, port: 25, identity: null }, (connection) => peer.serve(connection))
    this.publish(`${name}. A ${address}`)
    if (place.mx !== 'implicit') this.publish(`${domain}. MX 20 ${name}.`)
    if (place.mx === 'first is dead') {
      const dead = this.#address()
      this.network.host([dead], { connect: 'black-hole' })
      this.publish(`${domain}. MX 10 dead.${domain}.`, `dead.${domain}. A ${dead}`)
    }
    this.peers.push(peer)
    return peer
  }

  /** Adds lines to the zone of everything. */
  publish(...lines: string[]): void {
    this.#zone.push(...lines)
    this.resolver.load(this.#zone.join('\n'))
  }

  /** Takes lines out of it again. */
  withdraw(...lines: string[]): void {
    for (const line of lines) {
      const at = this.#zone.indexOf(line)
      if (at >= 0) this.#zone.splice(at, 1)
    }
    this.resolver.load(this.#zone.join('\n'))
  }

  #address(): string {
    this.#addresses++
    return `198.51.${100 + (this.#addresses >> 8)}.${this.#addresses & 0xff}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // What a stop waits for is time, and time moves only here.
    const stopped = Promise.all(this.houses.map((house) => house.stop()))
    await this.clock.advance('10m')
    await stopped
  }
}
