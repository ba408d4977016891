// EmailBodyValue (RFC 8621 §4.1.4): the text of a part for people, decoded as well as can be, cut where the client asks for that.
import { Buffer } from 'node:buffer'
import { decodeCharset, decodeUnlabelled, knowsCharset } from '../../mail/charset.ts'
import { decodeTransfer } from '../../mail/transfer.ts'
import { charsetOf, type BodyPart } from './email-body.ts'
import type { JsonObject } from './json.ts'

const knownEncodings: ReadonlySet<string> = new Set(['7bit', '8bit', 'binary', 'base64', 'quoted-printable'])

/** `octets`: the body of the part as it stands in the message. `most`: octets of UTF-8 of the value; 0 is no limit. */
export function bodyValue(body: BodyPart, octets: Uint8Array, most: number): JsonObject {
  const { encoding } = body.part
  const decoded = decodeTransfer(octets, encoding)
  const { text, isProblem } = decodedText(decoded, charsetOf(body))
  // RFC 8621 §4.1.4: "any CRLF replaced with a single LF".
  const value = text.replaceAll('\r\n', '\n')
  const kept = truncated(value, { most, isHtml: body.type === 'text/html' })
  return {
    value: kept,
    isEncodingProblem: isProblem || !knownEncodings.has(encoding),
    isTruncated: kept.length < value.length,
  }
}

function decodedText(octets: Uint8Array, charset: string | null): { text: string; isProblem: boolean } {
  const label = (charset ?? '').trim().toLowerCase()
  if (label === '' || label === 'us-ascii' || label === 'ascii') {
    const text = decodeUnlabelled(octets)
    // Octets that are no ASCII, and no UTF-8 either: what they were meant to be is a guess.
    return { text, isProblem: octets.some((octet) => octet > 127) && !isUtf8(octets) }
  }
  const text = decodeCharset(octets, label)
  if (!knowsCharset(label)) return { text, isProblem: true }
  const isUnicode = label === 'utf-8' || label === 'utf8'
  return { text, isProblem: isUnicode ? !isUtf8(octets) : text.includes('\ufffd') }
}

function isUtf8(octets: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(octets)
    return true
  } catch {
    return false
  }
}

/** RFC 8621 §4.2 `maxBodyValueBytes`: never inside a character, and not inside of a tag of HTML. */
export function truncated(value: string, { most, isHtml }: { most: number; isHtml: boolean }): string {
  if (most === 0 || value.length * 3 <= most) return value
  const octets = Buffer.from(value)
  if (octets.length <= most) return value
  let end = most
  // Octets 10xxxxxx go on with a character.
  while (end > 0 && ((octets[end] ?? 0) & 0xc0) === 0x80) end--
  const kept = octets.toString('utf8', 0, end)
  if (!isHtml) return kept
  const open = kept.lastIndexOf('<')
  return open > kept.lastIndexOf('>') ? kept.slice(0, open) : kept
}
