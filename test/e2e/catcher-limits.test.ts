// What bounds a catcher beside its messages: `catcher.limits`.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CatcherEnvironment } from '../../src/catcher/gate.ts'
import { createCatcherApp } from '../../src/catcher/api/mount.ts'
import { letter, openCatcherHouse } from '../support/catcher-house.ts'

test('a request that is too large is refused, and nothing is done of what it asked', async (context) => {
  const the = await openCatcherHouse(context, { catcher: { limits: { requestSize: 200 } } })
  await the.send(letter('kept'))
  const body = JSON.stringify({ IDs: Array.from({ length: 40 }, (_, index) => `none-${index}`) })
  for (const [method, path] of [
    ['DELETE', '/api/v1/messages'],
    ['PUT', '/api/v1/messages'],
    ['PUT', '/api/v1/catcher/chaos'],
  ] as const) {
    assert.equal((await the.get(path, { method, body })).status, 413, `${method} ${path}`)
  }
  assert.equal(the.catcher.stats.total, 1)
})

test('tags stand in the part of a header that is looked at; text is decoded up to its limit', async (context) => {
  const limits = { headerSize: 100, textSize: 10 }
  const the = await openCatcherHouse(context, { catcher: { limits } })
  await the.send(`X-Tags: near\nSubject: one\nX-Long: ${'x'.repeat(100)}\n\nfour and twenty\n`)
  await the.send(`X-Long: ${'x'.repeat(100)}\nX-Tags: far\nSubject: two\n\nfour\n`)
  const { messages } = await the.catcher.find({})
  assert.deepEqual(
    messages.map(({ subject, tags }) => [subject, tags]),
    [
      ['two', []],
      ['one', ['near']],
    ],
  )
  const content = await the.catcher.open(messages[1]?.id ?? '')
  assert.equal(await content?.text(), 'four and t')
})

test('who listens and does not read is let go', async (context) => {
  const the = await openCatcherHouse(context, { catcher: { limits: { liveBacklog: 500 } } })
  await the.send(letter('x'))
  const { messages } = await the.catcher.find({})
  const app = createCatcherApp({
    ...{ catcher: the.catcher, maxMessageSize: 0, listeners: () => [] },
    ingest: () => Promise.reject(new Error('nothing comes')),
  })
  const env: CatcherEnvironment = {
    ...{ remoteAddress: '127.0.0.1', secure: false, origin: the.url, stopping: new AbortController().signal },
    authenticate: () => Promise.reject(new Error('nobody asks')),
  }
  const stream = await app.fetch(new Request(`${the.url}/api/v1/catcher/events`), env)
  const id = messages[0]?.id ?? ''
  for (let number = 0; number < 1000; number++) the.catcher.setTags([id], [`t${number}`])
  // It ends, or this would wait for ever.
  const told = await stream.text()
  assert.match(told, /"t0"/)
  assert.doesNotMatch(told, /"t999"/)
})

test('a store that is full takes mail again soon after some was deleted', async (context) => {
  const the = await openCatcherHouse(context, {
    ...{ store: { temporaryBlobLimit: '500 KB', inlineBlobLimit: '1 KB' }, catcher: { pruneEvery: 20 } },
  })
  const large = letter('large', `${'x'.repeat(76)}\n`.repeat(4000))
  assert.match(await the.send(large), /^250 /)
  assert.match(await the.send(large), /^451 /)
  assert.match(await the.send(letter('small')), /^250 /)
  await the.catcher.remove({})
  let reply = ''
  while (!reply.startsWith('250 ')) reply = await the.send(large)
  assert.equal(the.catcher.stats.total, 1)
})
