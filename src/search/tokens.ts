// How a folded text is cut into tokens, and what a needle asks of them.
//
// - A token is a run of letters, digits and marks. Scripts that write without spaces (Chinese, Japanese, Thai …) give pairs of
//   neighbouring characters instead. What a character counts as depends on the character alone, so that a needle is cut at the
//   same places as the text around it. Words are those of `mail/search-text/word-places.ts`.
// - Tokens that look like chance (message identifiers, base64) would fill the dictionary with words that nobody searches: they are
//   known by their three-letter pieces, the *grams*, which are few and tell nearly as much.
// - The tokens are a complete filter: a text that contains the needle has them, and never the other way round by promise.

import { denseCharacters, wordCharacters, type WordPlace } from '../mail/search-text/word-places.ts'

/** What a character counts as. */
type Kind = 0 | 1 | 2
const separator: Kind = 0
const word: Kind = 1
const dense: Kind = 2

/** Gets the tokens of a text; each may come more than once. */
export interface TokenSink {
  token(token: string): void
  /** The gram that starts at `at`: `gramAt` gives it. */
  gram(text: string, at: number): void
}

/** Kinds of the characters below U+10000, so that a text is cut without asking the expressions for each. */
const kinds: Uint8Array = makeKinds()

function makeKinds(): Uint8Array {
  const table = new Uint8Array(0x1_0000)
  const units = new Uint16Array(table.length)
  for (let unit = 0; unit < units.length; unit++) units[unit] = unit >= 0xd800 && unit < 0xe000 ? 32 : unit
  const all = new TextDecoder('utf-16le').decode(units)
  for (const { 0: run, index } of all.matchAll(wordCharacters)) table.fill(word, index, index + run.length)
  for (const { 0: run, index } of all.matchAll(denseCharacters)) {
    for (let at = index; at < index + run.length; at++) if (table[at] === word) table[at] = dense
  }
  return table
}

/** Of a character beyond U+FFFF. */
function kindOf(character: string): Kind {
  if (character.search(wordCharacters) < 0) return separator
  return character.search(denseCharacters) < 0 ? word : dense
}

/** The kind of the character at `at`; half of a pair alone is a separator. */
function kindAt(text: string, at: number): number {
  const unit = text.charCodeAt(at)
  if (unit < 0xd800 || unit > 0xdfff) return kinds[unit] ?? separator
  const point = text.codePointAt(at) ?? 0
  return point > 0xffff ? kindOf(String.fromCodePoint(point)) : separator
}

/** A run of characters of one kind. */
interface Run {
  readonly dense: boolean
  readonly start: number
  readonly end: number
}

/** Where the next run starts and ends, from `from` on; `end` is 0 where there is none. */
function nextRun(text: string, from: number): Run {
  const { length } = text
  let at = from
  let kind: number = separator
  while (at < length && (kind = kindAt(text, at)) === separator) at++
  if (at >= length) return { dense: false, start: length, end: 0 }
  const start = at
  do at += isPair(text, at) ? 2 : 1
  while (at < length && kindAt(text, at) === kind)
  return { dense: kind === dense, start, end: at }
}

function isPair(text: string, at: number): boolean {
  return (text.charCodeAt(at) & 0xfc00) === 0xd800 && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00
}

/** Tells every token and gram of a folded text. */
export function tokenise(text: string, sink: TokenSink): void {
  for (let run = nextRun(text, 0); run.end > 0; run = nextRun(text, run.end)) {
    const { start, end } = run
    if (run.dense) for (const pair of pairsOf(text.slice(start, end))) sink.token(pair)
    else if (isNoise(text, start, end)) {
      for (let at = start; at + gramLength <= end; at++) sink.gram(text, at)
    } else sink.token(text.slice(start, end))
  }
}

/** UTF-16 units. */
export const gramLength = 3

