// ENVELOPE (RFC 3501 §7.4.2), as a binary string.
//
// A mailbox of a hundred thousand messages is listed by its envelopes, so one that is nothing but printable US-ASCII goes from the kept
// form to the wire in one walk over it: both quote strings alike. Any other is decoded and written in full.
import { decodeEnvelope, envelopeStart } from '../../../mail/mime/codec.ts'
import { bracket, closing, comma, copyText, expect } from './kept-walk.ts'
import { encodeAsciiOnly, encodeWords, legacyAddresses } from './legacy-text.ts'
import { encodeHeaderText } from './strings.ts'
import type { Envelope, EnvelopeAddress } from '../../../mail/mime/structure.ts'
import type { Modes } from '../modes.ts'
import type { Walk } from './kept-walk.ts'

/** `envelope = "(" env-date SP env-subject SP env-from SP … env-message-id ")"` */
export function encodeEnvelope(envelope: Envelope, modes: Modes): string {
  const { date, subject, from, sender, replyTo, to, cc, bcc, inReplyTo, messageId } = envelope
  const text = (value: string | null): string => encodeAsciiOnly(value, modes)
  const lists = [from, sender, replyTo, to, cc, bcc].map((list) => encodeAddresses(list, modes)).join(' ')
  return `(${text(date)} ${encodeWords(subject, modes)} ${lists} ${text(inReplyTo)} ${text(messageId)})`
}

/** `env-from = "(" 1*address ")" / nil` */
function encodeAddresses(addresses: readonly EnvelopeAddress[] | null, modes: Modes): string {
  if (addresses === null || addresses.length === 0) return 'NIL'
  return `(${legacyAddresses(addresses, modes)
    .map((address) => encodeAddress(address, modes))
    .join('')})`
}

/** `address = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")"`. */
function encodeAddress({ name, route, mailbox, host }: EnvelopeAddress, modes: Modes): string {
  const rest = [route, mailbox, host].map((value) => encodeHeaderText(value, modes))
  return `(${encodeWords(name, modes)} ${rest.join(' ')})`
}

/** The envelope of a kept structure. Throws `StructureDamaged` where it is none. */
export function encodeKeptEnvelope(structure: string, modes: Modes): string {
  const start = envelopeStart(structure)
  const walk: Walk = { text: structure, at: start, failed: start === -1 }
  const plain = start === -1 ? '' : copyEnvelope(walk)
  return walk.failed ? encodeEnvelope(decodeEnvelope(structure), modes) : plain
}

/** `[date, subject, from, sender, replyTo, to, cc, bcc, inReplyTo, messageId]`; see `PackedEnvelope` of the codec. */
function copyEnvelope(walk: Walk): string {
  expect(walk, bracket)
  const date = copyText(walk)
  expect(walk, comma)
  const subject = copyText(walk)
  expect(walk, comma)
  const from = copyList(walk, 'NIL')
  let lists = from
  for (let index = 0; index < 5 && !walk.failed; index++) {
    expect(walk, comma)
    lists += ` ${copyList(walk, from)}`
  }
  expect(walk, comma)
  const inReplyTo = copyText(walk)
  expect(walk, comma)
  const messageId = copyText(walk)
  expect(walk, closing)
  return `(${date} ${subject} ${lists} ${inReplyTo} ${messageId})`
}

const zero = 0x30

/** A list of addresses, null, or 0 for `same`. */
function copyList(walk: Walk, same: string): string {
  const code = walk.text.charCodeAt(walk.at)
  if (code === zero) {
    walk.at++
    return same
  }
  if (code !== bracket) return copyText(walk)
  walk.at++
  if (walk.text.charCodeAt(walk.at) === closing) {
    walk.at++
    return 'NIL'
  }
  let list = '('
  while (!walk.failed) {
    expect(walk, bracket)
    list += `(${copyText(walk)}`
    for (let index = 0; index < 3 && !walk.failed; index++) {
      expect(walk, comma)
      list += ` ${copyText(walk)}`
    }
    list += ')'
    expect(walk, closing)
    if (walk.text.charCodeAt(walk.at) !== comma) break
    walk.at++
  }
  expect(walk, closing)
  return `${list})`
}
