// A listener of the service `http`: carries requests between sockets and the app. Node's own server does HTTP; limits of connections
// are those of every other listener.
//
// Stopping: no new connections, terminals end, idle connections are closed, requests under way may finish within the time given.
import { createServer, type Server, type ServerOptions } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { getRequestListener } from '@hono/node-server'
import type { HttpConfig } from '../config/sections/http.ts'
import type { ConnectionCount } from '../net/connection-limits.ts'
import type { TlsIdentity } from '../net/tls.ts'
import { createApp } from './app.ts'
import type { HttpParts } from './parts.ts'

export interface HttpListenerOptions {
  readonly parts: HttpParts
  readonly address: string
  /** 0 for one of the system's choice. */
  readonly port: number
  /** TLS from the first octet; null: in the clear. */
  readonly identity: TlsIdentity | null
  readonly connections: ConnectionCount
  /** A connection was over a limit, and closed. */
  readonly onRefused?: (remoteAddress: string, limit: string) => void
}

export interface HttpListener extends AsyncDisposable {
  readonly points: readonly { readonly address: string; readonly port: number }[]
  /** Open connections. */
  readonly sessions: number
  /** Resolves when all connections are closed, at the latest after that time. */
  stop(milliseconds: number): Promise<void>
}

/** Rejects with an Error whose `code` is the system's (`EADDRINUSE`, `EACCES`, …). */
export async function startHttp(options: HttpListenerOptions): Promise<HttpListener> {
  const { parts, identity, address, port } = options
  const stopping = new AbortController()
  const app = createApp(parts)
  const listener = getRequestListener(
    (request, { incoming }) =>
      app.fetch(request, {
        remoteAddress: unmapped(incoming.socket.remoteAddress ?? ''),
        secure: identity !== null,
        stopping: stopping.signal,
      }),
    // The global Request and Response are not ours to replace.
    { overrideGlobalObjects: false },
  )
  const server = createServer(serverSettings(parts.config), (request, response) => {
    void listener(request, response)
  })
  carryConnections(server, options)
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

/** Puts limits, and TLS where it is wanted, before Node's own handling of a connection. */
function carryConnections(
  server: Server,
  { connections, onRefused, identity, parts }: HttpListenerOptions,
): void {
  const carry = (socket: Socket): void => {
    for (const handle of handlers) handle.call(server, socket)
  }
  // Node's types do not say what they are called with.
  const handlers = server.listeners('connection') as ((this: Server, socket: Socket) => void)[]
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    const remote = unmapped(socket.remoteAddress ?? '')
    const address = remote === '' ? null : remote
    const refusal = connections.enter(address)
    if (refusal !== null) {
      onRefused?.(remote, refusal)
      socket.destroy()
      return
    }
    socket.once('close', () => connections.leave(address))
    if (identity === null) carry(socket)
    else secure(socket, { identity, parts, done: carry })
  })
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

/** An IPv4 address on an IPv6 socket, as IPv4. */
function unmapped(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address
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
