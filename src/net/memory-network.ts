// A network in memory: listeners, dialers and byte streams without a socket, as unkind as a real one where asked.
//
// Each direction of a connection is a queue that delivers later, never inside a call: after the latency of the injected
// clock, or as a promise job where there is none. Bytes keep their order but not their grouping: with `cuts`, what was
// written arrives in pieces of random length that ignore the writers' boundaries. A writer is told to wait above the
// high-water mark. A connection that is destroyed with input unread, or with an error, resets the other end.
//
// TLS is pretended: both ends call `startTls`, and get states that agree. Bytes in flight towards an end that starts it
// make it fail at both, as a real handshake would.
import { Buffer } from 'node:buffer'
import type { Clock } from '../base/clock.ts'
import type { Connection, DialTarget } from '../base/connection.ts'
import type { Peer, TlsState } from '../base/core.ts'
import type { Random } from '../base/random.ts'
import type { Listening, ListenPoint, Network } from './network.ts'

export interface MemoryNetworkOptions {
  readonly clock: Clock
  /** Decides the cuts, ports and keys. */
  readonly random: Random
  /** One way; default 0, which delivers by promise jobs alone. */
  readonly latencyMilliseconds?: number
  /** Whether segments are cut and joined at random; default `kept`. */
  readonly segments?: 'kept' | 'cut'
  /** Octets in flight in one direction above which `write` returns false; default 16 KB. */
  readonly highWaterMark?: number
}

const defaultHighWaterMark = 16_384
const dialerAddress = '198.51.100.1'

export class MemoryNetwork implements Network {
  readonly #options: MemoryNetworkOptions
  readonly #listeners = new Map<string, (connection: Connection) => void>()

  constructor(options: MemoryNetworkOptions) {
    this.#options = options
  }

