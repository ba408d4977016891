// What the store promises of objects: JSON values that an account has beside mail.
import assert from 'node:assert/strict'
import type { Store } from '../../src/store/store.ts'
import type { AccountId, ModSeq, ObjectId } from '../../src/store/model.ts'
import { type House, noQuota, type Room } from './house.ts'

const kind = 'thing'

type Change = Omit<Parameters<Store['changeObjects']>[0], 'account' | 'kind' | 'now'>

const change = (house: House, account: AccountId, request: Change) =>
  house.store.changeObjects({ account, kind, now: house.now, ...request })

async function make(house: House, account: AccountId, ...values: string[]): Promise<ObjectId[]> {
  const made = await change(house, account, { create: values.map((value) => ({ value })) })
  assert.ok(made.ok)
  return [...made.created]
}

async function values(house: House, account: AccountId, now = house.now): Promise<string[]> {
  return (await house.store.listObjects({ account, kind, now })).map(({ value }) => value)
}

async function since(house: House, account: AccountId, modSeq: number): Promise<object> {
  const told = await house.store.objectsSince({ account, kind, since: modSeq as ModSeq, now: house.now })
  const { created, updated, destroyed, complete } = told
  return { created, updated, destroyed, complete }
}

async function modSeqOf(house: House, account: AccountId): Promise<ModSeq> {
  return (await house.store.objectsSince({ account, kind, since: 0 as ModSeq, now: house.now })).modSeq
}

