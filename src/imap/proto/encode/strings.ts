// How strings are written: quoted where they can be, as a literal where they must.
//
// Input and output are binary strings (one UTF-16 unit per octet); the bytes on the wire are `Buffer.from(text, 'latin1')`.
// NUL cannot be sent at all (RFC 3501 §9 note 3, CHAR8 is %x01-ff) and is dropped from header texts.
import { Buffer, isUtf8 } from 'node:buffer'
import { takesUtf8 } from '../modes.ts'
import type { Modes } from '../modes.ts'

/** Longer texts go as literals, which no client has to unescape. */
const longestQuoted = 1000

// TEXT-CHAR without quoted-specials; 8-bit, CR, LF and NUL need a literal.
const plain = /^[\u0001-\u0009\u000b\u000c\u000e-\u0021\u0023-\u005b\u005d-\u007f]*$/
const quotable = /^[\u0001-\u0009\u000b\u000c\u000e-\u007f]*$/
const quotableUtf8 = /^[\u0001-\u0009\u000b\u000c\u000e-\u00ff]*$/

/** `string = quoted / literal` */
export function encodeString(text: string): string {
  if (text.length <= longestQuoted) {
    if (plain.test(text)) return `"${text}"`
    if (quotable.test(text)) return `"${text.replace(/["\\]/g, '\\$&')}"`
  }
  const sendable = text.includes('\0') ? text.replaceAll('\0', '') : text
  return `{${sendable.length}}\r\n${sendable}`
}

/** `nstring = string / nil` */
export function encodeNString(text: string | null): string {
  return text === null ? 'NIL' : encodeString(text)
}

/**
 * A text from a header. What is UTF-8 there stands in a quoted string where the session takes that (RFC 9051 §4.3, RFC 9755 §3), else in a
 * literal, which may hold any octet.
 */
export function encodeHeaderText(text: string | null, modes: Modes): string {
  if (text === null) return 'NIL'
  if (takesUtf8(modes) && text.length <= longestQuoted && !quotable.test(text) && quotableUtf8.test(text)) {
    if (isUtf8(Buffer.from(text, 'latin1'))) return `"${text.replace(/["\\]/g, '\\$&')}"`
  }
  return encodeString(text)
}

/** A text of ours in Unicode, as UTF-8. */
export function encodeUnicode(text: string, modes: Modes): string {
  return encodeHeaderText(Buffer.from(text, 'utf8').toString('latin1'), modes)
}

/** `astring`, an atom where it can be one. */
export function encodeAString(text: string): string {
  return /^[A-Za-z0-9._-]+$/.test(text) && text.toUpperCase() !== 'NIL' ? text : encodeString(text)
}
