import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from './virtual-clock.ts'

test('time stands still until it is told to move', async () => {
  const clock = new VirtualClock({ start: 1_000_000 })
  assert.deepEqual([clock.now(), clock.monotonic()], [1_000_000, 0])
  await clock.advance('5d')
  assert.deepEqual([clock.now(), clock.monotonic()], [433_000_000, 432_000_000])
})

test('timers run in the order of their times, then of their making, each at its own time', async () => {
  const clock = new VirtualClock({ start: 0 })
  const ran: string[] = []
  for (const [name, at] of [
    ['c', 30],
    ['a', 10],
    ['b1', 20],
    ['b2', 20],
    ['late', 41],
  ] as const) {
    clock.after(at, () => void ran.push(`${name}@${clock.now()}`))
  }
  await clock.advance(40)
  assert.deepEqual(ran, ['a@10', 'b1@20', 'b2@20', 'c@30'])
  assert.equal(clock.pending, 1)
})

test('what a timer sets off settles before the next one, and may set timers that are due too', async () => {
  const clock = new VirtualClock({ start: 0 })
  const ran: string[] = []
  const work = async () => {
    for (let step = 0; step < 20; step++) await null
    ran.push(`work@${clock.now()}`)
    await clock.sleep(5)
    ran.push(`slept@${clock.now()}`)
  }
  clock.after(10, () => void work())
  clock.after(11, () => void ran.push('next'))
  await clock.advance(20)
  assert.deepEqual(ran, ['work@10', 'next', 'slept@15'])
})

test('a cancelled timer never runs, and leaves nothing behind', async () => {
  const clock = new VirtualClock()
  let ran = 0
  const timer = clock.after(10, () => ran++)
  {
    using other = clock.after(10, () => ran++)
    assert.ok(other)
  }
  timer.cancel()
  timer.cancel()
  assert.equal(clock.pending, 0)
  await clock.advance(20)
  assert.equal(ran, 0)
})

test('sleep rejects with the reason of its signal', async () => {
  const clock = new VirtualClock()
  await assert.rejects(clock.sleep(10, AbortSignal.abort(new Error('before'))), /before/)
  const controller = new AbortController()
  const sleep = clock.sleep(10, controller.signal)
  controller.abort(new Error('during'))
  await assert.rejects(sleep, /during/)
  assert.equal(clock.pending, 0)
})

test('wall time may jump; timers and monotonic time do not notice', async () => {
  const clock = new VirtualClock({ start: 5_000 })
  let ran = false
  clock.after(100, () => {
    ran = true
  })
  clock.setWallTime(1_000)
  assert.deepEqual([clock.now(), clock.monotonic()], [1_000, 0])
  await clock.advance(99)
  assert.equal(ran, false)
  await clock.advance(1)
  assert.equal(ran, true)
  assert.equal(clock.now(), 1_100)
})

test('advances that overlap take their turn; a throwing task rejects its own', async () => {
  const clock = new VirtualClock({ start: 0 })
  clock.after(5, () => {
    throw new Error('in a task')
  })
  const [first, second] = await Promise.allSettled([clock.advance(10), clock.advance(10)])
  assert.equal(first.status, 'rejected')
  assert.equal(second.status, 'fulfilled')
  // The first stopped at 5, the second went on from there.
  assert.equal(clock.monotonic(), 15)
})

test('a clock can go from timer to timer', async () => {
  const clock = new VirtualClock({ start: 0 })
  clock.after(7, () => undefined)
  assert.equal(await clock.advanceToNext(), true)
  assert.equal(clock.monotonic(), 7)
  assert.equal(await clock.advanceToNext(), false)
})

test('ten thousand timers are no burden', async () => {
  const clock = new VirtualClock()
  let ran = 0
  const timers = Array.from({ length: 10_000 }, (_, index) =>
    clock.after((index * 7_919) % 10_000, () => ran++),
  )
  for (let index = 0; index < timers.length; index += 2) timers[index]?.cancel()
  await clock.advance('10s')
  assert.equal(ran, 5_000)
})
