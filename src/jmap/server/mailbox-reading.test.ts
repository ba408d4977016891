// Reading Mailboxes (RFC 8621 §2), as a client does it; mail comes and changes as by SMTP and IMAP.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Loose } from '../../../test/support/mail-house.ts'
import { MailScene } from '../../../test/support/mail-scene.ts'
import { Flag } from '../../store/model.ts'

test('Mailbox/get: roles, parents, rights, and counts with the rule of the trash', async (context) => {
  const scene = await MailScene.open(context)
  await scene.put({ id: 'a', subject: 'T', flags: Flag.seen })
  await scene.put({ id: 'b', references: 'a', subject: 'Re: T', mailbox: 'Trash' })
  await scene.put({ mailbox: 'Work/Deep', flags: Flag.draft })
  await scene.put({ mailbox: 'Work/Deep', flags: Flag.deleted })
  const { list, state } = await scene.call('Mailbox/get', {})
  const byName = new Map<string, Loose>(list.map((one: Loose) => [one['name'], one]))
  const counts = (name: string) => {
    const one = byName.get(name)
    return [one?.['totalEmails'], one?.['unreadEmails'], one?.['totalThreads'], one?.['unreadThreads']]
  }
  // RFC 8621 §2: "The "unreadThreads" count would be 1 for the trash and 0 for the inbox."
  assert.deepEqual(counts('Inbox'), [1, 0, 1, 0])
  assert.deepEqual(counts('Trash'), [1, 1, 1, 1])
  assert.deepEqual(counts('Deep'), [1, 0, 1, 0])
  assert.deepEqual(byName.get('Work')?.['parentId'], null)
  assert.equal(byName.get('Deep')?.['parentId'], byName.get('Work')?.['id'])
  assert.deepEqual(
    [byName.get('Inbox')?.['role'], byName.get('Trash')?.['role'], byName.get('Work')?.['role']],
    ['inbox', 'trash', null],
  )
  assert.equal(byName.get('Inbox')?.['isSubscribed'], true)
  assert.deepEqual(byName.get('Deep')?.['myRights'], {
    ...{
      mayReadItems: true,
      mayAddItems: true,
      mayRemoveItems: true,
      maySetSeen: true,
      maySetKeywords: true,
    },
    ...{ mayCreateChild: true, mayRename: true, mayDelete: true, maySubmit: true },
  })
  const some = await scene.call('Mailbox/get', {
    ids: [await scene.box(), 'F1_99', 'nonsense'],
    properties: ['sortOrder'],
  })
  assert.deepEqual(some, {
    accountId: 'A1',
    state,
    list: [{ id: await scene.box(), sortOrder: 0 }],
    notFound: ['F1_99', 'nonsense'],
  })
})

test('Mailbox/changes tells when only counts changed', async (context) => {
  const scene = await MailScene.open(context)
  await scene.put()
  const { state } = await scene.call('Mailbox/get', {})
  const nothing = await scene.call('Mailbox/changes', { sinceState: state })
  assert.deepEqual(nothing, {
    ...{ accountId: 'A1', oldState: state, newState: state, hasMoreChanges: false },
    ...{ created: [], updated: [], destroyed: [], updatedProperties: null },
  })
  await scene.flag('INBOX', 1, Flag.flagged)
  assert.deepEqual((await scene.call('Mailbox/changes', { sinceState: state }))['newState'], state)
  await scene.flag('INBOX', 1, Flag.seen)
  const counts = await scene.call('Mailbox/changes', { sinceState: state })
  assert.deepEqual(counts['updated'], [await scene.box()])
  assert.deepEqual(counts['updatedProperties'], [
    'totalEmails',
    'unreadEmails',
    'totalThreads',
    'unreadThreads',
  ])
  const trash = await scene.boxOf('Trash')
  const { store } = scene.mail.house
  const account = scene.account.id
  await scene.boxOf('New')
  assert.ok((await store.renameMailbox({ account, mailbox: trash, name: 'Bin', now: 0 })).ok)
  const both = await scene.call('Mailbox/changes', { sinceState: state })
  assert.deepEqual(both['created'], [await scene.box('New')])
  assert.deepEqual(new Set(both['updated']), new Set([await scene.box(), await scene.box('Bin')]))
  assert.equal(both['updatedProperties'], null)
  await store.setSubscription({ account, name: 'New', subscribed: true })
  const subscribed = await scene.call('Mailbox/changes', { sinceState: both['newState'] })
  assert.deepEqual(subscribed['updated'], [await scene.box('New')])
  await store.removeMailbox({ account, mailbox: trash })
  const gone = await scene.call('Mailbox/changes', { sinceState: subscribed['newState'] })
  assert.deepEqual([gone['destroyed'], gone['updated']], [[`F1_${trash}`], []])
  assert.equal(await scene.refusal('Mailbox/changes', { sinceState: 'x' }), 'cannotCalculateChanges')
  assert.equal(
    await scene.refusal('Mailbox/changes', { sinceState: state, maxChanges: 0 }),
    'invalidArguments',
  )
})

test('Mailbox/query: filters, sorts and trees', async (context) => {
  const scene = await MailScene.open(context)
  for (const name of ['b', 'a/x', 'a/b', 'C']) await scene.boxOf(name)
  const query = async (args: object): Promise<string[]> => {
    const { ids } = await scene.call('Mailbox/query', args)
    const { list } = await scene.call('Mailbox/get', { ids, properties: ['name'] })
    const names = new Map(list.map((one: Loose) => [one['id'], one['name']]))
    return ids.map((id: string) => names.get(id))
  }
  const sort = [{ property: 'name' }]
  assert.deepEqual(await query({ sort }), ['a', 'b', 'b', 'C', 'Inbox', 'Trash', 'x'])
  assert.deepEqual(
    await query({ sort: [{ property: 'name', isAscending: false }], filter: { hasAnyRole: true } }),
    ['Trash', 'Inbox'],
  )
  assert.deepEqual(await query({ sort, sortAsTree: true }), ['a', 'b', 'x', 'b', 'C', 'Inbox', 'Trash'])
  assert.deepEqual(
    await query({ sort: [{ property: 'name', collation: 'i;octet' }], filter: { parentId: null } }),
    ['C', 'Inbox', 'Trash', 'a', 'b'],
  )
  assert.deepEqual(await query({ sort, filter: { name: 'B' }, filterAsTree: true }), ['b', 'Inbox'])
  assert.deepEqual(
    await query({ sort, filter: { operator: 'NOT', conditions: [{ role: null }, { role: 'inbox' }] } }),
    ['Trash'],
  )
  assert.equal(await scene.refusal('Mailbox/query', { sort: [{ property: 'role' }] }), 'unsupportedSort')
  const strange = { sort: [{ property: 'name', keyword: 'x' }] }
  assert.equal(await scene.refusal('Mailbox/query', strange), 'invalidArguments')
  assert.equal(await scene.refusal('Mailbox/query', { filter: { name: 1 } }), 'invalidArguments')
})
