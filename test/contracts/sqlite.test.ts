// The store's contract on SQLite: in memory, and in a folder with the writer thread.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RealClock } from '../../src/net/real-clock.ts'
import { SeededRandom } from '../../src/base/seeded-random.ts'
import { openSqliteStore } from '../../src/store/sqlite/index.ts'
import type { Store } from '../../src/store/store.ts'
import type { OpenedStore } from './house.ts'
import { storeContract } from './store-contract.ts'

storeContract('SQLite in memory', async (): Promise<OpenedStore> => {
  const store = await openSqliteStore({
    folder: ':memory:',
    clock: new RealClock(),
    random: new SeededRandom(1),
    onListenerError: () => undefined,
  })
  return { store, end: () => store.close() }
})

storeContract('SQLite in a folder', async (): Promise<OpenedStore> => {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-contract-'))
  let seed = 1
  let open: Store | undefined
  const reopen = async (): Promise<Store> => {
    await open?.close()
    open = await openSqliteStore({
      folder,
      clock: new RealClock(),
      random: new SeededRandom(seed++),
      onListenerError: () => undefined,
    })
    return open
  }
  return {
    store: await reopen(),
    reopen,
    end: async () => {
      await open?.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
})
