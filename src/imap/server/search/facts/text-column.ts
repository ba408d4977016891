// One text of each message, made for being searched: a thousand texts lie in one string, so that a needle is looked for in all of
// them at once.
//
// A text beyond `longestText` is kept as its beginning and known to be cut: there a needle that is not found may still be in the rest.
import { growingBytes } from './growing.ts'
import type { Pace } from '../../pace.ts'

/** What a column knows of a needle in a message. */
export const textVerdict = { absent: 0, present: 1, unknown: 2 } as const

/** Characters of a text that are kept. */
const longestText = 2_000
const blockLength = 1_024

const kept = { none: 0, whole: 1, cut: 2 } as const

interface Block {
  readonly text: string
  /** Where each text ends. */
  readonly ends: Uint32Array
}

/** Texts in order of message. */
export class TextColumn {
  readonly #blocks: Block[] = []
  /** The last texts, too few for a block. */
  #tail: string[] = []
  readonly #states = growingBytes()
  #weight = 0

  /** Octets held, about. */
  get weight(): number {
    return this.#weight + this.#states.weight
  }

  /** Undefined: the message has no such field. */
  push(text: string | undefined): void {
    const short = text === undefined ? '' : text.slice(0, longestText)
    this.#states.push(text === undefined ? kept.none : short.length < text.length ? kept.cut : kept.whole)
    this.#tail.push(short)
    this.#weight += short.length + 8
    if (this.#tail.length < blockLength) return
    this.#blocks.push(blockOf(this.#tail))
    this.#tail = []
  }

  /** A `textVerdict` for each message. An empty needle is in every field that is there. */
  async find(needle: string, pace: Pace): Promise<Uint8Array> {
    const states = this.#states
    const verdicts = new Uint8Array(states.length)
    for (let index = 0; index < verdicts.length; index++) {
      if (needle === '') verdicts[index] = states.at(index) === kept.none ? 0 : 1
      else if (states.at(index) === kept.cut) verdicts[index] = textVerdict.unknown
    }
    if (needle === '') return verdicts
    const blocks = [...this.#blocks]
    for (const [number, block] of blocks.entries()) {
      findInBlock(block, needle, verdicts.subarray(number * blockLength, (number + 1) * blockLength))
      await pace.spend(blockLength * 4)
    }
    // The tail may have become a block meanwhile; its texts are the same.
    const from = blocks.length * blockLength
    const later = this.#blocks[blocks.length]
    if (later !== undefined) findInBlock(later, needle, verdicts.subarray(from))
    else findInBlock(blockOf(this.#tail), needle, verdicts.subarray(from))
    return verdicts
  }
}

function blockOf(texts: readonly string[]): Block {
  let end = 0
  const ends = Uint32Array.from(texts, (text) => (end += text.length))
  return { text: texts.join(''), ends }
}

/** A needle that reaches over the end of a text is in none. */
function findInBlock({ text, ends }: Block, needle: string, verdicts: Uint8Array): void {
  let index = 0
  for (let at = text.indexOf(needle); at >= 0;) {
    while (index < ends.length && (ends[index] ?? 0) <= at) index++
    const end = ends[index] ?? text.length
    if (index >= verdicts.length) return
    if (at + needle.length <= end) verdicts[index] = textVerdict.present
    at = text.indexOf(needle, end)
  }
}
