// What the store promises of mail that goes to another account's mailbox, of what replaces other mail, of when a message came,
// and of what sessions ask of a mailbox at once.
import assert from 'node:assert/strict'
import { Flag, type AccountId, type MailboxId, type ModSeq } from '../../src/store/model.ts'
import type { Transfer } from '../../src/store/store.ts'
import { everything, type House, letter, noQuota, type Room, uid } from './house.ts'

interface Scene {
  readonly ann: AccountId
  readonly ben: AccountId
  /** From Ann's INBOX to Ben's Sent, all of it. */
  readonly request: Transfer & { readonly toAccount: AccountId }
}

/** Three messages in Ann's INBOX, the first also as a copy of it there. */
async function twoAccounts(house: House): Promise<Scene> {
  const [ann, ben] = [await house.account('ann'), await house.account('ben')]
  const from = (await house.mailbox(ann)).id
  const to = (await house.mailbox(ben, 'Sent')).id
  for (const words of ['one', 'two', 'three']) await house.deliver([ann], letter(words))
  const { now } = house
  assert.ok((await house.store.copy({ account: ann, from, to: from, uids: [[1, 1]], now })).ok)
  await house.setFlags({ account: ann, mailbox: from, flags: Flag.flagged, keywords: ['Work'] })
  return { ann, ben, request: { account: ann, from, uids: everything, to, toAccount: ben, now: now + 5 } }
}

async function emails(house: House, account: AccountId, mailbox: MailboxId): Promise<number[]> {
  return [...(await house.store.loadEmails({ account, mailbox })).emails]
}

