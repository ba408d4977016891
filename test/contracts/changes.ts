// What the store promises about time: a view as of an earlier moment is what was, `changesSince` and the live feed tell the
// same story, in order, to the account's subscribers alone.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  Flag,
  type AccountId,
  type Change,
  type Mailbox,
  type MailboxId,
  type ModSeq,
} from '../../src/store/model.ts'
import { everything, letter, type House, type Room } from './house.ts'

export function changeContract(test: Room): void {
  test('the live feed tells each kind of change, in order of modseq, to its account alone', async (house) => {
    const [ann, ben] = [await house.account('ann'), await house.account('ben')]
    const inbox = await house.mailbox(ann)
    using told = house.listen(ann)
    using others = house.listen(ben)
    await house.deliver([ann])
    await house.setFlags({ account: ann, mailbox: inbox.id, flags: Flag.seen, keywords: ['k'] })
    const box = await house.create(ann, 'box')
    await house.store.move({ account: ann, from: inbox.id, uids: everything, to: box.id, now: 0 })
    await house.store.renameMailbox({ account: ann, mailbox: box.id, name: 'crate', now: house.now })
    await house.store.removeMailbox({ account: ann, mailbox: box.id })
    await told.settle()
    const kinds = told.changes.map((change) => change.type)
    for (const kind of [
      'message-added',
      'flags-changed',
      'messages-expunged',
      'mailbox-created',
      'mailbox-changed',
      'mailbox-removed',
    ] as const) {
      assert.ok(kinds.includes(kind), `${kind} among ${kinds.join(' ')}`)
    }
    assert.deepEqual(
      told.modSeqs,
      told.modSeqs.toSorted((a, b) => a - b),
    )
    assert.ok(told.changes.every((change) => change.account === ann))
    const flags = told.changes.find((change) => change.type === 'flags-changed')
    assert.ok(flags?.type === 'flags-changed')
    assert.deepEqual([flags.uid, flags.flags, flags.keywords], [1, Flag.seen, 'k'])
    assert.deepEqual(others.changes, [])
  })

  test('a refused or empty operation tells nothing', async (house) => {
    const account = await house.account()
    const inbox = await house.mailbox(account)
    using told = house.listen(account)
    await house.store.createMailbox({ account, name: 'INBOX', now: house.now })
    await house.store.removeMailbox({ account, mailbox: inbox.id })
    await house.store.copy({ account, from: inbox.id, uids: everything, to: 99 as MailboxId, now: 0 })
    await house.store.expunge({ account, mailbox: inbox.id, which: 'regardless' })
    await house.deliver([account])
    await told.settle()
    assert.deepEqual(told.changes.map((change) => change.type), ['message-added']) // prettier-ignore
  })

  test('the end of an account is told; a subscriber who left is told no more', async (house) => {
    const account = await house.account()
    using told = house.listen(account)
    const gone: Change[] = []
    const stop = house.store.subscribe(account, (changes) => gone.push(...changes))
    stop()
    stop()
    await house.deliver([account])
    await told.settle()
    await house.store.removeAccount(account)
    await told.until('account-removed')
    assert.deepEqual(gone, [])
  })

  test('a subscriber that throws disturbs neither the others nor the store', async (house) => {
    const account = await house.account()
    house.store.subscribe(account, () => {
      throw new Error('a subscriber of the test that always fails')
    })
    using told = house.listen(account)
    await house.deliver([account])
    await told.settle()
    assert.equal(told.changes.length, 1)
  })

  test('changes of one operation on very many messages are told in full', async (house) => {
    const account = await house.account()
    const { id } = await house.mailbox(account)
    await house.append(account, id, { count: 700, content: 'x' })
    const since = await house.accountOf(account)
    using told = house.listen(account)
    await house.setFlags({ account, mailbox: id, flags: Flag.seen, keywords: ['a-long-keyword-indeed'] })
    await told.settle()
    assert.equal(told.changes.filter((change) => change.type === 'flags-changed').length, 700)
    assert.equal((await allChanges(house, account, since.modSeq, 100)).length, 700)
  })

  test('`changesSince` of one mailbox leaves the others out, and tells the account`s modseq', async (house) => {
    const account = await house.account()
    const [inbox, sent] = [await house.mailbox(account), await house.mailbox(account, 'Sent')]
    const { modSeq: since } = await house.accountOf(account)
    await house.deliver([account])
    await house.append(account, sent.id)
    const all = await house.store.changesSince({ account, since })
    assert.deepEqual(new Set(all.changes.map((change) => mailboxOf(change))), new Set([inbox.id, sent.id]))
    const one = await house.store.changesSince({ account, since, mailbox: sent.id })
    assert.deepEqual(new Set(one.changes.map((change) => mailboxOf(change))), new Set([sent.id]))
    const { modSeq } = await house.accountOf(account)
    assert.deepEqual([all.modSeq, all.complete, one.complete], [modSeq, true, true])
    const nothing = await house.store.changesSince({ account, since: modSeq })
    assert.deepEqual([nothing.changes, nothing.modSeq, nothing.complete], [[], modSeq, true])
  })

  test('when old tombstones have been dropped, what is asked since before is not complete', async (house) => {
    const account = await house.account()
    const { id } = await house.mailbox(account)
    await house.append(account, id, { count: 3, content: 'x' })
    const { modSeq: before } = await house.accountOf(account)
    await house.store.expunge({ account, mailbox: id, uids: [[1, 1]], which: 'regardless' })
    const year = 365 * 86_400_000
    await house.store.collectGarbage({ now: house.now })
    assert.equal((await house.store.changesSince({ account, since: before })).complete, true)
    const { tombstones } = await house.store.collectGarbage({ now: house.now + 2 * year })
    assert.ok(tombstones >= 1)
    assert.equal((await house.store.changesSince({ account, since: before })).complete, false)
    const { modSeq } = await house.accountOf(account)
    assert.equal((await house.store.changesSince({ account, since: modSeq })).complete, true)
  })

  test('property: the feed, the changes since, and the state agree; a view of the past is what was', async (house) => {
    let accounts = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 24 }), async (steps) => {
        await replay(house, await house.account(`property${++accounts}`), steps)
      }),
      { numRuns: 10 },
    )
  })
}

