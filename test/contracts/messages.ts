// What the store promises about messages in place: flags and keywords, CONDSTORE's `unchangedSince`, expunge, copy, move,
// and reading rows in batches.
import assert from 'node:assert/strict'
import { defaultStoreLimits } from '../../src/store/limits.ts'
import { Flag, type AccountId, type Mailbox, type MailboxId, type ModSeq } from '../../src/store/model.ts'
import type { UidSelection } from '../../src/store/store.ts'
import { everything, letter, uid, type House, type Room } from './house.ts'

export function messageContract(test: Room): void {
  flagContract(test)
  expungeContract(test)
  copyContract(test)
  readContract(test)
}

function flagContract(test: Room): void {
  test('flags and keywords are added, removed and replaced, and the counts follow', async (house) => {
    const { account, inbox } = await filled(house, 3)
    const set = async (
      mode: 'add' | 'remove' | 'replace',
      flags: number,
      keywords: readonly string[],
      uids: UidSelection = everything,
    ): Promise<(readonly [number, number, string])[]> => {
      const done = await house.store.setFlags({ account, mailbox: inbox.id, uids, mode, flags, keywords })
      assert.ok(done.ok)
      assert.deepEqual(done.refused, [])
      return (await house.messages(account, inbox.id)).map(
        (one) => [one.uid, one.flags, one.keywords] as const,
      )
    }
    const { seen, flagged, deleted } = Flag
    assert.deepEqual(await set('add', seen | deleted, ['work', 'Later'], [[1, 2]]), [
      [1, seen | deleted, 'Later work'],
      [2, seen | deleted, 'Later work'],
      [3, 0, ''],
    ])
    const counted = await house.mailbox(account)
    assert.deepEqual([counted.messages, counted.unseen, counted.deleted], [3, 1, 2])
    assert.deepEqual(await set('remove', deleted, ['WORK'], [[2, 3]]), [
      [1, seen | deleted, 'Later work'],
      [2, seen, 'Later'],
      [3, 0, ''],
    ])
    assert.deepEqual(await set('replace', flagged, ['b', 'a'], [[1, 1], [3, 3]]), [
      [1, flagged, 'a b'],
      [2, seen, 'Later'],
      [3, flagged, 'a b'],
    ]) // prettier-ignore
    assert.deepEqual(
      await set('replace', 0, []),
      [1, 2, 3].map((one) => [one, 0, '']),
    )
    const cleared = await house.mailbox(account)
    assert.deepEqual([cleared.unseen, cleared.deleted], [3, 0])
  })

  test('keywords have a limit in number and in length, whichever way they come', async (house) => {
    const { account, inbox } = await filled(house, 1)
    const { keywordsPerMessage: most, keywordLengthPerMessage: longest } = defaultStoreLimits
    const many = Array.from({ length: most + 1 }, (_, at) => `k${at}`)
    const message = await house.stage('x')
    for (const keywords of [many, ['k'.repeat(longest + 1)]]) {
      const set = await house.store.setFlags({
        ...{ account, mailbox: inbox.id, uids: everything, mode: 'add', flags: 0 },
        keywords,
      })
      assert.deepEqual(set, { ok: false, reason: 'too-many-keywords' })
      const appended = await house.store.append({
        ...{ account, mailbox: inbox.id },
        messages: [{ message, flags: 0, keywords: keywords.join(' '), internalDate: house.now }],
        now: house.now,
      })
      assert.deepEqual(appended, { ok: false, reason: 'too-many-keywords' })
    }
    await house.append(account, inbox.id, { keywords: many.slice(1).toSorted().join(' ') })
    assert.equal((await house.messages(account, inbox.id)).length, 2)
  })

  test('what an append remembers is there with its messages, and not without them', async (house) => {
    const { store, now } = house
    const account = await house.account('ann', { bytes: 100, messages: 2 })
    const inbox = await house.mailbox(account)
    const append = async (key: string) =>
      store.append({
        account,
        mailbox: inbox.id,
        messages: [
          { message: await house.stage('Subject: x\r\n\r\n'), flags: 0, keywords: '', internalDate: now },
        ],
        remembers: { kind: 'import', key, value: `${key} too`, expiresAt: now + 10 },
        now,
      })
    for (const key of ['b', 'a']) assert.ok((await append(key)).ok)
    assert.deepEqual(await append('c'), { ok: false, reason: 'over-quota' })
    const all = { kind: 'import', after: '', limit: 10, now }
    assert.deepEqual(await store.recallAll(all), [
      { key: 'a', value: 'a too' },
      { key: 'b', value: 'b too' },
    ])
    assert.deepEqual(await store.recallAll({ ...all, after: 'a', limit: 1 }), [{ key: 'b', value: 'b too' }])
    assert.deepEqual(await store.recallAll({ ...all, now: now + 10 }), [])
    assert.deepEqual(await store.recallAll({ ...all, kind: 'other' }), [])
  })

  test('keywords keep their case and are compared without it', async (house) => {
    const { account, inbox } = await filled(house, 1)
    await house.setFlags({ account, mailbox: inbox.id, keywords: ['$Forwarded'] })
    await house.setFlags({ account, mailbox: inbox.id, keywords: ['$FORWARDED', 'x', 'X'] })
    const [message] = await house.messages(account, inbox.id)
    assert.equal(message?.keywords.toLowerCase(), '$forwarded x')
    assert.ok(message.keywords.startsWith('$Forwarded'), 'the case of the first stays')
  })

  test('a change takes one modseq that mailbox and account take too; no change takes none', async (house) => {
    const { account, inbox } = await filled(house, 3)
    const before = await house.accountOf(account)
    await house.setFlags({ account, mailbox: inbox.id, uids: [[1, 2]], flags: Flag.seen })
    const messages = await house.messages(account, inbox.id)
    const after = await house.accountOf(account)
    assert.ok(after.modSeq > before.modSeq)
    assert.deepEqual(
      messages.map((message) => message.modSeq === after.modSeq),
      [true, true, false],
    )
    assert.equal((await house.mailbox(account)).modSeq, after.modSeq)
    await house.setFlags({ account, mailbox: inbox.id, uids: [[1, 2]], flags: Flag.seen })
    assert.equal((await house.accountOf(account)).modSeq, after.modSeq)
    assert.equal((await house.mailbox(account, 'Sent')).modSeq < after.modSeq, true)
  })

  test('flags of very many messages at once are as those of few', async (house) => {
    const { account, inbox } = await filled(house, 1)
    const message = { message: await house.stage('x'), flags: 0, keywords: '', internalDate: house.now }
    const messages = Array.from({ length: 150 }, (_, at) => ({ ...message, keywords: at === 9 ? 'k' : '' }))
    assert.ok((await house.store.append({ account, mailbox: inbox.id, messages, now: house.now })).ok)
    const place = { account, mailbox: inbox.id }
    const since = (await house.mailbox(account)).modSeq
    await house.setFlags({ ...place, flags: Flag.seen })
    const modSeq = (await house.mailbox(account)).modSeq
    await house.setFlags({ ...place, uids: [[2, 140]], flags: Flag.deleted })
    assert.equal((await house.messages(account, inbox.id))[10]?.keywords, 'k')
    const young = await house.store.loadModSeqs({ ...place, above: modSeq })
    assert.deepEqual([young.uids[0], young.uids.length], [2, 139])
    const { changes } = await house.store.changesSince({ account, since, limit: 1 })
    assert.equal(changes.length, 12)
    assert.ok(changes.every((change) => 'modSeq' in change && change.modSeq === modSeq))
    const copied = await house.store.copy({ account, from: inbox.id, uids: [[1, 3]], to: inbox.id, now: 0 })
    assert.ok(copied.ok)
    await house.setFlags({ ...place, uids: [[5, 5]], mode: 'remove', flags: Flag.deleted })
    const { uids } = await house.store.expunge({ ...place, which: 'deleted' })
    assert.equal(uids.length, 138 + 2)
    const view = await house.store.loadView(place)
    assert.deepEqual(
      [...view.uids].map((one, at) => [one, view.flags[at]]),
      [1, 5, ...Array.from({ length: 11 }, (_, at) => 141 + at), 152].map((one) => [one, Flag.seen]),
    )
    const counted = await house.mailbox(account)
    assert.deepEqual([counted.messages, counted.unseen, counted.deleted], [14, 0, 0])
  })

  test('RFC 7162 §3.1.3: what changed since `unchangedSince` is left alone and told', async (house) => {
    const { account, inbox } = await filled(house, 3)
    const since = (await house.mailbox(account)).modSeq
    await house.setFlags({ account, mailbox: inbox.id, uids: [[2, 2]], flags: Flag.flagged })
    const request = { account, mailbox: inbox.id, uids: everything, mode: 'add', keywords: [] } as const
    const done = await house.store.setFlags({ ...request, flags: Flag.seen, unchangedSince: since })
    assert.ok(done.ok)
    assert.deepEqual(done.refused, [2])
    assert.deepEqual(
      done.changed.map(({ uid, flags }) => [uid, flags]),
      [
        [1, Flag.seen],
        [3, Flag.seen],
      ],
    )
    const flags = (await house.messages(account, inbox.id)).map((message) => message.flags)
    assert.deepEqual(flags, [Flag.seen, Flag.flagged, Flag.seen])
    const zero = await house.store.setFlags({ ...request, flags: Flag.draft, unchangedSince: 0 as ModSeq })
    assert.ok(zero.ok)
    assert.deepEqual([zero.changed.length, zero.refused.length], [0, 3])
  })

  test('flags of a mailbox that is not there are refused; of UIDs that are not there, nothing happens', async (house) => {
    const { account, inbox } = await filled(house, 1)
    const request = { account, uids: everything, mode: 'add', flags: Flag.seen, keywords: [] } as const
    assert.deepEqual(await house.store.setFlags({ ...request, mailbox: 4_711 as MailboxId }), {
      ok: false,
      reason: 'no-such-mailbox',
    })
    const none = await house.store.setFlags({ ...request, mailbox: inbox.id, uids: [[5, 9]] })
    assert.ok(none.ok)
    assert.deepEqual([none.changed, none.refused], [[], []])
  })

  test('more keywords than a message may have are refused, and nothing is changed', async (house) => {
    const { account, inbox } = await filled(house, 2)
    const keywords = Array.from({ length: 5_000 }, (_, index) => `keyword${index}`)
    const done = await house.store.setFlags({
      account,
      mailbox: inbox.id,
      uids: everything,
      mode: 'add',
      flags: Flag.seen,
      keywords,
    })
    assert.deepEqual(done, { ok: false, reason: 'too-many-keywords' })
    assert.deepEqual(
      (await house.messages(account, inbox.id)).map((message) => [message.flags, message.keywords]),
      [
        [0, ''],
        [0, ''],
      ],
    )
  })

  test('many flags at once: each message of a few thousand, in one change', async (house) => {
    const account = await house.account()
    const { id } = await house.mailbox(account)
    await house.append(account, id, { count: 1_500, content: 'x' })
    const done = await house.store.setFlags({
      account,
      mailbox: id,
      uids: everything,
      mode: 'add',
      flags: Flag.seen,
      keywords: [],
    })
    assert.ok(done.ok)
    assert.equal(done.changed.length, 1_500)
    assert.equal(new Set(done.changed.map((change) => change.modSeq)).size, 1)
    assert.equal((await house.mailbox(account)).unseen, 0)
  })
}

