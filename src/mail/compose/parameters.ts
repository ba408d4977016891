// Writes Content-Type and Content-Disposition with their parameters (RFC 2045 §5.1, RFC 2183 §2, RFC 2231).
//
// A value is a token where it can be one, a quoted string where it is printable US-ASCII, else percent-encoded UTF-8, in
// numbered pieces where it is long. Names are the caller's and must be tokens; values may be any text.
import { Buffer } from 'node:buffer'
import { foldField } from './words.ts'

/** RFC 2045 §5.1: `token`. */
export function isToken(text: string): boolean {
  return /^[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]{1,200}$/.test(text)
}

/** `type/subtype`, each a token (RFC 2045 §5.1). */
export function isMediaType(text: string): boolean {
  const [type = '', subtype = '', ...more] = text.split('/')
  return isToken(type) && isToken(subtype) && more.length === 0
}

/** The field with its CRLF: `value; name=…; name=…`. The value must be safe to write: a token, or a media type. */
export function formatWithParameters(
  name: string,
  value: string,
  parameters: readonly (readonly [name: string, value: string])[],
): string {
  const pieces = parameters.flatMap(([key, text]) => parameterPieces(key, text))
  const tokens = [value, ...pieces].map((piece, index) => {
    const mark = index < pieces.length ? ';' : ''
    return `${index === 0 ? '' : ' '}${piece}${mark}`
  })
  return foldField(name, tokens)
}

/** Characters of a value in one piece. */
const pieceLength = 60

function parameterPieces(name: string, value: string): string[] {
  const short = value.length <= pieceLength
  if (short && isToken(value)) return [`${name}=${value}`]
  // Encoded words have no place in a parameter (RFC 2047 §5), but readers decode what looks like one.
  const quotable = /^[ -~]*$/.test(value) && !value.includes('=?')
  if (short && quotable) return [`${name}="${value.replace(/["\\]/g, '\\$&')}"`]
  const encoded = Array.from(value, percentEncoded)
  const whole = `utf-8''${encoded.join('')}`
  // RFC 2231 §4.
  if (whole.length <= pieceLength) return [`${name}*=${whole}`]
  // RFC 2231 §3: numbered pieces; the first one names the character set.
  const pieces: string[] = []
  let piece = "utf-8''"
  for (const character of encoded) {
    if (piece.length + character.length > pieceLength) {
      pieces.push(piece)
      piece = ''
    }
    piece += character
  }
  return [...pieces, piece].map((text, index) => `${name}*${index}*=${text}`)
}

/** RFC 2231 §7 `attribute-char` as it is, everything else as `%XX`. */
function percentEncoded(character: string): string {
  if (/^[!#$&+\-.0-9A-Z^_`a-z{|}~]$/.test(character)) return character
  let out = ''
  for (const octet of Buffer.from(character, 'utf8')) {
    out += `%${octet.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return out
}
