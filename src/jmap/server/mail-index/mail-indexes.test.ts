import assert from 'node:assert/strict'
import { test } from 'node:test'
import { arrive } from '../../../../test/support/jmap-house.ts'
import { testStore } from '../../../../test/support/store.ts'
import type { AccountId, MailboxId, ModSeq, Uid } from '../../../store/model.ts'
import type { Store } from '../../../store/store.ts'
import { MailIndexes, mostWaiting } from './mail-indexes.ts'

const inbox = 1 as MailboxId

async function account(store: Store, name: string): Promise<AccountId> {
  const made = await store.addAccount({
    ...{
      address: `${name}@x.test`,
      credentials: { argon2id: null, scramSha256: null },
      mailboxes: [],
      now: 0,
    },
    quota: { bytes: null, messages: null },
  })
  assert.ok(made.ok)
  return made.account.id
}

/** The store, and how many listen to the changes of an account. */
function listened(store: Store): { store: Store; listeners: Map<AccountId, number> } {
  const listeners = new Map<AccountId, number>()
  const add = (id: AccountId, more: number): void => {
    listeners.set(id, (listeners.get(id) ?? 0) + more)
  }
  const subscribeBatched: Store['subscribeBatched'] = (id, listener) => {
    add(id, 1)
    const stop = store.subscribeBatched(id, listener)
    return () => {
      add(id, -1)
      stop()
    }
  }
  return { store: { ...store, subscribeBatched }, listeners }
}

test('an index is current, shared, and given up when memory is short', async (context) => {
  const { store, listeners } = listened(await testStore(context))
  await store.addDomain({ name: 'x.test', now: 0 })
  const [ann, ben] = [await account(store, 'ann'), await account(store, 'ben')]
  const indexes = new MailIndexes({ store, memory: 0, now: () => 0 })
  const [one, other] = await Promise.all([indexes.use(ann), indexes.use(ann)])
  assert.equal(one, other)
  await arrive(store, ann)
  await arrive(store, ann)
  const index = await indexes.use(ann)
  assert.equal(index, one)
  assert.deepEqual([index.emails.length, index.messagesIn(index.numberOf(inbox)).length], [2, 2])
  // The one used last is kept, however short memory is.
  await indexes.use(ben)
  assert.deepEqual([listeners.get(ann), listeners.get(ben)], [0, 1])
  assert.notEqual(await indexes.use(ann), one)
  assert.deepEqual([listeners.get(ann), listeners.get(ben)], [1, 0])
  indexes.close()
  assert.deepEqual([listeners.get(ann), listeners.get(ben)], [0, 0])
})

test('an index that could not be loaded is loaded anew', async (context) => {
  const store = await testStore(context)
  await store.addDomain({ name: 'x.test', now: 0 })
  const ann = await account(store, 'ann')
  let broken = true
  const datedMailboxes: Store['datedMailboxes'] = async (id) => {
    if (broken) throw new Error('no disk')
    return store.datedMailboxes(id)
  }
  const indexes = new MailIndexes({ store: { ...store, datedMailboxes }, memory: 1e9, now: () => 0 })
  await assert.rejects(indexes.use(ann), /no disk/)
  broken = false
  assert.equal((await indexes.use(ann)).emails.length, 0)
  indexes.close()
})

test('an index that nobody asks does not gather changes without end', async (context) => {
  const real = await testStore(context)
  await real.addDomain({ name: 'x.test', now: 0 })
  const ann = await account(real, 'ann')
  const heard: Parameters<Store['subscribeBatched']>[1][] = []
  const { store, listeners } = listened({
    ...real,
    subscribeBatched: (id, listener) => {
      heard.push(listener)
      return real.subscribeBatched(id, listener)
    },
  })
  const indexes = new MailIndexes({ store, memory: 1e9, now: () => 0 })
  const one = await indexes.use(ann)
  const told = { type: 'subscription-changed', name: 'x', subscribed: true } as const
  const change = { ...told, account: ann, modSeq: 1 as ModSeq }
  heard[0]?.(Array.from({ length: mostWaiting + 1 }, () => change))
  assert.equal(listeners.get(ann), 0)
  await arrive(real, ann)
  const index = await indexes.use(ann)
  assert.notEqual(index, one)
  assert.equal(index.emails.length, 1)
  indexes.close()
})

test('no email comes by a reading anew, where the last that came is gone', async (context) => {
  const store = await testStore(context)
  await store.addDomain({ name: 'x.test', now: 0 })
  const ann = await account(store, 'ann')
  const indexes = new MailIndexes({ store, memory: 1e9, now: () => 0 })
  await arrive(store, ann)
  await arrive(store, ann)
  await indexes.use(ann)
  await store.expunge({ account: ann, mailbox: inbox, uids: [[2 as Uid, 2 as Uid]], which: 'regardless' })
  const { last } = await indexes.use(ann)
  const anew = new MailIndexes({ store, memory: 1e9, now: () => 0 })
  assert.deepEqual((await anew.use(ann)).last, last)
  indexes.close()
  anew.close()
})
