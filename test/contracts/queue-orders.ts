// What the queue's part of the store promises to operators and beside the work: lists and filters, orders, histories, and the
// small things that are remembered.
import assert from 'node:assert/strict'
import { plainMessageOptions } from '../../src/mail/delivery-options.ts'
import type { AccountId } from '../../src/store/model.ts'
import type { QueueFilter } from '../../src/store/queue.ts'
import { letter, type House, type Room } from './house.ts'
import {
  back,
  claim,
  done,
  enqueue,
  enqueueTo,
  entryOf,
  hour,
  queued,
  rowOf,
  settle,
  to,
} from './queue-words.ts'

export function queueOrdersContract(test: Room): void {
  listContract(test)
  orderContract(test)
  rememberedContract(test)
  eventContract(test)
}

async function listed(house: House, filter: QueueFilter, finished: 'with' | 'without' = 'without') {
  const entries = await house.store.queueList({ filter, limit: 100, finished })
  return entries.flatMap(({ message, recipients }) =>
    recipients.map(({ number }) => `${message.name}.${number}`),
  )
}

function listContract(test: Room): void {
  test('lists by every filter, each alone and together', async (house) => {
    const { now } = house
    const one = await enqueue(house, queued(house, 'one', [to('a@x.test', now), to('b@y.test', now)]))
    const held = { type: 'held', reason: 'quarantine' } as const
    await enqueue(
      house,
      queued(house, 'two', [to('a@x.test', now, { state: held })], { sender: 'ben', arrivedAt: now + 5 }),
    )
    const cases: [QueueFilter, string[]][] = [
      [{}, ['one.0', 'one.1', 'two.0']],
      [{ id: one }, ['one.0', 'one.1']],
      [{ name: 'two' }, ['two.0']],
      [{ number: 1 }, ['one.1']],
      [{ domain: 'x.test' }, ['one.0', 'two.0']],
      [{ sender: 'ben' }, ['two.0']],
      [{ recipient: 'b@y.test' }, ['one.1']],
      [{ state: 'held' }, ['two.0']],
      [{ before: now + 5 }, ['one.0', 'one.1']],
      [{ domain: 'x.test', state: 'waiting' }, ['one.0']],
      [{ name: 'one', state: 'held' }, []],
    ]
    for (const [filter, rows] of cases)
      assert.deepEqual(await listed(house, filter), rows, JSON.stringify(filter))
    await settle(house, [done({ message: one, number: 0 }, 1), done({ message: one, number: 1 }, 1)], null)
    assert.deepEqual(await listed(house, {}), ['two.0'])
    assert.deepEqual(await listed(house, { state: 'settled' }, 'with'), ['one.0', 'one.1'])
    const page = { filter: {}, limit: 1, finished: 'with' } as const
    const [first] = await house.store.queueList(page)
    assert.ok(first)
    const [second] = await house.store.queueList({ ...page, after: first.message.id })
    assert.deepEqual([first.message.name, second?.message.name], ['one', 'two'])
  })

  test('finds messages by name, and what a bounce bounces by envelope or Message-ID', async (house) => {
    const rows = [to('a@x.test', house.now)]
    const options = { ...plainMessageOptions, envId: 'E1' }
    const one = await enqueue(house, queued(house, 'one', rows, { options, messageId: '<m@a>' }))
    const two = await enqueue(house, queued(house, 'two', rows, { messageId: '<m@a>' }))
    assert.equal(await house.store.findQueued('two'), two)
    assert.equal(await house.store.findQueued('none'), undefined)
    assert.equal(await house.store.findSent({ envId: 'E1' }), one)
    assert.equal(await house.store.findSent({ messageId: '<m@a>' }), two)
    assert.equal(await house.store.findSent({ envId: 'E2', messageId: '<m@a>' }), two)
    assert.equal(await house.store.findSent({ messageId: '<other@a>' }), undefined)
    assert.equal(await house.store.findSent({}), undefined)
  })

  test('the shape of the queue: rows of each domain by age', async (house) => {
    const { now } = house
    const ages = [5, 10, 20]
    for (const [index, age] of [0, 5, 6, 25].entries()) {
      await enqueue(house, queued(house, `m${index}`, [to('a@x.test', now)], { arrivedAt: now - age }))
    }
    await enqueue(house, queued(house, 'y', [to('a@y.test', now)], { arrivedAt: now - 15 }))
    assert.deepEqual(await house.store.queueShape({ now, ages }), [
      { domain: 'x.test', total: 4, counts: [2, 1, 0, 1] },
      { domain: 'y.test', total: 1, counts: [0, 0, 1, 0] },
    ])
  })
}

