// Header fields of a message in the forms of RFC 8621 §4.1.2. Text is binary strings as everywhere in `mail/`; what comes out is Unicode.
//
// Parsing is best effort, as the RFC asks: a form that cannot be made of a value is null or empty. Linear in the value.
import { Buffer } from 'node:buffer'
import { parseAddressList, type EnvelopeAddress } from '../../mail/address-list.ts'
import { decodeUnlabelled, knowsCharset } from '../../mail/charset.ts'
import { tryDate } from '../../mail/date.ts'
import { displayText } from '../../mail/encoded-word.ts'
import { messageIds, splitHeader, unfold } from '../../mail/header.ts'
import type { HeaderForm, HeaderProperty } from './header-property.ts'
import type { Json, JsonObject } from './json.ts'

/** One field; `name` as it stands in the message, `raw` what follows the colon, without the line break at its end. */
export interface RawField {
  readonly name: string
  readonly raw: string
}

/** The fields of a header's octets, in their order. */
export function rawFields(header: Uint8Array): RawField[] {
  const text = Buffer.from(header.buffer, header.byteOffset, header.byteLength).toString('latin1')
  return splitHeader(text).fields.map(({ start, end, raw }) => {
    const colon = text.indexOf(':', start)
    return { name: text.slice(start, Math.min(colon, end)).trimEnd(), raw: raw.replace(/\r?\n$/, '') }
  })
}

/** RFC 8621 §4.1.3 `headers`. */
export function headerList(fields: readonly RawField[]): Json {
  return fields.map(({ name, raw }) => ({ name, value: rawForm(raw) }))
}

/** RFC 8621 §4.1.3: of the last field of that name, or of all. */
export function headerValue(fields: readonly RawField[], { field, form, all }: HeaderProperty): Json {
  const wanted = field.toLowerCase()
  const found = fields.filter(({ name }) => name.toLowerCase() === wanted)
  if (all) return found.map(({ raw }) => inForm(raw, form))
  const last = found.at(-1)
  return last === undefined ? null : inForm(last.raw, form)
}

function inForm(raw: string, form: HeaderForm): Json {
  switch (form) {
    case 'Raw':
      return rawForm(raw)
    case 'Text':
      return textForm(raw)
    case 'Addresses':
      return addressesForm(raw)
    case 'GroupedAddresses':
      return groupedForm(raw)
    case 'MessageIds':
      return messageIdsForm(raw)
    case 'Date':
      return dateForm(raw)
    case 'URLs':
      return urlsForm(raw)
  }
}

/** RFC 8621 §4.1.2.1: high octets that are no UTF-8 become U+FFFD, NUL "MUST be dropped". */
function rawForm(raw: string): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.from(raw, 'latin1')).replaceAll('\0', '')
}

/** RFC 2047 §2, standing by itself (§5): between white space, or at an end. */
const encodedWords =
  /(?<![^ \t])=\?[^?\s]{1,80}\?[bq]\?[^?\s]*\?=(?:[ \t]+=\?[^?\s]{1,80}\?[bq]\?[^?\s]*\?=(?![^ \t]))*(?![^ \t])/gi

/** RFC 8621 §4.1.2.2. */
export function textForm(raw: string): string {
  return decodedText(unfold(raw).replace(/^ +/, '')).normalize('NFC')
}

/** RFC 8621 §4.1.2.2 step 4: what "violates placement or white space rules … MUST NOT be decoded". */
function decodedText(value: string): string {
  if (!value.includes('=?')) return plainText(value)
  let text = ''
  let at = 0
  for (const match of value.matchAll(encodedWords)) {
    const [words] = match
    text += plainText(value.slice(at, match.index))
    text += decodedWords(words)
    at = match.index + words.length
  }
  return text + plainText(value.slice(at))
}

