// The sort is stable and complete for every length around its runs.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededRandom } from '../../../base/seeded-random.ts'
import { compareByCodePoint, WordTable } from './facts/word-table.ts'
import { Pace } from '../pace.ts'
import { pacedSort } from './paced-sort.ts'

test('equal items keep their order', async () => {
  const random = new SeededRandom(5)
  for (const length of [0, 1, 2, 2_047, 2_048, 2_049, 4_096, 10_000, 16_385]) {
    const values = Uint32Array.from({ length }, () => random.below(50))
    const compare = (a: number, b: number): number => (values[a] ?? 0) - (values[b] ?? 0)
    const items = Uint32Array.from({ length }, (_, at) => at)
    const expected = [...items].sort((a, b) => compare(a, b) || a - b)
    assert.deepEqual([...(await pacedSort(items, compare, new Pace()))], expected, `${length}`)
  }
})

test('words are in the order of i;unicode-casemap: of titlecased code points', () => {
  const table = new WordTable()
  const words = ['b', '', 'a', '_', 'z', '\u{1f600}', '\ue000', '1', 'ab']
  const ranks = words.map((word) => table.number(word))
  const order = table.ranks()
  const sorted = words.toSorted((a, b) => (order[table.number(a)] ?? 0) - (order[table.number(b)] ?? 0))
  // RFC 5051 §2: `_` is behind Z and before a, and letters count as capitals.
  assert.deepEqual(sorted, ['', '1', 'a', 'ab', 'b', 'z', '_', '\ue000', '\u{1f600}'])
  assert.equal(new Set(ranks).size, words.length)
  assert.ok(compareByCodePoint('\u{1f600}', '\ue000') > 0)
})
