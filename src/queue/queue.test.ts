import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  attempt,
  deferred,
  failed,
  queueHouse,
  relayed,
  unknownOutcome,
} from '../../test/support/queue-house.ts'
import { plainMessageOptions, plainRecipientOptions } from '../mail/delivery-options.ts'
import type { RecipientResult } from './transport.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

test('what is queued is tried at once, and done', async (context) => {
  const house = await queueHouse(context)
  await house.queue.start()
  const id = await house.send(['bob@far.example'])
  await house.clock.advance(100)
  assert.deepEqual(house.transport.triesOf('bob@far.example', house.start), [0])
  const row = await house.row(id)
  assert.equal(row.state, 'settled')
  assert.equal(row.outcome, 'relayed')
  assert.equal(house.events.count('queue.delivered'), 1)
})

test('five days of retries, then it is returned as expired with the last words', async (context) => {
  const house = await queueHouse(context, { retry: { jitter: 0 } })
  house.transport.script = () => [deferred('recipient', '450 4.2.2 mailbox busy')]
  await house.queue.start()
  const id = await house.send(['bob@far.example'])
  await house.clock.advance('6d')
  const tries = house.transport.triesOf('bob@far.example', house.start).map((at) => Math.round(at / minute))
  assert.deepEqual(tries.slice(0, 8), [0, 5, 20, 50, 110, 230, 470, 710])
  assert.ok(tries.length >= 33 && tries.length <= 36, String(tries.length))
  const row = await house.row(id)
  assert.equal(row.outcome, 'expired')
  assert.equal(row.report, 'failure')
  assert.equal(row.last?.reply, '450 4.2.2 mailbox busy')
  assert.ok((tries.at(-1) ?? 0) <= 5 * 24 * 60)
  assert.equal(house.delayed.length, 1, 'told late once, after four hours')
  assert.ok(house.reportsDue > 0)
})

test('refused for good: failed at once, with the reply verbatim; NOTIFY=NEVER is told nothing', async (context) => {
  const house = await queueHouse(context)
  house.transport.script = (job) => job.recipients.map(() => failed())
  await house.queue.start()
  const one = await house.send(['bob@far.example'])
  const never = await house.send(['eve@far.example'], {
    row: { options: { ...plainRecipientOptions, notify: [] } },
  })
  const bounce = await house.send(['joe@far.example'], { reversePath: '' })
  await house.clock.advance(100)
  const row = await house.row(one)
  assert.deepEqual(
    [row.outcome, row.report, row.last?.reply],
    ['failed', 'failure', '550 5.1.1 no such user'],
  )
  assert.equal((await house.row(never)).report, null)
  assert.equal((await house.row(bounce)).report, null)
  assert.equal(house.events.count('queue.double-bounce'), 1)
})

test('success is reported by who has the duty: not for relayed, but for delivered', async (context) => {
  const house = await queueHouse(context)
  const delivered: RecipientResult = {
    type: 'done',
    outcome: 'delivered',
    attempt: attempt({ outcome: 'delivered' }),
  }
  house.transport.script = (job) =>
    job.recipients.map(({ address }) => (address.startsWith('a') ? delivered : relayed))
  await house.queue.start()
  const options = { ...plainRecipientOptions, notify: ['success'] as const }
  const id = await house.send(['a@far.example', 'b@far.example'], { row: { options } })
  await house.clock.advance(100)
  assert.equal((await house.row(id, 0)).report, 'success')
  assert.equal((await house.row(id, 1)).report, null)
})

test('RFC 2852 §4.1.4: a relay that owes a report makes one, but for NEVER', async (context) => {
  const house = await queueHouse(context)
  house.transport.script = (job) => job.recipients.map(() => ({ ...relayed, owes: 'relayed-report' }))
  await house.queue.start()
  const reportFor = async (change: Partial<typeof plainRecipientOptions>): Promise<string | null> => {
    const id = await house.send(['a@far.example'], {
      row: { options: { ...plainRecipientOptions, ...change } },
    })
    await house.clock.advance(100)
    return (await house.row(id)).report
  }
  assert.equal(await reportFor({}), 'success')
  assert.equal(await reportFor({ notify: ['failure'] }), 'success')
  assert.equal(await reportFor({ notify: [] }), null)
  assert.equal(await reportFor({ redistributed: true }), null)
})

