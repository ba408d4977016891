// Every step fails once, on every engine: statements of SQLite and PostgreSQL, and the files of large blobs.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RealRandom } from '../../src/base/real-random.ts'
import { RealClock } from '../../src/net/real-clock.ts'
import { diskFileSystem } from '../../src/store/blobs/file-system.ts'
import { memoryFileSystem } from '../../src/store/blobs/passing-file-system.ts'
import { openPostgresStore } from '../../src/store/postgres/index.ts'
import { openSqliteStore } from '../../src/store/sqlite/index.ts'
import { FaultPlan, faultyFileSystem, postgresFaults, sqliteFaults } from '../support/faults.ts'
import { sharedPostgres } from '../support/postgres.ts'
import { faultContract } from './fault-contract.ts'

const makePlan = (): FaultPlan => new FaultPlan()
const parts = () => ({ clock: new RealClock(), random: new RealRandom() })

faultContract(
  {
    name: 'SQLite in memory, statements and files',
    modes: ['fail', 'fail-on'],
    async open(plan) {
      const disk = memoryFileSystem({ capacity: 100_000_000, now: () => Date.now() })
      const store = await openSqliteStore({
        ...parts(),
        folder: ':memory:',
        fileSystem: faultyFileSystem(disk, plan),
        beforeStatement: sqliteFaults(plan),
        onListenerError: () => undefined,
      })
      return { store, end: () => store.close() }
    },
  },
  makePlan,
)

faultContract(
  {
    name: 'SQLite in a folder, statements and files',
    modes: ['fail-on'],
    async open(plan) {
      const folder = await mkdtemp(join(tmpdir(), 'posthorn-faults-'))
      const store = await openSqliteStore({
        ...parts(),
        folder,
        fileSystem: faultyFileSystem(diskFileSystem(join(folder, 'blobs')), plan),
        beforeStatement: sqliteFaults(plan),
        writer: 'inline',
        onListenerError: () => undefined,
      })
      const end = async (): Promise<void> => {
        await store.close()
        await rm(folder, { recursive: true })
      }
      return { store, end }
    },
  },
  makePlan,
)

const postgres = await sharedPostgres()

faultContract(
  {
    name: 'PostgreSQL, statements and connections',
    modes: ['fail', 'lose', 'lose-answer'],
    ...(!postgres.available && { skip: postgres.reason }),
    async open(plan) {
      if (!postgres.available) throw new Error(postgres.reason)
      const store = await openPostgresStore({
        ...parts(),
        connection: await postgres.cluster.createDatabase(),
        send: postgresFaults(plan),
        onError: () => undefined,
      })
      return { store, end: () => store.close() }
    },
  },
  makePlan,
)
