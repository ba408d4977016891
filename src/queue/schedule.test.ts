import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededRandom } from '../base/seeded-random.ts'
import { defaultRetryLadder, jittered, nextAttempt } from './schedule.ts'

const minute = 60_000
const random = new SeededRandom(1)

const table: readonly (readonly [attempts: number, minutes: number])[] = [
  [0, 0],
  [1, 5],
  [2, 15],
  [3, 30],
  [4, 60],
  [5, 120],
  [6, 240],
  [7, 240],
  [1000, 240],
]

for (const [attempts, minutes] of table) {
  test(`after ${attempts} attempts the wait is ${minutes} minutes`, () => {
    const ladder = { ...defaultRetryLadder, jitter: 0 }
    assert.equal(nextAttempt({ attempts }, 1_000, random, ladder), 1_000 + minutes * minute)
  })
}

test('chance changes a wait by no more than its part', () => {
  const waits = Array.from({ length: 200 }, () => jittered(100, 0.1, random))
  assert.ok(waits.every((wait) => wait >= 90 && wait <= 110))
  assert.ok(new Set(waits).size > 10, 'and does change it')
})

test('in five days a recipient is tried about 36 times', () => {
  let at = 0
  let attempts = 0
  while (at < 5 * 24 * 60 * minute) at = nextAttempt({ attempts: ++attempts }, at, random)
  assert.ok(attempts >= 30 && attempts <= 40, String(attempts))
})
