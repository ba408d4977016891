// Filing later is seen by nobody: answers, news and what is read afterwards are those of a store that writes before it answers.
import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { SeededRandom } from '../../base/seeded-random.ts'
import { VirtualClock } from '../../base/virtual-clock.ts'
import { ingest } from '../ingest.ts'
import type { StoreLimits } from '../limits.ts'
import type { AccountId, Change, MailboxId, StagedMessage, Uid } from '../model.ts'
import { type Store, StoreUnavailable } from '../store.ts'
import { openSqliteStore } from './index.ts'

const inlineBlobBytes = 200

interface House {
  readonly store: Store
  readonly clock: VirtualClock
  /** Texts of the statements since the accounts were made. */
  readonly statements: string[]
  readonly control: { fault: (text: string) => void }
}

async function house(filing: 'at-once' | 'later', limits: Partial<StoreLimits> = {}): Promise<House> {
  const clock = new VirtualClock()
  const statements: string[] = []
  const control = { fault: (_: string): void => {} }
  const store = await openSqliteStore({
    ...{ folder: ':memory:', filing, clock, random: new SeededRandom(1) },
    limits: { inlineBlobBytes, ...limits },
    onListenerError: assert.ifError,
    beforeStatement: (text) => {
      statements.push(text)
      control.fault(text)
    },
  })
  await store.addDomain({ name: 'a.test', now: 0 })
  for (const local of ['ann', 'bob', 'eve']) await addAccount(store, local)
  statements.length = 0
  return { store, clock, statements, control }
}

async function opened(context: TestContext, limits: Partial<StoreLimits> = {}): Promise<House> {
  const one = await house('later', limits)
  context.after(async () => {
    one.control.fault = () => {}
    assert.deepEqual(await one.store.audit(), [])
    await one.store.close()
  })
  return one
}

const addAccount = (store: Store, local: string): ReturnType<Store['addAccount']> =>
  store.addAccount({
    address: `${local}@a.test`,
    credentials: { argon2id: null, scramSha256: null },
    quota: { bytes: local === 'eve' ? 1000 : null, messages: null },
    mailboxes: [],
    now: 0,
  })

/** Every third is no small one: it comes later, with its file. */
function letter(store: Store, id: number, answers: number): StagedMessage | Promise<StagedMessage> {
  const header = `Message-ID: <${id}@a.test>\r\nIn-Reply-To: <${answers}@a.test>\r\nSubject: x\r\n`
  const staged = ingest({ blobs: store.blobs })
  void staged.write(Buffer.from(`${header}\r\n${id}${'.'.repeat(id % 3 === 0 ? inlineBlobBytes : 0)}\r\n`))
  const finished = staged.finish()
  return finished instanceof Promise ? finished.then(({ message }) => message) : finished.message
}

const inbox = 1 as MailboxId
const [ann, bob, eve] = [1, 2, 3] as [AccountId, AccountId, AccountId]

function deliver(store: Store, id: number, to: readonly AccountId[] = [ann]): ReturnType<Store['deliver']> {
  const targets = to.map((account) => ({ account, prefix: `Delivered-To: ${account}\r\n` }))
  const message = letter(store, id, id - 2)
  // What is small is delivered before anybody else has a turn.
  return message instanceof Promise
    ? message.then((large) => store.deliver({ message: large, internalDate: id, targets }))
    : store.deliver({ message, internalDate: id, targets })
}

type Step = readonly [what: 'deliver' | 'append' | 'flags' | 'expunge' | 'add' | 'find' | 'look', to: number]

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.tuple(
    fc.constantFrom(
      ...(['deliver', 'deliver', 'deliver', 'deliver', 'append', 'flags', 'expunge', 'add', 'find', 'look'] as const),
    ),
    fc.nat({ max: 6 }),
  ),
  { maxLength: 30 },
) // prettier-ignore

const recipients: readonly (readonly AccountId[])[] = [
  [ann],
  [bob],
  [ann, bob],
  [bob, ann],
  [ann, eve],
  [ann, ann],
  [77 as AccountId, ann],
]

async function perform(store: Store, [what, to]: Step, turn: number): Promise<unknown> {
  const account = to % 2 === 0 ? ann : bob
  const uids = [[1 as Uid, (to * 3) as Uid]] as const
  const message = { message: await letter(store, turn, turn - 1), flags: 0, keywords: '', internalDate: 0 }
  switch (what) {
    case 'deliver':
      return deliver(store, turn, recipients[to])
    case 'append':
      return store.append({ account, mailbox: inbox, messages: [message], now: 0 })
    case 'flags': {
      const place = { account, mailbox: inbox, uids }
      const set = await store.setFlags({ ...place, mode: 'add', flags: 1, keywords: [] })
      return set.ok ? set.changed : set
    }
    case 'expunge':
      return store.expunge({ account, mailbox: inbox, uids, which: 'regardless' })
    case 'add':
      return addAccount(store, `new${to}`)
    case 'find':
      return store.findAddress(to === 0 ? 'bob@a.test' : 'ann@a.test')
    case 'look':
      return look(store, account)
  }
}

