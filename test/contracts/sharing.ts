// What the store promises of access control lists (RFC 4314) and of limits to what an account holds besides mail.
import assert from 'node:assert/strict'
import type { AccountId, MailboxId } from '../../src/store/model.ts'
import { defaultStoreLimits } from '../../src/store/limits.ts'
import { allRights, type Grantee } from '../../src/store/sharing.ts'
import { type House, noQuota, type Room } from './house.ts'

interface Scene {
  readonly ann: AccountId
  readonly ben: AccountId
  readonly cleo: AccountId
  readonly sent: MailboxId
  readonly grant: (
    grantee: Grantee,
    rights: string,
    options?: { negative?: boolean; mode?: 'replace' | 'add' | 'remove'; mailbox?: MailboxId },
  ) => Promise<unknown>
  readonly rights: (viewer: AccountId, mailbox?: MailboxId) => Promise<string>
}

async function sceneOf(house: House): Promise<Scene> {
  const [ann, ben, cleo] = [
    await house.account('ann'),
    await house.account('ben'),
    await house.account('cleo'),
  ]
  const { id: sent } = await house.mailbox(ann, 'Sent')
  return {
    ...{ ann, ben, cleo, sent },
    grant: (grantee, rights, { negative = false, mode = 'replace', mailbox = sent } = {}) =>
      house.store.setAccess({ account: ann, mailbox, grantee, negative, mode, rights }),
    rights: (viewer, mailbox = sent) => house.store.rightsIn({ viewer, account: ann, mailbox }),
  }
}

