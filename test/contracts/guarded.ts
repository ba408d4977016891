// What the store promises of guarded writes (`src/store/guarded.ts`).
import assert from 'node:assert/strict'
import { AccountMoved } from '../../src/store/guarded.ts'
import { Flag, type ModSeq } from '../../src/store/model.ts'
import { letter, type Room } from './house.ts'

const kind = 'thing'

export function guardContract(test: Room): void {
  test('a guarded write is done where no account has moved, and nowhere else', async (house) => {
    const [ann, ben] = [await house.account('ann'), await house.account('ben')]
    await house.deliver([ann], letter('one'))
    const point = async (account = ann) => ({ account, modSeq: (await house.accountOf(account)).modSeq })
    const told: ModSeq[] = []
    const make = (points: Awaited<ReturnType<typeof point>>[]) =>
      house.store
        .guarded(points, (modSeq) => told.push(modSeq))
        .changeObjects({ account: ann, kind, create: [{ value: '1' }], now: house.now })
    const before = await point()
    assert.ok((await make([before, await point(ben)])).ok)
    const after = await point()
    assert.ok(after.modSeq > before.modSeq)
    assert.deepEqual(told, [after.modSeq])
    await assert.rejects(make([before]), AccountMoved)
    const bens = await point(ben)
    await house.deliver([ben], letter('two'))
    await assert.rejects(make([after, bens]), AccountMoved)
    const objects = await house.store.listObjects({ account: ann, kind, now: house.now })
    assert.equal(objects.length, 1)
    assert.deepEqual(told, [after.modSeq])
  })

  test('of many that look at the same state one writes', async (house) => {
    const ann = await house.account('ann')
    await house.deliver([ann], letter('one'))
    const { id: inbox } = await house.mailbox(ann, 'INBOX')
    const [email] = (await house.store.loadEmails({ account: ann, mailbox: inbox })).emails
    assert.ok(email !== undefined)
    const points = [{ account: ann, modSeq: (await house.accountOf(ann)).modSeq }]
    const writes = [Flag.seen, Flag.flagged, Flag.answered, Flag.draft].map((flags) =>
      house.store
        .guarded(points, () => {})
        .changeEmails({
          ...{ account: ann, now: house.now },
          changes: [{ email: email as never, add: { flags, keywords: [] } }],
        }),
    )
    const results = await Promise.allSettled(writes)
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
    const [row] = await house.messages(ann, inbox)
    assert.equal([1, 2, 4, 16].filter((bit) => ((row?.flags ?? 0) & bit) !== 0).length, 1)
  })
}
