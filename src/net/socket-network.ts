// The real network: TCP and UNIX sockets by Node. It connects to addresses, never to names: look-ups belong to the injected
// `Resolver`. Time-outs are the injected clock's.
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Clock } from '../base/clock.ts'
import type { Connection, DialTarget } from '../base/connection.ts'
import type { AcceptedConnection, Listening, ListenPoint, Network } from './network.ts'
import {
  acceptedLocally,
  isAddress,
  localConnection,
  type SocketConnection,
  trySocketConnection,
} from './socket-connection.ts'
import { openSocketFile, trySocketPath } from './socket-file.ts'

/** Pending connections the kernel keeps for us; it may cap this (net.core.somaxconn). */
const backlog = 1_024
/** Finds peers that vanished without a word behind a session that may be silent for long. */
const keepAliveMilliseconds = 120_000

export class SocketNetwork implements Network {
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async listen(
    point: ListenPoint,
    onConnection: (connection: AcceptedConnection) => void,
    onError: (error: Error) => void = ignore,
  ): Promise<Listening> {
    const server = createServer({
      allowHalfOpen: true,
      pauseOnConnect: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveMilliseconds,
    })
    server.on('connection', (socket) => {
      const connection = accepted(socket, point)
      if (connection === undefined) socket.on('error', ignore).destroy()
      else onConnection(connection)
    })
    const address = await openedSomehow(server, point)
    // Later errors concern one connection that was never accepted.
    server.on('error', onError)
    const bound = server.address()
    const port = typeof bound === 'object' && bound !== null ? bound.port : point.port
    return { address, port, close: () => closed(server) }
  }

  async dial(target: DialTarget): Promise<Connection> {
    target.signal?.throwIfAborted()
    const path = trySocketPath(target.address)
    if (path === undefined && !isAddress(target.address))
      throw new TypeError(`not an address: ${target.address}`)
    const socket = connect({
      ...(path === undefined ? { host: target.address, port: target.port, noDelay: true } : { path }),
      allowHalfOpen: true,
      ...(target.localAddress === undefined ? {} : { localAddress: target.localAddress }),
    })
    await this.#connected(socket, target)
    socket.pause()
    const connection =
      path === undefined ? trySocketConnection(socket, null) : localConnection(socket, target.address)
    if (connection !== undefined) return connection
    socket.on('error', ignore).destroy()
    throw Object.assign(new Error('the peer closed at once'), { code: 'ECONNRESET' })
  }

  #connected(socket: Socket, target: DialTarget): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = () => {
        timer.cancel()
        target.signal?.removeEventListener('abort', aborted)
        socket.off('error', failed)
      }
      const failed = (error: unknown) => {
        finish()
        socket.on('error', ignore).destroy()
        reject(error)
      }
      const aborted = () => failed(target.signal?.reason)
      const timedOut = () => {
        const { address, port } = target
        const where = trySocketPath(address) === undefined ? `${address} port ${port}` : address
        failed(Object.assign(new Error(`connect to ${where} timed out`), { code: 'ETIMEDOUT' }))
      }
      const timer = this.#clock.after(target.timeoutMilliseconds, timedOut)
      target.signal?.addEventListener('abort', aborted, { once: true })
      socket.once('error', failed)
      socket.once('connect', () => {
        finish()
        resolve()
      })
    })
  }
}

function accepted(socket: Socket, { address, identity }: ListenPoint): SocketConnection | undefined {
  return trySocketPath(address) === undefined
    ? trySocketConnection(socket, identity)
    : acceptedLocally(socket, identity)
}

/** What a socket's file allows unless said: its owner and his group connect. */
const usualMode = 0o660

function ignore(): void {
  // The `close` that follows says what there is to say.
}

/** `::` means every address; on a system without IPv6 those are the IPv4 ones. Gives the address that was opened. */
async function openedSomehow(server: Server, point: ListenPoint): Promise<string> {
  const path = trySocketPath(point.address)
  if (path !== undefined) {
    await openSocketFile(server, { path, mode: point.mode ?? usualMode, backlog })
    return point.address
  }
  try {
    await opened(server, point)
    return point.address
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (point.address !== '::' || (code !== 'EAFNOSUPPORT' && code !== 'EADDRNOTAVAIL')) throw error
    await opened(server, { ...point, address: '0.0.0.0' })
    return '0.0.0.0'
  }
}

function opened(server: Server, point: ListenPoint): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: point.address, port: point.port, backlog }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/** Resolves when no more is accepted; `Server.close` itself would wait for open connections too. */
function closed(server: Server): Promise<void> {
  server.close()
  return Promise.resolve()
}
