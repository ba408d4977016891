// Is this the person? Passwords, SCRAM, CRAM-MD5, tokens and certificates, throttled alike, the same for every protocol.
//
// Order of things: the name is read, the store asked, the throttle asked, the password hashed; for names that do not
// exist too, so that neither the answer nor its time tells which exist.
import { errorText } from '../events/error-text.ts'
import {
  guardedPassword,
  loginFailed,
  loginSucceeded,
  loginUnavailable,
  passwordRehashed,
  rehashFailed,
} from '../events/auth.ts'
import { addressKey, tryAddress } from '../mail/address.ts'
import { AppPasswords } from './app-passwords.ts'
import { isGuarded, SecondFactor } from './second-factor.ts'
import { LoginThrottle } from './throttle.ts'
import { Passwords } from './passwords.ts'
import type { TokenVerifier } from './tokens.ts'
import type { Events } from '../events/event.ts'
import type { PasswordOptions } from './passwords.ts'
import type { DirectoryConfig, AuthConfig } from '../config/sections/auth.ts'
import type { Secret } from '../base/secret.ts'
import type { ScramHash } from '../sasl/scram-keys.ts'
import type { Account, Credentials } from '../store/model.ts'
import type { ObjectStore } from '../store/objects.ts'
import type { DirectoryStore } from '../store/store.ts'
import type {
  Authentication,
  CertificateAttempt,
  CramAttempt,
  Directory,
  LoginAttempt,
  PasswordAttempt,
  PersonAttempt,
  PersonAuthentication,
  PersonMethod,
  ProofAttempt,
  Refused,
  Scope,
  ScramAttempt,
  ThrottleView,
  TokenAttempt,
} from './directory.ts'

export interface AuthenticatorOptions extends PasswordOptions {
  readonly store: DirectoryStore & ObjectStore
  readonly events: Events
  readonly config: AuthConfig
  readonly directoryConfig: DirectoryConfig
  /** Null where no token can be verified. */
  readonly tokens: TokenVerifier | null
}

type Mechanism = PersonMethod | 'scram' | 'cram-md5' | 'token' | 'certificate'
type Answers = Pick<
  Directory,
  'authenticate' | 'logIn' | 'authenticateToken' | 'authenticateCertificate' | 'beginScram' | 'beginCram'
>
/** A proof that was begun, with what is kept of whoever it names. */
type Begun = ProofAttempt & { readonly credentials: Credentials | undefined }
/** What an app password must be for, by protocol. Of HTTP each route says it. */
const scopesByProtocol: Readonly<Record<string, Scope>> = {
  smtp: 'send',
  submission: 'send',
  odmr: 'mail',
  imap: 'mail',
  pop3: 'mail',
  attach: 'mail',
}

type Known = { readonly account: Account; readonly credentials: Credentials } | undefined

/** Answers what `Directory` is asked of log-ins. */
export class Authenticator implements Answers {
  readonly #store: DirectoryStore
  readonly #events: Events
  readonly #directoryConfig: DirectoryConfig
  readonly #throttle: LoginThrottle
  /** Codes are six digits: far fewer guesses are given than of passwords. */
  readonly #codeThrottle: LoginThrottle
  readonly #appPasswords: AppPasswords
  readonly #secondFactor: SecondFactor
  readonly #passwords: Passwords
  readonly #tokens: TokenVerifier | null

  constructor(options: AuthenticatorOptions) {
    this.#store = options.store
    this.#events = options.events
    this.#directoryConfig = options.directoryConfig
    this.#throttle = new LoginThrottle(options.clock, options.config.throttle)
    const { throttle } = options.config
    const codes = { failuresPerAccount: throttle.wrongCodes, failuresFromKnownPrefix: throttle.wrongCodes }
    this.#codeThrottle = new LoginThrottle(options.clock, { ...throttle, ...codes })
    const shared = { ...options, auth: options.config }
    this.#appPasswords = new AppPasswords(shared)
    this.#secondFactor = new SecondFactor(shared)
    this.#passwords = new Passwords(options)
    this.#tokens = options.tokens
  }

