import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RealClock } from './real-clock.ts'

test('timers fire once, in order; cancelled ones never', async () => {
  const clock = new RealClock()
  const ran: string[] = []
  const cancelled = clock.after(1, () => void ran.push('cancelled'))
  cancelled.cancel()
  await new Promise<void>((resolve) => {
    clock.after(2, () => void ran.push('first'))
    clock.after(10, () => {
      ran.push('last')
      resolve()
    })
    // Real timers of this clock keep no process alive; this one does until then.
    const alive = setInterval(() => ran.includes('last') && clearInterval(alive), 5)
  })
  assert.deepEqual(ran, ['first', 'last'])
})

test('a wait longer than Node can time does not fire at once', async () => {
  const clock = new RealClock()
  let fired = false
  const timer = clock.after(5_000_000_000, () => {
    fired = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  await new Promise((resolve) => setImmediate(resolve))
  timer.cancel()
  assert.equal(fired, false)
})

test('time moves on, and sleep can be called off', async () => {
  const clock = new RealClock()
  assert.ok(clock.now() > 1_700_000_000_000)
  assert.ok(clock.monotonic() >= 0)
  const controller = new AbortController()
  const sleep = clock.sleep(60_000, controller.signal)
  controller.abort(new Error('enough'))
  await assert.rejects(sleep, /enough/)
})
