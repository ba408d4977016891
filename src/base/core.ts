// What every protocol machine looks like from outside: bytes in, outputs out.
//
// A core holds the framing, the grammar and the state of one session. It has no socket, file, timer, clock or
// random source. `net/pump.ts` carries its outputs to a connection; a test carries them to an array.
//
// Invariants that a core keeps and a pump relies on:
// - `ask` is always the last output of a batch. Until `answer` is called the core emits nothing more; bytes
//   received meanwhile are kept (bounded by the core's own limits) and worked on after the answer.
// - `start-tls`, `compress` and `close` are the last output of their batch too. After `close` nothing is emitted.
// - Bytes that a peer sent after STARTTLS and before the handshake end the session; they are never interpreted.
import type { Connection } from './connection.ts'

/** What a TLS handshake established. */
export interface TlsState {
  /** For example `TLSv1.3`. */
  readonly version: string
  /** For example `TLS_AES_256_GCM_SHA384`. */
  readonly cipher: string
  /** The name the client asked for (SNI), or null. */
  readonly serverName: string | null
  /** RFC 9266 §2: 32 octets of keying material, for SCRAM-…-PLUS with `tls-exporter`; null where unavailable. */
  readonly exporter: Uint8Array | null
  /** RFC 5929 §4: hash of the server's certificate, for `tls-server-end-point`; null where unavailable. */
  readonly serverEndPoint: Uint8Array | null
  /** What the other side showed; null where it showed none. Shown is not believed: see its `problem`. */
  readonly peerCertificate: PeerCertificate | null
}

/** One certificate of a chain, as far as it is compared. */
export interface CertificateFacts {
  /** The whole certificate, DER. */
  readonly raw: Uint8Array
  /** Its SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array
}

/** A certificate chain and what the TLS library found of it. */
export interface PeerCertificate {
  /** The end entity first, each further one the issuer of the one before, signatures checked. */
  readonly chain: readonly CertificateFacts[]
  /** dNSName entries of subjectAltName (RFC 6125 §6.4), lower case, wildcards as they stand. */
  readonly dnsNames: readonly string[]
  /** rfc822Name entries of subjectAltName. */
  readonly emailAddresses: readonly string[]
  /** Null where the chain ends at a trusted authority and is valid today; else the reason, for example `CERT_HAS_EXPIRED`. */
  readonly problem: string | null
}

/** Both ends of a connection, as known when it opened. Addresses are IPv4 or IPv6 in text form, unmapped. */
export interface Peer {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
}

/** One thing that a core wants done. */
export type Output<Question> =
  /** Send these bytes. A string is sent as UTF-8. */
  | { readonly type: 'write'; readonly bytes: Uint8Array | string }
  /** Ask the handler; nothing follows until `answer`. */
  | { readonly type: 'ask'; readonly question: Question }
  /** Flush, hand the connection to TLS as the server side, then call `secured`. */
  | { readonly type: 'start-tls' }
  /** Flush; from here on bytes are compressed both ways (RFC 4978). The last of its batch; the core goes on as before. */
  | { readonly type: 'compress' }
  /** From now on call `expire` when the peer has been silent for this long. */
  | { readonly type: 'time-out'; readonly milliseconds: number }
  /** Call `expire` after this long, whatever the peer sends; null lifts it. Beside `time-out`: ends who only trickles. */
  | { readonly type: 'deadline'; readonly milliseconds: number | null }
  /** Flush, then give the connection to `Handler.takeOver`; the core hears nothing more. The last output of all. */
  | { readonly type: 'hand-over' }
  /** Flush, then end the connection. */
  | { readonly type: 'close' }

/** A protocol machine for one session. See the file header for its invariants. */
export interface Core<Question, Answer> {
  /** The connection is open (and already secured when `tls` is given, as on port 465). */
  open(tls: TlsState | null): Output<Question>[]
  /** The peer sent bytes. The core may keep references to them; the pump does not reuse the buffer. */
  receive(bytes: Uint8Array): Output<Question>[]
  /** The handler's answer to the outstanding question. */
  answer(answer: Answer): Output<Question>[]
  /** The handshake asked for by `start-tls` succeeded. */
  secured(tls: TlsState): Output<Question>[]
  /** The peer was silent for the time-out that the core set. */
  expire(): Output<Question>[]
  /** The peer closed its sending side. */
  ended(): Output<Question>[]
  /** The server is stopping: end at the next moment that cuts no reply. */
  shutdown(): Output<Question>[]
}

/** Where a handler writes what does not fit into one answer (a message body, untagged responses). */
export interface Sink {
  /** Sends bytes; resolves when the peer has room for more. Void where there is room already. */
  write(bytes: Uint8Array | string): void | Promise<void>
  /** Aborted when the connection is gone. */
  readonly gone: AbortSignal
  /** Octets that the peer has sent and nobody has looked at yet. */
  readonly held: number
  /**
   * For what is told unasked: `telling` runs once the core is idle and the peer has read what it was sent, and until it has settled
   * the core hears nothing, so that nothing of the core's comes between its writes. A later one replaces one that has not begun;
   * after the session's end none begins. A rejection breaks the session.
   */
  between(telling: () => Promise<void>): void
  /** Ends the connection at once, whatever is still to be sent. Absent where there is none to end. */
  destroy?(): void
}

/** The side of a session that does I/O: answers what a core asks. Made anew for each connection. */
export interface Handler<Question, Answer> {
  /** An exception is logged once, and the session ends with the core's farewell for internal trouble. */
  answer(question: Question): Answer | Promise<Answer>
  /** What the pump answers with when `answer` threw: a reply that leaves nothing promised. */
  failed(question: Question, error: unknown): Answer
  /**
   * The core handed the connection over (SMTP's TURN and ATRN change who speaks first). The session counts as open until the
   * promise settles; the connection is destroyed then.
   */
  takeOver?(connection: Connection): Promise<void>
  /** The address of the account that is logged in, for operators; null: nobody is. */
  account?(): string | null
  /** The connection is gone, for whatever reason. Called exactly once, last. */
  closed(): void | Promise<void>
}
