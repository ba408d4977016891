// Words as numbers: base subjects and names by which messages are compared. Equal words have one number; their order is found when a
// SORT first asks for it, and kept up as words come.
//
// The order is that of i;unicode-casemap (RFC 5051 §2): by code point of the titlecased text, as RFC 5255 §4.2 wants for I18NLEVEL=1.
import type { Pace } from '../../pace.ts'

/** Characters of a word that count. */
const longestWord = 1_000
/** Words that are sorted at once. */
const runLength = 2_048

/** Words by number; '' has the number 0. */
export class WordTable {
  /** Titlecased. */
  readonly #words: string[] = ['']
  readonly #numbers = new Map<string, number>([['', 0]])
  #characters = 0
  /** UTF-16 and code points agree on the order. */
  #plain = true
  /** Numbers in the order of their words, as far as that was asked for. */
  #order: Int32Array = Int32Array.of(0)
  #ranks: Int32Array = Int32Array.of(0)

  /** Octets held, about. */
  get weight(): number {
    return this.#words.length * 80 + this.#characters
  }

  get size(): number {
    return this.#words.length
  }

  number(folded: string): number {
    const word = titleCase(folded.slice(0, longestWord))
    const known = this.#numbers.get(word)
    if (known !== undefined) return known
    const number = this.#words.push(word) - 1
    this.#numbers.set(word, number)
    this.#characters += word.length
    this.#plain &&= !/[\ud800-\udfff]/.test(word)
    return number
  }

  /** By number, the place of the word among all of them. Words that come meanwhile are not in it. */
  async ranks(pace: Pace): Promise<Int32Array> {
    const from = this.#ranks.length
    const { size } = this
    if (from === size) return this.#ranks
    let runs: Int32Array[] = []
    for (let at = from; at < size; at += runLength) {
      const run = Int32Array.from({ length: Math.min(runLength, size - at) }, (_, index) => at + index)
      runs.push(run.sort((a, b) => this.#compare(a, b)))
      await pace.spend(20 * runLength)
    }
    while (runs.length > 1) {
      const merged: Int32Array[] = []
      for (let at = 0; at < runs.length; at += 2) merged.push(await this.#merge(runs[at], runs[at + 1], pace))
      runs = merged
    }
    // Another SORT may have been faster; then its order is as good, and longer perhaps.
    if (this.#ranks.length !== from) return this.#ranks.length >= size ? this.#ranks : this.ranks(pace)
    const order = await this.#merge(this.#order, runs[0], pace)
    if (this.#ranks.length !== from) return this.ranks(pace)
    const ranks = new Int32Array(order.length)
    for (const [rank, number] of order.entries()) ranks[number] = rank
    this.#order = order
    this.#ranks = ranks
    return ranks
  }

  #compare(a: number, b: number): number {
    const one = this.#words[a] ?? ''
    const other = this.#words[b] ?? ''
    if (!this.#plain) return compareByCodePoint(one, other)
    return one < other ? -1 : one === other ? 0 : 1
  }

  async #merge(
    one: Int32Array = new Int32Array(0),
    other: Int32Array = new Int32Array(0),
    pace: Pace,
  ): Promise<Int32Array> {
    const merged = new Int32Array(one.length + other.length)
    let left = 0
    let right = 0
    for (let at = 0; at < merged.length; at++) {
      const takeLeft =
        left < one.length && (right >= other.length || this.#compare(one[left] ?? 0, other[right] ?? 0) <= 0)
      merged[at] = takeLeft ? (one[left++] ?? 0) : (other[right++] ?? 0)
      const others = pace.spend(10)
      if (others !== undefined) await others
    }
    return merged
  }
}

/** Of a folded text: each character's simple title case. */
function titleCase(folded: string): string {
  // oxlint-disable-next-line no-control-regex -- ASCII has controls
  if (/^[\x00-\x7f]*$/.test(folded)) return folded.toUpperCase()
  let title = ''
  for (const character of folded) {
    const upper = character.toUpperCase()
    title += upper.length === character.length ? upper : character
  }
  return title
}

/** As UTF-8 octets would compare: UTF-16 has the surrogates before U+E000. */
export function compareByCodePoint(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let at = 0; at < length; at++) {
    const one = a.charCodeAt(at)
    const other = b.charCodeAt(at)
    if (one !== other) return weigh(one) - weigh(other)
  }
  return a.length - b.length
}

function weigh(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}
