// The state of one SMTP session: what is known of the client, at most one mail transaction, and how the next octets are to be
// understood. A transaction is one object and dies whole; nothing of it lives beside it.
import type { TlsState } from '../../base/core.ts'
import type { Random } from '../../base/random.ts'
import type { SaslDialogue } from '../../sasl/dialogue.ts'
import type { SaslMechanismName } from '../../sasl/mechanism.ts'
import type { OfferRequest } from '../../sasl/mechanisms.ts'
import type { ChunkScanner, DataReader } from './content.ts'
import type { SmtpLimits } from './limits.ts'
import type { SmtpOffers } from './offers.ts'
import type { Envelope, Recipient, Sender, SmtpAnswer, SmtpClient, SmtpQuestion } from './questions.ts'
import { isRefusal, type Reply } from './reply.ts'

/** What a listener's sessions have in common. */
export interface SmtpSettings {
  /** The name in the greeting and the EHLO response. */
  readonly hostName: string
  readonly limits: SmtpLimits
  /** True where STARTTLS is offered (before TLS is active). */
  readonly startTls: boolean
  /** What must have happened before mail is taken: RFC 6409 §4.3, RFC 3207 §4. */
  readonly admission: { readonly tls: boolean; readonly authentication: boolean }
  /** Null where AUTH is not offered. */
  readonly sasl: SaslSettings | null
  /** `lmtp`: LHLO in place of EHLO, and a reply for each recipient at the end of a message (RFC 2033 §4). */
  readonly dialect: 'smtp' | 'lmtp'
  readonly offers: SmtpOffers
  /** Keywords that the EHLO response leaves out, for programs that try how clients do without. Absent: none. */
  readonly hidden?: ReadonlySet<string>
  /** Null: refusals are never delayed. */
  readonly tarpit: Tarpit | null
  /** The same for another client, whom a listed peer speaks for (XCLIENT); absent: as for the peer. */
  readonly tarpitFor?: (address: string) => Tarpit | null
  /** Commands without a question of their own about which the handler is asked all the same. Absent: none. */
  readonly consults?: ReadonlySet<'starttls' | 'quit'>
}

/** How a peer that is refused again and again is slowed down. Durations in milliseconds. */
export interface Tarpit {
  /** Refusals of class 5 in a session, those to RCPT and AUTH among them, that cost nothing. */
  readonly afterErrors: number
  /** Before the first reply that is delayed; each further one takes twice as long, up to `maxPause`. */
  readonly firstPause: number
  readonly maxPause: number
}

/** Which mechanisms are offered, and what their exchanges need. */
export interface SaslSettings extends Omit<OfferRequest, 'tls'> {
  readonly random: Random
  readonly serverSecret: Uint8Array
  readonly scramIterations: number
}

/** `SmtpClient` as the core writes it. */
export interface Client extends SmtpClient {
  name: string
  extended: boolean
  tls: TlsState | null
  username: string | null
}

export interface Transaction extends Envelope {
  readonly sender: Sender
  readonly recipients: Recipient[]
  /** Octets of content so far, unstuffed. */
  octets: number
  /** Why the message will be refused at its end; what still comes is read and dropped. */
  failed: Reply | null
  /** Set by the first BDAT (RFC 3030 §2: DATA may not follow it). */
  chunks: ChunkScanner | null
}

/** How the next octets are understood. */
export type Mode =
  | { readonly type: 'command' }
  /** Inside AUTH. */
  | { readonly type: 'auth'; readonly dialogue: SaslDialogue; readonly mechanism: SaslMechanismName }
  | { readonly type: 'data'; readonly reader: DataReader; readonly transaction: Transaction }
  /** Inside a chunk. `refusal` is the answer to a chunk that nobody wanted, which is read all the same. */
  | {
      readonly type: 'chunk'
      remaining: number
      readonly size: number
      readonly last: boolean
      readonly refusal: Reply | null
    }
  /** A URL's octets come from the handler; the peer waits. */
  | { readonly type: 'url'; readonly last: boolean; readonly transaction: Transaction }
  /** STARTTLS was answered; no octet may come before the handshake. */
  | { readonly type: 'handshake' }
  /** RFC 5321 §3.1: the connection was refused by 554 and waits for QUIT. */
  | { readonly type: 'refused' }
  /** The connection goes to the handler (TURN, ATRN); nothing is read here any more. */
  | { readonly type: 'handed-over' }
  | { readonly type: 'closed' }

export const commandMode: Mode = { type: 'command' }
export const handshakeMode: Mode = { type: 'handshake' }
export const refusedMode: Mode = { type: 'refused' }
export const handedOverMode: Mode = { type: 'handed-over' }
export const closedMode: Mode = { type: 'closed' }

export interface Session {
  readonly settings: SmtpSettings
  readonly client: Client
  mode: Mode
  transaction: Transaction | null
  /** MAIL commands so far, whatever became of them (RFC 9422 MAILMAX). */
  messages: number
  /** Domains of accepted recipients, counted where there is a limit (RFC 9422 RCPTDOMAINMAX). */
  readonly domains: Set<string>
  /** True where the peer has sent more than has been looked at. */
  inputWaiting(): boolean
  /** Forgets what the client did wrong, since another one speaks from now on; null: its address is not known. */
  forgive(address: string | null): void
}

/**
 * What comes of a command: a reply, in LMTP one for each recipient, or a question and what its answer leads to; null where
 * more input is needed.
 */
export type Step = Reply | Replies | Ask | null

/** RFC 2033 §4.2: to the end of a message, in the order of the recipients. */
export interface Replies {
  readonly type: 'replies'
  readonly replies: readonly Reply[]
}

export interface Ask {
  readonly type: 'ask'
  readonly question: SmtpQuestion
  readonly then: (answer: SmtpAnswer) => Step
}

/** Asks a question whose answer is `go-on` or a reply. The continuation gets that reply, or null. */
export function ask(question: SmtpQuestion, then: (reply: Reply | null) => Step): Ask {
  return { type: 'ask', question, then: (answer) => then(replyOf(answer)) }
}

/** The reply in an answer, or null where it consents with the usual one. */
export function replyOf(answer: SmtpAnswer): Reply | null {
  switch (answer.type) {
    case 'go-on':
      return null
    case 'reply':
      return answer.reply
    default:
      throw new Error(`an answer (${answer.type}) that does not fit the question`)
  }
}

/** The refusal in an answer's reply, or null where it consents. */
export function refusalIn(reply: Reply | null): Reply | null {
  return reply !== null && isRefusal(reply) ? reply : null
}

/** Drops the transaction, where there is one, and goes on. RFC 5321 §4.1.1.5, §4.1.4. */
export function dropTransaction(session: Session, then: () => Step): Step {
  if (session.transaction === null) return then()
  session.transaction = null
  return ask({ type: 'reset' }, then)
}

/** Where a session stands, as the rows of the command table name it. */
export type SessionState = 'new' | 'ready' | 'mail' | 'chunks'

export function stateOf(session: Session): SessionState {
  if (session.client.name === '') return 'new'
  if (session.transaction === null) return 'ready'
  return session.transaction.chunks === null ? 'mail' : 'chunks'
}
