// The text of MAIL and RCPT for one server: the parameters that were asked for, as far as the server offers their extensions.
//
// An address never ends a command: a control character in one is a defect of the caller's and throws before anything is said.
// HOLDFOR and HOLDUNTIL are never relayed: the time of release was ours to keep (RFC 4865 §5).
import { Buffer } from 'node:buffer'
import type { MessageOptions, RecipientOptions } from '../../mail/delivery-options.ts'
import type { Capabilities } from './capabilities.ts'
import type { OutgoingMessage, OutgoingRecipient } from './outgoing.ts'

export interface CommandContext {
  readonly capabilities: Capabilities
  /** Milliseconds since the epoch: what DELIVERBY's remaining time counts from. */
  readonly now: number
  readonly secured: boolean
  /** How the content goes. */
  readonly body: 'text' | 'binary'
}

export interface MailCommand {
  readonly text: string
  /** Keywords of the extensions whose parameters it has. */
  readonly used: readonly string[]
}

/** RFC 5321 §4.1.1.2: `MAIL FROM:<reverse-path> [parameters]`. */
export function mailCommand(message: OutgoingMessage, context: CommandContext): MailCommand {
  const parameters = mailParameters(message, context)
  return {
    text: [`MAIL FROM:<${checkedPath(message.reversePath)}>`, ...parameters.map(([, text]) => text)].join(
      ' ',
    ),
    used: [...new Set(parameters.map(([extension]) => extension))],
  }
}

/** RFC 5321 §4.1.1.3: `RCPT TO:<forward-path> [parameters]`. */
export function rcptCommand(recipient: OutgoingRecipient, capabilities: Capabilities): string {
  let text = `RCPT TO:<${checkedPath(recipient.address)}>`
  if (capabilities.dsn) text += dsnParameters(recipient.options, capabilities)
  const { requireValidSince } = recipient.options
  // RFC 7293 §3.1: a timestamp without fractions, then what to do where the extension is missing further on.
  if (requireValidSince !== null && capabilities.rrvs) {
    const since = `${new Date(requireValidSince.since).toISOString().slice(0, 19)}Z`
    text += ` RRVS=${since};${requireValidSince.onFailure === 'continue' ? 'C' : 'R'}`
  }
  return text
}

/** True where the address cannot be said without SMTPUTF8 (RFC 6531 §3.3). */
export function needsSmtpUtf8(message: OutgoingMessage): boolean {
  return !isAscii(message.reversePath) || message.recipients.some(({ address }) => !isAscii(address))
}

/** Octets that no path holds: controls (RFC 5321 §4.1.2), and more than any server could want. */
const longestPath = 1024

function checkedPath(path: string): string {
  if (/[\0-\x1f\x7f]/.test(path) || path.length > longestPath) {
    throw new RangeError('an address that cannot stand in a command')
  }
  return path
}

type Parameter = readonly [extension: string, text: string]

