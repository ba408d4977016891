import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { messageCaught, messagesDeleted } from '../events/catcher.ts'
import { MemoryTidier } from './tidy-memory.ts'

test('memory is tidied after the start, and in the quiet behind a burst of messages, once each', (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] })
  const tidy = mock.fn()
  const tidier = new MemoryTidier(tidy, 1000)
  tidier.start()
  context.mock.timers.tick(1000)
  assert.equal(tidy.mock.callCount(), 1)
  for (let count = 0; count < 499; count++) tidier.record(messageCaught)
  for (let count = 0; count < 499; count++) tidier.record(messagesDeleted)
  context.mock.timers.tick(5000)
  assert.equal(tidy.mock.callCount(), 1, 'few messages leave little')
  tidier.record(messageCaught)
  context.mock.timers.tick(999)
  tidier.record(messageCaught)
  context.mock.timers.tick(1)
  context.mock.timers.tick(999)
  assert.equal(tidy.mock.callCount(), 1)
  context.mock.timers.tick(1)
  assert.equal(tidy.mock.callCount(), 2)
  context.mock.timers.tick(60_000)
  assert.equal(tidy.mock.callCount(), 2)
})
