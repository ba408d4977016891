import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededRandom } from '../base/seeded-random.ts'
import { conditionOf, failedOnce, healthy } from './backoff.ts'

const minute = 60_000
const backOff = { deadAfter: 2, first: minute, longest: 60 * minute }
const random = new SeededRandom(1)

test('waits double from the second failure on, up to the longest', () => {
  let now = 1_000_000
  let health = healthy
  const waits: number[] = []
  for (let failure = 0; failure < 10; failure++) {
    health = failedOnce(health, 'connection refused', { now, random, backOff })
    waits.push(health.retryAt === 0 ? 0 : Math.round((health.retryAt - now) / minute))
    now = Math.max(now, health.retryAt)
  }
  const about = [0, 1, 2, 4, 8, 16, 32, 60, 60, 60]
  for (const [index, wait] of waits.entries()) {
    const want = about[index] ?? 0
    assert.ok(Math.abs(wait - want) <= want * 0.11 + 1, `${index}: ${wait}, not about ${want}`)
  }
})

test('attempts that were under way when it died do not prolong the wait', () => {
  const options = { now: 1000, random, backOff }
  const dead = failedOnce(failedOnce(healthy, 'one', options), 'two', options)
  const after = failedOnce(dead, 'three', options)
  assert.equal(after.retryAt, dead.retryAt)
  assert.equal(after.failures, dead.failures)
})

test('dead, then a probe', () => {
  const options = { now: 1000, random, backOff }
  const dead = failedOnce(failedOnce(healthy, 'x', options), 'x', options)
  assert.equal(conditionOf(healthy, 1000), 'alive')
  assert.equal(conditionOf(dead, 1001), 'dead')
  assert.equal(conditionOf(dead, dead.retryAt), 'probe')
})
