// Delivery status notifications as bytes: multipart/report (RFC 6522) with words for people, fields for programs
// (RFC 3464), and the message or its header back. `dsn-parse.ts` reads them.
//
// A report is written as a head and a tail, with the returned bytes between them in whatever pieces they come, through
// `returnedEncoder`: nothing here holds a message. Whatever another host said stands in it verbatim, but for controls, which
// could add a line to it or a command to a terminal.
// Where anything is beyond US-ASCII, the types of RFC 6533 are used, encoded in 7 bits, so that the report itself needs neither
// SMTPUTF8 nor 8BITMIME on its way back (RFC 6533 §4.5).
import { Buffer } from 'node:buffer'
import { formatDate } from './date.ts'
import { literalOf } from './domain.ts'

/** RFC 3464 §2.3.3. */
export type ReportAction = 'failed' | 'delayed' | 'delivered' | 'relayed' | 'expanded'

export interface ReportedRecipient {
  /** The address in the envelope, as it was tried. */
  readonly finalRecipient: string
  /** RFC 3461 §4.2: `type;address`; null: the sender gave none. */
  readonly originalRecipient: string | null
  readonly action: ReportAction
  /** RFC 3463, for example `5.1.1`. */
  readonly status: string
  /** The host that spoke last; null where none did. */
  readonly remoteMta: string | null
  /** What it said, verbatim, its lines joined by LF; null where none spoke. */
  readonly diagnostic: string | null
  /** Our own words where there is no diagnostic. */
  readonly reason: string
  /** Milliseconds since the epoch. */
  readonly lastAttemptAt: number | null
  readonly willRetryUntil: number | null
}

/** What is given back of the message. */
export interface Returned {
  readonly type: 'full' | 'headers'
  /** Its header has UTF-8: RFC 6533 types. */
  readonly utf8: boolean
  readonly eightBit: boolean
}

export interface Report {
  /** Name of this host. */
  readonly reportingMta: string
  /** The address that the report is from, for the header. */
  readonly from: string
  readonly to: string
  /** Without angle brackets. */
  readonly messageId: string
  readonly boundary: string
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly arrivedAt: number
  /** RFC 2852 §5: when it should have been delivered, in milliseconds since the epoch; null: no time was asked for. */
  readonly deliverBy: number | null
  /** RFC 4865 §5.1.2: how long the sender had it held, as MAIL said it; null: he did not. */
  readonly futureRelease: string | null
  /** RFC 3461 §4.4, decoded. */
  readonly envelopeId: string | null
  /** What our reply called the message, for the log. */
  readonly logId: string
  /** Of the message that the report is about, without angle brackets. */
  readonly originalMessageId: string | null
  readonly originalSubject: string | null
  /** At least one. */
  readonly recipients: readonly ReportedRecipient[]
  readonly returned: Returned
}

/** Everything before the returned bytes. */
export function formatReportHead(report: Report): string {
  const { boundary } = report
  return (
    header(report) +
    'This is a MIME report about mail delivery.\r\n' +
    `\r\n--${boundary}\r\n${encodedPart('Content-Type: text/plain', 'Content-Description: Notification', explain(report))}` +
    `\r\n--${boundary}\r\n${statusPart(report)}` +
    `\r\n--${boundary}\r\n${returnedHead(report.returned)}`
  )
}

/** Everything after them. */
export function formatReportTail(report: Report): string {
  return `\r\n--${report.boundary}--\r\n`
}

/** Takes the returned bytes on their way: as they are, or in base64. `finish` gives what is left. */
export function returnedEncoder(returned: Returned): {
  write(bytes: Uint8Array): Uint8Array
  finish(): Uint8Array
} {
  if (!returned.utf8) return { write: (bytes) => bytes, finish: () => new Uint8Array(0) }
  let rest: Uint8Array = new Uint8Array(0)
  return {
    write(bytes) {
      const all = Buffer.concat([rest, bytes])
      const whole = all.length - (all.length % base64Line)
      rest = all.subarray(whole)
      return Buffer.from(base64Lines(all.subarray(0, whole)))
    },
    finish: () => Buffer.from(base64Lines(rest)),
  }
}

/** Octets of a base64 line of 76 characters (RFC 2045 §6.8). */
const base64Line = 57

function base64Lines(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += base64Line) {
    text += `${Buffer.from(bytes.subarray(at, at + base64Line)).toString('base64')}\r\n`
  }
  return text
}

