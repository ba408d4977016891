// Accepts connections on one or more addresses and runs a session on each: the body of every server.
//
// Limits are checked before anything else is spent on a connection; behind a listed proxy those on addresses count for the client
// that it speaks for, once it has said so (PROXY protocol), and a proxy that is silent or wrong is cut. One that is over a limit hears the protocol's
// farewell where it can (never before a TLS handshake) and is closed. A session that breaks concerns nobody else.
// `stop` stops accepting, lets every session end where no reply is cut, and cuts what is left at the deadline.
import type { Clock, Timer } from '../base/clock.ts'
import type { Peer } from '../base/core.ts'
import type { ConnectionCount, ConnectionRefusal } from './connection-limits.ts'
import type { AcceptedConnection, Listening, ListenPoint, Network } from './network.ts'
import { awaitProxyHeader, isProxy, type ProxyFailure, type ProxyTrust } from './proxied.ts'
import { defaultPumpLimits, Session, type PumpLimits, type PumpSettings, type Service } from './pump.ts'
import type { SessionEvents, SessionView } from './session-view.ts'
import type { TlsIdentity } from './tls.ts'

/** What an observer of a listener hears. None of its methods may throw. */
export interface ListenerEvents extends SessionEvents {
  opened(peer: Peer): void
  refused(peer: Peer, refusal: ConnectionRefusal): void
  /** The system could not accept a connection (`EMFILE`: too many open files). */
  acceptFailed?(error: Error): void
  /** A listed proxy did not say whom it speaks for, or wrongly. */
  proxyFailed?(peer: Peer, failure: ProxyFailure): void
}

export interface ListenerOptions<Question, Answer> {
  readonly network: Network
  /** Port 0 for one of the system's choice; `mode` is of a UNIX socket's file. */
  readonly points: readonly Pick<ListenPoint, 'address' | 'port' | 'mode'>[]
  /** `implicit`: a handshake comes first (RFC 8314 §3); `on-request`: STARTTLS may come; `none`: neither. */
  readonly tls: 'implicit' | 'on-request' | 'none'
  /** Needed for the first two. */
  readonly identity: TlsIdentity | null
  /** Whose word is taken for who the client is (PROXY protocol); nobody's by default. */
  readonly proxies?: ProxyTrust | null
  readonly service: Service<Question, Answer>
  readonly clock: Clock
  readonly events: ListenerEvents
  /** Shared by all listeners that shall be counted together. */
  readonly connections: ConnectionCount
  /** What a refused connection is told, with its line end: `421 4.7.0 …`. Empty for nothing. */
  readonly farewell: (refusal: ConnectionRefusal) => string
  readonly pumpLimits?: PumpLimits
  /** Awaited before the first connection is admitted, and not before there is one. */
  readonly ready?: () => Promise<void>
  /** For `[Symbol.asyncDispose]`; default 8 seconds. */
  readonly stopMilliseconds?: number
}

const defaultStopMilliseconds = 8_000
/** How long a refused connection may take to read its farewell. */
const refusalMilliseconds = 2_000
/** Refused connections that are told so at one time; in a flood the others are just closed. */
const refusalsAtOnce = 64
/** After the deadline, for handlers to notice that their connection is gone. */
const cutMilliseconds = 1_000

/** Binds all points, or none: rejects with the system's error. */
export async function listen<Question, Answer>(
  options: ListenerOptions<Question, Answer>,
): Promise<Listener<Question, Answer>> {
  if (options.tls !== 'none' && options.identity === null) throw new TypeError('TLS needs an identity')
  const listener = new Listener(options)
  await listener.open()
  return listener
}

export class Listener<Question, Answer> implements AsyncDisposable {
  readonly #options: ListenerOptions<Question, Answer>
  readonly #settings: PumpSettings
  /** With the address that each one was counted under (null for what a proxy said of nobody), and when it began. */
  readonly #sessions = new Map<SessionView, { readonly address: string | null; readonly since: number }>()
  /** Proxies that have not said yet whom they speak for, and connections that came before `ready`. */
  readonly #waiting = new Set<AcceptedConnection>()
  readonly #listenings: Listening[] = []
  #ready: boolean
  #refusing = 0
  #stopping: Promise<void> | null = null
  #onEmpty: (() => void) | null = null

