// One process for each data folder: a small database that stays locked exclusively. The lock is the operating system's,
// so it ends with the process however that ends; the file beside it only says who holds it, for the message.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** Another process serves the folder. */
export class FolderInUse extends Error {
  override name = 'FolderInUse'
}

/** Takes the folder, or throws `FolderInUse`. Disposing gives it back. */
export function lockFolder(folder: string, owner: { pid: number; now: number }): Disposable {
  const database = new DatabaseSync(join(folder, 'lock.db'))
  const note = join(folder, 'lock.txt')
  try {
    // Without a journal in the folder there is nothing for a successor to roll back.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (!isBusy(error)) throw error
    throw new FolderInUse(`the data folder ${folder} is in use by ${holder(note)}`, { cause: error })
  }
  writeFileSync(note, `process ${owner.pid}, started ${new Date(owner.now).toISOString()}\n`)
  return { [Symbol.dispose]: () => database.close() }
}

function holder(note: string): string {
  try {
    return readFileSync(note, 'utf8').trim() || 'another process'
  } catch {
    return 'another process'
  }
}

function isBusy(error: unknown): boolean {
  // SQLITE_BUSY (sqlite.org/rescode.html).
  return error instanceof Error && 'errcode' in error && error.errcode === 5
}
