// Randomness that replays: the same seed gives the same draws on every machine. For tests and simulations only; it is
// no cryptographic source. The generator is sfc32, whose state is mixed from the seed by FNV-1a and a warm-up.
import { checkBound, randomId } from './random-id.ts'
import type { Random } from './random.ts'

/** A `Random` that a seed determines. */
export class SeededRandom implements Random {
  #a: number
  #b: number
  #c = 0x9e3779b9
  #counter = 1

  constructor(seed: number | string) {
    const text = String(seed)
    this.#a = fnv1a(text, 0x811c9dc5)
    this.#b = fnv1a(text, 0x01234567)
    for (let round = 0; round < 15; round++) this.#next()
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let at = 0; at < length; at += 4) {
      let word = this.#next()
      for (let index = at; index < at + 4 && index < length; index++) {
        bytes[index] = word & 0xff
        word >>>= 8
      }
    }
    return bytes
  }

  below(bound: number): number {
    checkBound(bound)
    const limit = 2 ** 48 - (2 ** 48 % bound)
    for (;;) {
      const drawn = (this.#next() & 0xffff) * 2 ** 32 + this.#next()
      if (drawn < limit) return drawn % bound
    }
  }

  id(bits = 128): string {
    return randomId((length) => this.bytes(length), bits)
  }

  /** A generator of its own for a part of a simulation, so that one part's draws don't shift another's. */
  fork(name: string): SeededRandom {
    return new SeededRandom(`${this.#next()}/${name}`)
  }

  #next(): number {
    const result = (this.#a + this.#b + this.#counter) >>> 0
    this.#counter = (this.#counter + 1) >>> 0
    this.#a = (this.#b ^ (this.#b >>> 9)) >>> 0
    this.#b = (this.#c + (this.#c << 3)) >>> 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) >>> 0
    return result
  }
}

function fnv1a(text: string, basis: number): number {
  let hash = basis
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash >>> 0
}
