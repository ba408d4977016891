// What a SASL mechanism looks like from outside (RFC 4422 §3): octets in, octets or a question out.
//
// A mechanism knows no protocol, no store and no clock. Facts that it lacks (is this password right? what is this
// user's verifier?) leave as a step and come back through `resume`, so that nothing here waits. An exchange is one
// value that dies whole: whoever drives it drops it after `success` or `failure`, or when the client cancels.
//
// What it refuses: messages outside the mechanism's grammar, at once and for good; there is no second try within one
// exchange.
import type { TlsState } from '../base/core.ts'
import type { Random } from '../base/random.ts'
import type { ScramHash } from './scram-keys.ts'
import type { Secret } from '../base/secret.ts'

/** The mechanisms that are built. The order is that of preference, strongest first. */
export type SaslMechanismName =
  | 'SCRAM-SHA-256-PLUS'
  | 'SCRAM-SHA-256'
  | 'SCRAM-SHA-1-PLUS'
  | 'SCRAM-SHA-1'
  | 'EXTERNAL'
  | 'OAUTHBEARER'
  | 'XOAUTH2'
  | 'PLAIN'
  | 'LOGIN'
  | 'CRAM-MD5'

/** What a server exchange may rely on. Made once for each session, anew after STARTTLS. */
export interface SaslContext {
  /** Null in clear text. */
  readonly tls: TlsState | null
  /** The list that this client was offered: RFC 5802 §6, a client that says `y` while -PLUS was in it is under attack. */
  readonly offered: readonly SaslMechanismName[]
  readonly random: Random
  /** At least 16 octets, kept by this installation: unknown users get a salt derived from it, always the same one. */
  readonly serverSecret: Uint8Array
  /** This server's name, for mechanisms that show it (CRAM-MD5); default `localhost`. */
  readonly hostname?: string
  /** Shown for unknown users; what new verifiers are made with (RFC 7677 §3: at least 4096). */
  readonly scramIterations: number
}

/** RFC 5802 §3: what a server keeps instead of a password, in base64. The shape of `Credentials.scramSha256`. */
export interface ScramVerifier {
  readonly salt: string
  readonly iterations: number
  readonly storedKey: string
  readonly serverKey: string
}

/**
 * What CRAM-MD5 needs instead of a password: MD5 after the one block of the key, for the inner and the outer hash of HMAC
 * (RFC 2104 §4), each 16 octets in base64. The shape of `Credentials.cramMd5`.
 */
export interface CramVerifier {
  readonly inner: string
  readonly outer: string
}

/**
 * Why an exchange failed. `malformed`: outside the grammar. `bad-credentials`: wrong name or password, never said which.
 * `channel-binding`: the client sits on another TLS connection than we do, or was shown another list (RFC 5802 §6).
 * The others come from whoever answered a question.
 */
export type SaslFailure =
  | 'malformed'
  | 'bad-credentials'
  | 'channel-binding'
  | 'disabled'
  | 'throttled'
  | 'unavailable'

/** What an exchange wants next. */
export type SaslStep =
  /** Send these octets, then call `step` with the client's response. */
  | { readonly type: 'challenge'; readonly bytes: Uint8Array }
  /** Check this password, then `resume` with `accepted` or `refused`. */
  | {
      readonly type: 'check-password'
      readonly username: string
      /** RFC 4616 §2: whom to act as; null is the user himself. */
      readonly authorizationId: string | null
      readonly password: Secret
    }
  /** Look up this user's verifier, then `resume` with `credentials` (null for unknown) or `refused`. */
  | { readonly type: 'need-credentials'; readonly username: string; readonly scramHash: ScramHash }
  /** Look up this user's CRAM-MD5 verifier, then `resume` with `cram` (null for unknown) or `refused`. */
  | { readonly type: 'need-cram'; readonly username: string }
  /** Check this access token, then `resume` with `identified` or `refused`. */
  | {
      readonly type: 'check-token'
      /** Whom the client says the token is of (RFC 7628 §3.1: as authorization identity); null leaves it to the token. */
      readonly username: string | null
      readonly token: Secret
    }
  /** Find whom the client's certificate, already believed, is of; then `resume` with `identified` or `refused`. */
  | {
      readonly type: 'check-certificate'
      /** The rfc822Name entries of the certificate; at least one. */
      readonly emailAddresses: readonly string[]
      /** Whom to act as; null is whoever the certificate is of. */
      readonly authorizationId: string | null
    }
  /** Done. `finalChallenge` must reach the client: with the success where the protocol can, else as one more challenge. */
  | {
      readonly type: 'success'
      readonly username: string
      readonly authorizationId: string | null
      readonly finalChallenge: Uint8Array | null
    }
  /** Done. `username` where the client got as far as naming one. */
  | { readonly type: 'failure'; readonly reason: SaslFailure; readonly username: string | null }

/** The facts that a step asked for. */
export type SaslAnswer =
  | { readonly type: 'accepted' }
  | { readonly type: 'refused'; readonly reason: SaslFailure }
  | { readonly type: 'credentials'; readonly verifier: ScramVerifier | null }
  | { readonly type: 'cram'; readonly verifier: CramVerifier | null }
  /** Whose token or certificate it is. */
  | { readonly type: 'identified'; readonly username: string }

/** The steps that ask for facts. */
export type SaslQuestion = Extract<
  SaslStep,
  { type: 'check-password' | 'need-credentials' | 'need-cram' | 'check-token' | 'check-certificate' }
>

/** One run of a mechanism, server side. */
export interface SaslExchange {
  /** The client's response; null only in the first call, when the client sent no initial response. */
  step(response: Uint8Array | null): SaslStep
  /** The answer to what the last step asked. */
  resume(answer: SaslAnswer): SaslStep
}

/** A mechanism, server side. */
export interface SaslMechanism {
  readonly name: SaslMechanismName
  start(context: SaslContext): SaslExchange
}

/** One run of a mechanism, client side: the octets to send for each challenge (null: the server asked without data). */
export interface SaslClientExchange {
  /** False where the mechanism cannot begin by itself (LOGIN waits for its prompts). */
  readonly startsFirst: boolean
  /** The next response; `failure` when the server's message is malformed or does not prove that it knows us. */
  respond(
    challenge: Uint8Array | null,
  ): { readonly type: 'response'; readonly bytes: Uint8Array } | SaslClientFailure
  /** After the server's success: true where the server has proven itself as far as the mechanism can. */
  readonly complete: boolean
}

export interface SaslClientFailure {
  readonly type: 'failure'
  readonly reason: 'malformed' | 'server-not-authentic' | 'server-refused'
}
