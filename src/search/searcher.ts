// Answers text keys from the segments of an account: see `search.ts`.
import type { AccountId, EmailId } from '../store/model.ts'
import type { SearchIndexStore, SearchSegment } from '../store/search-index.ts'
import { AnswerPace } from './answer-pace.ts'
import { BlockCache } from './block-cache.ts'
import { findNeedle, type Found } from './find-term.ts'
import { FuzzyQuery } from './fuzzy-query.ts'
import { DocumentSet } from './postings.ts'
import type { FuzzyJudge, KeyAnswer, SearchAnswer, Searcher, TextKey } from './search.ts'
import { segmentVersion } from './segment-format.ts'
import { SegmentGone } from './segment-gone.ts'
import { SegmentReader } from './segment-reader.ts'
import { type Needle, needleOf } from './tokens.ts'

export interface SearcherOptions {
  readonly store: Pick<SearchIndexStore, 'searchSegments' | 'searchBlocks' | 'searchProgress'>
  /** Octets that are kept of segments read lately. */
  readonly cache: number
  /** Octets of lists that are read for one word in one field of a segment; beyond it a word is no filter. */
  readonly listOctets: number
  /** Told when a search finds mail that is not indexed. */
  readonly onBehind?: (account: AccountId, emails: number) => void
}

/** Merges that may come in between before the index is left alone. */
const attempts = 5

export function createSearcher(options: SearcherOptions): Searcher {
  const cache = new BlockCache(options.cache)
  return {
    async lookUp({ account, keys, signal }) {
      for (let attempt = 1; ; attempt++) {
        signal?.throwIfAborted()
        try {
          return await answer({ ...options, blockCache: cache, pace: new AnswerPace(signal), account }, keys)
        } catch (error) {
          if (!(error instanceof SegmentGone)) throw error
          if (attempt === attempts) return nothing(keys)
        }
      }
    },
    async fuzzyJudge(key): Promise<FuzzyJudge> {
      return (await FuzzyQuery.prepare(key)).judge
    },
  }
}

interface Answering extends SearcherOptions {
  readonly blockCache: BlockCache
  readonly pace: AnswerPace
  readonly account: AccountId
}

/** Without an index: everything must be read. */
function nothing(keys: readonly TextKey[]): SearchAnswer {
  // Emails are numbered from 1.
  const none = 0 as EmailId
  return { indexedUpTo: none, keys: keys.map(() => ({ judge: () => null, score: () => 1, unsure: 0 })) }
}

async function answer(answering: Answering, keys: readonly TextKey[]): Promise<SearchAnswer> {
  const { store, account, blockCache, onBehind } = answering
  // The segments first: what is indexed between the two reads is taken for not indexed.
  const segments = await store.searchSegments(account)
  const progress = await store.searchProgress(account)
  if (progress === undefined || segments.some(({ version }) => version !== segmentVersion))
    return nothing(keys)
  const last = segments.at(-1)?.lastEmail ?? progress.cursor
  const indexedUpTo = last < progress.cursor ? last : progress.cursor
  if (progress.newest > progress.cursor) onBehind?.(account, progress.newest - progress.cursor)
  const parts: Part[] = []
  for (const segment of segments) {
    const reader = await SegmentReader.open({ store, cache: blockCache, account }, segment.id)
    parts.push({ segment, reader })
  }
  const answers: KeyAnswer[] = []
  for (const key of keys) answers.push(await answerKey(answering, parts, { key, indexedUpTo }))
  return { indexedUpTo, keys: answers }
}

interface Part {
  readonly segment: SearchSegment
  readonly reader: SegmentReader
}

/** What is known of one segment's documents. */
interface PartAnswer extends Found {
  readonly emails: Float64Array
  readonly scores: Float32Array | null
}

interface KeyRequest {
  readonly key: TextKey
  readonly indexedUpTo: EmailId
}