test('recipients of one message share a job, up to the most of the destination', async (context) => {
  const house = await queueHouse(context)
  house.transport.destination = () => ({ maxRecipients: 2 })
  await house.queue.start()
  await house.send(['a@far.example', 'b@far.example', 'c@far.example', 'd@other.example'])
  await house.clock.advance(100)
  const sizes = house.transport.jobs.map(
    ({ destination, recipients }) => `${destination} ${recipients.length}`,
  )
  assert.deepEqual(sizes.toSorted(), ['mx far.example 1', 'mx far.example 2', 'mx other.example 1'])
})

test('rows with return paths of their own go in jobs of their own, which say so', async (context) => {
  const house = await queueHouse(context)
  await house.queue.start()
  const options = { ...plainMessageOptions, envId: 'e1', ret: 'full' } as const
  await house.send(['a@far.example', 'b@far.example'], {
    options,
    row: { reversePath: 'list+x@house.example', options: { ...plainRecipientOptions, redistributed: true } },
  })
  await house.send(['c@far.example'], { options })
  await house.clock.advance(100)
  const [list, plain] = house.transport.jobs.map(({ job }) => job.message)
  assert.deepEqual(
    [list?.reversePath, list?.options.envId, list?.options.ret],
    ['list+x@house.example', null, null],
  )
  assert.deepEqual([plain?.reversePath, plain?.options.envId], ['ann@house.example', 'e1'])
})

test('RFC 1047: an unknown outcome is recorded, and retried only much later', async (context) => {
  const house = await queueHouse(context)
  let tries = 0
  house.transport.script = () => [tries++ === 0 ? unknownOutcome : relayed]
  await house.queue.start()
  const id = await house.send(['bob@far.example'])
  await house.clock.advance('3h')
  assert.equal(tries, 1)
  assert.equal((await house.row(id)).last?.outcome, 'unknown')
  assert.equal(house.events.count('queue.unknown-outcome'), 1)
  await house.clock.advance('2h')
  assert.equal(tries, 2)
  assert.equal((await house.row(id)).state, 'settled')
})

test('each row of a domain is tried at its own time, however seldom the store is looked through', async (context) => {
  const house = await queueHouse(context, { poll: '12h', sweep: '12h' })
  await house.queue.start()
  for (const hours of [3, 1, 2]) {
    await house.send([`${hours}@far.example`], { row: { nextAttempt: house.start + hours * hour } })
  }
  await house.clock.advance('4h')
  const tries = [1, 2, 3].map((hours) => house.transport.triesOf(`${hours}@far.example`, house.start))
  assert.deepEqual(tries, [[hour], [2 * hour], [3 * hour]])
})

/** Lets an attempt begin that hangs; the process ends then with the row under lease, and another one starts. */
async function diesTrying(house: Awaited<ReturnType<typeof queueHouse>>): Promise<void> {
  await house.clock.advance('11m')
  const stopped = house.queue.stop()
  await house.clock.advance('2m')
  await stopped
  house.queue = house.open()
  await house.queue.start()
}

test('a crash in mid-attempt: the next start finds it, and does not hurry', async (context) => {
  const house = await queueHouse(context)
  house.transport.script = () => new Promise<never>(() => undefined)
  await house.queue.start()
  const id = await house.send(['bob@far.example'])
  await house.clock.advance(100)
  assert.equal((await house.row(id)).state, 'active')
  // The first queue object is dropped: nothing of it works on.
  const first = house.queue
  house.transport.script = (job) => job.recipients.map(() => relayed)
  house.queue = house.open()
  await house.queue.start()
  const row = await house.row(id)
  assert.deepEqual([row.state, row.faults, row.last?.outcome], ['waiting', 0, 'unknown'])
  await house.clock.advance('9m')
  assert.equal((await house.row(id)).state, 'waiting')
  await house.clock.advance('2m')
  assert.equal((await house.row(id)).outcome, 'relayed')
  const stopped = first.stop()
  await house.clock.advance('2m')
  await stopped
})

