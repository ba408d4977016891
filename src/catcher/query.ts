// The search language, Mailpit's: words and quoted phrases, `field:value`, and `!` or `-` before what shall not be. All terms must hold.
//
// `to: from: cc: bcc: reply-to: addressed: subject: message-id: tag: is:read is:unread is:tagged has:inline has:attachment before:
// after: larger: smaller:`, and of our own `inbox:`. What is no field is looked for in addresses, subject and text. What cannot be
// understood (a date that is none) is left out rather than refused, so that a search typed half is a search.
import type { CaughtAddress, CaughtSummary } from './message.ts'
import { summaryOf, type Row } from './row.ts'

type Test = 'yes' | 'no' | 'text'

interface Term {
  readonly negated: boolean
  /** By what is in memory alone; `text`: the message's text decides. */
  readonly test: (row: Row, summary: () => CaughtSummary) => Test
  /** For `text`: what to look for in it, cleaned. */
  readonly phrase: string
}

export interface Query {
  readonly terms: readonly Term[]
}

export interface QueryOptions {
  /** IANA name, for `before:` and `after:`; absent or unknown: UTC. */
  readonly timeZone?: string
}

/** Octets of a query that are read, and terms. */
const longestQuery = 2_000
const mostTerms = 50

export function parseQuery(text: string, { timeZone }: QueryOptions = {}): Query {
  const terms: Term[] = []
  for (const word of splitWords(text.slice(0, longestQuery)).slice(0, mostTerms)) {
    const negated = word.length > 1 && /^[-!]/.test(word)
    const bare = negated ? word.slice(1) : word
    if (!/[\p{L}\p{N}]/u.test(bare)) continue
    const term = termOf(bare, knownZone(timeZone))
    if (term !== undefined) terms.push({ negated, ...term })
  }
  return { terms }
}

/** `text`: `matchesText` decides. */
export function matches(query: Query, row: Row): Test {
  let summary: CaughtSummary | null = null
  const lazily = (): CaughtSummary => (summary ??= summaryOf(row))
  let open = false
  for (const { negated, test } of query.terms) {
    const found = test(row, lazily)
    if (found === 'text') open = true
    else if ((found === 'yes') === negated) return 'no'
  }
  return open ? 'text' : 'yes'
}

/** Whether the terms that `matches` left open hold in this text of the message. */
export function matchesText(query: Query, row: Row, text: string): boolean {
  let summary: CaughtSummary | null = null
  const lazily = (): CaughtSummary => (summary ??= summaryOf(row))
  const cleaned = clean(text)
  return query.terms.every(
    ({ negated, test, phrase }) => test(row, lazily) !== 'text' || cleaned.includes(phrase) !== negated,
  )
}

/** Phrases of `matches`' open terms that are one run of letters and digits: those that an index of the texts knows. */
export function indexedPhrases(query: Query): string[] {
  return query.terms.flatMap(({ phrase }) => (/^[\p{L}\p{N}]{3,}$/u.test(phrase) ? [phrase] : []))
}

/** As `matchesText`, by what an index knows of each phrase; `text` where it does not know enough. */
export function matchesIndexed(query: Query, row: Row, judge: (phrase: string) => boolean | null): Test {
  let summary: CaughtSummary | null = null
  const lazily = (): CaughtSummary => (summary ??= summaryOf(row))
  let open = false
  for (const { negated, test, phrase } of query.terms) {
    if (test(row, lazily) !== 'text') continue
    const found = judge(phrase)
    if (found === null) open = true
    else if (found === negated) return 'no'
  }
  return open ? 'text' : 'yes'
}

