// The contract held by SQLite in memory, with large blobs in memory too.
import { RealRandom } from '../../src/base/real-random.ts'
import { RealClock } from '../../src/net/real-clock.ts'
import { openSqliteStore } from '../../src/store/sqlite/index.ts'
import { storeContract } from './store-contract.ts'

for (const filing of ['at-once', 'later'] as const) {
  storeContract(`SQLite in memory, filing ${filing}`, async () => {
    const store = await openSqliteStore({
      ...{ folder: ':memory:', filing, clock: new RealClock(), random: new RealRandom() },
      onListenerError: () => undefined,
    })
    return { store, end: () => store.close() }
  })
}