export function sharingContract(test: Room): void {
  test('rights are given, added to, taken from and taken away', async (house) => {
    const { ann, ben, cleo, sent, grant, rights } = await sceneOf(house)
    assert.deepEqual([await rights(ann), await rights(ben)], [allRights, ''])
    assert.deepEqual(await grant(ben, 'wsl'), { ok: true })
    assert.equal(await rights(ben), 'lsw', 'in the order of the RFC')
    await grant(ben, 'rl', { mode: 'add' })
    await grant(null, 'p')
    assert.deepEqual([await rights(ben), await rights(cleo)], ['lrswp', 'p'])
    await grant(ben, 'w', { mode: 'remove' })
    await grant(ben, 'p', { negative: true })
    assert.deepEqual([await rights(ben), await rights(cleo)], ['lrs', 'p'])
    assert.deepEqual(await house.store.accessList({ account: ann, mailbox: sent }), [
      { grantee: null, negative: false, rights: 'p' },
      { grantee: ben, negative: false, rights: 'lrs' },
      { grantee: ben, negative: true, rights: 'p' },
    ])
    await grant(ben, '')
    await grant(ben, 'p', { negative: true, mode: 'remove' })
    assert.deepEqual(await house.store.accessList({ account: ann, mailbox: sent }), [
      { grantee: null, negative: false, rights: 'p' },
    ])
    await grant(ann, 'l', { negative: true })
    assert.equal(await rights(ann), allRights, 'an owner is one whatever the list says')
    assert.equal(await rights(ann, 4_711 as MailboxId), '')
  })

  test('an account sees what others share with it, and nothing else', async (house) => {
    const { ann, ben, cleo, grant } = await sceneOf(house)
    const { store } = house
    const names = async (viewer: AccountId): Promise<string[]> => {
      const found = []
      for (const { id, address } of await store.sharingAccounts(viewer)) {
        for (const { mailbox, rights } of await store.sharedMailboxes({ viewer, account: id })) {
          found.push(`${address} ${mailbox.name} ${rights}`)
        }
      }
      return found
    }
    const trash = (await house.mailbox(ann, 'Trash')).id
    await grant(ben, 'lr')
    await grant(null, 'l', { mailbox: trash })
    await grant(cleo, 'l', { mailbox: trash, negative: true })
    await store.setAccess({
      ...{ account: cleo, mailbox: (await house.mailbox(cleo)).id, grantee: ben },
      ...{ negative: false, mode: 'replace', rights: 'lrs' },
    })
    assert.deepEqual(await names(ben), [
      'ann@house.test Sent lr',
      'ann@house.test Trash l',
      'cleo@house.test INBOX lrs',
    ])
    assert.deepEqual(await names(cleo), [])
    assert.deepEqual(await names(ann), [])
    assert.deepEqual(await store.sharedMailboxes({ viewer: ann, account: ann }), [])
  })

  test('both sides hear of a change, live and when they come back', async (house) => {
    const { ann, ben, cleo, sent, grant } = await sceneOf(house)
    const since = { ann: (await house.accountOf(ann)).modSeq, ben: (await house.accountOf(ben)).modSeq }
    const quiet = await house.mailbox(ann, 'Sent')
    using owner = house.listen(ann)
    using grantee = house.listen(ben)
    using other = house.listen(cleo)
    await grant(ben, 'lr')
    await grant(ben, 'lr')
    await grant(ben, 'r', { mode: 'remove' })
    await grant(null, 'l')
    await Promise.all([owner.settle(), grantee.settle()])
    const ownerModSeq = (await house.accountOf(ann)).modSeq
    assert.equal(ownerModSeq, since.ann + 3, 'what changes nothing is told to nobody')
    assert.deepEqual(
      owner.changes,
      [1, 2, 3].map((step) => ({
        type: 'rights-changed',
        account: ann,
        mailbox: sent,
        modSeq: since.ann + step,
      })),
    )
    assert.deepEqual(
      grantee.changes,
      [1, 2].map((step) => ({
        type: 'rights-changed',
        account: ben,
        mailbox: null,
        modSeq: since.ben + step,
      })),
    )
    assert.deepEqual(other.changes, [])
    assert.deepEqual(await house.mailbox(ann, 'Sent'), quiet, 'the mailbox and its modseq are as they were')
    const missed = await house.store.changesSince({ account: ann, since: since.ann })
    assert.deepEqual(missed.changes, owner.changes.slice(-1))
    const missedToo = await house.store.changesSince({ account: ben, since: since.ben })
    assert.deepEqual(missedToo.changes, grantee.changes.slice(-1))
  })

  test('entries are refused where there is no mailbox, no account, no room', async (house) => {
    const { ann, ben, sent, grant } = await sceneOf(house)
    assert.deepEqual(await grant(ben, 'l', { mailbox: 99 as MailboxId }), {
      ok: false,
      reason: 'no-such-mailbox',
    })
    assert.deepEqual(await grant(4_711 as AccountId, 'l'), { ok: false, reason: 'no-such-account' })
    const request = { account: ann, mailbox: sent, negative: false, mode: 'replace', rights: 'l' } as const
    const most = defaultStoreLimits.accessEntries
    const accounts = []
    for (let index = 0; index <= most; index++) accounts.push(await house.account(`u${index}`))
    for (const grantee of accounts.slice(0, most)) {
      assert.deepEqual(await house.store.setAccess({ ...request, grantee }), { ok: true })
    }
    const last = accounts.at(-1) ?? null
    assert.deepEqual(await house.store.setAccess({ ...request, grantee: last }), {
      ok: false,
      reason: 'too-many-entries',
    })
    assert.deepEqual(await grant(accounts[0] ?? null, 'lr'), { ok: true }, 'one that is there may change')
  })

  test('an entry dies with its mailbox and with the account that it names', async (house) => {
    const { ann, ben, cleo, sent, grant, rights } = await sceneOf(house)
    await grant(ben, 'l')
    await grant(cleo, 'l')
    using told = house.listen(ann)
    await house.store.removeAccount(ben)
    await told.settle()
    assert.deepEqual(told.changes.map(({ type }) => type), ['rights-changed']) // prettier-ignore
    assert.deepEqual(await house.store.accessList({ account: ann, mailbox: sent }), [
      { grantee: cleo, negative: false, rights: 'l' },
    ])
    await house.store.removeMailbox({ account: ann, mailbox: sent })
    assert.equal(await rights(cleo), '')
    await house.create(ann, 'Sent')
    assert.equal(await rights(cleo, (await house.mailbox(ann, 'Sent')).id), '')
  })

  test('a new mailbox has the rights of its superior, and keeps its own under another name', async (house) => {
    const { ann, ben, grant, rights } = await sceneOf(house)
    const top = await house.create(ann, 'Team')
    await grant(ben, 'lr', { mailbox: top.id })
    const below = await house.create(ann, 'Team/2026/May')
    assert.equal(await rights(ben, below.id), 'lr')
    await grant(ben, 'l', { mailbox: below.id })
    const { now } = house
    assert.ok((await house.store.renameMailbox({ account: ann, mailbox: below.id, name: 'Own', now })).ok)
    assert.equal(await rights(ben, below.id), 'l')
  })

  test('an account has no more mailboxes than its quota says', async (house) => {
    const { store, now } = house
    const account = await house.account('ann', { ...noQuota, mailboxes: 6 })
    const overQuota = { ok: false, reason: 'over-quota' }
    assert.deepEqual(await store.createMailbox({ account, name: 'a/b/c', now }), overQuota)
    const made = await house.create(account, 'a/b')
    assert.deepEqual(await store.createMailbox({ account, name: 'd', now }), overQuota)
    const rename = { account, mailbox: made.id, now }
    assert.deepEqual(await store.renameMailbox({ ...rename, name: 'x/y' }), overQuota)
    assert.deepEqual(
      await store.renameMailbox({ ...rename, mailbox: (await house.mailbox(account)).id, name: 'y' }),
      overQuota,
    )
    assert.deepEqual(await store.renameMailbox({ ...rename, name: 'a/z' }), { ok: true })
    await house.deliverTo([{ account, prefix: '', mailbox: { name: 'more', create: true } }], 'x')
    assert.equal((await house.mailbox(account)).messages, 1, 'mail for a mailbox that may not be is in INBOX')
    await store.updateAccount({ id: account, quota: noQuota })
    await house.create(account, 'd')
  })

  test('subscriptions are told, and to who comes back', async (house) => {
    const account = await house.account()
    const { modSeq: since } = await house.accountOf(account)
    using told = house.listen(account)
    for (const [name, subscribed] of [
      ['a', true],
      ['a', true],
      ['Sent', false],
      ['b', true],
      ['b', false],
      ['none', false],
    ] as const) {
      // prettier-ignore
      await house.store.setSubscription({ account, name, subscribed })
    }
    await told.settle()
    const change = (name: string, subscribed: boolean, step: number): object => {
      return { type: 'subscription-changed', account, modSeq: since + step, name, subscribed }
    }
    const later = [change('Sent', false, 2), change('b', false, 4)]
    assert.deepEqual(told.changes, [change('a', true, 1), later[0], change('b', true, 3), later[1]])
    const missed = await house.store.changesSince({ account, since })
    assert.deepEqual(missed.changes, [change('a', true, 1), ...later])
    const hundredDays = 100 * 24 * 3_600_000
    await house.store.collectGarbage({ now: house.now })
    await house.store.collectGarbage({ now: house.now + hundredDays })
    assert.equal((await house.store.changesSince({ account, since })).complete, false)
  })
}