test('with poisonAfter 0 nothing is held as poison, however often a process dies of it', async (context) => {
  const house = await queueHouse(context, { retry: { poisonAfter: 0 } })
  house.transport.script = () => new Promise<never>(() => undefined)
  await house.queue.start()
  const id = await house.send(['bob@far.example'])
  for (let round = 0; round < 8; round++) await diesTrying(house)
  const row = await house.row(id)
  assert.deepEqual([row.state, row.faults], ['waiting', 7])
  await diesTrying(house)
})

test('a message that kills the process again and again is held as poison, after the first time', async (context) => {
  const house = await queueHouse(context, { retry: { poisonAfter: 3 } })
  house.transport.script = () => new Promise<never>(() => undefined)
  await house.queue.start()
  const id = await house.send(['bob@far.example'])
  for (const faults of [0, 1, 2]) {
    await diesTrying(house)
    const row = await house.row(id)
    assert.deepEqual([row.state, row.faults, row.suspected], ['waiting', faults, true])
  }
  await diesTrying(house)
  const row = await house.row(id)
  assert.deepEqual([row.state, row.faults, row.reason], ['held', 3, 'poison'])
  assert.equal(house.transport.jobs.length, 4)
})

test('a row under suspicion that is tried without harm is as good as any', async (context) => {
  const house = await queueHouse(context)
  house.transport.script = () => new Promise<never>(() => undefined)
  await house.queue.start()
  const id = await house.send(['bob@far.example'])
  await diesTrying(house)
  house.transport.script = (job) => job.recipients.map(() => deferred('recipient'))
  await house.clock.advance('12m')
  const row = await house.row(id)
  assert.deepEqual([row.state, row.faults, row.suspected, row.attempts], ['waiting', 0, false, 2])
})

test('an exception of ours is a fault: tried again, and held as poison after five', async (context) => {
  const house = await queueHouse(context, { retry: { jitter: 0 } })
  house.transport.script = (job) => {
    if (job.recipients.some(({ address }) => address.startsWith('bad'))) throw new Error('cannot encode')
    return job.recipients.map(() => relayed)
  }
  await house.queue.start()
  const bad = await house.send(['bad@far.example'])
  const good = await house.send(['good@far.example'])
  await house.clock.advance('1d')
  const row = await house.row(bad)
  assert.equal(row.state, 'held')
  assert.match(row.reason, /^poison: .*cannot encode/)
  assert.equal(house.transport.triesOf('bad@far.example', 0).length, 5)
  assert.equal(house.events.count('queue.poisoned'), 1)
  assert.equal((await house.row(good)).outcome, 'relayed')
})

test('a lane that ends without a result, and a routing that throws, are faults too', async (context) => {
  const house = await queueHouse(context)
  house.transport.run = async ({ jobs }) => {
    await jobs.next()
  }
  await house.queue.start()
  const id = await house.send(['bob@far.example'])
  await house.clock.advance(100)
  assert.equal((await house.row(id)).faults, 1)
  house.transport.destination = () => {
    throw new Error('no route')
  }
  await house.clock.advance('6m')
  const row = await house.row(id)
  assert.deepEqual([row.state, row.faults], ['waiting', 2])
  assert.match(row.reason, /no route/)
})

test('a dead destination: its mail waits with its words and without attempts, one job probes', async (context) => {
  const house = await queueHouse(context)
  let alive = false
  house.transport.script = (job) =>
    job.recipients.map(() => (alive ? relayed : deferred('destination', 'connection refused')))
  await house.queue.start()
  const ids = []
  for (let index = 0; index < 50; index++) ids.push(await house.send([`u${index}@far.example`]))
  await house.clock.advance('10m')
  assert.ok(house.transport.jobs.length < 20, `${house.transport.jobs.length} attempts`)
  const last = ids.at(-1)
  assert.ok(last !== undefined)
  const row = await house.row(last)
  assert.deepEqual([row.state, row.attempts, row.reason], ['waiting', 0, 'connection refused'])
  assert.equal(house.queue.troubleOf('far.example')?.reason, 'connection refused')
  alive = true
  await house.clock.advance('2h')
  for (const id of ids) assert.equal((await house.row(id)).outcome, 'relayed')
  assert.ok(house.events.count('queue.destination-alive') >= 1)
})

