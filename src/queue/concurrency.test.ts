import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lanesOf, narrow, openWindow, widen } from './concurrency.ts'

test('lanes grow fast, halve on a failure, then grow slowly', () => {
  const most = 20
  let window = openWindow(2)
  const sizes: number[] = []
  const steps = ['+', '+', '+', '+', '+', '+', '-', '+', '+', '+', '+', '-', '-', '-', '-'] as const
  for (const step of steps) {
    window = step === '+' ? widen(window, most) : narrow(window)
    sizes.push(lanesOf(window, most))
  }
  assert.deepEqual(sizes, [3, 4, 5, 6, 7, 8, 4, 4, 4, 4, 4, 2, 1, 1, 1])
})

test('never beyond the most, never below one', () => {
  let window = openWindow(2)
  for (let index = 0; index < 100; index++) window = widen(window, 5)
  assert.equal(lanesOf(window, 5), 5)
  assert.equal(lanesOf(window, 3), 3, 'the most of the moment counts')
  assert.equal(lanesOf(openWindow(0), 5), 1)
})
