// What the SMTP core asks its handler, and what the handler may answer.
//
// - Everything that needs the outside (who has mail here, a password, a place for the bytes) is a question; everything
//   that the bytes alone decide is not asked.
// - `content` and `end` are the hot path: both may be answered at once, without a promise. A promise for `content` is
//   back-pressure: the peer is not read from until it resolves.
// - A handler refuses with a `Reply` of class 4 or 5. It learns of every transaction that ended without `end`: `reset`.
// - Only an `end` that was answered with class 2 promises anything to the peer.
import type { TlsState } from '../../base/core.ts'
import type { Address } from '../../mail/address.ts'
import type { BodyType, DeliverBy, MessageOptions, RecipientOptions } from '../../mail/delivery-options.ts'
import type { SaslAnswer, SaslFailure, SaslMechanismName, SaslQuestion } from '../../sasl/mechanism.ts'
import type { Reply } from './reply.ts'

/** Who is at the other end, as known at this moment; one live object per session. */
export interface SmtpClient {
  /** The argument of HELO or EHLO as sent; '' before it. Checked for syntax, not for truth. */
  readonly name: string
  /** True after EHLO. */
  readonly extended: boolean
  readonly tls: TlsState | null
  /** The name that logged in, or null. */
  readonly username: string | null
}

export type { BodyType }

/** RFC 821 §3.4: to a mailbox, to the open terminals, to either, to both. */
export type MailCommand = 'MAIL' | 'SEND' | 'SOML' | 'SAML'

/** What MAIL (or SEND, SOML, SAML) said. Times that are relative in the protocol stay so: the core has no clock. */
export interface Sender extends Omit<MessageOptions, 'holdUntil' | 'deliverBy' | 'tlsOptional'> {
  readonly command: MailCommand
  /** Null for the null reverse-path `<>` (RFC 5321 §4.5.5). */
  readonly reversePath: Address | null
  /** RFC 1870 §6.1: the declared size in octets, or null. */
  readonly size: number | null
  /** RFC 4865 §4.1 and §4.2: HOLDFOR in seconds, HOLDUNTIL in milliseconds since the epoch. */
  readonly hold: { readonly seconds: number } | { readonly until: number } | null
  /** RFC 2852 §4: seconds, which may be negative with `notify`. */
  readonly by: {
    readonly seconds: number
    readonly mode: DeliverBy['mode']
    readonly trace: DeliverBy['trace']
  } | null
}

/** What RCPT said. */
export interface Recipient extends RecipientOptions {
  /** Null for `<postmaster>` without a domain (RFC 5321 §4.1.1.3). */
  readonly address: Address | null
  /** The domains of a source route, which is otherwise ignored (RFC 5321 appendix C); '' where there is none. */
  readonly sourceRoute: string
}

/** A mail transaction as far as it has come. */
export interface Envelope {
  readonly sender: Sender
  /** Those that were accepted, in order. */
  readonly recipients: readonly Recipient[]
}

/** Something for the log that the core alone can see. */
export type SmtpNote =
  /** RFC 5321 §2.3.8: a bare CR or LF; the session ends. */
  | 'bare-newline'
  /** RFC 3207 §4.2: octets in the clear behind STARTTLS; the session ends. */
  | 'injected-plaintext'
  | 'http-request'
  | 'overlong-line'
  | 'too-many-errors'
  | 'timed-out'

/** What a SASL mechanism wants to know, and which one it is. */
export type SmtpSaslQuestion = WithMechanism<SaslQuestion>
type WithMechanism<Step> = Step extends unknown ? Step & { readonly mechanism: SaslMechanismName } : never

