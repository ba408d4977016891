// A temporary data folder, and a host that mail is relayed to, for one test or one run.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { furnishFolder } from './house.ts'
import { Sink } from './sink.ts'
import type { Site } from './rounds.ts'

/** Makes and furnishes it; with a PostgreSQL database where mail shall be there. Disposing removes the folder. */
export async function makeSite(database?: string): Promise<Site & AsyncDisposable> {
  const parent = await mkdtemp(join(tmpdir(), 'posthorn-crash-'))
  const folder = join(parent, 'data')
  await furnishFolder(folder, database)
  const sink = await Sink.open()
  return {
    folder,
    ledger: [],
    sink,
    ...(database !== undefined && { database }),
    async [Symbol.asyncDispose]() {
      await sink[Symbol.asyncDispose]()
      await rm(parent, { recursive: true, force: true })
    },
  }
}
