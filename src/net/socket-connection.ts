// A `Connection` over a socket of Node, plain or TLS.
//
// Sockets are taken paused and half-open: the end of the peer's side is an event like others. The listeners are shared
// functions that find their connection on the socket, so that an idle connection holds no closures for them. A
// socket's `error` is kept until its `close`, and never goes unhandled. During a handshake the plain socket has no
// reader any more: what was sent in the clear reaches the TLS engine, which refuses it, and nobody else.
import { isIP, type Socket } from 'node:net'
import { connect as connectTls, TLSSocket } from 'node:tls'
import type { ClientTls } from '../base/connection.ts'
import type { Peer, TlsState } from '../base/core.ts'
import { unmapIp } from '../base/ip-address.ts'
import type { AcceptedConnection } from './network.ts'
import { localPeer } from './socket-file.ts'
import { minimumTlsVersion, tlsStateOf, type TlsIdentity, type TlsSide } from './tls.ts'

const owner: unique symbol = Symbol('connection')

interface OwnedSocket extends Socket {
  [owner]?: SocketConnection
}

const noOperation = () => undefined

/** The connection of an open socket, or undefined where the peer is gone already. */
export function trySocketConnection(
  socket: Socket,
  identity: TlsIdentity | null,
): SocketConnection | undefined {
  const { remoteAddress, remotePort, localAddress, localPort } = socket
  if (remoteAddress === undefined || remotePort === undefined) return undefined
  if (localAddress === undefined || localPort === undefined) return undefined
  const peer = {
    remoteAddress: unmapIp(remoteAddress),
    remotePort,
    localAddress: unmapIp(localAddress),
    localPort,
  }
  return new SocketConnection(socket, peer, identity)
}

/** The connection of an open UNIX socket, which has no addresses but its path. */
export function localConnection(socket: Socket, address: string): SocketConnection {
  const peer = { remoteAddress: address, remotePort: 0, localAddress: address, localPort: 0 }
  return new SocketConnection(socket, peer, null)
}

/** The same for one that was accepted. */
export function acceptedLocally(socket: Socket, identity: TlsIdentity | null): SocketConnection {
  return new SocketConnection(socket, localPeer, identity)
}

export class SocketConnection implements AcceptedConnection {
  onData: (bytes: Uint8Array) => void = noOperation
  onEnd: () => void = noOperation
  onClose: (error: Error | null) => void = noOperation
  onDrain: () => void = noOperation
  readonly #identity: TlsIdentity | null
  #socket: OwnedSocket
  #tls: TlsState | null = null
  #error: Error | null = null
  /** Nothing is read until the handshake is over, whatever the reader asks for meanwhile. */
  #reading: 'paused' | 'flowing' = 'paused'
  #upgrading = false
  #peer: Peer
  /** Something was said before TLS: what the peer has sent since is part of that dialogue, and none of the handshake. */
  #spoken = false

  constructor(socket: Socket, peer: Peer, identity: TlsIdentity | null) {
    this.#peer = peer
    this.#socket = socket
    this.#identity = identity
    this.#own(socket)
    this.#attach(socket)
    socket.on('error', onSocketError)
    socket.on('close', onSocketClose)
  }

  get peer(): Peer {
    return this.#peer
  }

  get tls(): TlsState | null {
    return this.#tls
  }

