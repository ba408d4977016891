// A listener of the service `http`: carries requests between sockets and the app. Node's own server does HTTP; limits of connections
// are those of every other listener; behind a listed proxy they count for the client where the PROXY protocol names it, and
// otherwise the proxy counts in all alone.
//
// Stopping: no new connections, terminals end, idle connections are closed, requests under way may finish within the time given.
import { createServer, type Server, type ServerOptions } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { getRequestListener } from '@hono/node-server'
import { unmapIp } from '../base/ip-address.ts'
import { inNetworks, type IpNetwork } from '../base/ip-network.ts'
import type { HttpConfig } from '../config/sections/http.ts'
import type { ConnectionCount } from '../net/connection-limits.ts'
import type { ProxyFailure, ProxyTrust } from '../net/proxied.ts'
import type { TlsIdentity } from '../net/tls.ts'
import { createApp } from './app.ts'
import { clientOf, type TrustedProxies } from './forwarded.ts'
import type { HttpParts } from './parts.ts'
import { readProxyHeader } from './proxied-socket.ts'

export interface HttpListenerOptions {
  readonly parts: HttpParts
  readonly address: string
  /** 0 for one of the system's choice. */
  readonly port: number
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

/** Rejects with an Error whose `code` is the system's (`EADDRINUSE`, `EACCES`, …). */
export async function startHttp(options: HttpListenerOptions): Promise<HttpListener> {
  const { parts, identity, address, port, proxies = null } = options
  /** Whom the PROXY protocol named. */
  const clients = new WeakMap<Socket, string>()
  const stopping = new AbortController()
  const app = createApp(parts)
  const listener = getRequestListener(
    (request, { incoming }) => {
      const { socket } = incoming
      const remoteAddress = clients.get(socket) ?? unmapIp(socket.remoteAddress ?? '')
      const connected = { remoteAddress, secure: identity !== null }
      const told = proxies === null || proxies.by === 'protocol' ? null : proxies
      const origin =
        told === null ? connected : clientOf(connected, told, (name) => request.headers.get(name))
      return app.fetch(request, { ...origin, stopping: stopping.signal })
    },
    // The global Request and Response are not ours to replace.
    { overrideGlobalObjects: false },
  )
  const server = createServer(serverSettings(parts.config), (request, response) => {
    void listener(request, response)
  })
  carryConnections(server, { ...options, clients })
  await opened(server, { host: address, port })
  // A connection that could not be accepted concerns nobody else.
  server.on('error', () => {})
  const bound = server.address() as AddressInfo
  const stop = (milliseconds: number): Promise<void> => {
    stopping.abort()
    return closed(server, { milliseconds, parts })
  }
  return {
    points: [{ address, port: bound.port }],
    get sessions() {
      return options.connections.total
    },
    stop,
    [Symbol.asyncDispose]: () => stop(0),
  }
}

function serverSettings(config: HttpConfig): ServerOptions {
  return {
    headersTimeout: config.headerTimeout,
    requestTimeout: config.requestTimeout,
    keepAliveTimeout: config.keepAliveTimeout,
    maxHeaderSize: config.maxHeaderSize,
    requireHostHeader: true,
    noDelay: true,
  }
}

/** Puts limits, the PROXY protocol, and TLS where it is wanted, before Node's own handling of a connection. */
function carryConnections(
  server: Server,
  options: HttpListenerOptions & { readonly clients: WeakMap<Socket, string> },
): void {
  const { identity, parts, proxies = null, clients } = options
  // Node's types do not say what they are called with.
  const handlers = server.listeners('connection') as ((this: Server, socket: Socket) => void)[]
  server.removeAllListeners('connection')
  const begin = (socket: Socket, address: string | null): void => {
    if (!admit(socket, address, options)) return
    const carry = (carried: Socket): void => {
      if (address !== null) clients.set(carried, address)
      for (const handle of handlers) handle.call(server, carried)
      // Paused behind a proxy's header; what came with the header is still to be read.
      carried.resume()
    }
    if (identity === null) carry(socket)
    else secure(socket, { identity, parts, done: carry })
  }
  server.on('connection', (socket: Socket) => {
    const remote = unmapIp(socket.remoteAddress ?? '')
    if (proxies === null || !inNetworks(proxiesOf(proxies), remote))
      begin(socket, remote === '' ? null : remote)
    else if (proxies.by !== 'protocol') begin(socket, null)
    else {
      void beginProxied(socket, { ...options, trust: proxies.trust, begin })
    }
  })
}

function proxiesOf(proxies: HttpProxies): readonly IpNetwork[] {
  return proxies.by === 'protocol' ? proxies.trust.from : proxies.from
}

/** Counts it under the address, or in all alone for null; false where it is one too many, and closed. */
function admit(
  socket: Socket,
  address: string | null,
  { connections, onRefused }: HttpListenerOptions,
): boolean {
  const refusal = connections.enter(address)
  if (refusal !== null) {
    onRefused?.(address ?? unmapIp(socket.remoteAddress ?? ''), refusal)
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
  const { connections, parts, trust, onRefused, onProxyFailed, begin } = options
  const proxy = unmapIp(socket.remoteAddress ?? '')
  const refusal = connections.enter(null)
  if (refusal !== null) {
    onRefused?.(proxy, refusal)
    socket.destroy()
    return
  }
  const header = await readProxyHeader(socket, { trust, clock: parts.clock })
  connections.leave(null)
  if (typeof header === 'string') onProxyFailed?.(proxy, header)
  else begin(socket, header.type === 'forwarded' ? header.peer.remoteAddress : null)
}

/** A handshake that fails, or takes longer than a header may, closes the connection. */
function secure(
  socket: Socket,
  { identity, parts, done }: { identity: TlsIdentity; parts: HttpParts; done: (socket: Socket) => void },
): void {
  const timer = parts.clock.after(parts.config.headerTimeout, () => socket.destroy())
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

function opened(server: Server, point: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(point, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function closed(
  server: Server,
  { milliseconds, parts }: { milliseconds: number; parts: Pick<HttpParts, 'clock'> },
): Promise<void> {
  return new Promise((resolve) => {
    const timer = parts.clock.after(milliseconds, () => server.closeAllConnections())
    server.close(() => {
      timer.cancel()
      resolve()
    })
    server.closeIdleConnections()
  })
}
