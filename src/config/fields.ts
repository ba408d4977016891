// Kinds of configuration values that people write with units: durations and sizes. In the file `"5m"` or a number of
// milliseconds, `"50 MB"` or a number of octets; in the program always a number.
import { z } from 'zod'
import { parseDuration } from '../base/duration.ts'
import { parseSize } from '../base/size.ts'

/** A duration, in milliseconds once read. */
export function duration(initial: string, description: string) {
  return z
    .union([z.string(), z.number().nonnegative()])
    .transform((value, context) =>
      read(value, parseDuration, context, 'a duration such as "30s", "5m" or "2h"'),
    )
    .prefault(initial)
    .describe(description)
}

/** A size, in octets once read. */
export function size(initial: string, description: string) {
  return z
    .union([z.string(), z.number().nonnegative()])
    .transform((value, context) => read(value, parseSize, context, 'a size such as "64 KB" or "50 MB"'))
    .prefault(initial)
    .describe(description)
}

/** A count, with its default. */
export function count(initial: number, description: string) {
  return z.int().nonnegative().default(initial).describe(description)
}

function read(
  value: string | number,
  parse: (text: string) => number | undefined,
  context: z.RefinementCtx,
  wanted: string,
): number {
  if (typeof value === 'number') return value
  const parsed = parse(value)
  if (parsed !== undefined) return parsed
  context.addIssue({ code: 'custom', message: `"${value}" is not ${wanted}` })
  return z.NEVER
}
