// Header text as words: what has to be encoded is encoded (RFC 2047), and what comes out can be folded at its spaces
// without losing any.
//
// - A *token* is what may not be broken; but for the first one of a field it begins with the white space before it.
// - Tokens are binary strings (see header.ts) without CR, LF or NUL. Reading the tokens one after the other gives back what
//   was put in, less controls, whatever it holds: text that looks like an encoded word is encoded, and so is white space
//   at either end.
import { Buffer } from 'node:buffer'

/** RFC 2047 §2: an encoded word has at most 75 characters. */
const longestWord = 75
/** RFC 5322 §2.1.1: lines should have at most 78 characters. */
const usualLine = 78
/** RFC 5322 §2.1.1: lines must have at most 998 characters. */
export const longestLine = 998
/** A word of more characters is encoded, so that it can be folded. */
const longestPlain = 900
/** A quoted string of more characters is encoded instead: it cannot be folded everywhere. */
const longestQuoted = 200

/** Unstructured text (RFC 5322 §2.2.1), encoded where it must be. */
export function textTokens(text: string): string[] {
  const clean = cleanText(text)
  // A leading or trailing blank belongs to the word beside it, which makes that one encoded.
  const pieces = clean.match(/^[ \t]+[^ \t]*|[ \t]+$|[ \t]*[^ \t]+/g) ?? []
  const words: { text: string; encode: boolean }[] = pieces.map((piece, index) => ({
    text: piece,
    encode: mustEncode(piece, index === 0),
  }))
  if (words.length > 1 && words.at(-1)?.text.trim() === '') {
    const tail = words.pop()
    const last = words.pop()
    words.push({ text: (last?.text ?? '') + (tail?.text ?? ''), encode: true })
  }
  const tokens: string[] = []
  for (let at = 0; at < words.length; at++) {
    const word = words[at]
    if (!word) break
    if (!word.encode) {
      tokens.push(word.text)
      continue
    }
    // RFC 2047 §6.2: white space between two encoded words is not displayed, so what stands between them is encoded too.
    let run = word.text
    while (words[at + 1]?.encode) run += words[++at]?.text ?? ''
    const blank = tokens.length === 0 ? '' : (/^[ \t]+/.exec(run)?.[0] ?? '')
    encodedWords(run.slice(blank.length)).forEach((encoded, index) => {
      tokens.push((index === 0 ? blank : ' ') + encoded)
    })
  }
  return tokens
}

/** A `phrase` (RFC 5322 §3.2.5): atoms, a quoted string, or encoded words, whichever says it with the least. */
export function phraseTokens(name: string): string[] {
  const clean = cleanText(name)
  if (/^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+(?: [A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*$/.test(clean)) {
    if (!clean.includes('=?')) return clean.split(' ').map((word, index) => (index === 0 ? '' : ' ') + word)
  }
  const quotable = /^[!-~](?:[ -~]*[!-~])?$/.test(clean) && !clean.includes('=?')
  if (quotable && clean.length <= longestQuoted) return [`"${clean.replace(/["\\]/g, '\\$&')}"`]
  return encodedWords(clean).map((word, index) => (index === 0 ? '' : ' ') + word)
}

/** A field with its CRLF from tokens, folded before white space (RFC 5322 §2.2.3). */
export function foldField(name: string, tokens: readonly string[]): string {
  let text = `${name}:`
  let column = text.length
  for (const [index, token] of tokens.entries()) {
    const piece = index === 0 ? ` ${token}` : token
    // The first one stays beside the name: RFC 5322 §3.2.2 has no line of white space alone.
    if (index > 0 && column + piece.length > usualLine && /^[ \t]/.test(piece)) {
      text += '\r\n'
      column = 0
    }
    text += piece
    column += piece.length
  }
  return `${text === `${name}:` ? `${name}: ` : text}\r\n`
}

/** Without controls; a line break, with the white space around it, is one space. */
export function cleanText(text: string): string {
  return text.replace(/[ \t]*[\r\n]+[ \t]*/g, ' ').replace(/[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/g, '')
}

/** Text as the octets of its UTF-8, one unit each. */
export function binary(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

function mustEncode(piece: string, first: boolean): boolean {
  if (first && /^[ \t]/.test(piece)) return true
  return /[^\t -~]/.test(piece) || piece.includes('=?') || piece.length > longestPlain
}

/** RFC 2047 §2 and §4; no character is split between two words (§5). */
function encodedWords(text: string): string[] {
  const octets = Buffer.from(text, 'utf8')
  const plain = octets.filter((octet) => isPlain(octet)).length
  // RFC 2047 §4: "Q" for what is mostly US-ASCII, else "B".
  const encoding = plain * 3 > octets.length * 2 ? 'Q' : 'B'
  const room = longestWord - '=?utf-8?Q??='.length
  const words: string[] = []
  let held = ''
  const width = (piece: string): number =>
    encoding === 'B' ? Math.ceil(Buffer.byteLength(piece) / 3) * 4 : qEncoded(piece).length
  const flush = (): void => {
    if (held === '') return
    const body = encoding === 'B' ? Buffer.from(held, 'utf8').toString('base64') : qEncoded(held)
    words.push(`=?utf-8?${encoding}?${body}?=`)
    held = ''
  }
  for (const character of text) {
    if (held !== '' && width(held + character) > room) flush()
    held += character
  }
  flush()
  return words
}

/** RFC 2047 §5 (3): the few characters that may stand in a phrase, so that a word may stand anywhere. */
function qEncoded(text: string): string {
  let out = ''
  for (const octet of Buffer.from(text, 'utf8')) {
    if (octet === 0x20) out += '_'
    else if (isPlain(octet)) out += String.fromCharCode(octet)
    else out += `=${octet.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return out
}

function isPlain(octet: number): boolean {
  return (
    octet === 0x20 ||
    (octet >= 0x30 && octet <= 0x39) ||
    (octet >= 0x41 && octet <= 0x5a) ||
    (octet >= 0x61 && octet <= 0x7a) ||
    octet === 0x21 ||
    octet === 0x2a ||
    octet === 0x2b ||
    octet === 0x2d ||
    octet === 0x2f
  )
}