/** Lower case, with white space and what stands around addresses as one space. */
export function clean(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[\s<>",;()]+/g, ' ')
    .trim()
}

/** Words; what stands in double quotes is one, also behind a `field:`. */
function splitWords(text: string): string[] {
  const words: string[] = []
  let word = ''
  let quoted = false
  for (const character of text) {
    if (character === '"') quoted = !quoted
    else if (!quoted && /\s/.test(character)) {
      if (word !== '') words.push(word)
      word = ''
    } else word += character
  }
  if (word !== '') words.push(word)
  return words
}

type Field = (value: string, zone: string) => Omit<Term, 'negated'> | undefined

const yes = (found: boolean): Test => (found ? 'yes' : 'no')

const inAddresses =
  (of: (summary: CaughtSummary) => readonly (CaughtAddress | null)[]): Field =>
  (value) => {
    const phrase = clean(value)
    if (phrase === '') return undefined
    return { phrase, test: (_, summary) => yes(addressText(of(summary())).includes(phrase)) }
  }

const inText =
  (of: (summary: CaughtSummary) => string): Field =>
  (value) => {
    const phrase = value.toLowerCase()
    if (phrase === '') return undefined
    return { phrase, test: (_, summary) => yes(of(summary()).toLowerCase().includes(phrase)) }
  }

const byRow =
  (make: (value: string, zone: string) => ((row: Row) => boolean) | undefined): Field =>
  (value, zone) => {
    const test = make(value, zone)
    return test && { phrase: '', test: (row) => yes(test(row)) }
  }

const everyAddress = ({ from, to, cc, bcc, replyTo }: CaughtSummary): readonly (CaughtAddress | null)[] => [
  from,
  ...to,
  ...cc,
  ...bcc,
  ...replyTo,
]

const fields: Readonly<Record<string, Field>> = {
  to: inAddresses(({ to }) => to),
  from: inAddresses(({ from }) => [from]),
  cc: inAddresses(({ cc }) => cc),
  bcc: inAddresses(({ bcc }) => bcc),
  'reply-to': inAddresses(({ replyTo }) => replyTo),
  addressed: inAddresses(everyAddress),
  subject: inText(({ subject }) => subject),
  'message-id': (value, zone) =>
    inText(({ messageId }) => messageId)(value.replaceAll(/[<>]/g, '').trim(), zone),
  tag: byRow((value) => {
    const wanted = value.trim().toLowerCase()
    return wanted === '' ? undefined : ({ tags }) => tags.some((tag) => tag.toLowerCase() === wanted)
  }),
  inbox: byRow((value) => {
    const wanted = value.trim().toLowerCase()
    return wanted === '' ? undefined : ({ inbox }) => inbox.toLowerCase() === wanted
  }),
  is: byRow((value) => states[value.toLowerCase()]),
  has: byRow((value) => contents[value.toLowerCase()]),
  after: byRow((value, zone) => {
    const time = tryTime(value, zone)
    return time === undefined ? undefined : ({ receivedAt }) => receivedAt >= time
  }),
  before: byRow((value, zone) => {
    const time = tryTime(value, zone)
    return time === undefined ? undefined : ({ receivedAt }) => receivedAt <= time
  }),
  larger: byRow((value) => {
    const octets = tryOctets(value)
    return octets === undefined ? undefined : ({ size }) => size > octets
  }),
  smaller: byRow((value) => {
    const octets = tryOctets(value)
    return octets === undefined ? undefined : ({ size }) => size < octets
  }),
}

const states: Readonly<Record<string, ((row: Row) => boolean) | undefined>> = {
  read: ({ read }) => read,
  unread: ({ read }) => !read,
  tagged: ({ tags }) => tags.length > 0,
}

const contents: Readonly<Record<string, ((row: Row) => boolean) | undefined>> = {
  inline: ({ inline }) => inline > 0,
  inlines: ({ inline }) => inline > 0,
  attachment: ({ attachments }) => attachments > 0,
  attachments: ({ attachments }) => attachments > 0,
}

/** `is:` and `has:` with another word are text; a date or size that is none is left out. */
const wordsElse: ReadonlySet<string> = new Set(['is', 'has', 'larger', 'smaller'])

function termOf(word: string, zone: string): Omit<Term, 'negated'> | undefined {
  const colon = word.indexOf(':')
  const name = word.slice(0, Math.max(colon, 0)).toLowerCase()
  const field = Object.hasOwn(fields, name) ? fields[name] : undefined
  if (field !== undefined) {
    const term = field(word.slice(colon + 1), zone)
    if (term !== undefined || !wordsElse.has(name)) return term
  }
  const phrase = clean(word)
  if (phrase === '') return undefined
  return {
    phrase,
    test: (_, summary) => {
      const { subject, messageId } = summary()
      const known = `${addressText(everyAddress(summary()))} ${clean(subject)} ${messageId.toLowerCase()}`
      return known.includes(phrase) ? 'yes' : 'text'
    },
  }
}

function addressText(addresses: readonly (CaughtAddress | null)[]): string {
  return addresses.map((one) => (one === null ? '' : clean(`${one.name} ${one.address}`))).join(' ')
}

/** `2kb`, `4MB`, `1.5m`, or octets. */
function tryOctets(text: string): number | undefined {
  const [, number, unit = ''] = /^(\d{1,15}(?:\.\d{1,6})?)\s?(k|kb|m|mb|b)?$/i.exec(text.trim()) ?? []
  if (number === undefined) return undefined
  const factor = /^k/i.test(unit) ? 1024 : /^m/i.test(unit) ? 1024 * 1024 : 1
  const octets = Math.floor(Number(number) * factor)
  return octets > 0 ? octets : undefined
}

function knownZone(name: string | undefined): string {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name ?? 'UTC' }).resolvedOptions().timeZone
  } catch {
    return 'UTC'
  }
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

