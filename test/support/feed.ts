// Feeds the same bytes to a streaming parser in every way that a network could cut them, and demands one result.
// A parser whose outcome depends on where a chunk ends is wrong, however right it is on whole input.
import assert from 'node:assert/strict'

/** How hard to try. */
export interface FeedOptions {
  /** How many seeded random cuttings to try besides whole and byte by byte; default 8. */
  readonly cuts?: number
  /** The seed of the random cuttings; a failure names it, so that it can be replayed. Default 1. */
  readonly seed?: number
}

/**
 * Runs `run` on the bytes whole, byte by byte, and at random cuts (empty chunks among them), asserts that all results
 * are deeply equal, and returns the result of the whole feed. `run` must build a fresh parser on each call.
 */
export function feedEveryWay<T>(
  bytes: Uint8Array | string,
  run: (chunks: Uint8Array[]) => T,
  options: FeedOptions = {},
): T {
  const { cuts = 8, seed = 1 } = options
  const all = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes
  const whole = run([all.slice()])
  assert.deepEqual(run(cutEvery(all, 1)), whole, 'byte by byte differs from whole')
  for (let round = 0; round < cuts; round++) {
    const name = `random cuts (seed ${seed}, round ${round}) differ from whole`
    assert.deepEqual(run(cutRandomly(all, seed * 1_000 + round)), whole, name)
  }
  return whole
}

/** The asynchronous twin of `feedEveryWay`, for parsers behind a promise. */
export async function feedEveryWayAsync<T>(
  bytes: Uint8Array | string,
  run: (chunks: Uint8Array[]) => Promise<T>,
  options: FeedOptions = {},
): Promise<T> {
  const { cuts = 8, seed = 1 } = options
  const all = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes
  const whole = await run([all.slice()])
  assert.deepEqual(await run(cutEvery(all, 1)), whole, 'byte by byte differs from whole')
  for (let round = 0; round < cuts; round++) {
    const name = `random cuts (seed ${seed}, round ${round}) differ from whole`
    assert.deepEqual(await run(cutRandomly(all, seed * 1_000 + round)), whole, name)
  }
  return whole
}

/** The bytes in pieces of `length`; each piece is its own copy, as from a socket. */
export function cutEvery(bytes: Uint8Array, length: number): Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += length) chunks.push(bytes.slice(at, at + length))
  return chunks
}

/** The bytes in pieces of random length; the same seed cuts alike. */
export function cutRandomly(bytes: Uint8Array, seed: number): Uint8Array[] {
  const next = mulberry32(seed)
  // Some rounds cut finely, some coarsely: both kinds of mistake exist.
  const longest = 1 + Math.floor(next() * Math.min(bytes.length + 1, next() < 0.5 ? 5 : 400))
  const chunks: Uint8Array[] = []
  for (let at = 0; at < bytes.length;) {
    const length = Math.floor(next() * (longest + 1))
    chunks.push(bytes.slice(at, at + length))
    at += length
  }
  return chunks
}

function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
