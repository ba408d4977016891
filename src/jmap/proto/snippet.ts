// What SearchSnippet shows (RFC 8621 §5): a text with the words that were found between <mark> and </mark>, all else escaped for HTML.
//
// Words are found in the folded text (`search-text/fold.ts`), which may be longer than the text itself; each unit of it knows the
// character that it comes from.
import { Buffer } from 'node:buffer'
import { fold } from '../../mail/search-text/fold.ts'
import { placeOf, type SearchWord } from '../../mail/search-text/word-places.ts'

/** Characters of a text that are looked through. */
const longestText = 200_000
/** RFC 8621 §5: a preview "MUST NOT be bigger than 255 octets in size". */
const mostOctets = 255
/** Characters before the first word that is found. */
const lead = 30

type Range = readonly [start: number, end: number]

/** The whole text; null where no word is in it. */
export function markedText(text: string, words: readonly SearchWord[]): string | null {
  const ranges = rangesOf(text, words)
  return ranges.length === 0 ? null : marked(text, ranges, [0, text.length])
}

/** The part of a text around the first word that is found, white space folded; null where none is in it. */
export function markedPart(text: string, words: readonly SearchWord[]): string | null {
  const flat = text.slice(0, longestText).replace(/\s+/gu, ' ').trim()
  const ranges = rangesOf(flat, words)
  const [first] = ranges
  if (first === undefined) return null
  const start = startBefore(flat, first[0])
  let end = Math.min(flat.length, start + mostOctets)
  for (;;) {
    const part = marked(flat, ranges, [start, end])
    const size = Buffer.byteLength(part)
    if (size <= mostOctets) return part
    if (end <= first[1]) return markedLong(flat, first)
    end = Math.max(first[1], end - Math.max(1, Math.floor((size - mostOctets) / 4)))
    if (isLow(flat, end)) end--
  }
}

/** A word that alone is too long is cut. */
function markedLong(text: string, [start, end]: Range): string {
  for (let at = end; at > start; at--) {
    if (isLow(text, at)) continue
    const part = `<mark>${escaped(text.slice(start, at))}</mark>`
    if (Buffer.byteLength(part) <= mostOctets) return part
  }
  return ''
}

/** A place between words, not long before. */
function startBefore(text: string, at: number): number {
  if (at <= lead) return 0
  const space = text.indexOf(' ', at - lead)
  const start = space === -1 || space >= at ? at - lead : space + 1
  return isLow(text, start) ? start + 1 : start
}

function isLow(text: string, at: number): boolean {
  const unit = text.charCodeAt(at)
  return unit >= 0xdc00 && unit <= 0xdfff
}

/** Where the words stand, in order, none within another. */
function rangesOf(text: string, words: readonly SearchWord[]): Range[] {
  const wanted = words.filter(({ text: word }) => word !== '')
  if (wanted.length === 0) return []
  const { folded, origin } = foldedWithOrigin(text.slice(0, longestText))
  const found: [number, number][] = []
  for (const word of wanted) {
    const { length } = word.text
    for (let at = placeOf(folded, word); at !== -1; at = placeOf(folded, word, at + length)) {
      found.push([origin[at] ?? 0, origin[at + length] ?? text.length])
    }
  }
  found.sort((a, b) => a[0] - b[0] || b[1] - a[1])
  const joined: [number, number][] = []
  for (const range of found) {
    const last = joined.at(-1)
    if (last !== undefined && range[0] < last[1]) last[1] = Math.max(last[1], range[1])
    else if (range[1] > range[0]) joined.push(range)
  }
  return joined
}

/** Characters with the marks that follow them are folded together, as they would be in the whole. */
const clusters = /\P{M}\p{M}*|\p{M}+/gsu

function foldedWithOrigin(text: string): { folded: string; origin: number[] } {
  const whole = fold(text)
  if (whole.length === text.length)
    return { folded: whole, origin: Array.from(whole, () => 0).map((_, at) => at) }
  let folded = ''
  const origin: number[] = []
  for (const match of text.matchAll(clusters)) {
    const piece = fold(match[0])
    for (let at = 0; at < piece.length; at++) origin.push(match.index)
    folded += piece
  }
  return { folded, origin: [...origin, text.length] }
}

function marked(text: string, ranges: readonly Range[], [start, end]: Range): string {
  let out = ''
  let at = start
  for (const [from, to] of ranges) {
    if (to <= start || from >= end) continue
    const [first, last] = [Math.max(from, at), Math.min(to, end)]
    out += `${escaped(text.slice(at, first))}<mark>${escaped(text.slice(first, last))}</mark>`
    at = last
  }
  return out + escaped(text.slice(at, end))
}

/** RFC 8621 §5: the value is HTML in which nothing but <mark> is markup. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
