// Bytes of any labelled charset into text. Never throws and never refuses: what no table knows is read as UTF-8 where
// it is valid and as windows-1252 otherwise, and broken sequences become U+FFFD, so that a reader sees what there is.
//
// TextDecoder (WHATWG labels, full ICU) comes first; iconv-lite has what it lacks (UTF-7, UTF-32, DOS code pages); its
// tables are loaded on their first use. A small decoder here does HZ (RFC 1843), which neither knows.
import { Buffer, isAscii } from 'node:buffer'
import iconv from 'iconv-lite'

/** Labels that mail uses and neither decoder knows, or that one of them would read as something else. */
const aliases: ReadonlyMap<string, string> = new Map([
  ['ansi_x3.110-1983', 'latin1'],
  ['cp932', 'shift_jis'],
  ['ms932', 'shift_jis'],
  ['windows-932', 'shift_jis'],
  ['cp936', 'gbk'],
  ['ms936', 'gbk'],
  ['windows-936', 'gbk'],
  ['cp949', 'euc-kr'],
  ['ks_c_5601', 'euc-kr'],
  ['cp950', 'big5'],
  ['big5-hkscs:2004', 'big5-hkscs'],
  ['cp1252', 'windows-1252'],
  ['iso-8859-8-i', 'iso-8859-8'],
  ['iso-2022-jp-1', 'iso-2022-jp'],
  ['iso-2022-jp-ms', 'iso-2022-jp'],
  ['cp50220', 'iso-2022-jp'],
  ['cp51932', 'euc-jp'],
  ['ibm-850', 'cp850'],
  ['ibm-437', 'cp437'],
  ['unicode-1-1-utf-7', 'utf-7'],
  ['unicode-1-1-utf-8', 'utf-8'],
  ['x-unknown', ''],
  ['unknown-8bit', ''],
  ['unknown', ''],
  ['default', ''],
  ['_iso-2022-jp$esc', 'iso-2022-jp'],
])

/** UTF-8 where the bytes are valid, windows-1252 otherwise: for raw header bytes and unlabelled text. */
export function decodeUnlabelled(bytes: Uint8Array): string {
  if (isAscii(bytes)) return asciiText(bytes)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return new TextDecoder('windows-1252').decode(bytes)
  }
}

/** Decodes bytes of a charset named by a MIME label (RFC 2045 §5.1, any case, RFC 2231 §5 language suffix ignored). */
export function decodeCharset(bytes: Uint8Array, label: string | null): string {
  const name = normalLabel(label ?? '')
  if (name === '' || name === 'us-ascii' || name === 'ascii') return decodeUnlabelled(bytes)
  if (name === 'utf-8' || name === 'utf8') return decodeUtf8(bytes)
  if (name === 'hz-gb-2312' || name === 'hz') return decodeHz(bytes)
  // The WHATWG table maps UTF-7 and other unsafe ones to "replacement": one U+FFFD for the whole text.
  const decoder = name === 'iso-2022-kr' || name === 'iso-2022-cn' ? null : tryDecoder(name)
  if (decoder !== null) return decoder.decode(bytes)
  return tryIconv(bytes, name) ?? decodeUnlabelled(bytes)
}

/** True where a label has a decoder of its own: what SEARCH CHARSET and its BADCHARSET reply ask (RFC 3501 §6.4.4). */
export function knowsCharset(label: string): boolean {
  const name = normalLabel(label)
  if (name === 'hz-gb-2312' || name === 'hz') return true
  if (name === '' || name.length > longestLabel) return false
  return tryDecoder(name) !== null || iconv.encodingExists(name)
}

const longestLabel = 60

function normalLabel(label: string): string {
  const star = label.indexOf('*')
  const bare = (star < 0 ? label : label.slice(0, star)).slice(0, longestLabel + 1)
  const name = bare
    .trim()
    .replace(/^["']+|["']+$/g, '')
    .toLowerCase()
  return aliases.get(name) ?? name
}

/** Most mail, and several times cheaper than making a decoder. */
function asciiText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

function decodeUtf8(bytes: Uint8Array): string {
  if (isAscii(bytes)) return asciiText(bytes)
  return new TextDecoder('utf-8').decode(bytes)
}

function tryDecoder(name: string): TextDecoder | null {
  try {
    return new TextDecoder(name)
  } catch {
    // RangeError: a label that the table lacks or that stands for the replacement decoder.
    return null
  }
}

function tryIconv(bytes: Uint8Array, name: string): string | undefined {
  if (name.length > longestLabel) return undefined
  try {
    return iconv.encodingExists(name) ? iconv.decode(bytes, name) : undefined
  } catch {
    // A table that cannot be loaded is like one that does not exist: the text must still be shown.
    return undefined
  }
}

/** RFC 1843 §2: `~{` and `~}` switch between ASCII and GB 2312 without its high bits. */
function decodeHz(bytes: Uint8Array): string {
  const plain = new Uint8Array(bytes.length)
  let length = 0
  let chinese = false
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0
    const next = bytes[at + 1]
    if (byte === 0x7e && (next === 0x7b || next === 0x7d)) {
      chinese = next === 0x7b
      at++
    } else if (byte === 0x7e && (next === 0x7e || next === 0x0a) && !chinese) {
      if (next === 0x7e) plain[length++] = 0x7e
      at++
    } else plain[length++] = chinese && byte > 0x20 ? byte | 0x80 : byte
  }
  return decodeCharset(plain.subarray(0, length), 'gbk')
}
