// Who has mail, as the servers ask it: where does this address lead, and is this the person?
//
// Two implementations: `createDirectory` over accounts that an operator made, and `createOpenDirectory` for the catcher,
// where every address exists as soon as somebody names it. Changing who has mail is administration.ts.
//
// What it never tells: whether a name exists. Unknown users take as long as wrong passwords and are throttled alike;
// `disabled` is said only to someone who knew the password.
import type { HttpScope } from '../base/http-mount.ts'
import type { Secret } from '../base/secret.ts'
import type { Address } from '../mail/address.ts'
import type { CramVerifier, ScramVerifier } from '../sasl/mechanism.ts'
import type { ScramHash } from '../sasl/scram-keys.ts'
import type { Account } from '../store/model.ts'
import type { LoginThrottle } from './throttle.ts'

/** A mailing list: what it sends on has its owner as the reverse-path, who gets what bounces (RFC 5321 §3.9.2). */
export interface ListOwner {
  /** A canonical address. */
  readonly owner: string
}

/** One mailbox owner that an address leads to. */
export interface Recipient {
  /**
   * Its `createdAt` is since when the mailbox has had its owner: a recipient with `requireValidSince` is refused where that is
   * later (RFC 7293 §5.1).
   */
  readonly account: Account
  /** What stood behind the separator (RFC 5233 §1), for filters; null where nothing did. */
  readonly detail: string | null
  /** The address that led here after aliases, subaddress kept: the value of Delivered-To. */
  readonly deliveredTo: string
  /** The innermost list on the way here; null where there was none. */
  readonly list: ListOwner | null
}

/** An address at another host that one of ours leads to. */
export interface RemoteTarget {
  readonly address: Address
  /** The alias or list of ours that names it. */
  readonly via: string
  readonly list: ListOwner | null
}

/** Where an address leads. */
export type Resolution =
  /** At least one recipient here or elsewhere, each account and each address once. */
  | {
      readonly type: 'local'
      readonly recipients: readonly Recipient[]
      readonly remote: readonly RemoteTarget[]
    }
  /** None of our domains. */
  | { readonly type: 'not-local' }
  | { readonly type: 'unknown-user' }
  /** All accounts it leads to are disabled. */
  | { readonly type: 'disabled' }
  /** All accounts it leads to have no room left. */
  | { readonly type: 'over-quota' }
  /** An alias that leads only to itself. */
  | { readonly type: 'loop' }
  /** More alias levels or targets than the configuration allows. */
  | { readonly type: 'too-many' }

/** Why somebody is not let in. `unavailable`: the store or the hashing cannot serve now; try again. */
export type LoginRefusal = 'bad-credentials' | 'disabled' | 'throttled' | 'unavailable'

/** What an app password was made for. `mail`: reading. `send`: submission. `settings`, `admin`: by HTTP. */
export type Scope = HttpScope

export type Authentication =
  | {
      readonly ok: true
      readonly account: Account
      /** Present where it was an app password that opened the account, with what it is for. */
      readonly appPassword?: { readonly id: number; readonly scopes: readonly Scope[] }
    }
  | { readonly ok: false; readonly reason: LoginRefusal }

/** Who tries, from where, over what. */
export interface LoginAttempt {
  /** As typed; a full address, or a local part where a default domain is configured. */
  readonly username: string
  readonly remoteAddress: string
  /** For the log and the counters: `pop3`, `imap`, `submission`. */
  readonly protocol: string
}

export interface PasswordAttempt extends LoginAttempt {
  readonly password: Secret
  /** Whom to act as; anything but the user himself (or null) is refused. */
  readonly authorizationId?: string | null
}

/** A log-in at the pages, which can ask for more than a password. */
export interface PersonAttempt extends PasswordAttempt {
  /** Of the authenticator app, or a recovery code; null: none was given yet. */
  readonly code: string | null
}

/** How a person showed who he is. */
export type PersonMethod = 'password' | 'password+code' | 'password+recovery'

/**
 * Why a person is not let in: the password is right, and a code is wanted (`code-required`), or wrong (`bad-code`), or passkeys alone open
 * the account.
 */
export type PersonRefusal = LoginRefusal | 'code-required' | 'bad-code' | 'passkey-required'

