import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../../base/virtual-clock.ts'
import { Turns } from './turns.ts'

test('so many at once, first come first served', async () => {
  const turns = new Turns({ places: 2, rate: null, delta: 1000, clock: new VirtualClock() })
  const begun: number[] = []
  const enter = (number: number): Promise<void> => turns.enter().then(() => void begun.push(number))
  const all = [enter(1), enter(2), enter(3), enter(4)]
  await Promise.all(all.slice(0, 2))
  assert.deepEqual([begun, turns.isFree()], [[1, 2], false])
  turns.leave()
  await all[2]
  turns.leave()
  await all[3]
  assert.deepEqual(begun, [1, 2, 3, 4])
  turns.leave()
  turns.leave()
  assert.equal(turns.isFree(), true)
})

test('no more begin in a time than are allowed, however fast they end', async () => {
  const clock = new VirtualClock()
  const turns = new Turns({ places: 10, rate: 2, delta: 1000, clock })
  const begun: number[] = []
  for (let number = 0; number < 5; number++) {
    void turns.enter().then(() => {
      begun.push(clock.monotonic())
      turns.leave()
    })
  }
  await clock.advance(999)
  assert.deepEqual([begun, turns.isFree()], [[0, 0], false])
  await clock.advance(3000)
  assert.deepEqual(begun, [0, 0, 1000, 1000, 2000])
  assert.equal(turns.isFree(), true)
})
