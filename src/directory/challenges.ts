// Challenges for passkeys (WebAuthn §13.4.3): good for one purpose, until a time, once. Nothing is kept for those that are never answered:
// each carries its end and is signed, so that any node of a server knows its own; those that were answered are remembered until they end.
import { Buffer } from 'node:buffer'
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { AuthConfig } from '../config/sections/auth.ts'
import { BoundedMap } from './bounded-map.ts'

const nonceLength = 16
const timeLength = 6
const bodyLength = nonceLength + timeLength
const signatureLength = 16

export interface AnsweredChallenge {
  readonly nonce: string
  /** Milliseconds since the epoch. */
  readonly endsAt: number
}

export class Challenges {
  readonly #clock: Clock
  readonly #random: Random
  readonly #secret: Uint8Array
  /** Each costs its answerer a signature. */
  readonly #used: BoundedMap<true>

  /** `secret`: the installation's. */
  constructor(options: {
    readonly clock: Clock
    readonly random: Random
    readonly secret: Uint8Array
    readonly auth: Pick<AuthConfig, 'maxChallenges'>
  }) {
    this.#used = new BoundedMap(options.auth.maxChallenges)
    this.#clock = options.clock
    this.#random = options.random
    this.#secret = options.secret
  }

  make(purpose: string, milliseconds: number): Uint8Array<ArrayBuffer> {
    const body = Buffer.alloc(bodyLength)
    body.set(this.#random.bytes(nonceLength))
    body.writeUIntBE(this.#clock.now() + milliseconds, nonceLength, timeLength)
    return new Uint8Array(Buffer.concat([body, this.#signature(purpose, body)]))
  }

  /** True for one of ours of that purpose, in time, the first time. `text` is base64url. */
  take(purpose: string, text: string): boolean {
    return this.answered(purpose, text) !== undefined
  }

  /** The same, with what whoever keeps answers for longer than this process remembers. */
  answered(purpose: string, text: string): AnsweredChallenge | undefined {
    const bytes = Buffer.from(text, 'base64url')
    if (bytes.length !== bodyLength + signatureLength) return undefined
    const body = bytes.subarray(0, bodyLength)
    if (!timingSafeEqual(bytes.subarray(bodyLength), this.#signature(purpose, body))) return undefined
    const left = body.readUIntBE(nonceLength, timeLength) - this.#clock.now()
    const nonce = body.subarray(0, nonceLength).toString('base64url')
    const now = this.#clock.monotonic()
    if (left <= 0 || this.#used.get(nonce, now) === true) return undefined
    this.#used.set(nonce, true, now + left)
    return { nonce, endsAt: this.#clock.now() + left }
  }

  #signature(purpose: string, body: Uint8Array): Buffer {
    const hmac = createHmac('sha256', this.#secret).update(`passkey challenge\0${purpose}\0`).update(body)
    return hmac.digest().subarray(0, signatureLength)
  }
}
