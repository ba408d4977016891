// What a client session can do: the door of this folder for those who relay. Opened by `openSmtpClient` (session.ts).
//
// Everything that a server or a network can do comes back as a value; a rejection is a defect of the caller's or ours (control
// characters in an address). Every operation on a session that has ended answers with its ending. Operations may be
// called without waiting for the last one: they take their turn, and `send` behind `send` shares its round trips.
import type { Clock } from '../../base/clock.ts'
import type { ClientTls, Connection } from '../../base/connection.ts'
import type { TlsState } from '../../base/core.ts'
import type { Random } from '../../base/random.ts'
import type { Secret } from '../../base/secret.ts'
import type { Capabilities } from './capabilities.ts'
import type { OnDialogue } from './dialogue.ts'
import type { ClientLimits, ClientTimeouts } from './limits.ts'
import type {
  ClientStage,
  CommandResult,
  OutgoingMessage,
  SessionEnding,
  TransactionResult,
} from './outgoing.ts'
import type { ServerReply } from './reply.ts'

export interface ClientOptions {
  /** RFC 2033 §4: LMTP greets with LHLO and answers for each recipient. */
  readonly dialect: 'smtp' | 'lmtp'
  /** What to call ourselves: a host name or an address literal. */
  readonly heloName: string
  readonly clock: Clock
  readonly timeouts?: Partial<ClientTimeouts>
  readonly limits?: Partial<ClientLimits>
  /** Extensions (keywords in capitals) to be blind to, for servers that get them wrong: for example `PIPELINING`. */
  readonly except?: readonly string[]
  /**
   * When MAIL, RCPT, BDAT and a small message go in one group: `warm` (default) once this server has taken a message in this
   * session. It saves a round trip, and makes a connection that is lost at MAIL an unknown outcome.
   */
  readonly eagerChunks?: 'always' | 'warm' | 'never'
  readonly onDialogue?: OnDialogue
}

export type OpenResult =
  | { readonly type: 'open'; readonly session: SmtpClient }
  /** The greeting or the reply to EHLO and HELO. The connection is closed. */
  | { readonly type: 'refused'; readonly stage: ClientStage; readonly reply: ServerReply }
  | { readonly type: 'ended'; readonly ending: SessionEnding }

/** Who we are for AUTH. */
export type ClientIdentity =
  | {
      readonly type: 'password'
      readonly username: string
      readonly password: Secret
      /** Whom to act as; absent: the user himself. */
      readonly authorizationId?: string
    }
  /** RFC 7628: an access token (OAUTHBEARER, XOAUTH2). OAUTHBEARER says `host` and `port`, those of the server, and is not used without. */
  | {
      readonly type: 'token'
      readonly username: string
      readonly token: Secret
      readonly host?: string
      readonly port?: number
    }
  /** RFC 4422 appendix A, EXTERNAL: the certificate that was shown in the handshake says it. */
  | { readonly type: 'certificate'; readonly authorizationId?: string }

export interface AuthenticateOptions {
  readonly identity: ClientIdentity
  /** Those that may be used, in capitals; absent: any that fits. Strongest first, whatever the order here. */
  readonly mechanisms?: readonly string[]
  /** Whether PLAIN, LOGIN and tokens may cross a connection without TLS. */
  readonly inTheClear?: 'allowed' | 'refused'
  /** For SCRAM's nonce. */
  readonly random: Random
}

export type AuthenticateResult =
  | { readonly type: 'done'; readonly mechanism: string }
  | {
      readonly type: 'refused'
      readonly stage: 'auth'
      readonly mechanism: string
      readonly reply: ServerReply
    }
  /** Nothing was sent: the server offers none that fits (or only such as would show the password in the clear). */
  | { readonly type: 'no-mechanism'; readonly offered: readonly string[] }
  /** RFC 5802 §9: the server did not prove that it knows us. The session is closed. */
  | { readonly type: 'not-authentic'; readonly mechanism: string; readonly problem: string }
  | { readonly type: 'ended'; readonly ending: SessionEnding }

export type StartTlsResult =
  | { readonly type: 'done'; readonly tls: TlsState }
  /** STARTTLS, or EHLO after it. After the former the session goes on in the clear. */
  | { readonly type: 'refused'; readonly stage: 'tls' | 'hello'; readonly reply: ServerReply }
  | { readonly type: 'ended'; readonly ending: SessionEnding }

/** ATRN and TURN: from now on the other side is the client, and the connection is the caller's. */
export type TurnResult =
  | { readonly type: 'turned'; readonly connection: Connection; readonly reply: ServerReply }
  | { readonly type: 'refused'; readonly stage: ClientStage; readonly reply: ServerReply }
  | { readonly type: 'ended'; readonly ending: SessionEnding }

/** One connection to one server, greeted. */
export interface SmtpClient {
  /** Of the last EHLO. */
  readonly capabilities: Capabilities
  readonly greeting: ServerReply
  readonly tls: TlsState | null
  /** Null while the session lives. */
  readonly ending: SessionEnding | null
  /** Resolves, never rejects, when the session has ended. */
  readonly ended: Promise<SessionEnding>
  /** Messages that this server has accepted in this session. */
  readonly accepted: number
  /** Whether another `send` may be tried: the session lives and RFC 9422's MAILMAX is not used up. */
  readonly reusable: boolean
  /** RFC 3207. Nothing may be under way. What was learned from the server before is forgotten (§4.2). */
  startTls(request: ClientTls): Promise<StartTlsResult>
  authenticate(options: AuthenticateOptions): Promise<AuthenticateResult>
  /**
   * One transaction. May be called again at once: the next message's MAIL and RCPT go out right behind this one's content (RFC 2920
   * §3.1). Parameters go only to servers that offer their extension: what may not go without is for the caller to see first.
   */
  send(message: OutgoingMessage): Promise<TransactionResult>
  /**
   * Resolves when no `send` waits for its turn: the moment to bring the next. Who waits for it before each `send` has at most one
   * message on the wire and one behind it.
   */
  roomForNext(): Promise<void>
  reset(): Promise<CommandResult>
  noop(): Promise<CommandResult>
  /** RFC 1985 §5: asks the server to send what it has for that domain (`@` and `#` prefixes as there). */
  etrn(node: string): Promise<CommandResult>
  /** RFC 2645 §5.2.1, for the customer; no domains: all. */
  atrn(domains: readonly string[]): Promise<TurnResult>
  /** RFC 821 §3.8. */
  turn(): Promise<TurnResult>
  /** Postfix's XFORWARD and XCLIENT: attributes with their values, undecoded. Refused by us where not offered. */
  xforward(attributes: Readonly<Record<string, string>>): Promise<CommandResult>
  xclient(attributes: Readonly<Record<string, string>>): Promise<CommandResult>
  /** RFC 5321 §4.1.1.10: says QUIT behind what is under way, waits a little for the reply, closes. */
  quit(): Promise<void>
  /** Closes at once. */
  close(): void
}