function header(report: Report): string {
  const answered =
    report.originalMessageId === null
      ? ''
      : // RFC 3834 §3.1.6: an automatic answer says what it answers.
        `In-Reply-To: <${field(report.originalMessageId)}>\r\nReferences: <${field(report.originalMessageId)}>\r\n`
  return (
    `Date: ${formatDate(report.now)}\r\n` +
    `From: Mail Delivery System <${field(report.from)}>\r\n` +
    `To: <${field(report.to)}>\r\n` +
    `Subject: ${subjects[worst(report.recipients)]}\r\n` +
    `Message-ID: <${field(report.messageId)}>\r\n` +
    answered +
    // RFC 3834 §5: nothing shall answer this.
    'Auto-Submitted: auto-replied\r\n' +
    'MIME-Version: 1.0\r\n' +
    `Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary="${report.boundary}"\r\n` +
    // Only what is returned may be beyond 7 bits; all else is encoded.
    (report.returned.eightBit && !report.returned.utf8 ? 'Content-Transfer-Encoding: 8bit\r\n' : '') +
    '\r\n'
  )
}

const subjects: Record<ReportAction, string> = {
  failed: 'Your message could not be delivered',
  delayed: 'Your message has not been delivered yet',
  delivered: 'Your message was delivered',
  relayed: 'Your message was passed on',
  expanded: 'Your message was passed on',
}

function worst(recipients: readonly ReportedRecipient[]): ReportAction {
  const order: readonly ReportAction[] = ['failed', 'delayed', 'delivered', 'relayed', 'expanded']
  return order.find((action) => recipients.some((recipient) => recipient.action === action)) ?? 'failed'
}

/** The words for people. */
function explain(report: Report): string {
  const subject =
    report.originalSubject === null ? '' : ` "${readable(report.originalSubject).slice(0, 200)}"`
  const lines = [
    `This is the mail system at ${readable(report.reportingMta)}.`,
    '',
    `It is about your message${subject} of ${formatDate(report.arrivedAt)}.`,
  ]
  for (const action of ['failed', 'delayed', 'delivered', 'relayed', 'expanded'] as const) {
    const those = report.recipients.filter((recipient) => recipient.action === action)
    if (those.length === 0) continue
    lines.push('', ...openings[action])
    for (const recipient of those) lines.push('', ...explainOne(recipient))
  }
  lines.push('', `If you ask for help, give this identifier: ${readable(report.logId)}`)
  return `${lines.join('\r\n')}\r\n`
}

const openings: Record<ReportAction, readonly string[]> = {
  failed: ['It could not be delivered to the addresses below, and will not be tried again.'],
  delayed: [
    'It has not been delivered to the addresses below yet.',
    'It will be tried again; you need not send it again.',
  ],
  delivered: ['It was delivered to these addresses:'],
  relayed: ['It was passed on to the mail systems of these addresses. You may not hear', 'more:'],
  expanded: ['It reached these addresses, which pass it on to others:'],
}

function explainOne(recipient: ReportedRecipient): string[] {
  const original = addressOf(recipient.originalRecipient)
  const final = readable(recipient.finalRecipient)
  const lines = [`  <${original ?? final}>`]
  if (original !== null && original.toLowerCase() !== final.toLowerCase()) {
    lines.push(`    (passed on to <${final}>)`)
  }
  if (recipient.action !== 'failed' && recipient.action !== 'delayed') return lines
  if (recipient.diagnostic === null) lines.push(`    ${readable(recipient.reason)}`)
  else {
    const host = recipient.remoteMta === null ? 'the other host' : readable(recipient.remoteMta)
    if (recipient.reason !== '') lines.push(`    ${readable(recipient.reason)}`)
    lines.push(`    ${host} said:`)
    for (const line of replyLines(recipient.diagnostic)) lines.push(`      ${line}`)
  }
  if (recipient.willRetryUntil !== null) {
    lines.push(`    It is tried until ${formatDate(recipient.willRetryUntil)}.`)
  }
  return lines
}

/** RFC 3464 §2.1: fields for the message, then a block for each recipient. */
function statusPart(report: Report): string {
  const domainName = report.reportingMta.includes('.')
  const blocks = [
    [
      // RFC 3464 §2.2.1, RFC 3461 §6.3 (a).
      ...(report.envelopeId === null ? [] : [`Original-Envelope-Id: ${field(report.envelopeId)}`]),
      // RFC 3461 §6.3 (b): `dns` only for a name that is in the DNS.
      `Reporting-MTA: ${domainName ? 'dns' : 'x-local-hostname'}; ${field(report.reportingMta)}`,
      `Arrival-Date: ${formatDate(report.arrivedAt)}`,
      ...(report.deliverBy === null ? [] : [`Deliver-By-Date: ${formatDate(report.deliverBy)}`]),
      ...(report.futureRelease === null ? [] : [`Future-Release-Request: ${field(report.futureRelease)}`]),
    ],
    ...report.recipients.map((recipient) => recipientFields(recipient, report.logId)),
  ]
  const text = blocks.map((lines) => `${lines.join('\r\n')}\r\n`).join('\r\n')
  const type = isAscii(text) ? 'message/delivery-status' : 'message/global-delivery-status'
  return encodedPart(`Content-Type: ${type}`, 'Content-Description: Delivery report', text)
}

