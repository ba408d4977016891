// What can be demanded of a message, once for every test framework: each check says whether it holds, and what to read where it does not.
import {
  type MailMatch,
  listed,
  matchesAddress,
  matchesWhole,
  matchesWithin,
  mismatches,
  show,
  type TextMatch,
} from './match.ts'
import type { Mail } from './message.ts'

export interface CheckResult {
  readonly pass: boolean
  /** Why it does not hold; of one that holds, what holds. */
  readonly message: string
}

function result(pass: boolean, holds: string, fails: string): CheckResult {
  return { pass, message: pass ? holds : fails }
}

/** The subject is that text, or matches the pattern. */
export function toHaveSubject(mail: Mail, wanted: TextMatch): CheckResult {
  const { subject } = mail
  return result(
    matchesWhole(subject, wanted),
    `The subject is ${show(subject)}.`,
    `The subject is ${show(subject)}, not ${show(wanted)}.`,
  )
}

/** The From field names that address or name. */
export function toBeFrom(mail: Mail, wanted: TextMatch): CheckResult {
  const from = listed([mail.from])
  return result(
    matchesAddress([mail.from], wanted),
    `It is from ${from}.`,
    `It is from ${from}, not ${show(wanted)}.`,
  )
}

/** To, Cc or Bcc names that address or name. */
export function toBeAddressedTo(mail: Mail, wanted: TextMatch): CheckResult {
  const all = [...mail.to, ...mail.cc, ...mail.bcc]
  const names = listed(all) || 'nobody'
  return result(
    matchesAddress(all, wanted),
    `It is addressed to ${names}.`,
    `It is addressed to ${names}, not to ${show(wanted)}.`,
  )
}

/** The text (or what can be read of the HTML) contains that, or matches. */
export function toContainText(mail: Mail, wanted: TextMatch): CheckResult {
  const { text } = mail
  return result(
    matchesWithin(text, wanted),
    `The text has ${show(wanted)}.`,
    `The text does not have ${show(wanted)}. It is:\n${text}`,
  )
}

/** The HTML part contains that, or matches. */
export function toContainHtml(mail: Mail, wanted: TextMatch): CheckResult {
  const { html } = mail
  const fails =
    html === '' ? 'It has no HTML part.' : `The HTML does not have ${show(wanted)}. It is:\n${html}`
  return result(html !== '' && matchesWithin(html, wanted), `The HTML has ${show(wanted)}.`, fails)
}

/** One of its links is that, or matches. */
export function toHaveLink(mail: Mail, wanted: TextMatch): CheckResult {
  const { links } = mail
  const has = links.some((link) =>
    typeof wanted === 'string' ? link === wanted : matchesWithin(link, wanted),
  )
  const all =
    links.length === 0 ? 'It has no links.' : `It has:\n${links.map((link) => `  ${link}`).join('\n')}`
  return result(has, `It has a link ${show(wanted)}.`, `It has no link ${show(wanted)}. ${all}`)
}

/** An attachment has that file name, or one that matches. */
export function toHaveAttachment(mail: Mail, wanted: TextMatch): CheckResult {
  const names = mail.attachments.map(({ filename, contentType }) => filename ?? `(no name, ${contentType})`)
  const has = names.some((name) => matchesWhole(name, wanted))
  return result(
    has,
    `It has an attachment ${show(wanted)}.`,
    `It has no attachment ${show(wanted)}, but ${names.join(', ') || 'none at all'}.`,
  )
}

/** A field of that name is there and, where a value is given, has it. */
export function toHaveHeader(mail: Mail, name: string, wanted?: TextMatch): CheckResult {
  const values = mail.headers.filter((field) => field.name === name.toLowerCase()).map(({ value }) => value)
  if (values.length === 0) return result(false, '', `It has no field ${name}.`)
  const has = wanted === undefined || values.some((value) => matchesWhole(value, wanted))
  const shown = values.map((value) => show(value)).join(', ')
  return result(has, `Its ${name} is ${shown}.`, `Its ${name} is ${shown}, not ${show(wanted ?? '')}.`)
}

/** All that `inbox.next` can be asked for. */
export function toMatchMail(mail: Mail, match: MailMatch): CheckResult {
  const reasons = mismatches(mail, match)
  return result(reasons.length === 0, 'It matches.', `It does not match: ${reasons.join('; ')}.`)
}

/**
 * RFC 8058 §3.1: List-Unsubscribe has an https link, List-Unsubscribe-Post says `List-Unsubscribe=One-Click`. (That DKIM covers both is
 * `toPassDkim`'s to say, of mail that is signed.)
 */
export function toHaveOneClickUnsubscribe(mail: Mail): CheckResult {
  const problem = oneClickProblem(mail)
  return result(problem === null, 'It can be unsubscribed from with one click.', problem ?? '')
}

function oneClickProblem(mail: Mail): string | null {
  const field = mail.header('list-unsubscribe')
  if (field === undefined) return 'It has no List-Unsubscribe field (RFC 2369 §3.2).'
  const links = [...field.matchAll(/<\s*([^<>]*?)\s*>/g)].map(([, link = '']) => link)
  // RFC 8058 §3.1: one HTTPS URI, whatever else is there.
  if (!links.some((link) => /^https:\/\//i.test(link))) {
    return `List-Unsubscribe has no https link in angle brackets (RFC 8058 §3.1): ${show(field)}.`
  }
  const post = mail.header('list-unsubscribe-post')
  if (post === undefined) return 'It has no List-Unsubscribe-Post field (RFC 8058 §3.1).'
  // RFC 8058 §3.1: this key and value, and no other.
  return /^List-Unsubscribe=One-Click$/i.test(post.trim())
    ? null
    : `List-Unsubscribe-Post is ${show(post)}, not "List-Unsubscribe=One-Click" (RFC 8058 §3.1).`
}
