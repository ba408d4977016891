// ENVELOPE (RFC 3501 §7.4.2), as a binary string.
import { encodeNString } from './strings.ts'
import type { Envelope, EnvelopeAddress } from '../../../mail/mime/structure.ts'

/** `envelope = "(" env-date SP env-subject SP env-from SP … SP env-message-id ")"` */
export function encodeEnvelope(envelope: Envelope): string {
  const { date, subject, from, sender, replyTo, to, cc, bcc, inReplyTo, messageId } = envelope
  const lists = [from, sender, replyTo, to, cc, bcc].map(encodeAddresses).join(' ')
  return `(${encodeNString(date)} ${encodeNString(subject)} ${lists} ${encodeNString(inReplyTo)} ${encodeNString(messageId)})`
}

/** `env-from = "(" 1*address ")" / nil` */
function encodeAddresses(addresses: readonly EnvelopeAddress[] | null): string {
  if (addresses === null || addresses.length === 0) return 'NIL'
  return `(${addresses.map(encodeAddress).join('')})`
}

/** `address = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")"`. */
function encodeAddress({ name, route, mailbox, host }: EnvelopeAddress): string {
  return `(${encodeNString(name)} ${encodeNString(route)} ${encodeNString(mailbox)} ${encodeNString(host)})`
}
