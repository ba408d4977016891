// The log for machines: JSON lines by pino, one object an event with `event` as its name.
import { pino } from 'pino'
import type { EventSink, Level } from './event.ts'

/** Writes to a file descriptor (standard error by default). */
export function jsonLog(options: { level: Level; descriptor?: number; now: () => number }): EventSink {
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: () => `,"time":"${new Date(options.now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ dest: options.descriptor ?? 2, sync: true }),
  )
  return {
    record(kind, fields) {
      logger[kind.level]({ event: kind.name, ...fields })
    },
  }
}
