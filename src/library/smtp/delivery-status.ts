// What a program asks to be told of a delivery (RFC 3461), as nodemailer has it: `dsn: { id, return, notify, recipient }`. Where the
// server does not offer DSN, nothing of it is said, and the message goes without.
import type { SendMailOptions } from 'nodemailer'
import { tryAddress } from '../../mail/address.ts'
import type { MessageOptions, NotifyOn, RecipientOptions } from '../../mail/delivery-options.ts'
import { SmtpError } from './failure.ts'

type Asked = SendMailOptions['dsn']

const returns = new Map<string, 'full' | 'headers'>([
  ['FULL', 'full'],
  ['HDRS', 'headers'],
  ['HEADERS', 'headers'],
])

/** RFC 3461 §4.3 and §4.4. */
export function messageRequest(dsn: Asked): Pick<MessageOptions, 'ret' | 'envId'> {
  const ret = dsn?.ret ?? dsn?.return
  const envId = dsn?.envid ?? dsn?.id ?? null
  const wanted = typeof ret === 'string' ? returns.get(ret.toUpperCase()) : null
  if (wanted === undefined) throw refused(`return is “FULL” or “HDRS”, not ${JSON.stringify(ret)}`)
  // RFC 3461 §4.4: at most 100 characters, printable ones.
  if (envId !== null && !/^[\x20-\x7e]{1,100}$/.test(envId)) {
    throw refused('id is up to 100 printable characters of US-ASCII')
  }
  return { ret: wanted, envId }
}

/** RFC 3461 §4.1 and §4.2. */
export function recipientRequest(dsn: Asked): Pick<RecipientOptions, 'notify' | 'originalRecipient'> {
  return { notify: notifyOf(dsn?.notify ?? null), originalRecipient: originalOf(dsn) }
}

function notifyOf(asked: string | readonly string[] | null): NotifyOn[] | null {
  if (asked === null) return null
  const words = (typeof asked === 'string' ? asked.split(',') : asked).map((word) =>
    word.trim().toLowerCase(),
  )
  // RFC 3461 §4.1: NEVER stands alone.
  if (words.length === 1 && words[0] === 'never') return []
  const known = words.filter((word) => isNotifyOn(word))
  if (words.length === 0 || known.length < words.length) {
    throw refused('notify is “never”, or of “success”, “failure” and “delay”')
  }
  return [...new Set(known)]
}

function isNotifyOn(word: string): word is NotifyOn {
  return word === 'success' || word === 'failure' || word === 'delay'
}

function originalOf(dsn: Asked): string | null {
  const asked = dsn?.orcpt ?? dsn?.recipient
  if (asked === undefined) return null
  const address = asked.replace(/^rfc822;/i, '')
  if (tryAddress(address) === undefined)
    throw refused(`recipient ${JSON.stringify(asked)} is no mail address`)
  return `rfc822;${address}`
}

function refused(what: string): SmtpError {
  return new SmtpError('EENVELOPE', `dsn: ${what}`)
}
