// The full-text index over both engines: the same mail gives the same blocks, octet for octet, and of two nodes that index one
// account each piece is made by one of them.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { RealRandom } from '../../src/base/real-random.ts'
import { searchSection } from '../../src/config/sections/search.ts'
import { createEvents } from '../../src/events/event.ts'
import { RealClock } from '../../src/net/real-clock.ts'
import { InlineWorkshop } from '../../src/search/index-work.ts'
import { Indexer } from '../../src/search/indexer.ts'
import { createSearcher } from '../../src/search/searcher.ts'
import { ingest } from '../../src/store/ingest.ts'
import type { AccountId, EmailId } from '../../src/store/model.ts'
import { openPostgresStore } from '../../src/store/postgres/index.ts'
import { openSqliteStore } from '../../src/store/sqlite/index.ts'
import type { Store } from '../../src/store/store.ts'
import { sharedPostgres } from '../support/postgres.ts'
import { House, noCredentials, noQuota } from './house.ts'

const clock = new RealClock()
const parts = { clock, random: new RealRandom() }
const postgres = await sharedPostgres()
const skip = postgres.available ? undefined : postgres.reason

function indexerOf(store: Store, holder: string): Indexer {
  const config = { ...searchSection.parse(undefined), batch: 3 }
  return new Indexer({
    store,
    holder,
    config,
    clock,
    workshop: new InlineWorkshop(),
    events: createEvents([]),
  })
}

async function fill(store: Store): Promise<AccountId> {
  const house = new House({ store, end: async () => {} })
  await store.addDomain({ name: house.domain, now: 0 })
  const address = `ann@${house.domain}`
  const request = { address, credentials: noCredentials, quota: noQuota, mailboxes: [], now: 0 }
  const made = await store.addAccount(request)
  assert.ok(made.ok)
  for (let number = 1; number <= 30; number++) {
    const staging = ingest({ blobs: store.blobs })
    const text = `Subject: Größe ${number}\r\n\r\n日本語 word${number % 7}s <${number}abc${number}def@x>\0\r\n`
    await staging.write(Buffer.from(text))
    const { message } = await staging.finish()
    await store.deliver({ message, internalDate: 0, targets: [{ account: made.account.id, prefix: '' }] })
  }
  return made.account.id
}

/** All blocks of all segments. */
async function blocksOf(store: Store, account: AccountId): Promise<string[]> {
  const blocks: string[] = []
  for (const { id, firstEmail, lastEmail } of await store.searchSegments(account)) {
    const numbers = Array.from({ length: 20 }, (_, index) => index)
    const found = await store.searchBlocks({ account, segment: id, numbers })
    for (const [number, bytes] of found.entries()) {
      if (bytes) blocks.push(`${firstEmail}-${lastEmail} ${number} ${Buffer.from(bytes).toString('base64')}`)
    }
  }
  return blocks
}

async function openPostgres(
  connection: Parameters<typeof openPostgresStore>[0]['connection'],
): Promise<Store> {
  return openPostgresStore({ ...parts, connection, onError: assert.ifError })
}

test('the same mail gives the same blocks on both engines', { skip }, async () => {
  assert.ok(postgres.available)
  await using one = await openSqliteStore({ ...parts, folder: ':memory:', onListenerError: assert.ifError })
  await using other = await openPostgres(await postgres.cluster.createDatabase())
  const made: string[][] = []
  for (const store of [one, other]) {
    const account = await fill(store)
    await indexerOf(store, 'holder').indexNow(account)
    made.push(await blocksOf(store, account))
    const key = { fields: ['body'] as const, text: 'word3' }
    const searcher = createSearcher({ store, cache: 0, listOctets: 1e6 })
    const { indexedUpTo, keys } = await searcher.lookUp({ account, keys: [key] })
    const found = Array.from({ length: 30 }, (_, index) => index + 1).filter((id) =>
      keys[0]?.judge(id as EmailId),
    )
    assert.deepEqual([indexedUpTo, ...found], [30, 3, 10, 17, 24])
    assert.deepEqual(await store.audit(), [])
  }
  assert.ok((made[0]?.length ?? 0) > 5)
  assert.deepEqual(made[0], made[1])
})

test('of two nodes one indexes an account at a time', { skip }, async () => {
  assert.ok(postgres.available)
  const connection = await postgres.cluster.createDatabase()
  await using one = await openPostgres(connection)
  await using other = await openPostgres(connection)
  const account = await fill(one)
  const runs = await Promise.allSettled([
    indexerOf(one, 'one').indexNow(account),
    indexerOf(other, 'other').indexNow(account),
  ])
  assert.ok(runs.some(({ status }) => status === 'fulfilled'))
  for (const run of runs) if (run.status === 'rejected') assert.match(String(run.reason), /another node/)
  const segments = await other.searchSegments(account)
  assert.equal(
    segments.reduce((sum, { emails }) => sum + emails, 0),
    30,
  )
  assert.deepEqual(await one.audit(), [])
})