  /** Of passwords; codes have their own count, lifted with it. */
  get throttle(): ThrottleView {
    const [passwords, codes] = [this.#throttle, this.#codeThrottle]
    return {
      list: (limit) => [...codes.list(limit), ...passwords.list(limit)].slice(0, limit),
      lift(kind, key) {
        const lifted = [passwords.lift(kind, key), codes.lift(kind, key)]
        return lifted.includes(true)
      },
    }
  }

  async authenticate(attempt: PasswordAttempt): Promise<Authentication> {
    const outcome = await this.#guarded(attempt, () => this.#checkPassword(attempt))
    return this.#tell(attempt, 'password', outcome)
  }

  async logIn(attempt: PersonAttempt): Promise<PersonAuthentication> {
    const outcome = await this.#guarded(attempt, () => this.#checkPerson(attempt))
    if (outcome.ok) this.#tell(attempt, outcome.method, outcome)
    // The person is asked for the code now: nothing has failed.
    else if (outcome.reason !== 'code-required') this.#tell(attempt, 'password', outcome)
    return outcome
  }

  async authenticateToken(attempt: TokenAttempt): Promise<Authentication> {
    const named = { ...attempt, username: attempt.username ?? '' }
    const outcome = await this.#guarded(named, () => this.#checkToken(attempt))
    return this.#tell(named, 'token', outcome)
  }

  async authenticateCertificate(attempt: CertificateAttempt): Promise<Authentication> {
    const named = { ...attempt, username: attempt.authorizationId ?? attempt.emailAddresses[0] ?? '' }
    const outcome = await this.#guarded(named, () => this.#checkCertificate(attempt))
    return this.#tell(named, 'certificate', outcome)
  }

  async beginScram(attempt: LoginAttempt & { scramHash: ScramHash }): Promise<ScramAttempt | Refused> {
    const begun = await this.#begin(attempt, 'scram')
    if (!begun.ok) return begun
    const { scramSha1, scramSha256 } = begun.credentials ?? {}
    return { ...begun, verifier: (attempt.scramHash === 'sha1' ? scramSha1 : scramSha256) ?? null }
  }

  async beginCram(attempt: LoginAttempt): Promise<CramAttempt | Refused> {
    const begun = await this.#begin(attempt, 'cram-md5')
    return begun.ok ? { ...begun, verifier: begun.credentials?.cramMd5 ?? null } : begun
  }

  async #begin(attempt: LoginAttempt, mechanism: Mechanism): Promise<Begun | Refused> {
    const begun = await this.#guarded(attempt, () => this.#beginProof(attempt, mechanism))
    if (!begun.ok) this.#tell(attempt, mechanism, begun)
    return begun
  }

