// What a store owes when its statements and files fail: the caller hears `StoreUnavailable`, nothing of the operation is
// there or told, what comes after works, and the audit is clean. Tried at every step of every operation that writes.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import { Flag, type AccountId } from '../../src/store/model.ts'
import { StoreUnavailable } from '../../src/store/store.ts'
import type { FaultMode, FaultPlan } from '../support/faults.ts'
import type { QueueId } from '../../src/store/queue.ts'
import { back, claim, done, enqueue, queued, settle, to } from './queue-words.ts'
import { everything, House, largeBytes, letter, type OpenedStore, uid } from './house.ts'

interface Scene {
  readonly house: House
  readonly name: string
  readonly account: AccountId
  readonly other: AccountId
  /** Two rows of the first message are under lease by `name`. */
  readonly first: QueueId
  readonly second: QueueId
}

/** Each leaves a trace where it succeeds. */
const operations: Record<string, (scene: Scene) => Promise<unknown>> = {
  async deliver({ house, account, other }) {
    await house.deliver([account, other], letter('faulty'))
  },
  async 'deliver a large message'({ house, account, other }) {
    await house.deliver([account, other], largeBytes(700_000))
  },
  async 'deliver into a new mailbox'({ house, account }) {
    await house.deliverTo(
      [{ account, prefix: '', mailbox: { name: 'new/box', create: true } }],
      letter('faulty'),
    )
  },
  async append({ house, account }) {
    await house.append(account, (await house.mailbox(account)).id, { count: 3 })
  },
  async setFlags({ house, account }) {
    const { id } = await house.mailbox(account)
    await house.setFlags({ account, mailbox: id, uids: [[1, 2]], flags: Flag.answered, keywords: ['k'] })
  },
  async copy({ house, account }) {
    const [from, to] = [await house.mailbox(account), await house.mailbox(account, 'Sent')]
    assert.ok(
      (await house.store.copy({ account, from: from.id, uids: everything, to: to.id, now: house.now })).ok,
    )
  },
  async move({ house, account }) {
    const [from, to] = [await house.mailbox(account), await house.mailbox(account, 'Sent')]
    assert.ok(
      (await house.store.move({ account, from: from.id, uids: [[2, 3]], to: to.id, now: house.now })).ok,
    )
  },
  async 'copy to another account'({ house, account, other }) {
    const [from, to] = [await house.mailbox(account), await house.mailbox(other, 'Sent')]
    const place = { account, from: from.id, uids: everything, toAccount: other, to: to.id }
    assert.ok((await house.store.copy({ ...place, now: house.now })).ok)
  },
  async 'move to another account'({ house, account, other }) {
    const [from, to] = [await house.mailbox(account), await house.mailbox(other, 'Sent')]
    const place = { account, from: from.id, uids: everything, toAccount: other, to: to.id }
    assert.ok((await house.store.move({ ...place, now: house.now })).ok)
  },
  async replace({ house, account }) {
    const { id: mailbox } = await house.mailbox(account)
    const { now } = house
    const messages = [{ message: await house.stage('x'), flags: 0, keywords: '', internalDate: now }]
    const replaces = { mailbox, uid: uid(2) }
    assert.ok((await house.store.append({ account, mailbox, messages, replaces, now })).ok)
  },
  async setAccess({ house, account, other: grantee }) {
    const { id: mailbox } = await house.mailbox(account)
    const entry = { grantee, negative: false, mode: 'add', rights: 'lr' } as const
    assert.ok((await house.store.setAccess({ account, mailbox, ...entry })).ok)
  },
  async setAnnotations({ house, account }) {
    const { id: mailbox } = await house.mailbox(account)
    const changes = ['/shared/a', '/private/a'].map((name) => ({ name, value: new Uint8Array(3) }))
    assert.ok((await house.store.setAnnotations({ account, mailbox, viewer: account, changes })).ok)
  },
  async setSubscription({ house, account }) {
    await house.store.setSubscription({ account, name: 'top', subscribed: true })
  },
  async expunge({ house, account }) {
    const { id: mailbox } = await house.mailbox(account)
    await house.store.expunge({ account, mailbox, uids: [[1, 2]], which: 'regardless' })
  },
  async createMailbox({ house, account }) {
    await house.create(account, 'new/box')
  },
  async renameMailbox({ house, account }) {
    const { id: mailbox } = await house.mailbox(account, 'top')
    assert.ok((await house.store.renameMailbox({ account, mailbox, name: 'peak/hill', now: house.now })).ok)
  },
  async 'rename INBOX'({ house, account }) {
    const { id: mailbox } = await house.mailbox(account)
    assert.ok((await house.store.renameMailbox({ account, mailbox, name: 'old', now: house.now })).ok)
  },
  async removeMailbox({ house, account }) {
    const { id: mailbox } = await house.mailbox(account, 'top')
    assert.ok((await house.store.removeMailbox({ account, mailbox })).ok)
  },
  async 'deliver and queue'({ house, name, account }) {
    const message = queued(house, `new-${name}`, [
      to(`d@${name}.far`, house.now),
      to(`e@${name}.far`, house.now),
    ])
    await enqueue(house, message, { accounts: [account] })
  },
  async claimDue({ house, name }) {
    assert.equal((await claim(house, `${name}.far`, { holder: name })).length, 2)
  },
  async settle({ house, name, first }) {
    await settle(
      house,
      [
        done({ message: first, number: 0 }, house.now, { outcome: 'failed', report: 'failure' }),
        back({ message: first, number: 1 }, house.now),
      ],
      name,
    )
  },
  async 'settle the last row'({ house, second }) {
    await settle(house, [done({ message: second, number: 0 }, house.now)], null)
  },
  async recoverLeases({ house }) {
    const { now } = house
    const recovery = { now, holder: 'me', abandoned: 'all', nextAttempt: now, poisonAfter: 9 } as const
    assert.equal((await house.store.recoverLeases(recovery)).waiting, 2)
  },
  async changeQueued({ house, name, second }) {
    const change = { type: 'fail', reply: '5', status: '5.0.0', report: 'failure' } as const
    const filter = { domain: `${name}.far`, id: second }
    assert.equal(await house.store.changeQueued({ filter, change, now: house.now }), 1)
  },
}

