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
      const name = options.colour === 'always' ? styleText(colours[kind.level], kind.name) : kind.name
      let line = `${timeOfDay(options.now())} ${name}`
      // Several a message: no object is made for a field.
      for (const key in fields) {
        const value = fields[key]
        if (value !== undefined && value !== null) line += ` ${key}=${shown(String(value))}`
      }
      options.write(`${line}\n`)
    },
  }
}

/** UTC. */
function timeOfDay(time: number): string {
  const seconds = Math.floor(time / 1000) % 86_400
  return `${twoDigits(seconds / 3600)}:${twoDigits((seconds / 60) % 60)}:${twoDigits(seconds % 60)}`
}

function twoDigits(number: number): string {
  const whole = Math.floor(number)
  return whole < 10 ? `0${whole}` : String(whole)
}

/** Quoted where it would read as two fields, or could move a terminal's cursor. */
function shown(value: string): string {
  return /^[\w.@:+/<>[\]-]*$/u.test(value) ? value : JSON.stringify(value)
}