/** A date, with or without a time, as people write them; with a zone of its own or in `zone`. */
export function tryTime(text: string, zone: string): number | undefined {
  const trimmed = text.trim()
  if (/^\d{10}$/.test(trimmed)) return Number(trimmed) * 1000
  if (/^\d{13}$/.test(trimmed)) return Number(trimmed)
  if (/\d[tT ]\d.*(?:[zZ]|[+-]\d{2}:?\d{2})$/.test(trimmed)) {
    const time = Date.parse(trimmed)
    return Number.isNaN(time) ? undefined : time
  }
  const date = readDate(trimmed)
  if (date === undefined) return undefined
  const clock = /(?:^|[tT\s])(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([ap]m)?$/i.exec(trimmed)
  const [hour, minute, second] = [clock?.[1], clock?.[2], clock?.[3]].map((part) => Number(part ?? 0))
  const half = clock?.[4]?.toLowerCase()
  const hours = half === undefined ? (hour ?? 0) : ((hour ?? 0) % 12) + (half === 'pm' ? 12 : 0)
  const asUtc = Date.UTC(date.year, date.month - 1, date.day, hours, minute, second)
  return Number.isNaN(asUtc) ? undefined : asUtc - offsetAt(asUtc, zone)
}

function readDate(text: string): { year: number; month: number; day: number } | undefined {
  const numeric = /^(\d{4})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2}))?)?(?!\d)/.exec(text)
  if (numeric !== null) {
    const [year, month, day] = [numeric[1], numeric[2], numeric[3]].map((part) => Number(part ?? 1))
    return checked(year, month, day)
  }
  const american = /^(\d{1,2})\/(\d{1,2})\/(\d{4})(?!\d)/.exec(text)
  if (american !== null) return checked(Number(american[3]), Number(american[1]), Number(american[2]))
  const named =
    /^(?<day>\d{1,2})\s+(?<month>[a-z]{3,9}),?\s+(?<year>\d{4})(?!\d)/i.exec(text) ??
    /^(?<month>[a-z]{3,9})\s+(?<day>\d{1,2}),?\s+(?<year>\d{4})(?!\d)/i.exec(text)
  if (named?.groups === undefined) return undefined
  const { day, month = '', year } = named.groups
  return checked(Number(year), months.indexOf(month.slice(0, 3).toLowerCase()) + 1, Number(day))
}

function checked(year = 0, month = 0, day = 0): { year: number; month: number; day: number } | undefined {
  return year >= 1970 && month >= 1 && month <= 12 && day >= 1 && day <= 31 ? { year, month, day } : undefined
}

/** Milliseconds that the zone is ahead of UTC, about then. */
function offsetAt(time: number, timeZone: string): number {
  const style = { year: 'numeric', month: 'numeric', day: 'numeric' } as const
  const format = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone, hourCycle: 'h23', ...style },
    ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
  })
  const part = Object.fromEntries(format.formatToParts(time).map(({ type, value }) => [type, Number(value)]))
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(time / 1000) * 1000
}
