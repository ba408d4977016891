// What the queue's part of the store promises of leases that end otherwise than by a settlement: rows wait again, under suspicion, and one that fails us again
// and again is set aside.
import assert from 'node:assert/strict'
import type { Room } from './house.ts'
import { back, claim, done, enqueueTo, entryOf, hour, rowOf, settle } from './queue-words.ts'

export function leaseContract(test: Room): void {
  test('a lease that ran out is an interrupted attempt: the row waits again, under suspicion', async (house) => {
    const [id] = await enqueueTo(house, 'far.test', ['one'])
    assert.ok(id)
    await claim(house, 'far.test', { leaseUntil: house.now + 100 })
    const recover = (now: number, abandoned: 'expired' | 'all' = 'expired', holder = 'two') =>
      house.store.recoverLeases({ now, holder, abandoned, nextAttempt: now + hour, poisonAfter: 3 })
    assert.deepEqual(await recover(house.now + 99), { waiting: 0, poisoned: 0 })
    await house.store.renewLeases({ holder: 'one', leaseUntil: house.now + 200 })
    assert.deepEqual(await recover(house.now + 100), { waiting: 0, poisoned: 0 })
    assert.deepEqual(await recover(house.now + 200), { waiting: 1, poisoned: 0 })
    const row = await rowOf(house, id)
    assert.deepEqual([row.state, row.faults, row.attempts, row.last?.outcome], ['waiting', 0, 1, 'unknown'])
    assert.equal(row.suspected, true)
    assert.deepEqual([row.nextAttempt, row.turn], [house.now + 200 + hour, house.now + 200 + hour])
    await settle(house, [done({ message: id, number: 0 }, 1)])
    assert.equal((await rowOf(house, id)).state, 'waiting', 'its old holder has no say any more')
  })

  test('at the start of the only process every lease but its own is abandoned', async (house) => {
    const [one, two] = await enqueueTo(house, 'far.test', ['one', 'two'])
    assert.ok(one && two)
    await claim(house, 'far.test', { limit: 1, holder: 'before', leaseUntil: house.now + 9 * hour })
    await claim(house, 'far.test', { limit: 1, holder: 'now' })
    const { now } = house
    const recovered = await house.store.recoverLeases({
      now,
      holder: 'now',
      abandoned: 'all',
      nextAttempt: now,
      poisonAfter: 3,
    })
    assert.deepEqual(recovered, { waiting: 1, poisoned: 0 })
    assert.deepEqual(
      [(await rowOf(house, one)).state, (await rowOf(house, two)).state],
      ['waiting', 'active'],
    )
  })

  test('a row that fails us again and again is set aside, and a release forgives it', async (house) => {
    const [id] = await enqueueTo(house, 'far.test', ['bad'])
    assert.ok(id)
    let poisoned = 0
    for (let round = 0; round < 4; round++) {
      const holder = `h${round}`
      const [claimed] = await claim(house, 'far.test', { holder })
      // Of the first death nobody knows whose fault it was.
      assert.equal(claimed?.recipient.suspected, round > 0)
      const rows = [{ message: id, number: 0 }]
      if (round > 0) await house.store.beginAttempts({ rows, holder })
      const request = { now: house.now, holder: 'two', nextAttempt: house.now, poisonAfter: 3 }
      poisoned += (await house.store.recoverLeases({ ...request, abandoned: 'all' })).poisoned
    }
    assert.equal(poisoned, 1)
    const row = await rowOf(house, id)
    assert.deepEqual([row.state, row.reason, row.faults], ['held', 'poison', 3])
    assert.equal((await entryOf(house, id)).attempts.length, 4)
    assert.deepEqual(await claim(house, 'far.test'), [])
    const change = { type: 'release', nextAttempt: house.now } as const
    assert.equal(await house.store.changeQueued({ filter: { id }, change, now: house.now }), 1)
    assert.equal((await claim(house, 'far.test'))[0]?.recipient.faults, 0)
  })
}

export function suspicionContract(test: Room): void {
  test('what was only claimed when a process died counts no fault, however often that happens', async (house) => {
    const [id] = await enqueueTo(house, 'far.test', ['innocent'])
    assert.ok(id)
    for (let round = 0; round < 5; round++) {
      await claim(house, 'far.test', { holder: `h${round}` })
      const request = { now: house.now, holder: 'new', nextAttempt: house.now, poisonAfter: 2 }
      const recovered = await house.store.recoverLeases({ ...request, abandoned: 'all' })
      assert.deepEqual(recovered, { waiting: 1, poisoned: 0 })
    }
    const row = await rowOf(house, id)
    // Of the first time alone nobody knows whether it was being tried.
    assert.deepEqual([row.state, row.faults, row.attempts, row.suspected], ['waiting', 0, 1, true])
  })

  test('an attempt that ends clears a row of suspicion; one that is given back does not', async (house) => {
    const [id] = await enqueueTo(house, 'far.test', ['one'])
    assert.ok(id)
    const request = { now: house.now, holder: 'new', nextAttempt: house.now, poisonAfter: 2 }
    const row = { message: id, number: 0 }
    await claim(house, 'far.test', { holder: 'dead' })
    await house.store.recoverLeases({ ...request, abandoned: 'all' })
    await claim(house, 'far.test', { holder: 'new' })
    await house.store.beginAttempts({ rows: [row], holder: 'another' })
    await house.store.beginAttempts({ rows: [row], holder: 'new' })
    await settle(house, [back(row, house.now, { attempt: null, counts: false })], 'new')
    assert.equal((await rowOf(house, id)).suspected, true)
    await claim(house, 'far.test', { holder: 'new' })
    await settle(house, [back(row, house.now)], 'new')
    assert.equal((await rowOf(house, id)).suspected, false)
  })
}
