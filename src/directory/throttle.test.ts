// Attackers are stopped, owners are not.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../base/virtual-clock.ts'
import { authSection } from '../config/sections/auth.ts'
import { LoginThrottle } from './throttle.ts'
import type { ThrottleConfig } from '../config/sections/auth.ts'

const defaults = authSection.parse({}).throttle

function makeThrottle(given: Partial<ThrottleConfig> = {}) {
  const clock = new VirtualClock()
  return { clock, throttle: new LoginThrottle(clock, { ...defaults, ...given }) }
}

function guess(throttle: LoginThrottle, remoteAddress: string, name: string, fingerprint: string | null) {
  return throttle.begin({ remoteAddress, name, fingerprint })
}

/** A guess that turns out wrong: whether it was looked at. */
function wrong(...parameters: Parameters<typeof guess>): 'tried' | 'throttled' {
  const counted = guess(...parameters)
  if (counted === 'throttled') return counted
  counted.settle('wrong')
  return 'tried'
}

test('During 10,000 wrong guesses from many addresses the owner logs in from a known network', () => {
  const { throttle } = makeThrottle()
  const first = guess(throttle, '192.0.2.7', 'ann', 'right')
  assert.ok(first !== 'throttled')
  first.settle('right')
  let tried = 0
  for (let at = 0; at < 10_000; at++) {
    if (wrong(throttle, `198.51.${at >> 8}.${at & 255}`, 'ann', `wrong ${at}`) === 'tried') tried++
  }
  assert.equal(tried, defaults.failuresPerAccount)
  const owner = guess(throttle, '192.0.2.7', 'ann', 'right')
  assert.ok(owner !== 'throttled')
  owner.settle('right')
  assert.equal(guess(throttle, '203.0.113.1', 'ann', 'right'), 'throttled')
})

test('The same wrong password counts once, so a stale device harms neither its owner nor its office', () => {
  const { throttle } = makeThrottle({ failuresPerPrefix: 3, failuresPerAccount: 3 })
  for (let round = 0; round < 1000; round++) {
    assert.equal(wrong(throttle, '192.0.2.7', 'ann', 'stale'), 'tried')
  }
  assert.equal(wrong(throttle, '192.0.2.7', 'bob', 'typo'), 'tried')
  assert.notEqual(guess(throttle, '192.0.2.7', 'ann', 'right'), 'throttled')
})

test('One network may try so many different guesses, whatever the names, and then waits', async () => {
  const { clock, throttle } = makeThrottle({ failuresPerPrefix: 4, window: 3_600_000 })
  for (let at = 0; at < 4; at++) {
    assert.equal(wrong(throttle, '2001:db8::1', `user${at}`, 'same'), 'tried')
  }
  assert.equal(wrong(throttle, '2001:db8::ffff', 'user9', 'same'), 'throttled', 'the same /64')
  assert.equal(wrong(throttle, '2001:db8:0:1::1', 'user9', 'same'), 'tried', 'another /64')
  await clock.advance(900_001)
  assert.equal(
    wrong(throttle, '2001:db8::1', 'user9', 'x'),
    'tried',
    'a quarter of the window drains one of four',
  )
  assert.equal(wrong(throttle, '2001:db8::1', 'user9', 'y'), 'throttled')
})

test('What succeeds counts nothing, and attempts at the same time gain nothing', () => {
  const { throttle } = makeThrottle({ failuresPerPrefix: 2 })
  for (let round = 0; round < 10; round++) {
    const outcome = guess(throttle, '192.0.2.7', `user${round}`, 'right')
    assert.ok(outcome !== 'throttled')
    outcome.settle('right')
  }
  const { throttle: fresh } = makeThrottle({ failuresPerAccount: 2 })
  const atOnce = Array.from({ length: 10 }, (_, at) => guess(fresh, '192.0.2.7', 'ann', `guess ${at}`))
  assert.equal(atOnce.filter((outcome) => outcome !== 'throttled').length, 2)
})

test('A whole office logs in at the same moment', () => {
  const { throttle } = makeThrottle({ failuresPerPrefix: 2 })
  const attempts = Array.from({ length: 200 }, (_, at) => guess(throttle, '192.0.2.7', `user${at}`, null))
  for (const attempt of attempts) {
    assert.ok(attempt !== 'throttled')
    attempt.settle('right')
  }
})

test('An attempt that nobody looked at counts nothing', () => {
  const { throttle } = makeThrottle({ failuresPerAccount: 1 })
  for (let round = 0; round < 5; round++) {
    const attempt = guess(throttle, '192.0.2.7', 'ann', null)
    assert.ok(attempt !== 'throttled')
    attempt.settle('untried')
  }
})

test('A known network has a limit of its own; a guess without a password to compare always counts', () => {
  const { throttle } = makeThrottle({ failuresFromKnownPrefix: 2 })
  const first = guess(throttle, '192.0.2.7', 'ann', null)
  assert.ok(first !== 'throttled')
  first.settle('right')
  assert.equal(wrong(throttle, '192.0.2.7', 'ann', null), 'tried')
  assert.equal(wrong(throttle, '192.0.2.7', 'ann', null), 'tried')
  assert.equal(guess(throttle, '192.0.2.7', 'ann', null), 'throttled')
})

test('Limits of 0 are lifted', () => {
  const { throttle } = makeThrottle({
    failuresPerPrefix: 0,
    failuresPerAccount: 0,
    failuresFromKnownPrefix: 0,
  })
  for (let at = 0; at < 2000; at++) assert.equal(wrong(throttle, '192.0.2.7', 'ann', `wrong ${at}`), 'tried')
})

test('auth.throttle.knownFor: a network is known to a name so long after a log-in', async () => {
  const { clock, throttle } = makeThrottle({ knownFor: 7_200_000, window: 1e9, failuresPerAccount: 1 })
  const first = guess(throttle, '192.0.2.7', 'ann', 'right')
  assert.ok(first !== 'throttled')
  first.settle('right')
  assert.equal(wrong(throttle, '198.51.100.1', 'ann', 'guess'), 'tried')
  await clock.advance(7_199_000)
  assert.notEqual(guess(throttle, '192.0.2.7', 'ann', null), 'throttled')
  await clock.advance(2_000)
  assert.equal(guess(throttle, '192.0.2.7', 'ann', null), 'throttled')
})
