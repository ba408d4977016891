import assert from 'node:assert/strict'
import { test } from 'node:test'
import { arrive } from '../../../test/support/jmap-house.ts'
import { testStore } from '../../../test/support/store.ts'
import type { MailboxId, Uid } from '../../store/model.ts'
import type { Store } from '../../store/store.ts'
import { MailAccess } from './mail-access.ts'

test('departures are told once each, however many come while they are read', async (context) => {
  const real = await testStore(context)
  await real.addDomain({ name: 'x.test', now: 0 })
  const made = await real.addAccount({
    ...{ address: 'ann@x.test', credentials: { argon2id: null, scramSha256: null }, mailboxes: [], now: 0 },
    quota: { bytes: null, messages: null },
  })
  assert.ok(made.ok)
  const account = made.account.id
  for (let count = 0; count < 5; count++) await arrive(real, account)
  const since = (await real.getAccount(account))?.modSeq ?? assert.fail()
  let uid = 1
  const leave = async (): Promise<void> => {
    const place = { account, mailbox: 1 as MailboxId }
    await real.expunge({ ...place, uids: [[uid as Uid, uid as Uid]], which: 'regardless' })
    uid++
  }
  await leave()
  // Another one goes between each of the first readings and the look at the index behind it.
  const departuresSince: Store['departuresSince'] = async (request) => {
    const found = await real.departuresSince(request)
    if (uid < 4) await leave()
    return found
  }
  const access = new MailAccess({ store: { ...real, departuresSince }, memory: 1e9, now: () => 0 })
  const rights = { account, shared: null, fingerprint: '' }
  const found = (await access.viewSince(rights, since)) ?? assert.fail()
  assert.deepEqual(
    found.departures.map(({ email }) => email),
    [1, 2, 3],
  )
  assert.equal(found.view.index.modSeq, (await real.getAccount(account))?.modSeq)
  access.close()
})
