// A database of an earlier schema comes up to this one with its mail: what its rows could not say is unknown, not wrong, and what
// comes from then on is kept whole.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { Client } from 'pg'
import { RealRandom } from '../../src/base/real-random.ts'
import { RealClock } from '../../src/net/real-clock.ts'
import type { AccountId } from '../../src/store/model.ts'
import { openPostgresStore } from '../../src/store/postgres/index.ts'
import { migrate as migratePostgres } from '../../src/store/postgres/migrate.ts'
import { openSqliteStore } from '../../src/store/sqlite/index.ts'
import { migrate as migrateSqlite, sqliteMigrations } from '../../src/store/sqlite/migrate.ts'
import type { Store } from '../../src/store/store.ts'
import { sharedPostgres } from '../support/postgres.ts'
import { testFolder } from '../support/store.ts'
import { House } from './house.ts'

const body = 'Message-ID: <a@x>\r\nSubject: Old\r\n\r\nold\r\n'

/** One account with two messages of one email, as a program of the schema before IMAP was whole would have left it. */
function rowsBefore(blob: string): string {
  return `
    INSERT INTO domain (name, created_at) VALUES ('house.test', 1);
    INSERT INTO account (id, address, state, created_at, used_bytes, used_messages, modseq, next_mailbox, next_email,
      next_uid_validity) VALUES (1, 'ann@house.test', 'active', 1, ${body.length}, 2, 4, 3, 2, 3);
    INSERT INTO credential (account, secret) VALUES (1, '{"argon2id":null,"scramSha256":null}');
    INSERT INTO address (domain, local, account, created_at) VALUES ('house.test', 'ann', 1, 1);
    INSERT INTO mailbox (account, id, name, uid_validity, uid_next, modseq, added, changed, messages, unseen, bytes)
      VALUES (1, 1, 'INBOX', 1, 2, 3, 1, 1, 1, 1, ${body.length}), (1, 2, 'Sent', 2, 2, 4, 2, 2, 1, 1, ${body.length});
    INSERT INTO subscription (account, name) VALUES (1, 'INBOX');
    INSERT INTO blob (id, refs, size, structure, data) VALUES (1, 1, ${body.length}, '{}', ${blob});
    INSERT INTO email (account, id, blob, refs, size, received_at, prefix) VALUES (1, 1, 1, 2, ${body.length}, 7, '');
    INSERT INTO message (account, mailbox, uid, modseq, added, flags, keywords, email, size, internal_date)
      VALUES (1, 1, 1, 3, 3, 0, '', 1, ${body.length}, 7), (1, 2, 1, 4, 4, 0, '', 1, ${body.length}, 7);`
}

const hex = Buffer.from(body).toString('hex')

async function judge(store: Store): Promise<void> {
  const house = new House({ store, end: () => store.close() })
  await house.audit()
  // The id above.
  const account = 1 as AccountId
  const { quota, hiddenCapabilities } = await house.accountOf(account)
  assert.deepEqual([quota.mailboxes, quota.annotations, hiddenCapabilities], [null, null, []])
  const { id: mailbox } = await house.mailbox(account)
  const [old] = await house.messages(account, mailbox)
  assert.deepEqual([old?.savedAt, old?.internalDate], [null, 7])
  await house.deliver([account], 'Message-ID: <b@x>\r\nReferences: <a@x>\r\nSubject: Re: Old\r\n\r\n')
  await house.deliver([account], 'Message-ID: <c@x>\r\nReferences: <b@x>\r\nSubject: Re: Old\r\n\r\n')
  const { threads } = await house.store.loadEmails({ account, mailbox })
  assert.deepEqual([...threads], [1, 2, 2], 'what was there before is a thread of its own')
  const sent = (await house.mailbox(account, 'Sent')).id
  const uids = [[1, 1]] as const
  assert.ok((await store.copy({ account, from: mailbox, to: sent, uids, now: house.now })).ok)
  assert.deepEqual(
    (await house.messages(account, sent)).map(({ savedAt }) => savedAt),
    [null, house.now],
  )
  await house.audit()
}

test('SQLite: a database from before threads comes along', async (context) => {
  const folder = await testFolder(context)
  {
    using database = new DatabaseSync(join(folder.path, 'posthorn.db'))
    migrateSqlite(database, sqliteMigrations().slice(0, 3))
    database.exec(rowsBefore(`x'${hex}'`))
  }
  const parts = { clock: new RealClock(), random: new RealRandom(), onListenerError: assert.ifError }
  await using store = await openSqliteStore({ folder: folder.path, ...parts })
  await judge(store)
})

const postgres = await sharedPostgres()

test('PostgreSQL: a database from before threads comes along', { skip: !postgres.available }, async () => {
  assert.ok(postgres.available)
  const connection = await postgres.cluster.createDatabase()
  const client = new Client(connection)
  await client.connect()
  await migratePostgres(client, 3)
  await client.query(rowsBefore(`'\\x${hex}'`))
  await client.query('ALTER TABLE blob ALTER COLUMN id RESTART WITH 2')
  await client.end()
  const parts = { clock: new RealClock(), random: new RealRandom(), onError: assert.ifError }
  await using store = await openPostgresStore({ connection, ...parts })
  await judge(store)
})
