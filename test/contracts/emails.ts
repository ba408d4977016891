// What the store promises of mail by email (`src/store/emails.ts`): places with what belongs to their emails, texts, and what departed.
import assert from 'node:assert/strict'
import { Flag, type AccountId, type EmailId, type MailboxId, type ModSeq } from '../../src/store/model.ts'
import { everything, type House, letter, type Room } from './house.ts'

async function places(
  house: House,
  account: AccountId,
  mailbox: MailboxId,
  uids = everything,
): Promise<unknown[]> {
  const found: unknown[] = []
  for await (const batch of house.store.emailPlaces({ account, mailbox, uids })) {
    for (const [at, uid] of batch.uids.entries()) {
      const words = batch.keywords.get(at) ?? ''
      found.push([uid, batch.flags[at], words, batch.emails[at], batch.threads[at], batch.receivedAt[at]])
    }
  }
  return found
}

async function departures(house: House, account: AccountId, since = 0): Promise<string[]> {
  const told = await house.store.departuresSince({ account, since: since as ModSeq })
  assert.equal(told.complete, true)
  return told.departures.map(({ mailbox, email, thread }) => `${mailbox}: ${email} of ${thread}`)
}

export function emailContract(test: Room): void {
  test('places are told with flags, keywords, email and thread, in order of UID', async (house) => {
    const account = await house.account()
    const { id: inbox } = await house.mailbox(account)
    const { id: sent } = await house.mailbox(account, 'Sent')
    const { now } = house
    await house.append(account, inbox, { count: 3, keywords: 'b', flags: Flag.seen })
    await house.setFlags({ account, mailbox: inbox, uids: [[2, 2]], flags: Flag.flagged, keywords: ['A'] })
    await house.store.copy({ account, from: inbox, to: sent, uids: [[3, 3]], now })
    assert.deepEqual(await places(house, account, inbox), [
      [1, Flag.seen, 'b', 1, 1, now],
      [2, Flag.seen | Flag.flagged, 'A b', 2, 2, now + 1],
      [3, Flag.seen, 'b', 3, 3, now + 2],
    ])
    assert.deepEqual(
      await places(house, account, inbox, [
        [1, 1],
        [3, 9],
      ]),
      [
        [1, Flag.seen, 'b', 1, 1, now],
        [3, Flag.seen, 'b', 3, 3, now + 2],
      ],
    )
    assert.deepEqual(await places(house, account, sent), [[1, Flag.seen, 'b', 3, 3, now + 2]])
    assert.deepEqual(await places(house, account, 99 as MailboxId), [])
  })

  test('very many places come in batches, each once', async (house) => {
    const account = await house.account()
    const { id: inbox } = await house.mailbox(account)
    for (let round = 0; round < 3; round++) await house.append(account, inbox, { count: 700 })
    await house.store.expunge({ account, mailbox: inbox, uids: [[5, 9]], which: 'regardless' })
    const found = await places(house, account, inbox)
    assert.equal(found.length, 2_095)
    assert.equal(
      (
        await places(house, account, inbox, [
          [1, 4],
          [10, 2_100],
        ])
      ).length,
      2_095,
    )
  })

  test('texts are found by email', async (house) => {
    const account = await house.account()
    await house.deliver([account], letter('one'))
    await house.deliver([account], letter('two'))
    const emails = [2, 9, 1] as EmailId[]
    const texts = (await Array.fromAsync(house.store.emailTexts({ account, emails, data: true }))).flat()
    assert.deepEqual(
      texts.map(({ email }) => email),
      [1, 2],
    )
    assert.equal(Buffer.from(texts[0]?.data ?? []).toString(), letter('one'))
    const [bare] = (await Array.fromAsync(house.store.emailTexts({ account, emails }))).flat()
    assert.equal(bare?.data, undefined)
    assert.match(bare?.prefix ?? '', /^Return-Path/)
  })

  test('what leaves, by whatever way, departs once', async (house) => {
    const account = await house.account()
    const { id: inbox } = await house.mailbox(account)
    const { id: sent } = await house.mailbox(account, 'Sent')
    const { store, now } = house
    await house.append(account, inbox, { count: 5 })
    assert.deepEqual(await departures(house, account), [])
    await house.setFlags({ account, mailbox: inbox, uids: [[1, 2]], flags: Flag.deleted })
    const hidden = [`${inbox}: 1 of 1`, `${inbox}: 2 of 2`]
    assert.deepEqual(await departures(house, account), hidden)
    await house.setFlags({ account, mailbox: inbox, uids: [[2, 2]], mode: 'remove', flags: Flag.deleted })
    await store.expunge({ account, mailbox: inbox, which: 'deleted' })
    assert.deepEqual(await departures(house, account), hidden)
    const { modSeq } = await house.accountOf(account)
    await store.move({ account, from: inbox, to: sent, uids: [[3, 3]], now })
    await store.expunge({ account, mailbox: inbox, uids: [[4, 4]], which: 'regardless' })
    await store.removeMailbox({ account, mailbox: sent })
    assert.deepEqual(await departures(house, account, modSeq), [
      ...[`${inbox}: 3 of 3`, `${inbox}: 4 of 4`, `${sent}: 3 of 3`],
    ])
    const [two] = await Array.fromAsync(store.emailPlaces({ account, mailbox: inbox, uids: [[2, 2]] }))
    assert.ok(two && (two.shownSince[0] ?? 0) > (two.modSeqs[0] ?? 0) - 1)
  })

  test('mailboxes with their dates, and what else changed of them', async (house) => {
    const account = await house.account()
    const { store } = house
    const { modSeq } = await house.accountOf(account)
    const box = await house.create(account, 'box')
    const gone = await house.create(account, 'gone')
    await store.removeMailbox({ account, mailbox: gone.id })
    await store.setSubscription({ account, name: 'box', subscribed: true })
    const dated = await store.datedMailboxes(account)
    assert.deepEqual(dated.map(({ mailbox }) => mailbox.name).toSorted(), [
      'Drafts',
      'INBOX',
      'Sent',
      'Trash',
      'box',
    ])
    const made = dated.find(({ mailbox }) => mailbox.id === box.id)
    assert.ok(made && made.createdModSeq > modSeq && made.changedModSeq === made.createdModSeq)
    const news = await store.mailboxNewsSince({ account, since: modSeq })
    assert.deepEqual(
      [news.removed.map(({ mailbox }) => mailbox), news.subscriptions.map(({ name }) => name)],
      [[gone.id], ['box']],
    )
    const [removed] = news.removed
    assert.ok(removed && removed.createdModSeq > made.createdModSeq && removed.createdModSeq < removed.modSeq)
    assert.equal(news.modSeq, (await house.accountOf(account)).modSeq)
  })

  test('departures are forgotten with the tombstones', async (house) => {
    const account = await house.account()
    const { id: inbox } = await house.mailbox(account)
    await house.append(account, inbox, { count: 1 })
    await house.store.expunge({ account, mailbox: inbox, which: 'regardless' })
    const { now, store } = house
    await store.collectGarbage({ now })
    await store.collectGarbage({ now: now + 400 * 24 * 3_600_000 })
    const told = await store.departuresSince({ account, since: 0 as ModSeq })
    assert.deepEqual([told.departures, told.complete], [[], false])
  })
}
