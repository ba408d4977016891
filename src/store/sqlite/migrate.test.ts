// Opening data folders: fresh, interrupted, newer, foreign, in use.
import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { SeededRandom } from '../../base/seeded-random.ts'
import { VirtualClock } from '../../base/virtual-clock.ts'
import { type TestFolder, testFolder } from '../../../test/support/store.ts'
import type { Store } from '../store.ts'
import { FolderInUse, openSqliteStore, UnsuitableDatabase } from './index.ts'
import { migrate, sqliteMigrations } from './migrate.ts'

async function open(folder: TestFolder): Promise<Store> {
  const clock = new VirtualClock()
  const random = new SeededRandom(1)
  const store = await openSqliteStore({ folder: folder.path, clock, random, onListenerError: assert.ifError })
  folder.beforeRemoval(() => store.close())
  return store
}

const last = sqliteMigrations().length

test('a second time applies nothing', () => {
  using database = new DatabaseSync(':memory:')
  assert.equal(migrate(database).length, last)
  assert.deepEqual(migrate(database), [])
})

test('an upgrade that fails half-way leaves the last whole step, and goes on from there', () => {
  using database = new DatabaseSync(':memory:')
  const step = (number: number, text: string): { number: number; name: string; text: string } => ({
    number,
    name: `000${number}-x.sql`,
    text,
  })
  const first = step(1, 'CREATE TABLE a (x INTEGER);')
  assert.throws(() =>
    migrate(database, [first, step(2, 'CREATE TABLE b (x INTEGER); INSERT INTO nowhere VALUES (1);')]),
  )
  assert.deepEqual(migrate(database, [first, step(2, 'CREATE TABLE b (x INTEGER);')]), [2])
})

test('a database of a newer version is refused with both versions', async (context) => {
  const folder = await testFolder(context)
  await (await open(folder)).close()
  {
    using database = new DatabaseSync(join(folder.path, 'posthorn.db'))
    database.exec(`PRAGMA user_version = ${last + 1}`)
  }
  await assert.rejects(open(folder), (error) => {
    assert.ok(error instanceof UnsuitableDatabase)
    assert.match(error.message, new RegExp(`schema ${last + 1}.*knows ${last}`))
    return true
  })
})

test("another program's database is refused and left alone", async (context) => {
  const folder = await testFolder(context)
  using database = new DatabaseSync(join(folder.path, 'posthorn.db'))
  database.exec('CREATE TABLE theirs (x INTEGER)')
  await assert.rejects(open(folder), UnsuitableDatabase)
})

test('after closing the database is one file, whole by itself', async (context) => {
  const folder = await testFolder(context)
  const store = await open(folder)
  await store.addDomain({ name: 'a.test', now: 0 })
  await store.close()
  assert.deepEqual((await readdir(folder.path)).toSorted(), ['blobs', 'lock.db', 'lock.txt', 'posthorn.db'])
})

test('a folder in use is refused with the holder, and free again after closing', async (context) => {
  const folder = await testFolder(context)
  const store = await open(folder)
  await assert.rejects(open(folder), (error) => {
    assert.ok(error instanceof FolderInUse)
    assert.match(error.message, new RegExp(`in use by process ${process.pid}, started 2026-01-01T00:00:00`))
    return true
  })
  await store.close()
  await (await open(folder)).close()
})
