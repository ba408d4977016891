// The order is stable and complete for every length around the runs of the sort.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededRandom } from '../../../base/seeded-random.ts'
import { compareByCodePoint, WordTable } from './facts/word-table.ts'
import { Pace } from '../pace.ts'
import { orderBy, rank } from './paced-sort.ts'
import { rankTimes } from './sort-order.ts'

test('positions are in order of all columns, and equal ones keep their order', async () => {
  const random = new SeededRandom(5)
  for (const length of [0, 1, 2, 1_000, 16_383, 16_384, 16_385, 40_000]) {
    for (const spread of [3, 1_000, 2 ** 45]) {
      const column = (): Float64Array =>
        Float64Array.from({ length }, () => random.below(spread) - spread / 2)
      const [one, other] = [column(), column()]
      const compare = (a: number, b: number): number =>
        (one[a] ?? 0) - (one[b] ?? 0) || (other[a] ?? 0) - (other[b] ?? 0) || a - b
      const expected = Uint32Array.from({ length }, (_, at) => at).sort(compare)
      const ranks = [await rank(one, new Pace()), await rank(other, new Pace())]
      assert.deepEqual(await orderBy(ranks, length, new Pace()), expected, `${length} of ${spread}`)
      const times = [await rankTimes(one.slice(), new Pace()), await rankTimes(other.slice(), new Pace())]
      assert.deepEqual(await orderBy(times, length, new Pace()), expected, `${length} times of ${spread}`)
    }
  }
})

test('words are in the order of i;unicode-casemap: of titlecased code points', async () => {
  const table = new WordTable()
  const words = ['b', '', 'a', '_', 'z', '\u{1f600}', '\ue000', '1', 'ab']
  const ranks = words.map((word) => table.number(word))
  const order = await table.ranks(new Pace())
  const sorted = words.toSorted((a, b) => (order[table.number(a)] ?? 0) - (order[table.number(b)] ?? 0))
  // RFC 5051 §2: `_` is behind Z and before a, and letters count as capitals.
  assert.deepEqual(sorted, ['', '1', 'a', 'ab', 'b', 'z', '_', '\ue000', '\u{1f600}'])
  assert.equal(new Set(ranks).size, words.length)
  assert.ok(compareByCodePoint('\u{1f600}', '\ue000') > 0)
})

test('words that come later find their place among those that were ordered', async () => {
  const random = new SeededRandom(7)
  const table = new WordTable()
  for (const count of [1, 10, 5_000, 0, 3_000]) {
    for (let at = 0; at < count; at++) table.number(`w${random.below(1e9)}`)
    const [ranks, again] = await Promise.all([table.ranks(new Pace()), table.ranks(new Pace())])
    assert.equal(ranks.length, table.size)
    assert.deepEqual(ranks, again)
    assert.equal(new Set(ranks).size, table.size)
  }
  const low = await table.ranks(new Pace())
  const [one, other] = [table.number('w1'), table.number('w2')]
  const ranks = await table.ranks(new Pace())
  assert.ok((ranks[one] ?? 0) < (ranks[other] ?? 0))
  assert.ok(ranks.length >= low.length)
})
