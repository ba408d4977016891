// A fixed handful of seeds of the simulated Internet, and the storms that it is named for. `npm run simulate` runs thousands.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runScenario, usualSize } from './scenario.ts'
import * as storm from './storm.ts'

const small = { ...usualSize, messages: 15 }

for (const seed of [1, 2, 3]) {
  test(`seed ${seed}: every message ends as delivered, returned or queued`, async () => {
    assert.deepEqual((await runScenario(seed, small)).complaints, [])
  })
}

test('the same seed, the same trace', async () => {
  const size = { ...usualSize, messages: 8 }
  const [one, two] = [await runScenario('again', size), await runScenario('again', size)]
  assert.ok(one.trace.length > 50)
  assert.deepEqual(one.trace, two.trace)
})

test('two houses that forward to each other: one round, one report', async () => {
  const { world, one, two } = await storm.forwardingCircle()
  await using _ = world
  assert.equal(two.events.count('smtp.message-accepted'), 1)
  assert.ok(storm.taken(world) <= 5, `${storm.taken(world)} messages`)
  assert.equal((await storm.reportsOf(one, 'ann')).length, 1)
})

test('a circle that forks ends, with no more copies and reports than its arms', async () => {
  const { world, one, two } = await storm.forkedCircle()
  await using _ = world
  assert.ok(storm.taken(world) <= 10, `${storm.taken(world)} messages`)
  assert.equal(await storm.filedOf(two, 'bob'), 1)
  const reports = await storm.reportsOf(one, 'ann')
  assert.ok(reports.length >= 1 && reports.length <= 4, `${reports.length} reports`)
})

test('lists within each other and themselves: each member once, and bounces to the owners alone', async () => {
  const { world, one, two } = await storm.listsOfEachOther()
  await using _ = world
  assert.ok(storm.taken(world) <= 10, `${storm.taken(world)} messages`)
  const [ann, bob] = [await storm.reportsOf(one, 'ann'), await storm.reportsOf(two, 'bob')]
  assert.equal((await storm.filedOf(one, 'ann')) - ann.length, 1)
  assert.equal((await storm.filedOf(two, 'bob')) - bob.length, 1)
  // Two members of each list do not exist, and the list that was first takes nothing a second time.
  assert.deepEqual([ann.length, bob.length], [2, 3])
})

test('two that answer everything: refused as a storm within the hour, and for good', async () => {
  const { world, house, answers } = await storm.twoAnswerers()
  await using _ = world
  assert.equal(answers, 60)
  assert.equal(house.events.count('queue.automatic-refused'), 1)
  assert.equal(await storm.filedOf(house, 'vac'), 60)
})

test('a report that cannot be delivered is the end', async () => {
  const { world, one } = await storm.bounceOfBounce()
  await using _ = world
  assert.equal(one.events.count('queue.double-bounce'), 1)
  assert.equal(one.events.count('smtp.message-accepted'), 1)
  assert.equal(one.events.count('queue.report-sent'), 1)
})

test('two hundred messages to a slow host keep neither another sender nor another host waiting', async () => {
  const { world, slow, quick, all } = await storm.bulkBesideOne()
  await using _ = world
  assert.ok(quick < 1000, `${quick} ms`)
  assert.ok(slow < 5 * 60_000, `${slow} ms`)
  assert.equal(all, 201)
})
