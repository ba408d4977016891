// What the store promises about who has mail: domains, accounts, aliases, catch-alls, credentials; and that no account ever
// meets another's objects, whatever was removed and made again.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { AccountId, Credentials } from '../../src/store/model.ts'
import {
  assertBytes,
  everything,
  largeBytes,
  letter,
  noCredentials,
  noQuota,
  standardMailboxes,
  uid,
  type House,
  type Room,
} from './house.ts'

export function directoryContract(test: Room): void {
  test('the installation has one secret, whoever proposes what and when', async ({ store }) => {
    const proposals = [1, 2, 3].map((octet) => new Uint8Array(32).fill(octet))
    const kept = await Promise.all(proposals.map((proposed) => store.installationSecret(proposed)))
    const [first = new Uint8Array(0)] = kept
    assert.ok(proposals.some((proposed) => Buffer.compare(proposed, first) === 0))
    for (const one of kept) assertBytes(one, first)
    assertBytes(await store.installationSecret(new Uint8Array(32).fill(4)), first)
  })

  test('domains: added once, listed with their counts, removed when empty', async (house) => {
    const { store, now } = house
    assert.deepEqual(await store.addDomain({ name: 'b.test', now }), { ok: true })
    assert.deepEqual(await store.addDomain({ name: 'b.test', now }), { ok: false, reason: 'exists' })
    await house.account('ann')
    await store.setAlias({ address: 'x@house.test', targets: ['ann@house.test'], now })
    assert.deepEqual(
      (await store.listDomains()).toSorted((a, b) => (a.name < b.name ? -1 : 1)),
      [
        { name: 'b.test', accounts: 0, aliases: 0, createdAt: now },
        { name: 'house.test', accounts: 1, aliases: 1, createdAt: now },
      ],
    )
    assert.deepEqual([await store.hasDomain('b.test'), await store.hasDomain('c.test')], [true, false])
    assert.deepEqual(await store.removeDomain('house.test'), { ok: false, reason: 'not-empty' })
    assert.deepEqual(await store.removeDomain('c.test'), { ok: false, reason: 'not-found' })
    assert.deepEqual(await store.removeDomain('b.test'), { ok: true })
    assert.equal(await store.hasDomain('b.test'), false)
  })

  test('accounts: one to an address, in a domain that exists', async (house) => {
    const add = (address: string): Promise<{ ok: boolean; reason?: string }> =>
      house.store.addAccount({
        address,
        credentials: noCredentials,
        quota: noQuota,
        mailboxes: standardMailboxes,
        now: house.now,
      })
    assert.ok((await add('ann@house.test')).ok)
    assert.deepEqual(await add('ann@house.test'), { ok: false, reason: 'exists' })
    assert.deepEqual(await add('ann@nowhere.test'), { ok: false, reason: 'no-such-domain' })
    await house.store.setAlias({ address: 'alias@house.test', targets: ['ann@house.test'], now: house.now })
    assert.deepEqual(await add('alias@house.test'), { ok: false, reason: 'exists' })
    const all = await Promise.all(['one@house.test', 'one@house.test', 'one@house.test'].map(add))
    assert.deepEqual(all.filter((one) => one.ok).length, 1, 'of several at once one is made')
  })

  test('accounts are listed in order of address, page by page', async (house) => {
    for (const name of ['c', 'a', 'b', 'B', 'ä']) await house.account(name)
    const addresses = (await house.store.listAccounts()).map((account) => account.address)
    const expected = ['a', 'b', 'c', 'B', 'ä'].map((name) => `${name}@house.test`).toSorted(byOctets)
    assert.deepEqual(addresses, expected)
    const pages: string[] = []
    for (let after: string | undefined; ; after = pages.at(-1)) {
      const page = await house.store.listAccounts({ limit: 2, ...(after === undefined ? {} : { after }) })
      if (page.length === 0) break
      assert.ok(page.length <= 2)
      pages.push(...page.map((account) => account.address))
    }
    assert.deepEqual(pages, expected)
  })

  test('the oldest account is the first made of those that are there, wherever its address sorts', async (house) => {
    assert.equal(await house.store.oldestAccount(), undefined)
    const [zoe, ann] = [await house.account('zoe'), await house.account('ann')]
    assert.deepEqual(await house.store.oldestAccount(), await house.accountOf(zoe))
    await house.store.removeAccount(zoe)
    await house.account('zoe')
    assert.equal((await house.store.oldestAccount())?.id, ann)
  })

  test('where mail goes is known right whatever came meanwhile: used with a quota, state, and what is gone', async (house) => {
    const [free, limited] = [
      await house.account('ann'),
      await house.account('bob', { bytes: 9_000, messages: null }),
    ]
    const locate = (address: string) => house.store.locateAddress(address)
    for (let round = 1; round <= 2; round++) {
      await house.deliver([free, limited])
      const [ann, bob] = [await locate('ann@house.test'), await locate('bob@house.test')]
      assert.ok(ann?.type === 'account' && bob?.type === 'account')
      assert.deepEqual([ann.account.id, ann.account.state], [free, 'active'])
      assert.deepEqual(bob.account.used, (await house.accountOf(limited)).used)
      assert.equal(bob.account.used.messages, round)
    }
    await house.store.updateAccount({ id: free, state: 'disabled' })
    const shut = await locate('ann@house.test')
    assert.equal(shut?.type === 'account' && shut.account.state, 'disabled')
    await house.store.removeAccount(free)
    assert.equal(await locate('ann@house.test'), undefined)
  })

  test('an account is what was asked for, and is updated in parts', async (house) => {
    const quota = { bytes: 9_007_199_254_740_991, messages: 5, mailboxes: 7, annotations: 9 }
    const id = await house.account('ann', quota)
    const account = await house.accountOf(id)
    assert.deepEqual(
      { ...account, id: 0, modSeq: 0 },
      {
        id: 0,
        address: 'ann@house.test',
        state: 'active',
        role: 'user',
        quota,
        used: { bytes: 0, messages: 0 },
        hiddenCapabilities: [],
        modSeq: 0,
        createdAt: house.now,
      },
    )
    const credentials: Credentials = {
      argon2id: '$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA',
      scramSha256: { salt: 'c2FsdA==', iterations: 4_096, storedKey: 'a2V5', serverKey: 'a2V5Mg==' },
    }
    assert.deepEqual(await house.store.updateAccount({ id, credentials }), { ok: true })
    assert.deepEqual((await house.store.credentialsOf('ann@house.test'))?.credentials, credentials)
    const replacing = { ...credentials, argon2id: 'another' }
    assert.deepEqual(await house.store.updateAccount({ id, credentials: replacing, replacing }), {
      ok: false,
      reason: 'changed',
    })
    assert.deepEqual(await house.store.updateAccount({ id, credentials, replacing: credentials }), {
      ok: true,
    })
    assert.deepEqual(await house.store.updateAccount({ id, quota: noQuota, state: 'disabled' }), { ok: true })
    const hiddenCapabilities = ['MOVE', 'CONDSTORE', 'MOVE']
    const expecting = await house.accountOf(id)
    assert.deepEqual(await house.store.updateAccount({ id, hiddenCapabilities, expecting }), { ok: true })
    const small = { bytes: 1, messages: 1 }
    assert.deepEqual(await house.store.updateAccount({ id, quota: small, expecting }), {
      ok: false,
      reason: 'changed',
    })
    const now = await house.accountOf(id)
    assert.deepEqual(await house.store.updateAccount({ id, quota: noQuota, expecting: now }), { ok: true })
    assert.deepEqual((await house.accountOf(id)).hiddenCapabilities, ['CONDSTORE', 'MOVE'])
    const found = await house.store.credentialsOf('ann@house.test')
    assert.deepEqual(found?.credentials, credentials, 'what is not named stays')
    assert.deepEqual([found?.account.state, found?.account.quota], ['disabled', noQuota])
    assert.deepEqual(found?.account, await house.accountOf(id))
    assert.deepEqual(await house.store.updateAccount({ id: 4_711 as AccountId, state: 'active' }), {
      ok: false,
      reason: 'not-found',
    })
    assert.equal(await house.store.credentialsOf('ben@house.test'), undefined)
    assert.equal(await house.store.getAccount(4_711 as AccountId), undefined)
  })

  test('a list is an alias with an owner, until it is set without', async (house) => {
    const { store, now } = house
    await house.account('ann')
    const list = { address: 'list@house.test', targets: ['a@else.test'] }
    const owned = { ...list, owner: 'ann@house.test' }
    assert.deepEqual(await store.setAlias({ ...owned, now }), { ok: true })
    assert.deepEqual(await store.listAliases(), [owned])
    const found = { type: 'alias', targets: owned.targets, owner: owned.owner }
    assert.deepEqual(await store.findAddress('list@house.test'), found)
    assert.deepEqual(await store.setAlias({ ...owned, owner: 'ben@else.test', now }), { ok: true })
    assert.deepEqual(await store.findAddress('list@house.test'), { ...found, owner: 'ben@else.test' })
    const taken = await store.setAlias({ ...owned, address: 'ann@house.test', now })
    assert.deepEqual(taken, { ok: false, reason: 'exists' })
    assert.deepEqual(await store.setAlias({ ...list, now }), { ok: true })
    assert.deepEqual(await store.listAliases(), [{ ...list, owner: null }])
  })

  test('a local part is found over all domains, in their order', async (house) => {
    const { store, now } = house
    await house.account('ann')
    for (const name of ['b.test', 'a.test']) {
      await store.addDomain({ name, now })
      await store.setAlias({ address: `ann@${name}`, targets: ['ann@house.test'], now })
    }
    const find = (local: string, limit = 9) => store.findLocalPart({ local, limit })
    assert.deepEqual(await find('ann'), ['ann@a.test', 'ann@b.test', 'ann@house.test'])
    assert.deepEqual(await find('ann', 2), ['ann@a.test', 'ann@b.test'])
    assert.deepEqual(await find('an'), [])
  })

  test('aliases and catch-alls: set as a whole, found one step at a time, removed', async (house) => {
    const { store, now } = house
    await house.account('ann')
    const set = (address: string, targets: string[]): Promise<unknown> =>
      store.setAlias({ address, targets, now })
    assert.deepEqual(await set('team@house.test', ['z@else.test', 'ann@house.test']), { ok: true })
    assert.deepEqual(await set('@house.test', ['ann@house.test']), { ok: true })
    assert.deepEqual(await set('ann@house.test', ['x@y.test']), { ok: false, reason: 'exists' })
    assert.deepEqual(await set('x@nowhere.test', ['x@y.test']), { ok: false, reason: 'no-such-domain' })
    assert.deepEqual(await store.findAddress('team@house.test'), {
      type: 'alias',
      targets: ['z@else.test', 'ann@house.test'],
      owner: null,
    })
    assert.deepEqual(await store.findAddress('@house.test'), {
      type: 'alias',
      targets: ['ann@house.test'],
      owner: null,
    })
    assert.equal(
      await store.findAddress('nobody@house.test'),
      undefined,
      'no policy: the catch-all is asked for',
    )
    const found = await store.findAddress('ann@house.test')
    assert.ok(found?.type === 'account' && found.account.address === 'ann@house.test')

    assert.deepEqual(await set('team@house.test', ['only@else.test']), { ok: true })
    assert.deepEqual(await store.findAddress('team@house.test'), {
      type: 'alias',
      targets: ['only@else.test'],
      owner: null,
    })
    await store.addDomain({ name: 'b.test', now })
    await set('b@b.test', ['team@house.test'])
    const aliases = await store.listAliases()
    assert.deepEqual(aliases.map((alias) => alias.address).toSorted(), [
      '@house.test',
      'b@b.test',
      'team@house.test',
    ])
    assert.deepEqual(await store.listAliases({ domain: 'b.test' }), [
      { address: 'b@b.test', targets: ['team@house.test'], owner: null },
    ])
    assert.deepEqual(await store.removeAlias('team@house.test'), { ok: true })
    assert.deepEqual(await store.removeAlias('team@house.test'), { ok: false, reason: 'not-found' })
    assert.deepEqual(await store.removeAlias('ann@house.test'), { ok: false, reason: 'not-found' })
    assert.equal(await store.findAddress('team@house.test'), undefined)
  })

  test('a removed account is gone with its mail, addresses and leases; its id is never given again', async (house) => {
    const id = await house.account('ann')
    await house.deliver([id], largeBytes(200_000))
    await house.deliver([id], letter('small'))
    const lease = { account: id, name: 'maildrop', now: 1, expiresAt: 1e9 }
    assert.equal(await house.store.acquireLease({ ...lease, holder: 'a' }), true)
    assert.deepEqual(await house.store.removeAccount(id), { ok: true })
    assert.deepEqual(await house.store.removeAccount(id), { ok: false, reason: 'not-found' })
    assert.equal(await house.store.findAddress('ann@house.test'), undefined)
    assert.deepEqual(await house.store.listMailboxes(id), [])
    assert.deepEqual(await house.store.subscriptions(id), [])
    const next = await house.account('ann')
    assert.ok(next > id)
    assert.deepEqual(await house.uids(next, (await house.mailbox(next)).id), [])
    const changes = await house.store.changesSince({ account: id, since: 0 as never })
    assert.deepEqual(changes.changes, [])
    assert.deepEqual(await house.store.removeDomain('house.test'), { ok: false, reason: 'not-empty' })
  })

  test('an address that comes again does not meet a UIDVALIDITY that it had', async (house) => {
    const seen = new Set<number>()
    for (let round = 0; round < 3; round++) {
      const id = await house.account('ann')
      for (const mailbox of await house.store.listMailboxes(id)) {
        assert.ok(!seen.has(mailbox.uidValidity) || round === 0)
        seen.add(mailbox.uidValidity)
      }
      await house.store.removeAccount(id)
    }
  })

  test('no account reaches another`s mailbox, though its number is the same', async (house) => {
    const [ann, ben] = [await house.account('ann'), await house.account('ben')]
    const secret = await house.create(ann, 'secret')
    await house.append(ann, secret.id, { count: 2 })
    const { store } = house
    const wrong = { account: ben, mailbox: secret.id }
    assert.equal(await store.getMailbox(wrong), undefined)
    assert.equal(await store.openMailbox({ ...wrong, claimRecent: true }), undefined)
    assert.deepEqual(await Array.fromAsync(store.messages({ ...wrong, uids: everything })), [])
    assert.deepEqual(await Array.fromAsync(store.messageTexts({ ...wrong, uids: everything })), [])
    assert.equal((await store.loadView(wrong)).uids.length, 0)
    assert.deepEqual((await store.expunge({ ...wrong, which: 'regardless' })).uids, [])
    assert.equal((await store.removeMailbox(wrong)).ok, false)
    assert.equal((await store.renameMailbox({ ...wrong, name: 'mine', now: 0 })).ok, false)
    const { id } = await house.mailbox(ben)
    assert.equal(
      (await store.copy({ account: ben, from: secret.id, uids: everything, to: id, now: 0 })).ok,
      false,
    )
    assert.equal(
      (await store.move({ account: ben, from: secret.id, uids: everything, to: id, now: 0 })).ok,
      false,
    )
    assert.deepEqual(await house.uids(ann, secret.id), [1, 2])
  })

  test('property: accounts made, filled and removed at random never show another`s mail', async (house) => {
    const ids = new Set<AccountId>()
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(3), fc.nat(2)), { maxLength: 18 }), (steps) =>
        comeAndGo(house, steps, ids),
      ),
      { numRuns: 6 },
    )
  })
}

async function comeAndGo(
  house: House,
  steps: readonly (readonly [number, number])[],
  ids: Set<AccountId>,
): Promise<void> {
  const living = new Map<string, AccountId>()
  for (const [kind, who] of steps) {
    const name = `name${who}`
    const id = living.get(name)
    if (id === undefined) {
      const made = await house.account(name)
      assert.ok(!ids.has(made), 'an id is never given again')
      ids.add(made)
      living.set(name, made)
    } else if (kind === 0) {
      await house.store.removeAccount(id)
      living.delete(name)
    } else {
      await house.deliver([...living.values()], letter(`to ${[...living.values()].join(' ')}`))
    }
  }
  for (const id of living.values()) {
    const inbox = await house.mailbox(id)
    for (const one of await house.uids(id, inbox.id)) {
      const text = (await house.text(id, inbox.id, uid(one))).toString()
      assert.ok(text.startsWith(`Return-Path: <a@example.org>\r\nDelivered-To: ${id}@`))
      assert.match(text, new RegExp(`Subject: to (\\d+ )*${id}( \\d+)*\r\n`))
    }
  }
  for (const id of living.values()) await house.store.removeAccount(id)
}

function byOctets(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other))
}
