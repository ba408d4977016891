// Randomness from the system's cryptographic source.
import { Buffer } from 'node:buffer'
import { randomFillSync } from 'node:crypto'
import { checkBound, randomId } from './random-id.ts'
import type { Random } from './random.ts'

/** Octets fetched at a time: asking the source costs far more than the octets. */
const poolBytes = 4096

/** The `Random` for everything but tests and simulations. */
export class RealRandom implements Random {
  readonly #pool = Buffer.alloc(poolBytes)
  #used = poolBytes

  /** No octet is given twice, and none that was given stays in the pool. */
  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    if (length > poolBytes) return randomFillSync(bytes)
    if (this.#used + length > poolBytes) {
      randomFillSync(this.#pool)
      this.#used = 0
    }
    const given = this.#pool.subarray(this.#used, this.#used + length)
    bytes.set(given)
    given.fill(0)
    this.#used += length
    return bytes
  }

  below(bound: number): number {
    checkBound(bound)
    // 48 bits at a time; what lies above the last whole multiple of the bound is drawn again.
    const limit = 2 ** 48 - (2 ** 48 % bound)
    for (;;) {
      const drawn = Buffer.from(this.bytes(6)).readUIntBE(0, 6)
      if (drawn < limit) return drawn % bound
    }
  }

  id(bits = 128): string {
    return randomId((length) => this.bytes(length), bits)
  }
}