function expungeContract(test: Room): void {
  test('expunge takes those with \\Deleted, among the UIDs where it names some', async (house) => {
    const { account, inbox } = await filled(house, 5)
    await house.setFlags({ account, mailbox: inbox.id, uids: [[1, 1], [3, 4]], flags: Flag.deleted }) // prettier-ignore
    const request = { account, mailbox: inbox.id } as const
    const some = await house.store.expunge({ ...request, uids: [[2, 3]], which: 'deleted' })
    assert.deepEqual(some.uids, [3])
    const { modSeq } = await house.accountOf(account)
    assert.equal(some.modSeq, modSeq)
    assert.equal((await house.mailbox(account)).modSeq, modSeq)
    const all = await house.store.expunge({ ...request, which: 'deleted' })
    assert.deepEqual(all.uids, [1, 4])
    assert.deepEqual(await house.uids(account, inbox.id), [2, 5])
    const after = await house.mailbox(account)
    assert.deepEqual([after.messages, after.unseen, after.deleted, after.uidNext], [2, 2, 0, 6])
  })

  test('expunge regardless of flags, and of nothing', async (house) => {
    const { account, inbox } = await filled(house, 4)
    const request = { account, mailbox: inbox.id } as const
    const before = await house.accountOf(account)
    assert.deepEqual((await house.store.expunge({ ...request, which: 'deleted' })).uids, [])
    assert.deepEqual(
      (await house.store.expunge({ ...request, uids: [[9, 12]], which: 'regardless' })).uids,
      [],
    )
    assert.equal((await house.accountOf(account)).modSeq, before.modSeq)
    const gone = await house.store.expunge({ ...request, uids: [[2, 3]], which: 'regardless' })
    assert.deepEqual(gone.uids, [2, 3])
    assert.deepEqual((await house.store.expunge({ ...request, which: 'regardless' })).uids, [1, 4])
    assert.deepEqual((await house.accountOf(account)).used, { bytes: 0, messages: 0 })
    assert.equal((await house.deliver([account]))[0], 5, 'the UIDs of the expunged are not given again')
  })

  test('of a mailbox that is not there nothing is expunged', async (house) => {
    const { account } = await filled(house, 1)
    const nothing = await house.store.expunge({ account, mailbox: 4_711 as MailboxId, which: 'regardless' })
    assert.deepEqual(nothing.uids, [])
  })
}

