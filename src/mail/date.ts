// Dates of message headers (RFC 5322 §3.3), read leniently and written strictly.
//
// Reading takes the obsolete forms of RFC 5322 §4.3 and what broken software writes (ISO 8601, asctime, dashes, full
// month names, `GMT+0100`); what makes no sense is undefined, never an exception. Only the first 200 characters count.

/** A moment, with the offset that its author saw on the clock. */
export interface MailDate {
  /** Milliseconds since the Unix epoch. */
  readonly time: number
  /** Minutes east of UTC. 0 also for `-0000` and unknown names of zones (RFC 5322 §4.3). */
  readonly zoneMinutes: number
}

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const
/** RFC 5322 §4.3 `obs-zone`: hours east of UTC. Military letters count as 0, since they were used both ways. */
const zones: Readonly<Record<string, number>> = {
  ut: 0,
  utc: 0,
  gmt: 0,
  z: 0,
  est: -5,
  edt: -4,
  cst: -6,
  cdt: -5,
  mst: -7,
  mdt: -6,
  pst: -8,
  pdt: -7,
}
const longestDate = 200

/** RFC 5322 §3.3 `date-time` with a four-digit year and a numeric zone. */
export function formatDate(time: number, zoneMinutes = 0): string {
  const local = new Date(time + zoneMinutes * 60_000)
  const date = `${pad(local.getUTCDate())} ${months[local.getUTCMonth()]} ${pad(local.getUTCFullYear(), 4)}`
  const clock = `${pad(local.getUTCHours())}:${pad(local.getUTCMinutes())}:${pad(local.getUTCSeconds())}`
  const offset = Math.abs(zoneMinutes)
  const zone = `${zoneMinutes < 0 ? '-' : '+'}${pad(Math.floor(offset / 60))}${pad(offset % 60)}`
  return `${weekdays[local.getUTCDay()]}, ${date} ${clock} ${zone}`
}

/** Reads the value of a Date field; undefined where no moment can be made of it. Linear, never throws. */
export function tryDate(text: string): MailDate | undefined {
  return tryPlainDate(text) ?? tryAnyDate(text)
}

/** As nearly all are written: `Sat, 21 Nov 2026 10:05:09 +0100`. */
const plainDate =
  /^[ \t]{0,3}(?:[A-Za-z]{3}, )?(\d{1,2}) ([A-Za-z]{3}) (\d{4}) ([01]\d|2[0-3]):([0-5]\d):([0-5]\d) ([+-])(\d\d)([0-5]\d)(?: \([A-Z]{1,5}\))?[ \t]{0,3}$/

/** Where it is certain; what takes a closer look is left to `tryAnyDate`. */
function tryPlainDate(text: string): MailDate | undefined {
  const match = plainDate.exec(text)
  if (match === null) return undefined
  const month = months.findIndex((name) => name === match[2])
  const [day, year, hours] = [Number(match[1]), Number(match[3]), Number(match[8])]
  // Days that every month has.
  if (month === -1 || day < 1 || day > 28 || year < 1900 || hours > 23) return undefined
  const offset = hours * 60 + Number(match[9])
  const zoneMinutes = match[7] === '-' && offset > 0 ? -offset : offset
  const local = Date.UTC(year, month, day, Number(match[4]), Number(match[5]), Number(match[6]))
  return { time: local - zoneMinutes * 60_000, zoneMinutes }
}

function tryAnyDate(text: string): MailDate | undefined {
  const found: Found = { numbers: [], month: -1, year: -1, clock: null, zone: null }
  for (const word of words(text.slice(0, longestDate))) takeWord(found, word)
  return assemble(found)
}

/** As asctime(3) writes it, in UTC: `Sat Nov 21 10:05:09 2026`. */
export function formatAsctime(time: number): string {
  const date = new Date(time)
  const clock = `${pad(date.getUTCHours())}:${pad(date.getUTCMinutes())}:${pad(date.getUTCSeconds())}`
  const day = String(date.getUTCDate()).padStart(2)
  return `${weekdays[date.getUTCDay()]} ${months[date.getUTCMonth()]} ${day} ${clock} ${pad(date.getUTCFullYear(), 4)}`
}

interface Found {
  /** Day and year, in the order in which they came. */
  readonly numbers: { readonly value: number; readonly digits: number }[]
  /** 0 to 11; -1 until seen. */
  month: number
  /** Set where the form itself says which number is the year (ISO 8601). */
  year: number
  clock: readonly [hours: number, minutes: number, seconds: number] | null
  zone: number | null
}

/** Words without comments (RFC 5322 §3.2.2; they nest), with the spaces around colons closed (`obs-hour`). */
function words(text: string): string[] {
  let plain = ''
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at)
    if (depth > 0 && character === '\\') at++
    else if (character === '(') depth++
    else if (character === ')') depth = Math.max(0, depth - 1)
    else if (depth === 0) plain += character
  }
  return plain
    .replace(/\s*:\s*/g, ':')
    .split(/[\s,]+/)
    .filter((word) => word !== '')
}

