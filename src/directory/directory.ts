// Who has mail, as the servers ask it: where does this address lead, and is this the person?
//
// Two implementations: `createDirectory` over accounts that an operator made, and `createOpenDirectory` for the catcher,
// where every address exists as soon as somebody names it. Changing who has mail is administration.ts.
//
// What it never tells: whether a name exists. Unknown users take as long as wrong passwords and are throttled alike;
// `disabled` is said only to someone who knew the password.
import type { Secret } from '../base/secret.ts'
import type { Address } from '../mail/address.ts'
import type { ScramVerifier } from '../sasl/mechanism.ts'
import type { Account } from '../store/model.ts'

/** One mailbox owner that an address leads to. */
export interface Recipient {
  readonly account: Account
  /** What stood behind the separator (RFC 5233 §1), for filters; null where nothing did. */
  readonly detail: string | null
  /** The address that led here after aliases, subaddress kept: the value of Delivered-To. */
  readonly deliveredTo: string
}

/** Where an address leads. */
export type Resolution =
  /** At least one recipient, each account once. */
  | { readonly type: 'local'; readonly recipients: readonly Recipient[] }
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
  /** An alias with a target on another host: refused whole, so that no copy gets lost. */
  | { readonly type: 'remote-target'; readonly addresses: readonly string[] }

/** Why somebody is not let in. `unavailable`: the store or the hashing cannot serve now; try again. */
export type LoginRefusal = 'bad-credentials' | 'disabled' | 'throttled' | 'unavailable'

export type Authentication =
  | { readonly ok: true; readonly account: Account }
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

/** A SCRAM exchange under way: exactly one of `succeed` and `fail` ends it, at the latest with its connection. */
export interface ScramAttempt {
  readonly ok: true
  /** Null where there is none: let the mechanism play it to the end with a made-up one. */
  readonly verifier: ScramVerifier | null
  /** The proof was right: the account, or why it may not come in all the same. */
  succeed(authorizationId: string | null): Promise<Authentication>
  /** The proof was wrong, or the client gave up. */
  fail(): void
}

/** What the SASL layer needs to know of this directory. */
export interface SaslFacts {
  /** False where no verifiers are kept. */
  readonly scram: boolean
  /** At least 16 octets, the same for the life of the installation. */
  readonly serverSecret: Uint8Array
  readonly scramIterations: number
}

/** See the file header. Nothing here throws but for bugs: a store that fails shows as `unavailable`, or rejects in `resolve`. */
export interface Directory {
  readonly sasl: SaslFacts
  /** Rejects with `StoreUnavailable` when the store cannot answer. One store read for an address that exists. */
  resolve(address: Address): Promise<Resolution>
  /** RFC 5321 §4.5.1: `RCPT TO:<Postmaster>`, without a domain. */
  resolvePostmaster(): Promise<Resolution>
  authenticate(attempt: PasswordAttempt): Promise<Authentication>
  beginScram(
    attempt: LoginAttempt,
  ): Promise<ScramAttempt | { readonly ok: false; readonly reason: LoginRefusal }>
}
