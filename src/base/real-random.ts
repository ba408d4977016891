// Randomness from the system's cryptographic source.
import { randomBytes } from 'node:crypto'
import { checkBound, randomId } from './random-id.ts'
import type { Random } from './random.ts'

/** The `Random` for everything but tests and simulations. */
export class RealRandom implements Random {
  bytes(length: number): Uint8Array {
    return randomBytes(length)
  }

  below(bound: number): number {
    checkBound(bound)
    // 48 bits at a time; what lies above the last whole multiple of the bound is drawn again.
    const limit = 2 ** 48 - (2 ** 48 % bound)
    for (;;) {
      const drawn = randomBytes(6).readUIntBE(0, 6)
      if (drawn < limit) return drawn % bound
    }
  }

  id(bits = 128): string {
    return randomId((length) => this.bytes(length), bits)
  }
}