interface Step {
  readonly kind: number
  readonly box: number
  readonly first: number
  readonly length: number
  readonly flags: number
}

const step = fc.record<Step>({
  kind: fc.nat(7),
  box: fc.nat(1),
  first: fc.integer({ min: 1, max: 8 }),
  length: fc.nat(4),
  flags: fc.nat(31),
})

/** What a client would have of a mailbox: its messages by UID. */
type Model = Map<MailboxId, Map<number, string>>

async function replay(house: House, account: AccountId, steps: readonly Step[]): Promise<void> {
  const boxes = [await house.mailbox(account), await house.create(account, 'other')] as const
  using told = house.listen(account)
  const snapshots: { modSeq: ModSeq; state: Model; views: { mailbox: Mailbox; uids: number[] }[] }[] = []
  const snapshot = async (): Promise<void> => {
    const { modSeq } = await house.accountOf(account)
    const views = []
    for (const box of boxes) {
      const opened = await house.store.openMailbox({ account, mailbox: box.id, claimRecent: false })
      assert.ok(opened)
      views.push({ mailbox: opened.mailbox, uids: await house.uids(account, box.id) })
    }
    snapshots.push({ modSeq, state: await stateOf(house, account, boxes), views })
  }
  await snapshot()
  const start = structuredClone(snapshots[0]?.state ?? new Map())
  for (const [index, one] of steps.entries()) {
    await apply(house, { account, boxes, step: one })
    if (index % 3 === 0) await snapshot()
  }
  const now = await stateOf(house, account, boxes)
  if ((await house.accountOf(account)).modSeq > (snapshots[0]?.modSeq ?? 0)) await told.settle()
  assert.deepEqual(
    told.modSeqs,
    told.modSeqs.toSorted((a, b) => a - b),
  )
  assert.deepEqual(folded(start, told.changes), now, 'the live feed leads from the first state to the last')
  for (const { modSeq, state, views } of snapshots) {
    const since = await allChanges(house, account, modSeq, 5)
    assert.deepEqual(folded(structuredClone(state), since), now, `changes since ${modSeq}`)
    const order = since.map((change) => (change.type === 'account-removed' ? 0 : change.modSeq))
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
    )
    assert.ok(order.every((one) => one > modSeq))
    for (const { mailbox, uids } of views) await viewed(house, { account, mailbox, uids })
  }
}

