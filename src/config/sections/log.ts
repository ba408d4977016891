// What is logged, and how.
import { z } from 'zod'

export const logSection = z
  .strictObject({
    level: z
      .enum(['debug', 'info', 'warn', 'error'])
      .default('info')
      .describe('The least important events written.'),
    format: z
      .enum(['text', 'json'])
      .default('json')
      .describe('text: for a terminal. json: one object a line.'),
  })
  .prefault({})

export type LogConfig = z.output<typeof logSection>
