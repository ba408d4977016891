// What the store promises beside the mail: leases, garbage collection, an audit that finds nothing, closing in order, and
// arguments that mean to do harm.
import assert from 'node:assert/strict'
import { Flag, type AccountId } from '../../src/store/model.ts'
import {
  assertBytes,
  everything,
  largeBytes,
  letter,
  noCredentials,
  noQuota,
  uid,
  type House,
  type Room,
} from './house.ts'

export function upkeepContract(test: Room): void {
  leaseContract(test)
  garbageContract(test)
  closeContract(test)
  hostileContract(test)
}

function leaseContract(test: Room): void {
  test('a lease has one holder until it is released or expires', async (house) => {
    const account = await house.account()
    const take = (holder: string, now: number, name = 'maildrop'): Promise<boolean> =>
      house.store.acquireLease({ account, name, holder, now, expiresAt: now + 100 })
    const release = (holder: string): Promise<void> =>
      house.store.releaseLease({ account, name: 'maildrop', holder })
    assert.equal(await take('one', 1_000), true)
    assert.equal(await take('two', 1_050), false)
    assert.equal(await take('two', 1_050, 'another'), true)
    assert.equal(await take('one', 1_050), true, 'its holder renews it')
    assert.equal(await take('two', 1_120), false, 'renewed until 1150')
    await release('two')
    assert.equal(await take('two', 1_130), false, 'only its holder releases it')
    assert.equal(await take('two', 1_151), true, 'it expired')
    await release('one')
    assert.equal(await take('one', 1_152), false)
    await release('two')
    assert.equal(await take('one', 1_152), true)
  })

  test('of many who want a lease at once, one gets it', async (house) => {
    const account = await house.account()
    const wanted = Array.from({ length: 12 }, (_, index) =>
      house.store.acquireLease({ account, name: 'maildrop', holder: `h${index}`, now: 0, expiresAt: 100 }),
    )
    assert.equal((await Promise.all(wanted)).filter(Boolean).length, 1)
    const other = await house.account('ben')
    const lease = { account: other, name: 'maildrop', holder: 'x', now: 0, expiresAt: 100 }
    assert.equal(await house.store.acquireLease(lease), true, 'each account has its own')
  })
}

function garbageContract(test: Room): void {
  test('blobs stay while a message names them, and are collected after', async (house) => {
    const [ann, ben] = [await house.account('ann'), await house.account('ben')]
    await house.deliver([ann, ben], letter('small'))
    await house.deliver([ann, ben], largeBytes(300_000))
    const collect = async (): Promise<{ blobs: number }> => house.store.collectGarbage({ now: house.now })
    await collect()
    const inboxes = [await house.mailbox(ann), await house.mailbox(ben)] as const
    await house.store.expunge({ account: ann, mailbox: inboxes[0].id, which: 'regardless' })
    await collect()
    assert.equal((await house.text(ben, inboxes[1].id, uid(2))).length > 300_000, true)
    const sent = await house.mailbox(ben, 'Sent')
    await house.store.copy({ account: ben, from: inboxes[1].id, uids: everything, to: sent.id, now: 0 })
    await house.store.expunge({ account: ben, mailbox: inboxes[1].id, which: 'regardless' })
    await collect()
    assert.ok((await house.text(ben, sent.id, uid(1))).includes('small'))
    await house.store.expunge({ account: ben, mailbox: sent.id, which: 'regardless' })
    await house.audit()
    await collect()
    await house.audit()
    assert.deepEqual(await collect(), { blobs: 0, files: 0, tombstones: 0 })
    await house.deliver([ann], largeBytes(300_001))
    assert.equal((await house.text(ann, inboxes[0].id, uid(3))).length > 300_001, true)
  })

  test('what is staged while garbage is collected is not garbage', async (house) => {
    const account = await house.account()
    const message = await house.stage(largeBytes(400_000))
    await house.store.collectGarbage({ now: house.now })
    const targets = [{ account, prefix: '' }]
    assert.ok((await house.store.deliver({ message, internalDate: 0, targets })).ok)
    await house.store.collectGarbage({ now: house.now })
    assertBytes(await house.text(account, (await house.mailbox(account)).id, uid(1)), largeBytes(400_000))
  })

  test('the audit tells its progress', async (house) => {
    await house.account('ann')
    await house.account('ben')
    const told: [number, number][] = []
    await house.store.audit({ onProgress: (done, total) => told.push([done, total]) })
    const last = told.at(-1)
    assert.ok(last)
    assert.equal(last[0], last[1])
  })
}

