import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { fold } from '../mail/search-text/fold.ts'
import { holdsWord, type WordPlace } from '../mail/search-text/word-places.ts'
import type { AccountId, EmailId } from '../store/model.ts'
import type { SearchBlock, SearchSegment } from '../store/search-index.ts'
import type { SearchField } from './search.ts'
import { createSearcher } from './searcher.ts'
import { SegmentBuilder } from './segment-builder.ts'
import { segmentVersion } from './segment-format.ts'
import { mergeSegments } from './segment-merge.ts'

type Email = readonly (readonly [SearchField, string])[]

const account = 1 as AccountId

/** Rows of segments in memory, as a store would keep them. */
class Shelf {
  readonly rows = new Map<string, Uint8Array>()
  segments: SearchSegment[] = []
  newest = 0

  put(id: number, of: { first: number; last: number; emails: number }, rows: readonly SearchBlock[]): void {
    let size = 0
    for (const { number, bytes } of rows) {
      this.rows.set(`${id} ${number}`, bytes)
      size += bytes.length
    }
    const range = { firstEmail: of.first as EmailId, lastEmail: of.last as EmailId, emails: of.emails }
    this.segments.push({ id, ...range, size, version: segmentVersion })
    this.newest = Math.max(this.newest, of.last)
  }

  readonly store = {
    searchSegments: async () => this.segments,
    searchProgress: async () => ({ account, cursor: this.newest as EmailId, newest: this.newest as EmailId }),
    searchBlocks: async ({ segment, numbers }: { segment: number; numbers: readonly number[] }) =>
      numbers.map((number) => this.rows.get(`${segment} ${number}`)),
  }
}

function build(emails: readonly Email[], first: number): { rows: readonly SearchBlock[] } {
  const builder = new SegmentBuilder()
  for (const [index, texts] of emails.entries()) {
    builder.startEmail(first + index * 2)
    for (const [field, text] of texts) builder.text(field, text)
  }
  return builder.finish()
}

const pieces = fc.constantFrom(
  ...['a', 'b', 'ab', 'invoice', 'voice', 'in', '1', '12', '20261122', 'x9y8z7w6v5', ' ', ' ', '-', '@', '.'],
  ...['日', '本', '語', 'ガ', '가', '𠀀', '𝐀', 'ß', 'é', '\u0301', 'ก', 'q'.repeat(40)],
)
const text = fc.array(pieces, { maxLength: 10 }).map((parts) => fold(parts.join('')))
const field = fc.constantFrom<SearchField>('subject', 'from', 'header', 'body')
const email = fc.array(fc.tuple(field, text), { maxLength: 5 })
const batch = fc.array(email, { minLength: 1, maxLength: 12 })

const scan = (texts: Email, key: { fields: readonly SearchField[]; text: string; at: WordPlace }): boolean =>
  texts.some(([where, what]) => key.fields.includes(where) && holdsWord(what, key))

const places: readonly WordPlace[] = ['anywhere', 'start', 'whole']

async function check(
  shelf: Shelf,
  emails: ReadonlyMap<number, Email>,
  needles: readonly string[],
): Promise<void> {
  const searcher = createSearcher({ store: shelf.store, cache: 1_000_000, listOctets: 1_000_000 })
  const choices: readonly (readonly SearchField[])[] = [['subject'], ['body'], ['header', 'body']]
  const keys = needles.flatMap((text) =>
    choices.flatMap((fields) => places.map((at) => ({ fields, text, at }))),
  )
  const answer = await searcher.lookUp({ account, keys })
  assert.equal(answer.indexedUpTo, shelf.newest)
  for (const [index, key] of keys.entries()) {
    for (const [id, texts] of emails) {
      const judged = answer.keys[index]?.judge(id as EmailId) ?? null
      if (judged !== null) assert.equal(judged, scan(texts, key), JSON.stringify({ key, texts }))
    }
  }
}

describe('the full-text index', () => {
  it('agrees with a plain scan, before and after a merge that drops emails', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(batch, { minLength: 1, maxLength: 4 }),
        fc.array(fc.tuple(text, fc.nat(8), fc.integer({ min: 1, max: 9 })), { minLength: 1, maxLength: 6 }),
        fc.nat(),
        async (batches, picks, seed) => {
          const shelf = new Shelf()
          const emails = new Map<number, Email>()
          for (const [number, some] of batches.entries()) {
            const first = shelf.newest + 1
            const last = first + (some.length - 1) * 2
            shelf.put(number + 1, { first, last, emails: some.length }, build(some, first).rows)
            for (const [index, texts] of some.entries()) emails.set(first + index * 2, texts)
          }
          const all = [...emails.values()].flat()
          const needles = picks.map(([made, from, length], index) => {
            const found = all[(seed + index) % Math.max(1, all.length)]?.[1] ?? ''
            return index % 2 === 0 ? made : found.slice(from, from + length)
          })
          await check(shelf, emails, needles)
          const kept = [...emails].filter(([id]) => (id + seed) % 3 !== 0)
          const merged: SearchBlock[] = []
          const { emails: count } = await mergeSegments({
            segments: shelf.segments.map(({ id }) => id),
            alive: Float64Array.from(kept, ([id]) => id),
            read: async (segment, row) => shelf.rows.get(`${segment} ${row}`) ?? assert.fail('no row'),
            write: async (rows) => void merged.push(...rows),
            breathe: async () => {},
          })
          assert.equal(count, kept.length)
          const after = new Shelf()
          after.put(99, { first: 1, last: shelf.newest, emails: count }, merged)
          await check(after, new Map(kept), needles)
        },
      ),
      { numRuns: 300 },
    )
  })
})