  forwarded(peer: Peer, unread: Uint8Array): void {
    this.#peer = peer
    this.pause()
    if (unread.length > 0 && !this.#socket.destroyed) this.#socket.unshift(unread)
  }

  write(bytes: Uint8Array | string): boolean {
    const socket = this.#socket
    this.#spoken = true
    if (socket.destroyed || socket.writableEnded) return true
    return socket.write(bytes)
  }

  cork(): void {
    this.#socket.cork()
  }

  uncork(): void {
    this.#socket.uncork()
  }

  pause(): void {
    this.#reading = 'paused'
    if (!this.#upgrading) this.#socket.pause()
  }

  resume(): void {
    this.#reading = 'flowing'
    if (!this.#upgrading) this.#socket.resume()
  }

  end(): void {
    if (!this.#socket.destroyed && !this.#socket.writableEnded) this.#socket.end()
  }

  destroy(error?: Error): void {
    if (this.#socket.destroyed) return
    this.#error ??= error ?? null
    this.#socket.destroy()
  }

  async startTls(): Promise<TlsState> {
    const identity = this.#identity
    if (identity === null) throw new Error('TLS cannot start here')
    const plain = this.#beginUpgrade()
    const secureContext = await identity.secureContext(null)
    if (plain.destroyed) throw this.#error ?? new Error('the peer left before the TLS handshake')
    const asking = identity.clientCertificates === 'asked'
    const secure = new TLSSocket(plain, {
      isServer: true,
      secureContext,
      // Asked, never required: whoever has none logs in as everybody does.
      ...(asking ? { requestCert: true, rejectUnauthorized: false } : {}),
      SNICallback: (serverName, callback) => {
        identity.secureContext(serverName).then(
          (context) => callback(null, context),
          (error: unknown) => callback(error instanceof Error ? error : new Error(String(error))),
        )
      },
    })
    return this.#upgrade(plain, secure, asking ? 'asking-server' : 'server')
  }

  async startClientTls(request: ClientTls): Promise<TlsState> {
    const { serverName, authorities, identity } = request
    const plain = this.#beginUpgrade()
    if (plain.destroyed) throw this.#error ?? new Error('the peer left before the TLS handshake')
    const secure = connectTls({
      socket: plain,
      minVersion: minimumTlsVersion,
      // What the certificate is worth is told by `peerCertificate`; names are compared by whoever knows which count.
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      // RFC 6066 §3: no addresses.
      ...(serverName === null || isAddress(serverName) ? {} : { servername: serverName }),
      ...(authorities === undefined ? {} : { ca: [...authorities] }),
      ...(identity === undefined ? {} : { cert: identity.certificate, key: identity.key }),
    })
    return this.#upgrade(plain, secure, 'client')
  }

  /** Stops reading in the clear. Throws where that came too late, or where TLS is on already. */
  #beginUpgrade(): OwnedSocket {
    const plain = this.#socket
    if (this.#tls !== null || this.#upgrading) throw new Error('TLS cannot start here')
    this.#upgrading = true
    this.#detach(plain)
    plain.pause()
    // Judged now: what comes later (while a certificate is fetched) may be the handshake itself, and goes to TLS.
    if (this.#spoken && plain.readableLength > 0)
      throw new Error('bytes in the clear before the TLS handshake')
    return plain
  }

  async #upgrade(plain: OwnedSocket, secure: TLSSocket, side: TlsSide): Promise<TlsState> {
    secure.pause()
    this.#socket = secure
    plain.off('close', onSocketClose)
    this.#own(secure)
    secure.on('error', onSocketError)
    secure.on('close', onSocketClose)
    // Without a tls.Server around it a socket tells broken records by this event alone, and stays open.
    secure.on('_tlsError', onTlsError)
    await this.#handshake(secure, side)
    const state = tlsStateOf(secure, side)
    this.#tls = state
    // After the caller has seen the promise resolve: what came with the handshake belongs to the new dialogue.
    setImmediate(() => {
      this.#upgrading = false
      this.#attach(secure)
      if (this.#reading === 'flowing') secure.resume()
    })
    return state
  }

  #handshake(secure: TLSSocket, side: TlsSide): Promise<void> {
    return new Promise((resolve, reject) => {
      const failed = () => reject(this.#error ?? new Error('the connection closed during the TLS handshake'))
      secure.once(side === 'client' ? 'secureConnect' : 'secure', () => {
        secure.off('close', failed)
        resolve()
      })
      secure.once('close', failed)
    })
  }

  #own(socket: OwnedSocket): void {
    socket[owner] = this
  }

  #attach(socket: OwnedSocket): void {
    socket.on('data', onSocketData)
    socket.on('end', onSocketEnd)
    socket.on('drain', onSocketDrain)
  }

  #detach(socket: OwnedSocket): void {
    socket.off('data', onSocketData)
    socket.off('end', onSocketEnd)
    socket.off('drain', onSocketDrain)
  }

  /** For the listeners of this file. */
  failed(error: Error): void {
    this.#error ??= error
  }

  /** For the listeners of this file. */
  closed(): void {
    this.onClose(this.#error)
  }
}

function onSocketData(this: OwnedSocket, bytes: Uint8Array): void {
  this[owner]?.onData(bytes)
}

function onSocketEnd(this: OwnedSocket): void {
  this[owner]?.onEnd()
}

function onSocketDrain(this: OwnedSocket): void {
  this[owner]?.onDrain()
}

function onSocketError(this: OwnedSocket, error: Error): void {
  this[owner]?.failed(error)
}

function onTlsError(this: OwnedSocket, error: Error): void {
  this[owner]?.destroy(error)
}

function onSocketClose(this: OwnedSocket): void {
  this[owner]?.closed()
}

/** Whether a text is an address that a socket can be bound or connected to without a look-up. */
export function isAddress(text: string): boolean {
  return isIP(text) !== 0
}
