// The cache of addresses: what it forgets, and when. That the store stays right with it is the contract's to show.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Account, AccountId, AddressEntry, Change, MailboxId, ModSeq, Uid } from '../model.ts'
import { AddressCache } from './address-cache.ts'

function entryOf(id: number): AddressEntry {
  // Ids of an imagined store.
  const account: Account = {
    id: id as AccountId,
    address: `u${id}@a.test`,
    state: 'active',
    role: 'user',
    quota: { bytes: null, messages: null },
    used: { bytes: 0, messages: 0 },
    hiddenCapabilities: [],
    modSeq: 1 as ModSeq,
    createdAt: 0,
  }
  return { type: 'account', account }
}

function limited(id: number): AddressEntry {
  const entry = entryOf(id)
  return entry.type === 'account'
    ? { ...entry, account: { ...entry.account, quota: { bytes: 1000, messages: null } } }
    : entry
}

function delivered(id: number): Change {
  const place = { account: id as AccountId, mailbox: 1 as MailboxId, modSeq: 2 as ModSeq }
  return { type: 'message-added', ...place, uid: 1 as Uid, flags: 0, keywords: '' }
}

function filled(capacity?: number): AddressCache {
  const cache = new AddressCache(capacity)
  for (const id of [1, 2]) cache.keep(`u${id}@a.test`, entryOf(id))
  cache.keep('alias@a.test', { type: 'alias', targets: ['u1@a.test'], owner: null })
  return cache
}

test('mail for an account makes that account be read again, and no other', () => {
  const cache = filled()
  cache.forget([delivered(1)])
  assert.equal(cache.get('u1@a.test'), undefined)
  assert.deepEqual(cache.get('u2@a.test'), entryOf(2))
  assert.deepEqual(cache.get('alias@a.test'), { type: 'alias', targets: ['u1@a.test'], owner: null })
})

test('mail changes nothing of where mail goes, but with a quota; everything else may', () => {
  const cache = filled()
  cache.keep('u3@a.test', limited(3))
  cache.forget([delivered(1), delivered(3)])
  assert.deepEqual(cache.place('u1@a.test'), entryOf(1))
  assert.equal(cache.place('u3@a.test'), undefined)
  const place = { account: 1 as AccountId, mailbox: 1 as MailboxId, modSeq: 3 as ModSeq }
  cache.forget([{ type: 'messages-expunged', ...place, uids: [1 as Uid] }])
  assert.equal(cache.place('u1@a.test'), undefined)
  assert.deepEqual(cache.place('u2@a.test'), entryOf(2))
  cache.forget([])
  assert.equal(cache.place('u2@a.test'), undefined)
})

test('a write that tells no change of mail may have been one of the directory: nothing is left', () => {
  const cache = filled()
  cache.forget([])
  for (const address of ['u1@a.test', 'u2@a.test', 'alias@a.test'])
    assert.equal(cache.get(address), undefined)
})

test('nothing is left of anyone when an account is removed', () => {
  const cache = filled()
  cache.forget([delivered(2), { type: 'account-removed', account: 1 as AccountId }])
  for (const address of ['u1@a.test', 'u2@a.test', 'alias@a.test'])
    assert.equal(cache.get(address), undefined)
})

test('no more than the capacity is kept', () => {
  const cache = filled(3)
  cache.keep('u4@a.test', entryOf(4))
  assert.equal(cache.get('u1@a.test'), undefined)
  assert.deepEqual(cache.get('u4@a.test'), entryOf(4))
})

test('domains and the empty suppression list are known until the directory may have changed', () => {
  const cache = new AddressCache(2)
  cache.keepDomain('a.test', true)
  cache.keepDomain('b.test', false)
  cache.keepSuppressions('none')
  cache.forget([delivered(1)])
  assert.deepEqual([cache.domain('a.test'), cache.domain('b.test')], [true, false])
  assert.equal(cache.suppressions, 'none')
  cache.forget([])
  assert.equal(cache.domain('a.test'), undefined)
  assert.equal(cache.suppressions, undefined)
  for (const name of ['a.test', 'b.test', 'c.test']) cache.keepDomain(name, false)
  assert.deepEqual([cache.domain('a.test'), cache.domain('c.test')], [undefined, false])
})

test('mailboxes of an account are kept until any of them changes, and however much mail comes', () => {
  const cache = filled()
  const place = { id: 3 as MailboxId, selectable: true }
  const at = (id: number) => ({ account: id as AccountId, name: 'INBOX' })
  for (const id of [1, 2]) cache.keepMailbox(at(id), place)
  cache.forget([delivered(1)])
  assert.deepEqual(cache.mailbox(at(1)), place)
  cache.forget([
    { type: 'mailbox-removed', account: 1 as AccountId, mailbox: 9 as MailboxId, modSeq: 3 as ModSeq },
  ])
  assert.equal(cache.mailbox(at(1)), undefined)
  assert.deepEqual(cache.mailbox(at(2)), place)
  cache.forget([])
  assert.equal(cache.mailbox(at(2)), undefined)
})
