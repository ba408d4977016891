import assert from 'node:assert/strict'
import { test } from 'node:test'
import { arrive, JmapHouse } from '../../../test/support/jmap-house.ts'

const accountId = 'A1'

test('Quota/get tells what is limited, and /changes what became of it', async (context) => {
  const house = await JmapHouse.open(context)
  const ann = await house.account('ann', { bytes: 1000, messages: 50, mailboxes: 7 })
  const got = await house.call(ann, 'Quota/get', { accountId, ids: null })
  const unset = { warnLimit: null, softLimit: null, description: null }
  const octets = {
    ...{ id: 'Qoctets', resourceType: 'octets', used: 0, hardLimit: 1000, scope: 'account' },
    ...{ name: 'Mail', types: ['Email'], ...unset },
  }
  assert.deepEqual(got['list'], [
    octets,
    { ...octets, id: 'Qmessages', resourceType: 'count', hardLimit: 50, name: 'Messages' },
    {
      ...octets,
      ...{ id: 'Qmailboxes', resourceType: 'count', used: 2, hardLimit: 7 },
      ...{ name: 'Mailboxes', types: ['Mailbox'] },
    },
  ])
  await arrive(house.store, ann.id)
  const changes = await house.call(ann, 'Quota/changes', { accountId, sinceState: got['state'] })
  assert.deepEqual(
    [changes['created'], changes['updated'], changes['destroyed'], changes['updatedProperties']],
    [[], ['Qoctets', 'Qmessages'], [], ['used']],
  )
  await house.store.updateAccount({ id: ann.id, quota: { bytes: null, messages: 60, mailboxes: 7 } })
  const later = await house.call(ann, 'Quota/changes', { accountId, sinceState: got['state'] })
  assert.deepEqual(
    [later['updated'], later['destroyed'], later['updatedProperties']],
    [['Qmessages'], ['Qoctets'], null],
  )
  const same = await house.call(ann, 'Quota/changes', { accountId, sinceState: later['newState'] })
  assert.deepEqual([same['updated'], same['newState']], [[], later['newState']])
  for (const sinceState of ['', 'x', 'Qoctets=1', '5']) {
    const refused = await house.refusal(ann, 'Quota/changes', { accountId, sinceState })
    assert.equal(refused, 'cannotCalculateChanges', sinceState)
  }
})

test('Quota/query filters and sorts', async (context) => {
  const house = await JmapHouse.open(context)
  const ann = await house.account('ann', { bytes: 1000, messages: 50, mailboxes: 7 })
  const query = async (args: object): Promise<unknown> =>
    (await house.call(ann, 'Quota/query', { accountId, ...args }))['ids']
  assert.deepEqual(await query({ sort: [{ property: 'name' }] }), ['Qoctets', 'Qmailboxes', 'Qmessages'])
  assert.deepEqual(await query({ sort: [{ property: 'used', isAscending: false }], limit: 1 }), [
    'Qmailboxes',
  ])
  assert.deepEqual(await query({ filter: { resourceType: 'octets' } }), ['Qoctets'])
  assert.deepEqual(await query({ filter: { type: 'Mailbox', scope: 'account' } }), ['Qmailboxes'])
  assert.deepEqual(await query({ filter: { name: 'Mess' } }), ['Qmessages'])
  const not = { operator: 'NOT', conditions: [{ name: 'Mail' }] }
  assert.deepEqual(await query({ filter: not }), ['Qmessages'])
  assert.deepEqual(await query({ filter: { operator: 'OR', conditions: [not, { type: 'Mailbox' }] } }), [
    ...['Qmessages', 'Qmailboxes'],
  ])
  const { queryState } = await house.call(ann, 'Quota/query', { accountId })
  await arrive(house.store, ann.id)
  const changes = await house.call(ann, 'Quota/queryChanges', { accountId, sinceQueryState: queryState })
  assert.deepEqual(
    [changes['removed'], changes['added']],
    [
      ['Qoctets', 'Qmessages'],
      [
        { id: 'Qoctets', index: 0 },
        { id: 'Qmessages', index: 1 },
      ],
    ],
  )
})