function closeContract(test: Room): void {
  test(
    'close commits what is under way; what comes after is refused, and closing twice is fine',
    async (house) => {
      const account = await house.account()
      const message = await house.stage(letter('last'))
      const targets = [{ account, prefix: '' }]
      const underWay = Array.from({ length: 5 }, () =>
        house.store.deliver({ message, internalDate: 0, targets }),
      )
      const closed = house.store.close()
      assert.ok((await Promise.all(underWay)).every((delivered) => delivered.ok))
      await closed
      await house.store.close()
      await assert.rejects(house.store.deliver({ message, internalDate: 0, targets }), {
        name: 'StoreUnavailable',
      })
      await assert.rejects(house.store.listMailboxes(account), { name: 'StoreUnavailable' })
      if (house.opened.reopen) {
        const again = await house.opened.reopen()
        const inbox = await again.findMailbox({ account, name: 'INBOX' })
        assert.equal(inbox?.messages, 5)
        assert.deepEqual(await again.audit(), [])
        await again.close()
      }
    },
    { closes: true },
  )

  test(
    'everything is there after a restart',
    async (house) => {
      const account = await house.account()
      await house.deliver([account], letter('small'))
      await house.deliver([account], largeBytes(300_000))
      const inbox = await house.mailbox(account)
      await house.setFlags({ account, mailbox: inbox.id, uids: [[1, 1]], flags: Flag.seen, keywords: ['k'] })
      const before = await house.messages(account, inbox.id)
      if (!house.opened.reopen) return
      await house.store.close()
      const again = await house.opened.reopen()
      const uids = everything
      const after = await Array.fromAsync(again.messages({ account, mailbox: inbox.id, uids }))
      assert.deepEqual(after.flat(), before)
      const texts = await Array.fromAsync(again.messageTexts({ account, mailbox: inbox.id, uids }))
      const blob = texts.flat()[1]?.blob
      assert.ok(blob !== undefined)
      assertBytes(Buffer.concat(await Array.fromAsync(again.blobs.read(blob))), largeBytes(300_000))
      assert.deepEqual(await again.audit(), [])
      await again.close()
    },
    { closes: true },
  )
}

/** What a stranger may get into a text argument one day, whoever was to keep it out. */
const hostile: Record<string, string> = {
  'a quote and a statement': `'; DROP TABLE message; --`,
  'double quotes and a backslash': `"a\\' OR "1"="1`,
  'an emoji and combining marks': '📬é👩‍👩‍👧',
  'LIKE wildcards': '%_%\\%',
  'parameter marks': '$1 ?1 :name @x ${y}',
  'a name of 10 KB': 'n'.repeat(10_000),
  'a NUL': 'a\0b',
  'what an escape of NUL may look like': '\\0 \u{f8ff}0 \u{10fffe}',
  'line ends and controls': 'a\r\nb\tc\u0001\u007f',
  'a direction override': '\u202eevil\u202c',
}

function hostileContract(test: Room): void {
  for (const [what, text] of Object.entries(hostile)) {
    test(`hostile text is only text: ${what}`, async (house) => {
      const account = await house.account()
      await mailboxNamed(house, account, text)
      await messageSaying(house, account, text)
      await addressesLike(house, account, text)
      assert.ok(await house.store.findMailbox({ account, name: 'INBOX' }), 'the rest is as it was')
    })
  }

  test('numbers beyond what can be are refused or find nothing, and break nothing', async (house) => {
    const account = await house.account()
    const { id } = await house.mailbox(account)
    await house.deliver([account])
    for (const uids of [[[0, 0]], [[2, 1]], [[1, 2 ** 40]]] as const) {
      await house.messages(account, id, uids).catch(() => undefined)
    }
    for (const odd of [-1, 0, 2 ** 53 - 1]) {
      assert.equal(await house.store.getAccount(odd as AccountId), undefined)
      assert.deepEqual(await house.store.listMailboxes(odd as AccountId), [])
    }
    assert.deepEqual(await house.uids(account, id), [1])
  })
}

