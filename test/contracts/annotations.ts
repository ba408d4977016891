// What the store promises of annotations (RFC 5464).
import assert from 'node:assert/strict'
import type { AnnotatedPlace, AnnotationStore } from '../../src/store/annotations.ts'
import { defaultStoreLimits } from '../../src/store/limits.ts'
import type { AccountId, MailboxId } from '../../src/store/model.ts'
import { type House, noQuota, type Room } from './house.ts'

type Asked = Parameters<AnnotationStore['annotations']>[0]

/** Entries as `name=value`. */
async function read(house: House, asked: Asked): Promise<string[]> {
  const found = await house.store.annotations(asked)
  return found.map(({ name, value }) => `${name}=${Buffer.from(value).toString()}`)
}

async function set(
  house: House,
  place: AnnotatedPlace,
  values: Record<string, string | null>,
): Promise<unknown> {
  const changes = Object.entries(values).map(([name, value]) => ({
    name,
    value: value === null ? null : Buffer.from(value),
  }))
  return await house.store.setAnnotations({ ...place, changes })
}

async function placeOf(house: House, name = 'ann'): Promise<{ account: AccountId; place: AnnotatedPlace }> {
  const account = await house.account(name)
  return { account, place: { account, mailbox: (await house.mailbox(account)).id, viewer: account } }
}