export function objectContract(test: Room): void {
  test('objects are made, changed and destroyed, and what changed since is told', async (house) => {
    const account = await house.account()
    assert.equal(await modSeqOf(house, account), 0)
    const [one, two, three] = await make(house, account, '"a"', '"b"', '"c"')
    assert.ok(one && two && three)
    assert.deepEqual(await values(house, account), ['"a"', '"b"', '"c"'])
    const before = await modSeqOf(house, account)
    assert.deepEqual(await since(house, account, 0), {
      ...{ created: [one, two, three], updated: [], destroyed: [], complete: true },
    })
    const changed = await change(house, account, {
      create: [{ value: '"d"' }],
      update: [{ id: two, value: '"B"' }],
      destroy: [one],
    })
    assert.ok(changed.ok)
    const [four] = changed.created
    assert.ok(four !== undefined && four > three, 'ids are not used again')
    assert.deepEqual(await values(house, account), ['"B"', '"c"', '"d"'])
    assert.deepEqual(await since(house, account, before), {
      ...{ created: [four], updated: [two], destroyed: [one], complete: true },
    })
    assert.deepEqual(await since(house, account, 0), {
      ...{ created: [two, three, four], updated: [], destroyed: [], complete: true },
    })
    assert.equal(await modSeqOf(house, account), changed.modSeq)
    const [got] = await house.store.getObjects({ account, kind, ids: [two], now: house.now })
    assert.deepEqual([got?.createdModSeq, got?.modSeq], [before, changed.modSeq])
    assert.deepEqual(await house.store.listObjects({ account, kind: 'other', now: house.now }), [])
    assert.equal((await house.accountOf(account)).modSeq, changed.modSeq)
  })

  test('accounts that have objects of a kind are found by it', async (house) => {
    const account = await house.account()
    const [none, other] = [await house.account('ben'), await house.account('cat')]
    assert.deepEqual(await house.store.accountsWithObjects(kind), [])
    const [one] = await make(house, account, '1')
    await make(house, other, '2', '3')
    assert.ok(one && none)
    assert.deepEqual(await house.store.accountsWithObjects(kind), [account, other])
    await change(house, account, { destroy: [one] })
    assert.deepEqual(await house.store.accountsWithObjects(kind), [other])
    assert.deepEqual(await house.store.accountsWithObjects('unheard'), [])
  })

  test('a call that is refused changes nothing', async (house) => {
    const account = await house.account()
    const [one] = await make(house, account, '1')
    assert.ok(one)
    const modSeq = await modSeqOf(house, account)
    const unknown = 999 as ObjectId
    const refused: [Change, string][] = [
      [{ create: [{ value: '2' }], destroy: [unknown] }, 'not-found'],
      [{ create: [{ value: '2' }], update: [{ id: unknown, value: '3' }] }, 'not-found'],
      [{ destroy: [one], update: [{ id: one, value: '3' }] }, 'not-found'],
      [{ destroy: [], update: [{ id: one, value: '3', ifModSeq: 1 as ModSeq }] }, 'changed'],
      [{ create: [{ value: '2' }], limit: 1 }, 'too-many'],
      [{ create: [{ value: `"${'x'.repeat(256 * 1024)}"` }] }, 'too-big'],
      [
        {
          create: [
            { value: '2', key: 'k' },
            { value: '3', key: 'k' },
          ],
        },
        'key-taken',
      ],
    ]
    for (const [request, reason] of refused) {
      assert.deepEqual(await change(house, account, request), { ok: false, reason })
    }
    assert.deepEqual(await values(house, account), ['1'])
    assert.equal(await modSeqOf(house, account), modSeq)
    assert.ok((await change(house, account, { update: [{ id: one, value: '4', ifModSeq: modSeq }] })).ok)
    const nobody = 999 as AccountId
    assert.deepEqual(await change(house, nobody, { create: [{ value: '1' }] }), {
      ...{ ok: false, reason: 'no-such-account' },
    })
  })

  test('a decision that rests on other kinds is done only if they are as they were', async (house) => {
    const account = await house.account()
    const [one] = await make(house, account, '1')
    assert.ok(one)
    const since = await modSeqOf(house, account)
    const unchanged = [
      { kind, since },
      { kind: 'unheard', since: 0 as ModSeq },
    ]
    const other = (request: Change) =>
      house.store.changeObjects({ account, kind: 'other', now: house.now, ...request })
    assert.ok((await other({ create: [{ value: '2' }], unchanged })).ok)
    // Of its own kind it must not have changed either.
    assert.ok((await change(house, account, { create: [{ value: '3' }], unchanged })).ok)
    for (const request of [{ create: [{ value: '4' }] }, { destroy: [one] }, {}]) {
      assert.deepEqual(await change(house, account, { ...request, unchanged }), {
        ...{ ok: false, reason: 'changed' },
      })
    }
    assert.deepEqual(await values(house, account), ['1', '3'])
    // A removal is a change as well.
    const then = await modSeqOf(house, account)
    assert.ok((await change(house, account, { destroy: [one] })).ok)
    assert.deepEqual(await other({ create: [{ value: '5' }], unchanged: [{ kind, since: then }] }), {
      ...{ ok: false, reason: 'changed' },
    })
  })

  test('a key finds its object alone, in its account and kind', async (house) => {
    const [ann, bob] = [await house.account('ann'), await house.account('bob')]
    for (const account of [ann, bob]) {
      assert.ok((await change(house, account, { create: [{ value: `${account}`, key: 'k' }] })).ok)
    }
    const find = (account: AccountId, where = kind) =>
      house.store.findObject({ account, kind: where, key: 'k', now: house.now })
    assert.equal((await find(ann))?.value, `${ann}`)
    assert.equal((await find(bob))?.value, `${bob}`)
    assert.equal(await find(ann, 'other'), undefined)
    const again = await change(house, ann, { create: [{ value: '2', key: 'k' }] })
    assert.deepEqual(again, { ok: false, reason: 'key-taken' })
  })

  test('what has expired is not shown, leaves its key, and is told as destroyed once it was collected', async (house) => {
    const account = await house.account()
    const expiresAt = house.now + 10
    const made = await change(house, account, {
      create: [{ value: '1', key: 'k', expiresAt }, { value: '2', expiresAt }, { value: '3' }],
    })
    assert.ok(made.ok)
    const [first, second, third] = made.created
    assert.ok(first && second && third)
    assert.deepEqual(await values(house, account, expiresAt - 1), ['1', '2', '3'])
    assert.deepEqual(await values(house, account, expiresAt), ['3'])
    const later = await house.store.changeObjects({
      ...{ account, kind, now: expiresAt, create: [{ value: '4', key: 'k' }] },
    })
    assert.ok(later.ok)
    await house.store.collectGarbage({ now: expiresAt })
    assert.deepEqual(await since(house, account, made.modSeq), {
      ...{ created: later.created, updated: [], destroyed: [first, second], complete: true },
    })
  })

  test('changes of objects are heard, and told to who comes back', async (house) => {
    const account = await house.account()
    const heard: unknown[] = []
    const stop = house.store.subscribe(account, (changes) => heard.push(...changes))
    const { modSeq: before } = await house.accountOf(account)
    const made = await change(house, account, { create: [{ value: '1' }] })
    assert.ok(made.ok)
    stop()
    const told = { type: 'objects-changed', account, kind, modSeq: made.modSeq }
    assert.deepEqual(heard, [told])
    assert.deepEqual((await house.store.changesSince({ account, since: before })).changes, [told])
  })

  test('an account is made an admin, and one no more', async (house) => {
    const account = await house.account('ann', noQuota)
    assert.equal((await house.accountOf(account)).role, 'user')
    assert.ok((await house.store.updateAccount({ id: account, role: 'admin' })).ok)
    assert.equal((await house.accountOf(account)).role, 'admin')
    assert.ok((await house.store.updateAccount({ id: account, role: 'user' })).ok)
    assert.equal((await house.accountOf(account)).role, 'user')
  })
}
