// FUZZY text keys (RFC 6203): the words of the query in any order, each as it is or nearly, scored by how near, how rare, and where.
//
// Words are found by Intl.Segmenter, so that Chinese, Japanese and Thai have them too. A word of such a script, and one that is a
// number of something, is looked for as a piece of text; any other one among the words with its first letter. Words of one or two
// letters only add to the score where there are others.
import { fold } from '../mail/search-text/fold.ts'
import { blocksFor, type FindOptions, findNeedle } from './find-term.ts'
import { type FuzzyWord, fuzzyWord, nearness } from './fuzzy-word.ts'
import { DocumentSet, postingsLength, readPostings } from './postings.ts'
import type { FieldText, FuzzyJudge, SearchField, TextKey } from './search.ts'
import { fieldOrder, type ListPlace } from './segment-format.ts'
import { languagesOf, loadStems, type Stem } from './stems.ts'
import { needleOf, tokenise } from './tokens.ts'

/** Words of one query that are looked for. */
const maxWords = 20

/** What a find in a field counts. */
const fieldWeights: Readonly<Record<SearchField, number>> = {
  subject: 3,
  from: 2,
  to: 1.5,
  cc: 1.2,
  bcc: 1.2,
  header: 0.5,
  body: 1,
  mime: 0.8,
}

export class FuzzyQuery {
  readonly #words: readonly FuzzyWord[]
  readonly #stems: readonly Stem[]
  readonly #fields: readonly SearchField[]
  readonly judge: FuzzyJudge

  private constructor(words: readonly FuzzyWord[], stems: readonly Stem[], fields: readonly SearchField[]) {
    this.#words = words
    this.#stems = stems
    this.#fields = fields
    this.judge = (texts) => this.#judge(texts)
  }

  static async prepare(key: TextKey): Promise<FuzzyQuery> {
    const text = fold(key.text)
    const stems = await loadStems(languagesOf(text))
    const segmenter = new Intl.Segmenter(undefined, { granularity: 'word' })
    const words = new Set<string>()
    for (const { segment, isWordLike } of segmenter.segment(text.slice(0, longestQuery))) {
      if (isWordLike === true && words.size < maxWords) words.add(segment)
    }
    // What stands in the header stands in its fields too, where it counts more.
    const fields = key.fields.includes('header')
      ? [...new Set<SearchField>([...key.fields, 'subject', 'from', 'to'])]
      : key.fields
    return new FuzzyQuery(
      Array.from(words, (word) => fuzzyWord(word, stems)),
      stems,
      fields,
    )
  }

  /** Of each document of a segment: more than 0 where it matches. */
  async scores(options: FindOptions): Promise<Float32Array> {
    const total = options.reader.header.emails.length
    const sum = new Float32Array(total)
    const matches = this.#words.length === 0 ? new DocumentSet(total) : DocumentSet.all(total)
    for (const word of this.#words) {
      const best = await this.#wordScores(word, options)
      let found = 0
      for (const score of best) if (score > 0) found++
      const rarity = Math.log(1 + total / Math.max(1, found))
      const needed = this.#needs(word)
      for (const [document, score] of best.entries()) {
        if (score > 0) sum[document] = (sum[document] ?? 0) + score * rarity
        else if (needed)
          matches.bits[document >> 3] = (matches.bits[document >> 3] ?? 0) & ~(1 << (document & 7))
      }
      if (matches.isEmpty) break
    }
    for (let document = 0; document < total; document++) if (!matches.has(document)) sum[document] = 0
    return sum
  }

  #needs({ text }: FuzzyWord): boolean {
    return text.length > 2 || this.#words.every((word) => word.text.length <= 2)
  }

  async #wordScores(word: FuzzyWord, options: FindOptions): Promise<Float32Array> {
    const best = new Float32Array(options.reader.header.emails.length)
    for (const field of this.#fields) {
      const weight = fieldWeights[field]
      if (isPiece(word.text)) {
        const needle = needleOf(word.text)
        if (needle === null) continue
        const { possible } = await findNeedle(needle, [field], options)
        for (let document = 0; document < best.length; document++) {
          if (possible.has(document)) best[document] = Math.max(best[document] ?? 0, weight)
        }
      } else await this.#nearWords(word, { field, weight, best }, options)
    }
    return best
  }

  async #nearWords(
    word: FuzzyWord,
    into: { field: SearchField; weight: number; best: Float32Array },
    options: FindOptions,
  ): Promise<void> {
    const { reader, pace, listOctets } = options
    const { field, weight, best } = into
    const [letter = ''] = word.text
    const dictionary = fieldOrder.indexOf(field)
    const [from, to] = blocksFor(reader.header.dictionaries[dictionary] ?? [], {
      place: 'start',
      text: letter,
    })
    let octets = 0
    for await (const block of reader.blocks(dictionary, from, to)) {
      const lists: ListPlace[] = []
      const scores: number[] = []
      for (const [index, token] of block.tokens().entries()) {
        if (!token.startsWith(letter)) continue
        const near = nearness(word, token, this.#stems)
        if (near === 0) continue
        const list = block.listOf(index)
        octets += postingsLength(list.size)
        if (octets > listOctets) break
        lists.push(list)
        scores.push(near * weight)
      }
      await reader.readLists(lists, (bytes, size, index) =>
        raise(best, { bytes, size, score: scores[index] ?? 0 }),
      )
      await pace.spend(10)
      if (octets > listOctets) return
    }
  }

  /** RFC 6203 §4, of one email alone: how rare its words are is not known. */
  #judge(texts: Iterable<FieldText>): number {
    const best = new Float32Array(this.#words.length)
    for (const { field, text } of texts) {
      if (!this.#fields.includes(field)) continue
      const tokens = new Set<string>()
      tokenise(text, { token: (token) => tokens.add(token), gram: () => {} })
      for (const [index, word] of this.#words.entries()) {
        const near = isPiece(word.text) ? Number(text.includes(word.text)) : this.#nearest(word, tokens)
        best[index] = Math.max(best[index] ?? 0, near * fieldWeights[field])
      }
    }
    let sum = 0
    for (const [index, word] of this.#words.entries()) {
      const score = best[index] ?? 0
      if (score === 0 && this.#needs(word)) return 0
      sum += score
    }
    return sum === 0 ? 0 : Math.max(1, Math.min(100, Math.round((sum / (this.#words.length * 3)) * 100)))
  }

  #nearest(word: FuzzyWord, tokens: Iterable<string>): number {
    const [letter = ''] = word.text
    let best = 0
    for (const token of tokens) {
      if (token.startsWith(letter)) best = Math.max(best, nearness(word, token, this.#stems))
    }
    return best
  }
}

/** Characters of a query that are looked at. */
const longestQuery = 1_000

/** Whether the word is no token of a dictionary, or has none that are near it. */
function isPiece(text: string): boolean {
  let tokens = 0
  let whole = false
  tokenise(text, {
    token(token) {
      tokens++
      whole = token === text
    },
    gram() {
      tokens += 2
    },
  })
  return tokens !== 1 || !whole || /\d/.test(text) || [...text].length < 2 || denseScripts.test(text)
}

const denseScripts =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Bopomofo}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{Script=Yi}]/u

function raise(best: Float32Array, list: { bytes: Uint8Array; size: number; score: number }): void {
  const documents: number[] = []
  readPostings(list.bytes, list.size, documents)
  for (const document of documents) best[document] = Math.max(best[document] ?? 0, list.score)
}
