// What everyone who asks a hook needs: time, a place for events, and a budget that ends a wait.
import type { Clock } from '../base/clock.ts'
import { errorText } from '../events/error-text.ts'
import type { Events } from '../events/event.ts'
import { hookDecided, hookFailed } from '../events/hooks.ts'
import type { OnFailure } from '../config/sections/hooks.ts'
import { BadAnswer, makeRefusal, type Stage } from './decision.ts'
import type { MessageVerdict, PolicyRefusal } from './policy.ts'

export interface HookParts {
  readonly clock: Clock
  readonly events: Events
}

/** The budget of a hook is used up. */
export class HookTimedOut extends Error {
  override name = 'HookTimedOut'
}

/** The work's result, or a rejection with `HookTimedOut`; the signal tells the work that nobody waits any more. */
export async function within<T>(
  milliseconds: number,
  clock: Clock,
  work: (signal: AbortSignal) => T | Promise<T>,
): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const control = new AbortController()
  const timer = clock.after(milliseconds, () => {
    const error = new HookTimedOut(`no answer within ${milliseconds} ms`)
    reject(error)
    control.abort(error)
  })
  try {
    return await Promise.race([work(control.signal), late])
  } finally {
    timer.cancel()
  }
}

/** Where a hook was asked, for the log. */
export interface Asked {
  readonly by: string
  readonly stage: Stage | 'delivered'
  readonly session: string
}

/** Records the trouble and gives what is configured for it. */
export function failed(
  { events }: HookParts,
  { by, stage, session }: Asked,
  { error, onFailure }: { error: unknown; onFailure: OnFailure },
): PolicyRefusal | null {
  const failure =
    error instanceof HookTimedOut ? 'timed-out' : error instanceof BadAnswer ? 'bad-answer' : 'broke'
  const then = stage === 'delivered' ? 'none' : onFailure
  events.emit(hookFailed, { by, stage, session, failure, error: errorText(error), then })
  if (stage === 'delivered' || onFailure === 'accept') return null
  return makeRefusal({ type: onFailure }, { by, stage })
}

/** Records a verdict that is not simply yes, and gives it back. */
export function decided<V extends MessageVerdict | null>(
  { events }: HookParts,
  { by, stage, session }: Asked,
  verdict: V,
): V {
  if (verdict === null) return verdict
  const detail =
    verdict.type === 'refuse'
      ? `${verdict.code} ${verdict.status} ${verdict.text}`
      : verdict.type === 'quarantine'
        ? verdict.reason
        : ''
  events.emit(hookDecided, { by, stage, session, decision: verdict.type, detail })
  return verdict
}