test('dead and slow destinations delay nobody', async (context) => {
  const house = await queueHouse(context, { lanes: { total: 100, slow: 200, slowAfter: '1s' } })
  house.transport.script = async (job, destination) => {
    if (destination.key.includes('dead')) {
      await house.clock.sleep(30_000)
      return job.recipients.map(() => deferred('destination', 'timed out'))
    }
    await house.clock.sleep(10)
    return job.recipients.map(() => relayed)
  }
  for (let index = 0; index < 100; index++) {
    await house.send([`a@dead${index}.example`, `b@dead${index}.example`])
  }
  for (let index = 0; index < 100; index++) await house.send([`a@live${index}.example`])
  await house.queue.start()
  await house.clock.advance('2m')
  const live = house.transport.jobs.filter(({ destination }) => destination.includes('live'))
  assert.equal(live.length, 100)
  const latest = Math.max(...live.map(({ at }) => at - house.start))
  assert.ok(latest < 5000, `the last live one was tried after ${latest} ms`)
})

test('a bulk sender does not delay another sender’s one message', async (context) => {
  const house = await queueHouse(context)
  house.transport.destination = () => ({ maxConnections: 1, maxRecipients: 1 })
  house.transport.script = async (job) => {
    await house.clock.sleep(1000)
    return job.recipients.map(() => relayed)
  }
  await house.queue.start()
  const bulk = Array.from({ length: 500 }, (_, index) => `u${index}@far.example`)
  await house.send(bulk, { sender: 'bulk' })
  await house.clock.advance(20_000)
  const before = house.transport.jobs.length
  await house.send(['bob@far.example'], { sender: 'ann' })
  await house.clock.advance(60_000)
  const at = house.transport.jobs.findIndex(({ recipients }) => recipients.includes('bob@far.example'))
  assert.ok(at >= 0 && at - before <= 2 * 2 * 10, `after ${at - before} others`)
})

test('lanes grow while the destination takes mail, and are kept warm', async (context) => {
  const house = await queueHouse(context)
  house.transport.destination = () => ({ maxConnections: 8, maxRecipients: 1 })
  house.transport.script = async (job) => {
    await house.clock.sleep(100)
    return job.recipients.map(() => relayed)
  }
  await house.queue.start()
  await house.send(Array.from({ length: 200 }, (_, index) => `u${index}@far.example`))
  await house.clock.advance(10_000)
  assert.equal(house.transport.mostLanes, 8)
  assert.ok(house.transport.jobs.length === 200)
  assert.ok(house.transport.opened <= 12, `${house.transport.opened} connections`)
  assert.equal(house.transport.lanes, 0, 'closed when they had been idle')
})

test('held rows stay; a route that holds holds', async (context) => {
  const house = await queueHouse(context)
  house.transport.script = () => [{ type: 'held', reason: 'route hold' }]
  await house.queue.start()
  const quarantined = await house.send(['a@far.example'], {
    row: { state: { type: 'held', reason: 'spam?' } },
  })
  const id = await house.send(['b@far.example'])
  await house.clock.advance('6d')
  assert.deepEqual([(await house.row(id)).state, (await house.row(id)).reason], ['held', 'route hold'])
  assert.equal((await house.row(quarantined)).state, 'held')
  assert.equal(house.transport.jobs.length, 1)
  await house.store.changeQueued({
    filter: { id: quarantined },
    change: { type: 'release', nextAttempt: house.clock.now() },
    now: house.clock.now(),
  })
  await house.clock.advance(100)
  assert.equal((await house.row(quarantined)).state, 'settled', 'past its end by now')
})