export function annotationContract(test: Room): void {
  test('entries are set, replaced, read by name and depth, and removed', async (house) => {
    const { place } = await placeOf(house)
    assert.deepEqual(
      await set(house, place, {
        '/shared/comment': 'ours',
        '/private/comment': 'mine',
        '/shared/vendor/a': '1',
        '/shared/vendor/a/b': '2',
        '/shared/vendorx': '3',
        '/shared/vendor/0': '',
      }),
      { ok: true },
    )
    assert.deepEqual(await set(house, place, { '/private/comment': 'mine!', '/shared/none': null }), {
      ok: true,
    })
    const vendor = ['/shared/vendor/0=', '/shared/vendor/a=1', '/shared/vendor/a/b=2']
    assert.deepEqual(await read(house, place), [
      '/private/comment=mine!',
      '/shared/comment=ours',
      ...vendor,
      '/shared/vendorx=3',
    ])
    const under = ['/shared/vendor']
    assert.deepEqual(await read(house, { ...place, under }), [])
    assert.deepEqual(await read(house, { ...place, under, depth: 1 }), vendor.slice(0, 2))
    assert.deepEqual(await read(house, { ...place, under, depth: 'infinity' }), vendor)
    assert.deepEqual(await read(house, { ...place, under: ['/private/comment', '/shared/vendor/a'] }), [
      '/private/comment=mine!',
      '/shared/vendor/a=1',
    ])
    assert.deepEqual(await set(house, place, { '/shared/comment': null, '/private/comment': null }), {
      ok: true,
    })
    assert.deepEqual(await read(house, place), [...vendor, '/shared/vendorx=3'])
  })

  test('values are octets, and account and mailbox have each their own', async (house) => {
    const { place } = await placeOf(house)
    const value = Uint8Array.from({ length: 256 }, (_, index) => index)
    const own = { ...place, mailbox: null }
    const changes = [{ name: '/shared/admin', value }]
    assert.deepEqual(await house.store.setAnnotations({ ...own, changes }), { ok: true })
    assert.deepEqual(await read(house, place), [])
    const [found] = await house.store.annotations(own)
    assert.deepEqual([...(found?.value ?? [])], [...value])
    assert.equal(await house.store.annotationBytes(place.account), 256)
  })

  test("private entries are their viewer's, and go with that account", async (house) => {
    const { place } = await placeOf(house)
    const { account: ben } = await placeOf(house, 'ben')
    const visitor = { ...place, viewer: ben }
    await set(house, place, { '/private/comment': 'ann', '/shared/comment': 'all' })
    await set(house, visitor, { '/private/comment': 'ben' })
    assert.deepEqual(await read(house, place), ['/private/comment=ann', '/shared/comment=all'])
    assert.deepEqual(await read(house, visitor), ['/private/comment=ben', '/shared/comment=all'])
    await house.store.removeAccount(ben)
    assert.equal(await house.store.annotationBytes(place.account), 6)
  })

  test('changes are told with their names, live and to who comes back', async (house) => {
    const { account, place } = await placeOf(house)
    const { account: ben } = await placeOf(house, 'ben')
    const { modSeq: since } = await house.accountOf(account)
    const before = await house.mailbox(account)
    using told = house.listen(account)
    await set(house, place, { '/shared/b': '1', '/private/a': '1', '/shared/a': '2' })
    await set(house, { ...place, viewer: ben }, { '/private/a': '3' })
    await set(house, { ...place, mailbox: null }, { '/shared/a': '3' })
    await set(house, place, { '/shared/b': null })
    await told.settle()
    const change = (
      step: number,
      viewer: AccountId | null,
      names: string[],
      mailbox: MailboxId | null = place.mailbox,
    ): object => {
      return { type: 'annotations-changed', account, mailbox, modSeq: since + step, viewer, names }
    }
    const middle = [
      change(1, account, ['/private/a']),
      change(2, ben, ['/private/a']),
      change(3, null, ['/shared/a'], null),
      change(4, null, ['/shared/b']),
    ]
    assert.deepEqual(told.changes, [change(1, null, ['/shared/b', '/shared/a']), ...middle])
    const { changes } = await house.store.changesSince({ account, since })
    assert.deepEqual(changes, [change(1, null, ['/shared/a']), ...middle])
    assert.deepEqual(await house.mailbox(account), before, 'no modseq of the mailbox or a message moves')
  })

  test('too many, too large, too long, beyond the quota: none of the changes is made', async (house) => {
    const { account, place } = await placeOf(house)
    const { annotations: most, annotationSize, annotationNameLength } = defaultStoreLimits
    const entries = (count: number, kind: string): Record<string, string> =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`/${kind}/e${index}`, 'x']))
    assert.deepEqual(await set(house, place, entries(most + 1, 'shared')), { ok: false, reason: 'too-many' })
    assert.deepEqual(await set(house, place, entries(most, 'shared')), { ok: true })
    assert.deepEqual(await set(house, place, entries(most, 'private')), { ok: true })
    assert.deepEqual(await set(house, place, { '/shared/one': 'x' }), { ok: false, reason: 'too-many' })
    assert.deepEqual(await set(house, place, { '/shared/one': 'x', '/shared/e0': null }), { ok: true })
    const sent = { ...place, mailbox: (await house.mailbox(account, 'Sent')).id }
    const large = 'x'.repeat(annotationSize)
    assert.deepEqual(await set(house, sent, { '/shared/a': `${large}x` }), { ok: false, reason: 'too-big' })
    assert.deepEqual(await set(house, sent, { '/shared/a': large }), { ok: true })
    const long = `/shared/${'n'.repeat(annotationNameLength)}`
    assert.deepEqual(await set(house, sent, { [long]: 'x' }), { ok: false, reason: 'too-big' })
    const used = await house.store.annotationBytes(account)
    await house.store.updateAccount({ id: account, quota: { ...noQuota, annotations: used + 1 } })
    assert.deepEqual(await set(house, sent, { '/shared/b': 'xy' }), { ok: false, reason: 'over-quota' })
    assert.deepEqual(await set(house, sent, { '/shared/b': 'x' }), { ok: true })
    await house.store.updateAccount({ id: account, quota: { ...noQuota, annotations: 1 } })
    assert.deepEqual(await set(house, sent, { '/shared/a': 'less' }), { ok: true }, 'what shrinks is taken')
    const nowhere = { ...place, mailbox: 4_711 as MailboxId }
    assert.deepEqual(await set(house, nowhere, { '/shared/a': 'x' }), {
      ok: false,
      reason: 'no-such-mailbox',
    })
    await assert.rejects(set(house, sent, { '/other/a': '' }))
  })

  test('entries die with their mailbox, and stay with it under another name', async (house) => {
    const { account, place } = await placeOf(house)
    const made = await house.create(account, 'Notes')
    const notes = { ...place, mailbox: made.id }
    await set(house, notes, { '/shared/comment': 'x' })
    const { now } = house
    assert.ok((await house.store.renameMailbox({ account, mailbox: made.id, name: 'Papers', now })).ok)
    assert.deepEqual(await read(house, notes), ['/shared/comment=x'])
    assert.ok((await house.store.removeMailbox({ account, mailbox: made.id })).ok)
    assert.equal(await house.store.annotationBytes(account), 0)
  })

  test('RFC 5464 §4.1: renaming INBOX leaves it its entries, and gives the new mailbox the same', async (house) => {
    const { account, place } = await placeOf(house)
    await set(house, place, { '/shared/comment': 'ours', '/private/comment': 'mine' })
    const { now } = house
    const { id } = await house.mailbox(account)
    assert.ok((await house.store.renameMailbox({ account, mailbox: id, name: 'Old', now })).ok)
    const entries = ['/private/comment=mine', '/shared/comment=ours']
    assert.deepEqual(await read(house, place), entries)
    assert.deepEqual(
      await read(house, { ...place, mailbox: (await house.mailbox(account, 'Old')).id }),
      entries,
    )
    assert.equal(await house.store.annotationBytes(account), 16)
  })
}
