// What everyone who asks a hook needs: time, a place for events, and a budget that ends a wait.
import type { Clock } from '../base/clock.ts'
import { errorText } from '../events/error-text.ts'
import type { Events } from '../events/event.ts'
import { hookAccepted, hookDecided, hookFailed } from '../events/hooks.ts'
import type { Rewrite } from '../config/hooks.ts'
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
  /** Absent before MAIL. */
  readonly message?: string | undefined
}

/** Of whom somebody is asked, for the log. */
export function askedOf({
  sessionId,
  id,
}: {
  readonly sessionId: string
  readonly id?: string | undefined
}): {
  readonly session: string
  readonly message?: string | undefined
} {
  return { session: sessionId, message: id }
}

/** Records the trouble and gives what is configured for it. */
export function failed(
  { events }: HookParts,
  { by, stage, session, message = '' }: Asked,
  { error, onFailure }: { error: unknown; onFailure: OnFailure },
): PolicyRefusal | null {
  const failure =
    error instanceof HookTimedOut ? 'timed-out' : error instanceof BadAnswer ? 'bad-answer' : 'broke'
  const then = stage === 'delivered' ? 'none' : onFailure
  events.emit(hookFailed, { by, stage, session, message, failure, error: errorText(error), then })
  if (stage === 'delivered' || onFailure === 'accept') return null
  return makeRefusal({ type: onFailure }, { by, stage })
}

/** Records a verdict, a plain yes only of a whole message, and gives it back. */
export function decided<V extends MessageVerdict | null>(
  { events }: HookParts,
  { by, stage, session, message = '' }: Asked,
  verdict: V,
): V {
  if (verdict === null) {
    if (stage === 'data') events.emit(hookAccepted, { by, stage, session, message })
    return verdict
  }
  const detail = detailOf(verdict)
  events.emit(hookDecided, { by, stage, session, message, decision: verdict.type, detail })
  return verdict
}

function detailOf(verdict: MessageVerdict): string {
  switch (verdict.type) {
    case 'refuse':
      return `${verdict.code} ${verdict.status} ${verdict.text}`
    case 'discard':
      return ''
    case 'rewrite':
      return rewritesInWords(verdict.rewrites)
    case 'quarantine':
      return [verdict.reason, rewritesInWords(verdict.rewrites)].filter((text) => text !== '').join('; ')
  }
}

/** Fields by which filters say what they think; of all others the name alone is told, since a message's text is nowhere in the log. */
const verdictFields = /^(?:x-spam|x-rspamd|x-virus|authentication-results$)/i
const longestDetail = 500

function rewritesInWords(rewrites: readonly Rewrite[]): string {
  const words = rewrites.flatMap(({ header = [], body, reversePath, ...recipients }) => [
    ...header.map((change) => {
      const shown =
        change.type !== 'remove' && verdictFields.test(change.name)
          ? `: ${change.value.replaceAll(/\s+/g, ' ').trim().slice(0, 150)}`
          : ''
      return `${change.type} ${change.name}${shown}`
    }),
    ...(body === undefined ? [] : ['another body']),
    ...(reversePath === undefined ? [] : [`reverse-path <${reversePath}>`]),
    ...(recipients.addRecipients ?? []).map((address) => `add recipient ${address}`),
    ...(recipients.removeRecipients ?? []).map((address) => `remove recipient ${address}`),
  ])
  return words.join('; ').slice(0, longestDetail)
}
