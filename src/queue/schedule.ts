// When a recipient is tried again: arithmetic over the number of attempts, with no state (docs/queue.md, "Retry ladder").
import type { Random } from '../base/random.ts'

export interface RetryLadder {
  /** Milliseconds to wait after the first, second, … failed attempt; the last one repeats. At least one. */
  readonly after: readonly number[]
  /** Part of a wait that chance adds or takes: 0 to 1. */
  readonly jitter: number
}

/** RFC 5321 §4.5.4.1: retries are spread over days, and become rarer. */
export const defaultRetryLadder: RetryLadder = {
  after: [5, 15, 30, 60, 120, 240].map((minutes) => minutes * 60_000),
  jitter: 0.1,
}

/** What is known of a recipient's past. */
export interface RetryHistory {
  /** Attempts that failed so far, the one just made included; 0: never tried. */
  readonly attempts: number
}

/** Milliseconds since the epoch: not before then. A recipient that was never tried is due now. */
export function nextAttempt(
  history: RetryHistory,
  now: number,
  random: Random,
  ladder: RetryLadder = defaultRetryLadder,
): number {
  if (history.attempts === 0) return now
  const step = Math.min(history.attempts, ladder.after.length) - 1
  return now + jittered(ladder.after[step] ?? 0, ladder.jitter, random)
}

/** A wait, longer or shorter by chance by at most that part of it. */
export function jittered(wait: number, jitter: number, random: Random): number {
  const spread = Math.floor(wait * jitter)
  return spread === 0 ? wait : wait - spread + random.below(2 * spread + 1)
}
