// Every transcript over the storage engines that outlive a process: SQLite in a folder with its writer thread, and PostgreSQL
// in a database each. The engine in memory plays them in transcripts.test.ts.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { PosthornHost } from '../support/posthorn-host.ts'
import { sharedPostgres, type TestDatabase } from '../support/postgres.ts'
import { testTranscripts } from '../support/transcript.ts'

const protocols = ['smtp', 'pop3', 'imap']

for (const protocol of protocols) {
  testTranscripts({
    folder: new URL(`${protocol}/`, import.meta.url),
    against: 'memory, SQLite in a folder',
    open: async () => {
      const data = await mkdtemp(join(tmpdir(), 'posthorn-transcript-'))
      return new PosthornHost({
        ...{ carrier: 'memory', usualPort: protocol, storage: { data } },
        end: () => rm(data, { recursive: true, force: true }),
      })
    },
  })
}

const postgres = await sharedPostgres()
if (postgres.available) {
  for (const protocol of protocols) {
    testTranscripts({
      folder: new URL(`${protocol}/`, import.meta.url),
      against: 'memory, PostgreSQL',
      open: async () => {
        const url = urlOf(await postgres.cluster.createDatabase())
        return new PosthornHost({
          ...{ carrier: 'memory', usualPort: protocol, storage: { store: { postgres: { url } } } },
        })
      },
    })
  }
} else {
  test('transcripts over PostgreSQL', { skip: postgres.reason }, () => undefined)
}

/** As an operator would write it. */
function urlOf({ host, user, database }: TestDatabase): string {
  return `postgres://${user}@${encodeURIComponent(host)}/${database}`
}
