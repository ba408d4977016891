// What the queue's part of the store promises while it works: rows and their states, fairness, one claim for each; and all of the queue's
// promises together.
import assert from 'node:assert/strict'
import { plainMessageOptions } from '../../src/mail/delivery-options.ts'
import type { Room } from './house.ts'
import { arrivalContract } from './queue-arrivals.ts'
import { leaseContract, suspicionContract } from './queue-leases.ts'
import { reportContract, timeContract } from './queue-reports.ts'
import {
  attempt,
  back,
  claim,
  claimedNames,
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

export function queueContract(test: Room): void {
  arrivalContract(test)
  workContract(test)
  leaseContract(test)
  suspicionContract(test)
  timeContract(test)
  reportContract(test)
}

function workContract(test: Room): void {
  test('rows may come under lease: no one else claims them, and they are recovered as others are', async (house) => {
    const lease = { holder: 'me', until: house.now + 100 }
    const rows = [to('a@x.test', house.now, { state: { type: 'active' } }), to('b@x.test', house.now)]
    const told: (readonly string[])[] = []
    const stop = house.store.onQueued((domains) => told.push(domains))
    const stored = await house.store.deliver({
      ...{ message: await house.stage('x'), internalDate: house.now, targets: [] },
      enqueue: { ...queued(house, 'one', rows), lease },
    })
    assert.ok(stored.ok && stored.queued !== null)
    assert.deepEqual(told, [['x.test']])
    stop()
    const claimed = await claim(house, 'x.test', { holder: 'other' })
    assert.deepEqual(claimed.map(({ recipient }) => recipient.address), ['b@x.test']) // prettier-ignore
    assert.equal(stored.blob, claimed[0]?.message.blob)
    const recovered = await house.store.recoverLeases({
      ...{ now: house.now + 100, holder: 'third', abandoned: 'expired', poisonAfter: 9 },
      nextAttempt: house.now + 200,
    })
    assert.equal(recovered.waiting, 1)
    const { recipients } = (await house.store.queueEntry(stored.queued)) ?? { recipients: [] }
    assert.deepEqual(recipients.map(({ state, suspected }) => [state, suspected]), [['waiting', true], ['active', false]]) // prettier-ignore
  })

  test('domains that wait, in order of name and by pages, each with its earliest row', async (house) => {
    const rows = ['c', 'a', 'b', 'a'].map((name, index) => to(`u@${name}.test`, house.now + index))
    await enqueue(house, queued(house, 'one', rows))
    await enqueue(house, queued(house, 'held', [to('u@d.test', 0, { state: { type: 'held', reason: 'x' } })]))
    const page = (after?: string) =>
      house.store.queueDomains({ limit: 2, ...(after !== undefined && { after }) })
    const names = (await page()).map(({ domain, due }) => [domain, due - house.now])
    assert.deepEqual(names, [['a.test', 1], ['b.test', 2]]) // prettier-ignore
    assert.deepEqual((await page('b.test')).map(({ domain }) => domain), ['c.test']) // prettier-ignore
    assert.deepEqual(await page('c.test'), [])
    assert.equal(await house.store.nextDue(), house.now)
    assert.equal(await house.store.nextDue({ domain: 'a.test' }), house.now + 1)
    assert.equal(await house.store.nextDue({ domain: 'd.test' }), undefined)
    await house.store.changeQueued({
      filter: {},
      change: { type: 'discard', reason: 'test' },
      now: house.now,
    })
    assert.equal(await house.store.nextDue(), undefined)
    assert.deepEqual(await page(), [])
  })

  test('the next rows of a domain come by priority, then turn; rows of a message together', async (house) => {
    const at = (turn: number, number = 1) =>
      Array.from({ length: number }, (_, index) =>
        to(`u${index}@far.test`, house.now, { turn: house.now + turn + index }),
      )
    await enqueue(house, queued(house, 'second', at(10, 3)))
    await enqueue(house, queued(house, 'between', at(11)))
    const options = { ...plainMessageOptions, priority: 2 }
    await enqueue(house, queued(house, 'urgent', at(50), { options }))
    await enqueue(house, queued(house, 'first', at(0)))
    await enqueue(house, queued(house, 'later', [to('u@far.test', house.now + 1)]))
    await enqueueTo(house, 'other.test', ['other'])
    assert.deepEqual(await claimedNames(house, 'far.test', { limit: 2 }), ['urgent.0', 'first.0'])
    assert.deepEqual(await claimedNames(house, 'far.test'), ['second.0', 'second.1', 'second.2', 'between.0'])
    assert.deepEqual(await claimedNames(house, 'far.test'), [])
    assert.deepEqual(await claimedNames(house, 'far.test', { now: house.now + 1 }), ['later.0'])
  })

  test('a domain with very many due rows gives them in the same order', async (house) => {
    const rows = Array.from({ length: 450 }, (_, index) =>
      to(`u${index}@far.test`, house.now - (index % 7), { turn: house.now + ((index * 7919) % 450) }),
    )
    await enqueue(house, queued(house, 'many', rows))
    const turns: number[] = []
    for (;;) {
      const claimed = await claim(house, 'far.test', { limit: 40 })
      if (claimed.length === 0) break
      turns.push(...claimed.map(({ recipient }) => recipient.turn - house.now))
    }
    assert.deepEqual(
      turns,
      Array.from({ length: 450 }, (_, index) => index),
    )
  })

  test('of many claims at once each row goes to one', async (house) => {
    const rows = Array.from({ length: 60 }, (_, index) => to(`u${index}@far.test`, house.now))
    await enqueue(house, queued(house, 'many', rows))
    const all = await Promise.all(
      Array.from({ length: 12 }, (_, index) => claim(house, 'far.test', { holder: `h${index}` })),
    )
    const numbers = all.flat().map(({ recipient }) => recipient.number)
    assert.equal(new Set(numbers).size, numbers.length)
    const rest = await claim(house, 'far.test', { limit: 60, holder: 'last' })
    assert.equal(numbers.length + rest.length, 60)
  })

  test('a row that is put back waits with its reason; the next attempt adds to its history', async (house) => {
    const [id] = await enqueueTo(house, 'far.test', ['one'])
    assert.ok(id)
    const row = { message: id, number: 0 }
    await claim(house, 'far.test')
    await settle(house, [back(row, house.now + hour)])
    const waiting = await rowOf(house, id)
    assert.deepEqual(
      [waiting.state, waiting.attempts, waiting.reason, waiting.last?.reply, waiting.nextAttempt],
      ['waiting', 1, '450 later', '450 later', house.now + hour],
    )
    assert.deepEqual(await claim(house, 'far.test'), [])
    const now = house.now + hour
    await claim(house, 'far.test', { now })
    await settle(house, [
      back(row, now + hour, { attempt: null, counts: false, reason: 'untried', fault: 'ours' }),
    ])
    await claim(house, 'far.test', { now: now + hour })
    await settle(house, [done(row, now + hour)])
    const { recipients, attempts, finishedAt } = await entryOf(house, id)
    assert.deepEqual([recipients[0]?.attempts, recipients[0]?.faults], [2, 1])
    assert.deepEqual(
      attempts.map((one) => [one.number, one.attempt.outcome]),
      [
        [0, 'deferred'],
        [0, 'relayed'],
      ],
    )
    assert.equal(finishedAt, house.now)
  })

  test('a settlement with what is not under lease by the holder leaves that alone', async (house) => {
    const [one, two] = await enqueueTo(house, 'far.test', ['one', 'two'])
    assert.ok(one && two)
    await claim(house, 'far.test', { limit: 1, holder: 'other' })
    await claim(house, 'far.test', { limit: 1, holder: 'one' })
    await settle(house, [done({ message: one, number: 0 }, 1), done({ message: two, number: 0 }, 1)])
    assert.deepEqual(
      [(await rowOf(house, one)).state, (await rowOf(house, two)).state],
      ['active', 'settled'],
    )
    await settle(house, [done({ message: two, number: 0 }, 1, { outcome: 'failed' })], null)
    assert.equal((await rowOf(house, two)).outcome, 'relayed', 'what is settled stays so')
    await settle(house, [done({ message: one, number: 0 }, 1)], null)
    assert.equal((await rowOf(house, one)).state, 'settled')
  })

  test('a message ends with its last row', async (house) => {
    const id = await enqueue(
      house,
      queued(
        house,
        'three',
        ['a', 'b', 'c'].map((name) => to(`${name}@far.test`, house.now)),
      ),
    )
    await claim(house, 'far.test')
    const row = (number: number) => ({ message: id, number })
    await settle(house, [
      done(row(2), 1),
      back(row(1), house.now + hour),
      { ...row(0), attempt: attempt('held', 1), type: 'held', reason: 'route: hold' },
    ])
    assert.deepEqual(await house.store.queueTotals(), {
      messages: 1,
      waiting: 1,
      active: 0,
      held: 1,
      reports: 0,
    })
    await settle(house, [done(row(1), 2)], null)
    assert.equal((await entryOf(house, id)).finishedAt, null)
    await settle(house, [done(row(0), 2)], null)
    assert.equal((await entryOf(house, id)).finishedAt, house.now)
  })
}