export interface FaultySuite {
  readonly name: string
  readonly modes: readonly FaultMode[]
  readonly open: (plan: FaultPlan) => Promise<OpenedStore>
  readonly skip?: string
}

/** Registers the sweep for one engine, whose steps the plan of `open` counts. */
export function faultContract(suite: FaultySuite, makePlan: () => FaultPlan): void {
  const options = suite.skip === undefined ? {} : { skip: suite.skip }
  describe(`faults: ${suite.name}`, () => {
    for (const [name, operation] of Object.entries(operations)) {
      test(`${name}: a failure at any step leaves nothing or everything`, options, async () => {
        const plan = makePlan()
        const opened = await suite.open(plan)
        try {
          const house = new House(opened)
          await opened.store.addDomain({ name: house.domain, now: house.now })
          await sweep(house, { plan, operation, modes: suite.modes })
        } finally {
          plan.disarm()
          await opened.end()
        }
      })
    }
  })
}

async function sweep(
  house: House,
  attempt: { plan: FaultPlan; operation: (scene: Scene) => Promise<unknown>; modes: readonly FaultMode[] },
): Promise<void> {
  const { plan, operation, modes } = attempt
  const rehearsal = await sceneOf(house, 'rehearsal')
  plan.arm(Infinity)
  await operation(rehearsal)
  const steps = plan.disarm()
  assert.ok(steps > 1, 'the plan sees the steps')
  for (const mode of modes) {
    for (let at = 1; at <= steps; at++) {
      if (isSpared({ mode, at, steps })) continue
      const scene = await sceneOf(house, `${mode}${at}`)
      const before = await stateOf(scene)
      using told = house.listen(scene.account)
      plan.arm(at, mode)
      const error = await operation(scene).then(
        () => null,
        (reason: unknown) => reason,
      )
      plan.disarm()
      const what = `${mode} at step ${at} of ${steps}`
      const after = await stateOf(scene)
      if (error === null) {
        assert.notDeepEqual(after, before, `${what}: it said yes and did nothing`)
      } else {
        assert.ok(error instanceof StoreUnavailable, `${what}: ${inspect(error)}`)
        if (!error.outcomeUnknown) assert.deepEqual(after, before, `${what}: it said no and did something`)
      }
      await house.deliver([scene.account], letter('after'))
      await told.settle()
      if (error !== null && !(error instanceof StoreUnavailable && error.outcomeUnknown)) {
        assert.deepEqual(told.changes.map((change) => change.type), ['message-added'], what) // prettier-ignore
      }
      await house.audit()
      // Gone, so that the next audit has no more to look at than this one.
      for (const account of [scene.account, scene.other]) await house.store.removeAccount(account)
      await forgetQueue(scene)
    }
    await house.store.collectGarbage({ now: house.now })
  }
  await house.audit()
}

