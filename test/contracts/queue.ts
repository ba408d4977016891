// What the queue's part of the store promises while it works: rows and their states, fairness, leases that end, reports that
// are made once, and blobs that stay for as long as they are needed.
import assert from 'node:assert/strict'
import { plainMessageOptions } from '../../src/mail/delivery-options.ts'
import type { QueueId } from '../../src/store/queue.ts'
import { letter, structureOf, uid, type Room } from './house.ts'
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

function arrivalContract(test: Room): void {
  test('what is queued comes back as it went, with its bytes', async (house) => {
    const options = {
      ...plainMessageOptions,
      envId: 'env "1"',
      priority: 3,
      requireTls: true,
      solicitation: ['org.example:ad'],
      deliverBy: { at: house.now + hour, mode: 'notify', trace: 'asked' },
    } as const
    const original = {
      notify: ['success', 'delay'],
      originalRecipient: 'rfc822;b@far.test',
      requireValidSince: null,
    } as const
    const message = queued(
      house,
      'first',
      [to('b@far.test', house.now, { reversePath: 'list-owner@house.test', options: original })],
      { options, messageId: '<1@house.test>', account: await house.account(), origin: 'api' },
    )
    const id = await enqueue(house, message)
    const [claimed] = await claim(house, 'far.test')
    assert.ok(claimed)
    const { recipients, ...rest } = message
    assert.deepEqual(claimed.message, {
      ...rest,
      id,
      blob: claimed.message.blob,
      size: letter('first').length,
      structure: structureOf(Buffer.from(letter('first'))),
    })
    const bytes = await house.store.blobs.readSmall(claimed.message.blob)
    assert.equal(Buffer.from(bytes ?? []).toString(), letter('first'))
    assert.deepEqual(claimed.recipient, {
      message: id,
      number: 0,
      address: 'b@far.test',
      domain: 'far.test',
      reversePath: 'list-owner@house.test',
      options: original,
      state: 'active',
      outcome: null,
      nextAttempt: house.now,
      turn: house.now,
      attempts: 0,
      faults: 0,
      route: null,
      reason: '',
      last: null,
      report: null,
      delayReported: false,
      suspected: false,
    })
    assert.equal(recipients.length, 1)
  })

  test('mailboxes and queue share one commit and one blob, which lives as long as either needs it', async (house) => {
    const account = await house.account()
    const id = await enqueue(house, queued(house, 'both', [to('b@far.test', house.now)]), {
      accounts: [account],
    })
    const inbox = await house.mailbox(account)
    const { blob } = (await entryOf(house, id)).message
    const collect = async (): Promise<number> => (await house.store.collectGarbage({ now: house.now })).blobs
    await house.store.expunge({ account, mailbox: inbox.id, which: 'regardless' })
    assert.equal(await collect(), 0)
    assert.ok(await house.store.blobs.readSmall(blob))
    await claim(house, 'far.test')
    await settle(house, [done({ message: id, number: 0 }, house.now)])
    await house.audit()
    assert.equal(await collect(), 1)
    const { finishedAt, recipients } = await entryOf(house, id)
    assert.deepEqual(
      [finishedAt, recipients[0]?.state, recipients[0]?.outcome],
      [house.now, 'settled', 'relayed'],
    )
  })

  test('a mailbox keeps what the queue is done with', async (house) => {
    const account = await house.account()
    const id = await enqueue(house, queued(house, 'both', [to('b@far.test', house.now)]), {
      accounts: [account],
    })
    await settle(house, [done({ message: id, number: 0 }, house.now)], null)
    await house.store.collectGarbage({ now: house.now })
    const text = await house.text(account, (await house.mailbox(account)).id, uid(1))
    assert.ok(text.includes('both'))
  })

  test('with something to queue, accounts that are full or gone stop nothing', async (house) => {
    const full = await house.account('full', { bytes: 10, messages: null })
    const gone = await house.account('gone')
    await house.store.removeAccount(gone)
    const deliver = async (name: string, quota: 'all' | 'each') =>
      house.store.deliver({
        message: await house.stage(letter(name)),
        internalDate: house.now,
        targets: [full, gone].map((account) => ({ account, prefix: '' })),
        enqueue: queued(house, name, [to('b@far.test', house.now)]),
        quota,
      })
    const each = await deliver('each', 'each')
    assert.ok(each.ok && each.queued !== null)
    assert.deepEqual(each.results, [
      { ok: false, reason: 'over-quota' },
      { ok: false, reason: 'no-such-account' },
    ])
    const all = await deliver('all', 'all')
    assert.ok(all.ok)
    assert.deepEqual(
      all.results.map(({ ok }) => ok),
      [true, false],
    )
  })

  test('quota for each: those with room get it, and nothing is kept where none has', async (house) => {
    const full = await house.account('full', { bytes: 10, messages: null })
    const free = await house.account('free')
    const deliver = async (accounts: readonly (typeof full)[]) =>
      house.store.deliver({
        message: await house.stage(letter('x')),
        internalDate: house.now,
        targets: accounts.map((account) => ({ account, prefix: '' })),
        quota: 'each',
      })
    const some = await deliver([free, full])
    assert.ok(some.ok)
    assert.deepEqual(
      some.results.map((result) => (result.ok ? 'kept' : result.reason)),
      ['kept', 'over-quota'],
    )
    assert.deepEqual(await deliver([full]), { ok: false, reason: 'over-quota' })
    assert.equal((await house.mailbox(full)).messages, 0)
  })

  test('with no target and nothing to queue there is nothing to keep', async (house) => {
    const message = await house.stage(letter('x'))
    const delivered = await house.store.deliver({ message, internalDate: house.now, targets: [] })
    assert.deepEqual(delivered, { ok: false, reason: 'no-such-account' })
  })

  test('a request with a key is done once until it expires, and refused whole', async (house) => {
    const account = await house.account()
    const request = async (name: string, at: number) =>
      house.store.deliver({
        message: await house.stage(letter(name)),
        internalDate: at,
        targets: [],
        enqueue: queued(house, name, [to('b@far.test', house.now)]),
        once: { account, key: 'k', result: `made ${name}`, expiresAt: at + hour },
      })
    assert.ok((await request('one', house.now)).ok)
    assert.deepEqual(await request('two', house.now + 1), {
      ok: false,
      reason: 'done-before',
      result: 'made one',
    })
    assert.equal(await house.store.findQueued('two'), undefined)
    assert.ok((await request('three', house.now + hour)).ok)
    const both = await Promise.all(['four', 'five', 'six'].map((name) => request(name, house.now + 9 * hour)))
    assert.equal(both.filter(({ ok }) => ok).length, 1)
  })

  test('who listens is told of new rows after their commit, by domain', async (house) => {
    const told: unknown[] = []
    const stop = house.store.onQueued((...hint) => told.push(hint.filter((part) => part !== undefined)))
    await enqueue(house, queued(house, 'two', [to('a@x.test', house.now + 9), to('b@y.test', house.now + 5)]))
    await enqueue(
      house,
      queued(house, 'held', [to('a@x.test', house.now, { state: { type: 'held', reason: 'quarantine' } })]),
    )
    assert.deepEqual(told, [[['x.test', 'y.test'], house.now + 5]])
    await house.store.changeQueued({
      filter: { state: 'held' },
      change: { type: 'release', nextAttempt: house.now },
      now: house.now,
    })
    assert.deepEqual(told.at(-1), [['x.test'], house.now, 'order'])
    stop()
    await enqueueTo(house, 'z.test', ['unheard'])
    assert.equal(told.length, 2)
  })

  test('who listens is told of reports that are due for rows that came settled', async (house) => {
    const told: unknown[] = []
    const stop = house.store.onQueued((domains, _earliest, news) => told.push([domains, news]))
    const settled = {
      type: 'settled',
      outcome: 'delivered',
      status: '2.1.5',
      reply: '',
      report: 'success',
    } as const
    await enqueue(
      house,
      queued(house, 'both', [to('a@x.test', house.now), to('b@y.test', house.now, { state: settled })]),
    )
    await enqueue(house, queued(house, 'here', [to('b@y.test', house.now, { state: settled })]))
    assert.deepEqual(told, [
      [['x.test'], 'reports'],
      [[], 'reports'],
    ])
    stop()
  })
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

function leaseContract(test: Room): void {
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

function suspicionContract(test: Room): void {
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

function timeContract(test: Room): void {
  test('rows whose time is over, and rows with a delay to report', async (house) => {
    const later = house.now + 200 * hour
    const usual = await enqueue(
      house,
      queued(house, 'usual', [to('a@far.test', later), to('b@far.test', later)]),
    )
    const options = {
      ...plainMessageOptions,
      deliverBy: { at: house.now + hour, mode: 'return', trace: 'not-asked' },
    } as const
    const hurried = await enqueue(
      house,
      queued(house, 'hurried', [to('a@far.test', later)], { options, delayReportAt: null }),
    )
    await enqueue(
      house,
      queued(house, 'kept', [to('a@far.test', later, { state: { type: 'held', reason: 'x' } })]),
    )
    const overdue = async (hours: number) => {
      const found = await house.store.queueOverdue({ now: house.now + hours * hour, limit: 10 })
      const names = (rows: readonly { message: QueueId; number: number }[]) =>
        rows.map(({ message, number }) => [message, number])
      return { expired: names(found.expired), delayed: names(found.delayed) }
    }
    assert.deepEqual(await overdue(0.9), { expired: [], delayed: [] })
    assert.deepEqual(await overdue(1), { expired: [[hurried, 0]], delayed: [] })
    await settle(house, [done({ message: hurried, number: 0 }, 1, { outcome: 'expired' })], null)
    assert.deepEqual(await overdue(4), { expired: [], delayed: [[usual, 0], [usual, 1]] }) // prettier-ignore
    await house.store.dropReports({ rows: [{ message: usual, number: 0 }], now: house.now })
    assert.deepEqual(await overdue(5), { expired: [], delayed: [[usual, 1]] })
    assert.equal((await rowOf(house, usual)).delayReported, true)
    assert.deepEqual(await overdue(120), { expired: [[usual, 1], [usual, 0]], delayed: [] }) // prettier-ignore
  })
}

function reportContract(test: Room): void {
  test('a report is due until a message carries it, in that commit, and is made once', async (house) => {
    const account = await house.account()
    const settled = {
      type: 'settled',
      outcome: 'delivered',
      status: '2.0.0',
      reply: 'here',
      report: 'success',
    } as const
    const id = await enqueue(
      house,
      queued(house, 'mixed', [
        to('a@far.test', house.now),
        to('b@far.test', house.now),
        to('ann@house.test', house.now, { state: settled }),
      ]),
    )
    await claim(house, 'far.test')
    await settle(house, [
      done({ message: id, number: 0 }, 1, { outcome: 'failed', report: 'failure' }),
      done({ message: id, number: 1 }, 1),
    ])
    const due = await house.store.reportsDue({ limit: 5 })
    assert.deepEqual(
      due.map((entry) => [entry.message.id, entry.recipients.map(({ number, report }) => [number, report])]),
      [
        [
          id,
          [
            [0, 'failure'],
            [2, 'success'],
          ],
        ],
      ],
    )
    assert.equal(due[0]?.recipients[1]?.last?.reply, 'here')
    assert.equal(due[0].unsettled, 0)
    assert.deepEqual(await house.store.reportsDue({ after: id, limit: 5 }), [])
    assert.equal((await house.store.queueTotals()).reports, 2)
    await house.store.collectGarbage({ now: house.now })
    assert.ok(due[0] && (await house.store.blobs.readSmall(due[0].message.blob)), 'a report may quote it')
    const report = async (numbers: readonly number[]) =>
      house.store.deliver({
        message: await house.stage(letter('report')),
        internalDate: house.now + 1,
        targets: [{ account, prefix: '' }],
        reported: numbers.map((number) => ({ message: id, number })),
      })
    const [one, two] = await Promise.all([report([0, 2]), report([0, 2])])
    assert.ok(one.ok !== two.ok)
    assert.deepEqual(await report([0]), { ok: false, reason: 'done-before', result: '' })
    assert.equal((await house.mailbox(account)).messages, 1)
    assert.deepEqual(await house.store.reportsDue({ limit: 5 }), [])
    assert.equal((await entryOf(house, id)).finishedAt, house.now + 1)
  })

  test('a report of delay marks the row, which goes on waiting', async (house) => {
    const account = await house.account()
    const [id] = await enqueueTo(house, 'far.test', ['slow'])
    assert.ok(id)
    const report = async () =>
      house.store.deliver({
        message: await house.stage(letter('report')),
        internalDate: house.now,
        targets: [{ account, prefix: '' }],
        reported: [{ message: id, number: 0 }],
      })
    assert.ok((await report()).ok)
    const row = await rowOf(house, id)
    assert.deepEqual([row.state, row.delayReported], ['waiting', true])
    assert.ok(!(await report()).ok)
  })

  test('a report that nobody wants is dropped, and the message ends', async (house) => {
    const [id] = await enqueueTo(house, 'far.test', ['one'])
    assert.ok(id)
    const rows = [{ message: id, number: 0 }]
    await settle(house, [done({ message: id, number: 0 }, 1, { outcome: 'failed', report: 'failure' })], null)
    assert.equal((await entryOf(house, id)).finishedAt, null)
    await house.store.dropReports({ rows, now: house.now })
    await house.store.dropReports({ rows, now: house.now })
    assert.equal((await entryOf(house, id)).finishedAt, house.now)
  })
}
