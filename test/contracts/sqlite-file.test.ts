// The contract held by SQLite in a data folder, with its writer thread and large blobs in files.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RealRandom } from '../../src/base/real-random.ts'
import { RealClock } from '../../src/net/real-clock.ts'
import { openSqliteStore } from '../../src/store/sqlite/index.ts'
import type { Store } from '../../src/store/store.ts'
import { storeContract } from './store-contract.ts'

storeContract('SQLite in a folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-contract-'))
  const stores: Store[] = []
  const open = async (): Promise<Store> => {
    const clock = new RealClock()
    const random = new RealRandom()
    const store = await openSqliteStore({ folder, clock, random, onListenerError: () => undefined })
    stores.push(store)
    return store
  }
  const end = async (): Promise<void> => {
    for (const store of stores) await store.close()
    await rm(folder, { recursive: true })
  }
  return { store: await open(), reopen: open, end }
})
