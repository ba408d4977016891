// Samples of the server, put together to as many points as a chart shows well.
import type { Series } from './operations.ts'

export type Span = 'minutes' | 'hour' | 'day'

interface SpanShape {
  readonly label: string
  /** Behind "in". */
  readonly words: string
  readonly by: 'second' | 'minute'
  /** Samples that are shown, and how many make one point. */
  readonly samples: number
  readonly each: number
}

export const spans: Readonly<Record<Span, SpanShape>> = {
  minutes: { label: '10 min', words: '10 minutes', by: 'second', samples: 600, each: 10 },
  hour: { label: '1 h', words: 'an hour', by: 'minute', samples: 60, each: 1 },
  day: { label: '24 h', words: '24 hours', by: 'minute', samples: 1440, each: 15 },
}

export interface Binned {
  /** When each point ends, in milliseconds since the epoch. */
  readonly times: readonly number[]
  readonly values: Readonly<Record<keyof Series['values'], readonly number[]>>
}

export function sum(values: readonly number[]): number {
  return values.reduce((all, one) => all + one, 0)
}

/** `queued` is measured and not counted: of its samples the greatest is shown, and `queuedNow` for the point that is not over. */
export function binned({ step, end, values }: Series, span: Span, queuedNow: number): Binned {
  const { samples, each } = spans[span]
  const width = step * each
  // Points end at round times, so that they keep their values while time goes on.
  const late = Math.round((end % width) / step)
  const points = Math.ceil(samples / each)
  const first = (all: readonly number[]): number =>
    all.length - (points - 1) * each - (late === 0 ? each : late)
  const bins = (all: readonly number[], together: (some: readonly number[]) => number): number[] =>
    Array.from({ length: points }, (_, at) => {
      const from = first(all) + at * each
      return together(all.slice(Math.max(0, from), Math.max(0, Math.min(all.length, from + each))))
    })
  const lastEnd = late === 0 ? end : end - late * step + width
  const highest = bins(values.queued, (some) => Math.max(0, ...some))
  const counted = (name: keyof Series['values']): number[] => bins(values[name], sum)
  return {
    times: Array.from({ length: points }, (_, at) => lastEnd - (points - 1 - at) * width),
    values: {
      accepted: counted('accepted'),
      delivered: counted('delivered'),
      deferred: counted('deferred'),
      failed: counted('failed'),
      refused: counted('refused'),
      logins: counted('logins'),
      failedLogins: counted('failedLogins'),
      connections: counted('connections'),
      queued: highest.with(-1, queuedNow),
    },
  }
}