/** Words side by side; those of unknown charsets stay as they are, with the white space around them. */
function decodedWords(words: string): string {
  let text = ''
  let known = ''
  for (const [, space = '', word = ''] of words.matchAll(/([ \t]*)([^ \t]+)/g)) {
    if (isOfKnownCharset(word)) {
      if (known === '') text += plainText(space)
      known += (known === '' ? '' : space) + word
    } else {
      text += withoutControls(displayText(known)) + plainText(space + word)
      known = ''
    }
  }
  return text + withoutControls(displayText(known))
}

function isOfKnownCharset(word: string): boolean {
  const charset = word.slice(2, word.indexOf('?', 2))
  // RFC 2231 §5: a language may follow the charset.
  return knowsCharset(charset.split('*', 1)[0] ?? '')
}

function plainText(binary: string): string {
  return decodeUnlabelled(Buffer.from(binary, 'latin1'))
}

function withoutControls(text: string): string {
  return text.replace(/\p{Cc}/gu, '')
}

/** Entries of one field that are told, group marks counted. */
const mostAddresses = 10_000

/** RFC 8621 §4.1.2.3. */
export function addressesForm(raw: string): readonly JsonObject[] {
  return parseAddressList(unfold(raw), mostAddresses).addresses.flatMap((address) =>
    address.host === null ? [] : [emailAddress(address)],
  )
}

/** RFC 8621 §4.1.2.3 EmailAddress of an entry that is no mark of a group. */
export function emailAddress({ name, mailbox, host }: EnvelopeAddress): JsonObject {
  const local = mailbox ?? ''
  const plain = /^[^\s()<>[\]:;@\\,"]*$/.test(local)
  const written = plain ? local : `"${local.replace(/["\\]/g, '\\$&')}"`
  const email = plainText(host === null || host === '' ? local : `${written}@${host}`)
  return { name: name === null ? null : nameOf(name), email }
}

function nameOf(binary: string): string | null {
  const name = decodedText(binary).trim().normalize('NFC')
  return name === '' ? null : name
}

/** RFC 8621 §4.1.2.4. */
function groupedForm(raw: string): readonly JsonObject[] {
  const groups: { name: string | null; addresses: JsonObject[] }[] = []
  let open: { name: string | null; addresses: JsonObject[] } | null = null
  for (const address of parseAddressList(unfold(raw), mostAddresses).addresses) {
    if (address.host !== null) {
      if (open === null) {
        open = { name: null, addresses: [] }
        groups.push(open)
      }
      open.addresses.push(emailAddress(address))
    } else if (address.mailbox !== null) {
      open = { name: nameOf(address.mailbox), addresses: [] }
      groups.push(open)
    } else open = null
  }
  return groups
}

const mostIds = 10_000

/** RFC 8621 §4.1.2.5. */
function messageIdsForm(raw: string): readonly string[] | null {
  const ids = messageIds(unfold(raw), mostIds).map(plainText)
  return ids.length === 0 ? null : ids
}

/** RFC 8621 §4.1.2.6. */
export function dateForm(raw: string): string | null {
  const date = tryDate(unfold(raw))
  if (date === undefined) return null
  const { time, zoneMinutes } = date
  const local = new Date(time + zoneMinutes * 60_000).toISOString().slice(0, 19)
  // RFC 3339 §5.6 has four digits of a year.
  if (!/^\d{4}-/.test(local)) return null
  if (zoneMinutes === 0) return `${local}Z`
  const offset = Math.abs(zoneMinutes)
  const two = (number: number): string => String(number).padStart(2, '0')
  return `${local}${zoneMinutes < 0 ? '-' : '+'}${two(Math.floor(offset / 60))}:${two(offset % 60)}`
}

/** RFC 8621 §4.1.2.7, RFC 2369 §2: URLs in angle brackets; what stands outside of them is comment. */
function urlsForm(raw: string): readonly string[] | null {
  const urls: string[] = []
  for (const [, url = ''] of unfold(raw).matchAll(/<([^<>]*)>/g)) {
    const bare = plainText(url.replace(/\s+/g, ''))
    if (bare !== '') urls.push(bare)
  }
  return urls.length === 0 ? null : urls
}