  listen(point: ListenPoint, onConnection: (connection: Connection) => void): Promise<Listening> {
    const port = point.port === 0 ? 10_000 + this.#options.random.below(50_000) : point.port
    const key = endpoint(point.address, port)
    if (this.#listeners.has(key)) return Promise.reject(networkError('EADDRINUSE', `listen ${key}`))
    this.#listeners.set(key, onConnection)
    const close = () => {
      this.#listeners.delete(key)
      return Promise.resolve()
    }
    return Promise.resolve({ address: point.address, port, close })
  }

  /** Connects; a `target.localAddress` is who the listener sees. The connection is paused. */
  async dial(target: DialTarget): Promise<MemoryConnection> {
    const { clock, random, latencyMilliseconds = 0 } = this.#options
    if (latencyMilliseconds > 0) await clock.sleep(latencyMilliseconds * 2, target.signal)
    target.signal?.throwIfAborted()
    const onConnection =
      this.#listeners.get(endpoint(target.address, target.port)) ??
      this.#listeners.get(endpoint(target.address.includes(':') ? '::' : '0.0.0.0', target.port))
    if (onConnection === undefined) {
      throw networkError('ECONNREFUSED', `connect ${endpoint(target.address, target.port)}`)
    }
    const local = { address: target.localAddress ?? dialerAddress, port: 32_768 + random.below(28_000) }
    const [client, server] = connectInMemory(this.#options, { local, remote: target })
    onConnection(server)
    return client
  }
}

interface Endpoint {
  readonly address: string
  readonly port: number
}

/** The two ends of a new connection, both paused: the one at `local`, then the one at `remote`. */
export function connectInMemory(
  options: MemoryNetworkOptions,
  ends: { readonly local: Endpoint; readonly remote: Endpoint },
): [local: MemoryConnection, remote: MemoryConnection] {
  const link = new Link(options.random)
  const local = new MemoryConnection(options, peerOf(ends.local, ends.remote), link)
  const remote = new MemoryConnection(options, peerOf(ends.remote, ends.local), link)
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

function endpoint(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

function networkError(code: string, what: string): Error {
  return Object.assign(new Error(`${what}: ${code}`), { code })
}

/** What travels towards an end. */
type Parcel =
  | { readonly type: 'bytes'; readonly bytes: Uint8Array }
  | { readonly type: 'end' }
  | { readonly type: 'reset' }
  | { readonly type: 'hello' }

/** What both ends of a connection share. */
class Link {
  readonly #random: Random
  #tls: TlsState | null = null

  constructor(random: Random) {
    this.#random = random
  }

  tls(): TlsState {
    this.#tls ??= {
      version: 'TLSv1.3',
      cipher: 'TLS_AES_256_GCM_SHA384',
      serverName: null,
      exporter: this.#random.bytes(32),
      serverEndPoint: this.#random.bytes(32),
    }
    return this.#tls
  }
}

const noOperation = () => undefined

/** One end of a connection in memory. */
export class MemoryConnection implements Connection {
  readonly peer: Peer
  onData: (bytes: Uint8Array) => void = noOperation
  onEnd: () => void = noOperation
  onClose: (error: Error | null) => void = noOperation
  onDrain: () => void = noOperation
  readonly #options: MemoryNetworkOptions
  #other: MemoryConnection | null = null
  /** What is on its way to this end. */
  readonly #inbox: { readonly parcel: Parcel; readonly dueAt: number }[] = []
  #inboxOctets = 0
  #deliveryScheduled = false
  #paused = true
  #corks = 0
  #corked: Uint8Array[] = []
  #toldToWait = false
  #sentEnd = false
  #gotEnd = false
  #closed = false
  #tls: TlsState | null = null
  #gotHello = false
  #handshake: PromiseWithResolvers<TlsState> | null = null
  readonly #link: Link

  constructor(options: MemoryNetworkOptions, peer: Peer, link: Link) {
    this.#options = options
    this.peer = peer
    this.#link = link
  }

  /** For `connectInMemory` alone. */
  join(other: MemoryConnection): void {
    this.#other = other
  }

  get tls(): TlsState | null {
    return this.#tls
  }

  write(bytes: Uint8Array | string): boolean {
    if (this.#closed || this.#sentEnd) return true
    // Copied, as a kernel does: the writer may use its buffer again.
    const copy = typeof bytes === 'string' ? Buffer.from(bytes, 'utf8') : Buffer.from(bytes)
    if (this.#corks > 0) this.#corked.push(copy)
    else this.#send({ type: 'bytes', bytes: copy })
    const inFlight = this.#other?.inFlight ?? 0
    const corked = this.#corked.reduce((sum, part) => sum + part.length, 0)
    this.#toldToWait ||= inFlight + corked >= (this.#options.highWaterMark ?? defaultHighWaterMark)
    return !this.#toldToWait
  }

  /** Octets on their way to this end. */
  get inFlight(): number {
    return this.#inboxOctets
  }

  cork(): void {
    this.#corks++
  }

  uncork(): void {
    if (this.#corks > 0) this.#corks--
    if (this.#corks === 0) this.#flushCorked()
  }

  #flushCorked(): void {
    if (this.#corked.length === 0) return
    const bytes = Buffer.concat(this.#corked)
    this.#corked = []
    this.#send({ type: 'bytes', bytes })
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#schedule()
  }

  end(): void {
    if (this.#closed || this.#sentEnd) return
    this.#flushCorked()
    this.#sentEnd = true
    this.#send({ type: 'end' })
    this.#closeWhenBothEnded()
  }

  destroy(error?: Error): void {
    if (this.#closed) return
    const unread = this.#inboxOctets > 0
    if (error !== undefined || unread) this.#send({ type: 'reset' })
    else if (!this.#sentEnd) this.#send({ type: 'end' })
    this.#close(error ?? null)
  }

  /** Breaks the connection as a network or a crashed peer does: both ends see a reset, bytes in flight are lost. */
  reset(): void {
    const other = this.#other
    this.#close(networkError('ECONNRESET', 'read'))
    if (other !== null) other.#close(networkError('ECONNRESET', 'read'))
  }

  /** As server or client alike: succeeds once both ends have called it. */
  startTls(): Promise<TlsState> {
    if (this.#closed || this.#tls !== null) return Promise.reject(new Error('TLS cannot start here'))
    const handshake = Promise.withResolvers<TlsState>()
    this.#handshake = handshake
    if (this.#inboxOctets > 0) this.#failHandshake()
    else {
      this.#send({ type: 'hello' })
      this.#completeHandshake()
    }
    return handshake.promise
  }

  #completeHandshake(): void {
    const handshake = this.#handshake
    if (handshake === null || !this.#gotHello) return
    this.#handshake = null
    this.#tls = this.#link.tls()
    handshake.resolve(this.#tls)
  }

  #failHandshake(): void {
    const handshake = this.#handshake
    const error = networkError('EPROTO', 'bytes in the clear instead of a TLS handshake')
    handshake?.reject(error)
    this.destroy(error)
  }

  #send(parcel: Parcel): void {
    this.#other?.receive(parcel)
  }

  /** For the other end alone. */
  receive(parcel: Parcel): void {
    if (this.#closed) {
      // RFC 9293 §3.10.7.1: data for a connection that does not exist is answered by a reset.
      if (parcel.type === 'bytes') this.#send({ type: 'reset' })
      return
    }
    const latency = this.#options.latencyMilliseconds ?? 0
    if (parcel.type === 'bytes') this.#inboxOctets += parcel.bytes.length
    this.#inbox.push({ parcel, dueAt: this.#options.clock.monotonic() + latency })
    this.#schedule()
  }

  #schedule(): void {
    const next = this.#inbox[0]
    if (this.#deliveryScheduled || this.#closed || next === undefined) return
    if (this.#paused && next.parcel.type === 'bytes' && !this.#hasReset()) return
    this.#deliveryScheduled = true
    const deliver = () => {
      this.#deliveryScheduled = false
      this.#deliver()
    }
    const wait = next.dueAt - this.#options.clock.monotonic()
    if (wait > 0) this.#options.clock.after(wait, deliver)
    else queueMicrotask(deliver)
  }

  #hasReset(): boolean {
    return this.#inbox.at(-1)?.parcel.type === 'reset'
  }

  #deliver(): void {
    const next = this.#inbox[0]
    if (this.#closed || next === undefined) return
    if (this.#hasReset()) {
      this.#close(networkError('ECONNRESET', 'read'))
      return
    }
    const { parcel } = next
    if (this.#paused && parcel.type === 'bytes') return
    if (this.#handshake !== null && parcel.type !== 'hello') {
      this.#failHandshake()
      return
    }
    if (parcel.type === 'bytes') {
      this.#deliverBytes()
    } else {
      this.#inbox.shift()
      if (parcel.type === 'end') this.#deliverEnd()
      else if (parcel.type === 'hello') {
        this.#gotHello = true
        this.#completeHandshake()
      }
    }
    this.#schedule()
  }

  #deliverBytes(): void {
    const bytes = this.#options.segments === 'cut' ? this.#takeCut() : this.#takeSegment()
    this.#inboxOctets -= bytes.length
    if (this.#inboxOctets === 0) this.#other?.drained()
    this.onData(bytes)
  }

  #takeSegment(): Uint8Array {
    const parcel = this.#inbox.shift()?.parcel
    return parcel?.type === 'bytes' ? parcel.bytes : new Uint8Array(0)
  }

  /** A piece of random length, of as many neighbouring segments as it takes. */
  #takeCut(): Uint8Array {
    const { random } = this.#options
    let wanted = 1 + random.below(random.below(2) === 0 ? 4 : 400)
    const parts: Uint8Array[] = []
    for (;;) {
      const next = this.#inbox[0]
      if (wanted === 0 || next?.parcel.type !== 'bytes') break
      const { bytes } = next.parcel
      this.#inbox.shift()
      parts.push(bytes.subarray(0, wanted))
      if (bytes.length > wanted) {
        this.#inbox.unshift({ parcel: { type: 'bytes', bytes: bytes.subarray(wanted) }, dueAt: next.dueAt })
      }
      wanted -= Math.min(wanted, bytes.length)
    }
    return Buffer.concat(parts)
  }

  /** For the other end alone: it has taken everything. */
  drained(): void {
    if (!this.#toldToWait || this.#corked.length > 0) return
    this.#toldToWait = false
    queueMicrotask(() => {
      if (!this.#closed) this.onDrain()
    })
  }

  #deliverEnd(): void {
    this.#gotEnd = true
    this.onEnd()
    this.#closeWhenBothEnded()
  }

  #closeWhenBothEnded(): void {
    if (this.#sentEnd && this.#gotEnd) this.#close(null)
  }

  #close(error: Error | null): void {
    if (this.#closed) return
    this.#closed = true
    this.#inbox.length = 0
    this.#inboxOctets = 0
    this.#corked = []
    this.#handshake?.reject(error ?? networkError('ECONNRESET', 'TLS handshake'))
    this.#handshake = null
    queueMicrotask(() => this.onClose(error))
  }
}
