// Sets of keywords, each kept once: messages hold the number of theirs. RFC 8621 §4.1.1: "servers MUST return keywords in lowercase".
export class WordSets {
  readonly #numbers = new Map<string, number>([['', 0]])
  readonly #words: (readonly string[])[] = [[]]

  /** Number of a set as the store writes it; 0 is the empty one. */
  number(text: string): number {
    const known = this.#numbers.get(text)
    if (known !== undefined) return known
    const number = this.#words.length
    this.#numbers.set(text, number)
    this.#words.push(text.toLowerCase().split(' '))
    return number
  }

  /** In lower case. */
  words(number: number): readonly string[] {
    return this.#words[number] ?? []
  }

  /** By number: 1 for the sets with that keyword, given in lower case. */
  having(keyword: string): Uint8Array {
    return Uint8Array.from(this.#words, (words) => (words.includes(keyword) ? 1 : 0))
  }

  get length(): number {
    return this.#words.length
  }
}
