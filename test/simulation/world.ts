// The simulated Internet: one clock, one seed, one network in memory, one DNS; Posthorns that relay to each other, and hosts with
// personalities. Everything that happens follows from the seed.
import { SeededRandom } from '../../src/base/seeded-random.ts'
import { VirtualClock } from '../../src/base/virtual-clock.ts'
import type { HttpsAnswer, HttpsQuery } from '../../src/delivery/https-request.ts'
import { MemoryNetwork } from '../../src/net/memory-network.ts'
import { ZoneResolver } from '../../src/net/zone-resolver.ts'
import { House, type HouseSettings } from './house.ts'
import { Peer } from './peer.ts'
import type { Personality, Surroundings } from './personality.ts'
import { identityOf, type Place, policyTextOf, quietPlace, zoneOf } from './place.ts'
import { StoreCalls } from './store-calls.ts'

export class World implements AsyncDisposable {
  readonly clock: VirtualClock
  readonly random: SeededRandom
  readonly network: MemoryNetwork
  readonly resolver: ZoneResolver
  readonly calls = new StoreCalls()
  readonly houses: House[] = []
  readonly peers: Peer[] = []
  /** Everything that the houses told, with its time: the same seed, the same trace. */
  readonly trace: string[] = []
  readonly #start: number
  readonly #zone: string[] = []
  #addresses = 0

  constructor(seed: number | string) {
    this.random = new SeededRandom(seed)
    this.clock = new VirtualClock({ settle: () => this.calls.settled() })
    this.#start = this.clock.now()
    this.resolver = new ZoneResolver('', {
      clock: this.clock,
      latencyMilliseconds: 5,
      timeoutMilliseconds: 10_000,
    })
    this.network = new MemoryNetwork({
      clock: this.clock,
      random: this.random.fork('network'),
      segments: 'cut',
      latencyMilliseconds: 10,
    })
  }

  /** A Posthorn with a domain and people in it. */
  async addHouse(domain: string, people: readonly string[], settings: HouseSettings = {}): Promise<House> {
    const address = this.#address()
    const network = this.network.host([address])
    this.publish(`${domain}. MX 10 mx.${domain}.\nmx.${domain}. A ${address}`)
    const { clock, resolver, calls } = this
    const house = new House({
      ...{ domain, address, clock, resolver, calls, network, settings },
      random: this.random.fork(domain),
      httpsRequest: (query) => Promise.resolve(this.#fetch(query)),
      tell: (name) => void this.trace.push(`${clock.now() - this.#start} ${domain} ${name}`),
    })
    await house.start()
    await house.settle(people)
    this.houses.push(house)
    return house
  }

  /** A host with a personality that takes a domain's mail. */
  async addPeer(
    domain: string,
    personality: (around: Surroundings) => Personality,
    place: Place = quietPlace,
  ): Promise<Peer> {
    const { clock } = this
    const address = this.#address()
    const dead = this.#address()
    this.network.host([dead], { connect: 'black-hole' })
    const network = this.network.host([address], {
      tls: identityOf(domain, place),
      connect: place.connect,
      faults: { handshake: place.tls === 'fails' || place.tls === 'hangs' ? place.tls : 'works' },
    })
    const random = this.random.fork(domain)
    const peer = new Peer(domain, {
      ...{ clock, random, place, network, resolver: this.resolver },
      personality: personality({ clock, random }),
    })
    await network.listen({ address, port: 25, identity: null }, (connection) => peer.serve(connection))
    this.publish(zoneOf(domain, place, { address, dead, house: this.houses[0]?.domain ?? 'house.test' }))
    this.peers.push(peer)
    return peer
  }

  peerOf(address: string): Peer | undefined {
    return this.peers.find(({ domain }) => address.endsWith(`@${domain}`))
  }

  /** Adds lines to the zone of everything. */
  publish(lines: string): void {
    this.#zone.push(lines)
    this.resolver.load(this.#zone.join('\n'))
  }

  /** Takes them out of it again. */
  withdraw(lines: string): void {
    const at = this.#zone.indexOf(lines)
    if (at >= 0) this.#zone.splice(at, 1)
    this.resolver.load(this.#zone.join('\n'))
  }

  /** All messages in all queues are finished and all that hosts had to send is sent, or that much time has passed. */
  async comeToRest(most: number): Promise<void> {
    const step = 2 * 3_600_000
    for (let passed = 0; passed < most; passed += step) {
      await this.clock.advance(step)
      for (const house of this.houses) if (!house.isAlive) await house.start()
      const busy = await Promise.all(this.houses.map((house) => house.isBusy()))
      if (!busy.includes(true) && this.peers.every(({ toSend }) => toSend === 0)) return
    }
  }

  #fetch({ url }: HttpsQuery): HttpsAnswer {
    const peer = this.peers.find(({ domain }) => url.hostname === `mta-sts.${domain}`)
    const text = peer && policyTextOf(peer.domain, peer.place)
    if (text === undefined) return { ok: false, problem: 'no such host' }
    return { ok: true, status: 200, contentType: 'text/plain', body: text }
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
