// A store for one test: in memory unless a folder is asked for, audited when the test is over. A test that answered rightly and
// left wrong counts behind has failed too.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { SeededRandom } from '../../src/base/seeded-random.ts'
import { VirtualClock } from '../../src/base/virtual-clock.ts'
import type { StoreLimits } from '../../src/store/limits.ts'
import { openSqliteStore } from '../../src/store/sqlite/index.ts'
import type { Store } from '../../src/store/store.ts'

export interface TestStoreOptions {
  /** `folder` makes a temporary data folder with a writer thread. Default `memory`. */
  readonly medium?: 'memory' | 'folder'
  readonly limits?: Partial<StoreLimits>
}

/** Opens a store, and at the end of the test audits, closes and removes it. */
export async function testStore(context: TestContext, options: TestStoreOptions = {}): Promise<Store> {
  const folder = options.medium === 'folder' ? await testFolder(context) : ':memory:'
  const store = await openSqliteStore({
    folder,
    clock: new VirtualClock(),
    random: new SeededRandom(1),
    onListenerError: (error) => setImmediate(() => assert.ifError(error)),
    ...(options.limits && { limits: options.limits }),
  })
  context.after(async () => {
    try {
      assert.deepEqual(await store.audit(), [])
    } finally {
      await store.close()
    }
  })
  return store
}

/** A temporary folder that goes with the test, after everything that was opened in it. */
export async function testFolder(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-store-'))
  context.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}
