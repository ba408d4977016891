// The first readable words of a message, from the first octets of its text (RFC 8970 leaves the method open).
//
// The input is bounded by the walker. Markup is skipped by scanning, not understood: the result is plain text for a list
// of messages, never HTML, and whoever shows it escapes it like any text.
import { decodeCharset } from '../charset.ts'
import { decodeTransfer } from '../transfer.ts'

/** The beginning of a text body, still encoded. */
export interface TextSample {
  readonly subtype: 'plain' | 'html'
  readonly bytes: Uint8Array
  readonly encoding: string
  readonly charset: string | null
}

/** At most `characters` of text, white space folded, no controls; '' where there is nothing to read. */
export function previewOf(sample: TextSample, characters: number): string {
  const text = decodeCharset(decodeTransfer(sample.bytes, sample.encoding), sample.charset)
  return foldSpace(sample.subtype === 'html' ? stripMarkup(text) : text, characters)
}

/** Tags, comments and the content of elements that are not shown go; the commonest entities are decoded. */
function stripMarkup(html: string): string {
  const lower = html.toLowerCase()
  let text = ''
  let at = 0
  while (at < html.length) {
    const open = html.indexOf('<', at)
    if (open < 0) return text + decodeEntities(html.slice(at))
    text += decodeEntities(html.slice(at, open))
    const end = markupEnd(lower, open)
    if (end === open + 1) text += '<'
    else if (!inlineTag.test(lower.slice(open, open + 8))) text += ' '
    at = end
  }
  return text
}

const hiddenElements = ['style', 'script', 'head', 'title', 'template', 'noscript'] as const
/** Tags that do not part words. */
const inlineTag = /^<\/?(?:a|b|i|u|em|strong|span|font|wbr|abbr|code|sup|sub)[\s>/]/

/** Where the tag, comment or hidden element at `open` ends. An unclosed one hides the rest. */
function markupEnd(lower: string, open: number): number {
  if (lower.startsWith('<!--', open)) return after(lower, '-->', open + 4)
  const next = lower.charAt(open + 1)
  if (!/[a-z/!?]/.test(next)) return open + 1
  for (const name of hiddenElements) {
    if (lower.startsWith(name, open + 1) && !/[a-z0-9]/.test(lower.charAt(open + 1 + name.length))) {
      return after(lower, '>', after(lower, `</${name}`, open))
    }
  }
  return after(lower, '>', open)
}

function after(text: string, needle: string, from: number): number {
  const found = text.indexOf(needle, from)
  return found < 0 ? text.length : found + needle.length
}

const entities: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
  ['nbsp', ' '],
  ['zwnj', ''],
  ['zwj', ''],
  ['shy', ''],
  ['ndash', '–'],
  ['mdash', '—'],
  ['hellip', '…'],
  ['lsquo', '‘'],
  ['rsquo', '’'],
  ['ldquo', '“'],
  ['rdquo', '”'],
  ['euro', '€'],
  ['copy', '©'],
  ['auml', 'ä'],
  ['ouml', 'ö'],
  ['uuml', 'ü'],
  ['szlig', 'ß'],
  ['eacute', 'é'],
  ['egrave', 'è'],
])

function decodeEntities(text: string): string {
  if (!text.includes('&')) return text
  return text.replace(
    /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,8}));/gi,
    (whole, decimal?: string, hex?: string, name?: string) => {
      if (name !== undefined) return entities.get(name.toLowerCase()) ?? whole
      const point = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal)
      return point <= 0x10ffff ? String.fromCodePoint(point) : whole
    },
  )
}

/** Runs of white space become one space; controls, invisible fillers and lone surrogates go. */
function foldSpace(text: string, characters: number): string {
  let out = ''
  let count = 0
  let gap = false
  for (let at = 0; at < text.length;) {
    const point = text.codePointAt(at) ?? 0
    // A word of ASCII goes over as one piece.
    const end = isPrintable(point) ? printableEnd(text, at) : at + (point > 0xffff ? 2 : 1)
    if (isSpace(point)) gap = out !== ''
    else if (isVisible(point)) {
      const room = characters - count - (gap ? 1 : 0)
      if (room <= 0) break
      if (gap) {
        out += ' '
        count++
      }
      gap = false
      const stop = isPrintable(point) ? Math.min(end, at + room) : end
      out += text.slice(at, stop)
      count += isPrintable(point) ? stop - at : 1
    }
    at = end
  }
  return out.endsWith('\ufffd') ? out.slice(0, -1) : out
}

function isPrintable(point: number): boolean {
  return point > 32 && point < 0x7f
}

function printableEnd(text: string, from: number): number {
  let at = from + 1
  while (at < text.length && isPrintable(text.charCodeAt(at))) at++
  return at
}

function isSpace(point: number): boolean {
  if (point <= 32) return point === 32 || (point >= 9 && point <= 13)
  return (
    point === 0xa0 ||
    (point >= 0x2000 && point <= 0x200a) ||
    point === 0x2028 ||
    point === 0x2029 ||
    point === 0x3000
  )
}

function isVisible(point: number): boolean {
  if (point < 0x7f) return point > 32
  if (point <= 0xa0 || point === 0xad || point === 0x34f || point === 0xfeff) return false
  if (point >= 0x200b && point <= 0x200f) return point === 0x200d
  return (
    !(point >= 0x202a && point <= 0x202e) &&
    !(point >= 0x2060 && point <= 0x206f) &&
    !(point >= 0xd800 && point <= 0xdfff)
  )
}