/** The two ways to lose a connection take turns, to spare time; the last steps, where the commit is, have both. */
function isSpared({ mode, at, steps }: { mode: FaultMode; at: number; steps: number }): boolean {
  if (at > steps - 2) return false
  return (mode === 'lose' && at % 2 === 0) || (mode === 'lose-answer' && at % 2 === 1)
}

async function forgetQueue({ house, name, first, second }: Scene): Promise<void> {
  const rows = [0, 1, 2].flatMap((number) => [first, second].map((message) => ({ message, number })))
  await settle(house, rows.map((row) => done(row, house.now)), null) // prettier-ignore
  await house.store.dropReports({ rows, now: house.now })
  const change = { type: 'discard', reason: 'the test is over' } as const
  await house.store.changeQueued({ filter: { domain: `${name}.far` }, change, now: house.now })
  await house.store.purgeQueue({ finishedBefore: house.now + 1, limit: 99 })
}

async function sceneOf(house: House, name: string): Promise<Scene> {
  const account = await house.account(name)
  const other = await house.account(`other-${name}`)
  await house.create(account, 'top/below')
  for (let index = 0; index < 3; index++) await house.deliver([account, other], letter(`${index}`))
  const rows = [
    to(`a@${name}.far`, house.now),
    to(`b@${name}.far`, house.now),
    to(`c@${name}.far`, house.now),
  ]
  const first = await enqueue(house, queued(house, `first-${name}`, rows))
  const second = await enqueue(house, queued(house, `second-${name}`, rows.slice(0, 1)))
  await claim(house, `${name}.far`, { limit: 2, holder: name })
  return { house, name, account, other, first, second }
}

async function stateOf({ house, name, account, other, first, second }: Scene): Promise<unknown> {
  const filter = { domain: `${name}.far` }
  const state: unknown[] = await house.store.queueList({ filter, limit: 99, finished: 'with' })
  for (const id of [first, second]) state.push(await house.store.queueEntry(id))
  for (const one of [account, other]) {
    const mailboxes = await house.store.listMailboxes(one)
    const messages = []
    for (const { id } of mailboxes) {
      messages.push(
        await house.messages(one, id),
        await house.store.loadEmails({ account: one, mailbox: id }),
      )
      messages.push(await house.store.accessList({ account: one, mailbox: id }))
      messages.push(await house.store.annotations({ account: one, mailbox: id, viewer: one }))
    }
    messages.push(await house.store.subscriptions(one))
    state.push(await house.accountOf(one), mailboxes, messages)
  }
  return state
}