function recipientFields(recipient: ReportedRecipient, logId: string): string[] {
  const { finalRecipient, originalRecipient, remoteMta, diagnostic } = recipient
  return [
    // RFC 3461 §6.3 (d): as the sender gave it; RFC 6533 §4.1: in UTF-8 where it has any.
    ...(originalRecipient === null ? [] : [`Original-Recipient: ${field(originalRecipient)}`]),
    `Final-Recipient: ${isAscii(finalRecipient) ? 'rfc822' : 'utf-8'}; ${field(finalRecipient)}`,
    `Action: ${recipient.action}`,
    `Status: ${recipient.status}`,
    // RFC 3464 §2.3.5, RFC 5321 §4.1.3: an address stands in brackets.
    ...(remoteMta === null ? [] : [`Remote-MTA: dns; ${field(literalOf(remoteMta) ?? remoteMta)}`]),
    // RFC 3461 §9.2: the reply with its lines, the later ones as continuations.
    ...(diagnostic === null ? [] : [`Diagnostic-Code: smtp; ${replyLines(diagnostic).join('\r\n ')}`]),
    ...(diagnostic === null && recipient.reason !== ''
      ? [`Diagnostic-Code: x-posthorn; ${field(recipient.reason)}`]
      : []),
    ...(recipient.lastAttemptAt === null
      ? []
      : [`Last-Attempt-Date: ${formatDate(recipient.lastAttemptAt)}`]),
    `Final-Log-ID: ${field(logId)}`,
    ...(recipient.willRetryUntil === null
      ? []
      : [`Will-Retry-Until: ${formatDate(recipient.willRetryUntil)}`]),
  ]
}

function returnedHead(returned: Returned): string {
  // RFC 6522 §3: the third part; RFC 6533 §4.2 and §4.3 where the header has UTF-8.
  const type = returned.utf8
    ? returned.type === 'full'
      ? 'message/global'
      : 'message/global-headers'
    : returned.type === 'full'
      ? 'message/rfc822'
      : 'text/rfc822-headers'
  const encoding = returned.utf8 ? 'base64' : returned.eightBit ? '8bit' : '7bit'
  const description = returned.type === 'full' ? 'Undelivered message' : 'Header of the message'
  return `Content-Type: ${type}\r\nContent-Description: ${description}\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n`
}

/** A part in 7 bits: as it is, or in quoted-printable. */
function encodedPart(type: string, description: string, text: string): string {
  if (isAscii(text)) return `${type}\r\n${description}\r\n\r\n${text}`
  const charset = type.includes('text/') ? '; charset=utf-8' : ''
  return `${type}${charset}\r\n${description}\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n${quotedPrintable(text)}`
}

/** RFC 2045 §6.7. */
function quotedPrintable(text: string): string {
  return text.split('\r\n').map(quotedLine).join('\r\n')
}

function quotedLine(line: string): string {
  const bytes = Buffer.from(line)
  let out = ''
  let length = 0
  for (const [index, octet] of bytes.entries()) {
    const last = index === bytes.length - 1
    const plain = (octet > 32 && octet < 127 && octet !== 61) || ((octet === 32 || octet === 9) && !last)
    const word = plain ? String.fromCharCode(octet) : `=${octet.toString(16).toUpperCase().padStart(2, '0')}`
    if (length + word.length > 75) {
      out += '=\r\n'
      length = 0
    }
    out += word
    length += word.length
  }
  return out
}

const longestReplyLine = 900
const mostReplyLines = 50

function replyLines(diagnostic: string): string[] {
  const lines = diagnostic
    .split('\n', mostReplyLines)
    .map((line) => readable(line).slice(0, longestReplyLine))
  const kept = lines.filter((line) => line.trim() !== '')
  return kept.length === 0 ? ['(nothing)'] : kept
}

/** One line, without controls. */
function readable(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, ' ').trim()
}

function field(text: string): string {
  return readable(text).slice(0, longestReplyLine)
}

function addressOf(originalRecipient: string | null): string | null {
  if (originalRecipient === null) return null
  const [type = '', ...rest] = originalRecipient.split(';')
  return /^(rfc822|utf-8)$/i.test(type.trim()) ? readable(rest.join(';')) : null
}

function isAscii(text: string): boolean {
  return /^[\t\r\n\x20-\x7e]*$/.test(text)
}
