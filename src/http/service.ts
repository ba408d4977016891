// A listener of the service `http`: carries requests between sockets and the site. Node's own server does HTTP; limits of connections
// are those of every other listener; behind a listed proxy they count for the client where the PROXY protocol names it, and
// otherwise the proxy counts in all alone.
//
// Stopping: no new connections, terminals end, idle connections are closed, requests under way may finish within the time given.
import { createServer, type IncomingMessage, type Server, type ServerOptions } from 'node:http'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Clock } from '../base/clock.ts'
import { unmapIp } from '../base/ip-address.ts'
import { inNetworks, type IpNetwork } from '../base/ip-network.ts'
import type { HttpConfig } from '../config/sections/http.ts'
import type { WebConfig } from '../config/sections/web.ts'
import { errorText } from '../events/error-text.ts'
import type { Events } from '../events/event.ts'
import { apiTrouble } from '../events/http.ts'
import type { ConnectionCount } from '../net/connection-limits.ts'
import type { ProxyFailure, ProxyTrust } from '../net/proxied.ts'
import { localPeer, openSocketFile, trySocketPath } from '../net/socket-file.ts'
import type { TlsIdentity } from '../net/tls.ts'
import type { Carrier } from './carrier.ts'
import { clientOf, type TrustedProxies } from './forwarded.ts'
import { readProxyHeader } from './proxied-socket.ts'
import type { Connected, Site } from './site.ts'
import { StallWatch } from './stalls.ts'

export interface HttpListenerOptions {
  /** What is served; asked for at the first request. */
  readonly site: () => Promise<Site>
  readonly clock: Clock
  readonly events: Events
  readonly config: HttpConfig
  readonly web: WebConfig
  /** Or `unix:` and the path of a socket to make. */
  readonly address: string
  /** 0 for one of the system's choice. */
  readonly port: number
  /** Permissions of a socket's file; 0o660 unless given. */
  readonly mode?: number
  /** TLS from the first octet; null: in the clear. */
  readonly identity: TlsIdentity | null
  readonly connections: ConnectionCount
  /** Whose word is taken for who the client is; null: nobody's. */
  readonly proxies?: HttpProxies | null
  /** A connection was over a limit, and closed. */
  readonly onRefused?: (remoteAddress: string, limit: string) => void
  /** A listed proxy did not say whom it speaks for, or wrongly. */
  readonly onProxyFailed?: (remoteAddress: string, failure: ProxyFailure) => void
}

/** Listed proxies, and how they tell for whom they speak. */
export type HttpProxies = { readonly by: 'protocol'; readonly trust: ProxyTrust } | TrustedProxies

export interface HttpListener extends AsyncDisposable {
  readonly points: readonly { readonly address: string; readonly port: number }[]
  /** Open connections. */
  readonly sessions: number
  /** Resolves when all connections are closed, at the latest after that time. */
  stop(milliseconds: number): Promise<void>
}

/** What `stop` waits for and cuts: Node forgets a connection once it is a WebSocket. */
interface Running {
  readonly server: Server
  readonly sockets: Set<Socket>
  readonly clock: Clock
}

/** Rejects with an Error whose `code` is the system's (`EADDRINUSE`, `EACCES`, …). */
export async function startHttp(options: HttpListenerOptions): Promise<HttpListener> {
  const { clock, address } = options
  /** Whom the PROXY protocol named. */
  const clients = new WeakMap<Socket, string>()
  const stopping = new AbortController()
  const sockets = new Set<Socket>()
  const connected = connectionsOf(options, { clients, stopping: stopping.signal })
  const server = createServer(serverSettings(options.config))
  serveRequests(server, { ...options, connected, stopping: stopping.signal })
  carryConnections(server, { ...options, clients, sockets })
  await opened(server, options)
  // A connection that could not be accepted concerns nobody else.
  server.on('error', () => {})
  const bound = server.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0
  const stop = (milliseconds: number): Promise<void> => {
    stopping.abort()
    return closed({ server, sockets, clock }, milliseconds)
  }
  return {
    points: [{ address, port }],
    get sessions() {
      return options.connections.total
    },
    stop,
    [Symbol.asyncDispose]: () => stop(0),
  }
}