async function look(store: Store, account: AccountId): Promise<unknown> {
  const place = { account, mailbox: inbox }
  const uids = [[1 as Uid, 0xffff_ffff as Uid]] as const
  return {
    account: await store.getAccount(account),
    mailboxes: await store.listMailboxes(account),
    view: await store.loadView(place),
    messages: (await Array.fromAsync(store.messages({ ...place, uids }))).flat(),
    texts: (await Array.fromAsync(store.messageTexts({ ...place, uids, data: true }))).flat(),
  }
}

async function play({ store }: House, list: readonly Step[]): Promise<unknown> {
  // Nobody hears two accounts in one order.
  const told: [Change[], Change[]] = [[], []]
  store.subscribe(ann, (changes) => told[0].push(...changes))
  store.subscribe(bob, (changes) => told[1].push(...changes))
  const answers: unknown[] = []
  for (const [turn, step] of list.entries()) answers.push(await perform(store, step, turn))
  const end = [await look(store, ann), await look(store, bob), await look(store, eve)]
  assert.deepEqual(await store.audit(), [])
  await store.close()
  return { answers, told, end }
}

const bursts: fc.Arbitrary<Step[][]> = fc.array(steps, { maxLength: 5 })

/** Each change of the account once, and none before an older one, for two listeners. */
function holdToOrder(store: Store, account: AccountId): { uids: ReadonlySet<number> } {
  const [uids, others] = [new Set<number>(), new Set<number>()]
  for (const known of [uids, others]) {
    let last = 0
    store.subscribe(account, (changes) => {
      for (const change of changes) {
        if ('modSeq' in change) assert.ok(change.modSeq >= last, `${change.modSeq} behind ${last}`)
        if ('modSeq' in change) last = change.modSeq
        if (change.type !== 'message-added') continue
        assert.ok(!known.has(change.uid), `uid ${change.uid} twice`)
        known.add(change.uid)
      }
    })
  }
  return { uids }
}

