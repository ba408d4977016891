// How strings are written: quoted where they can be, as a literal where they must.
//
// Input and output are binary strings (one UTF-16 unit per octet); the bytes on the wire are `Buffer.from(text, 'latin1')`.
// NUL cannot be sent at all (RFC 3501 §9 note 3, CHAR8 is %x01-ff) and is dropped from header texts.

/** Longer texts go as literals, which no client has to unescape. */
const longestQuoted = 1000

// TEXT-CHAR without quoted-specials; 8-bit, CR, LF and NUL need a literal.
const plain = /^[\u0001-\u0009\u000b\u000c\u000e-\u0021\u0023-\u005b\u005d-\u007f]*$/
const quotable = /^[\u0001-\u0009\u000b\u000c\u000e-\u007f]*$/

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

/** `astring`, an atom where it can be one. */
export function encodeAString(text: string): string {
  return /^[A-Za-z0-9._-]+$/.test(text) && text.toUpperCase() !== 'NIL' ? text : encodeString(text)
}
