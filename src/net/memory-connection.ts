// One end of a connection in memory: a queue that delivers later, never inside a call. See memory-network.ts.
//
// Each direction is a queue of parcels: after the latency of the injected clock, or as a promise job where there is none.
// TLS is pretended by a `hello` from each end; bytes in flight towards an end that starts it make it fail at both, as a
// real handshake would. An end may bring conditions that spoil the connection for both: a life in octets or in time, and a
// handshake that fails or never ends.
import { Buffer } from 'node:buffer'
import type { Clock, Timer } from '../base/clock.ts'
import type { ClientTls } from '../base/connection.ts'
import type { Peer, TlsState } from '../base/core.ts'
import type { Random } from '../base/random.ts'
import { memoryCertificate, type MemoryTlsIdentity } from './memory-tls.ts'
import type { AcceptedConnection } from './network.ts'

/** How a connection in memory behaves. */
export interface MemoryLinkOptions {
  readonly clock: Clock
  /** Decides the cuts, ports and keys. */
  readonly random: Random
  /** One way; default 0, which delivers by promise jobs alone. */
  readonly latencyMilliseconds?: number
  /** Whether segments are cut and joined at random; default `kept`. */
  readonly segments?: 'kept' | 'cut'
  /** Octets in flight in one direction above which `write` returns false; default 16 KB. */
  readonly highWaterMark?: number
  /** What goes wrong; nothing by default. */
  readonly faults?: MemoryLinkFaults
}

/** What the network does to a connection. */
export interface MemoryLinkFaults {
  /** It is reset when that many octets, both directions together, have been delivered. */
  readonly dieAfterOctets?: number
  /** It is reset that long after it opened. */
  readonly dieAfterMilliseconds?: number
  /** `fails`: both ends get an error in the handshake. `hangs`: the handshake never ends. Default `works`. */
  readonly handshake?: 'works' | 'fails' | 'hangs'
}

const defaultHighWaterMark = 16_384

export function networkError(code: string, what: string): Error {
  return Object.assign(new Error(`${what}: ${code}`), { code })
}

/** What travels towards an end. */
type Parcel =
  | { readonly type: 'bytes'; readonly bytes: Uint8Array }
  | { readonly type: 'end' }
  | { readonly type: 'reset' }
  | { readonly type: 'hello'; readonly hello: Hello }

/** What an end brings to a pretended handshake. */
interface Hello {
  readonly side: 'either' | 'client'
  readonly serverName: string | null
  /** Whom it shows itself as; null for no certificate. */
  readonly identity: MemoryTlsIdentity | null
}

/** What both ends of a connection share. */
export class MemoryLink {
  readonly #options: MemoryLinkOptions
  #delivered = 0
  #secret: Pick<TlsState, 'exporter' | 'serverEndPoint'> | null = null

  constructor(options: MemoryLinkOptions) {
    this.#options = options
  }

  /** Whether those octets are more than the link lives to carry. */
  carries(octets: number): boolean {
    this.#delivered += octets
    return this.#delivered <= (this.#options.faults?.dieAfterOctets ?? Number.POSITIVE_INFINITY)
  }

  /** What an end knows that said `ours` and heard `theirs`. */
  tls(ours: Hello, theirs: Hello): TlsState {
    const { random } = this.#options
    this.#secret ??= { exporter: random.bytes(32), serverEndPoint: random.bytes(32) }
    return {
      version: 'TLSv1.3',
      cipher: 'TLS_AES_256_GCM_SHA384',
      serverName: ours.side === 'client' ? ours.serverName : theirs.serverName,
      ...this.#secret,
      peerCertificate: theirs.identity === null ? null : memoryCertificate(theirs.identity),
    }
  }
}

const noOperation = () => undefined

/** Which end of which link. */
export interface MemoryEnd {
  readonly peer: Peer
  readonly link: MemoryLink
  /** Whom this end shows in a handshake; null for nobody. */
  readonly identity: MemoryTlsIdentity | null
}

