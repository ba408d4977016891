// The log for a person at a terminal: one short line an event, colours where the stream is a terminal.
import { styleText } from 'node:util'
import { type EventSink, type Level, reaches } from './event.ts'

const colours = { debug: 'gray', info: 'cyan', warn: 'yellow', error: 'red' } as const

/** Writes `12:03:44 smtp.message-accepted id=… size=…` lines. */
export function textLog(options: {
  level: Level
  write: (line: string) => void
  now: () => number
  colour: 'always' | 'never'
}): EventSink {
  return {
    record(kind, fields) {
      if (!reaches(kind.level, options.level)) return
      const time = new Date(options.now()).toISOString().slice(11, 19)
      const name = options.colour === 'always' ? styleText(colours[kind.level], kind.name) : kind.name
      const rest = Object.entries(fields)
        .filter(([, value]) => value !== undefined && value !== null)
        .map(([key, value]) => `${key}=${shown(String(value))}`)
      options.write(`${[time, name, ...rest].join(' ')}\n`)
    },
  }
}

/** Quoted where it would read as two fields, or could move a terminal's cursor. */
function shown(value: string): string {
  return /^[\w.@:+/<>[\]-]*$/u.test(value) ? value : JSON.stringify(value)
}
