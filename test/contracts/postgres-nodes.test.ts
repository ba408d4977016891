// What only PostgreSQL has: a server that goes away and comes back, other nodes, and a schema that others may have made.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { Client } from 'pg'
import { startPostgres, sharedPostgres, type TestDatabase } from '../support/postgres.ts'
import { House, letter } from './house.ts'
import { claim, done, enqueue, queued, settle, to } from './queue-words.ts'
import { RealRandom } from '../../src/base/real-random.ts'
import { RealClock } from '../../src/net/real-clock.ts'
import { StoreUnavailable, UnsuitableDatabase } from '../../src/store/store.ts'
import { fromText, toText } from '../../src/store/postgres/driver.ts'
import { openPostgresStore, type PostgresStoreOptions } from '../../src/store/postgres/index.ts'

const shared = await sharedPostgres()
const options = shared.available ? {} : { skip: shared.reason }

async function database(): Promise<TestDatabase> {
  assert.ok(shared.available)
  return shared.cluster.createDatabase()
}

/** A node on the database; closed at the end of the test. */
async function node(
  context: TestContext,
  connection: TestDatabase,
  postgresLimits: PostgresStoreOptions['postgresLimits'] = {},
): Promise<House> {
  const store = await openPostgresStore({
    connection,
    clock: new RealClock(),
    random: new RealRandom(),
    onError: (error) => setImmediate(() => assert.ifError(error)),
    postgresLimits: { firstReconnectPause: 5, longestReconnectPause: 50, ...postgresLimits },
  })
  context.after(() => store.close())
  return new House({ store, end: () => store.close() })
}

test('the server dies and comes back: unavailable meanwhile, then everything works and nothing is missed', async (context) => {
  const started = await startPostgres()
  if (!started.available) return context.skip(started.reason)
  const { cluster } = started
  context.after(() => cluster.end())
  const connection = await cluster.createDatabase()
  const [one, two] = [await node(context, connection), await node(context, connection)]
  await one.store.addDomain({ name: one.domain, now: one.now })
  const account = await one.account()
  await one.deliver([account], letter('before'))
  using told = one.listen(account)
  using elsewhere = two.listen(account)
  await one.deliver([account], letter('told'))
  await elsewhere.settle()
  await cluster.stop()
  await assert.rejects(one.store.listMailboxes(account), StoreUnavailable)
  await assert.rejects(one.create(account, 'box'), StoreUnavailable)
  await cluster.start()
  await two.deliver([account], letter('after'))
  await Promise.all([told.settle(), elsewhere.settle()])
  const uidsOf = ({ changes }: typeof told): number[] =>
    changes.flatMap((change) => (change.type === 'message-added' ? [change.uid] : []))
  assert.deepEqual(uidsOf(told), [2, 3])
  // What another node did just before the subscription may come after it.
  assert.deepEqual(uidsOf(elsewhere).slice(-2), [2, 3])
  assert.deepEqual(await one.uids(account, (await one.mailbox(account)).id), [1, 2, 3])
  await one.audit()
})

test('a node hears what another node does, in order, however much it is', options, async (context) => {
  const connection = await database()
  const [one, two] = [await node(context, connection), await node(context, connection)]
  await one.store.addDomain({ name: one.domain, now: one.now })
  const account = await one.account()
  const inbox = await one.mailbox(account)
  using told = two.listen(account)
  await two.store.getAccount(account)
  for (let round = 0; round < 5; round++) {
    await one.append(account, inbox.id, { count: 200, content: 'x' })
    await one.deliver([account], letter('é\0📬'))
    await one.store.expunge({ account, mailbox: inbox.id, which: 'regardless' })
  }
  await told.settle()
  assert.deepEqual(told.modSeqs, told.modSeqs.toSorted((a, b) => a - b)) // prettier-ignore
  const gone = told.changes.flatMap((change) => (change.type === 'messages-expunged' ? change.uids : []))
  assert.deepEqual(
    [...new Set(gone)].toSorted((a, b) => a - b),
    Array.from({ length: 1_005 }, (_, n) => n + 1),
  )
  await one.store.removeAccount(account)
  await told.until('account-removed')
})

test(
  'rights, annotations, subscriptions and moves to another account are heard elsewhere',
  options,
  async (context) => {
    const connection = await database()
    const [one, two] = [await node(context, connection), await node(context, connection)]
    await one.store.addDomain({ name: one.domain, now: one.now })
    const [ann, ben] = [await one.account('ann'), await one.account('ben')]
    const mailbox = (await one.mailbox(ann)).id
    using owner = two.listen(ann)
    using grantee = two.listen(ben)
    await two.store.getAccount(ann)
    await one.deliver([ann])
    const place = { account: ann, mailbox }
    const entry = { grantee: ben, negative: false, mode: 'add', rights: 'lr' } as const
    assert.ok((await one.store.setAccess({ ...place, ...entry })).ok)
    // Too many names for one notice: they are fetched.
    const changes = Array.from({ length: 150 }, (_, index) => ({
      name: `/shared/${'long'.repeat(20)}/${index}`,
      value: new Uint8Array(1),
    }))
    assert.ok((await one.store.setAnnotations({ ...place, viewer: ben, changes })).ok)
    await one.store.setSubscription({ account: ann, name: 'x', subscribed: true })
    const transfer = {
      account: ann,
      from: mailbox,
      uids: [[1, 1]],
      to: mailbox,
      toAccount: ben,
      now: 1,
    } as const
    assert.ok((await one.store.move(transfer)).ok)
    await Promise.all([owner.settle(), grantee.settle()])
    // What another node did just before the subscription may come after it.
    const typesOf = ({ changes: told }: typeof owner): string[] =>
      told.map(({ type }) => type).filter((type) => type !== 'mailbox-created')
    assert.deepEqual(typesOf(owner), [
      ...[
        'message-added',
        'rights-changed',
        'annotations-changed',
        'subscription-changed',
        'messages-expunged',
      ],
    ])
    assert.equal(owner.changes.flatMap((change) => ('names' in change ? change.names : [])).length, 150)
    assert.deepEqual(typesOf(grantee), ['rights-changed', 'message-added'])
  },
)

