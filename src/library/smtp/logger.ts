// What a server or a transport tells a program's log: events with their facts, never a password, a token or content.
import { stderr } from 'node:process'

/** As pino, bunyan and most others have it. What one throws is nobody's failure. */
export interface SmtpLogger {
  debug?(facts: object, message: string): void
  info?(facts: object, message: string): void
  error?(facts: object, message: string): void
}

export type Level = keyof SmtpLogger

/** Tells one event. */
export type Tell = (level: Level, facts: object, message: string) => void

/** `true` is a line each on standard error. */
export function telling(logger: SmtpLogger | boolean | undefined): Tell {
  if (logger === undefined || logger === false) return () => {}
  const to = logger === true ? standardError : logger
  return (level, facts, message) => {
    try {
      to[level]?.(facts, message)
    } catch {
      // A log that is broken must not break a session.
    }
  }
}

function write(level: Level): (facts: object, message: string) => void {
  return (facts, message) => {
    // As JSON, in which no fact can begin a line of its own.
    stderr.write(`posthorn/smtp ${level} ${JSON.stringify(message)} ${JSON.stringify(facts)}\n`)
  }
}

const standardError: SmtpLogger = { debug: write('debug'), info: write('info'), error: write('error') }
