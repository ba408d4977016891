// Header texts in UTF-8 for a session that has enabled neither UTF8=ACCEPT nor IMAP4rev2 (RFC 9755 §9): ENVELOPE and BODYSTRUCTURE say in
// US-ASCII what the message says in UTF-8, by the rules of RFC 6857 §3.1, so that nothing is lost that has a form in ASCII.
//
// Octets that are no UTF-8 are of nobody knows which charset, and go as they are, in a literal. Input and output are binary strings.
import { Buffer, isUtf8 } from 'node:buffer'
import { encodeHeaderText, encodeString } from './strings.ts'
import { displayText } from '../../../mail/encoded-word.ts'
import { takesUtf8 } from '../modes.ts'
import { textTokens } from '../../../mail/compose/words.ts'
import { tryDomain } from '../../../mail/domain.ts'
import type { EnvelopeAddress } from '../../../mail/mime/structure.ts'
import type { Modes } from '../modes.ts'

const beyondAscii = /[^\0-\u007f]/

/** The text, where it is in UTF-8 and the session takes none. */
function tryForeign(value: string | null, modes: Modes): string | undefined {
  if (value === null || takesUtf8(modes) || !beyondAscii.test(value)) return undefined
  const octets = Buffer.from(value, 'latin1')
  return isUtf8(octets) ? octets.toString('utf8') : undefined
}

/** RFC 6857 §3.1.1, §3.1.5: unstructured text or a display name, as encoded words. */
export function encodeWords(value: string | null, modes: Modes): string {
  if (value === null || tryForeign(value, modes) === undefined) return encodeHeaderText(value, modes)
  return encodeString(words(displayText(value)))
}

/** Text of a field that has no form in US-ASCII, such as an identifier: RFC 6857 §3.1.10 takes the field away. */
export function encodeAsciiOnly(value: string | null, modes: Modes): string {
  return tryForeign(value, modes) === undefined ? encodeHeaderText(value, modes) : 'NIL'
}

/** `string SP string` of a parameter; RFC 6857 §3.1.4: in the form of RFC 2231, "the language information empty". */
export function encodeParameter(name: string, value: string, modes: Modes): string {
  const foreign = tryForeign(value, modes)
  if (foreign === undefined || name.endsWith('*'))
    return `${encodeString(name)} ${encodeHeaderText(value, modes)}`
  // RFC 2231 §7: what `encodeURIComponent` leaves of `*`, `'`, `(`, `)` and `!` is no attribute-char, or means something here.
  const percent = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase()}`
  const extended = encodeURIComponent(foreign).replace(/[*'()!]/g, percent)
  return `${encodeString(`${name}*`)} ${encodeString(`utf-8''${extended}`)}`
}

/** Addresses as they can be said: RFC 6857 §3.1.6 to §3.1.8. */
export function legacyAddresses(
  addresses: readonly EnvelopeAddress[],
  modes: Modes,
): readonly EnvelopeAddress[] {
  if (takesUtf8(modes) || !addresses.some((each) => foreignAddress(each, modes))) return addresses
  const said: EnvelopeAddress[] = []
  for (let at = 0; at < addresses.length; at++) {
    const address = addresses[at]
    if (address === undefined) break
    if (address.host !== null || address.mailbox === null) {
      said.push(...legacyAddress(address, modes))
      continue
    }
    // RFC 3501 §7.4.2: a group, up to the address with neither mailbox nor host.
    const found = addresses.findIndex(
      ({ mailbox, host }, index) => index > at && mailbox === null && host === null,
    )
    const end = found === -1 ? addresses.length : found
    const members = addresses.slice(at + 1, end)
    const hidden = members.some(({ mailbox }) => tryForeign(mailbox, modes) !== undefined)
    // RFC 6857 §3.1.7: "rewrite the <group> element as display-name " " ENCODED_WORD " :;"".
    const list = hidden ? [members.map((member) => displayText(specification(member))).join(', ')] : []
    said.push({ ...address, mailbox: words([displayText(address.mailbox), ...list].join(' ')) })
    if (hidden) at = end - 1
  }
  return said
}

function foreignAddress({ mailbox, host }: EnvelopeAddress, modes: Modes): boolean {
  return tryForeign(mailbox, modes) !== undefined || tryForeign(host, modes) !== undefined
}

const groupEnd: EnvelopeAddress = { name: null, route: null, mailbox: null, host: null }

function legacyAddress(address: EnvelopeAddress, modes: Modes): readonly EnvelopeAddress[] {
  if (!foreignAddress(address, modes)) return [address]
  const domain = tryForeign(address.mailbox, modes) === undefined ? asciiDomain(address.host) : undefined
  if (domain !== undefined) return [{ ...address, host: domain }]
  // RFC 6857 §3.1.8: "ENCODED-WORD " :;"", an empty group, since no address could stand for this one.
  return [{ ...groupEnd, mailbox: words(displayText(specification(address))) }, groupEnd]
}

/** `addr-spec`, as a binary string. */
function specification({ mailbox, host }: EnvelopeAddress): string {
  return host === null || host === '' ? (mailbox ?? '') : `${mailbox ?? ''}@${host}`
}

/** A-labels for U-labels (RFC 5891); undefined where it is no domain. */
function asciiDomain(host: string | null): string | undefined {
  return host === null ? undefined : tryDomain(Buffer.from(host, 'latin1').toString('utf8'), { utf8: true })
}

function words(text: string): string {
  return textTokens(text).join('')
}