function orderContract(test: Room): void {
  const order = (
    house: House,
    change: Parameters<House['store']['changeQueued']>[0]['change'],
    filter: QueueFilter = {},
  ) => house.store.changeQueued({ filter, change, now: house.now })

  test('hold, release, retry and reroute change rows that nobody works on', async (house) => {
    const [one, two] = await enqueueTo(house, 'far.test', ['one', 'two'])
    assert.ok(one && two)
    await claim(house, 'far.test', { limit: 1 })
    assert.equal(await order(house, { type: 'hold', reason: 'by ann' }), 1)
    const held = await rowOf(house, two)
    assert.deepEqual([held.state, held.reason], ['held', 'by ann'])
    assert.equal(await order(house, { type: 'retry', nextAttempt: 5 }), 0)
    assert.equal(await order(house, { type: 'reroute', route: 'smart', nextAttempt: 7 }), 1)
    assert.equal((await rowOf(house, two)).state, 'held')
    assert.equal(await order(house, { type: 'release', nextAttempt: house.now + hour }), 1)
    const released = await rowOf(house, two)
    assert.deepEqual(
      [released.state, released.nextAttempt, released.route],
      ['waiting', house.now + hour, 'smart'],
    )
    assert.equal(await order(house, { type: 'release', nextAttempt: 1 }), 0)
    assert.equal(await order(house, { type: 'retry', nextAttempt: house.now }, { name: 'two' }), 1)
    assert.equal((await rowOf(house, two)).nextAttempt, house.now)
    assert.equal((await rowOf(house, one)).state, 'active')
  })

  test('fail and discard end rows, with the operator as their last attempt', async (house) => {
    const [one, two] = await enqueueTo(house, 'far.test', ['one', 'two'])
    assert.ok(one && two)
    const fail = { type: 'fail', reply: '554 no more', status: '5.0.0', report: 'failure' } as const
    assert.equal(await order(house, fail, { id: one }), 1)
    assert.equal(await order(house, { type: 'discard', reason: 'spam' }), 1)
    const [failed, discarded] = [await entryOf(house, one), await entryOf(house, two)]
    assert.deepEqual(
      [failed.recipients[0]?.outcome, failed.recipients[0]?.last?.reply, failed.finishedAt],
      ['failed', '554 no more', null],
    )
    assert.equal((await house.store.reportsDue({ limit: 9 })).length, 1)
    assert.deepEqual([discarded.recipients[0]?.outcome, discarded.finishedAt], ['discarded', house.now])
    assert.deepEqual(
      discarded.attempts.map(({ attempt }) => [attempt.outcome, attempt.reply]),
      [['discarded', 'spam']],
    )
    assert.equal(await order(house, fail), 0)
  })

  test('webhooks are told of what an order ends, in the same commit, where there are any', async (house) => {
    const [one, two] = await enqueueTo(house, 'far.test', ['one', 'two'])
    assert.ok(one && two)
    const { now } = house
    const fail = { type: 'fail', reply: '554 no more', status: '5.7.1', report: null } as const
    const discard = { type: 'discard', reason: 'spam' } as const
    const told = async () => (await house.store.hookEvents({ after: 0, limit: 9 })).map((event) => event)
    const before = (await told()).length
    await house.store.changeQueued({ filter: { id: one }, change: fail, now, webhooks: 'on' })
    await house.store.changeQueued({ filter: { id: two }, change: discard, now, webhooks: 'on' })
    const [failed, discarded, ...none] = (await told()).slice(before)
    assert.equal(failed?.type, 'message.bounced')
    const payload: unknown = JSON.parse(failed.payload)
    assert.partialDeepStrictEqual(payload, {
      reply: '554 no more',
      status: '5.7.1',
      outcome: 'failed',
      host: null,
    })
    assert.equal(discarded?.type, 'message.discarded')
    assert.match(discarded.payload, /"recipient":"[^"]*@far\.test".*"outcome":"discarded"/)
    assert.equal(none.length, 0)
  })

  test('history stays until it is purged, and what is not finished is no history', async (house) => {
    const ids = await enqueueTo(house, 'far.test', ['one', 'two', 'open'])
    const [one, two, open] = ids
    assert.ok(one && two && open)
    const end = (id: typeof one, now: number) =>
      house.store.settle({
        settlements: [done({ message: id, number: 0 }, 1)],
        holder: null,
        now,
        events: [],
      })
    await settle(house, [back({ message: one, number: 0 }, house.now)], null)
    await end(one, house.now)
    await end(two, house.now + 10)
    await house.store.collectGarbage({ now: house.now })
    assert.equal((await entryOf(house, one)).message.structure, '')
    assert.equal(await house.store.purgeQueue({ finishedBefore: house.now + 10, limit: 10 }), 1)
    assert.equal(await house.store.queueEntry(one), undefined)
    assert.equal(await house.store.purgeQueue({ finishedBefore: house.now + 11, limit: 10 }), 1)
    assert.equal(await house.store.purgeQueue({ finishedBefore: house.now + hour, limit: 10 }), 0)
    const [next] = await enqueueTo(house, 'far.test', ['one'])
    assert.ok(next && next > open, 'ids never come again, names may')
  })
}