test(
  'two nodes share the queue: each hears of its rows, and each row goes to one',
  options,
  async (context) => {
    const connection = await database()
    const [one, two] = [await node(context, connection), await node(context, connection)]
    const heard = Promise.withResolvers<readonly string[]>()
    two.store.onQueued((domains) => heard.resolve(domains))
    const rows = Array.from({ length: 200 }, (_, index) => to(`u${index}@far.test`, one.now))
    const id = await enqueue(one, queued(one, 'many', rows))
    assert.deepEqual(await heard.promise, ['far.test'])
    const taken: number[] = []
    const work = async (house: House, holder: string): Promise<void> => {
      for (;;) {
        const claimed = await claim(house, 'far.test', { holder, limit: 7 })
        if (claimed.length === 0 && taken.length >= rows.length) return
        taken.push(...claimed.map(({ recipient }) => recipient.number))
        await settle(house, claimed.map(({ recipient }) => done(recipient, house.now)), holder) // prettier-ignore
      }
    }
    await Promise.all([work(one, 'a'), work(two, 'b'), work(one, 'c'), work(two, 'd')])
    assert.equal(taken.length, rows.length)
    assert.equal(new Set(taken).size, rows.length)
    assert.equal((await two.store.queueEntry(id))?.finishedAt, one.now)
    await one.audit()
  },
)

test('nodes that start together on an empty database take turns', options, async (context) => {
  const connection = await database()
  const nodes = await Promise.all([1, 2, 3, 4].map(() => node(context, connection)))
  for (const [index, house] of nodes.entries()) {
    assert.deepEqual(await house.store.addDomain({ name: `d${index}.test`, now: 0 }), { ok: true })
  }
})

test('a newer schema, and one of another text, are refused', options, async (context) => {
  const connection = await database()
  await node(context, connection)
  const client = new Client(connection)
  await client.connect()
  context.after(() => client.end())
  await client.query(`UPDATE schema_version SET sha256 = 'other' || sha256`)
  await assert.rejects(node(context, connection), UnsuitableDatabase)
  await client.query(`UPDATE schema_version SET sha256 = substr(sha256, 6)`)
  await client.query(`INSERT INTO schema_version (version, sha256) VALUES (99, 'future')`)
  await assert.rejects(node(context, connection), /schema 99/)
})

test(
  'mail is kept as it is, without compression, and no migration asks for PostgreSQL 16 to say so',
  options,
  async (context) => {
    const connection = await database()
    await node(context, connection)
    const client = new Client(connection)
    await client.connect()
    context.after(() => client.end())
    const { rows } = await client.query(
      `SELECT attrelid::regclass::text AS name, attstorage AS storage FROM pg_attribute
     WHERE attrelid IN ('blob'::regclass, 'blob_chunk'::regclass) AND attname = 'data' ORDER BY name`,
    )
    assert.deepEqual(rows, [
      { name: 'blob', storage: 'e' },
      { name: 'blob_chunk', storage: 'e' },
    ])
    const folder = new URL('../../src/store/postgres/migrations/', import.meta.url)
    for (const name of readdirSync(folder)) {
      const lines = readFileSync(new URL(name, folder), 'utf8').split('\n')
      assert.deepEqual(
        lines.filter((line) => / STORAGE /.test(line) && !line.startsWith('ALTER TABLE ')),
        [],
      )
    }
  },
)

test('a database that cannot be reached is unavailable', async (context) => {
  const connection = { host: '/nonexistent', user: 'nobody', database: 'none' }
  await assert.rejects(node(context, connection), StoreUnavailable)
})

test('more operations than connections wait for one', options, async (context) => {
  const house = await node(context, await database(), { poolConnections: 2 })
  await house.store.addDomain({ name: house.domain, now: 0 })
  const account = await house.account()
  await Promise.all(Array.from({ length: 30 }, () => house.deliver([account])))
  assert.equal((await house.mailbox(account)).messages, 30)
  await house.audit()
})

test('text travels with U+0000 and what stands for it', () => {
  for (const text of ['', 'plain', 'a\0b', '\ue000', '\ue000\ue001', '\ue0000', '\0\ue000\0', '\ue001\0']) {
    assert.ok(!toText(text).includes('\0'))
    assert.equal(fromText(toText(text)), text)
  }
})
