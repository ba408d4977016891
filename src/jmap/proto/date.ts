// The Date and UTCDate types (RFC 8620 §1.4): RFC 3339 date-times in capitals. The calendar is checked: 2026-02-30 is no date. A leap second is
// read as the second after it, and a fraction of zero, which "MUST always be omitted", as none: JavaScript's toISOString() writes it.
import { Wrong, type Shape } from './shape.ts'

const form = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(Z|[+-]\d{2}:\d{2})$/

/** Milliseconds since the epoch; undefined: no Date. */
export function tryDate(text: string): number | undefined {
  const match = form.exec(text)
  if (match === null) return undefined
  const [, year = '', month = '', day = '', hour = '', minute = '', second = '', fraction, zone = ''] = match
  if (+hour > 23 || +minute > 59 || +second > 60) return undefined
  const time = new Date(0)
  time.setUTCFullYear(+year, +month - 1, +day)
  if (time.getUTCMonth() !== +month - 1 || time.getUTCDate() !== +day) return undefined
  const offset = tryOffset(zone)
  if (offset === undefined) return undefined
  const milliseconds = fraction === undefined ? 0 : Math.trunc(Number(`0.${fraction.slice(0, 6)}`) * 1000)
  return time.getTime() + ((+hour * 60 + +minute - offset) * 60 + +second) * 1000 + milliseconds
}

/** Minutes east of Greenwich. */
function tryOffset(zone: string): number | undefined {
  if (zone === 'Z') return 0
  const hours = Number(zone.slice(1, 3))
  const minutes = Number(zone.slice(4))
  if (hours > 23 || minutes > 59) return undefined
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes)
}

/** RFC 8620 §1.4, as milliseconds since the epoch. */
export const utcDate: Shape<number> = (value) => {
  const read = typeof value === 'string' && value.endsWith('Z') ? tryDate(value) : undefined
  return read ?? new Wrong('a UTCDate such as "2014-10-30T06:12:00Z" is wanted')
}

/** RFC 8620 §1.4: the text, which carries its zone. */
export const date: Shape<string> = (value) =>
  typeof value === 'string' && tryDate(value) !== undefined
    ? value
    : new Wrong('a Date such as "2014-10-30T14:12:00+08:00" is wanted')

/** RFC 8620 §1.4: whole seconds, since what is kept is told as such. */
export function formatUtcDate(milliseconds: number): string {
  return `${new Date(Math.trunc(milliseconds / 1000) * 1000).toISOString().slice(0, -5)}Z`
}