function rememberedContract(test: Room): void {
  test('suppressed addresses, for a while or for ever', async (house) => {
    const { store } = house
    const forEver = { address: 'a@x.test', reason: '550 no such user', since: 1, until: null }
    const aWhile = { address: 'b@x.test', reason: 'complaint', since: 1, until: 10 }
    await store.suppress({ ...forEver, reason: 'older' })
    await store.suppress(forEver)
    await store.suppress(aWhile)
    const find = (now: number) =>
      store.findSuppressed({ addresses: ['b@x.test', 'a@x.test', 'a@x.test', 'c@x.test'], now })
    assert.deepEqual(
      (await find(9)).toSorted((a, b) => (a.address < b.address ? -1 : 1)),
      [forEver, aWhile],
    )
    assert.deepEqual(await find(10), [forEver])
    assert.deepEqual(await store.listSuppressions({ limit: 1 }), [forEver])
    assert.deepEqual(await store.listSuppressions({ limit: 5, after: 'a@x.test' }), [aWhile])
    await store.collectGarbage({ now: 10 })
    assert.deepEqual(await store.listSuppressions({ limit: 5 }), [forEver])
    assert.equal(await store.unsuppress('a@x.test'), true)
    assert.equal(await store.unsuppress('a@x.test'), false)
  })

  test('a rate counts up to its limit within its window', async (house) => {
    const charge = (amount: number, start = house.now, limit = 10) =>
      house.store.chargeRate({ key: 'ann', start, amount, limit })
    assert.deepEqual(await charge(6), { ok: true, used: 6 })
    assert.deepEqual(await charge(5), { ok: false, reason: 'exceeded' })
    assert.deepEqual(await charge(4), { ok: true, used: 10 })
    assert.deepEqual(await charge(11, house.now + hour), { ok: false, reason: 'exceeded' })
    assert.deepEqual(await charge(3, house.now + hour), { ok: true, used: 3 })
    const many = await Promise.all(Array.from({ length: 20 }, () => charge(1, house.now + 2 * hour)))
    assert.equal(many.filter(({ ok }) => ok).length, 10)
  })

  test('what is remembered is there until it expires', async (house) => {
    const { store } = house
    const entry = { kind: 'mta-sts', key: 'x.test', value: 'one', expiresAt: 10 }
    await store.remember(entry)
    await store.remember({ ...entry, value: 'two' })
    await store.remember({ ...entry, kind: 'token', value: 'three' })
    assert.equal(await store.recall({ kind: 'mta-sts', key: 'x.test', now: 9 }), 'two')
    assert.equal(await store.recall({ kind: 'mta-sts', key: 'x.test', now: 10 }), undefined)
    assert.equal(await store.recall({ kind: 'mta-sts', key: 'y.test', now: 9 }), undefined)
    await store.collectGarbage({ now: 10 })
    assert.equal(await store.recall({ kind: 'token', key: 'x.test', now: 9 }), undefined)
  })

  test('hostile text is only text in the queue too', async (house) => {
    const hostile = `'; DROP TABLE queue_message; --\0"\\' 📬 $1 ?1 %_`
    const id = await enqueue(
      house,
      queued(house, hostile, [to(`${hostile}@far.test`, house.now)], { sender: hostile, prefix: hostile }),
      { content: hostile },
    )
    assert.equal(await house.store.findQueued(hostile), id)
    assert.deepEqual(await listed(house, { sender: hostile, recipient: `${hostile}@far.test` }), [
      `${hostile}.0`,
    ])
    await claim(house, 'far.test', { holder: hostile })
    await settle(house, [back({ message: id, number: 0 }, house.now, { reason: hostile })], hostile)
    assert.equal((await rowOf(house, id)).reason, hostile)
    await house.store.suppress({ address: hostile, reason: hostile, since: 0, until: null })
    assert.equal((await house.store.findSuppressed({ addresses: [hostile], now: 0 }))[0]?.address, hostile)
    await house.store.remember({ kind: hostile, key: hostile, value: hostile, expiresAt: 9 })
    assert.equal(await house.store.recall({ kind: hostile, key: hostile, now: 0 }), hostile)
  })
}

