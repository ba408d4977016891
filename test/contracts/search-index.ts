// What the store promises of the full-text index's rows: seen whole or not at all, gone in steps, and gone with the account.
import assert from 'node:assert/strict'
import type { AccountId, EmailId } from '../../src/store/model.ts'
import { largeBytes, type House, type Room } from './house.ts'

const email = (id: number): EmailId => id as EmailId
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (found: Uint8Array | undefined): string | undefined => found && new TextDecoder().decode(found)

/** A segment over [first, last] with two blocks; `saveSegment`'s answer. */
async function segment(
  { store }: House,
  of: { account: AccountId; first: number; last: number; replaces?: number[]; content?: string },
): Promise<{ id: number; saved: boolean }> {
  const { account, first, last, replaces = [], content = 'block' } = of
  const id = (await store.beginSegment(account)) ?? assert.fail('no account')
  for (const number of [1, 0]) {
    const blocks = [{ number, bytes: bytes(`${content} ${number}`) }]
    assert.equal(await store.putSearchBlocks({ account, segment: id, blocks }), true)
  }
  const range = { firstEmail: email(first), lastEmail: email(last), emails: last - first + 1 }
  const saved = await store.saveSegment({
    account,
    segment: { id, ...range, size: (content.length + 2) * 2, version: 1 },
    replaces,
    cursor: email(last),
  })
  return { id, saved }
}

async function sweepAll({ store }: House, account: AccountId, keep: number | null = null): Promise<number> {
  let steps = 0
  while (await store.sweepSearchIndex({ account, keep, limit: 1 })) steps++
  return steps
}

export function searchIndexContract(test: Room): void {
  test('mail waits for the index until the cursor has passed it', async (house) => {
    const { store } = house
    const account = await house.account()
    const heard: AccountId[] = []
    const stop = store.onMail((who) => heard.push(who))
    for (let index = 0; index < 3; index++) await house.deliver([account])
    stop()
    assert.ok(heard.length > 0 && heard.every((who) => who === account))
    const behind = await store.accountsToIndex({ after: 0 as AccountId, limit: 10 })
    assert.deepEqual(
      behind.map((each) => ({ ...each })),
      [{ account, cursor: 0, newest: 3 }],
    )
    const waiting = await store.emailsToIndex({ account, after: email(0), limit: 2 })
    assert.deepEqual(
      waiting.map((each) => each.email),
      [1, 2],
    )
    assert.ok(waiting.every(({ structure, size }) => structure !== '' && size > 0))
    assert.equal((await segment(house, { account, first: 1, last: 2 })).saved, true)
    assert.deepEqual(
      (await store.emailsToIndex({ account, after: email(2), limit: 9 })).map((each) => each.email),
      [3],
    )
    await store.skipIndexing({ account, cursor: email(3) })
    await store.skipIndexing({ account, cursor: email(2) })
    assert.deepEqual({ ...(await store.searchProgress(account)) }, { account, cursor: 3, newest: 3 })
    assert.deepEqual(await store.accountsToIndex({ after: 0 as AccountId, limit: 10 }), [])
    assert.deepEqual(
      [...(await store.emailsBetween({ account, first: email(2), last: email(3), limit: 9 }))],
      [2, 3],
    )
  })

  test('a segment is seen when it is saved, and blocks as they are asked for', async (house) => {
    const { store } = house
    const account = await house.account()
    for (let index = 0; index < 2; index++) await house.deliver([account])
    const id = (await store.beginSegment(account)) ?? assert.fail('no account')
    const large = largeBytes(60_000)
    await store.putSearchBlocks({
      account,
      segment: id,
      blocks: [
        { number: 0, bytes: bytes('head') },
        { number: 7, bytes: large },
      ],
    })
    assert.deepEqual(await store.searchSegments(account), [])
    const entry = { id, firstEmail: email(1), lastEmail: email(2), emails: 2, size: 60_004, version: 3 }
    assert.ok(await store.saveSegment({ account, segment: entry, replaces: [], cursor: email(2) }))
    assert.deepEqual(await store.searchSegments(account), [entry])
    const [seven, none, zero] = await store.searchBlocks({ account, segment: id, numbers: [7, 3, 0] })
    assert.deepEqual([...(seven ?? [])], [...large])
    assert.deepEqual([none, text(zero)], [undefined, 'head'])
    const late = { account, segment: id, blocks: [{ number: 9, bytes: bytes('late') }] }
    assert.equal(await store.putSearchBlocks(late), false)
  })

  test('a merge takes the place of what it was made of, and the old blocks go in steps', async (house) => {
    const { store } = house
    const account = await house.account()
    for (let index = 0; index < 4; index++) await house.deliver([account])
    const one = await segment(house, { account, first: 1, last: 2 })
    const two = await segment(house, { account, first: 3, last: 4 })
    const merged = await segment(house, { account, first: 1, last: 4, replaces: [one.id, two.id] })
    assert.equal(merged.saved, true)
    assert.deepEqual(
      (await store.searchSegments(account)).map(({ id }) => id),
      [merged.id],
    )
    const again = await segment(house, { account, first: 1, last: 4, replaces: [one.id, two.id] })
    assert.equal(again.saved, false, 'they are gone')
    const beside = await segment(house, { account, first: 4, last: 5 })
    assert.equal(beside.saved, false, 'it overlaps')
    assert.ok((await sweepAll(house, account)) > 4)
    assert.equal((await store.searchBlocks({ account, segment: one.id, numbers: [0] }))[0], undefined)
    const [head] = await store.searchBlocks({ account, segment: merged.id, numbers: [0] })
    assert.equal(text(head), 'block 0')
  })

  test('what somebody began and left is swept, the own is kept', async (house) => {
    const { store } = house
    const account = await house.account()
    const left = (await store.beginSegment(account)) ?? assert.fail('no account')
    const own = (await store.beginSegment(account)) ?? assert.fail('no account')
    for (const id of [left, own])
      await store.putSearchBlocks({ account, segment: id, blocks: [{ number: 1, bytes: bytes('x') }] })
    await sweepAll(house, account, own)
    const put = (id: number): Promise<boolean> =>
      store.putSearchBlocks({ account, segment: id, blocks: [{ number: 2, bytes: bytes('y') }] })
    assert.deepEqual([await put(left), await put(own)], [false, true])
  })

  test('an index that is dropped starts from nothing, and goes with its account', async (house) => {
    const { store } = house
    const account = await house.account()
    await house.deliver([account])
    const { id } = await segment(house, { account, first: 1, last: 1 })
    await store.dropSearchIndex(account)
    assert.deepEqual(await store.searchSegments(account), [])
    assert.equal((await store.searchProgress(account))?.cursor, 0)
    assert.equal((await segment(house, { account, first: 1, last: 1 })).saved, true)
    assert.ok((await store.searchSegments(account)).every((each) => each.id > id))
    await store.removeAccount(account)
    assert.equal(await store.beginSegment(account), undefined)
    assert.equal(await store.searchProgress(account), undefined)
    await store.skipIndexing({ account, cursor: email(1) })
  })
}