export type PersonAuthentication =
  | {
      readonly ok: true
      readonly account: Account
      readonly method: PersonMethod
      /** Whether the password is still the account's: to be asked when what it opened is open. */
      stillHolds(): Promise<boolean>
    }
  | { readonly ok: false; readonly reason: PersonRefusal }

export interface TokenAttempt extends Omit<LoginAttempt, 'username'> {
  /** Whom the client says it is; null leaves it to the token. */
  readonly username: string | null
  readonly token: Secret
}

export interface CertificateAttempt extends Omit<LoginAttempt, 'username'> {
  /** Of a certificate that is to be believed. */
  readonly emailAddresses: readonly string[]
  /** Whom to act as: one of the addresses, or null for the first one that has an account. */
  readonly authorizationId: string | null
}

/** An exchange whose proof the mechanism judges: exactly one of `succeed` and `fail` ends it, at the latest with its connection. */
export interface ProofAttempt {
  readonly ok: true
  /** The proof was right: the account, or why it may not come in all the same. */
  succeed(authorizationId: string | null): Promise<Authentication>
  /** The proof was wrong, or the client gave up. */
  fail(): void
}

/** A SCRAM exchange under way. */
export interface ScramAttempt extends ProofAttempt {
  /** Null where there is none: let the mechanism play it to the end with a made-up one. */
  readonly verifier: ScramVerifier | null
}

/** A CRAM-MD5 exchange under way. */
export interface CramAttempt extends ProofAttempt {
  /** As in `ScramAttempt`. */
  readonly verifier: CramVerifier | null
}

export type Refused = { readonly ok: false; readonly reason: LoginRefusal }

/** What the SASL layer needs to know of this directory. */
export interface SaslFacts {
  /** False where no verifiers are kept. */
  readonly scram: boolean
  /** CRAM-MD5 is switched on. */
  readonly cramMd5: boolean
  /** Access tokens can be verified. */
  readonly tokens: boolean
  /** A believed certificate opens the account of its address. */
  readonly certificates: boolean
  /** At least 16 octets, the same for the life of the installation. */
  readonly serverSecret: Uint8Array
  readonly scramIterations: number
}

/** Counts of wrong log-ins, as an operator sees them. */
export type ThrottleView = Pick<LoginThrottle, 'list' | 'lift'>

/** See the file header. Nothing here throws but for bugs: a store that fails shows as `unavailable`, or rejects in `resolve`. */
export interface Directory {
  /** Who has guessed wrongly, and may be let in again; null where nobody is counted. */
  readonly throttle: ThrottleView | null
  readonly sasl: SaslFacts
  /** Rejects with `StoreUnavailable` when the store cannot answer. One store read for an address that exists. */
  resolve(address: Address): Promise<Resolution>
  /** RFC 5321 §4.5.1: `RCPT TO:<Postmaster>`, without a domain. */
  resolvePostmaster(): Promise<Resolution>
  /** What an alias or list leads to directly, for EXPN (RFC 5321 §3.5.2); undefined for every other address. */
  members(address: Address): Promise<readonly string[] | undefined>
  /** The addresses of ours with that local part, 20 at most, for VRFY of a name without a domain (RFC 5321 §3.5.1). */
  candidates(localPart: string): Promise<readonly string[]>
  /**
   * The account's password, or an app password that is for the protocol. The password of an account that asks for a second factor opens it
   * at the pages alone (`logIn`), and is `bad-credentials` here.
   */
  authenticate(attempt: PasswordAttempt): Promise<Authentication>
  /** A person at the pages: the password, and a code where the account asks for one. App passwords are none there. */
  logIn(attempt: PersonAttempt): Promise<PersonAuthentication>
  /** The account that the token is of. `bad-credentials` also for a token of somebody else than the client says. */
  authenticateToken(attempt: TokenAttempt): Promise<Authentication>
  /** The account of an address in the certificate, which the caller has found to be good. */
  authenticateCertificate(attempt: CertificateAttempt): Promise<Authentication>
  beginScram(attempt: LoginAttempt & { readonly scramHash: ScramHash }): Promise<ScramAttempt | Refused>
  beginCram(attempt: LoginAttempt): Promise<CramAttempt | Refused>
}
