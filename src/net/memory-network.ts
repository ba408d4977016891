// A network in memory: hosts, listeners, dialers and byte streams without a socket, as unkind as a real one where asked.
//
// The plain network is one place: whoever listens on an address is found there. `host` gives a machine of its own: it listens
// on its addresses alone, dials from them, and has conditions, which may change while it runs: whom it shows itself as in TLS,
// how far away it is, and what goes wrong on the way to it. Conditions count for connections opened after they were set.
//
// Bytes keep their order but not their grouping: with `segments: 'cut'`, what was written arrives in pieces of random length
// that ignore the writers' boundaries. A writer is told to wait above the high-water mark. A connection that is destroyed
// with input unread, or with an error, resets the other end. TLS is pretended: states and certificates are facts made up.
import type { Connection, DialTarget } from '../base/connection.ts'
import type { Peer } from '../base/core.ts'
import {
  MemoryConnection,
  MemoryLink,
  networkError,
  type MemoryLinkFaults,
  type MemoryLinkOptions,
} from './memory-connection.ts'
import type { MemoryTlsIdentity } from './memory-tls.ts'
import type { AcceptedConnection, Listening, ListenPoint, Network } from './network.ts'

export type MemoryNetworkOptions = MemoryLinkOptions

/** What a host is like to those who connect to it. */
export interface MemoryHostConditions {
  /** Whom it shows in a handshake, as a server, and as a client that brings a certificate; null for none. */
  readonly tls?: MemoryTlsIdentity | null
  /**
   * Whether connecting works. `black-hole`: nothing ever answers. `refused`: nobody listens, whoever does. `unreachable`: the
   * network says so. Default `open`.
   */
  readonly connect?: 'open' | 'black-hole' | 'refused' | 'unreachable'
  /** One way, from and to everybody, beside that of the network and of the other host. */
  readonly latencyMilliseconds?: number
  /** For each connection to it. */
  readonly faults?: MemoryLinkFaults
}

const dialerAddresses = { ipv4: '198.51.100.1', ipv6: '2001:db8:64::1' }

type Accept = (connection: AcceptedConnection) => void

export class MemoryNetwork implements Network {
  readonly #options: MemoryNetworkOptions
  readonly #listeners = new Map<string, Accept>()
  readonly #conditions = new Map<string, MemoryHostConditions>()

  constructor(options: MemoryNetworkOptions) {
    this.#options = options
  }

  /** A machine with these addresses, at least one; at most one address of each family is dialed from. */
  host(addresses: readonly string[], conditions: MemoryHostConditions = {}): MemoryHost {
    const host = new MemoryHost(this, addresses)
    host.set(conditions)
    return host
  }

  /** How that address is to connect to from now on; replaces what was set before. */
  setConditions(address: string, conditions: MemoryHostConditions): void {
    this.#conditions.set(address, conditions)
  }

  listen(point: ListenPoint, onConnection: Accept): Promise<Listening> {
    return this.listenOn([point.address], { ...point, onConnection })
  }

