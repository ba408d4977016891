// Passkeys (WebAuthn level 3): an account is opened by a key pair that a device keeps and unlocks for its person alone. Discoverable
// credentials with user verification: two factors in one, and nobody types a name.
//
// - The credential's user handle is the account's id, so that an answer says whose it is; its key is looked up by the credential's id.
// - A passkey belongs to the host name that it was made under. A page elsewhere gets no answer for it from any browser.
// - A signature counter that goes back (a copy of a hardware key) is refused.
// - An answer is good once: its challenge is remembered here, and with the passkey until it would have ended anyway, so that neither a
//   restart nor another node of the same store takes it again.
// - No attestation is asked for: which make of key somebody has is his affair.
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import type {
  AuthenticationResponseJSON,
  RegistrationResponseJSON,
  WebAuthnCredential,
} from '@simplewebauthn/server'
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { AuthConfig } from '../config/sections/auth.ts'
import { loginFailed, loginSucceeded } from '../events/auth.ts'
import type { Events } from '../events/event.ts'
import type { Account, AccountId, ObjectId } from '../store/model.ts'
import type { ObjectStore } from '../store/objects.ts'
import type { DirectoryStore } from '../store/store.ts'
import { type AccountObject, AccountObjects, mostRounds, type Unchanged } from './account-objects.ts'
import { type AnsweredChallenge, Challenges } from './challenges.ts'

interface PasskeyRecord {
  readonly label: string
  readonly created: number
  readonly used: number | null
  /** Base64url. */
  readonly credential: string
  readonly publicKey: string
  readonly counter: number
  readonly transports: readonly string[]
  readonly synced: boolean
  readonly host: string
  /** Challenges that it has answered lately, with their ends; absent in what older versions wrote. */
  readonly answered?: readonly AnsweredChallenge[]
}

export interface Passkey {
  readonly id: ObjectId
  readonly label: string
  readonly createdAt: number
  readonly usedAt: number | null
  /** Its maker keeps a copy on other devices. */
  readonly synced: boolean
}

export interface PasskeyOptions {
  readonly store: ObjectStore & Pick<DirectoryStore, 'getAccount'>
  readonly clock: Clock
  readonly random: Random
  readonly events: Events
  readonly auth: AuthConfig
  /** The installation's. */
  readonly secret: Uint8Array
}

/** Our own pages, as the browser names them. */
export interface PasskeyPlace {
  /** `https://host[:port]`. */
  readonly origin: string
}

export type PasskeyRefusal = 'bad-passkey' | 'disabled' | 'too-many'

const kind = 'passkey'
const lengthOfLabel = 100
const loginPurpose = 'login'
/** COSE: EdDSA, ES256, RS256: what browsers' authenticators have. */
const algorithms = [-8, -7, -257]

export class Passkeys {
  readonly #options: PasskeyOptions
  readonly #objects: AccountObjects<PasskeyRecord>
  readonly #challenges: Challenges

  constructor(options: PasskeyOptions) {
    this.#options = options
    this.#objects = new AccountObjects(options.store, kind)
    this.#challenges = new Challenges(options)
  }

