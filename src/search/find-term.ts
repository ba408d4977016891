// Finds the documents of a segment that may hold what a needle asks, field by field.
//
// Each set comes twice: `sure` holds only documents that do, `possible` all that may. A term that would take too much reading (a
// single letter) is not followed to its end: what was found is sure, everything is possible.
import { Buffer } from 'node:buffer'
import type { AnswerPace } from './answer-pace.ts'
import { DocumentSet, postingsLength } from './postings.ts'
import type { SearchField } from './search.ts'
import { type BlockPlace, type DictionaryBlock, fieldOrder, type ListPlace } from './segment-format.ts'
import type { SegmentReader } from './segment-reader.ts'
import { gramLength, type Needle, type Term } from './tokens.ts'

export interface Found {
  readonly sure: DocumentSet
  readonly possible: DocumentSet
}

export interface FindOptions {
  readonly reader: SegmentReader
  readonly pace: AnswerPace
  /** Octets of lists that are read for one term in one field. */
  readonly listOctets: number
}

/** Documents with the needle in one of the fields. */
export async function findNeedle(
  needle: Needle,
  fields: readonly SearchField[],
  options: FindOptions,
): Promise<Found> {
  const total = options.reader.header.emails.length
  const sure = new DocumentSet(total)
  const possible = new DocumentSet(total)
  for (const field of fields) {
    const found = await findInField(needle, fieldOrder.indexOf(field), options)
    sure.or(found.sure)
    possible.or(found.possible)
  }
  return { sure, possible }
}

async function findInField(needle: Needle, field: number, options: FindOptions): Promise<Found> {
  const total = options.reader.header.emails.length
  const possible = DocumentSet.all(total)
  let sure = new DocumentSet(total)
  // The longest are the rarest: what they leave nothing of needs no more reading.
  for (const term of needle.terms.toSorted((a, b) => b.text.length - a.text.length)) {
    const found = await findTerm(term, field, options)
    possible.and(found.possible)
    if (needle.exact) ({ sure } = found)
    if (possible.isEmpty) break
  }
  return { sure, possible }
}

async function findTerm(term: Term, field: number, options: FindOptions): Promise<Found> {
  const total = options.reader.header.emails.length
  const sure = new DocumentSet(total)
  if (!term.gramsOnly && !(await sweep(options, { dictionary: field, term, into: sure }))) {
    return { sure, possible: DocumentSet.all(total) }
  }
  const possible = sure.copy()
  if (term.grams.length > 0) {
    const grams = await findGrams(term.grams, field + fieldOrder.length, options)
    possible.or(grams)
    // One gram is the whole of it, wherever in the token that is.
    if (term.place === 'inside' && term.text.length <= gramLength) sure.or(grams)
  }
  return { sure, possible }
}

/** Documents that have all the grams. */
async function findGrams(
  grams: readonly string[],
  dictionary: number,
  options: FindOptions,
): Promise<DocumentSet> {
  const total = options.reader.header.emails.length
  const all = DocumentSet.all(total)
  for (const text of grams) {
    const into = new DocumentSet(total)
    const place = text.length < gramLength ? 'inside' : 'whole'
    // A short piece that is in too many is in nearly all.
    if (!(await sweep(options, { dictionary, term: { place, text }, into }))) continue
    all.and(into)
    if (all.isEmpty) break
  }
  return all
}

interface Sweep {
  readonly dictionary: number
  readonly term: Pick<Term, 'place' | 'text'>
  readonly into: DocumentSet
}

/** Adds the documents of every token that fits; false where that would take too much. */
async function sweep(
  { reader, pace, listOctets }: FindOptions,
  { dictionary, term, into }: Sweep,
): Promise<boolean> {
  const places = reader.header.dictionaries[dictionary] ?? []
  const [from, to] = blocksFor(places, term)
  const pattern = patternOf(term)
  let octets = 0
  for await (const block of reader.blocks(dictionary, from, to)) {
    const lists: ListPlace[] = []
    for (const index of tokensIn(block, pattern)) {
      const place = block.listOf(index)
      octets += postingsLength(place.size)
      if (octets > listOctets) break
      lists.push(place)
    }
    await reader.readLists(lists, (bytes, size) => into.addPostings(bytes, size))
    if (octets > listOctets) return false
    await pace.spend(1 + lists.length / 50)
  }
  return true
}

/** Tokens stand between zero octets: with them the place within the token is part of the pattern. */
export function patternOf({ place, text }: Pick<Term, 'place' | 'text'>): Buffer {
  const before = place === 'start' || place === 'whole' ? '\0' : ''
  const after = place === 'end' || place === 'whole' ? '\0' : ''
  return Buffer.from(`${before}${text}${after}`)
}

/** Which tokens of a block have the pattern, each once, in order. */
export function* tokensIn(block: DictionaryBlock, pattern: Buffer): Generator<number> {
  const { text } = block
  let last = -1
  // A pattern that starts with the zero before its token is in the token behind that.
  const shift = pattern[0] === 0 ? 1 : 0
  for (let at = text.indexOf(pattern); at >= 0; at = text.indexOf(pattern, at + 1)) {
    const index = block.tokenAt(at + shift)
    if (index === last) continue
    last = index
    yield index
  }
}

/** The blocks that can have the term: those around its place in the order where its beginning is known, else all. */
export function blocksFor(
  places: readonly BlockPlace[],
  { place, text }: Pick<Term, 'place' | 'text'>,
): readonly [from: number, to: number] {
  if (place === 'inside' || place === 'end') return [0, places.length]
  let from = 0
  let high = places.length
  while (from < high) {
    const middle = (from + high) >>> 1
    if ((places[middle]?.first ?? '') <= text) from = middle + 1
    else high = middle
  }
  from = Math.max(0, from - 1)
  let to = from + 1
  if (place === 'start') while (places[to]?.first.startsWith(text) === true) to++
  return [from, Math.min(to, places.length)]
}
