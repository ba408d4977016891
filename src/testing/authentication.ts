// Whether the world would believe a message: SPF, DKIM and DMARC, with DNS as the test says it is.
import { type AuthenticationResults, verifyMessage } from '../auth/verify-message.ts'
import { ZoneResolver } from '../net/zone-resolver.ts'
import type { CheckResult } from './checks.ts'
import type { Mail } from './message.ts'

export interface AuthenticationOptions {
  /** DNS, as lines of a zone file: `s1._domainkey.shop.example. TXT "v=DKIM1; k=rsa; p=…"`. Nothing else is asked. */
  readonly zone: string
  /** Where the mail would come from, for SPF. Default 192.0.2.1. */
  readonly address?: string
  /** What EHLO would say. Default: the domain of the envelope's sender. */
  readonly helo?: string
}

/** A signature verifies (RFC 6376). With `domain`: one of that domain does. */
export async function toPassDkim(
  mail: Mail,
  options: AuthenticationOptions & { readonly domain?: string },
): Promise<CheckResult> {
  const { dkim } = await judge(mail, options)
  const { domain } = options
  const meant = domain === undefined ? dkim : dkim.filter((one) => one.domain === domain)
  if (meant.length === 0) {
    const others = dkim.length === 0 ? '' : `, only of ${dkim.map((one) => one.domain).join(', ')}`
    return {
      pass: false,
      message: `It has no DKIM signature${domain === undefined ? '' : ` of ${domain}${others}`}.`,
    }
  }
  const passed = meant.find(({ result }) => result === 'pass')
  if (passed !== undefined) {
    return {
      pass: true,
      message: `The DKIM signature of ${passed.domain} verifies (selector ${passed.selector}).`,
    }
  }
  const each = meant.map(
    ({ domain: of, selector, result, reason }) =>
      `  ${of}, selector ${selector}: ${result}${because(reason)}`,
  )
  return { pass: false, message: `No DKIM signature verifies:\n${each.join('\n')}` }
}

/** The envelope's sender may send from `address` (RFC 7208). */
export async function toPassSpf(mail: Mail, options: AuthenticationOptions): Promise<CheckResult> {
  const { spf } = await judge(mail, options)
  return said('SPF', spf, spf.record)
}

/** SPF or DKIM passes for the domain of the From field (RFC 7489). */
export async function toPassDmarc(mail: Mail, options: AuthenticationOptions): Promise<CheckResult> {
  const { dmarc } = await judge(mail, options)
  return said('DMARC', dmarc, dmarc.record)
}

function said(
  what: string,
  { result, reason, domain }: { result: string; reason: string; domain: string },
  record: string,
): CheckResult {
  const shown = record === '' ? 'without a record' : `by ${record}`
  return {
    pass: result === 'pass',
    message: `${what} of ${domain || 'no domain'} is ${result}${because(reason)}, ${shown}.`,
  }
}

function because(reason: string): string {
  return reason === '' ? '' : ` (${reason})`
}

function judge(mail: Mail, options: AuthenticationOptions): Promise<AuthenticationResults> {
  const { zone, address = '192.0.2.1', helo } = options
  const domain = mail.mailFrom.slice(mail.mailFrom.lastIndexOf('@') + 1)
  return verifyMessage({
    ...{ message: mail.bytes, reversePath: mail.mailFrom, address, hostname: 'posthorn.test' },
    helo: helo ?? (domain === '' ? 'localhost' : domain),
    resolver: new ZoneResolver(unindented(zone)),
  })
}

/** A text in the midst of a program stands to the right; in a zone white space in front would mean the name of the line before. */
function unindented(zone: string): string {
  const indent = /^[ \t]*(?=\S)/m.exec(zone)?.[0] ?? ''
  return zone
    .split('\n')
    .map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line))
    .join('\n')
}
