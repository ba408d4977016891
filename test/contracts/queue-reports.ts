// What the queue's part of the store promises of time and reports: rows that are over or late, and reports that are made once.
import assert from 'node:assert/strict'
import { plainMessageOptions } from '../../src/mail/delivery-options.ts'
import type { QueueId } from '../../src/store/queue.ts'
import { letter, type Room } from './house.ts'
import { claim, done, enqueue, enqueueTo, entryOf, hour, queued, rowOf, settle, to } from './queue-words.ts'

export function timeContract(test: Room): void {
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

export function reportContract(test: Room): void {
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
