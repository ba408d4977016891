// Dates, sizes and numbers in the reader's language, by Intl alone. Every function takes what "now" is where it matters.
const language = typeof navigator === 'undefined' ? 'en' : navigator.language
const day = 86_400_000

const clock = new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit' })
const weekday = new Intl.DateTimeFormat(language, { weekday: 'short' })
const dayAndMonth = new Intl.DateTimeFormat(language, { day: 'numeric', month: 'short' })
const fullDay = new Intl.DateTimeFormat(language, { day: 'numeric', month: 'short', year: 'numeric' })
const whole = new Intl.DateTimeFormat(language, { dateStyle: 'full', timeStyle: 'short' })
const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto' })
const plain = new Intl.NumberFormat(language, { maximumFractionDigits: 1 })
const compact = new Intl.NumberFormat(language, { notation: 'compact', maximumFractionDigits: 1 })
const list = new Intl.ListFormat(language, { type: 'conjunction' })

function startOfDay(time: number): number {
  return new Date(time).setHours(0, 0, 0, 0)
}

/** As short as a list wants it: the time today, the weekday this week, the day this year, else the date. */
export function formatShortDate(time: number, now: number = Date.now()): string {
  const today = startOfDay(now)
  if (time >= today && time < today + day) return clock.format(time)
  if (time >= today - 6 * day && time < today) return weekday.format(time)
  return new Date(time).getFullYear() === new Date(now).getFullYear()
    ? dayAndMonth.format(time)
    : fullDay.format(time)
}

/** All of it, for a message's head and tooltips. */
export function formatDate(time: number): string {
  return whole.format(time)
}

export function formatTime(time: number): string {
  return clock.format(time)
}

/** "in 3 hours", "yesterday". */
export function formatRelative(time: number, now: number = Date.now()): string {
  const seconds = Math.round((time - now) / 1000)
  const steps: [Intl.RelativeTimeFormatUnit, number][] = [
    ['year', 31_536_000],
    ['month', 2_592_000],
    ['week', 604_800],
    ['day', 86_400],
    ['hour', 3600],
    ['minute', 60],
  ]
  for (const [unit, size] of steps) {
    if (Math.abs(seconds) >= size) return relative.format(Math.round(seconds / size), unit)
  }
  return relative.format(seconds, 'second')
}

/** Octets, in steps of 1000 as everywhere in this program. */
export function formatSize(octets: number): string {
  if (octets < 1000) return `${plain.format(octets)} B`
  const power = Math.min(4, Math.floor(Math.log10(octets) / 3))
  const value = octets / 1000 ** power
  return `${value >= 10 ? Math.round(value) : plain.format(value)} ${['B', 'kB', 'MB', 'GB', 'TB'][power]}`
}

export function formatNumber(value: number): string {
  return Math.abs(value) >= 10_000 ? compact.format(value) : plain.format(value)
}

export function formatList(words: readonly string[]): string {
  return list.format(words)
}

/** Milliseconds as "1.2 s", "3 min". */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`
  if (milliseconds < 60_000) return `${plain.format(milliseconds / 1000)} s`
  if (milliseconds < 3_600_000) return `${Math.round(milliseconds / 60_000)} min`
  if (milliseconds < day) return `${plain.format(milliseconds / 3_600_000)} h`
  return `${plain.format(milliseconds / day)} d`
}

/** A file's name without what turns the direction of the words around it: `evil\u202egpj.exe` would read as a picture. */
export function formatFileName(name: string): string {
  return name.replaceAll(/[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/g, '')
}

/** "1 message", "3 messages". */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatNumber(count)} ${count === 1 ? one : many}`
}
