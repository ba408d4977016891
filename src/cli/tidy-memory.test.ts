import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { messageCaught, messagesDeleted } from '../events/catcher.ts'
import { MemoryTidier } from './tidy-memory.ts'

test('memory is tidied after the start, and in the quiet behind a burst of messages, once each', (context) => {
  const { timers } = context.mock
  timers.enable({ apis: ['setTimeout'] })
  /** Timers that are set by timers run in their time only when it passes bit by bit. */
  const pass = (milliseconds: number): void => {
    for (let passed = 0; passed < milliseconds; passed += 100) timers.tick(100)
  }
  const tidy = mock.fn()
  const tidier = new MemoryTidier(tidy, 1200)
  tidier.start()
  pass(1100)
  assert.equal(tidy.mock.callCount(), 0)
  pass(100)
  assert.equal(tidy.mock.callCount(), 1)
  for (let count = 0; count < 499; count++) tidier.record(messageCaught)
  for (let count = 0; count < 499; count++) tidier.record(messagesDeleted)
  pass(5000)
  assert.equal(tidy.mock.callCount(), 1, 'few messages leave little')
  tidier.record(messageCaught)
  pass(1100)
  tidier.record(messageCaught)
  pass(1200)
  assert.equal(tidy.mock.callCount(), 1)
  pass(200)
  assert.equal(tidy.mock.callCount(), 2)
  pass(60_000)
  assert.equal(tidy.mock.callCount(), 2)
})
