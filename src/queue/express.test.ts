import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { deferred, queueHouse, type QueueHouse, relayed } from '../../test/support/queue-house.ts'

/** A house whose queue has just got something through to far.example. */
async function provenHouse(context: TestContext, config: object = {}): Promise<QueueHouse> {
  const house = await queueHouse(context, config)
  house.transport.destination = () => ({ maxConnections: 1, maxRecipients: 1 })
  await house.queue.start()
  await house.send(['first@far.example'])
  await house.clock.advance(100)
  assert.equal(house.transport.jobs.length, 1)
  return house
}

test('what goes where mail was taken lately is under lease from its commit on, and tried at once', async (context) => {
  const house = await provenHouse(context)
  const id = await house.send(['bob@far.example', 'eve@other.example'])
  assert.deepEqual(
    [(await house.row(id, 0)).state, (await house.row(id, 1)).state],
    ['active', 'waiting'],
    'of other.example nothing is known',
  )
  await house.clock.advance(100)
  assert.deepEqual(
    [(await house.row(id, 0)).outcome, (await house.row(id, 1)).outcome],
    ['relayed', 'relayed'],
  )
  const job = house.transport.jobs.find(({ recipients }) => recipients.includes('bob@far.example'))
  assert.match(Buffer.from(job?.job.message.content ?? []).toString(), /hello/)
})

test('a long message is read from the store when its turn comes', async (context) => {
  const house = await provenHouse(context)
  await house.send(['bob@far.example'], { text: `Subject: x\r\n\r\n${'line\r\n'.repeat(4000)}` })
  await house.clock.advance(100)
  assert.equal(house.transport.jobs.length, 2)
  assert.equal(house.transport.jobs[1]?.job.message.content, undefined)
})

test('to a destination that fails mail waits in the store', async (context) => {
  const house = await provenHouse(context)
  house.transport.script = (job) => job.recipients.map(() => deferred('destination', 'not connected'))
  const id = await house.send(['bob@far.example'])
  await house.clock.advance(100)
  assert.equal((await house.row(id)).state, 'waiting')
  const other = await house.send(['eve@far.example'])
  assert.equal((await house.row(other)).state, 'waiting')
})

test('a burst is not kept in memory, and nobody overtakes what waits in the store', async (context) => {
  const house = await provenHouse(context)
  house.transport.script = async (job) => {
    await house.clock.sleep(10)
    return job.recipients.map(() => relayed)
  }
  const names = Array.from({ length: 60 }, (_, index) => `u${index}@far.example`)
  for (const name of names) await house.send([name])
  const { active, waiting } = await house.store.queueTotals()
  assert.ok(active > 0 && active <= 40 && waiting > 0, `${active} active, ${waiting} waiting`)
  await house.clock.advance(5000)
  assert.deepEqual(
    house.transport.jobs.slice(1).flatMap(({ recipients }) => recipients),
    names,
  )
  const later = await house.send(['late@far.example'])
  assert.equal((await house.row(later)).state, 'active', 'the short way is open again')
})

test('a row that may have been stored is looked for, and tried', async (context) => {
  const house = await provenHouse(context)
  house.afterStoring = 'nobody-knows'
  await assert.rejects(house.send(['bob@far.example']))
  await house.clock.advance('1s')
  assert.equal(house.transport.jobs.length, 1, 'nobody knows of it')
  await house.clock.advance('10s')
  assert.equal(house.transport.jobs.length, 2)
  assert.deepEqual(await house.store.queueTotals().then(({ messages }) => messages), 0)
})

test('a queue that has stopped takes nothing the short way', async (context) => {
  const house = await provenHouse(context)
  const stopped = house.queue.stop()
  await house.clock.advance(100)
  await stopped
  const id = await house.send(['bob@far.example'])
  assert.equal((await house.row(id)).state, 'waiting')
})
