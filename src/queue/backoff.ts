// A destination that fails again and again is left alone for a while: all its mail waits, then one job probes (docs/queue.md,
// "Dead destinations"). Arithmetic over a value; who keeps it is the dispatcher.
import type { Random } from '../base/random.ts'
import { jittered } from './schedule.ts'

export interface BackOff {
  /** Failures in a row before the destination counts as dead. */
  readonly deadAfter: number
  /** Milliseconds. */
  readonly first: number
  readonly longest: number
}

export interface DestinationHealth {
  /** Failures of the destination since it last took or refused anything properly. */
  readonly failures: number
  /** Milliseconds since the epoch: dead until then; 0: alive. */
  readonly retryAt: number
  /** The last failure, in the destination's words. */
  readonly reason: string
}

export const healthy: DestinationHealth = { failures: 0, retryAt: 0, reason: '' }

/** After a failure of the destination. Failures of attempts that were under way when it died count once. */
export function failedOnce(
  health: DestinationHealth,
  reason: string,
  options: { readonly now: number; readonly random: Random; readonly backOff: BackOff },
): DestinationHealth {
  const { now, random, backOff } = options
  if (health.retryAt > now) return { ...health, reason }
  const failures = health.failures + 1
  if (failures < backOff.deadAfter) return { failures, retryAt: 0, reason }
  const doublings = Math.min(failures - Math.max(1, backOff.deadAfter), 40)
  const wait = Math.min(backOff.longest, backOff.first * 2 ** doublings)
  return { failures, retryAt: now + jittered(wait, 0.1, random), reason }
}

/** `dead`: nothing may be tried; `probe`: one job may; `alive`: as many as there are lanes. */
export function conditionOf(health: DestinationHealth, now: number): 'alive' | 'dead' | 'probe' {
  if (health.retryAt === 0) return 'alive'
  return health.retryAt > now ? 'dead' : 'probe'
}
