// How near a word of the mail is to a word that is looked for (RFC 6203 §3: "implementation-defined"): the same, of the same stem, one
// that goes on, or one with a slip of the finger.
import type { Stem } from './stems.ts'

export interface FuzzyWord {
  readonly text: string
  /** By each language that it may be in. */
  readonly stems: readonly string[]
}

export function fuzzyWord(text: string, stems: readonly Stem[]): FuzzyWord {
  return { text, stems: stems.map((stem) => stem(text)) }
}

/** 1 for the same word, less for others, 0 for one that has nothing to do with it. All of them start with the same letter. */
export function nearness(word: FuzzyWord, token: string, stems: readonly Stem[]): number {
  const { text } = word
  if (token === text) return 1
  const shared = sharedLength(text, token)
  if (
    shared >= stemStart &&
    token.length <= longestStemmed &&
    stems.some((stem, at) => stem(token) === word.stems[at])
  )
    return 0.8
  if (shared === text.length) return text.length < 3 ? 0.2 : 0.6
  if (shared >= 4 && shared * 4 >= Math.max(text.length, token.length) * 3) return 0.5
  const errors = text.length >= 8 ? 2 : text.length >= 4 ? 1 : 0
  const wrong = errors === 0 ? Infinity : slips(text, token, errors)
  return wrong > errors ? 0 : wrong === 1 ? 0.4 : 0.25
}

/** Letters that words of one stem share at least. */
const stemStart = 3
const longestStemmed = 40

function sharedLength(one: string, other: string): number {
  const most = Math.min(one.length, other.length)
  let length = 0
  while (length < most && one.charCodeAt(length) === other.charCodeAt(length)) length++
  return length
}

/** Letters wrong, missing, too many or swapped; more than `most` is told as `most + 1`. */
export function slips(one: string, other: string, most: number): number {
  if (Math.abs(one.length - other.length) > most) return most + 1
  let before: number[] = []
  let last: number[] = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (let row = 1; row <= one.length; row++) {
    const current: number[] = [row]
    let least = row
    for (let column = 1; column <= other.length; column++) {
      const same = one.charCodeAt(row - 1) === other.charCodeAt(column - 1)
      let cost = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      )
      const swapped =
        row > 1 &&
        one.charCodeAt(row - 1) === other.charCodeAt(column - 2) &&
        one.charCodeAt(row - 2) === other.charCodeAt(column - 1)
      if (swapped) cost = Math.min(cost, (before[column - 2] ?? 0) + 1)
      current.push(cost)
      least = Math.min(least, cost)
    }
    if (least > most) return most + 1
    before = last
    last = current
  }
  return last[other.length] ?? most + 1
}