/** Who sent a request, and how it came. */
function connectionsOf(
  { identity, address, proxies = null }: HttpListenerOptions,
  { clients, stopping }: { clients: WeakMap<Socket, string>; stopping: AbortSignal },
): (incoming: IncomingMessage, headers: Headers) => Connected {
  const told = proxies === null || proxies.by === 'protocol' ? null : proxies
  return ({ socket }, headers) => {
    const remoteAddress = clients.get(socket) ?? remoteOf(socket, address)
    const connected = { remoteAddress, secure: identity !== null }
    const origin = told === null ? connected : clientOf(connected, told, (name) => headers.get(name))
    return { ...origin, stopping }
  }
}

/** Most of what answers is loaded when the first request is there: a server starts without it. */
function serveRequests(
  server: Server,
  options: HttpListenerOptions & {
    readonly connected: (incoming: IncomingMessage, headers: Headers) => Connected
    readonly stopping: AbortSignal
  },
): void {
  const { site, clock, events, web, connected, stopping } = options
  let ready: Carrier | null = null
  let loading: Promise<Carrier> | null = null
  const load = async (): Promise<Carrier> => {
    const [{ createCarrier }, made] = await Promise.all([import('./carrier.ts'), site()])
    ready = createCarrier({ site: made, connected, clock, events, web, stopping })
    return ready
  }
  const withCarrier = (
    path: string | undefined,
    socket: { destroy(): unknown },
    use: (one: Carrier) => void,
  ) => {
    if (ready !== null) return use(ready)
    loading ??= load()
    loading.then(use, (error: unknown) => {
      loading = null
      events.emit(apiTrouble, { path: path ?? '', error: errorText(error) })
      socket.destroy()
    })
  }
  server.on('request', (incoming, outgoing) =>
    withCarrier(incoming.url, incoming.socket, (carrier) => carrier.request(incoming, outgoing)),
  )
  server.on('upgrade', (incoming, socket, head) =>
    withCarrier(incoming.url, socket, (carrier) => carrier.upgrade(incoming, socket, head)),
  )
}

function serverSettings(config: HttpConfig): ServerOptions {
  return {
    headersTimeout: config.headerTimeout,
    requestTimeout: config.requestTimeout,
    keepAliveTimeout: config.keepAliveTimeout,
    // Node looks at its time-outs now and then alone.
    connectionsCheckingInterval: Math.min(30_000, Math.ceil(config.headerTimeout / 4)),
    maxHeaderSize: config.maxHeaderSize,
    requireHostHeader: true,
    noDelay: true,
  }
}

/** Puts limits, the PROXY protocol, and TLS where it is wanted, before Node's own handling of a connection. */
function carryConnections(
  server: Server,
  options: HttpListenerOptions & {
    readonly clients: WeakMap<Socket, string>
    readonly sockets: Set<Socket>
  },
): void {
  const { identity, clock, config, proxies = null, clients, sockets } = options
  // Node's types do not say what they are called with.
  const handlers = server.listeners('connection') as ((this: Server, socket: Socket) => void)[]
  server.removeAllListeners('connection')
  const stalls = new StallWatch(clock, config.stallTimeout)
  const begin = (socket: Socket, address: string | null): void => {
    if (!admit(socket, address, options)) return
    const carry = (carried: Socket): void => {
      if (address !== null) clients.set(carried, address)
      stalls.add(carried)
      for (const handle of handlers) handle.call(server, carried)
      // Paused behind a proxy's header; what came with the header is still to be read.
      carried.resume()
    }
    if (identity === null) carry(socket)
    else secure(socket, { identity, clock, config, done: carry })
  }
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    const remote = remoteOf(socket, options.address)
    if (proxies === null || !inNetworks(proxiesOf(proxies), remote))
      begin(socket, remote === '' ? null : remote)
    else if (proxies.by !== 'protocol') begin(socket, null)
    else {
      void beginProxied(socket, { ...options, trust: proxies.trust, begin })
    }
  })
}

