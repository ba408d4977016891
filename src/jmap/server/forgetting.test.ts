// What is forgotten after its time (decision 018): `cannotCalculateChanges` is told of states from before that, and of no others.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { textAt } from '../../../test/support/jmap-house.ts'
import { type Loose, mailHouse, mailUsing } from '../../../test/support/mail-house.ts'

const types = ['Email', 'Thread', 'Mailbox', 'Identity', 'EmailSubmission']

test('whoever knows the newest state goes on from it, whatever was forgotten', async (context) => {
  const mail = await mailHouse(context)
  const inbox = await mail.mailbox('INBOX')
  const { store, clock } = mail.house
  const states = async (): Promise<Map<string, string>> => {
    const told = new Map<string, string>()
    for (const type of types) told.set(type, textAt(await mail.call(`${type}/get`, { ids: [] }), 'state'))
    return told
  }
  const forget = async (): Promise<void> => {
    await store.collectGarbage({ now: clock.now() })
    await clock.advance('100d')
    await store.collectGarbage({ now: clock.now() })
  }
  const make = async (): Promise<string> => {
    const made: Loose = await mail.call('Email/set', { create: { k: { mailboxIds: { [inbox]: true } } } })
    return made['created'].k.id
  }
  const changes = (type: string, sinceState: string | undefined): Promise<Loose> =>
    mail.call(`${type}/changes`, { sinceState })
  const early = await states()
  await mail.call('Email/set', { destroy: [await make()] })
  await mail.call('Mailbox/set', { update: { [inbox]: { isSubscribed: false } } })
  const before = await states()
  await mail.call('Mailbox/set', { create: { k: { name: 'A' } } })
  const made: Loose = await mail.call('Identity/set', { create: { k: { email: mail.ann.address } } })
  await mail.call('Identity/set', { destroy: [made['created'].k.id] })
  const now = await states()
  await forget()
  assert.deepEqual(await states(), now, 'states stay')
  for (const [type, state] of now) {
    const told = await changes(type, state)
    const { created, updated, destroyed } = told
    assert.deepEqual([created, updated, destroyed], [[], [], []], type)
    assert.equal(told['newState'], state, type)
  }
  // Mail was changed before this, and mailboxes after.
  assert.equal((await changes('Email', before.get('Email')))['created'].length, 0)
  for (const type of ['Email', 'Identity']) {
    const refused = await mail.house.refusal(
      mail.ann,
      `${type}/changes`,
      { accountId: `A${mail.ann.id}`, sinceState: early.get(type) },
      mailUsing,
    )
    assert.equal(refused, 'cannotCalculateChanges', type)
  }
  const id = await make()
  assert.deepEqual((await changes('Email', now.get('Email')))['created'], [id])
  assert.equal((await changes('Thread', now.get('Thread')))['created'].length, 1)
  assert.deepEqual((await changes('Mailbox', now.get('Mailbox')))['updated'], [inbox])
})
