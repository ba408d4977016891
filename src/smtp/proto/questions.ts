// What the SMTP core asks its handler, and what the handler may answer.
//
// - Everything that needs the outside (who has mail here, a password, a place for the bytes) is a question; everything
//   that the bytes alone decide is not asked.
// - `content` and `end` are the hot path: both may be answered at once, without a promise. A promise for `content` is
//   back-pressure: the peer is not read from until it resolves.
// - A handler refuses with a `Reply` of class 4 or 5. It learns of every transaction that ended without `end`: `reset`.
// - Only an `end` that was answered with class 2 promises anything to the peer.
import type { TlsState } from '../../base/core.ts'
import type { Secret } from '../../base/secret.ts'
import type { Address } from '../../mail/address.ts'
import type { SaslAnswer, SaslFailure, SaslMechanismName } from '../../sasl/mechanism.ts'
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

/** RFC 6152 §3, RFC 3030 §3. */
export type BodyType = '7BIT' | '8BITMIME' | 'BINARYMIME'

/** What MAIL said. */
export interface Sender {
  /** Null for the null reverse-path `<>` (RFC 5321 §4.5.5). */
  readonly reversePath: Address | null
  /** RFC 1870 §6.1: the declared size in octets, or null. */
  readonly size: number | null
  readonly body: BodyType
  /** RFC 6531 §3.4. */
  readonly smtpUtf8: boolean
  /** RFC 4954 §5: the AUTH parameter decoded; '' for `<>`, null where absent. Never to be trusted on its own. */
  readonly auth: string | null
}

/** What RCPT said. */
export interface Recipient {
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
  | {
      readonly type: 'check-password'
      readonly mechanism: SaslMechanismName
      readonly username: string
      readonly authorizationId: string | null
      readonly password: Secret
    }
  /** Answered by a `SaslAnswer`. */
  | { readonly type: 'need-credentials'; readonly mechanism: SaslMechanismName; readonly username: string }
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

export type SmtpAnswer =
  /** Yes, with the core's usual reply. */
  | { readonly type: 'go-on' }
  /** This reply: consent in class 2, refusal in classes 4 and 5. */
  | { readonly type: 'reply'; readonly reply: Reply }
  | SaslAnswer

/** The usual answer, as one value for all. */
export const goOn: SmtpAnswer = { type: 'go-on' }
