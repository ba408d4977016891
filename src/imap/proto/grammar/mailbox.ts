// Mailbox names on the wire: modified UTF-7 (RFC 3501 §5.1.3), INBOX in every case, `/` between levels.
//
// Inside Posthorn a name is Unicode in NFC. Decoding accepts exactly the one canonical encoding of each name (§5.1.3: "no
// superfluous shifts", printable characters as themselves, zero padding bits), so that decode and encode are inverse and no
// mailbox can be named in two ways. Refuses 8-bit characters, control characters, empty levels and overlong names.
import { Buffer, isUtf8 } from 'node:buffer'
import { namesInUtf8 } from '../modes.ts'
import { ParseError } from './cursor.ts'
import type { Cursor } from './cursor.ts'
import type { Modes } from '../modes.ts'

/** The syntax is right, but no mailbox can have this name: NO and not BAD. */
export class MailboxNameError extends ParseError {
  override name = 'MailboxNameError'
}

/** How long a name may be (octets of UTF-8) and how deep. */
export interface MailboxNameLimits {
  readonly mailboxName: number
  readonly mailboxLevels: number
}

/** The hierarchy delimiter. */
export const delimiter = '/'

/** A mailbox's name, and how it was written where that was not in NFC (RFC 9051 §5.1, §6.3.9.7), else null. */
export interface WrittenName {
  readonly mailbox: string
  readonly supplied: string | null
}

/** `mailbox = "INBOX" / astring`, as the name it stands for. */
export function parseMailbox(cursor: Cursor, limits: MailboxNameLimits): string {
  return parseWrittenName(cursor, limits).mailbox
}

/** The same with the name as it was written. */
export function parseWrittenName(cursor: Cursor, limits: MailboxNameLimits): WrittenName {
  return readName(cursor.astring('a mailbox name'), cursor.modes, limits)
}

/** The same where an empty string stands for none (RFC 5464 §5: for the server). */
export function parseMailboxOrNone(cursor: Cursor, limits: MailboxNameLimits): string | null {
  const text = cursor.astring('a mailbox name')
  return text === '' ? null : readName(text, cursor.modes, limits).mailbox
}

function readName(text: string, modes: Modes, limits: MailboxNameLimits): WrittenName {
  const decoded = tryDecodeName(text, modes)
  const mailbox = decoded === undefined ? undefined : tryMailboxName(decoded, limits)
  if (decoded === undefined || mailbox === undefined) {
    throw new MailboxNameError('No mailbox can have this name')
  }
  return { mailbox, supplied: decoded.normalize('NFC') === decoded ? null : decoded }
}

/**
 * The reference or pattern of LIST, decoded; wildcards and an empty text are allowed. Undefined where it is not in the encoding of
 * names: it matches nothing, and is no error (RFC 9051 §6.3.9).
 */
export function tryDecodePattern(encoded: string, modes: Modes): string | undefined {
  return tryDecodeName(encoded, modes)?.normalize('NFC')
}

/** A name as it came: modified UTF-7, or UTF-8 where the session has enabled it (RFC 9051 §5.1, RFC 9755 §3). */
function tryDecodeName(binary: string, modes: Modes): string | undefined {
  if (!namesInUtf8(modes)) return tryDecodeModifiedUtf7(binary)
  const octets = Buffer.from(binary, 'latin1')
  return isUtf8(octets) ? octets.toString('utf8') : undefined
}

/** RFC 3501 §5.1: INBOX is case-insensitive, and so is it as the first level of a name. */
export function canonicalInbox(name: string): string {
  const end = name.indexOf(delimiter)
  const first = end === -1 ? name : name.slice(0, end)
  return first.length === 5 && first.toUpperCase() === 'INBOX' ? `INBOX${name.slice(5)}` : name
}

/** A name that a mailbox may have, in NFC, one trailing delimiter dropped (RFC 3501 §6.3.3); undefined where it may not. */
export function tryMailboxName(name: string, limits: MailboxNameLimits): string | undefined {
  const whole = name.endsWith(delimiter) ? name.slice(0, -1) : name
  if (!whole.isWellFormed()) return undefined
  const normal = canonicalInbox(whole.normalize('NFC'))
  const levels = normal.split(delimiter)
  if (levels.length > limits.mailboxLevels || Buffer.byteLength(normal) > limits.mailboxName) return undefined
  // Wildcards would make a name that LIST cannot ask for; controls one that breaks logs and clients.
  if (levels.some((level) => level === '' || /[\u0000-\u001f\u007f-\u009f\u2028\u2029*%]/.test(level)))
    return undefined
  return normal
}