function takeWord(found: Found, word: string): void {
  const iso = /^(\d{4})-(\d{1,2})-(\d{1,2})(?:T(.+))?$/i.exec(word)
  if (iso !== null) {
    found.year = Number(iso[1])
    found.month = Number(iso[2]) - 1
    found.numbers.unshift({ value: Number(iso[3]), digits: 2 })
    if (iso[4] !== undefined) takeIsoClock(found, iso[4])
    return
  }
  const dashed = /^(\d{1,2})-([a-z]{3,9})-(\d{2,4})$/i.exec(word)
  if (dashed !== null) {
    for (const piece of dashed.slice(1)) takeWord(found, piece)
    return
  }
  if (found.clock === null && takeClock(found, word)) return
  if (/^\d{1,4}$/.test(word) && found.numbers.length < 2) {
    found.numbers.push({ value: Number(word), digits: word.length })
    return
  }
  if (found.month < 0 && /^[a-z]{3,9}\.?$/i.test(word)) {
    const start = word.slice(0, 3).toLowerCase()
    found.month = months.findIndex((month) => month.toLowerCase() === start)
    if (found.month >= 0) return
  }
  // Before a clock there is no zone: a name there is the day of the week, in whatever language.
  if (found.clock !== null) found.zone ??= tryZone(word)
}

function takeIsoClock(found: Found, text: string): void {
  const zone = /(?:z|[+-]\d\d:?\d\d)$/i.exec(text)
  takeClock(found, zone === null ? text : text.slice(0, zone.index))
  if (zone !== null) found.zone ??= tryZone(zone[0])
}

function takeClock(found: Found, word: string): boolean {
  const clock = /^(\d{1,2})[:.](\d{1,2})(?:[:.](\d{1,2})(?:[.,]\d+)?)?([+-]\d\d:?\d\d|[a-z]+)?$/i.exec(word)
  if (clock === null) return false
  found.clock = [Number(clock[1]), Number(clock[2]), Number(clock[3] ?? 0)]
  const suffix = clock[4]
  if (suffix !== undefined) applySuffix(found, suffix)
  return true
}

function applySuffix(found: Found, suffix: string): void {
  if (found.clock === null) return
  const [hours, minutes, seconds] = found.clock
  const lower = suffix.toLowerCase()
  if (lower === 'pm' && hours < 12) found.clock = [hours + 12, minutes, seconds]
  else if (lower === 'am' && hours === 12) found.clock = [0, minutes, seconds]
  else found.zone ??= tryZone(suffix)
}

function tryZone(word: string): number | null {
  const numeric = /^(?:utc|gmt)?([+-])(\d\d):?(\d\d)$/i.exec(word)
  if (numeric !== null) {
    const minutes = Number(numeric[2]) * 60 + Number(numeric[3])
    // RFC 5322 §3.3: the zone is at most 9959; beyond a day it cannot be meant.
    if (minutes >= 24 * 60) return null
    return numeric[1] === '-' && minutes > 0 ? -minutes : minutes
  }
  const hours = zones[word.toLowerCase()]
  return hours === undefined ? null : hours * 60
}

function assemble(found: Found): MailDate | undefined {
  const [first, second] = found.numbers
  if (first === undefined || found.month < 0 || found.month > 11) return undefined
  // `2026 Nov 21`: a number that can be no day is the year.
  const [day, year] = first.value > 31 && second !== undefined ? [second, first] : [first, second]
  const fullYear = found.year >= 0 ? found.year : year === undefined ? -1 : expandYear(year)
  if (fullYear < 1900 || fullYear > 9999) return undefined
  if (day.value < 1 || day.value > daysIn(fullYear, found.month)) return undefined
  const [hours, minutes, seconds] = found.clock ?? [0, 0, 0]
  // RFC 5322 §3.3: a leap second may be written as 60.
  if (hours > 23 || minutes > 59 || seconds > 60) return undefined
  const zoneMinutes = found.zone ?? 0
  const time = Date.UTC(fullYear, found.month, day.value, hours, minutes, seconds) - zoneMinutes * 60_000
  return { time, zoneMinutes }
}

/** RFC 5322 §4.3: two digits are 2000 to 2049 or 1950 to 1999, three digits count from 1900. */
function expandYear(year: { readonly value: number; readonly digits: number }): number {
  if (year.digits > 3) return year.value
  if (year.digits === 3) return year.value + 1900
  return year.value + (year.value < 50 ? 2000 : 1900)
}

function daysIn(year: number, month: number): number {
  return new Date(Date.UTC(year, month + 1, 0)).getUTCDate()
}

function pad(value: number, width = 2): string {
  return String(value).padStart(width, '0')
}
