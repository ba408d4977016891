// Chance as an argument.

/** A source of randomness. The real one is cryptographic; the seeded one replays. */
export interface Random {
  /** That many octets. */
  bytes(length: number): Uint8Array
  /** An integer, 0 ≤ n < bound; bound at most 2^48. */
  below(bound: number): number
  /** A URL-safe identifier with at least `bits` bits of randomness (default 128). */
  id(bits?: number): string
}