test('stopping gives back what was not tried, and breaks off what takes too long', async (context) => {
  const house = await queueHouse(context)
  house.transport.destination = () => ({ maxConnections: 1, maxRecipients: 1 })
  house.transport.script = async (job) => {
    await house.clock.sleep(5000)
    return job.recipients.map(() => relayed)
  }
  await house.queue.start()
  const id = await house.send(['a@far.example', 'b@far.example', 'c@far.example'])
  await house.clock.advance(100)
  const stopped = house.queue.stop()
  await house.clock.advance(6000)
  await stopped
  const states = (await house.entry(id)).recipients.map(({ state, attempts }) => `${state} ${attempts}`)
  assert.deepEqual(states.toSorted(), ['settled 1', 'waiting 0', 'waiting 0'])
})

test('a transport that hangs does not keep the queue from stopping', async (context) => {
  const house = await queueHouse(context)
  house.transport.script = () => new Promise<never>(() => undefined)
  await house.queue.start()
  await house.send(['a@far.example'])
  await house.clock.advance(100)
  const stopped = house.queue.stop()
  await house.clock.advance('1m')
  await stopped
})

test('a job that comes back untried goes to another lane, and is not tried for ever', async (context) => {
  const house = await queueHouse(context)
  let runs = 0
  house.transport.script = () => [runs++ < 2 ? { type: 'untried' } : relayed]
  await house.queue.start()
  const id = await house.send(['a@far.example'])
  await house.clock.advance(100)
  assert.equal((await house.row(id)).outcome, 'relayed')
  house.transport.script = () => [{ type: 'untried' }]
  const other = await house.send(['b@far.example'])
  await house.clock.advance(1000)
  const row = await house.row(other)
  assert.deepEqual([row.state, row.attempts], ['waiting', 0])
  assert.ok(row.nextAttempt > house.clock.now())
})

test('ETRN: what waits is tried now', async (context) => {
  const house = await queueHouse(context)
  house.transport.script = (job) => job.recipients.map(() => deferred('recipient'))
  await house.queue.start()
  await house.send(['a@far.example', 'b@sub.far.example'])
  await house.clock.advance('1m')
  house.transport.script = (job) => job.recipients.map(() => relayed)
  assert.deepEqual(await house.queue.flush({ node: 'none.example', form: 'domain' }), { type: 'none' })
  const flushed = await house.queue.flush({ node: 'far.example', form: 'subdomains' })
  assert.equal(flushed.type, 'started')
  await house.clock.advance(100)
  assert.equal(house.transport.jobs.length, 4)
  assert.equal(await house.queue.pending(['far.example', 'sub.far.example']), 0)
})

test('ETRN @domain: what is being tried at this moment is no “no messages” (RFC 1985 §5.3)', async (context) => {
  const house = await queueHouse(context)
  const answer = Promise.withResolvers<void>()
  house.transport.script = async (job) => {
    await answer.promise
    return job.recipients.map(() => relayed)
  }
  await house.queue.start()
  const id = await house.send(['a@sub.far.example'])
  await house.clock.advance(100)
  assert.equal((await house.row(id)).state, 'active')
  const forms = ['far.example', 'sub.far.example', 'mx'] as const
  const asked = await Promise.all([
    house.queue.flush({ node: forms[0], form: 'subdomains' }),
    house.queue.flush({ node: forms[1], form: 'domain' }),
    house.queue.flush({ node: forms[2], form: 'queue' }),
  ])
  assert.deepEqual(asked, asked.map(() => ({ type: 'started', pending: 1 }))) // prettier-ignore
  answer.resolve()
  await house.clock.advance(100)
  assert.deepEqual(await house.queue.flush({ node: 'far.example', form: 'subdomains' }), { type: 'none' })
})

test('ETRN: a destination that counts as dead is tried now', async (context) => {
  const house = await queueHouse(context)
  house.transport.script = (job) => job.recipients.map(() => deferred('destination', 'not connected'))
  await house.queue.start()
  for (const name of ['a', 'b', 'c']) {
    await house.send([`${name}@dial.example`])
    await house.clock.advance(100)
  }
  assert.equal(house.queue.destinations()[0]?.condition, 'dead')
  house.transport.script = (job) => job.recipients.map(() => relayed)
  assert.equal((await house.queue.flush({ node: 'dial.example', form: 'domain' })).type, 'started')
  await house.clock.advance(100)
  assert.equal(await house.queue.pending(['dial.example']), 0)
  assert.equal(house.queue.destinations()[0]?.condition, 'alive')
})