/** The view as of an earlier moment has the UIDs of that moment, and what it says of the present is true. */
async function viewed(
  house: House,
  was: { account: AccountId; mailbox: Mailbox; uids: readonly number[] },
): Promise<void> {
  const { account, mailbox } = was
  const asOf = { modSeq: mailbox.modSeq, uidNext: mailbox.uidNext }
  const view = await house.store.loadView({ account, mailbox: mailbox.id, asOf })
  assert.deepEqual([...view.uids], was.uids)
  assert.equal(view.flags.length, view.uids.length)
  const present = new Map((await house.messages(account, mailbox.id)).map((one) => [one.uid as number, one]))
  const latest = await house.store.loadView({ account, mailbox: mailbox.id })
  assert.deepEqual([...latest.uids], [...present.keys()])
  for (const [index, one] of latest.uids.entries()) {
    const message = present.get(one)
    assert.equal(latest.flags[index], message?.flags)
    assert.equal(latest.keywords.get(index) ?? '', message?.keywords)
  }
}

async function apply(
  house: House,
  request: { account: AccountId; boxes: readonly [Mailbox, Mailbox]; step: Step },
): Promise<void> {
  const { account, boxes, step } = request
  const mailbox = boxes[step.box === 0 ? 0 : 1].id
  const other = boxes[step.box === 0 ? 1 : 0].id
  const uids = [[step.first, step.first + step.length]] as const
  if (step.kind <= 1) {
    await house.append(account, mailbox, { count: 1 + step.length, flags: step.flags, content: letter('p') })
  } else if (step.kind === 2) {
    const mode = (['add', 'remove', 'replace'] as const)[step.length % 3] ?? 'add'
    await house.setFlags({
      account,
      mailbox,
      uids,
      mode,
      flags: step.flags,
      keywords: step.flags % 2 ? ['k'] : [],
    })
  } else if (step.kind === 3) {
    await house.store.expunge({ account, mailbox, uids, which: 'regardless' })
  } else if (step.kind === 4) {
    await house.store.copy({ account, from: mailbox, uids, to: other, now: 0 })
  } else if (step.kind === 5) {
    await house.store.move({ account, from: mailbox, uids, to: other, now: 0 })
  } else if (step.kind === 6) {
    await house.store.expunge({ account, mailbox, which: 'deleted' })
  } else {
    await house.store.renameMailbox({
      account,
      mailbox: boxes[1].id,
      name: `other${step.flags}`,
      now: house.now,
    })
  }
}

async function stateOf(house: House, account: AccountId, boxes: readonly Mailbox[]): Promise<Model> {
  const state: Model = new Map()
  for (const { id } of boxes) {
    const messages = await house.messages(account, id)
    state.set(id, new Map(messages.map((one) => [one.uid, `${one.flags} ${one.keywords}`])))
  }
  return state
}

/** The model after these changes. Being told twice of the same thing must do no harm. */
function folded(state: Model, changes: readonly Change[]): Model {
  for (const change of changes) {
    if (change.type === 'message-added' || change.type === 'flags-changed') {
      state.get(change.mailbox)?.set(change.uid, `${change.flags} ${change.keywords}`)
    } else if (change.type === 'messages-expunged') {
      for (const one of change.uids) state.get(change.mailbox)?.delete(one)
    }
  }
  for (const [id, messages] of state) {
    state.set(id, new Map([...messages].toSorted(([a], [b]) => a - b)))
  }
  return state
}

/** Page by page, as a client with a limit would. */
async function allChanges(house: House, account: AccountId, since: ModSeq, limit: number): Promise<Change[]> {
  const changes: Change[] = []
  const { modSeq: end } = await house.accountOf(account)
  let at = since
  while (at < end) {
    const page = await house.store.changesSince({ account, since: at, limit })
    assert.ok(page.complete)
    assert.ok(page.modSeq > at, 'each page gets on')
    changes.push(...page.changes)
    at = page.modSeq
  }
  return changes
}

function mailboxOf(change: Change): MailboxId | undefined {
  return 'mailbox' in change ? (change.mailbox ?? undefined) : undefined
}
