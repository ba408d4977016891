// Words as numbers: base subjects and names by which messages are compared. Equal words have one number; their order is found when a
// SORT first asks for it.
//
// The order is that of i;unicode-casemap (RFC 5051 §2): by code point of the titlecased text, as RFC 5255 §4.2 wants for I18NLEVEL=1.

/** Characters of a word that count. */
const longestWord = 1_000

/** Words, folded; '' has the number 0. */
export class WordTable {
  readonly #numbers = new Map<string, number>([['', 0]])
  #characters = 0
  #ranks: Int32Array = Int32Array.of(0)

  /** Octets held, about. */
  get weight(): number {
    return this.#numbers.size * 64 + this.#characters
  }

  number(folded: string): number {
    const word = folded.slice(0, longestWord)
    const known = this.#numbers.get(word)
    if (known !== undefined) return known
    const number = this.#numbers.size
    this.#numbers.set(word, number)
    this.#characters += word.length
    return number
  }

  /** By number, the place of the word among all of them. */
  ranks(): Int32Array {
    if (this.#ranks.length === this.#numbers.size) return this.#ranks
    const words = [...this.#numbers].map(([word, number]) => ({ title: titleCase(word), number }))
    words.sort((a, b) => compareByCodePoint(a.title, b.title))
    const ranks = new Int32Array(words.length)
    for (const [rank, { number }] of words.entries()) ranks[number] = rank
    this.#ranks = ranks
    return ranks
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