export type SmtpQuestion =
  /** The connection is open. `reply` refuses it. */
  | { readonly type: 'connect'; readonly client: SmtpClient }
  /** MAIL with good syntax and a size within the limit. */
  | { readonly type: 'mail'; readonly client: SmtpClient; readonly sender: Sender }
  | {
      readonly type: 'rcpt'
      readonly client: SmtpClient
      readonly envelope: Envelope
      readonly recipient: Recipient
    }
  /** DATA or the first BDAT: `content` follows. */
  | { readonly type: 'data'; readonly client: SmtpClient; readonly envelope: Envelope }
  /** A piece of the message, dots already unstuffed. Not touched again by the core. */
  | { readonly type: 'content'; readonly bytes: Uint8Array }
  /** BURL (RFC 4468): open what the URL names, or refuse with a reply. `url-octets` follows. */
  | { readonly type: 'url'; readonly url: string }
  /** The next piece of it: `octets`, empty at its end. */
  | { readonly type: 'url-octets' }
  /** The message is whole. `go-on` or a reply of class 2 means that it is safe (docs/architecture.md). */
  | { readonly type: 'end'; readonly client: SmtpClient; readonly envelope: Envelope }
  /** The transaction is over without `end`; whatever came of it is to be dropped. */
  | { readonly type: 'reset' }
  /** VRFY and EXPN. `text` is the argument, unparsed; `utf8`: the client can read UTF-8 replies. */
  | {
      readonly type: 'verify'
      readonly client: SmtpClient
      readonly text: string
      readonly utf8: boolean
    }
  | {
      readonly type: 'expand'
      readonly client: SmtpClient
      readonly text: string
      readonly utf8: boolean
    }
  /** Answered by a `SaslAnswer`. */
  | SmtpSaslQuestion
  /** The exchange succeeded; `reply` refuses the log-in all the same. */
  | {
      readonly type: 'authenticated'
      readonly mechanism: SaslMechanismName
      readonly username: string
      readonly authorizationId: string | null
    }
  /** The exchange failed; for the log and the brute-force count. */
  | {
      readonly type: 'auth-failed'
      readonly mechanism: SaslMechanismName
      readonly reason: SaslFailure
      readonly username: string | null
    }
  | { readonly type: 'note'; readonly note: SmtpNote; readonly client: SmtpClient }
  /** HELO, EHLO or LHLO with good syntax; `client` has its name already. `reply` refuses it, and the name is as before. */
  | { readonly type: 'hello'; readonly client: SmtpClient }
  /** STARTTLS or QUIT, where `SmtpSettings.consults` has it. `reply` refuses STARTTLS, and is the reply to QUIT. */
  | { readonly type: 'starttls' | 'quit'; readonly client: SmtpClient }
  /** The next reply is to come that much later: a tarpit. Answered by `go-on`, after the time. */
  | { readonly type: 'pause'; readonly milliseconds: number }
  /** RFC 1985 §5: `node` without its prefix, domains in A-labels; `subdomains` for `@`, `queue` for `#`. `go-on` is 250. */
  | {
      readonly type: 'etrn'
      readonly client: SmtpClient
      readonly node: string
      readonly form: 'domain' | 'subdomains' | 'queue'
    }
  /**
   * RFC 821 §3.8 and RFC 2645 §5.2: consent hands the connection over, `Handler.takeOver` then sends; unless the peer has spoken
   * meanwhile, which refuses it. ATRN's domains in A-labels; empty: all.
   */
  | { readonly type: 'turn'; readonly client: SmtpClient }
  | { readonly type: 'atrn'; readonly client: SmtpClient; readonly domains: readonly string[] }
  /**
   * Names in capitals, values decoded (addresses without `IPV6:`); `[UNAVAILABLE]` and `[TEMPUNAVAIL]` as null. Asked only where
   * `offers` has it. Consent to XCLIENT begins the session anew, as by a new connection from ADDR, without another `connect`:
   * `client` has HELO and LOGIN afterwards, and neither where they were not said.
   */
  | {
      readonly type: 'xclient' | 'xforward'
      readonly client: SmtpClient
      readonly attributes: ReadonlyMap<string, string | null>
    }

export type SmtpAnswer =
  /** Yes, with the core's usual reply. */
  | { readonly type: 'go-on' }
  /**
   * This reply: consent in class 2, refusal in classes 4 and 5. The session ends after it where `then` says so, and after
   * every 421 and 521.
   */
  | { readonly type: 'reply'; readonly reply: Reply; readonly then?: 'close' }
  /** LMTP, to `end` alone: one for each accepted recipient, in order (RFC 2033 §4.2). */
  | { readonly type: 'replies'; readonly replies: readonly Reply[] }
  /** To `url-octets` alone. */
  | { readonly type: 'octets'; readonly bytes: Uint8Array }
  | SaslAnswer

/** The usual answer, as one value for all. */
export const goOn: SmtpAnswer = { type: 'go-on' }
