// Pages of /changes: each leads to a state that was, and what happened between two pages is not lost (RFC 8620 §5.2). Found by the
// model that IMAP and JMAP share.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mailHouse } from '../../../test/support/mail-house.ts'

test('a page of Mailbox/changes does not say that counts alone changed where more did', async (context) => {
  const { house, ann, call } = await mailHouse(context)
  const { store, clock } = house
  const blobId = await house.upload(ann, 'Subject: hi\r\n\r\nText.\r\n', 'message/rfc822')
  const emails = { k: { blobId, mailboxIds: { F1_1: true } } }
  await call('Email/import', { emails })
  const { state } = await call('Mailbox/get', { ids: [] })
  await call('Mailbox/set', { update: { F1_2: { isSubscribed: true, sortOrder: 3 } } })
  await store.setSubscription({ account: ann.id, name: 'Trash', subscribed: false })
  const [inbox, trash] = await store.listMailboxes(ann.id)
  assert.ok(inbox && trash)
  // The counts of both change by this, later than the subscription.
  const move = { account: ann.id, from: inbox.id, to: trash.id, uids: [[1, 1]] as const, now: clock.now() }
  assert.ok((await store.move(move)).ok)
  const told: [unknown, unknown][] = []
  for (let since = state; ;) {
    const page = await call('Mailbox/changes', { sinceState: since, maxChanges: 1 })
    told.push([page['updated'], page['updatedProperties']])
    since = page['newState']
    if (page['hasMoreChanges'] !== true) break
  }
  assert.deepEqual(
    told.find(([updated]) => JSON.stringify(updated) === '["F1_2"]'),
    [['F1_2'], null],
  )
})

test('an email that came back between two pages and went again is told as gone', async (context) => {
  const { house, ann, call } = await mailHouse(context)
  const { store } = house
  for (const subject of ['one', 'two', 'three']) {
    const blobId = await house.upload(ann, `Subject: ${subject}\r\n\r\nText.\r\n`, 'message/rfc822')
    await call('Email/import', { emails: { k: { blobId, mailboxIds: { F1_1: true } } } })
  }
  const { state } = await call('Email/get', { ids: [] })
  const [inbox] = await store.listMailboxes(ann.id)
  assert.ok(inbox)
  const place = { account: ann.id, mailbox: inbox.id, keywords: [] }
  const mark = async (uid: number, mode: 'add' | 'remove', flags: number): Promise<void> => {
    assert.ok((await store.setFlags({ ...place, uids: [[uid, uid]], mode, flags })).ok)
  }
  // \Deleted hides it, and shows it again when it is taken away; each between the changes of others.
  await mark(1, 'add', 8)
  await mark(2, 'add', 1)
  await mark(1, 'remove', 8)
  await mark(3, 'add', 1)
  await store.expunge({ ...place, uids: [[1, 1]], which: 'regardless' })
  for (const maxChanges of [1, 2, 10]) {
    const gone: unknown[] = []
    for (let since = state; ;) {
      const page = await call('Email/changes', { sinceState: since, maxChanges })
      gone.push(...(page['destroyed'] as string[]))
      since = page['newState']
      if (page['hasMoreChanges'] !== true) break
    }
    assert.deepEqual(gone, ['M1_1'], `by ${maxChanges}`)
  }
})

test('a Mailbox whose parent was removed by IMAP is told with its new parentId', async (context) => {
  const { house, ann, call } = await mailHouse(context)
  const { store, clock } = house
  for (const name of ['Work', 'Work/A'])
    await store.createMailbox({ account: ann.id, name, now: clock.now() })
  const { state } = await call('Mailbox/get', { ids: [] })
  const work = await store.findMailbox({ account: ann.id, name: 'Work' })
  assert.ok(work)
  assert.ok((await store.removeMailbox({ account: ann.id, mailbox: work.id })).ok)
  const told = await call('Mailbox/changes', { sinceState: state })
  const inside = (await store.findMailbox({ account: ann.id, name: 'Work/A' }))?.id ?? 0
  assert.deepEqual(
    [told['updated'], told['updatedProperties'], told['destroyed']],
    [[`F1_${inside}`], null, [`F1_${work.id}`]],
  )
})

test('a guest hears of counts that changed for him alone', async (context) => {
  const { house, ann, call } = await mailHouse(context)
  const { store } = house
  const ben = await house.account('ben')
  const [inbox] = await store.listMailboxes(ann.id)
  assert.ok(inbox)
  const blobId = await house.upload(ann, 'Subject: hi\r\n\r\nText.\r\n', 'message/rfc822')
  await call('Email/import', { emails: { k: { blobId, mailboxIds: { F1_1: true, F1_2: true } } } })
  const entry = { grantee: ben.id, negative: false, mode: 'replace', rights: 'lr' } as const
  assert.ok((await store.setAccess({ account: ann.id, mailbox: inbox.id, ...entry })).ok)
  const { state } = await call('Mailbox/get', { accountId: 'A1', ids: [] }, ben)
  // It stays unread for the owner, whose Trash has it too.
  const place = { account: ann.id, mailbox: inbox.id, keywords: [] }
  await store.setFlags({ ...place, uids: [[1, 1]], mode: 'add', flags: 1 })
  const told = await call('Mailbox/changes', { accountId: 'A1', sinceState: state }, ben)
  assert.deepEqual(told['updated'], ['F1_1'])
})
