// Where in a folded text a searched word may stand. IMAP looks for strings anywhere (RFC 3501 §6.4.4); people who type words mean the
// beginnings of words, or whole ones (RFC 8621 §4.4.1 has phrases be "that exact word or sequence of words").
//
// - A word is a run of letters, digits and marks. Scripts that write without spaces have no words: there any place is as good.
// - What a character counts as depends on it alone, so that the full-text index (`src/search/tokens.ts`) cuts at the same places.

/** `start`: where a word begins; `whole`: a whole word, or several. */
export type WordPlace = 'anywhere' | 'start' | 'whole'

/** A folded text that is looked for. */
export interface SearchWord {
  readonly text: string
  readonly at: WordPlace
}

/** Runs of characters of words. */
export const wordCharacters = /[\p{L}\p{N}\p{M}]+/gu
/** Runs of those that are written without spaces between words. */
export const denseCharacters =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Bopomofo}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{Script=Yi}\u3040-\u30ff]+/gu

/** The first place from `from` on; −1: there is none. */
export function placeOf(text: string, { text: wanted, at: place }: SearchWord, from = 0): number {
  for (let at = text.indexOf(wanted, from); at !== -1; at = text.indexOf(wanted, at + 1)) {
    if (place === 'anywhere' || wanted === '') return at
    const begins = isBound(text, at)
    if (begins && (place === 'start' || isBound(text, at + wanted.length))) return at
  }
  return -1
}

export function holdsWord(text: string, word: SearchWord): boolean {
  return placeOf(text, word) !== -1
}

/** Whether no word goes on from before a place to behind it. */
function isBound(text: string, at: number): boolean {
  return !isOfWord(characterBefore(text, at)) || !isOfWord(characterAt(text, at))
}

const ofWord = /^[\p{L}\p{N}\p{M}]$/u
const dense = new RegExp(`^${denseCharacters.source.slice(0, -1)}$`, 'u')

/** Of a script that has words. */
function isOfWord(character: string): boolean {
  return ofWord.test(character) && !dense.test(character)
}

function characterAt(text: string, at: number): string {
  const point = text.codePointAt(at)
  return point === undefined ? '' : String.fromCodePoint(point)
}

function characterBefore(text: string, at: number): string {
  if (at === 0) return ''
  const isLow = (text.charCodeAt(at - 1) & 0xfc00) === 0xdc00
  const isHigh = (text.charCodeAt(at - 2) & 0xfc00) === 0xd800
  return characterAt(text, isLow && isHigh ? at - 2 : at - 1)
}
