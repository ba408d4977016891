// Where connections come from and go to: real sockets (`socket-network.ts`) or memory (`memory-network.ts`).
import type { Connection, Dialer } from '../base/connection.ts'
import type { Peer } from '../base/core.ts'
import type { TlsIdentity } from './tls.ts'

/** Where to listen. */
export interface ListenPoint {
  /** An IPv4 or IPv6 address; `::` and `0.0.0.0` for all; or `unix:` and the path of a socket to make. */
  readonly address: string
  /** 0 for one of the system's choice. */
  readonly port: number
  /** Permissions of a socket's file; 0o660 unless given. */
  readonly mode?: number
  /** For TLS on accepted connections, at once or by STARTTLS; null where there is none. */
  readonly identity: TlsIdentity | null
}

/** An open listening socket. */
export interface Listening {
  readonly address: string
  /** The real one where 0 was asked for. */
  readonly port: number
  /** Stops accepting; connections that are open stay open. */
  close(): Promise<void>
}

/** A connection that was accepted, perhaps from a proxy that speaks for somebody. */
export interface AcceptedConnection extends Connection {
  /**
   * A proxy has told whom it speaks for: that is the peer from now on. `unread` is what it sent behind that, and comes (again)
   * with the next `resume`, or as the begin of a TLS handshake. The connection is paused. Not after `write` or `startTls`.
   */
  forwarded(peer: Peer, unread: Uint8Array): void
}

/** Opens connections and accepts them. */
export interface Network extends Dialer {
  /**
   * Accepts connections, paused, with their peer known. Rejects with an Error whose `code` is the system's
   * (`EADDRINUSE`, `EACCES`, …). `onError` hears of connections that could not be accepted (`EMFILE`).
   */
  listen(
    point: ListenPoint,
    onConnection: (connection: AcceptedConnection) => void,
    onError?: (error: Error) => void,
  ): Promise<Listening>
}
