// See `mail-history.ts`; over SQLite in memory, and over PostgreSQL where there is one.
import { test } from 'node:test'
import fc from 'fast-check'
import { RealRandom } from '../../../src/base/real-random.ts'
import { RealClock } from '../../../src/net/real-clock.ts'
import { openPostgresStore } from '../../../src/store/postgres/index.ts'
import { openSqliteStore } from '../../../src/store/sqlite/index.ts'
import { sharedPostgres } from '../../support/postgres.ts'
import { replay, steps } from './mail-history.ts'

test('changes since any state lead to what is now (SQLite)', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (run) => {
      const store = await openSqliteStore({
        ...{ folder: ':memory:', clock: new RealClock(), random: new RealRandom() },
        onListenerError: () => undefined,
      })
      try {
        await replay({ store, end: () => store.close() }, run)
      } finally {
        await store.close()
      }
    }),
    { numRuns: 60 },
  )
})

const postgres = await sharedPostgres()

test(
  'changes since any state lead to what is now (PostgreSQL)',
  postgres.available ? {} : { skip: postgres.reason },
  async () => {
    if (!postgres.available) return
    const { cluster } = postgres
    await fc.assert(
      fc.asyncProperty(steps, async (run) => {
        const connection = await cluster.createDatabase()
        const clock = new RealClock()
        const store = await openPostgresStore({
          connection,
          clock,
          random: new RealRandom(),
          onError: () => undefined,
        })
        try {
          await replay({ store, end: () => store.close() }, run)
        } finally {
          await store.close()
        }
      }),
      { numRuns: 4 },
    )
  },
)
