// Group commit as its neighbours feel it: what one operation refuses, breaks or cannot write never touches another.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { SeededRandom } from '../../base/seeded-random.ts'
import { VirtualClock } from '../../base/virtual-clock.ts'
import { testFolder } from '../../../test/support/store.ts'
import { auditAccount } from '../audit.ts'
import { defaultStoreLimits, type StoreLimits } from '../limits.ts'
import type { AccountId, Change, MailboxId, StagedMessage } from '../model.ts'
import { type Store, StoreUnavailable } from '../store.ts'
import { Connection } from './connection.ts'
import { openSqliteStore } from './index.ts'
import { migrate } from './migrate.ts'
import { type Call, Writer } from './writer.ts'

/** A store whose writer's statements are seen, and fail where `fault` throws. */
async function watched(
  context: TestContext,
  limits: Partial<StoreLimits> = {},
): Promise<{ store: Store; ann: AccountId; texts: string[]; control: { fault: (text: string) => void } }> {
  const texts: string[] = []
  const control = { fault: (_: string): void => {} }
  const folder = await testFolder(context)
  const store = await openSqliteStore({
    folder: folder.path,
    clock: new VirtualClock(),
    random: new SeededRandom(1),
    writer: 'inline',
    limits,
    onListenerError: assert.ifError,
    beforeStatement: (text) => {
      texts.push(text)
      control.fault(text)
    },
  })
  folder.beforeRemoval(async () => {
    control.fault = () => {}
    assert.deepEqual(await store.audit(), [])
    await store.close()
  })
  await store.addDomain({ name: 'a.test', now: 0 })
  const made = await store.addAccount({
    address: 'ann@a.test',
    credentials: { argon2id: null, scramSha256: null },
    quota: { bytes: null, messages: null },
    mailboxes: [],
    now: 0,
  })
  assert.ok(made.ok)
  texts.length = 0
  return { store, ann: made.account.id, texts, control }
}

function letter(text = 'x'): StagedMessage {
  const bytes = new TextEncoder().encode(text)
  return { blob: { type: 'inline', size: bytes.length, bytes }, structure: '{}' }
}

const deliver = (store: Store, account: AccountId, text?: string): ReturnType<Store['deliver']> =>
  store.deliver({ message: letter(text), internalDate: 0, targets: [{ account, prefix: 'R: r\r\n' }] })

const messagesOf = async (store: Store, account: AccountId): Promise<number | undefined> =>
  (await store.getAccount(account))?.used.messages

function sqliteError(errcode: number): Error {
  return Object.assign(new Error('database or disk is full'), { code: 'ERR_SQLITE_ERROR', errcode })
}

test('writes of one turn share one commit; a delivery is five statements', async (context) => {
  const { store, ann, texts } = await watched(context)
  await Promise.all([deliver(store, ann), deliver(store, ann), deliver(store, ann)])
  assert.equal(texts.filter((text) => text === 'COMMIT').length, 1)
  assert.equal(texts.length, 2 + 3 * 5)
  assert.ok(!texts.some((text) => text.startsWith('SAVEPOINT')))
})

test('a group ends after its number of operations', async (context) => {
  const { store, ann, texts } = await watched(context, { groupOperations: 2 })
  await Promise.all(Array.from({ length: 5 }, () => deliver(store, ann)))
  assert.equal(texts.filter((text) => text === 'COMMIT').length, 3)
  assert.equal(await messagesOf(store, ann), 5)
})

test('an operation that refuses after it wrote is undone; its neighbours are not', async (context) => {
  const { store, ann, texts } = await watched(context)
  const heard: Change[] = []
  store.subscribe(ann, (changes) => heard.push(...changes))
  const missing = 99 as AccountId
  const [first, refused, last] = await Promise.all([
    deliver(store, ann),
    // Sets the row of the alias before it finds out that an account has the address.
    store.setAlias({ address: 'ann@a.test', targets: ['b@a.test'], now: 0 }),
    deliver(store, ann),
    deliver(store, missing),
  ])
  assert.ok(first.ok && last.ok)
  assert.deepEqual(refused, { ok: false, reason: 'exists' })
  assert.ok(texts.some((text) => text === 'ROLLBACK TO operation'))
  assert.equal(await messagesOf(store, ann), 2)
  assert.deepEqual(
    heard.map((change) => change.type === 'message-added' && change.uid),
    [1, 2],
  )
})

