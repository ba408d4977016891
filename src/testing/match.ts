// What a test waits for, and why a message is not it.
import type { Mail, MailAddress } from './message.ts'

/** A text matches whole, without regard to case; a pattern where it is found. */
export type TextMatch = string | RegExp

export interface MailMatch {
  readonly subject?: TextMatch
  /** Address or display name of the From field. */
  readonly from?: TextMatch
  /** One of the To field. */
  readonly to?: TextMatch
  readonly cc?: TextMatch
  /** A string is looked for within the text. */
  readonly text?: TextMatch
  /** A string is looked for within the HTML. */
  readonly html?: TextMatch
  /** A file name. */
  readonly attachment?: TextMatch
  /** By name: the first field of each. */
  readonly headers?: Readonly<Record<string, TextMatch>>
  /** Anything else. */
  readonly where?: (mail: Mail) => boolean
}

/** Why the message does not match, a reason a line; empty where it does. */
export function mismatches(mail: Mail, match: MailMatch): string[] {
  const reasons: string[] = []
  const expect = (what: string, ok: boolean, got: string, wanted: TextMatch | undefined): void => {
    if (!ok) reasons.push(`${what} is ${show(got)}, not ${show(wanted ?? '')}`)
  }
  const { subject, from, to, cc, text, html, attachment, headers = {}, where } = match
  if (subject !== undefined) expect('subject', matchesWhole(mail.subject, subject), mail.subject, subject)
  if (from !== undefined) expect('from', matchesAddress([mail.from], from), listed([mail.from]), from)
  if (to !== undefined) expect('to', matchesAddress(mail.to, to), listed(mail.to), to)
  if (cc !== undefined) expect('cc', matchesAddress(mail.cc, cc), listed(mail.cc), cc)
  if (text !== undefined) expect('text', matchesWithin(mail.text, text), mail.text, text)
  if (html !== undefined) expect('html', matchesWithin(mail.html, html), mail.html, html)
  if (attachment !== undefined) {
    const names = mail.attachments.map(({ filename }) => filename ?? '')
    expect(
      'attachments',
      names.some((name) => matchesWhole(name, attachment)),
      names.join(', '),
      attachment,
    )
  }
  for (const [name, wanted] of Object.entries(headers)) {
    const value = mail.header(name)
    if (value === undefined) reasons.push(`it has no field ${name}`)
    else expect(name, matchesWhole(value, wanted), value, wanted)
  }
  if (reasons.length === 0 && where !== undefined && !where(mail)) reasons.push('`where` said no')
  return reasons
}

export function matchesWhole(value: string, wanted: TextMatch): boolean {
  return typeof wanted === 'string' ? value.toLowerCase() === wanted.toLowerCase() : found(value, wanted)
}

export function matchesWithin(value: string, wanted: TextMatch): boolean {
  return typeof wanted === 'string' ? value.includes(wanted) : found(value, wanted)
}

export function matchesAddress(addresses: readonly MailAddress[], wanted: TextMatch): boolean {
  return addresses.some(({ name, address }) =>
    typeof wanted === 'string'
      ? matchesWhole(address, wanted) || matchesWhole(name, wanted)
      : found(`${name} <${address}>`, wanted),
  )
}

/** A pattern, of Jest's sandbox too, whose `RegExp` is another. */
export function isPattern(value: unknown): value is RegExp {
  return Object.prototype.toString.call(value) === '[object RegExp]'
}

/** A pattern with `g` or `y` remembers where it was: each look starts anew. */
function found(value: string, pattern: RegExp): boolean {
  return new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '')).test(value)
}

const longestShown = 200

/** For a sentence: quoted, on one line, cut. */
export function show(value: TextMatch): string {
  if (typeof value !== 'string') return String(value)
  const line = JSON.stringify(value.length > longestShown ? `${value.slice(0, longestShown)}…` : value)
  return line
}

export function listed(addresses: readonly MailAddress[]): string {
  return addresses.map(({ name, address }) => (name === '' ? address : `${name} <${address}>`)).join(', ')
}
