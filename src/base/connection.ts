// A byte stream between two ends, and the one who opens it. Real ones are sockets (`net/`), simulated ones live in
// memory; both obey this interface, so that whole sessions run without a socket.
import type { Peer, TlsState } from './core.ts'

/** What opened, and how it may be upgraded. All methods after `destroy` are harmless. */
export interface Connection {
  readonly peer: Peer
  /** Null until a handshake has succeeded. */
  readonly tls: TlsState | null
  /** Bytes and the end of the stream. Exactly one reader; set before the first `resume`. */
  onData: (bytes: Uint8Array) => void
  /** The peer closed its sending side in order. */
  onEnd: () => void
  /** The connection is gone; `error` says why where it was not in order. Called exactly once. */
  onClose: (error: Error | null) => void
  /** Room again after `write` returned false. */
  onDrain: () => void
  /** Queues bytes (a string as UTF-8); false when the peer should be given time until `onDrain`. */
  write(bytes: Uint8Array | string): boolean
  /** Groups the writes until `uncork` into as few segments as possible. */
  cork(): void
  uncork(): void
  pause(): void
  resume(): void
  /** Sends what is queued, then closes the sending side. */
  end(): void
  /** Closes at once; queued bytes may be lost. */
  destroy(error?: Error): void
  /** Handshake as the server. Bytes that came before it are an attack and make it fail. */
  startTls(): Promise<TlsState>
  /** Handshake as the client. Succeeds with any certificate: what it is worth is for the caller to judge (`TlsState.peerCertificate`). */
  startClientTls(request: ClientTls): Promise<TlsState>
}

/** How to shake hands as a client. */
export interface ClientTls {
  /** The name to ask for (SNI); null for none. */
  readonly serverName: string | null
  /** PEM of authorities to trust instead of the system's. */
  readonly authorities?: readonly string[]
  /** PEM of our own certificate chain and key, shown when asked for. */
  readonly identity?: { readonly certificate: string; readonly key: string }
}

/** Where to connect to. */
export interface DialTarget {
  /** An IPv4 or IPv6 address; or `unix:` and the path of a socket on this machine, where the port means nothing. */
  readonly address: string
  readonly port: number
  /** The local address to use, or undefined for the system's choice. */
  readonly localAddress?: string
  readonly timeoutMilliseconds: number
  readonly signal?: AbortSignal
}

/** Opens connections. Rejects with an Error whose `code` is the system's (`ECONNREFUSED`, `ETIMEDOUT`, …). */
export interface Dialer {
  dial(target: DialTarget): Promise<Connection>
}