/** Well-formed: half a pair is U+FFFD. */
export function gramAt(text: string, at: number): string {
  return text.slice(at, at + gramLength).toWellFormed()
}

/** Longer tokens are no words. */
const longestWord = 32
/** Tokens of letters and digits from this length on are numbers of something, as are longer ones of digits alone. */
const shortestMixed = 8
const shortestNumber = 9

/** Whether a token is known by its grams. All of them have a gram at least. */
function isNoise(text: string, start: number, end: number): boolean {
  const length = end - start
  if (length < shortestMixed) return false
  if (length > longestWord) return true
  let digits = 0
  for (let at = start; at < end; at++) {
    const unit = text.charCodeAt(at)
    if (unit >= 48 && unit <= 57) digits++
  }
  if (digits === 0) return false
  return digits < length || length >= shortestNumber
}

/** Neighbours of a run of a script without spaces; the run itself where it is one character. */
function pairsOf(run: string): string[] {
  const characters = [...run]
  const pairs = characters.slice(1).map((character, index) => `${characters[index] ?? ''}${character}`)
  return pairs.length === 0 ? characters : pairs
}

/** One condition on the tokens of a text. */
export interface Term {
  /** Where the term's text is in the token. */
  readonly place: 'inside' | 'end' | 'start' | 'whole'
  readonly text: string
  /** Whether a token that is known by its grams may be meant, and then these. */
  readonly grams: readonly string[]
  /** The dictionary cannot have it. */
  readonly gramsOnly: boolean
}

/** What a needle asks: all the terms. */
export interface Needle {
  readonly terms: readonly Term[]
  /** Whether a text whose tokens (not grams) hold the term contains the needle for certain. */
  readonly exact: boolean
}

/** The tokens that a text must have to contain a folded needle at such a place; null where tokens cannot tell. */
export function needleOf(text: string, at: WordPlace = 'anywhere'): Needle | null {
  // Half a pair could be found in a whole one, which the tokens keep together.
  if (!text.isWellFormed()) return null
  const terms: Term[] = []
  let exact = false
  for (let run = nextRun(text, 0); run.end > 0; run = nextRun(text, run.end)) {
    const [isFirst, isLast] = [run.start === 0, run.end === text.length]
    const piece = text.slice(run.start, run.end)
    if (run.dense) {
      const pairs = pairsOf(piece)
      const place = [...piece].length === 1 ? 'inside' : 'whole'
      for (const pair of pairs) terms.push({ place, text: pair, grams: [], gramsOnly: false })
      if (isFirst && isLast && pairs.length === 1) exact = true
    } else {
      terms.push(wordTerm(piece, isFirst && at === 'anywhere', isLast && at !== 'whole'))
      if (isFirst && isLast) exact = true
    }
    if (terms.length > maxTerms) break
  }
  return terms.length === 0 ? null : { terms, exact }
}

/** Terms of a needle that are looked up; the rest of a very long one adds nothing. */
const maxTerms = 40

function wordTerm(text: string, openStart: boolean, openEnd: boolean): Term {
  if (openStart && openEnd) return { place: 'inside', text, grams: gramsOf(text), gramsOnly: false }
  if (openStart) return { place: 'end', text, grams: gramsOf(text), gramsOnly: false }
  if (openEnd) return { place: 'start', text, grams: gramsOf(text), gramsOnly: false }
  const noise = isNoise(text, 0, text.length)
  return { place: 'whole', text, grams: noise ? gramsOf(text) : [], gramsOnly: noise }
}

/** Of a text shorter than a gram: the text, to be found inside grams. */
function gramsOf(text: string): string[] {
  if (text.length <= gramLength) return [text]
  const grams = new Set<string>()
  for (let at = 0; at + gramLength <= text.length && grams.size < maxGrams; at++) {
    grams.add(gramAt(text, at))
  }
  return [...grams]
}

/** Grams of one term that are looked up: enough that chance has none left. */
const maxGrams = 12
