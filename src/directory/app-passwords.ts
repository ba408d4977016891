// App passwords: one for each program that cannot ask for a second factor. Made by chance, told once, for some uses alone, until a time.
//
// - 100 bits of chance each, so that a plain SHA-256 is kept, and finds it without trying all of an account's.
// - They are no password of the log-in page, and change nothing of how the account is protected.
// - Their last use is noted at most every `auth.usedNoted`.
import { createHash } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { Secret } from '../base/secret.ts'
import type { AuthConfig } from '../config/sections/auth.ts'
import type { AccountId, ObjectId } from '../store/model.ts'
import type { ObjectStore } from '../store/objects.ts'
import { type AccountObject, AccountObjects } from './account-objects.ts'
import { readableSecret, tryReadableSecret } from './base32.ts'
import type { Scope } from './directory.ts'

interface AppPasswordRecord {
  readonly label: string
  readonly scopes: readonly Scope[]
  readonly created: number
  readonly used: number | null
  readonly usedBy: string | null
}

export interface AppPassword {
  readonly id: ObjectId
  readonly label: string
  readonly scopes: readonly Scope[]
  readonly createdAt: number
  readonly expiresAt: number | null
  /** Not later than its last use, and at most `auth.usedNoted` before it. */
  readonly usedAt: number | null
  /** Protocol and address of that use. */
  readonly usedBy: string | null
}

export interface AppPasswordOptions {
  readonly store: ObjectStore
  readonly clock: Clock
  readonly random: Random
  readonly auth: AuthConfig
}

const kind = 'app-password'
const characters = 20

export class AppPasswords {
  readonly #options: AppPasswordOptions
  readonly #objects: AccountObjects<AppPasswordRecord>

  constructor(options: AppPasswordOptions) {
    this.#options = options
    this.#objects = new AccountObjects(options.store, kind)
  }

  /** The password is told this once. */
  async add(
    account: AccountId,
    request: { readonly label: string; readonly scopes: readonly Scope[]; readonly expiresAt: number | null },
  ): Promise<{ readonly password: string; readonly made: AppPassword } | 'too-many' | 'gone'> {
    const { clock, random, auth } = this.#options
    const { label, expiresAt } = request
    const now = clock.now()
    const scopes = [...new Set(request.scopes)]
    const value: AppPasswordRecord = { label, scopes, created: now, used: null, usedBy: null }
    const password = readableSecret(random.bytes(characters), characters)
    const key = hashOf(password.replaceAll('-', ''))
    const limits = { now, limit: auth.maxAppPasswords }
    const id = await this.#objects.create(account, { value, key, expiresAt }, limits)
    if (typeof id === 'number') return { password, made: shown({ id, value, expiresAt }) }
    if (id === 'too-many' || id === 'gone') return id
    throw new Error('chance has made the same password twice')
  }

  /** In the order in which they were made. */
  async list(account: AccountId): Promise<AppPassword[]> {
    return (await this.#objects.list(account, this.#options.clock.now())).map(shown)
  }

  /** False where there is none of that id. */
  async remove(account: AccountId, id: number): Promise<boolean> {
    return this.#objects.destroy(account, [id as ObjectId], this.#options.clock.now())
  }

  /** The app password that this is, its use noted; undefined where it is none, or over. */
  async find(
    account: AccountId,
    password: Secret,
    use: { readonly protocol: string; readonly remoteAddress: string },
  ): Promise<AppPassword | undefined> {
    const bare = tryReadableSecret(password.reveal(), characters)
    if (bare === undefined) return undefined
    const now = this.#options.clock.now()
    const found = await this.#objects.find(account, hashOf(bare), now)
    if (found === undefined) return undefined
    const { id, value, modSeq } = found
    const usedBy = `${use.protocol} ${use.remoteAddress}`
    if (value.used === null || now - value.used >= this.#options.auth.usedNoted || value.usedBy !== usedBy) {
      await this.#objects.update(
        account,
        { id, value: { ...value, used: now, usedBy }, ifModSeq: modSeq },
        now,
      )
    }
    return shown(found)
  }
}

function shown({
  id,
  value,
  expiresAt,
}: Pick<AccountObject<AppPasswordRecord>, 'id' | 'value' | 'expiresAt'>): AppPassword {
  const { label, scopes, created, used, usedBy } = value
  return { id, label, scopes, createdAt: created, expiresAt, usedAt: used, usedBy }
}

function hashOf(bare: string): string {
  return createHash('sha256').update(bare).digest('base64url')
}