export function transferContract(test: Room): void {
  test('a copy to another account is mail of its own there, of as many emails', async (house) => {
    const { ann, ben, request } = await twoAccounts(house)
    await house.deliver([ben])
    const before = await house.accountOf(ann)
    using told = house.listen(ben)
    const copied = await house.store.copy(request)
    assert.ok(copied.ok)
    assert.deepEqual([copied.from, copied.to], [[1, 2, 3, 4], [1, 2, 3, 4]]) // prettier-ignore
    const sent = await house.mailbox(ben, 'Sent')
    assert.deepEqual([copied.modSeq, copied.uidValidity], [sent.modSeq, sent.uidValidity])
    assert.deepEqual(await emails(house, ben, sent.id), [2, 3, 4, 2])
    const rows = await house.messages(ben, sent.id)
    assert.deepEqual(
      rows.map(({ flags, keywords, savedAt }) => [flags, keywords, savedAt]),
      rows.map(() => [Flag.flagged, 'Work', house.now + 5]),
    )
    assert.equal(
      (await house.text(ben, sent.id, uid(3))).toString(),
      (await house.text(ann, request.from, uid(3))).toString(),
    )
    const after = await house.accountOf(ann)
    assert.deepEqual([after.used, after.modSeq], [before.used, before.modSeq], 'the source is as it was')
    await told.settle()
    assert.deepEqual(told.changes.map(({ type }) => type), Array(4).fill('message-added')) // prettier-ignore
  })

  test('a move to another account takes it away here, and both hear of it', async (house) => {
    const { ann, ben, request } = await twoAccounts(house)
    using left = house.listen(ann)
    using came = house.listen(ben)
    const moved = await house.store.move({ ...request, uids: [[1, 2]] })
    assert.ok(moved.ok)
    assert.deepEqual(await house.uids(ann, request.from), [3, 4])
    assert.deepEqual(await house.uids(ben, request.to), [1, 2])
    await Promise.all([left.settle(), came.settle()])
    assert.deepEqual(left.changes, [
      {
        type: 'messages-expunged',
        account: ann,
        mailbox: request.from,
        modSeq: (await house.mailbox(ann)).modSeq,
        uids: [1, 2],
      },
    ])
    assert.equal(came.changes.length, 2)
    await house.store.removeAccount(ann)
    assert.ok((await house.text(ben, request.to, uid(2))).includes('two'), 'it lives on without its source')
  })

  test('what does not fit into the other account stays, whole', async (house) => {
    const { ann, ben, request } = await twoAccounts(house)
    const size = (await house.messages(ann, request.from)).slice(0, 3).reduce((sum, row) => sum + row.size, 0)
    const quotas = [
      { ...noQuota, bytes: size - 1 },
      { ...noQuota, messages: 3 },
    ]
    for (const quota of quotas) {
      await house.store.updateAccount({ id: ben, quota })
      const refused = { ok: false, reason: 'over-quota' }
      assert.deepEqual(await house.store.move(request), refused)
      assert.deepEqual(await house.store.copy(request), refused)
    }
    assert.deepEqual(await house.uids(ann, request.from), [1, 2, 3, 4])
    // Messages of one email are charged once.
    await house.store.updateAccount({ id: ben, quota: { ...noQuota, bytes: size, messages: 4 } })
    assert.ok((await house.store.move(request)).ok)
    assert.deepEqual((await house.accountOf(ann)).used, { bytes: 0, messages: 0 })
    assert.deepEqual((await house.accountOf(ben)).used, { bytes: size, messages: 4 })
  })

  test('to nowhere, from nowhere, of nothing', async (house) => {
    const { request } = await twoAccounts(house)
    const nowhere = 4_711 as MailboxId
    for (const wrong of [{ to: nowhere }, { from: nowhere }, { toAccount: 4_711 as AccountId }]) {
      const refused = { ok: false, reason: 'no-such-mailbox' }
      assert.deepEqual(await house.store.copy({ ...request, ...wrong }), refused)
      assert.deepEqual(await house.store.move({ ...request, ...wrong }), refused)
    }
    const none = await house.store.move({ ...request, uids: [[99, 99]] })
    assert.ok(none.ok)
    assert.deepEqual(none.to, [])
  })

  test('flags for which the right lacks stay behind', async (house) => {
    const { ann, ben, request } = await twoAccounts(house)
    const drafts = (await house.mailbox(ann, 'Drafts')).id
    await house.setFlags({ account: ann, mailbox: request.from, flags: Flag.seen })
    for (const place of [request, { ...request, toAccount: ann, to: drafts }]) {
      assert.ok((await house.store.copy({ ...place, flags: Flag.seen, keywords: 'none' })).ok)
      const account = place.toAccount
      for (const { flags, keywords } of await house.messages(account, place.to)) {
        assert.deepEqual([flags, keywords], [Flag.seen, ''])
      }
    }
    assert.equal((await house.mailbox(ben, 'Sent')).unseen, 0)
  })

  test("moves of two accounts into each other at once do not stand in each other's way", async (house) => {
    const { ann, ben, request } = await twoAccounts(house)
    for (let index = 0; index < 5; index++) await house.deliver([ben])
    const back = { ...request, account: ben, toAccount: ann, from: (await house.mailbox(ben)).id }
    const to = (await house.mailbox(ann, 'Sent')).id
    const tasks = [1, 2, 3, 4].flatMap((one) => [
      house.store.move({ ...request, uids: [[one, one]] }),
      house.store.move({ ...back, to, uids: [[one, one]] }),
    ])
    for (const moved of await Promise.all(tasks)) assert.ok(moved.ok)
    assert.equal((await house.uids(ann, to)).length, 4)
    assert.equal((await house.uids(ben, request.to)).length, 4)
  })

  test('more than a batch goes to another account', async (house) => {
    const { ann, ben, request } = await twoAccounts(house)
    await house.append(ann, request.from, { count: 1_200, content: letter('many') })
    const copied = await house.store.copy(request)
    assert.ok(copied.ok)
    assert.equal(copied.to.length, 1_204)
    assert.equal((await house.accountOf(ben)).used.messages, 1_204)
  })

  test('what replaces a message takes its place in one commit, and its room', async (house) => {
    const account = await house.account()
    const { id: mailbox } = await house.mailbox(account, 'Drafts')
    const { now } = house
    await house.append(account, mailbox, { content: letter('first draft') })
    const message = await house.stage(letter('a draft'))
    await house.store.updateAccount({
      id: account,
      quota: { ...noQuota, messages: 1, bytes: message.blob.size + 9 },
    })
    const messages = [{ message, flags: Flag.draft, keywords: '', internalDate: now }]
    const request = { account, mailbox, messages, now }
    assert.deepEqual(await house.store.append(request), { ok: false, reason: 'over-quota' })
    using told = house.listen(account)
    const replaced = await house.store.append({ ...request, replaces: { mailbox, uid: uid(1) } })
    assert.ok(replaced.ok)
    assert.deepEqual(await house.uids(account, mailbox), [2])
    await told.settle()
    assert.deepEqual(
      told.changes.map((change) => [change.type, 'modSeq' in change && change.modSeq]),
      [
        ['message-added', replaced.modSeq],
        ['messages-expunged', replaced.modSeq],
      ],
    )
    for (const replaces of [
      { mailbox, uid: uid(1) },
      { mailbox: 4_711 as MailboxId, uid: uid(2) },
    ]) {
      assert.deepEqual(await house.store.append({ ...request, replaces }), { ok: false, reason: 'not-there' })
    }
    assert.equal((await house.accountOf(account)).used.messages, 1)
  })

  test("what replaces a message may stand in another account's mailbox", async (house) => {
    const { ann, ben, request } = await twoAccounts(house)
    const { now } = house
    const appended = await house.store.append({
      account: ben,
      mailbox: request.to,
      messages: [{ message: await house.stage(letter('x')), flags: 0, keywords: '', internalDate: now }],
      replaces: { account: ann, mailbox: request.from, uid: uid(2) },
      now,
    })
    assert.ok(appended.ok)
    assert.deepEqual(await house.uids(ann, request.from), [1, 3, 4])
    assert.equal((await house.accountOf(ann)).used.messages, 3)
  })

  test('a message knows when it came into its mailbox', async (house) => {
    const account = await house.account()
    const { now } = house
    const [inbox, sent] = [await house.mailbox(account), await house.mailbox(account, 'Sent')]
    await house.deliver([account])
    const messages = [now - 1_000_000, now + 1_000].map((internalDate) => ({
      internalDate,
      flags: 0,
      keywords: '',
    }))
    const staged = await house.stage(letter('x'))
    const request = { account, mailbox: inbox.id, now }
    assert.ok(
      (
        await house.store.append({
          ...request,
          messages: messages.map((row) => ({ ...row, message: staged })),
        })
      ).ok,
    )
    assert.deepEqual((await house.messages(account, inbox.id)).map(({ savedAt }) => savedAt), [now, now, now]) // prettier-ignore
    const place = { account, from: inbox.id, to: sent.id, uids: everything }
    await house.store.copy({ ...place, now: now + 1 })
    await house.store.move({ ...place, now: now + 2 })
    const rows = await house.messages(account, sent.id)
    assert.deepEqual(rows.map(({ savedAt }) => (savedAt ?? 0) - now), [1, 1, 1, 2, 2, 2]) // prettier-ignore
    assert.deepEqual(rows.map(({ internalDate }) => internalDate - now).slice(3), [0, -1_000_000, 1_000]) // prettier-ignore
  })

  test('modseqs, what vanished, and what waits for expunging are read at once', async (house) => {
    const account = await house.account()
    const { id: mailbox } = await house.mailbox(account)
    const place = { account, mailbox }
    const empty = await house.store.loadModSeqs(place)
    assert.deepEqual([empty.uids.length, empty.modSeqs.length], [0, 0])
    for (let index = 0; index < 6; index++) await house.deliver([account])
    const rows = await house.messages(account, mailbox)
    const before = (await house.mailbox(account)).modSeq
    const all = await house.store.loadModSeqs(place)
    assert.deepEqual([...all.uids], rows.map((row) => row.uid)) // prettier-ignore
    assert.deepEqual([...all.modSeqs], rows.map((row) => row.modSeq)) // prettier-ignore
    const sizes = await house.store.loadSizes(place)
    assert.deepEqual([...sizes.uids], rows.map((row) => row.uid)) // prettier-ignore
    assert.deepEqual([...sizes.sizes], rows.map((row) => row.size)) // prettier-ignore
    await house.setFlags({ ...place, uids: [[2, 2], [4, 6]], flags: Flag.deleted }) // prettier-ignore
    assert.deepEqual([...(await house.store.loadModSeqs({ ...place, above: before })).uids], [2, 4, 5, 6])
    assert.equal(await house.store.deletedBytes(place), 4 * (rows[0]?.size ?? 0))
    assert.deepEqual(await house.store.vanishedSince({ ...place, since: before }), {
      uids: [],
      complete: true,
    })
    const first = await house.store.expunge({ ...place, uids: [[4, 5]], which: 'deleted' })
    await house.store.expunge({ ...place, which: 'deleted' })
    const vanished = { uids: [[2, 2], [4, 6]], complete: true } // prettier-ignore
    assert.deepEqual(await house.store.vanishedSince({ ...place, since: before }), vanished)
    assert.deepEqual(
      (await house.store.vanishedSince({ ...place, since: first.modSeq })).uids,
      [[2, 2], [6, 6]], // prettier-ignore
    )
    assert.equal(await house.store.deletedBytes(place), 0)
    const hundredDays = 100 * 24 * 3_600_000
    await house.store.collectGarbage({ now: house.now })
    await house.store.collectGarbage({ now: house.now + hundredDays })
    const late = await house.store.vanishedSince({ ...place, since: 1 as ModSeq })
    assert.equal(late.complete, false)
  })

  test('a mailbox has a key of its own until it is reset', async (house) => {
    const { ann, ben } = await twoAccounts(house)
    const key = async (account: AccountId, octet: number): Promise<number | undefined> => {
      const mailbox = (await house.mailbox(account)).id
      const proposed = new Uint8Array(16).fill(octet)
      return (await house.store.urlKey({ account, mailbox, proposed }))?.[15]
    }
    assert.deepEqual([await key(ann, 1), await key(ann, 2), await key(ben, 3)], [1, 1, 3])
    await house.store.resetUrlKey({ account: ann, mailbox: (await house.mailbox(ann)).id })
    assert.deepEqual([await key(ann, 4), await key(ben, 5)], [4, 3])
    await house.store.resetUrlKey({ account: ben })
    assert.equal(await key(ben, 6), 6)
    const nowhere = { account: ann, mailbox: 99 as MailboxId, proposed: new Uint8Array(16) }
    assert.equal(await house.store.urlKey(nowhere), undefined)
    const proposed = new Uint8Array(15)
    await assert.rejects(
      house.store.urlKey({ account: ann, mailbox: (await house.mailbox(ann, 'Sent')).id, proposed }),
    )
  })
}
