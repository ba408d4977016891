// Is this the person? Passwords and SCRAM, throttled alike, the same for every protocol.
//
// Order of things: the name is read, the store asked, the throttle asked, the password hashed; for names that do not
// exist too, so that neither the answer nor its time tells which exist.
import { errorText } from '../events/error-text.ts'
import {
  loginFailed,
  loginSucceeded,
  loginUnavailable,
  passwordRehashed,
  rehashFailed,
} from '../events/auth.ts'
import { addressKey, tryAddress } from '../mail/address.ts'
import { LoginThrottle } from './throttle.ts'
import { Passwords } from './passwords.ts'
import type { Events } from '../events/event.ts'
import type { PasswordOptions } from './passwords.ts'
import type { DirectoryConfig, AuthConfig } from '../config/sections/auth.ts'
import type { Account, Credentials } from '../store/model.ts'
import type { DirectoryStore } from '../store/store.ts'
import type {
  Authentication,
  Directory,
  LoginAttempt,
  LoginRefusal,
  PasswordAttempt,
  ScramAttempt,
} from './directory.ts'

export interface AuthenticatorOptions extends PasswordOptions {
  readonly store: DirectoryStore
  readonly events: Events
  readonly config: AuthConfig
  readonly directoryConfig: DirectoryConfig
}

type Mechanism = 'password' | 'scram'
type Known = { readonly account: Account; readonly credentials: Credentials } | undefined

/** Answers `Directory.authenticate` and `Directory.beginScram`. */
export class Authenticator implements Pick<Directory, 'authenticate' | 'beginScram'> {
  readonly #store: DirectoryStore
  readonly #events: Events
  readonly #directoryConfig: DirectoryConfig
  readonly #throttle: LoginThrottle
  readonly #passwords: Passwords

  constructor(options: AuthenticatorOptions) {
    this.#store = options.store
    this.#events = options.events
    this.#directoryConfig = options.directoryConfig
    this.#throttle = new LoginThrottle(options.clock, options.config.throttle)
    this.#passwords = new Passwords(options)
  }

  async authenticate(attempt: PasswordAttempt): Promise<Authentication> {
    const outcome = await this.#guarded(attempt, () => this.#checkPassword(attempt))
    return this.#tell(attempt, 'password', outcome)
  }

  async beginScram(
    attempt: LoginAttempt,
  ): Promise<ScramAttempt | { readonly ok: false; readonly reason: LoginRefusal }> {
    const begun = await this.#guarded(attempt, () => this.#lookUpVerifier(attempt))
    if (!begun.ok) this.#tell(attempt, 'scram', begun)
    return begun
  }

  async #checkPassword(attempt: PasswordAttempt): Promise<Authentication> {
    const { password, remoteAddress, authorizationId = null } = attempt
    const name = this.#nameOf(attempt.username)
    const known = await this.#lookUp(name)
    const fingerprint = this.#passwords.fingerprint(name, known?.credentials, password)
    const guess = this.#throttle.begin({ name, remoteAddress, fingerprint })
    if (guess === 'throttled') return { ok: false, reason: 'throttled' }
    const check = await this.#passwords.check({ fingerprint, credentials: known?.credentials, password })
    guess.settle(check === 'full' ? 'untried' : check)
    if (check === 'full') return { ok: false, reason: 'unavailable' }
    if (check === 'wrong' || known === undefined) return { ok: false, reason: 'bad-credentials' }
    const admitted = this.#admit(known.account, name, authorizationId)
    if (admitted.ok && this.#passwords.isOutdated(known.credentials)) await this.#renew(known, name, attempt)
    return admitted
  }

  async #lookUpVerifier(attempt: LoginAttempt): Promise<ScramAttempt | { ok: false; reason: LoginRefusal }> {
    const name = this.#nameOf(attempt.username)
    const known = await this.#lookUp(name)
    const guess = this.#throttle.begin({ name, remoteAddress: attempt.remoteAddress, fingerprint: null })
    if (guess === 'throttled') return { ok: false, reason: 'throttled' }
    const verifier = known?.credentials.scramSha256 ?? null
    return {
      ok: true,
      verifier,
      succeed: async (authorizationId) => {
        if (known === undefined || verifier === null)
          throw new Error('a proof cannot fit where no verifier is')
        guess.settle('right')
        return this.#tell(attempt, 'scram', this.#admit(known.account, name, authorizationId))
      },
      fail: () => {
        guess.settle('wrong')
        this.#tell(attempt, 'scram', { ok: false, reason: 'bad-credentials' })
      },
    }
  }

  /** The canonical key of what was typed; something that is no address stands for itself and is unknown. */
  #nameOf(username: string): string {
    const { defaultDomain } = this.#directoryConfig
    const full = username.includes('@') || defaultDomain === null ? username : `${username}@${defaultDomain}`
    const address = tryAddress(full, { utf8: true })
    return address === undefined ? `\0${username.toLowerCase()}` : addressKey(address)
  }

  async #lookUp(name: string): Promise<Known> {
    return name.startsWith('\0') ? undefined : this.#store.credentialsOf(name)
  }

  #admit(account: Account, name: string, authorizationId: string | null): Authentication {
    // RFC 4422 §3.4.1: acting as another is for those who may; nobody may.
    if (authorizationId !== null && this.#nameOf(authorizationId) !== name) {
      return { ok: false, reason: 'bad-credentials' }
    }
    if (account.state === 'disabled') return { ok: false, reason: 'disabled' }
    return { ok: true, account }
  }

  // The password is known only now, so a hash with other costs, or an import without a verifier, is renewed here. It
  // is written only if the stored hash is still the one that was checked: a new password must not be undone.
  async #renew(known: NonNullable<Known>, name: string, attempt: PasswordAttempt): Promise<void> {
    try {
      const credentials = await this.#passwords.make(attempt.password)
      if (credentials === undefined || credentials === 'full') return
      const { account, credentials: replacing } = known
      const renewed = await this.#store.updateAccount({ id: account.id, credentials, replacing })
      if (!renewed.ok) return
      this.#events.emit(passwordRehashed, { address: name })
    } catch (error) {
      this.#events.emit(rehashFailed, { address: name, error: errorText(error) })
    }
  }

  async #guarded<T>(
    attempt: LoginAttempt,
    work: () => Promise<T>,
  ): Promise<T | { readonly ok: false; readonly reason: LoginRefusal }> {
    try {
      return await work()
    } catch (error) {
      this.#events.emit(loginUnavailable, { protocol: attempt.protocol, error: errorText(error) })
      return { ok: false, reason: 'unavailable' }
    }
  }

  #tell<T extends Authentication | { readonly ok: false; readonly reason: LoginRefusal }>(
    { protocol, username, remoteAddress }: LoginAttempt,
    mechanism: Mechanism,
    outcome: T,
  ): T {
    if (outcome.ok) {
      const { address } = outcome.account
      this.#events.emit(loginSucceeded, { protocol, mechanism, address, remoteAddress })
    } else {
      this.#events.emit(loginFailed, { protocol, mechanism, reason: outcome.reason, username, remoteAddress })
    }
    return outcome
  }
}
