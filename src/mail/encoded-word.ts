// Encoded words (RFC 2047) and the display form of header text.
//
// Decoding is lenient where senders are known to err: words side by side in one charset are joined before decoding
// (many split characters between words), white space inside Q text is taken, B text may lack padding. What is no
// encoded word stays as it is. One pass; nothing throws.
import { Buffer } from 'node:buffer'
import { decodeCharset, decodeUnlabelled } from './charset.ts'
import { decodeTransfer } from './transfer.ts'

interface EncodedWord {
  readonly charset: string
  readonly bytes: Uint8Array
  readonly end: number
}

/** The readable form of a binary string from a header: encoded words decoded, raw bytes as UTF-8 where they are. */
export function displayText(binary: string): string {
  let text = ''
  let plainFrom = 0
  let search = 0
  let run: { charset: string; pieces: Uint8Array[] } | null = null
  for (;;) {
    const start = binary.indexOf('=?', search)
    const word = start < 0 ? undefined : readWord(binary, start)
    if (word === undefined) {
      if (start < 0) break
      search = start + 2
      continue
    }
    const between = binary.slice(plainFrom, start)
    // RFC 2047 §6.2: white space between two encoded words is not displayed.
    if (run === null || !isBlank(between)) {
      text += flush(run) + decodeRaw(between)
      run = null
    }
    if (run !== null && run.charset === word.charset) run.pieces.push(word.bytes)
    else {
      text += flush(run)
      run = { charset: word.charset, pieces: [word.bytes] }
    }
    plainFrom = search = word.end
  }
  return text + flush(run) + decodeRaw(binary.slice(plainFrom))
}

/** RFC 2047 §2: `"=?" charset "?" encoding "?" encoded-text "?="`. */
function readWord(binary: string, start: number): EncodedWord | undefined {
  const charsetEnd = binary.indexOf('?', start + 2)
  if (charsetEnd < 0 || charsetEnd === start + 2 || charsetEnd - start > longestCharset) return undefined
  const encoding = binary.charAt(charsetEnd + 1).toLowerCase()
  if ((encoding !== 'b' && encoding !== 'q') || binary.charAt(charsetEnd + 2) !== '?') return undefined
  const from = charsetEnd + 3
  const end = binary.indexOf('?', from)
  if (end < 0 || binary.charAt(end + 1) !== '=') return undefined
  const charset = binary.slice(start + 2, charsetEnd).toLowerCase()
  const encoded = binary.slice(from, end)
  return { charset, bytes: encoding === 'b' ? decodeB(encoded) : decodeQ(encoded), end: end + 2 }
}

const longestCharset = 80

function decodeB(encoded: string): Uint8Array {
  return decodeTransfer(Buffer.from(encoded, 'latin1'), 'base64')
}

/** RFC 2047 §4.2: `_` is a space, `=XX` an octet. */
function decodeQ(encoded: string): Uint8Array {
  const bytes = new Uint8Array(encoded.length)
  let length = 0
  for (let at = 0; at < encoded.length; at++) {
    const character = encoded.charAt(at)
    if (character === '=' && /^[0-9A-Fa-f]{2}$/.test(encoded.slice(at + 1, at + 3))) {
      bytes[length++] = Number.parseInt(encoded.slice(at + 1, at + 3), 16)
      at += 2
    } else bytes[length++] = character === '_' ? 0x20 : encoded.charCodeAt(at)
  }
  return bytes.subarray(0, length)
}

function flush(run: { readonly charset: string; readonly pieces: readonly Uint8Array[] } | null): string {
  return run === null ? '' : decodeCharset(Buffer.concat(run.pieces), run.charset)
}

function decodeRaw(binary: string): string {
  for (let at = 0; at < binary.length; at++) {
    if (binary.charCodeAt(at) >= 0x80) return decodeUnlabelled(Buffer.from(binary, 'latin1'))
  }
  return binary
}

function isBlank(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit !== 32 && unit !== 9 && unit !== 10 && unit !== 13) return false
  }
  return true
}
