// Events kept in files: found again by another process's eyes, bounded, never in the way of what they tell of.
import assert from 'node:assert/strict'
import { appendFile, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { VirtualClock } from '../base/virtual-clock.ts'
import { EventFile } from './event-file.ts'
import type { Recorded } from './recorder.ts'

async function house(context: TestContext, size = 1_000_000) {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-events-'))
  context.after(() => rm(folder, { recursive: true, force: true }))
  const clock = new VirtualClock()
  const troubles: unknown[] = []
  const make = (at = folder): EventFile =>
    new EventFile({ folder: at, size, clock, onTrouble: (error) => troubles.push(error) })
  return { folder, clock, troubles, make }
}

const record = (seq: number, message: string): Recorded => ({
  ...{ seq, at: seq, name: 'smtp.message-accepted', level: 'info' },
  fields: { message },
})

test('what was written is found after a restart, in whatever case', async (context) => {
  const { make } = await house(context)
  const first = make()
  first.add(record(1, 'Ann "the" Ünicode'))
  first.add(record(2, 'other'))
  await first[Symbol.asyncDispose]()
  const second = make()
  assert.deepEqual(await second.search(['ann "THE" ü'], 10), [record(1, 'Ann "the" Ünicode')])
  second.add(record(3, 'ann'))
  // Without waiting for the next writing.
  assert.deepEqual(
    (await second.search(['ANN', 'other'], 2)).map(({ seq }) => seq),
    [2, 3],
  )
})

test('lines are written together, each second', async (context) => {
  const { folder, clock, make } = await house(context)
  const file = make()
  file.add(record(1, 'a'))
  assert.deepEqual(await readdir(folder), [])
  await clock.advance(1000)
  await file[Symbol.asyncDispose]()
  assert.deepEqual(await readdir(folder), ['events.jsonl'])
  assert.equal((await stat(join(folder, 'events.jsonl'))).mode & 0o777, 0o600)
})

test('both files stay within their size, and the oldest lines go', async (context) => {
  const { folder, make } = await house(context, 2000)
  const file = make()
  for (let seq = 1; seq <= 100; seq++) {
    file.add(record(seq, 'x'.repeat(20)))
    await file.search([''], 1)
  }
  const sizes = await Promise.all(
    (await readdir(folder)).map(async (name) => (await stat(join(folder, name))).size),
  )
  assert.equal(sizes.length, 2)
  assert.ok(Math.max(...sizes) < 1200, String(sizes))
  const found = (await file.search(['xxx'], 1000)).map(({ seq }) => seq)
  assert.equal(found.at(-1), 100)
  assert.ok(found.length > 8 && found.length < 30, String(found.length))
})

test('a line cut by a crash is passed over; a file that cannot be written is told once', async (context) => {
  const { folder, troubles, make } = await house(context)
  await writeFile(join(folder, 'events.jsonl'), `${JSON.stringify(record(1, 'whole'))}\n`)
  await appendFile(join(folder, 'events.jsonl'), '{"seq":2,"na')
  const file = make()
  file.add(record(3, 'whole'))
  const found = await file.search(['whole'], 10)
  assert.deepEqual(
    found.map(({ seq }) => seq),
    [1, 3],
  )
  const nowhere = make(join(folder, 'events.jsonl'))
  for (const seq of [1, 2]) {
    nowhere.add(record(seq, 'x'))
    await nowhere[Symbol.asyncDispose]()
  }
  assert.equal(troubles.length, 1)
})