test('an order to try again has dead destinations probed, and a probe that gets through brings all the rest', async (context) => {
  const house = await queueHouse(context)
  house.transport.script = (job) => job.recipients.map(() => deferred('destination', 'not connected'))
  await house.queue.start()
  for (let index = 0; index < 50; index++) await house.send([`u${index}@far.example`])
  await house.clock.advance(1000)
  assert.equal(house.queue.destinations()[0]?.condition, 'dead')
  house.transport.script = (job) => job.recipients.map(() => relayed)
  const now = house.clock.now()
  await house.store.changeQueued({ filter: {}, change: { type: 'retry', nextAttempt: now }, now })
  await house.clock.advance(1000)
  assert.equal((await house.store.queueTotals()).messages, 0)
})

test('an order that comes while rows are being put off is not lost on them', async (context) => {
  const house = await queueHouse(context)
  house.transport.script = (job) => job.recipients.map(() => deferred('destination', 'not connected'))
  await house.queue.start()
  await house.send(Array.from({ length: 50 }, (_, index) => `u${index}@far.example`))
  // At every point of the way to a dead destination.
  for (let turns = 0; turns < 40; turns++) {
    await house.clock.advance(1)
    const now = house.clock.now()
    if (house.queue.destinations()[0]?.condition === 'dead') {
      house.transport.script = (job) => job.recipients.map(() => relayed)
      await house.store.changeQueued({ filter: {}, change: { type: 'retry', nextAttempt: now }, now })
      break
    }
    await house.send([`more${turns}@far.example`])
  }
  await house.clock.advance('10m')
  assert.equal((await house.store.queueTotals()).messages, 0)
})

test('what an operator ends is reported at once', async (context) => {
  const house = await queueHouse(context)
  await house.queue.start()
  const id = await house.send(['a@far.example'], { row: { state: { type: 'held', reason: 'spam?' } } })
  await house.clock.advance(100)
  const before = house.reportsDue
  const change = { type: 'fail', reply: 'no', status: '5.7.1', report: 'failure' } as const
  await house.store.changeQueued({ filter: { id }, change, now: house.clock.now() })
  await house.clock.advance(100)
  assert.equal(house.reportsDue, before + 1)
})

test('ATRN: one lane takes all that waits, and nobody else does meanwhile', async (context) => {
  const house = await queueHouse(context)
  house.transport.script = (job) => job.recipients.map(() => deferred('destination', 'not connected'))
  await house.queue.start()
  const one = await house.send(['a@dial.example', 'b@dial.example'])
  const two = await house.send(['c@dial.example'])
  await house.clock.advance('10m')
  const before = house.transport.jobs.length
  const seen: string[] = []
  const result = await house.queue.drainInto(['dial.example'], async (jobs) => {
    for (let job = await jobs.next(); job !== null; job = await jobs.next()) {
      seen.push(...job.recipients.map(({ address }) => address))
      jobs.report(
        job,
        job.recipients.map(({ address }) => (address.startsWith('b') ? failed() : relayed)),
      )
    }
  })
  assert.deepEqual(seen.toSorted(), ['a@dial.example', 'b@dial.example', 'c@dial.example'])
  assert.deepEqual(result, { done: 2, failed: 1, waiting: 0 })
  await house.clock.advance(100)
  assert.equal((await house.row(one, 1)).outcome, 'failed')
  assert.equal((await house.row(two)).outcome, 'relayed')
  assert.equal(house.transport.jobs.length, before)
})

test('an expiry of a destination that was dead all the time tells its words', async (context) => {
  const house = await queueHouse(context)
  house.transport.script = (job) => job.recipients.map(() => deferred('destination', 'no route to host'))
  await house.queue.start()
  const ids = []
  for (let index = 0; index < 20; index++) ids.push(await house.send([`u${index}@far.example`]))
  await house.clock.advance(5 * day + hour)
  for (const id of ids) {
    const row = await house.row(id)
    assert.deepEqual([row.outcome, row.report, row.last?.reply], ['expired', 'failure', 'no route to host'])
  }
})