/** '' of a connection that is gone. */
function remoteOf(socket: Socket, listening: string): string {
  return trySocketPath(listening) === undefined
    ? unmapIp(socket.remoteAddress ?? '')
    : localPeer.remoteAddress
}

function proxiesOf(proxies: HttpProxies): readonly IpNetwork[] {
  return proxies.by === 'protocol' ? proxies.trust.from : proxies.from
}

/** Counts it under the address, or in all alone for null; false where it is one too many, and closed. */
function admit(
  socket: Socket,
  address: string | null,
  { connections, address: listening, onRefused }: HttpListenerOptions,
): boolean {
  const refusal = connections.enter(address)
  if (refusal !== null) {
    onRefused?.(address ?? remoteOf(socket, listening), refusal)
    socket.destroy()
    return false
  }
  socket.once('close', () => connections.leave(address))
  return true
}

/** Waits for the header; while it does, the proxy counts in all alone. */
async function beginProxied(
  socket: Socket,
  options: HttpListenerOptions & {
    readonly trust: ProxyTrust
    readonly begin: (socket: Socket, address: string | null) => void
  },
): Promise<void> {
  const { connections, clock, trust, onRefused, onProxyFailed, begin } = options
  const proxy = remoteOf(socket, options.address)
  const refusal = connections.enter(null)
  if (refusal !== null) {
    onRefused?.(proxy, refusal)
    socket.destroy()
    return
  }
  const header = await readProxyHeader(socket, { trust, clock })
  connections.leave(null)
  if (typeof header === 'string') onProxyFailed?.(proxy, header)
  else begin(socket, header.type === 'forwarded' ? header.peer.remoteAddress : null)
}

/** A handshake that fails, or takes longer than a header may, closes the connection. */
function secure(
  socket: Socket,
  {
    identity,
    clock,
    config,
    done,
  }: { identity: TlsIdentity; clock: Clock; config: HttpConfig; done: (socket: Socket) => void },
): void {
  const timer = clock.after(config.headerTimeout, () => socket.destroy())
  socket.once('close', () => timer.cancel())
  socket.on('error', () => socket.destroy())
  identity.secureContext(null).then(
    (secureContext) => {
      const wrapped = new TLSSocket(socket, {
        isServer: true,
        secureContext,
        SNICallback: (name, answer) => {
          identity.secureContext(name).then(
            (context) => answer(null, context),
            (error: unknown) => answer(error instanceof Error ? error : new Error(String(error))),
          )
        },
      })
      wrapped.on('error', () => socket.destroy())
      // Without a tls.Server around it a socket tells broken records by this event alone, and stays open.
      wrapped.on('_tlsError', () => socket.destroy())
      wrapped.once('secure', () => {
        timer.cancel()
        done(wrapped)
      })
    },
    () => socket.destroy(),
  )
}

const usualMode = 0o660
/** What Node takes unless told. */
const backlog = 511

function opened(
  server: Server,
  { address, port, mode = usualMode }: Pick<HttpListenerOptions, 'address' | 'port' | 'mode'>,
): Promise<void> {
  const path = trySocketPath(address)
  if (path !== undefined) return openSocketFile(server, { path, mode, backlog })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: address, port, backlog }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function closed({ server, sockets, clock }: Running, milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.after(milliseconds, () => {
      for (const socket of sockets) socket.destroy()
    })
    server.close(() => {
      timer.cancel()
      resolve()
    })
    server.closeIdleConnections()
  })
}