test('an operation that throws is rejected with its reason; its neighbours commit', async (context) => {
  const { store, ann } = await watched(context)
  const outcomes = await Promise.allSettled([
    deliver(store, ann),
    store.deliver({ message: letter(), internalDate: 0, targets: [{ account: ann, prefix: '', flags: 99 }] }),
    deliver(store, ann),
  ])
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
  assert.equal(await messagesOf(store, ann), 2)
})

test('a commit that fails is tried again, each operation alone', async (context) => {
  const { store, ann, texts, control } = await watched(context)
  let commits = 0
  control.fault = (text) => {
    if (text === 'COMMIT' && ++commits === 1) throw sqliteError(13)
  }
  await Promise.all([deliver(store, ann), deliver(store, ann)])
  assert.equal(texts.filter((text) => text === 'COMMIT').length, 3)
  assert.equal(await messagesOf(store, ann), 2)
})

test('while the disk is full everything is unavailable, and nothing when there is room again', async (context) => {
  const { store, ann, control } = await watched(context)
  const heard: Change[] = []
  store.subscribe(ann, (changes) => heard.push(...changes))
  control.fault = (text) => {
    if (text.startsWith('INSERT INTO message')) throw sqliteError(13)
  }
  const failed = await Promise.allSettled([deliver(store, ann), deliver(store, ann)])
  for (const outcome of failed) {
    assert.ok(outcome.status === 'rejected' && outcome.reason instanceof StoreUnavailable)
    assert.equal(outcome.reason.outcomeUnknown, false)
  }
  assert.equal(await messagesOf(store, ann), 0)
  assert.deepEqual(heard, [])
  control.fault = () => {}
  const delivered = await deliver(store, ann)
  assert.ok(delivered.ok)
  assert.equal(delivered.results[0]?.ok && delivered.results[0].uid, 1)
})

test('a database that is really full refuses what does not fit, keeps what does, and recovers', async (context) => {
  const folder = await testFolder(context)
  const connection = new Connection({ path: join(folder.path, 'small.db') })
  folder.beforeRemoval(async () => connection.close())
  migrate(connection.database)
  const writer = new Writer({ connection, limits: defaultStoreLimits, monotonic: () => 0 })
  const credentials = { argon2id: null, scramSha256: null }
  const quota = { bytes: null, messages: null }
  const account = { address: 'a@b', credentials, quota, mailboxes: [], now: 0 }
  const made = writer.run([
    { id: 1, name: 'addDomain', request: { name: 'b', now: 0 } },
    { id: 2, name: 'addAccount', request: account },
  ])
  assert.ok(made.every(({ ok }) => ok))
  const pages = Number(connection.database.prepare('PRAGMA page_count').get()?.['page_count'])
  const delivery = (id: number, size: number): Call => {
    const targets = [{ account: 1, prefix: '' }]
    const request = { message: letter('x'.repeat(size)), internalDate: 0, targets }
    return { id, name: 'deliver', request }
  }
  connection.database.exec(`PRAGMA max_page_count = ${pages + 10}`)
  const calls = [delivery(3, 100), delivery(4, 200_000), delivery(5, 100)]
  assert.deepEqual(
    writer.run(calls).map(({ id, ok }) => [id, ok]),
    [
      [3, true],
      [4, false],
      [5, true],
    ],
  )
  assert.deepEqual(calls, [])
  connection.database.exec(`PRAGMA max_page_count = ${pages + 1_000}`)
  assert.equal(writer.run([delivery(6, 200_000)])[0]?.ok, true)
  assert.deepEqual(connection.read(auditAccount(1 as AccountId)), [])
})

/** A writer on a database with one account, and calls for it. */
async function bareWriter(context: TestContext): Promise<{ writer: Writer; connection: Connection }> {
  const folder = await testFolder(context)
  const connection = new Connection({ path: join(folder.path, 'x.db') })
  folder.beforeRemoval(async () => connection.close())
  migrate(connection.database)
  const writer = new Writer({ connection, limits: defaultStoreLimits, monotonic: () => 0 })
  const account = {
    address: 'ann@a.test',
    credentials: { argon2id: null, scramSha256: null },
    quota: { bytes: null, messages: null },
    mailboxes: [],
    now: 0,
  }
  const made = writer.run([
    { id: 1, name: 'addDomain', request: { name: 'a.test', now: 0 } },
    { id: 2, name: 'addAccount', request: account },
  ])
  assert.ok(made.every(({ ok }) => ok))
  return { writer, connection }
}

const ann = 1 as AccountId

function arriving(id: number): Call {
  const targets = [{ account: ann, prefix: '' }]
  return { id, name: 'deliver', request: { message: letter(), internalDate: 0, targets } }
}