async function answerKey(
  answering: Answering,
  parts: readonly Part[],
  { key, indexedUpTo }: KeyRequest,
): Promise<KeyAnswer> {
  const answers: PartAnswer[] = []
  if (key.fuzzy === true) {
    const query = await FuzzyQuery.prepare(key)
    let best = 0
    for (const { reader } of parts) {
      const scores = await query.scores({ reader, pace: answering.pace, listOctets: answering.listOctets })
      const found = new DocumentSet(scores.length)
      for (const [document, score] of scores.entries()) {
        if (score <= 0) continue
        found.add(document)
        best = Math.max(best, score)
      }
      answers.push({ sure: found, possible: found, emails: reader.header.emails, scores })
    }
    // RFC 6203 §4: the full range of 1 to 100 is used.
    for (const { scores } of answers) scale(scores, best)
  } else {
    const needles = needlesOf(key)
    for (const { reader } of parts) answers.push(await findInPart(answering, reader, { key, needles }))
  }
  return new Answer(answers, indexedUpTo)
}

function scale(scores: Float32Array | null, best: number): void {
  if (scores === null || best === 0) return
  for (const [document, score] of scores.entries()) {
    if (score > 0) scores[document] = Math.max(1, Math.round((score / best) * 100))
  }
}

/** Null where tokens cannot tell. */
function needlesOf(key: TextKey): readonly (Needle | null)[] {
  const needle = needleOf(key.text, key.at)
  return key.header === undefined ? [needle] : [needleOf(key.header), needle]
}

async function findInPart(
  answering: Answering,
  reader: SegmentReader,
  { key, needles }: { key: TextKey; needles: readonly (Needle | null)[] },
): Promise<PartAnswer> {
  const { header } = reader
  const { pace, listOctets } = answering
  const possible = DocumentSet.all(header.emails.length)
  const sure = new DocumentSet(header.emails.length)
  for (const needle of needles) {
    if (needle === null) continue
    const found = await findNeedle(needle, key.fields, { reader, pace, listOctets })
    possible.and(found.possible)
    if (key.header === undefined) sure.or(found.sure)
  }
  for (const document of header.partial) possible.add(document)
  // The beginning of a text may end in what its whole has not.
  const partial = new DocumentSet(header.emails.length)
  for (const document of header.partial) partial.add(document)
  sure.without(partial)
  return { sure, possible, emails: header.emails, scores: null }
}

/** Judges by email; whoever asks goes from email to email, so the part of the last one comes first. */
class Answer implements KeyAnswer {
  readonly #parts: readonly PartAnswer[]
  readonly #indexedUpTo: number
  readonly unsure: number
  #part = 0

  constructor(parts: readonly PartAnswer[], indexedUpTo: EmailId) {
    this.#parts = parts
    this.#indexedUpTo = indexedUpTo
    let unsure = 0
    for (const { sure, possible } of parts) {
      const open = possible.copy()
      open.without(sure)
      unsure += open.count
    }
    this.unsure = unsure
  }

  judge(email: EmailId): boolean | null {
    const part = this.#partOf(email)
    if (part === undefined) return null
    const document = documentOf(part.emails, email)
    if (document < 0) return null
    if (part.sure.has(document)) return true
    return part.possible.has(document) ? null : false
  }

  score(email: EmailId): number {
    const part = this.#partOf(email)
    if (part === undefined || part.scores === null) return part === undefined ? 1 : 100
    const document = documentOf(part.emails, email)
    return document < 0 ? 1 : (part.scores[document] ?? 1)
  }

  #partOf(email: number): PartAnswer | undefined {
    if (email > this.#indexedUpTo) return undefined
    const current = this.#parts[this.#part]
    if (current !== undefined && holds(current, email)) return current
    let low = 0
    let high = this.#parts.length - 1
    while (low <= high) {
      const middle = (low + high) >>> 1
      const part = this.#parts[middle]
      if (part === undefined) return undefined
      if (email > (part.emails.at(-1) ?? 0)) low = middle + 1
      else if (email < (part.emails[0] ?? Infinity)) high = middle - 1
      else {
        this.#part = middle
        return part
      }
    }
    return undefined
  }
}

function holds({ emails }: PartAnswer, email: number): boolean {
  return email >= (emails[0] ?? Infinity) && email <= (emails.at(-1) ?? 0)
}

/** −1 where it is none of them. Most accounts have few gaps, so the place is near where it would be without any. */
function documentOf(emails: Float64Array, email: number): number {
  const first = emails[0] ?? 0
  let high = Math.min(emails.length - 1, email - first)
  if (emails[high] === email) return high
  let low = 0
  while (low <= high) {
    const middle = (low + high) >>> 1
    const found = emails[middle] ?? 0
    if (found === email) return middle
    if (found < email) low = middle + 1
    else high = middle - 1
  }
  return -1
}
