// Dates of RFC 3501 §9: `date` in SEARCH, `date-time` in APPEND and INTERNALDATE.
//
// A date that no calendar has (30-Feb) is refused. The time zone is kept for nothing: a moment is milliseconds since the
// epoch, and INTERNALDATE is written in UTC.
import type { Cursor } from './cursor.ts'

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const day = 86_400_000

/** A day without a zone: days since 1970-01-01. RFC 3501 §6.4.4 compares dates "disregarding time and timezone". */
export type DayNumber = number

/** `date = date-text / DQUOTE date-text DQUOTE`; `date-text = date-day "-" date-month "-" date-year` */
export function parseDate(cursor: Cursor): DayNumber {
  const quoted = cursor.take('"')
  const first = cursor.digits(1)
  const next = cursor.peek()
  const dayOfMonth = next >= '0' && next <= '9' && next !== '' ? first * 10 + cursor.digits(1) : first
  const date = parseMonthAndYear(cursor, dayOfMonth)
  if (quoted) cursor.expect('"')
  return date / day
}

/** `date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE`, as milliseconds. */
export function parseDateTime(cursor: Cursor): number {
  cursor.expect('"', 'a quoted date and time')
  // date-day-fixed = (SP DIGIT) / 2DIGIT
  const dayOfMonth = cursor.take(' ') ? cursor.digits(1) : cursor.digits(2)
  const date = parseMonthAndYear(cursor, dayOfMonth)
  cursor.sp()
  const hours = cursor.digits(2)
  cursor.expect(':')
  const minutes = cursor.digits(2)
  cursor.expect(':')
  const seconds = cursor.digits(2)
  // A leap second is a second that this clock does not have.
  if (hours > 23 || minutes > 59 || seconds > 60) cursor.fail('no such time of day')
  cursor.sp()
  const zone = parseZone(cursor)
  cursor.expect('"')
  return date + ((hours * 60 + minutes - zone) * 60 + Math.min(seconds, 59)) * 1000
}

/** `zone = ("+" / "-") 4DIGIT`, as minutes east of Greenwich. */
function parseZone(cursor: Cursor): number {
  const west = cursor.take('-')
  if (!west) cursor.expect('+', 'a time zone')
  const hours = cursor.digits(2)
  const minutes = cursor.digits(2)
  if (minutes > 59 || hours > 23) cursor.fail('no such time zone')
  return (west ? -1 : 1) * (hours * 60 + minutes)
}

/** `"-" date-month "-" date-year` behind the day; the moment its UTC day begins. */
function parseMonthAndYear(cursor: Cursor, dayOfMonth: number): number {
  cursor.expect('-')
  const name = cursor.peek() === '-' ? '' : monthName(cursor)
  const month = months.findIndex((other) => other.toUpperCase() === name)
  if (month === -1) cursor.fail('expected a month as three letters')
  cursor.expect('-')
  const year = cursor.digits(4)
  const date = new Date(0)
  date.setUTCFullYear(year, month, dayOfMonth)
  if (date.getUTCMonth() !== month || date.getUTCDate() !== dayOfMonth) cursor.fail('no such day')
  return date.getTime()
}

function monthName(cursor: Cursor): string {
  let name = ''
  while (name.length < 3 && /[a-z]/i.test(cursor.peek())) {
    const character = cursor.peek()
    cursor.take(character)
    name += character.toUpperCase()
  }
  return name
}

/** `date-time` in UTC, without its quotes: ` 1-Feb-2026 07:08:09 +0000` (date-day-fixed is padded with a space). */
export function formatDateTime(milliseconds: number): string {
  const date = new Date(milliseconds)
  const dayText = String(date.getUTCDate()).padStart(2, ' ')
  const year = String(Math.max(0, date.getUTCFullYear())).padStart(4, '0')
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()]
  const timeText = time.map((part) => String(part).padStart(2, '0')).join(':')
  return `${dayText}-${months[date.getUTCMonth()]}-${year} ${timeText} +0000`
}
