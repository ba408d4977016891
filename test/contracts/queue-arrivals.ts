// What the queue's part of the store promises of mail that comes in: one commit and one blob for mailboxes and queue, quotas, requests that
// are done once, and who is told.
import assert from 'node:assert/strict'
import { plainMessageOptions } from '../../src/mail/delivery-options.ts'
import { letter, structureOf, uid, type Room } from './house.ts'
import { claim, done, enqueue, enqueueTo, entryOf, hour, queued, settle, to } from './queue-words.ts'

export function arrivalContract(test: Room): void {
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
