// A database of its own for one run of a model, audited at the end.
import assert from 'node:assert/strict'
import { SeededRandom } from '../../src/base/seeded-random.ts'
import { RealClock } from '../../src/net/real-clock.ts'
import { openPostgresStore } from '../../src/store/postgres/index.ts'
import type { StoreLimits } from '../../src/store/limits.ts'
import type { Store } from '../../src/store/store.ts'
import { sharedPostgres } from '../support/postgres.ts'
import type { Ending } from '../support/store.ts'

/** Rejects where there is no PostgreSQL for this machine. */
export async function postgresStore(ending: Ending, limits: Partial<StoreLimits> = {}): Promise<Store> {
  const postgres = await sharedPostgres()
  if (!postgres.available) throw new Error(postgres.reason)
  const connection = await postgres.cluster.createDatabase()
  const store = await openPostgresStore({
    ...{ connection, clock: new RealClock(), random: new SeededRandom(1) },
    ...{ onError: () => undefined, limits },
  })
  ending.after(async () => {
    const found = await store.audit()
    await store.close()
    assert.deepEqual(found, [])
  })
  return store
}
