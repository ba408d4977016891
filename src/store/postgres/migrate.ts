// Brings a database to this program's schema: the numbered files of `migrations/`, each once, in one transaction under an
// advisory lock, so that nodes that start together take turns. Files are immutable once released: a database that was made
// with another text of one, or by a newer program, is refused and left as it is.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Client } from 'pg'
import { UnsuitableDatabase } from '../store.ts'

const migrations = [
  '0001-mail.sql',
  '0002-queue.sql',
  '0003-queue-marks.sql',
  '0004-imap.sql',
  '0005-search.sql',
  '0006-objects.sql',
  '0007-departures.sql',
  '0008-flag-blocks.sql',
  '0009-uploads.sql',
  '0010-forgotten.sql',
  '0011-made-and-gone.sql',
] as const

/** Any number that nobody else uses in this database. */
const lockKey = 0x70_6f_73_74

interface Applied {
  readonly version: number
  readonly sha256: string
}

/** Applies what is missing, up to a version (for tests of upgrades). The client is in no transaction. */
export async function migrate(client: Client, upTo: number = migrations.length): Promise<void> {
  await client.query('BEGIN')
  try {
    await client.query('SELECT pg_advisory_xact_lock($1)', [lockKey])
    await client.query(`CREATE TABLE IF NOT EXISTS schema_version (
      version bigint NOT NULL PRIMARY KEY, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`)
    const { rows } = await client.query<Applied>(
      'SELECT version, sha256 FROM schema_version ORDER BY version',
    )
    for (const { version, sha256 } of rows) refuseForeign(version, sha256)
    for (let version = rows.length + 1; version <= upTo; version++) {
      const { text, sha256 } = migrationAt(version)
      await client.query(text)
      await client.query('INSERT INTO schema_version (version, sha256) VALUES ($1, $2)', [version, sha256])
    }
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined)
    throw error
  }
}

function refuseForeign(version: number, sha256: string): void {
  if (version > migrations.length) {
    throw new UnsuitableDatabase(
      `the database has schema ${version}, this program knows up to ${migrations.length}: run a newer Posthorn`,
    )
  }
  if (migrationAt(version).sha256 !== sha256) {
    throw new UnsuitableDatabase(`the database was made with another text of migration ${version}`)
  }
}

function migrationAt(version: number): { text: string; sha256: string } {
  const name = migrations[version - 1]
  if (name === undefined) throw new RangeError(`no migration ${version}`)
  const text = readFileSync(new URL(`migrations/${name}`, import.meta.url), 'utf8')
  return { text, sha256: createHash('sha256').update(text).digest('hex') }
}
