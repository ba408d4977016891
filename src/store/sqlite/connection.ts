// One connection to the database, and the running of operations on it, synchronously. The only file that knows the
// driver: preparing, binding, stepping. Statements are prepared once per connection and kept, keyed by their compiled text.
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { Told } from '../changes.ts'
import type { Compiled, Op, Step, Stmt } from '../op.ts'

export interface ConnectionOptions {
  /** Path of the file, `:memory:`, or `''`: a temporary file without a name, which is gone with the connection. */
  readonly path: string
  readonly readOnly?: boolean
  /** Called with the text of each statement before it runs; what it throws is that statement's failure. For tests. */
  readonly beforeStatement?: (text: string) => void
}

/** Pages of the WAL after which a commit copies them into the database: large, since hot pages come again and again. */
const checkpointPages = 4_000
/** Kibibytes of page cache, filled as needed: what misses it is in the system's, microseconds away. */
const cacheKibibytes = 16 * 1024
/** That of a temporary database: what a catcher keeps is written once and seldom read. */
const temporaryCacheKibibytes = 4 * 1024
/** How long to wait for another process that holds the database (a backup, a curious sqlite3 shell). */
const busyMilliseconds = 5_000

export class Connection {
  readonly database: DatabaseSync
  readonly #statements = new Map<Compiled, StatementSync>()
  readonly #texts = new Map<string, StatementSync>()
  readonly #before: ((text: string) => void) | undefined

  constructor(options: ConnectionOptions) {
    const { path, readOnly = false } = options
    this.#before = options.beforeStatement
    this.database = new DatabaseSync(path, {
      readOnly,
      timeout: busyMilliseconds,
      enableForeignKeyConstraints: true,
    })
    if (path === '') {
      // Nobody else sees it and no start finds it again, so nothing is synced; the journal only takes back what failed.
      this.database.exec(`PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF;`)
    } else if (!readOnly) {
      // No memory mapping: a failing disk must give an error, not SIGBUS.
      this.database.exec(`
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL;
        PRAGMA wal_autocheckpoint = ${checkpointPages};
        PRAGMA journal_size_limit = ${checkpointPages * 4096 * 4};`)
    }
    const cache = path === '' ? temporaryCacheKibibytes : cacheKibibytes
    this.database.exec(`PRAGMA temp_store = MEMORY; PRAGMA cache_size = -${cache};`)
  }

  /** Runs a statement that is not an operation's: BEGIN and its kin. */
  control(text: string): void {
    this.#before?.(text)
    let statement = this.#texts.get(text)
    if (!statement) {
      statement = this.database.prepare(text)
      this.#texts.set(text, statement)
    }
    statement.run()
  }

  /** The result that the statement's mode promises. */
  execute(stmt: Stmt<unknown>): unknown {
    const { compiled, mode } = stmt
    this.#before?.(compiled.sqlite)
    let statement = this.#statements.get(compiled)
    if (!statement) {
      statement = this.database.prepare(compiled.sqlite)
      if (mode === 'tuples') statement.setReturnArrays(true)
      this.#statements.set(compiled, statement)
    }
    const { values } = stmt
    if (mode === 'get') return statement.get(...values)
    if (mode === 'run') return Number(statement.run(...values).changes)
    return statement.all(...values)
  }

  /** Runs a read in one snapshot. */
  read<R>(op: Op<R>): R {
    this.control('BEGIN')
    try {
      return drive(this, op, { undo: refuseUndo, publish: refuseUndo, wrote: refuseUndo })
    } finally {
      try {
        this.control('COMMIT')
      } finally {
        // A COMMIT that failed must not leave its snapshot to the next one.
        if (this.database.isTransaction) this.database.exec('ROLLBACK')
      }
    }
  }

  close(): void {
    if (this.database.isOpen) this.database.close()
  }
}

function refuseUndo(): never {
  throw new Error('a read wrote')
}

/** What driving an operation asks of whoever holds its transaction. */
export interface Driver {
  /** Called before each statement that writes. */
  wrote(): void
  publish(change: Told): void
  /** Takes back what the operation wrote. */
  undo(): void
}

/** Runs an operation to its end. An error of a statement is thrown into it, so that `finally` and `catch` work. */
export function drive<R>(connection: Connection, op: Op<R>, driver: Driver): R {
  let step = op.next()
  while (!step.done) {
    let answer: unknown
    try {
      answer = perform(connection, step.value, driver)
    } catch (error) {
      step = op.throw(error)
      continue
    }
    step = op.next(answer)
  }
  return step.value
}

function performAll(connection: Connection, statements: readonly Stmt<unknown>[], driver: Driver): unknown[] {
  const answers: unknown[] = []
  for (const statement of statements) {
    if (statement.compiled.writes) driver.wrote()
    answers.push(connection.execute(statement))
  }
  return answers
}

function perform(connection: Connection, step: Step, driver: Driver): unknown {
  switch (step.kind) {
    case 'statement':
      if (step.compiled.writes) driver.wrote()
      return connection.execute(step)
    case 'many':
      return performAll(connection, step.statements, driver)
    case 'changed':
      return driver.publish(step.change)
    case 'undo':
      return driver.undo()
  }
}
