import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createEvents, defineEvent, EventMemory } from './event.ts'
import { errorText } from './error-text.ts'
import { Metrics } from './metrics.ts'
import { textLog } from './text-log.ts'

const accepted = defineEvent<{ listener: string; size: number; from: string }>({
  name: 'test.message-accepted',
  level: 'info',
  help: 'A message was accepted.',
  labels: ['listener'],
})

test('one emit writes a record and moves a counter', async () => {
  const memory = new EventMemory()
  const metrics = new Metrics()
  const lines: string[] = []
  const log = textLog({ level: 'info', write: (line) => lines.push(line), now: () => 0, colour: 'never' })
  const events = createEvents([memory, metrics, log])
  events.emit(accepted, { listener: 'mx', size: 12, from: 'a b@example.org\u001b[2J' })
  assert.equal(memory.count('test.message-accepted'), 1)
  assert.match(await metrics.text(), /posthorn_test_message_accepted_total\{listener="mx"\} 1/)
  assert.deepEqual(lines, [
    '00:00:00 test.message-accepted listener=mx size=12 from="a b@example.org\\u001b[2J"\n',
  ])
})

test('a log leaves out what is below its level, the counter does not', async () => {
  const noise = defineEvent<Record<string, never>>({ name: 'test.noise', level: 'debug', help: 'Noise.' })
  const lines: string[] = []
  const metrics = new Metrics()
  const events = createEvents([
    textLog({ level: 'info', write: (line) => lines.push(line), now: () => 0, colour: 'never' }),
    metrics,
  ])
  events.emit(noise, {})
  assert.deepEqual(lines, [])
  assert.match(await metrics.text(), /posthorn_test_noise_total 1/)
})

test('an error is told with its code and cause, in one line', () => {
  const cause = Object.assign(new Error('no space\nleft'), { code: 'ENOSPC' })
  assert.equal(
    errorText(new Error('commit failed', { cause })),
    'Error: commit failed; caused by Error: no space left (ENOSPC)',
  )
  assert.equal(errorText('text'), 'text')
})