/** One end of a connection in memory. */
export class MemoryConnection implements AcceptedConnection {
  onData: (bytes: Uint8Array) => void = noOperation
  onEnd: () => void = noOperation
  onClose: (error: Error | null) => void = noOperation
  onDrain: () => void = noOperation
  readonly #options: MemoryLinkOptions
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
  #theirHello: Hello | null = null
  #handshake: { readonly done: PromiseWithResolvers<TlsState>; readonly ours: Hello } | null = null
  readonly #link: MemoryLink
  readonly #identity: MemoryTlsIdentity | null
  readonly #life: Timer | null
  #peer: Peer
  /** As in socket-connection.ts: bytes that come before anything was said may be a handshake. */
  #spoken = false

  constructor(options: MemoryLinkOptions, end: MemoryEnd) {
    this.#options = options
    this.#peer = end.peer
    this.#link = end.link
    this.#identity = end.identity
    const life = options.faults?.dieAfterMilliseconds
    this.#life = life === undefined ? null : options.clock.after(life, () => this.reset())
  }

  get peer(): Peer {
    return this.#peer
  }

  forwarded(peer: Peer, unread: Uint8Array): void {
    this.#peer = peer
    this.pause()
    if (unread.length === 0 || this.#closed) return
    this.#inboxOctets += unread.length
    this.#inbox.unshift({ parcel: { type: 'bytes', bytes: unread }, dueAt: 0 })
  }

  /** For `connectInMemory` alone. */
  join(other: MemoryConnection): void {
    this.#other = other
  }

  get tls(): TlsState | null {
    return this.#tls
  }

  write(bytes: Uint8Array | string): boolean {
    this.#spoken = true
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

  /** As server, and for tests without certificates as either end: succeeds once both ends have started. */
  startTls(): Promise<TlsState> {
    return this.#startTls({ side: 'either', serverName: null, identity: this.#identity })
  }

  /** With `request.identity` this end shows its own, whatever the PEM says. */
  startClientTls(request: ClientTls): Promise<TlsState> {
    const identity = request.identity === undefined ? null : this.#identity
    return this.#startTls({ side: 'client', serverName: request.serverName, identity })
  }

  #startTls(ours: Hello): Promise<TlsState> {
    if (this.#closed || this.#tls !== null) return Promise.reject(new Error('TLS cannot start here'))
    const done = Promise.withResolvers<TlsState>()
    this.#handshake = { done, ours }
    const outcome = this.#options.faults?.handshake ?? 'works'
    if ((this.#spoken && this.#inboxOctets > 0) || outcome === 'fails') this.#failHandshake()
    else if (outcome === 'works') {
      this.#send({ type: 'hello', hello: ours })
      this.#completeHandshake()
    }
    return done.promise
  }

  #completeHandshake(): void {
    const handshake = this.#handshake
    if (handshake === null || this.#theirHello === null) return
    this.#handshake = null
    this.#tls = this.#link.tls(handshake.ours, this.#theirHello)
    handshake.done.resolve(this.#tls)
  }

  #failHandshake(): void {
    const handshake = this.#handshake
    const error = networkError('EPROTO', 'TLS handshake')
    handshake?.done.reject(error)
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
        this.#theirHello = parcel.hello
        this.#completeHandshake()
      }
    }
    this.#schedule()
  }

  #deliverBytes(): void {
    const bytes = this.#options.segments === 'cut' ? this.#takeCut() : this.#takeSegment()
    this.#inboxOctets -= bytes.length
    if (this.#inboxOctets === 0) this.#other?.drained()
    if (this.#link.carries(bytes.length)) this.onData(bytes)
    else this.reset()
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
    this.#life?.cancel()
    this.#inbox.length = 0
    this.#inboxOctets = 0
    this.#corked = []
    this.#handshake?.done.reject(error ?? networkError('ECONNRESET', 'TLS handshake'))
    this.#handshake = null
    queueMicrotask(() => this.onClose(error))
  }
}
