// Brings a database to the schema of this version: the numbered files of `migrations/`, in order, each in a transaction
// that also records its number, so that an interrupted upgrade goes on where it stopped. Released files never change.
//
// Refuses a database of a newer version, and a file that is some other program's.
import { readdirSync, readFileSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { UnsuitableDatabase } from '../store.ts'

/** `PSTH`: tells Posthorn's databases from others (sqlite.org/pragma.html#pragma_application_id). */
const applicationId = 0x50535448

export interface Migration {
  readonly number: number
  readonly name: string
  readonly text: string
}

/** The files beside this one, in order. */
export function sqliteMigrations(folder: URL = new URL('./migrations/', import.meta.url)): Migration[] {
  const names = readdirSync(folder).filter((name) => /^\d{4}-.*\.sql$/.test(name))
  return names.toSorted().map((name, index) => {
    const number = Number(name.slice(0, 4))
    if (number !== index + 1) throw new Error(`migration ${name} is out of sequence`)
    return { number, name, text: readFileSync(new URL(name, folder), 'utf8') }
  })
}

/** Applies what is missing; the numbers that were applied. */
export function migrate(
  database: DatabaseSync,
  migrations: readonly Migration[] = sqliteMigrations(),
): number[] {
  const version = pragma(database, 'user_version')
  const owner = pragma(database, 'application_id')
  if (owner !== applicationId && (owner !== 0 || version !== 0 || !isEmpty(database))) {
    throw new UnsuitableDatabase('the database belongs to another program')
  }
  if (version > migrations.length) {
    throw new UnsuitableDatabase(
      `the database has schema ${version}, this version of Posthorn knows ${migrations.length}: run a newer version`,
    )
  }
  const applied: number[] = []
  for (const { number, text } of migrations.slice(version)) {
    database.exec('BEGIN IMMEDIATE')
    try {
      database.exec(text)
      database.exec(`PRAGMA user_version = ${number}; PRAGMA application_id = ${applicationId}; COMMIT`)
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
    applied.push(number)
  }
  return applied
}

function pragma(database: DatabaseSync, name: 'user_version' | 'application_id'): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name])
}

function isEmpty(database: DatabaseSync): boolean {
  return database.prepare('SELECT name FROM sqlite_schema LIMIT 1').get() === undefined
}