function eventContract(test: Room): void {
  test('events come with the commit that made them true, in order, and leave when they are told', async (house) => {
    const { store, now } = house
    const event = (type: string) => ({ type, at: now, payload: JSON.stringify({ type }) })
    const account: AccountId = await house.account()
    const deliver = async (events: readonly ReturnType<typeof event>[], accounts: readonly AccountId[]) =>
      store.deliver({
        message: await house.stage(letter('x')),
        internalDate: now,
        targets: accounts.map((one) => ({ account: one, prefix: '' })),
        events,
      })
    await deliver([event('a'), event('b')], [account])
    await deliver([event('refused')], [])
    const [id] = await enqueueTo(house, 'far.test', ['one'])
    assert.ok(id)
    const settlements = [done({ message: id, number: 0 }, 1)]
    await store.settle({ settlements, holder: null, now, events: [event('c')] })
    const events = await store.hookEvents({ after: 0, limit: 10 })
    assert.deepEqual(events.map(({ type }) => type), ['a', 'b', 'c']) // prettier-ignore
    const [first, second] = events
    assert.ok(first && second && first.id < second.id)
    assert.deepEqual(first, { id: first.id, ...event('a') })
    assert.deepEqual((await store.hookEvents({ after: first.id, limit: 1 })).map(({ type }) => type), ['b']) // prettier-ignore
    const cursor = { endpoint: 'https://x.test/', last: first.id, failures: 0, nextAttempt: 0 }
    const { endpoint } = cursor
    const claim = (holder: string, at: number) =>
      store.claimHookCursor({ endpoint, holder, now: at, until: at + 100 })
    assert.deepEqual(await claim('one', now), { endpoint, last: 0, failures: 0, nextAttempt: 0 })
    assert.equal(await claim('two', now + 99), undefined)
    assert.ok(await store.setHookCursor({ cursor, holder: 'one', until: now + 100 }))
    assert.deepEqual(await claim('two', now + 100), cursor, 'goes on where the first one stopped')
    assert.equal(await store.setHookCursor({ cursor, holder: 'one', until: now + 300 }), false)
    const later = { ...cursor, last: second.id, failures: 2, nextAttempt: now }
    assert.ok(await store.setHookCursor({ cursor: later, holder: 'two', until: now + 300 }))
    assert.deepEqual(await store.hookCursors(), [
      { ...cursor, last: second.id, failures: 2, nextAttempt: now },
    ])
    await store.pruneHookEvents(second.id)
    await Promise.all(Array.from({ length: 8 }, () => deliver([event('d')], [account])))
    const rest = await store.hookEvents({ after: 0, limit: 20 })
    assert.equal(rest.length, 9)
    assert.deepEqual(rest, rest.toSorted((a, b) => a.id - b.id)) // prettier-ignore
    const about = (came: 'kept' | 'no-such-account') => ({ ...event(came), about: { target: 0, came } })
    await deliver([about('no-such-account'), about('kept')], [account])
    const [last, ...more] = await store.hookEvents({ after: rest.at(-1)?.id ?? 0, limit: 20 })
    assert.deepEqual([last?.type, more], ['kept', []])
  })
}