  async #checkPassword(attempt: PasswordAttempt): Promise<Authentication> {
    const { password, remoteAddress, authorizationId = null } = attempt
    const name = this.#nameOf(attempt.username)
    const known = await this.#lookUp(name)
    const fingerprint = this.#passwords.fingerprint(name, known?.credentials, password)
    const guess = this.#throttle.begin({ name, remoteAddress, fingerprint })
    if (guess === 'throttled') return { ok: false, reason: 'throttled' }
    const appPassword = known && (await this.#appPasswords.find(known.account.id, password, attempt))
    if (known !== undefined && appPassword !== undefined) {
      guess.settle('right')
      const { id, scopes } = appPassword
      const wanted = scopesByProtocol[attempt.protocol]
      if (wanted !== undefined && !scopes.includes(wanted)) return { ok: false, reason: 'bad-credentials' }
      const admitted = this.#admit(known.account, name, authorizationId)
      return admitted.ok ? { ...admitted, appPassword: { id, scopes } } : admitted
    }
    const check = await this.#passwords.check({ fingerprint, credentials: known?.credentials, password })
    if (check === 'right' && known !== undefined && (await this.#asksForMore(known.account))) {
      guess.settle('wrong')
      this.#events.emit(guardedPassword, { protocol: attempt.protocol, address: name, remoteAddress })
      return { ok: false, reason: 'bad-credentials' }
    }
    guess.settle(check === 'full' ? 'untried' : check)
    if (check === 'full') return { ok: false, reason: 'unavailable' }
    if (check === 'wrong' || known === undefined) return { ok: false, reason: 'bad-credentials' }
    const admitted = this.#admit(known.account, name, authorizationId)
    if (admitted.ok && this.#passwords.isOutdated(known.credentials)) await this.#renew(known, name, attempt)
    return admitted
  }

  /** Whether programs, which cannot ask their user for a code, need an app password. */
  async #asksForMore({ id }: Account): Promise<boolean> {
    return isGuarded(await this.#secondFactor.factors(id))
  }

  async #checkPerson(attempt: PersonAttempt): Promise<PersonAuthentication> {
    const { password, remoteAddress } = attempt
    const name = this.#nameOf(attempt.username)
    const known = await this.#lookUp(name)
    const fingerprint = this.#passwords.fingerprint(name, known?.credentials, password)
    const guess = this.#throttle.begin({ name, remoteAddress, fingerprint })
    if (guess === 'throttled') return { ok: false, reason: 'throttled' }
    const check = await this.#passwords.check({ fingerprint, credentials: known?.credentials, password })
    if (check !== 'right' || known === undefined) {
      guess.settle(check === 'full' ? 'untried' : 'wrong')
      return { ok: false, reason: check === 'full' ? 'unavailable' : 'bad-credentials' }
    }
    const more = await this.#checkMore(known.account, name, attempt)
    // Half of a log-in makes no network known.
    guess.settle(typeof more === 'string' ? 'right' : 'untried')
    if (typeof more !== 'string') return more
    const admitted = this.#admit(known.account, name, null)
    if (!admitted.ok) return admitted
    if (this.#passwords.isOutdated(known.credentials)) await this.#renew(known, name, attempt)
    const stillHolds = (): Promise<boolean> => this.#stillHolds(name, known, password)
    return { ok: true, account: admitted.account, method: more, stillHolds }
  }

  async #stillHolds(name: string, before: NonNullable<Known>, password: Secret): Promise<boolean> {
    const known = await this.#lookUp(name)
    if (known?.account.id !== before.account.id) return false
    if (known.credentials.argon2id === before.credentials.argon2id) return true
    // Renewed by this log-in, or another password.
    const fingerprint = this.#passwords.fingerprint(name, known.credentials, password)
    const { credentials } = known
    return (await this.#passwords.check({ fingerprint, credentials, password })) === 'right'
  }

  /** What an account asks for beside its password, which was right. */
  async #checkMore(
    { id }: Account,
    name: string,
    { remoteAddress, code }: PersonAttempt,
  ): Promise<PersonMethod | Extract<PersonAuthentication, { ok: false }>> {
    const factors = await this.#secondFactor.factors(id)
    if (factors.password === 'refused') return { ok: false, reason: 'passkey-required' }
    if (factors.totp === 'off') return 'password'
    if (code === null) return { ok: false, reason: 'code-required' }
    const guess = this.#codeThrottle.begin({ name, remoteAddress, fingerprint: null })
    if (guess === 'throttled') return { ok: false, reason: 'throttled' }
    const taken = await this.#secondFactor.check(id, code)
    guess.settle(taken === 'wrong' ? 'wrong' : 'right')
    return taken === 'wrong' ? { ok: false, reason: 'bad-code' } : `password+${taken}`
  }

  async #checkToken({ username, token, remoteAddress }: TokenAttempt): Promise<Authentication> {
    if (this.#tokens === null) return { ok: false, reason: 'bad-credentials' }
    const claimed = username === null ? null : this.#nameOf(username)
    // Tokens without a name are counted by where they come from: one name for all would let one guesser shut out everybody.
    const name = claimed ?? `\0token ${remoteAddress}`
    const fingerprint = this.#passwords.fingerprint(name, undefined, token)
    const guess = this.#throttle.begin({ name, remoteAddress, fingerprint })
    if (guess === 'throttled') return { ok: false, reason: 'throttled' }
    const verdict = await this.#tokens.verify(token)
    if (verdict.type === 'unavailable') {
      guess.settle('untried')
      throw verdict.error
    }
    const owner = verdict.type === 'valid' ? this.#nameOf(verdict.username) : undefined
    const fits = owner !== undefined && (claimed === null || claimed === owner)
    const known = fits ? await this.#lookUp(owner) : undefined
    guess.settle(known === undefined ? 'wrong' : 'right')
    if (owner === undefined || known === undefined) return { ok: false, reason: 'bad-credentials' }
    return this.#admit(known.account, owner, null)
  }

  // No throttle: there is nothing to guess, the handshake has proven that the client has the key.
  async #checkCertificate({ emailAddresses, authorizationId }: CertificateAttempt): Promise<Authentication> {
    const wanted = authorizationId === null ? null : this.#nameOf(authorizationId)
    for (const name of emailAddresses.map((address) => this.#nameOf(address))) {
      if (wanted !== null && name !== wanted) continue
      const known = await this.#lookUp(name)
      if (known !== undefined) return this.#admit(known.account, name, null)
    }
    return { ok: false, reason: 'bad-credentials' }
  }

  async #beginProof(attempt: LoginAttempt, mechanism: Mechanism): Promise<Begun | Refused> {
    const name = this.#nameOf(attempt.username)
    const found = await this.#lookUp(name)
    // What is kept of the password proves nothing where the password does not open the account.
    const known = found !== undefined && (await this.#asksForMore(found.account)) ? undefined : found
    const guess = this.#throttle.begin({ name, remoteAddress: attempt.remoteAddress, fingerprint: null })
    if (guess === 'throttled') return { ok: false, reason: 'throttled' }
    return {
      ok: true,
      credentials: known?.credentials,
      succeed: async (authorizationId) => {
        if (known === undefined) throw new Error('a proof cannot fit where no verifier is')
        guess.settle('right')
        return this.#tell(attempt, mechanism, this.#admit(known.account, name, authorizationId))
      },
      fail: () => {
        guess.settle('wrong')
        this.#tell(attempt, mechanism, { ok: false, reason: 'bad-credentials' })
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

  async #guarded<T>(attempt: LoginAttempt, work: () => Promise<T>): Promise<T | Refused> {
    try {
      return await work()
    } catch (error) {
      this.#events.emit(loginUnavailable, { protocol: attempt.protocol, error: errorText(error) })
      return { ok: false, reason: 'unavailable' }
    }
  }

  #tell<T extends Authentication | PersonAuthentication>(
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
