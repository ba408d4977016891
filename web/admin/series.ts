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

export type SeriesName = keyof Series['values']

export interface Binned {
  /** When each point ends, in milliseconds since the epoch. */
  readonly times: readonly number[]
  readonly values: Readonly<Record<SeriesName, readonly number[]>>
  /** Of the whole span. */
  total(name: SeriesName): number
}

export function sum(values: readonly number[]): number {
  return values.reduce((all, one) => all + one, 0)
}

/**
 * The point that is not over is left out, since it would fall whatever comes; the totals have it. `queued` is measured and not counted:
 * of its samples the greatest is shown, and last how many there are now.
 */
export function binned({ step, end, values }: Series, span: Span, queuedNow: number): Binned {
  const { samples, each } = spans[span]
  const width = step * each
  // Points end at round times, so that they keep their values while time goes on. The last sample is never over.
  const late = Math.round((end % width) / step) || each
  const points = Math.ceil(samples / each) - 1
  const bins = (all: readonly number[], together: (some: readonly number[]) => number): number[] =>
    Array.from({ length: points }, (_, at) => {
      const from = all.length - late - (points - at) * each
      return together(all.slice(Math.max(0, from), Math.max(0, from + each)))
    })
  const lastEnd = end - late * step
  const highest = bins(values.queued, (some) => Math.max(0, ...some))
  const counted = (name: SeriesName): number[] => bins(values[name], sum)
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
    total: (name) => sum(values[name].slice(-samples)),
  }
}