const base64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,'
const values = new Map([...base64].map((character, value) => [character, value]))

/** RFC 3501 §5.1.3, encoding: pure US-ASCII. */
export function encodeModifiedUtf7(name: string): string {
  let text = ''
  let shifted = ''
  for (const unit of name) {
    const code = unit.charCodeAt(0)
    const direct = unit.length === 1 && code >= 0x20 && code <= 0x7e
    if (!direct) {
      shifted += unit
      continue
    }
    text += encodeShift(shifted)
    shifted = ''
    text += unit === '&' ? '&-' : unit
  }
  return text + encodeShift(shifted)
}

function encodeShift(text: string): string {
  if (text === '') return ''
  let encoded = '&'
  let bits = 0
  let count = 0
  for (let at = 0; at < text.length; at++) {
    bits = (bits << 16) | text.charCodeAt(at)
    count += 16
    while (count >= 6) {
      count -= 6
      encoded += base64.charAt((bits >>> count) & 63)
      bits &= (1 << count) - 1
    }
  }
  if (count > 0) encoded += base64.charAt((bits << (6 - count)) & 63)
  return `${encoded}-`
}

/** RFC 3501 §5.1.3, decoding: undefined for anything but the canonical encoding of well-formed Unicode. */
export function tryDecodeModifiedUtf7(encoded: string): string | undefined {
  let name = ''
  let at = 0
  while (at < encoded.length) {
    const code = encoded.charCodeAt(at)
    if (code < 0x20 || code > 0x7e) return undefined
    if (code !== 0x26) {
      name += encoded.charAt(at++)
      continue
    }
    const end = encoded.indexOf('-', at)
    if (end === -1) return undefined
    if (end === at + 1) {
      name += '&'
    } else {
      const shifted = tryDecodeShift(encoded.slice(at + 1, end))
      if (shifted === undefined) return undefined
      // Two shifts in a row are one shift written superfluously.
      if (encoded.charAt(end + 1) === '&' && encoded.charAt(end + 2) !== '-') return undefined
      name += shifted
    }
    at = end + 1
  }
  return name.isWellFormed() ? name : undefined
}

function tryDecodeShift(text: string): string | undefined {
  let decoded = ''
  let bits = 0
  let count = 0
  for (let at = 0; at < text.length; at++) {
    const value = values.get(text.charAt(at))
    if (value === undefined) return undefined
    bits = (bits << 6) | value
    count += 6
    if (count < 16) continue
    count -= 16
    const code = bits >>> count
    if (code >= 0x20 && code <= 0x7e) return undefined
    decoded += String.fromCharCode(code)
    bits &= (1 << count) - 1
  }
  // What is left is padding: fewer than six bits, all zero.
  return count >= 6 || bits !== 0 ? undefined : decoded
}

/**
 * Whether `name` matches a LIST pattern (RFC 3501 §6.3.8): `*` is any text, `%` any text without the delimiter. Two-row
 * dynamic programming: time is the product of the two lengths at worst, whatever the pattern (CVE-2021-40110).
 */
export function matchesPattern(name: string, pattern: string): boolean {
  const short = pattern.replace(/[*%]*\*[*%]*/g, '*').replace(/%+/g, '%')
  // Every character that is no wildcard takes one of the name, and those before the first wildcard the name's first.
  const wildcard = short.search(/[*%]/)
  if (wildcard === -1) return name === short
  if (!name.startsWith(short.slice(0, wildcard))) return false
  if (short.replace(/[*%]/g, '').length > name.length) return false
  return matchByRows(name, short)
}

const star = 0x2a
const percent = 0x25
const slash = delimiter.charCodeAt(0)

/** `row[n]`: the pattern so far matches the first n characters of the name. */
function matchByRows(name: string, pattern: string): boolean {
  const { length } = name
  const codes = Uint16Array.from({ length }, (_, at) => name.charCodeAt(at))
  let row = new Uint8Array(length + 1)
  let next = new Uint8Array(length + 1)
  row[0] = 1
  for (let p = 0; p < pattern.length; p++) {
    const code = pattern.charCodeAt(p)
    const wild = code === star || code === percent
    let reached = wild ? (row[0] ?? 0) : 0
    let any = reached
    next[0] = reached
    for (let n = 1; n <= length; n++) {
      const character = codes[n - 1]
      if (wild) reached = (row[n] ?? 0) | (code === star || character !== slash ? reached : 0)
      else reached = character === code ? (row[n - 1] ?? 0) : 0
      next[n] = reached
      any |= reached
    }
    if (any === 0) return false
    const spare = row
    row = next
    next = spare
  }
  return row[length] === 1
}
