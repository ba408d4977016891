// Faults on demand: the n-th statement or file operation of an engine fails. A plan counts the steps of what it is wrapped
// around while it is armed; disarmed it does nothing.
//
// - `fail`: that step fails, once. An engine that tries again may succeed.
// - `fail-on`: that step fails and so does everything after it, but for the undoing of a transaction.
// - `lose` (PostgreSQL): the connection breaks before the statement is sent.
// - `lose-answer` (PostgreSQL): the statement is carried out, and the connection breaks before that is known.
import type { PoolClient } from 'pg'
import type { FileSystem, ReadableFile, WritableFile } from '../../src/store/blobs/file-system.ts'
import { type Send, sendQuery } from '../../src/store/postgres/runner.ts'

export type FaultMode = 'fail' | 'fail-on' | 'lose' | 'lose-answer'

export class FaultPlan {
  #step = 0
  #armed: { readonly at: number; readonly mode: FaultMode } | null = null

  /** From now on steps are counted from 1, and the one numbered `at` fails. Infinity only counts. */
  arm(at: number, mode: FaultMode = 'fail'): void {
    this.#step = 0
    this.#armed = { at, mode }
  }

  /** No more faults; the number of steps since `arm`. */
  disarm(): number {
    this.#armed = null
    return this.#step
  }

  /** Counts a step and says what is to happen to it. */
  next(text: string): FaultMode | null {
    if (!this.#armed) return null
    const { at, mode } = this.#armed
    this.#step++
    if (mode === 'fail-on') return this.#step >= at && !text.startsWith('ROLLBACK') ? mode : null
    return this.#step === at ? mode : null
  }
}

/** What a failing disk makes of a SQLite statement: SQLITE_IOERR. For `beforeStatement` of an inline writer. */
export function sqliteFaults(plan: FaultPlan): (text: string) => void {
  return (text) => {
    if (plan.next(text)) throw Object.assign(new Error('disk I/O error, made by the test'), { errcode: 10 })
  }
}

/** What a failing server or network makes of a PostgreSQL statement. */
export function postgresFaults(plan: FaultPlan): Send {
  return async (client, query) => {
    const mode = plan.next(query.text)
    if (mode === null) return await sendQuery(client, query)
    if (mode === 'lose') breakConnection(client)
    if (mode === 'lose-answer') {
      await sendQuery(client, query)
      breakConnection(client)
      throw new Error('Connection terminated unexpectedly')
    }
    if (mode === 'lose') return await sendQuery(client, query)
    // PostgreSQL appendix A: 53100 is disk_full.
    throw Object.assign(new Error('no space left, made by the test'), { code: '53100', severity: 'ERROR' })
  }
}

function breakConnection(client: PoolClient): void {
  client.connection.stream.destroy()
}

/** What a full disk makes of file operations. */
export function faultyFileSystem(disk: FileSystem, plan: FaultPlan): FileSystem {
  const step = (what: string): void => {
    if (plan.next(what)) throw Object.assign(new Error('ENOSPC, made by the test'), { code: 'ENOSPC' })
  }
  const writable = (file: WritableFile): WritableFile => ({
    async write(bytes) {
      step('write')
      await file.write(bytes)
    },
    async sync() {
      step('sync')
      await file.sync()
    },
    close: () => file.close(),
  })
  const readable = (file: ReadableFile): ReadableFile => ({
    async read(position, length) {
      step('read')
      return await file.read(position, length)
    },
    close: () => file.close(),
  })
  return {
    async create(path) {
      step('create')
      return writable(await disk.create(path))
    },
    async open(path) {
      step('open')
      return readable(await disk.open(path))
    },
    async makeFolder(path) {
      step('makeFolder')
      await disk.makeFolder(path)
    },
    async syncFolder(path) {
      step('syncFolder')
      await disk.syncFolder(path)
    },
    async remove(path) {
      step('remove')
      await disk.remove(path)
    },
    async list(path) {
      step('list')
      return await disk.list(path)
    },
    async status(path) {
      step('status')
      return await disk.status(path)
    },
  }
}
