// The contract held by PostgreSQL, each test in a database of its own.
import { RealRandom } from '../../src/base/real-random.ts'
import { RealClock } from '../../src/net/real-clock.ts'
import { openPostgresStore } from '../../src/store/postgres/index.ts'
import type { Store } from '../../src/store/store.ts'
import { sharedPostgres } from '../support/postgres.ts'
import type { OpenedStore } from './house.ts'
import { storeContract } from './store-contract.ts'

const postgres = await sharedPostgres()

async function open(): Promise<OpenedStore> {
  if (!postgres.available) throw new Error(postgres.reason)
  const connection = await postgres.cluster.createDatabase()
  const stores: Store[] = []
  const openStore = async (): Promise<Store> => {
    const clock = new RealClock()
    const random = new RealRandom()
    const store = await openPostgresStore({ connection, clock, random, onError: () => undefined })
    stores.push(store)
    return store
  }
  const end = async (): Promise<void> => {
    for (const store of stores) await store.close()
  }
  return { store: await openStore(), reopen: openStore, end }
}

storeContract('PostgreSQL', open, postgres.available ? undefined : postgres.reason)