  /** In the order in which they were made. */
  async list(account: AccountId): Promise<Passkey[]> {
    return (await this.#objects.list(account, this.#options.clock.now())).map(shown)
  }

  /** For `navigator.credentials.create`, in its JSON form. */
  async registrationOptions(account: Account, { origin }: PasskeyPlace): Promise<object> {
    const { clock, auth } = this.#options
    const { generateRegistrationOptions } = await import('@simplewebauthn/server')
    const there = await this.#objects.list(account.id, clock.now())
    return generateRegistrationOptions({
      rpName: 'Posthorn',
      rpID: hostOf(origin),
      userName: account.address,
      userDisplayName: account.address,
      userID: new Uint8Array(Buffer.from(handleOf(account.id))),
      challenge: this.#challenges.make(registering(account.id), auth.challengeTime),
      timeout: auth.challengeTime,
      attestationType: 'none',
      excludeCredentials: there.map(({ value }) => ({ id: value.credential })),
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      supportedAlgorithmIDs: algorithms,
    })
  }

  /** `response` is whatever a client sent. */
  async register(
    account: Account,
    request: { readonly label: string; readonly response: unknown },
    { origin }: PasskeyPlace,
  ): Promise<{ readonly made: Passkey } | PasskeyRefusal> {
    const { clock, auth } = this.#options
    const { verifyRegistrationResponse } = await import('@simplewebauthn/server')
    const host = hostOf(origin)
    const verified = await verifyRegistrationResponse({
      // The library checks what it reads of it, and throws.
      response: request.response as RegistrationResponseJSON,
      expectedChallenge: (challenge) => this.#challenges.take(registering(account.id), challenge),
      expectedOrigin: origin,
      expectedRPID: host,
      requireUserVerification: true,
      supportedAlgorithmIDs: algorithms,
    }).catch(() => null)
    if (verified?.verified !== true) return 'bad-passkey'
    const { credential, credentialBackedUp } = verified.registrationInfo
    const now = clock.now()
    const value: PasskeyRecord = {
      label: request.label.slice(0, lengthOfLabel),
      ...{ created: now, used: null, host, synced: credentialBackedUp, counter: credential.counter },
      credential: credential.id,
      publicKey: Buffer.from(credential.publicKey).toString('base64url'),
      transports: (credential.transports ?? []).slice(0, 10).map((one) => one.slice(0, 20)),
    }
    const key = keyOf(credential.id)
    const id = await this.#objects.create(account.id, { value, key }, { now, limit: auth.maxPasskeys })
    if (typeof id === 'number') return { made: shown({ id, value }) }
    return id === 'too-many' ? 'too-many' : 'bad-passkey'
  }

  /** For `navigator.credentials.get`, in its JSON form: whoever's passkey it is. */
  async loginOptions({ origin }: PasskeyPlace): Promise<object> {
    const { auth } = this.#options
    const { generateAuthenticationOptions } = await import('@simplewebauthn/server')
    return generateAuthenticationOptions({
      rpID: hostOf(origin),
      challenge: this.#challenges.make(loginPurpose, auth.challengeTime),
      timeout: auth.challengeTime,
      userVerification: 'required',
    })
  }

  /** The account that the answer opens. `response` is whatever a client sent. */
  async logIn(
    response: unknown,
    from: PasskeyPlace & { readonly remoteAddress: string },
  ): Promise<{ readonly account: Account } | PasskeyRefusal> {
    const outcome = await this.#check(response, from.origin)
    const { events } = this.#options
    const attempt = { protocol: 'http', mechanism: 'passkey', remoteAddress: from.remoteAddress }
    if (typeof outcome === 'object') {
      events.emit(loginSucceeded, { ...attempt, address: outcome.account.address })
      return outcome
    }
    const reason = outcome === 'disabled' ? 'disabled' : 'bad-credentials'
    events.emit(loginFailed, { ...attempt, reason, username: '' })
    return outcome
  }

  async rename(account: AccountId, id: number, label: string): Promise<boolean> {
    const now = this.#options.clock.now()
    for (let round = 0; round < mostRounds; round++) {
      const found = await this.#objects.get(account, id, now)
      if (found === undefined) return false
      const value = { ...found.value, label: label.slice(0, lengthOfLabel) }
      // A log-in meanwhile must not lose its count.
      if (await this.#objects.update(account, { id: found.id, value, ifModSeq: found.modSeq }, now))
        return true
    }
    return false
  }

  /** What `list` says rests on this, read before it. */
  changes(account: AccountId): Promise<Unchanged[number]> {
    return this.#objects.state(account, this.#options.clock.now())
  }

  /** `not-found` where there is none of that id; `changed` where one of `unchanged` has changed. For removals see `ways-in.ts`. */
  async remove(
    account: AccountId,
    id: number,
    unchanged: Unchanged,
  ): Promise<'done' | 'not-found' | 'changed'> {
    const now = this.#options.clock.now()
    // A number that is nobody's id finds nothing.
    const outcome = await this.#objects.change(account, { destroy: [id as ObjectId], unchanged, now })
    return outcome === 'done' || outcome === 'changed' ? outcome : 'not-found'
  }

  async #check(response: unknown, origin: string): Promise<{ readonly account: Account } | PasskeyRefusal> {
    const { store, clock } = this.#options
    const named = readResponse(response)
    if (named === undefined) return 'bad-passkey'
    const now = clock.now()
    const found = await this.#objects.find(named.account, keyOf(named.credential), now)
    const { verifyAuthenticationResponse } = await import('@simplewebauthn/server')
    const host = hostOf(origin)
    if (found === undefined || found.value.host !== host) return 'bad-passkey'
    let answered: AnsweredChallenge | undefined
    const verified = await verifyAuthenticationResponse({
      // The library checks what it reads of it, and throws.
      response: response as AuthenticationResponseJSON,
      expectedChallenge: (challenge) => {
        answered = this.#challenges.answered(loginPurpose, challenge)
        return answered !== undefined
      },
      expectedOrigin: origin,
      expectedRPID: host,
      credential: credentialOf(found.value),
      requireUserVerification: true,
    }).catch(() => null)
    if (verified?.verified !== true || answered === undefined) return 'bad-passkey'
    const { newCounter } = verified.authenticationInfo
    if (!(await this.#note(named.account, found, { answered, counter: newCounter, now })))
      return 'bad-passkey'
    const account = await store.getAccount(named.account)
    if (account === undefined) return 'bad-passkey'
    return account.state === 'active' ? { account } : 'disabled'
  }

  /** Notes a use; false where another one came first that makes it worth nothing, or the passkey is gone. */
  async #note(
    account: AccountId,
    seen: AccountObject<PasskeyRecord>,
    use: { readonly answered: AnsweredChallenge; readonly counter: number; readonly now: number },
  ): Promise<boolean> {
    const { answered, counter, now } = use
    let found: AccountObject<PasskeyRecord> | undefined = seen
    for (let round = 0; round < mostRounds && found !== undefined; round++) {
      const { id, value, modSeq }: AccountObject<PasskeyRecord> = found
      const lately = (value.answered ?? []).filter(({ endsAt }) => endsAt > now)
      if (lately.some(({ nonce }) => nonce === answered.nonce)) return false
      // WebAuthn §7.2 step 22, for what was noted since the answer was judged.
      if (round > 0 && counter !== 0 && counter <= value.counter) return false
      const noted = { ...value, used: now, counter, answered: [...lately, answered] }
      if (await this.#objects.update(account, { id, value: noted, ifModSeq: modSeq }, now)) return true
      found = await this.#objects.get(account, id, now)
    }
    return false
  }
}

function shown({ id, value }: Pick<AccountObject<PasskeyRecord>, 'id' | 'value'>): Passkey {
  return { id, label: value.label, createdAt: value.created, usedAt: value.used, synced: value.synced }
}

function credentialOf({ credential, publicKey, counter }: PasskeyRecord): WebAuthnCredential {
  return { id: credential, publicKey: new Uint8Array(Buffer.from(publicKey, 'base64url')), counter }
}

/** Whose passkey an answer says it is, and which. */
function readResponse(
  value: unknown,
): { readonly account: AccountId; readonly credential: string } | undefined {
  if (typeof value !== 'object' || value === null || !('id' in value) || !('response' in value))
    return undefined
  const { id, response } = value
  if (typeof id !== 'string' || id.length > 2000) return undefined
  if (typeof response !== 'object' || response === null || !('userHandle' in response)) return undefined
  const { userHandle } = response
  if (typeof userHandle !== 'string' || userHandle.length > 100) return undefined
  const handle = Buffer.from(userHandle, 'base64url').toString('latin1')
  const account = /^A([1-9]\d{0,15})$/.exec(handle)?.[1]
  // Ids are numbers; one that is nobody's finds nothing.
  return account === undefined ? undefined : { account: Number(account) as AccountId, credential: id }
}

function handleOf(account: AccountId): string {
  return `A${account}`
}

function registering(account: AccountId): string {
  return `register ${account}`
}

/** The key of its object: credentials' ids are longer than keys may be. */
function keyOf(credential: string): string {
  return createHash('sha256').update(credential).digest('base64url')
}

function hostOf(origin: string): string {
  return new URL(origin).hostname
}