describe('filing later', () => {
  test('is seen by nobody', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        const [later, atOnce] = [await house('later'), await house('at-once')]
        assert.deepEqual(await play(later, list), await play(atOnce, list))
      }),
      { numRuns: 60 },
    )
  })

  test('writes nothing while mail comes, and all of it when it rests', async (context) => {
    const { store, clock, statements } = await opened(context)
    for (let id = 0; id < 100; id++) assert.ok((await deliver(store, id, [ann, bob])).ok)
    assert.deepEqual(
      statements.filter((text) => text.startsWith('INSERT')),
      [],
    )
    await clock.advance(5_000)
    assert.equal(statements.filter((text) => text.startsWith('INSERT INTO message')).length, 200)
    assert.equal((await store.loadView({ account: bob, mailbox: inbox })).uids.length, 100)
  })

  test('an account that is new while mail waits gets its own', async (context) => {
    const { store } = await opened(context)
    await deliver(store, 1)
    const made = await addAccount(store, 'new')
    assert.ok(made.ok)
    assert.ok((await deliver(store, 2, [ann, made.account.id])).ok)
    assert.equal((await store.loadView({ account: made.account.id, mailbox: inbox })).uids.length, 1)
    assert.equal((await store.loadView({ account: ann, mailbox: inbox })).uids.length, 2)
  })

  test('gives each number once, and tells it in order, whatever is under way at one time', async () => {
    await fc.assert(
      fc.asyncProperty(bursts, async (list) => {
        const { store } = await house('later', { groupOperations: 2 })
        for (const account of [ann, bob]) holdToOrder(store, account)
        let turn = 0
        for (const burst of list) await Promise.all(burst.map((step) => perform(store, step, ++turn)))
        assert.deepEqual(await store.audit(), [])
        await store.close()
      }),
      { numRuns: 60 },
    )
  })

  test('listeners that deliver, within a delivery and within a write of several groups, disturb no numbers', async (context) => {
    const { store } = await opened(context, { groupOperations: 1 })
    const sent: Promise<unknown>[] = []
    store.subscribe(ann, () => {
      if (sent.length < 6) sent.push(deliver(store, sent.length))
    })
    const order = holdToOrder(store, ann)
    const message = { message: await letter(store, 50, 49), flags: 0, keywords: '', internalDate: 0 }
    const append = () => store.append({ account: ann, mailbox: inbox, messages: [message], now: 0 })
    await Promise.all([append(), append(), append()])
    await deliver(store, 60)
    await Promise.all(sent)
    assert.equal(order.uids.size, 10)
    assert.equal((await store.loadView({ account: ann, mailbox: inbox })).uids.length, 10)
  })

  test('an account is told with all that was answered before, though mail comes while it is read', async (context) => {
    const { store } = await opened(context)
    for (const read of [() => store.findAddress('ann@a.test'), () => store.credentialsOf('ann@a.test')]) {
      for (let id = 0; id < 100; id++) await deliver(store, id)
      const reading = read()
      for (let id = 100; id < 110; id++) await deliver(store, id)
      await reading
      const found = await read()
      assert.ok(found !== undefined && 'account' in found)
      assert.deepEqual(found.account, await store.getAccount(ann))
    }
  })

  test('looking up where mail goes files none of it', async (context) => {
    const { store, statements } = await opened(context)
    await deliver(store, 1)
    await addAccount(store, 'new')
    assert.equal((await store.locateAddress('ann@a.test'))?.type, 'account')
    assert.ok(!statements.some((text) => text.startsWith('INSERT INTO message')))
  })

  test('a delivery is refused before it is told where no more can wait and none can be filed', async (context) => {
    const { store, control } = await opened(context, { waitingMessages: 5 })
    const { uids } = holdToOrder(store, ann)
    for (let id = 0; id < 5; id++) await deliver(store, id)
    control.fault = (text) => {
      if (text.startsWith('INSERT INTO email'))
        throw Object.assign(new Error('database or disk is full'), { errcode: 13 })
    }
    await assert.rejects(deliver(store, 5), StoreUnavailable)
    assert.equal(uids.size, 5)
    control.fault = () => {}
    assert.equal((await store.loadView({ account: ann, mailbox: inbox })).uids.length, 5)
  })

  test('what no row can hold is refused, and nothing waits for it', async (context) => {
    const { store } = await opened(context)
    for (const internalDate of [1.5, Number.NaN]) {
      const request = {
        message: await letter(store, 1, 0),
        internalDate,
        targets: [{ account: ann, prefix: '' }],
      }
      await assert.rejects(store.deliver(request))
    }
    assert.ok((await deliver(store, 2)).ok)
    assert.equal((await store.loadView({ account: ann, mailbox: inbox })).uids.length, 1)
  })

  test('others have their turn while much is filed before a write, and writes keep their order', async (context) => {
    const { store, control, statements } = await opened(context)
    for (let id = 0; id < 200; id++) await deliver(store, id)
    const order: string[] = []
    const make = (name: string) =>
      store.createMailbox({ account: ann, name, now: 0 }).then(({ ok }) => void order.push(`${name} ${ok}`))
    const made = [make('a')]
    setImmediate(() => {
      const filed = statements.filter((text) => text.startsWith('INSERT INTO message')).length
      assert.ok(filed < 200 && order.length === 0)
      made.push(
        make('a/b'),
        deliver(store, 200).then(() => void order.push('taken')),
      )
    })
    await made[0]
    await Promise.all(made)
    assert.deepEqual(order, ['taken', 'a true', 'a/b true'])
    for (let id = 0; id < 200; id++) await deliver(store, id)
    control.fault = (text) => {
      if (text.startsWith('INSERT INTO email'))
        throw Object.assign(new Error('database or disk is full'), { errcode: 13 })
    }
    await assert.rejects(store.createMailbox({ account: ann, name: 'c', now: 0 }), StoreUnavailable)
    control.fault = () => {}
    assert.ok((await store.createMailbox({ account: ann, name: 'c', now: 0 })).ok)
  })

  test('a store that is being closed takes nothing more', async () => {
    const { store } = await house('later')
    const written = store.createMailbox({ account: ann, name: 'x', now: 0 })
    const closed = store.close()
    await assert.rejects(deliver(store, 1), StoreUnavailable)
    assert.ok((await written).ok)
    await closed
  })

  test('what could not be written is told to whoever looks, and is there later', async (context) => {
    const { store, clock, control } = await opened(context)
    await deliver(store, 1)
    control.fault = (text) => {
      if (text.startsWith('INSERT INTO email'))
        throw Object.assign(new Error('database or disk is full'), { errcode: 13 })
    }
    await assert.rejects(store.loadView({ account: ann, mailbox: inbox }), StoreUnavailable)
    await assert.rejects(store.createMailbox({ account: ann, name: 'x', now: 0 }), StoreUnavailable)
    await clock.advance(10_000)
    assert.ok((await deliver(store, 2)).ok)
    control.fault = () => {}
    assert.deepEqual(Array.from((await store.loadView({ account: ann, mailbox: inbox })).uids), [1, 2])
  })
})