function copyContract(test: Room): void {
  test('copies are the same email with flags of their own, and cost a message but no bytes', async (house) => {
    const { account, inbox } = await filled(house, 3)
    const sent = await house.mailbox(account, 'Sent')
    await house.append(account, sent.id)
    await house.setFlags({ account, mailbox: inbox.id, uids: [[2, 2]], flags: Flag.flagged, keywords: ['k'] })
    const before = await house.accountOf(account)
    const copied = await house.store.copy({
      account,
      from: inbox.id,
      uids: [[2, 9]],
      to: sent.id,
      now: house.now,
    })
    assert.ok(copied.ok)
    assert.deepEqual(
      [copied.from, copied.to, copied.uidValidity],
      [[2, 3], [2, 3], sent.uidValidity], // prettier-ignore
    )
    const [, second, third] = await house.messages(account, inbox.id)
    const [, copyOfSecond, copyOfThird] = await house.messages(account, sent.id)
    assert.ok(second && copyOfSecond && third && copyOfThird)
    assert.equal(copyOfSecond.email, second.email)
    assert.deepEqual(
      [copyOfSecond.flags, copyOfSecond.keywords, copyOfSecond.internalDate, copyOfSecond.size],
      [Flag.flagged, 'k', second.internalDate, second.size],
    )
    const after = await house.accountOf(account)
    assert.equal(after.used.messages, before.used.messages + 2)
    assert.equal(after.used.bytes, before.used.bytes)
    await house.setFlags({ account, mailbox: sent.id, uids: [[2, 2]], mode: 'replace', flags: Flag.seen })
    assert.equal((await house.messages(account, inbox.id))[1]?.flags, Flag.flagged)
    await house.store.expunge({ account, mailbox: inbox.id, which: 'regardless' })
    assert.ok((await house.text(account, sent.id, uid(3))).includes('letter 2'))
  })

  test('a copy into its own mailbox, of nothing, to nowhere, and over quota', async (house) => {
    const { account, inbox } = await filled(house, 2)
    const request = { account, from: inbox.id, uids: everything, to: inbox.id, now: house.now } as const
    const same = await house.store.copy(request)
    assert.ok(same.ok)
    assert.deepEqual([same.from, same.to], [[1, 2], [3, 4]]) // prettier-ignore
    const none = await house.store.copy({ ...request, uids: [[99, 99]] })
    assert.ok(none.ok)
    assert.deepEqual([none.from, none.to], [[], []])
    for (const wrong of [{ to: 4_711 as MailboxId }, { from: 4_711 as MailboxId }]) {
      const refused = await house.store.copy({ ...request, ...wrong })
      assert.deepEqual(refused, { ok: false, reason: 'no-such-mailbox' })
    }
    await house.store.updateAccount({ id: account, quota: { bytes: null, messages: 5 } })
    assert.deepEqual(await house.store.copy(request), { ok: false, reason: 'over-quota' })
    assert.deepEqual(await house.uids(account, inbox.id), [1, 2, 3, 4])
  })

  test('moving keeps email, flags and dates, empties the source and needs no quota', async (house) => {
    const { account, inbox } = await filled(house, 4)
    const trash = await house.mailbox(account, 'Trash')
    await house.append(account, trash.id)
    await house.store.updateAccount({ id: account, quota: { bytes: 1, messages: 1 } })
    await house.setFlags({ account, mailbox: inbox.id, uids: [[2, 2]], flags: Flag.seen, keywords: ['k'] })
    const before = await house.messages(account, inbox.id)
    const moved = await house.store.move({
      account,
      from: inbox.id,
      uids: [[2, 3]],
      to: trash.id,
      now: house.now,
    })
    assert.ok(moved.ok)
    assert.deepEqual([moved.from, moved.to], [[2, 3], [2, 3]]) // prettier-ignore
    assert.deepEqual(await house.uids(account, inbox.id), [1, 4])
    const strip = ({ email, flags, keywords, internalDate, size }: (typeof before)[number]): unknown => ({
      email,
      flags,
      keywords,
      internalDate,
      size,
    })
    assert.deepEqual(
      (await house.messages(account, trash.id)).slice(1).map(strip),
      before.slice(1, 3).map(strip),
    )
    const [source, target] = [await house.mailbox(account), await house.mailbox(account, 'Trash')]
    assert.deepEqual([source.messages, source.unseen, target.messages, target.unseen], [2, 2, 3, 2])
    assert.equal((await house.accountOf(account)).used.messages, 5)
  })

  test('a move within its own mailbox gives new UIDs', async (house) => {
    const { account, inbox } = await filled(house, 2)
    const moved = await house.store.move({
      account,
      from: inbox.id,
      uids: [[1, 1]],
      to: inbox.id,
      now: house.now,
    })
    assert.ok(moved.ok)
    assert.deepEqual([moved.from, moved.to], [[1], [3]])
    assert.deepEqual(await house.uids(account, inbox.id), [2, 3])
    const to = 4_711 as MailboxId
    const refused = await house.store.move({ account, from: inbox.id, uids: everything, to, now: house.now })
    assert.deepEqual(refused, { ok: false, reason: 'no-such-mailbox' })
    assert.deepEqual(await house.uids(account, inbox.id), [2, 3])
  })
}

