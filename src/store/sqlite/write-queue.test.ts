// The writer thread's end: what it held is unknown, and the next write gets a new one.
import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { testFolder } from '../../../test/support/store.ts'
import { ChangeFeed } from '../changes.ts'
import { defaultStoreLimits } from '../limits.ts'
import { StoreUnavailable } from '../store.ts'
import { AddressCache } from './address-cache.ts'
import { Connection } from './connection.ts'
import { migrate } from './migrate.ts'
import { WriteQueue } from './write-queue.ts'

test('a thread that dies rejects what it held; the next write starts another', async (context) => {
  const folder = await testFolder(context)
  // The folder is missing, so the thread cannot open its database.
  const place = join(folder.path, 'missing')
  const path = join(place, 'x.db')
  const feed = new ChangeFeed({ onError: assert.ifError })
  const queue = WriteQueue.threaded({
    feed,
    addresses: new AddressCache(),
    data: { path, limits: defaultStoreLimits },
  })
  await assert.rejects(queue.write('addDomain', { name: 'a.test', now: 0 }), (error) => {
    assert.ok(error instanceof StoreUnavailable)
    assert.equal(error.outcomeUnknown, true)
    return true
  })
  await mkdir(place)
  const first = new Connection({ path })
  migrate(first.database)
  first.close()
  assert.deepEqual(await queue.write('addDomain', { name: 'a.test', now: 0 }), { ok: true })
  await queue.close()
  await assert.rejects(queue.write('addDomain', { name: 'b.test', now: 0 }), StoreUnavailable)
})

async function fileQueue(context: TestContext): Promise<WriteQueue> {
  const folder = await testFolder(context)
  const path = join(folder.path, 'x.db')
  const first = new Connection({ path })
  migrate(first.database)
  first.close()
  const feed = new ChangeFeed({ onError: assert.ifError })
  return WriteQueue.threaded({
    feed,
    addresses: new AddressCache(),
    data: { path, limits: defaultStoreLimits },
  })
}

const nothing = { settlements: [], holder: null, now: 0, events: [] }

test('what became of rows goes with the next write, and comes through without one', async (context) => {
  const queue = await fileQueue(context)
  const order: string[] = []
  const settled = queue.write('settle', nothing).then(() => order.push('settled'))
  const added = queue.write('addDomain', { name: 'a.test', now: 0 }).then(() => order.push('added'))
  await Promise.all([settled, added])
  assert.deepEqual(order, ['settled', 'added'])
  await queue.write('settle', nothing)
  const last = queue.write('settle', nothing)
  await queue.close()
  await last
})
