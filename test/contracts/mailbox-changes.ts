// What the store promises of whole changes of a mailbox (`src/store/mailbox-changes.ts`) and of submissions (`src/store/submissions.ts`).
import assert from 'node:assert/strict'
import type { MailboxId, ObjectId } from '../../src/store/model.ts'
import { submissionKind } from '../../src/store/submissions.ts'
import { letter, type Room } from './house.ts'
import { queued, to } from './queue-words.ts'

export function mailboxChangeContract(test: Room): void {
  test('a mailbox is made with all that belongs to it, or not at all', async (house) => {
    const account = await house.account()
    const { store, now } = house
    const subscription = { account, name: 'A', subscribed: true }
    const object = { kind: 'order', value: '7' }
    const made = await store.makeMailbox({
      account,
      name: 'A',
      specialUse: 'junk',
      subscription,
      object,
      now,
    })
    assert.ok(made.ok)
    assert.equal(made.mailbox.specialUse, 'junk')
    assert.ok((await store.subscriptions(account)).includes('A'))
    const key = String(made.mailbox.id)
    assert.equal((await store.findObject({ account, kind: 'order', key, now }))?.value, '7')
    const refusals = [
      [{ name: 'A' }, 'exists'],
      [{ name: 'B/C' }, 'no-superior'],
      [{ name: 'B', specialUse: 'trash' }, 'special-use-taken'],
    ] as const
    for (const [request, reason] of refusals) {
      assert.deepEqual(await store.makeMailbox({ account, now, ...request }), { ok: false, reason })
    }
  })

  test('a mailbox is changed in all that is asked, or in nothing', async (house) => {
    const account = await house.account()
    const { store, now } = house
    for (const name of ['A', 'A/B', 'C']) {
      const subscription = { account, name, subscribed: true }
      assert.ok((await store.makeMailbox({ account, name, subscription, now })).ok)
    }
    const { id: mailbox } = await house.mailbox(account, 'A')
    const change = { account, mailbox, now }
    assert.ok((await store.changeMailbox({ ...change, name: 'C/D', specialUse: 'archive' })).ok)
    assert.equal((await house.mailbox(account, 'C/D')).specialUse, 'archive')
    const subscribed = (await store.subscriptions(account)).filter((name) => /^[AC]/.test(name))
    assert.deepEqual(subscribed, ['C', 'C/D', 'C/D/B'])
    const before = await store.listMailboxes(account)
    const refusals = [
      [{ name: 'C/D/B/E' }, 'into-itself'],
      [{ name: 'C' }, 'exists'],
      [{ name: 'X/Y' }, 'no-superior'],
      [{ name: 'E', specialUse: 'sent' }, 'special-use-taken'],
    ] as const
    for (const [request, reason] of refusals) {
      assert.deepEqual(await store.changeMailbox({ ...change, ...request }), { ok: false, reason })
    }
    assert.deepEqual(await store.listMailboxes(account), before)
    const gone = { ...change, mailbox: 99 as MailboxId }
    assert.deepEqual(await store.changeMailbox(gone), { ok: false, reason: 'not-found' })
  })

  test('a mailbox goes where it may', async (house) => {
    const account = await house.account()
    const { store, now } = house
    const object = { kind: 'order', value: '1' }
    for (const name of ['A', 'A/B']) assert.ok((await store.makeMailbox({ account, name, object, now })).ok)
    const [a, b] = [(await house.mailbox(account, 'A')).id, (await house.mailbox(account, 'A/B')).id]
    const inbox = (await house.mailbox(account)).id
    await house.deliver([account], letter('x'))
    assert.ok((await store.copy({ account, from: inbox, to: b, uids: [[1, 1]], now })).ok)
    const destroy = async (mailbox: MailboxId, emails: 'refuse' | 'remove' = 'refuse'): Promise<string> => {
      const gone = await store.destroyMailbox({ account, mailbox, emails, objects: ['order'], now })
      return gone.ok ? 'ok' : gone.reason
    }
    assert.equal(await destroy(inbox), 'is-inbox')
    assert.equal(await destroy(a), 'has-children')
    assert.equal(await destroy(b), 'has-emails')
    assert.equal(await destroy(b, 'remove'), 'ok')
    assert.equal(await destroy(b), 'not-found')
    assert.equal(await destroy(a), 'ok')
    assert.deepEqual(await store.listObjects({ account, kind: 'order', now }), [])
  })

  test('a submission comes with its message, moves when that settles, and is taken back whole', async (house) => {
    const account = await house.account()
    const { store, now } = house
    const keeps = { account, kind: submissionKind, value: '{}', expiresAt: null }
    const submit = async (name: string): Promise<ObjectId> => {
      const rows = [to('a@b.test', now), to('c@d.test', now)]
      const message = queued(house, name, rows, { account, origin: 'api' })
      const sent = await store.deliver({
        ...{ message: await house.stage(letter(name)), internalDate: now, targets: [] },
        ...{ enqueue: message, keeps: { ...keeps, key: name } },
      })
      assert.ok(sent.ok && sent.object !== undefined)
      return sent.object
    }
    const [one, two] = [await submit('one'), await submit('two')]
    const cancel = { account, value: '{"canceled":true}', reason: 'back', now, webhooks: 'off' } as const
    const taken = await store.cancelSubmission({ ...cancel, id: one, name: 'one' })
    assert.ok(taken.ok)
    const entries = await store.queueList({ filter: { name: 'one' }, limit: 1, finished: 'with' })
    assert.deepEqual(
      entries[0]?.recipients.map(({ outcome }) => outcome),
      ['discarded', 'discarded'],
    )
    const [object] = await store.getObjects({ account, kind: submissionKind, ids: [one], now })
    assert.equal(object?.value, '{"canceled":true}')
    const claimed = await store.claimDue({
      domain: 'b.test',
      limit: 9,
      now: now + 1e9,
      holder: 'h',
      leaseUntil: now + 2e9,
    })
    assert.equal(claimed.length, 1)
    const late = await store.cancelSubmission({ ...cancel, id: two, name: 'two' })
    assert.deepEqual(late, { ok: false, reason: 'too-late' })
    const since = (await house.accountOf(account)).modSeq
    using told = house.listen(account)
    const settlements = claimed.map(({ recipient: { message, number } }) => {
      return { message, number, attempt: null, type: 'done', outcome: 'relayed', report: null } as const
    })
    await store.settle({ settlements, holder: 'h', now, events: [] })
    const changes = await store.objectsSince({ account, kind: submissionKind, since, now })
    assert.deepEqual(changes.updated, [two])
    await told.settle()
    assert.deepEqual(
      told.changes.map(({ type }) => type),
      ['objects-changed'],
    )
    await store.changeQueued({ filter: {}, change: { type: 'discard', reason: 'x' }, now })
  })
}
