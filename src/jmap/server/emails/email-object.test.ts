import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Loose, mailHouse } from '../../../../test/support/mail-house.ts'

test('a preview is cut between characters, not in one', async (context) => {
  const mail = await mailHouse(context)
  const inbox = await mail.mailbox('INBOX')
  const email = {
    mailboxIds: { [inbox]: true },
    textBody: [{ partId: '1', type: 'text/plain' }],
    bodyValues: { 1: { value: `x${'😀'.repeat(400)}` } },
  }
  const made: Loose = await mail.call('Email/set', { create: { k: email } })
  const got: Loose = await mail.call('Email/get', { ids: [made['created'].k.id], properties: ['preview'] })
  assert.equal(got['list'][0].preview, `x${'😀'.repeat(199)}`)
})