function mailParameters(message: OutgoingMessage, context: CommandContext): Parameter[] {
  const { capabilities, body, secured } = context
  const { options } = message
  const parameters: Parameter[] = []
  // RFC 1870 §6.1
  if (capabilities.size !== null) parameters.push(['SIZE', `SIZE=${message.size}`])
  // RFC 3030 §3, RFC 6152 §3
  if (body === 'binary') parameters.push(['BINARYMIME', 'BODY=BINARYMIME'])
  else if (capabilities.eightBitMime && (message.eightBit || options.body === '8BITMIME')) {
    parameters.push(['8BITMIME', 'BODY=8BITMIME'])
  }
  // RFC 6531 §3.4: also where only the header needs it.
  if (capabilities.smtpUtf8 && (options.smtpUtf8 || needsSmtpUtf8(message))) {
    parameters.push(['SMTPUTF8', 'SMTPUTF8'])
  }
  // RFC 3461 §4.3 and §4.4
  if (capabilities.dsn) {
    if (options.ret !== null) parameters.push(['DSN', options.ret === 'full' ? 'RET=FULL' : 'RET=HDRS'])
    if (options.envId !== null) parameters.push(['DSN', `ENVID=${encodeXtext(options.envId)}`])
  }
  // RFC 8689 §2: never said in the clear.
  if (options.requireTls && capabilities.requireTls && secured) parameters.push(['REQUIRETLS', 'REQUIRETLS'])
  if (options.deliverBy !== null && capabilities.deliverBy !== null) {
    parameters.push(['DELIVERBY', byParameter(options.deliverBy, context.now)])
  }
  // RFC 6710 §4.1
  if (options.priority !== 0 && capabilities.mtPriority !== null) {
    parameters.push(['MT-PRIORITY', `MT-PRIORITY=${options.priority}`])
  }
  // RFC 3865 §2.5
  if (options.solicitation.length > 0 && capabilities.noSoliciting !== null) {
    parameters.push(['NO-SOLICITING', `SOLICIT=${options.solicitation.join(',')}`])
  }
  // RFC 4954 §5: `<>` where nobody is vouched for.
  if (options.auth !== null && capabilities.auth.length > 0) {
    parameters.push(['AUTH', `AUTH=${options.auth === '' ? '<>' : encodeXtext(options.auth)}`])
  }
  for (const [, text] of parameters) checkedPath(text)
  return parameters
}

const longestTime = 999_999_999

/** RFC 2852 §4: `by-time ";" by-mode [by-trace]`, seconds that remain; mode R knows none below 1. */
function byParameter(deliverBy: NonNullable<MessageOptions['deliverBy']>, now: number): string {
  const { at, mode, trace } = deliverBy
  const remaining = Math.trunc((at - now) / 1000)
  const least = mode === 'return' ? 1 : -longestTime
  const seconds = Math.max(least, Math.min(remaining, longestTime))
  return `BY=${seconds};${mode === 'return' ? 'R' : 'N'}${trace === 'asked' ? 'T' : ''}`
}

/** RFC 3461 §4.1 and §4.2. */
function dsnParameters(options: RecipientOptions, capabilities: Capabilities): string {
  let text = ''
  if (options.notify !== null) {
    text += ` NOTIFY=${options.notify.length === 0 ? 'NEVER' : options.notify.join(',').toUpperCase()}`
  }
  const original =
    options.originalRecipient === null ? undefined : orcpt(options.originalRecipient, capabilities)
  return original === undefined ? text : `${text} ORCPT=${original}`
}

/** `addr-type ";" xtext`, with RFC 6533 §3's forms for addresses beyond US-ASCII; undefined where there is no valid one. */
function orcpt(original: string, capabilities: Capabilities): string | undefined {
  const semicolon = original.indexOf(';')
  const type = original.slice(0, semicolon)
  const address = original.slice(semicolon + 1)
  if (semicolon < 1 || address === '' || !/^[A-Za-z0-9-]+$/.test(type)) return undefined
  if (type.toLowerCase() === 'utf-8') return `${type};${encodeUnitext(address, capabilities)}`
  return isAscii(address) ? `${type};${encodeXtext(address)}` : undefined
}

/** RFC 6533 §3: `\x{HEXPOINT}` for what may not stand as it is; UTF-8 itself only for servers with SMTPUTF8. */
function encodeUnitext(address: string, capabilities: Capabilities): string {
  const special = capabilities.smtpUtf8 ? /[\0- \\+=\x7f]/gu : /[\0- \\+=]|[^\0-~]/gu
  return address.replace(special, (character) => {
    const point = (character.codePointAt(0) ?? 0).toString(16).toUpperCase()
    return `\\x{${point.padStart(2, '0')}}`
  })
}

/** RFC 3461 §4: `xchar = %d33-42 / %d44-60 / %d62-126`; all other octets as `+` and two hexadecimal digits. */
export function encodeXtext(text: string): string {
  return Buffer.from(text, 'utf8')
    .toString('latin1')
    .replace(/[^!-*,-<>-~]/g, (octet) => {
      return `+${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
    })
}

function isAscii(text: string): boolean {
  return !/[^\0-\x7f]/.test(text)
}