  constructor(options: ListenerOptions<Question, Answer>) {
    this.#options = options
    this.#ready = options.ready === undefined
    const { events } = options
    this.#settings = {
      clock: options.clock,
      limits: options.pumpLimits ?? defaultPumpLimits,
      events: {
        handlerFailed: (peer, question, error) => events.handlerFailed(peer, question, error),
        handshakeFailed: (peer, error) => events.handshakeFailed(peer, error),
        broke: (peer, error) => events.broke(peer, error),
        finished: (session) => this.#finished(session),
      },
    }
  }

  /** For `listen`. */
  async open(): Promise<void> {
    const { network, points, tls, identity, events } = this.#options
    try {
      for (const place of points) {
        const point = { ...place, identity: tls === 'none' ? null : identity }
        const accept = (connection: AcceptedConnection) => this.#accept(connection)
        const failed = (error: Error) => events.acceptFailed?.(error)
        this.#listenings.push(await network.listen(point, accept, failed))
      }
    } catch (error) {
      await this.#closeListenings()
      throw error
    }
  }

  /** Where it listens, with the real ports. */
  get points(): readonly { readonly address: string; readonly port: number }[] {
    return this.#listenings.map(({ address, port }) => ({ address, port }))
  }

  /** How many sessions are open. */
  get sessions(): number {
    return this.#sessions.size
  }

  /** Those that are open, oldest first; `since` in milliseconds since the epoch. */
  *views(): Generator<{ readonly session: SessionView; readonly since: number }> {
    for (const [session, { since }] of this.#sessions) yield { session, since }
  }

  /** Ends gracefully; at the latest that long after the call nothing is left. Further calls join the first. */
  stop(deadlineMilliseconds: number): Promise<void> {
    this.#stopping ??= this.#stop(deadlineMilliseconds)
    return this.#stopping
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop(this.#options.stopMilliseconds ?? defaultStopMilliseconds)
  }

  #accept(connection: AcceptedConnection): void {
    const { proxies = null } = this.#options
    if (this.#stopping !== null) connection.destroy()
    else if (!this.#ready) void this.#acceptLater(connection)
    else if (proxies !== null && isProxy(proxies, connection.peer.remoteAddress)) {
      void this.#acceptProxied(connection, proxies)
    } else this.#admit(connection, connection.peer.remoteAddress)
  }

  async #acceptLater(connection: AcceptedConnection): Promise<void> {
    const { ready, events } = this.#options
    this.#waiting.add(connection)
    connection.onClose = () => this.#waiting.delete(connection)
    try {
      await ready?.()
      this.#ready = true
    } catch (error) {
      events.broke(connection.peer, error)
      connection.destroy()
    }
    // One that is gone meanwhile has never been here.
    if (this.#waiting.delete(connection) && this.#ready) this.#accept(connection)
  }

  async #acceptProxied(connection: AcceptedConnection, trust: ProxyTrust): Promise<void> {
    const { connections, events, clock } = this.#options
    const { peer: proxy } = connection
    const refusal = connections.enter(null)
    if (refusal !== null) {
      events.refused(proxy, refusal)
      connection.destroy()
      return
    }
    this.#waiting.add(connection)
    const header = await awaitProxyHeader(connection, { trust, clock })
    this.#waiting.delete(connection)
    connections.leave(null)
    if (typeof header === 'string') events.proxyFailed?.(proxy, header)
    else if (this.#stopping !== null) connection.destroy()
    else this.#admit(connection, header.type === 'forwarded' ? header.peer.remoteAddress : null)
  }

  /** Begins a session, counted under that address. */
  #admit(connection: AcceptedConnection, address: string | null): void {
    const { connections, events, service, tls, clock } = this.#options
    const { peer } = connection
    const refusal = connections.enter(address)
    if (refusal !== null) {
      events.refused(peer, refusal)
      this.#refuse(connection, refusal)
      return
    }
    events.opened(peer)
    let session: Session<Question, Answer>
    try {
      session = new Session(connection, service, this.#settings)
    } catch (error) {
      connections.leave(address)
      events.broke(peer, error)
      connection.destroy()
      return
    }
    this.#sessions.set(session, { address, since: clock.now() })
    session.start(tls === 'implicit' ? 'first' : 'none')
  }

  #refuse(connection: AcceptedConnection, refusal: ConnectionRefusal): void {
    const farewell = this.#options.farewell(refusal)
    if (this.#options.tls === 'implicit' || farewell === '' || this.#refusing >= refusalsAtOnce) {
      connection.destroy()
      return
    }
    this.#refusing++
    const timer = this.#options.clock.after(refusalMilliseconds, () => connection.destroy())
    connection.onClose = () => {
      timer.cancel()
      this.#refusing--
    }
    connection.write(farewell)
    connection.end()
    connection.resume()
  }

  #finished(session: SessionView): void {
    this.#options.connections.leave(this.#sessions.get(session)?.address ?? null)
    this.#sessions.delete(session)
    this.#options.events.finished(session)
    if (this.#sessions.size === 0) this.#onEmpty?.()
  }

  async #stop(deadlineMilliseconds: number): Promise<void> {
    await this.#closeListenings()
    for (const connection of this.#waiting) connection.destroy()
    for (const session of this.#sessions.keys()) session.stop()
    await this.#emptied(deadlineMilliseconds)
    for (const session of this.#sessions.keys()) session.destroy()
    await this.#emptied(cutMilliseconds)
  }

  /** Resolves when no session is left, or after that time. */
  #emptied(milliseconds: number): Promise<void> {
    if (this.#sessions.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const finish = () => {
        timer.cancel()
        this.#onEmpty = null
        resolve()
      }
      const timer: Timer = this.#options.clock.after(milliseconds, finish)
      this.#onEmpty = finish
    })
  }

  async #closeListenings(): Promise<void> {
    await Promise.all(this.#listenings.map((listening) => listening.close()))
  }
}