  /** For `MemoryHost`: one port on several addresses. */
  listenOn(
    addresses: readonly string[],
    { address, port: wanted, onConnection }: Pick<ListenPoint, 'address' | 'port'> & { onConnection: Accept },
  ): Promise<Listening> {
    const port = wanted === 0 ? 10_000 + this.#options.random.below(50_000) : wanted
    const keys = addresses.map((one) => endpoint(one, port))
    const taken = keys.find((key) => this.#listeners.has(key))
    if (taken !== undefined) return Promise.reject(networkError('EADDRINUSE', `listen ${taken}`))
    for (const key of keys) this.#listeners.set(key, onConnection)
    const close = () => {
      for (const key of keys) this.#listeners.delete(key)
      return Promise.resolve()
    }
    return Promise.resolve({ address, port, close })
  }

  /** Connects; a `target.localAddress` is who the listener sees. The connection is paused. */
  async dial(target: DialTarget): Promise<MemoryConnection> {
    const { clock, random } = this.#options
    const { address, port, timeoutMilliseconds, signal } = target
    signal?.throwIfAborted()
    const localAddress = target.localAddress ?? dialerAddresses[familyOf(address)]
    const there = this.#conditions.get(address) ?? {}
    const here = this.#conditions.get(localAddress) ?? {}
    const what = `connect ${endpoint(address, port)}`
    const latencyMilliseconds = [this.#options, here, there].reduce(
      (sum, { latencyMilliseconds: one = 0 }) => sum + one,
      0,
    )
    const roundTrip = there.connect === 'black-hole' ? Number.POSITIVE_INFINITY : 2 * latencyMilliseconds
    if (roundTrip > timeoutMilliseconds) {
      await clock.sleep(timeoutMilliseconds, signal)
      throw networkError('ETIMEDOUT', what)
    }
    if (roundTrip > 0) await clock.sleep(roundTrip, signal)
    signal?.throwIfAborted()
    if (there.connect === 'unreachable') throw networkError('EHOSTUNREACH', what)
    const onConnection =
      this.#listeners.get(endpoint(address, port)) ??
      this.#listeners.get(endpoint(address.includes(':') ? '::' : '0.0.0.0', port))
    if (onConnection === undefined || there.connect === 'refused') throw networkError('ECONNREFUSED', what)
    const [client, server] = connectInMemory(
      {
        ...this.#options,
        latencyMilliseconds,
        ...(there.faults === undefined ? {} : { faults: there.faults }),
      },
      {
        local: { address: localAddress, port: 32_768 + random.below(28_000), tls: here.tls ?? null },
        remote: { address, port, tls: there.tls ?? null },
      },
    )
    onConnection(server)
    return client
  }
}

/** One machine of a `MemoryNetwork`: a network as a program on it sees it. */
export class MemoryHost implements Network {
  readonly addresses: readonly string[]
  readonly #network: MemoryNetwork

  constructor(network: MemoryNetwork, addresses: readonly string[]) {
    this.#network = network
    this.addresses = addresses
  }

  /** How all its addresses are to connect to from now on. */
  set(conditions: MemoryHostConditions): void {
    for (const address of this.addresses) this.#network.setConditions(address, conditions)
  }

  /** `::` is all its addresses, `0.0.0.0` its IPv4 ones. */
  listen(point: ListenPoint, onConnection: Accept): Promise<Listening> {
    const { address } = point
    const own =
      address === '::'
        ? this.addresses
        : this.addresses.filter(
            (one) => one === address || (address === '0.0.0.0' && familyOf(one) === 'ipv4'),
          )
    if (own.length === 0) return Promise.reject(networkError('EADDRNOTAVAIL', `listen ${address}`))
    return this.#network.listenOn(own, { address, port: point.port, onConnection })
  }

  /** From `target.localAddress`, which must be its own, or from its first address of that family. */
  async dial(target: DialTarget): Promise<Connection> {
    const family = familyOf(target.address)
    const wanted = target.localAddress ?? this.addresses.find((address) => familyOf(address) === family)
    if (wanted === undefined) throw networkError('ENETUNREACH', `connect ${target.address}`)
    if (!this.addresses.includes(wanted)) throw networkError('EADDRNOTAVAIL', `bind ${wanted}`)
    return this.#network.dial({ ...target, localAddress: wanted })
  }
}

interface Endpoint {
  readonly address: string
  readonly port: number
  /** Whom it shows in a handshake; none by default. */
  readonly tls?: MemoryTlsIdentity | null
}

/** The two ends of a new connection, both paused: the one at `local`, then the one at `remote`. */
export function connectInMemory(
  options: MemoryNetworkOptions,
  ends: { readonly local: Endpoint; readonly remote: Endpoint },
): [local: MemoryConnection, remote: MemoryConnection] {
  const link = new MemoryLink(options)
  const { local: near, remote: far } = ends
  const local = new MemoryConnection(options, { peer: peerOf(near, far), link, identity: near.tls ?? null })
  const remote = new MemoryConnection(options, { peer: peerOf(far, near), link, identity: far.tls ?? null })
  local.join(remote)
  remote.join(local)
  return [local, remote]
}

function peerOf(local: Endpoint, remote: Endpoint): Peer {
  return {
    remoteAddress: remote.address,
    remotePort: remote.port,
    localAddress: local.address,
    localPort: local.port,
  }
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return address.includes(':') ? 'ipv6' : 'ipv4'
}

function endpoint(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}
