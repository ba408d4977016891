// What a reader sees of an HTML part, for searching: text without markup, white space folded, then the words of attributes that a
// reader meets (alternative texts, titles) and the addresses of links.
//
// Markup is skipped by scanning, not understood, and in linear time whatever it is. The result is text to compare with, never
// HTML, and never shown.
import { htmlEntities } from './html-entities.ts'

/** The text of a page, in the order of the source; attributes last, so that they part no words. */
export function htmlText(html: string): string {
  const shown: string[] = []
  const told: string[] = []
  const found: Found = { shown, told, head: false }
  let at = 0
  while (at < html.length) {
    const open = html.indexOf('<', at)
    if (open < 0) break
    if (open > at) shown.push(html.slice(at, open))
    at = skipMarkup(html, open, found)
  }
  if (at < html.length) shown.push(html.slice(at))
  return readable(shown.join('')) + told.map((text) => `\n${readable(text)}`).join('')
}

interface Found {
  readonly shown: string[]
  readonly told: string[]
  /** Whether the head was there: a page has one, and its end is looked for once. */
  head: boolean
}

/** Where the markup that starts at `open` ends. An unclosed comment or hidden element hides the rest. */
function skipMarkup(html: string, open: number, found: Found): number {
  const name = tagName(html, open + 1)
  if (name === '') {
    const next = html.charAt(open + 1)
    if (html.startsWith('<!--', open)) return after(html, '-->', open + 4)
    if (next === '!' || next === '?') return after(html, '>', open)
    if (next !== '/') {
      found.shown.push('<')
      return open + 1
    }
    const closing = tagName(html, open + 2)
    if (!inlineTags.has(closing)) found.shown.push(' ')
    return after(html, '>', open)
  }
  if (!inlineTags.has(name)) found.shown.push(' ')
  const end = readAttributes(html, open + 1 + name.length, found.told)
  if (name === 'head' && !found.head) {
    found.head = true
    return afterHead(html, end)
  }
  return hiddenElements.has(name) ? afterElement(html, name, end) : end
}

/** RFC 8621 §4.4.1: "anything inside the "<head>" tag" is no text. A head without an end hides nothing but its title. */
function afterHead(html: string, from: number): number {
  const close = /<(?:\/head|body)/gi
  close.lastIndex = from
  const found = close.exec(html)
  return found === null ? from : found.index
}

const hiddenElements: ReadonlySet<string> = new Set(['style', 'script', 'template', 'title'])
/** Tags that do not part words. */
const inlineTags: ReadonlySet<string> = new Set(
  'a abbr b bdi bdo big cite code del dfn em font i ins kbd mark q s samp small span strike strong sub sup tt u var wbr'.split(
    ' ',
  ),
)
const toldAttributes: ReadonlySet<string> = new Set(['alt', 'title', 'href'])

/** The letters and digits at `from`, lower-cased; '' where no tag starts. */
function tagName(html: string, from: number): string {
  let at = from
  while (at < html.length && at - from < longestName && isNameUnit(html.charCodeAt(at), at > from)) at++
  return html.slice(from, at).toLowerCase()
}

const longestName = 40

function isNameUnit(unit: number, digits: boolean): boolean {
  const letter = unit | 0x20
  return (letter >= 97 && letter <= 122) || (digits && unit >= 48 && unit <= 57)
}

/** Reads up to the end of the tag. */
function readAttributes(html: string, from: number, told: string[]): number {
  let at = from
  let name = ''
  while (at < html.length) {
    const unit = html.charCodeAt(at)
    if (unit === 62) return at + 1
    if (unit === 61) {
      const value = attributeValue(html, at + 1)
      if (toldAttributes.has(name) && value.text !== '') told.push(value.text)
      name = ''
      at = value.end
    } else {
      const word = tagName(html, at)
      if (word !== '') name = word
      at += Math.max(1, word.length)
    }
  }
  return at
}

function attributeValue(html: string, from: number): { text: string; end: number } {
  let at = from
  while (at < html.length && isSpace(html.charCodeAt(at))) at++
  const quote = html.charAt(at)
  if (quote === '"' || quote === "'") {
    const close = html.indexOf(quote, at + 1)
    if (close >= 0) return { text: html.slice(at + 1, close), end: close + 1 }
  }
  const start = at
  while (at < html.length && html.charCodeAt(at) !== 62 && !isSpace(html.charCodeAt(at))) at++
  return { text: html.slice(start, at), end: at }
}

function isSpace(unit: number): boolean {
  return unit === 32 || (unit >= 9 && unit <= 13)
}

function after(text: string, needle: string, from: number): number {
  const found = text.indexOf(needle, from)
  return found < 0 ? text.length : found + needle.length
}

function afterElement(html: string, name: string, from: number): number {
  const close = new RegExp(`</${name}`, 'gi')
  close.lastIndex = from
  return close.test(html) ? after(html, '>', close.lastIndex) : html.length
}

/** Character references decoded, invisible fillers gone, runs of white space as one space. */
function readable(text: string): string {
  const decoded = text.includes('&') ? text.replace(references, reference) : text
  return decoded.replace(fillers, '').replace(/\s+/g, ' ').trim()
}

const references = /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z][a-z0-9]{1,9}));?/gi
/** Soft hyphen, zero width space and joiners' absence, word joiner, byte order mark: between letters of one word. */
const fillers = /[\u00ad\u034f\u200b\u200c\u2060\ufeff]/g

function reference(whole: string, decimal?: string, hex?: string, name?: string): string {
  if (name !== undefined) return htmlEntities.get(name) ?? whole
  const point = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal)
  return point > 0 && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff)
    ? String.fromCodePoint(point)
    : whole
}