function importing(id: number): Call {
  const messages = [{ message: letter(), flags: 0, keywords: '', internalDate: 0 }]
  const request = { account: ann, mailbox: 1 as MailboxId, messages, now: 0, behind: true }
  return { id, name: 'append', request }
}

test('deliveries go before imports that came first, and wait for one batch at most', async (context) => {
  const { writer, connection } = await bareWriter(context)
  const waiting = [importing(3), importing(4), arriving(5), arriving(6)]
  const groups: number[][] = []
  const runGroup = (): void => {
    groups.push(writer.run(waiting).map(({ id }) => id))
  }
  runGroup()
  runGroup()
  // It came while a batch was at work: the next one waits for it.
  waiting.push(arriving(7))
  runGroup()
  runGroup()
  assert.deepEqual(groups, [[5, 6], [3], [7], [4]])
  assert.deepEqual(waiting, [])
  assert.deepEqual(connection.read(auditAccount(ann)), [])
})

test('an import has its turn however much is delivered', async (context) => {
  const { writer } = await bareWriter(context)
  const waiting = [importing(3)]
  const answered = new Set<number>()
  for (let id = 4; id < 50 && !answered.has(3); id++) {
    waiting.push(arriving(id))
    for (const answer of writer.run(waiting)) answered.add(answer.id)
  }
  assert.ok(answered.has(3))
  assert.ok(answered.size > 10)
})

test('flags of every other one of many messages are a few blocks, those of far ones rows', async (context) => {
  const { store, ann: account, texts } = await watched(context)
  const mailbox = 1 as MailboxId
  const one = { message: letter(), flags: 0, keywords: '', internalDate: 0 }
  await store.append({ account, mailbox, messages: Array.from({ length: 400 }, () => one), now: 0 })
  const everyOther = Array.from({ length: 200 }, (_, index) => [2 * index + 1, 2 * index + 1] as const)
  const set = async (
    uids: readonly (readonly [number, number])[],
  ): Promise<[blocks: number, rows: number]> => {
    texts.length = 0
    const changed = await store.setFlags({ account, mailbox, uids, mode: 'add', flags: 2, keywords: [] })
    assert.ok(changed.ok)
    const count = (start: string): number => texts.filter((text) => text.startsWith(start)).length
    return [count('INSERT INTO flag_block'), count('UPDATE message')]
  }
  assert.deepEqual(await set(everyOther), [1, 0])
  const [blocks, rows] = await set([
    [2, 2],
    [400, 400],
  ])
  assert.equal(blocks, 0)
  assert.ok(rows > 0)
})

test('an empty message is a message', async (context) => {
  const { store, ann } = await watched(context)
  const delivered = await deliver(store, ann, '')
  assert.ok(delivered.ok)
  const [texts] = await Array.fromAsync(
    store.messageTexts({ account: ann, mailbox: 1 as MailboxId, uids: [[1, 9]] }),
  )
  assert.equal(texts?.[0]?.prefix, 'R: r\r\n')
  assert.deepEqual(texts[0] && (await store.blobs.readSmall(texts[0].blob)), new Uint8Array())
})

test('a fault at any statement of a delivery leaves all or nothing', async (context) => {
  const { store, ann, control } = await watched(context)
  for (let at = 0; at < 12; at++) {
    const before = await messagesOf(store, ann)
    let seen = 0
    // An ordinary failure, then one of the disk, at the same place.
    const error = at % 2 === 0 ? sqliteError(10) : new Error('broken')
    control.fault = () => {
      if (seen++ === at) throw error
    }
    const outcome = await deliver(store, ann).then(
      () => 1,
      () => 0,
    )
    control.fault = () => {}
    assert.equal(await messagesOf(store, ann), (before ?? 0) + outcome)
    assert.deepEqual(await store.audit(), [])
  }
})

test('what the writer thread answers is what the inline writer answers', async (context) => {
  const folder = await testFolder(context)
  const store = await openSqliteStore({
    folder: folder.path,
    clock: new VirtualClock(),
    random: new SeededRandom(1),
    onListenerError: assert.ifError,
  })
  folder.beforeRemoval(() => store.close())
  assert.deepEqual(await store.addDomain({ name: 'a.test', now: 0 }), { ok: true })
  assert.deepEqual(await store.addDomain({ name: 'a.test', now: 0 }), { ok: false, reason: 'exists' })
  await assert.rejects(
    store
      .append({
        account: 1 as AccountId,
        mailbox: 1 as MailboxId,
        messages: [{ message: letter(), flags: 0, keywords: '', internalDate: 0 }],
        now: 0,
      })
      .then((outcome) => assert.ok(outcome.ok)),
  )
})
