// What the recorder keeps and counts, by a clock of the test's.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createEvents, defineEvent } from './event.ts'
import { Recorder } from './recorder.ts'

const accepted = defineEvent<{ id: string }>({ name: 'smtp.message-accepted', level: 'info', help: '' })
const refused = defineEvent<{ reason: string }>({ name: 'smtp.recipient-refused', level: 'info', help: '' })
const opened = defineEvent<{ service: string }>({ name: 'connection.opened', level: 'debug', help: '' })

function open(capacity = 3) {
  const time = { now: 1_000_000_000_000 }
  const recorder = new Recorder({ now: () => time.now, capacity })
  return { time, recorder, events: createEvents([recorder]) }
}

test('the last records are kept, newest first', () => {
  const { recorder, events } = open()
  for (const id of ['a', 'b', 'c', 'd']) events.emit(accepted, { id })
  const ids = (limit: number) => recorder.find(() => true, limit).map(({ fields }) => fields['id'])
  assert.deepEqual(ids(10), ['d', 'c', 'b'])
  assert.deepEqual(ids(2), ['d', 'c'])
  assert.deepEqual(
    recorder.find(({ seq }) => seq === 3, 10).map(({ fields }) => fields['id']),
    ['c'],
  )
})

test('whoever watches hears of each record until he leaves', () => {
  const { recorder, events } = open()
  const heard: unknown[] = []
  const watching = recorder.watch(({ fields }) => heard.push(fields['id']))
  events.emit(accepted, { id: 'a' })
  events.emit(opened, { service: 'smtp' })
  watching[Symbol.dispose]()
  events.emit(accepted, { id: 'b' })
  assert.deepEqual(heard, ['a'])
})

test('counts are by second and by minute, and end with their time', () => {
  const { time, recorder, events } = open()
  events.emit(accepted, { id: 'a' })
  events.emit(accepted, { id: 'b' })
  events.emit(opened, { service: 'smtp' })
  recorder.sample('queued', 7)
  time.now += 2000
  events.emit(accepted, { id: 'c' })
  const { values, step, end } = recorder.series('second')
  assert.deepEqual([step, end], [1000, time.now + 1000])
  assert.deepEqual(values.accepted.slice(-3), [2, 0, 1])
  assert.deepEqual(values.queued.slice(-3), [7, 0, 0])
  assert.equal(values.connections.at(-3), 1)
  assert.equal(values.accepted.length, 600)
  time.now += 600_000
  assert.equal(
    recorder.series('second').values.accepted.reduce((sum, one) => sum + one, 0),
    0,
  )
  assert.equal(
    recorder.series('minute').values.accepted.reduce((sum, one) => sum + one, 0),
    3,
  )
})

test('refusals are counted by reason for an hour', () => {
  const { time, recorder, events } = open()
  for (const reason of ['unknown-user', 'over-quota', 'unknown-user']) events.emit(refused, { reason })
  assert.deepEqual(recorder.refusals(), [
    { what: 'smtp.recipient-refused', reason: 'unknown-user', count: 2 },
    { what: 'smtp.recipient-refused', reason: 'over-quota', count: 1 },
  ])
  time.now += 61 * 60_000
  assert.deepEqual(recorder.refusals(), [])
})
