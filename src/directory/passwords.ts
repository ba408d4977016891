// Making and checking passwords: argon2id behind a gate, and a short memory of what was checked already.
//
// The memory keeps keyed hashes of (name, stored hash, password), never a password. The stored hash is part of the key,
// so whatever changes the credentials, in this process or another, makes every remembered answer worthless at once.
import { createHmac } from 'node:crypto'
import { BoundedMap } from './bounded-map.ts'
import { Gate } from './gate.ts'
import {
  argon2SaltLength,
  formatPhc,
  hashPassword,
  isOutdated,
  tryParsePhc,
  verifyPassword,
} from './password-hash.ts'
import { makeCramVerifier } from '../sasl/cram-keys.ts'
import { makeScramVerifier, saltLength } from '../sasl/scram-keys.ts'
import { tryPrepare } from '../sasl/prepare.ts'
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { Secret } from '../base/secret.ts'
import type { AuthConfig } from '../config/sections/auth.ts'
import type { ScramHash } from '../sasl/scram-keys.ts'
import type { ScramVerifier } from '../sasl/mechanism.ts'
import type { Credentials } from '../store/model.ts'
import type { Argon2Cost, Argon2Hash } from './password-hash.ts'

/** Dependencies that the directory's parts share. */
export interface PasswordOptions {
  readonly clock: Clock
  readonly random: Random
  readonly config: AuthConfig
}

/** The answer to one check; `full` when too many are waiting. */
export type PasswordCheck = 'right' | 'wrong' | 'full'

export class Passwords {
  readonly #clock: Clock
  readonly #random: Random
  readonly #config: AuthConfig
  readonly #cost: Argon2Cost
  readonly #gate: Gate
  readonly #memoryKey: Uint8Array
  readonly #right: BoundedMap<true>
  /** Checks under way, so that many connections of one client cost one hash. */
  readonly #checking = new Map<string, Promise<PasswordCheck>>()
  /** What the password of an unknown user is compared with, so that it takes as long as any other. */
  readonly #nobody: Argon2Hash

  constructor({ clock, random, config }: PasswordOptions) {
    this.#clock = clock
    this.#random = random
    this.#config = config
    this.#cost = { memory: config.argon2Memory, passes: config.argon2Passes, parallelism: 1 }
    this.#gate = new Gate({ concurrency: config.hashConcurrency, maximumWaiting: config.hashQueue })
    this.#memoryKey = random.bytes(32)
    this.#right = new BoundedMap(config.cacheEntries)
    this.#nobody = { ...this.#cost, salt: random.bytes(argon2SaltLength), tag: random.bytes(32) }
  }

  /** Stands for this password of this name with these credentials, and can't be turned back. */
  fingerprint(name: string, credentials: Credentials | undefined, password: Secret): string {
    const text = `${name}\0${credentials?.argon2id ?? ''}\0${password.reveal()}`
    return createHmac('sha256', this.#memoryKey).update(text).digest('base64url')
  }

  /** Whether the password fits; no credentials (an unknown user) take as long and are wrong. */
  check(request: {
    readonly fingerprint: string
    readonly credentials: Credentials | undefined
    readonly password: Secret
  }): Promise<PasswordCheck> {
    const { fingerprint } = request
    if (this.#right.get(fingerprint, this.#clock.monotonic())) return Promise.resolve('right')
    const underWay = this.#checking.get(fingerprint)
    if (underWay !== undefined) return underWay
    const check = this.#compute(request).finally(() => this.#checking.delete(fingerprint))
    this.#checking.set(fingerprint, check)
    return check
  }

  /**
   * True when the stored hash, or a missing verifier, should be made anew now that the password is known; or when one for
   * CRAM-MD5 is kept that should be no more.
   */
  isOutdated(credentials: Credentials): boolean {
    const hash = credentials.argon2id === null ? undefined : tryParsePhc(credentials.argon2id)
    if (hash === undefined) return false
    const hasCram = credentials.cramMd5 != null
    const lacksScram = credentials.scramSha256 === null || credentials.scramSha1 == null
    return lacksScram || hasCram !== this.#config.cramMd5 || isOutdated(hash, this.#cost)
  }

  /** What to store for a password; undefined where it cannot be prepared (controls, empty). Waits for its turn. */
  async make(password: Secret): Promise<Credentials | 'full' | undefined> {
    const prepared = tryPrepare(password.reveal())
    if (prepared === undefined) return undefined
    const made = await this.#gate.run(async () => {
      const argon2id = await hashPassword(prepared, this.#cost, this.#random.bytes(argon2SaltLength))
      const scram = (scramHash: ScramHash): Promise<ScramVerifier | undefined> =>
        makeScramVerifier({
          ...{ scramHash, password: prepared, salt: this.#random.bytes(saltLength) },
          iterations: this.#config.scramIterations,
        })
      const [scramSha256, scramSha1] = await Promise.all([scram('sha256'), scram('sha1')])
      const cramMd5 = this.#config.cramMd5 ? (makeCramVerifier(prepared) ?? null) : null
      return {
        argon2id: formatPhc(argon2id),
        scramSha256: scramSha256 ?? null,
        scramSha1: scramSha1 ?? null,
        cramMd5,
      }
    })
    return made === 'full' ? 'full' : made.result
  }

  async #compute(request: {
    readonly fingerprint: string
    readonly credentials: Credentials | undefined
    readonly password: Secret
  }): Promise<PasswordCheck> {
    const { fingerprint, credentials, password } = request
    const stored = credentials?.argon2id == null ? undefined : tryParsePhc(credentials.argon2id)
    const verified = await this.#gate.run(() => verifyPassword(password.reveal(), stored ?? this.#nobody))
    if (verified === 'full') return 'full'
    if (!verified.result || stored === undefined) return 'wrong'
    if (this.#config.cacheTime > 0) {
      this.#right.set(fingerprint, true, this.#clock.monotonic() + this.#config.cacheTime)
    }
    return 'right'
  }
}
