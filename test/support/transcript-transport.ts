// The ways in which a transcript reaches a server: a TCP or TLS socket, or a connection of the in-memory network.
//
// Certificates are not verified: the servers under test make their own, and what a transcript judges is the
// dialogue. A reset counts as closed, since either may follow a server's last words.
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { Connection } from '../../src/base/connection.ts'
import type { TranscriptConnection } from './transcript.ts'

/** Where a server listens. */
export interface Endpoint {
  readonly host: string
  readonly port: number
  /** TLS from the first byte, as on port 465. */
  readonly tls?: boolean
  /** The name to ask for in the handshake; default `localhost`. */
  readonly serverName?: string
}

/** Chunks that have come, and readers who wait for one. */
class Inbox {
  readonly #chunks: (Uint8Array | null)[] = []
  readonly #readers: ((chunk: Uint8Array | null) => void)[] = []
  #ended = false

  push(chunk: Uint8Array | null): void {
    if (this.#ended) return
    if (chunk === null) this.#ended = true
    const reader = this.#readers.shift()
    if (reader === undefined) this.#chunks.push(chunk)
    else reader(chunk)
  }

  read(): Promise<Uint8Array | null> {
    const chunk = this.#chunks.shift()
    if (chunk !== undefined) return Promise.resolve(chunk)
    if (this.#ended) return Promise.resolve(null)
    return new Promise((resolve) => this.#readers.push(resolve))
  }
}

class SocketConnection implements TranscriptConnection {
  #socket: Socket
  readonly #serverName: string
  #inbox = new Inbox()
  #release: () => void = () => {}

  constructor(socket: Socket, serverName: string) {
    this.#socket = socket
    this.#serverName = serverName
    this.#listen(socket)
  }

  #listen(socket: Socket): void {
    const inbox = new Inbox()
    const onData = (chunk: Uint8Array): void => inbox.push(chunk)
    const onEnd = (): void => inbox.push(null)
    this.#inbox = inbox
    socket.on('data', onData).on('end', onEnd).on('close', onEnd).on('error', onEnd)
    this.#release = () => socket.off('data', onData).off('end', onEnd).off('close', onEnd).off('error', onEnd)
  }

  write(bytes: Uint8Array): Promise<void> {
    // A write that fails shows in what the server answers, or does not.
    return new Promise((resolve) => this.#socket.write(bytes, () => resolve()))
  }

  read(): Promise<Uint8Array | null> {
    return this.#inbox.read()
  }

  async startTls(): Promise<void> {
    const plain = this.#socket
    this.#release()
    const secure = connectTls({ socket: plain, servername: this.#serverName, rejectUnauthorized: false })
    await secured(secure)
    this.#socket = secure
    this.#listen(secure)
  }

  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }
}

function secured(socket: TLSSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('secureConnect', () => resolve())
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('the server closed during the handshake')))
  })
}

/** Connects over TCP, or TLS; rejects as the system does. */
export async function connectEndpoint(endpoint: Endpoint): Promise<TranscriptConnection> {
  const { host, port, serverName = 'localhost' } = endpoint
  if (endpoint.tls === true) {
    const socket = connectTls({ host, port, servername: serverName, rejectUnauthorized: false })
    await secured(socket)
    return new SocketConnection(socket, serverName)
  }
  const socket = connectTcp({ host, port, noDelay: true })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', () => resolve())
    socket.once('error', reject)
  })
  return new SocketConnection(socket, serverName)
}

/** A connection of the in-memory network, seen from the client's end; it starts TLS as either end does there. */
export function wrapConnection(connection: Connection): TranscriptConnection {
  const inbox = new Inbox()
  connection.onData = (bytes) => inbox.push(bytes)
  connection.onEnd = () => inbox.push(null)
  connection.onClose = () => inbox.push(null)
  connection.resume()
  return {
    write: (bytes) => void connection.write(bytes),
    read: () => inbox.read(),
    startTls: async () => void (await connection.startTls()),
    end: () => connection.end(),
    destroy: () => connection.destroy(),
  }
}