async function mailboxNamed(house: House, account: AccountId, text: string): Promise<void> {
  const { store } = house
  const made = await store.createMailbox({ account, name: text, now: 0 })
  assert.ok(made.ok)
  assert.equal(made.mailbox.name, text)
  assert.equal((await store.findMailbox({ account, name: text }))?.id, made.mailbox.id)
  const child = await store.createMailbox({ account, name: `${text}/inner`, now: 0 })
  assert.ok(child.ok)
  await house.create(account, 'innocent/inner')
  await store.setSubscription({ account, name: text, subscribed: true })
  assert.ok((await store.subscriptions(account)).includes(text))
  const renamed = await store.renameMailbox({ account, mailbox: made.mailbox.id, name: `to ${text}`, now: 0 })
  assert.ok(renamed.ok)
  assert.equal((await store.getMailbox({ account, mailbox: child.mailbox.id }))?.name, `to ${text}/inner`)
  assert.ok(await store.findMailbox({ account, name: 'innocent/inner' }))
}

async function messageSaying(house: House, account: AccountId, text: string): Promise<void> {
  const { store } = house
  const mailbox = (await house.create(account, 'box')).id
  const { blob } = await house.stage(text)
  const message = { blob, structure: text }
  const keyword = text.replaceAll(' ', '').slice(0, 100)
  const messages = [{ message, flags: 0, keywords: keyword, internalDate: 0 }]
  assert.ok((await store.append({ account, mailbox, messages, now: 0 })).ok)
  const target = { account, mailbox: { name: 'box', create: false }, prefix: `X: ${text}\r\n` }
  assert.ok((await store.deliver({ message, internalDate: 0, targets: [target] })).ok)
  const rows = (await Array.fromAsync(store.messageTexts({ account, mailbox, uids: everything }))).flat()
  assert.deepEqual(
    rows.map((row) => [row.structure, row.keywords, row.prefix]),
    [
      [text, keyword, ''],
      [text, '', target.prefix],
    ],
  )
  assert.equal((await house.text(account, mailbox, uid(2))).toString(), `X: ${text}\r\n${text}`)
  await house.setFlags({ account, mailbox, uids: [[2, 2]], keywords: [keyword] })
  assert.equal((await house.messages(account, mailbox))[1]?.keywords, keyword)
  const lease = { account, name: text, holder: text, now: 0, expiresAt: 9 }
  assert.equal(await store.acquireLease(lease), true)
  assert.equal(await store.acquireLease({ ...lease, holder: 'x' }), false)
  await store.releaseLease(lease)
}

async function addressesLike(house: House, account: AccountId, text: string): Promise<void> {
  const { store, now } = house
  // The last @ is what divides an address.
  const [local, domain] = [text.replaceAll('@', ''), `${text.replaceAll('@', '')}.test`]
  assert.ok((await store.addDomain({ name: domain, now })).ok)
  assert.equal(await store.hasDomain(domain), true)
  const targets = [`${local}@${domain}`, 'ann@house.test']
  assert.ok((await store.setAlias({ address: `${local}@house.test`, targets, now })).ok)
  assert.deepEqual(await store.findAddress(`${local}@house.test`), { type: 'alias', targets, owner: null })
  const credentials = { ...noCredentials, argon2id: text }
  const address = `${local}@${domain}`
  const made = await store.addAccount({ address, credentials, quota: noQuota, mailboxes: [], now })
  assert.ok(made.ok && made.account.id !== account)
  const found = await store.credentialsOf(address)
  assert.deepEqual([found?.account.address, found?.credentials], [address, credentials])
  assert.ok((await store.removeAccount(made.account.id)).ok)
  assert.ok((await store.removeDomain(domain)).ok)
}