function readContract(test: Room): void {
  test('rows come in order of UID and in batches, whatever ranges are asked for', async (house) => {
    const account = await house.account()
    const { id } = await house.mailbox(account)
    await house.append(account, id, { count: 1_200, content: 'x' })
    await house.store.expunge({ account, mailbox: id, uids: [[100, 200]], which: 'regardless' })
    const ranges: UidSelection = [[1, 1], [50, 120], [150, 160], [190, 1_100], [1_200, 4_294_967_295]] // prettier-ignore
    const expected: number[] = []
    for (const [first, last] of ranges) {
      for (let one = first; one <= Math.min(last, 1_200); one++)
        if (one < 100 || one > 200) expected.push(one)
    }
    let batches = 0
    const seen: number[] = []
    for await (const batch of house.store.messages({ account, mailbox: id, uids: ranges })) {
      batches++
      for (const message of batch) seen.push(message.uid)
    }
    assert.deepEqual(seen, expected)
    assert.ok(batches > 1, 'nothing holds a whole mailbox')
    const texts = (
      await Array.fromAsync(house.store.messageTexts({ account, mailbox: id, uids: ranges }))
    ).flat()
    assert.deepEqual(texts.map((text) => text.uid), expected) // prettier-ignore
    assert.equal((await house.messages(account, id, [])).length, 0)
  })

  test('hundreds of separate UIDs are one selection', async (house) => {
    const account = await house.account()
    const { id } = await house.mailbox(account)
    await house.append(account, id, { count: 900, content: 'x' })
    const odd: UidSelection = Array.from({ length: 450 }, (_, index) => [2 * index + 1, 2 * index + 1])
    assert.equal((await house.messages(account, id, odd)).length, 450)
    await house.setFlags({ account, mailbox: id, uids: odd, flags: Flag.deleted })
    assert.equal(
      (await house.store.expunge({ account, mailbox: id, uids: odd, which: 'deleted' })).uids.length,
      450,
    )
  })

  test('a reader who stops early, or reads while the rows go, disturbs nobody', async (house) => {
    const account = await house.account()
    const { id } = await house.mailbox(account)
    await house.append(account, id, { count: 600, content: 'x' })
    for await (const batch of house.store.messages({ account, mailbox: id, uids: everything })) {
      assert.ok(batch.length > 0)
      await house.store.expunge({ account, mailbox: id, which: 'regardless' })
      break
    }
    assert.deepEqual(await house.uids(account, id), [])
  })
}

async function filled(house: House, count: number): Promise<{ account: AccountId; inbox: Mailbox }> {
  const account = await house.account()
  for (let index = 0; index < count; index++) await house.deliver([account], letter(`letter ${index}`))
  return { account, inbox: await house.mailbox(account) }
}
