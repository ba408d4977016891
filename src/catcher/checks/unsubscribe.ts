// List-Unsubscribe (RFC 2369 §3.2) and its one-click form (RFC 8058): what is there, and what is wrong with it.
import type { HeaderField } from '../../mail/header.ts'
import { fieldValue } from '../../mail/header.ts'

export interface ListUnsubscribe {
  /** The field's value; '' where there is none. */
  readonly header: string
  /** Value of List-Unsubscribe-Post; '' where there is none. */
  readonly post: string
  /** URLs in the order of preference. */
  readonly links: readonly string[]
  /** RFC 8058 §3.1: an https URL, and `List-Unsubscribe=One-Click` behind it. */
  readonly oneClick: boolean
  /** RFC 8058 §4: both fields are covered by a DKIM signature; whether it is good is another check's. */
  readonly signed: boolean
  /** What is wrong, in words, as to both RFCs. */
  readonly problems: readonly string[]
}

const mostLinks = 20

export function readListUnsubscribe(fields: readonly HeaderField[]): ListUnsubscribe {
  const values = (name: string): string[] =>
    fields.filter((field) => field.name.toLowerCase() === name).map((field) => fieldValue(field).trim())
  const headers = values('list-unsubscribe')
  const posts = values('list-unsubscribe-post')
  const [header = ''] = headers
  const [post = ''] = posts
  const { links, problems } = header === '' ? { links: [], problems: [] } : readLinks(header)
  // RFC 2369 §3: each field appears once at most.
  if (headers.length > 1) problems.push('there is more than one List-Unsubscribe field')
  if (posts.length > 1) problems.push('there is more than one List-Unsubscribe-Post field')
  const https = links.some((link) => /^https:/i.test(link))
  // RFC 8058 §3.1: "The List-Unsubscribe-Post header MUST contain the single key/value pair".
  const exact = /^List-Unsubscribe=One-Click$/i.test(post)
  if (post !== '' && !exact) problems.push('List-Unsubscribe-Post is not List-Unsubscribe=One-Click')
  if (post !== '' && !https) problems.push('one-click needs an https link in List-Unsubscribe')
  if (post !== '' && header === '') problems.push('List-Unsubscribe-Post stands without List-Unsubscribe')
  const signed = isSigned(values('dkim-signature'))
  if (exact && https && !signed) problems.push('one-click needs a DKIM signature that covers both fields')
  return { header, post, links, oneClick: exact && https && problems.length === 0, signed, problems }
}

/** `<url>, <url>`, comments aside. */
function readLinks(header: string): { links: string[]; problems: string[] } {
  const links: string[] = []
  const problems: string[] = []
  const text = withoutComments(header)
  const found = text.match(/<[^<>]*>/g) ?? []
  const rest = text.replaceAll(/<[^<>]*>/g, '').replaceAll(/[\s,]/g, '')
  if (found.length === 0) problems.push('no link in angle brackets')
  else if (rest !== '') problems.push(`text outside of angle brackets: ${rest.slice(0, 40)}`)
  for (const bracketed of found.slice(0, mostLinks)) {
    // RFC 2369 §2: white space inside the brackets is ignored.
    const link = bracketed.slice(1, -1).replaceAll(/\s+/g, '')
    const problem = problemOf(link)
    if (problem !== null) problems.push(problem)
    else links.push(link)
  }
  const kinds = links.map((link) => (/^mailto:/i.test(link) ? 'mailto' : 'web'))
  for (const kind of ['mailto', 'web']) {
    if (kinds.filter((one) => one === kind).length > 1) problems.push(`more than one ${kind} link`)
  }
  return { links, problems }
}

function problemOf(link: string): string | null {
  if (/^mailto:/i.test(link)) {
    return /^mailto:[^@\s]+@[^@\s?]+/i.test(link) ? null : `no address in ${link.slice(0, 60)}`
  }
  if (!/^https?:/i.test(link)) return `neither http(s) nor mailto: ${link.slice(0, 60)}`
  return URL.canParse(link) ? null : `no URL: ${link.slice(0, 60)}`
}

/** RFC 5322 §3.2.2; in one pass, however they are nested. */
function withoutComments(text: string): string {
  let depth = 0
  let inBrackets = false
  let kept = ''
  for (const character of text) {
    if (character === '<' && depth === 0) inBrackets = true
    if (character === '>' && depth === 0) inBrackets = false
    if (character === '(' && !inBrackets) depth++
    else if (character === ')' && depth > 0) depth--
    else if (depth === 0) kept += character
  }
  return kept
}

function isSigned(signatures: readonly string[]): boolean {
  return signatures.some((signature) => {
    // RFC 6376 §3.5: h= is a colon-separated list of names.
    const tag = /(?:^|;)\s*h\s*=\s*([^;]*)/i.exec(signature)?.[1] ?? ''
    const names = new Set(tag.split(':').map((name) => name.trim().toLowerCase()))
    return names.has('list-unsubscribe') && names.has('list-unsubscribe-post')
  })
}
