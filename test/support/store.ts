// A store for one test: in memory unless a folder is asked for, audited when the test is over. A test that answered rightly and
// left wrong counts behind has failed too.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SeededRandom } from '../../src/base/seeded-random.ts'
import { VirtualClock } from '../../src/base/virtual-clock.ts'
import type { StoreLimits } from '../../src/store/limits.ts'
import { openSqliteStore } from '../../src/store/sqlite/index.ts'
import type { Store } from '../../src/store/store.ts'

/** A test, or whoever else tells when it is over. */
export interface Ending {
  after(end: () => unknown): void
}

export interface TestStoreOptions {
  /** `folder` makes a temporary data folder with a writer thread. Default `memory`. */
  readonly medium?: 'memory' | 'folder'
  readonly limits?: Partial<StoreLimits>
}

/** Opens a store, and at the end of the test audits, closes and removes it. */
export async function testStore(context: Ending, options: TestStoreOptions = {}): Promise<Store> {
  const folder = options.medium === 'folder' ? await testFolder(context) : undefined
  const store = await openSqliteStore({
    folder: folder?.path ?? ':memory:',
    clock: new VirtualClock(),
    random: new SeededRandom(1),
    onListenerError: (error) => setImmediate(() => assert.ifError(error)),
    ...(options.limits && { limits: options.limits }),
  })
  const end = async (): Promise<void> => {
    try {
      assert.deepEqual(await store.audit(), [])
    } finally {
      await store.close()
    }
  }
  if (folder) folder.beforeRemoval(end)
  else context.after(end)
  return store
}

export interface TestFolder {
  readonly path: string
  /** Has `task` done at the end of the test, while the folder is still there. */
  beforeRemoval(task: () => Promise<void>): void
}

/** A temporary folder that goes with the test. */
export async function testFolder(context: Ending): Promise<TestFolder> {
  const path = await mkdtemp(join(tmpdir(), 'posthorn-store-'))
  const tasks: (() => Promise<void>)[] = []
  context.after(async () => {
    try {
      for (const task of tasks) await task()
    } finally {
      await rm(path, { recursive: true, force: true })
    }
  })
  return { path, beforeRemoval: (task) => tasks.push(task) }
}
