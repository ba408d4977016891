// What an account asks for beside its password: the codes of an authenticator app (TOTP, RFC 6238) or one of its recovery codes; and
// whether the password opens it at all.
//
// - A code is good once (RFC 6238 §5.2), in its step of 30 seconds and the ones beside it; two log-ins that bring the same code at
//   the same time meet in the store, and one is refused. What meets another change there is judged anew.
// - An app is asked for only after a code of its has confirmed that it was set up.
// - Recovery codes are 80 bits of chance each, kept as hashes, and good once.
// - The app's secret is kept as it is: whoever checks codes must know it.
import { createHash } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { AuthConfig } from '../config/sections/auth.ts'
import type { Account, AccountId } from '../store/model.ts'
import type { ObjectStore } from '../store/objects.ts'
import { type AccountObject, AccountObjects, mostRounds, type Unchanged } from './account-objects.ts'
import { base32, readableSecret, tryReadableSecret } from './base32.ts'

interface TotpRecord {
  readonly secret: string
  readonly since: number
  /** Of the newest code that was taken. */
  readonly step: number
  /** Hashes of those that are left. */
  readonly recovery: readonly string[]
}

interface PolicyRecord {
  readonly password: 'allowed' | 'refused'
}

type FactorRecord = TotpRecord | PolicyRecord

/** What of it a log-in needs to know. */
export interface Factors {
  readonly totp: 'on' | 'off'
  /** `refused`: passkeys alone open the account. */
  readonly password: 'allowed' | 'refused'
}

export interface TotpState {
  readonly state: 'on' | 'off'
  readonly since: number | null
  /** How many are left. */
  readonly recoveryCodes: number
}

export interface SecondFactorOptions {
  readonly store: ObjectStore
  readonly clock: Clock
  readonly random: Random
  readonly auth: AuthConfig
}

const kind = 'totp'
const keys = { totp: 'totp', pending: 'pending', policy: 'policy' } as const
/** RFC 4226 §4 recommends 160 bits. */
const secretOctets = 20
/** RFC 6238 §5.2: seconds. */
const period = 30
const digits = 6
const recoveryCount = 10
const recoveryCharacters = 16

export class SecondFactor {
  readonly #options: SecondFactorOptions
  readonly #objects: AccountObjects<FactorRecord>

  constructor(options: SecondFactorOptions) {
    this.#options = options
    this.#objects = new AccountObjects(options.store, kind)
  }

  async factors(account: AccountId): Promise<Factors> {
    const all = await this.#objects.list(account, this.#options.clock.now())
    const policy = all.find(({ key }) => key === keys.policy)?.value
    return {
      totp: all.some(({ key }) => key === keys.totp) ? 'on' : 'off',
      password: policy !== undefined && 'password' in policy ? policy.password : 'allowed',
    }
  }

  /** What `factors` says rests on this, read before it. */
  changes(account: AccountId): Promise<Unchanged[number]> {
    return this.#objects.state(account, this.#options.clock.now())
  }

  /** False where one of `unchanged` has changed. */
  async setPolicy(account: AccountId, policy: PolicyRecord, unchanged: Unchanged = []): Promise<boolean> {
    const now = this.#options.clock.now()
    for (let round = 0; round < mostRounds; round++) {
      const there = await this.#objects.find(account, keys.policy, now)
      const put =
        there === undefined
          ? { create: [{ key: keys.policy, value: policy }] }
          : { update: [{ id: there.id, value: policy, ifModSeq: there.modSeq }] }
      const outcome = await this.#objects.change(account, { ...put, unchanged, now })
      if (outcome === 'done') return true
      if (unchanged.length > 0) return false
    }
    return false
  }

  async state(account: AccountId): Promise<TotpState> {
    const found = await this.#totp(account, keys.totp)
    if (found === undefined) return { state: 'off', since: null, recoveryCodes: 0 }
    return { state: 'on', since: found.value.since, recoveryCodes: found.value.recovery.length }
  }

  /** Begins; whatever was begun before and not confirmed is forgotten. `url` is for a QR code. */
  async enrol(
    account: Account,
    issuer: string,
  ): Promise<{ readonly secret: string; readonly url: string; readonly expiresAt: number }> {
    const { clock, random, auth } = this.#options
    const secret = base32(random.bytes(secretOctets))
    const expiresAt = clock.now() + auth.enrolTime
    const value: TotpRecord = { secret, since: clock.now(), step: 0, recovery: [] }
    await this.#put(account.id, { key: keys.pending, value, expiresAt })
    const { TOTP } = await import('otpauth')
    const url = new TOTP({ issuer, label: account.address, secret, digits, period }).toString()
    return { secret, url, expiresAt }
  }

