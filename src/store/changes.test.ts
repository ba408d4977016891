// The change feed: order, isolation of listeners, batches.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ChangeBatch, ChangeFeed } from './changes.ts'
import type { AccountId, Change, MailboxId, ModSeq, Uid } from './model.ts'

const ann = 1 as AccountId
const bob = 2 as AccountId
const inbox = 1 as MailboxId

function added(account: AccountId, uid: number): Change {
  return {
    type: 'message-added',
    account,
    mailbox: inbox,
    modSeq: uid as ModSeq,
    uid: uid as Uid,
    flags: 0,
    keywords: '',
  }
}

test('a listener hears its account alone, in order, as one array for each commit', () => {
  const feed = new ChangeFeed({ onError: assert.ifError })
  const heard: (readonly Change[])[] = []
  feed.subscribe(ann, (changes) => heard.push(changes))
  feed.publish([added(ann, 1), added(bob, 2), added(ann, 3)])
  feed.publish([added(bob, 4)])
  feed.publish([added(ann, 5)])
  assert.deepEqual(heard, [[added(ann, 1), added(ann, 3)], [added(ann, 5)]])
})

test('a listener that throws is reported and disturbs no other', () => {
  const errors: unknown[] = []
  const feed = new ChangeFeed({ onError: (error) => errors.push(error) })
  let heard = 0
  feed.subscribe(ann, () => {
    throw new Error('broken')
  })
  feed.subscribe(ann, () => heard++)
  feed.publish([added(ann, 1)])
  assert.equal(heard, 1)
  assert.equal(errors.length, 1)
})

test('ending a subscription twice, or while being told, is harmless', () => {
  const feed = new ChangeFeed({ onError: assert.ifError })
  let heard = 0
  const end = feed.subscribe(ann, () => {
    heard++
    end()
  })
  feed.publish([added(ann, 1)])
  feed.publish([added(ann, 2)])
  end()
  assert.equal(heard, 1)
  assert.equal(feed.has(ann), false)
})

test('a batch of columns is told as the changes that it stands for', () => {
  const feed = new ChangeFeed({ onError: assert.ifError })
  const heard: Change[] = []
  feed.subscribe(ann, (changes) => heard.push(...changes))
  const batch: ChangeBatch = {
    type: 'batch',
    of: 'flags-changed',
    account: ann,
    mailbox: inbox,
    modSeq: 9 as ModSeq,
    columns: {
      uids: Uint32Array.of(3, 4),
      flags: Uint8Array.of(1, 8),
      keywords: new Map([[1, '$Junk']]),
    },
  }
  feed.publish([batch])
  const common = { type: 'flags-changed', account: ann, mailbox: inbox, modSeq: 9 }
  assert.deepEqual(heard, [
    { ...common, uid: 3, flags: 1, keywords: '' },
    { ...common, uid: 4, flags: 8, keywords: '$Junk' },
  ])
})