  /** From now on a code is asked for. The recovery codes, told this once; undefined for a wrong code, or where nothing was begun. */
  async confirm(account: AccountId, code: string): Promise<string[] | undefined> {
    for (let round = 0; round < mostRounds; round++) {
      const pending = await this.#totp(account, keys.pending)
      if (pending === undefined) return undefined
      const step = await this.#stepOf(pending.value, code)
      if (step === undefined) return undefined
      const now = this.#options.clock.now()
      const { codes, hashes } = this.#makeRecovery()
      const value: TotpRecord = { ...pending.value, since: now, step, recovery: hashes }
      const there = await this.#totp(account, keys.totp)
      // In one commit with the end of what was begun: of two that confirm it, one has recovery codes, and they are good.
      const outcome = await this.#objects.change(account, {
        ...(there === undefined
          ? { create: [{ key: keys.totp, value }] }
          : { update: [{ id: there.id, value, ifModSeq: there.modSeq }] }),
        destroy: [pending.id],
        now,
      })
      if (outcome === 'done') return codes
    }
    return undefined
  }

  /** False where none was on. */
  async remove(account: AccountId): Promise<boolean> {
    const now = this.#options.clock.now()
    const found = await this.#totp(account, keys.totp)
    return found !== undefined && this.#objects.destroy(account, [found.id], now)
  }

  /** New ones, told this once; the old ones are worthless. Undefined where no app is on. */
  async renewRecovery(account: AccountId): Promise<string[] | undefined> {
    for (let round = 0; round < mostRounds; round++) {
      const found = await this.#totp(account, keys.totp)
      if (found === undefined) return undefined
      const { codes, hashes } = this.#makeRecovery()
      if (await this.#change(account, found, { recovery: hashes })) return codes
    }
    return undefined
  }

  /** Takes a code of the app, or a recovery code; each is good once. */
  async check(account: AccountId, code: string): Promise<'code' | 'recovery' | 'wrong'> {
    for (let round = 0; round < mostRounds; round++) {
      const found = await this.#totp(account, keys.totp)
      const taken = found && (await this.#taken(found.value, code))
      if (found === undefined || taken === undefined) return 'wrong'
      if (await this.#change(account, found, taken)) return 'step' in taken ? 'code' : 'recovery'
    }
    return 'wrong'
  }

  /** What is left when a code has been taken; undefined for one that is worth nothing. */
  async #taken(
    record: TotpRecord,
    code: string,
  ): Promise<{ readonly step: number } | { readonly recovery: readonly string[] } | undefined> {
    const recovery = tryReadableSecret(code, recoveryCharacters)
    if (recovery === undefined) {
      const step = await this.#stepOf(record, code)
      return step === undefined ? undefined : { step }
    }
    const hash = hashOf(recovery)
    const left = record.recovery.filter((one) => one !== hash)
    return left.length === record.recovery.length ? undefined : { recovery: left }
  }

  /** The step of a code that fits and is newer than the last one that was taken. */
  async #stepOf({ secret, step: last }: TotpRecord, code: string): Promise<number | undefined> {
    const token = code.replaceAll(/\s/g, '')
    if (!/^\d{6}$/.test(token)) return undefined
    const { Secret, TOTP } = await import('otpauth')
    const timestamp = this.#options.clock.now()
    const request = { token, secret: Secret.fromBase32(secret), digits, period, timestamp, window: 1 }
    const delta = TOTP.validate(request)
    if (delta === null) return undefined
    const step = Math.floor(timestamp / 1000 / period) + delta
    return step > last ? step : undefined
  }

  async #totp(
    account: AccountId,
    key: 'totp' | 'pending',
  ): Promise<(AccountObject<FactorRecord> & { readonly value: TotpRecord }) | undefined> {
    const found = await this.#objects.find(account, key, this.#options.clock.now())
    return found !== undefined && 'secret' in found.value ? { ...found, value: found.value } : undefined
  }

  /** False where another change came first. */
  #change(
    account: AccountId,
    { id, value, modSeq }: AccountObject<FactorRecord>,
    change: Partial<TotpRecord>,
  ): Promise<boolean> {
    // Only records of an app are changed.
    const changed = { ...value, ...change } as TotpRecord
    return this.#objects.update(account, { id, value: changed, ifModSeq: modSeq }, this.#options.clock.now())
  }

  async #put(
    account: AccountId,
    object: { readonly key: string; readonly value: FactorRecord; readonly expiresAt: number | null },
  ): Promise<void> {
    const now = this.#options.clock.now()
    for (let round = 0; round < mostRounds; round++) {
      const there = await this.#objects.find(account, object.key, now)
      if (there !== undefined) {
        const change = { id: there.id, value: object.value, expiresAt: object.expiresAt }
        if (await this.#objects.update(account, change, now)) return
      } else if ((await this.#objects.create(account, object, { now })) !== 'key-taken') return
    }
    throw new Error('what an account asks for at log-in could not be written')
  }

  #makeRecovery(): { readonly codes: string[]; readonly hashes: string[] } {
    const codes = Array.from({ length: recoveryCount }, () =>
      readableSecret(this.#options.random.bytes(recoveryCharacters), recoveryCharacters),
    )
    return { codes, hashes: codes.map((code) => hashOf(code.replaceAll('-', ''))) }
  }
}

/** Whether the password alone opens the account to programs that cannot ask for more. */
export function isGuarded({ totp, password }: Factors): boolean {
  return totp === 'on' || password === 'refused'
}

function hashOf(bare: string): string {
  return createHash('sha256').update(bare).digest('base64url')
}
