// The door of the SQLite engine. Opens a data folder (or memory), brings its schema up to date and gives the store.
//
// A folder holds `posthorn.db` with its WAL, `blobs/`, and the lock that keeps a second process out.
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Checkpoint } from '../../base/checkpoint.ts'
import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import { checkpointedFileSystem } from '../blobs/checkpointed-file-system.ts'
import { diskFileSystem, type FileSystem, makeFolders } from '../blobs/file-system.ts'
import { FileBlobs } from '../blobs/file-blobs.ts'
import { BlockFile } from '../blobs/block-file.ts'
import { memoryFileSystem, passingFileSystem } from '../blobs/passing-file-system.ts'
import { ChangeFeed } from '../changes.ts'
import { defaultStoreLimits, type StoreLimits } from '../limits.ts'
import type { AccountId } from '../model.ts'
import { type NextMessage, nextMessage } from '../ops/file-deliveries.ts'
import { temporaryFiles } from '../nameless-file.ts'
import { type Spool, temporarySpool } from '../spool.ts'
import { type Store, UnsuitableDatabase } from '../store.ts'
import { AddressCache } from './address-cache.ts'
import { Connection } from './connection.ts'
import { InTray } from './in-tray.ts'
import { sqliteEngine } from './engine.ts'
import { lockFolder } from './lock.ts'
import { migrate } from './migrate.ts'
import { WriteQueue } from './write-queue.ts'
import { Writer } from './writer.ts'

export { FolderInUse } from './lock.ts'
export { UnsuitableDatabase }

const databaseName = 'posthorn.db'

export interface SqliteStoreOptions {
  /** The data folder, made where it is missing, or `:memory:`. */
  readonly folder: string
  readonly clock: Clock
  readonly random: Random
  readonly limits?: Partial<StoreLimits>
  /** Where large blobs go; default `blobs/` in the folder, or memory. */
  readonly fileSystem?: FileSystem
  /** `thread` by default for a folder; in memory it is always `inline`. */
  readonly writer?: 'thread' | 'inline'
  /** In memory: `later` answers plain mail before its rows are written (`in-tray.ts`). `at-once` by default, and always in a folder. */
  readonly filing?: 'at-once' | 'later'
  /** With an inline writer: called before each of its statements; what it throws is that statement's failure. */
  readonly beforeStatement?: (text: string) => void
  /** With a folder: told of each step, the writer thread's by the module itself. */
  readonly checkpoints?: { readonly module: URL; readonly checkpoint: Checkpoint } | undefined
  /** Where exceptions of subscribers go. */
  readonly onListenerError: (error: unknown) => void
}

/** Rejects with `FolderInUse`, `UnsuitableDatabase`, or the system's error. */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  if (options.folder === ':memory:') return openMemory(options)
  await makeFolders(join(options.folder, 'blobs'))
  return openFolder(options)
}

/** Whether the folder holds a database. Rejects with the system's error where it cannot be looked at. */
export async function hasSqliteStore(folder: string): Promise<boolean> {
  try {
    await stat(join(folder, databaseName))
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
    throw error
  }
}

function openMemory(options: SqliteStoreOptions): Store {
  const limits = limitsOf(options)
  const { clock, random } = options
  const open = temporaryFiles(random)
  const file = open && new BlockFile({ open })
  const now = (): number => clock.now()
  const { memoryBlobBytes: memoryBytes, temporaryBlobBytes: capacity } = limits
  const fileSystem =
    options.fileSystem ??
    (file === null
      ? memoryFileSystem({ capacity: memoryBytes, now })
      : passingFileSystem({ medium: () => file.content(), capacity, memoryBytes, now }))
  // Where SQLite can put what does not fit its page cache into a file that is deleted while it is open (sqlite.org/inmemorydb.html):
  // 10,000 messages of 4 KB are 50 MB of memory less. Without one all of it stays in memory.
  const connection = new Connection({ path: open === null ? ':memory:' : '', ...probe(options) })
  migrate(connection.database)
  const spool = options.filing === 'later' ? temporarySpool(random) : null
  return assemble(options, {
    ...{ limits, fileSystem, writer: connection, reader: connection, spool },
    release: () => file?.[Symbol.dispose](),
  })
}

function openFolder(options: SqliteStoreOptions): Store {
  const { folder, clock } = options
  const limits = limitsOf(options)
  using stack = new DisposableStack()
  const lock = stack.use(lockFolder(folder, { pid: process.pid, now: clock.now() }))
  const path = join(folder, databaseName)
  const first = stack.adopt(new Connection({ path, ...probe(options) }), (connection) => connection.close())
  migrate(first.database)
  const reader = stack.adopt(new Connection({ path, readOnly: true }), (connection) => connection.close())
  const inline = options.writer === 'inline'
  if (!inline) first.close()
  const store = assemble(options, {
    limits,
    fileSystem: fileSystemOf(options),
    writer: inline ? first : path,
    reader,
    spool: null,
    release: () => {
      if (inline) first.close()
      lock[Symbol.dispose]()
    },
  })
  // From here on the store closes them.
  stack.move()
  return store
}

interface Assembly {
  readonly limits: StoreLimits
  readonly fileSystem: FileSystem
  /** The connection of an inline writer, or the path for one in a thread. */
  readonly writer: Connection | string
  readonly reader: Connection
  /** Where mail waits that is filed later; null: nothing waits. */
  readonly spool: Spool | null
  readonly release: () => void
}

function assemble(options: SqliteStoreOptions, assembly: Assembly): Store {
  const { limits, fileSystem, writer, reader, spool, release } = assembly
  const { clock, random, checkpoints } = options
  const feed = new ChangeFeed({ onError: options.onListenerError })
  const addresses = new AddressCache()
  let tray: InTray | null = null
  let queue: WriteQueue
  if (typeof writer === 'string') {
    const data = { path: writer, limits, ...(checkpoints && { checkpoints: checkpoints.module.href }) }
    queue = WriteQueue.threaded({ feed, addresses, data })
  } else {
    const inline = new Writer({ connection: writer, limits, monotonic: () => clock.monotonic() })
    const read = (account: AccountId): NextMessage | undefined => reader.read(nextMessage(account))
    tray = spool && new InTray({ writer: inline, feed, addresses, spool, clock, limits, read })
    queue = WriteQueue.inline({
      ...{ feed, addresses, writer: inline },
      before: (calls) => tray?.before(calls),
      isReady: (calls) => tray?.isReady(calls) ?? true,
    })
  }
  const version = reader.database.prepare('SELECT sqlite_version() AS version').get()?.['version']
  return sqliteEngine({
    description: `sqlite ${String(version)} (${options.folder === ':memory:' ? 'memory' : 'file'})`,
    reader,
    queue,
    tray,
    addresses,
    files: new FileBlobs({
      fileSystem,
      random,
      inlineBytes: limits.inlineBlobBytes,
      monotonic: () => clock.monotonic(),
    }),
    feed,
    limits,
    clock,
    release,
  })
}

function fileSystemOf({ folder, fileSystem, checkpoints }: SqliteStoreOptions): FileSystem {
  const disk = fileSystem ?? diskFileSystem(join(folder, 'blobs'))
  return checkpoints ? checkpointedFileSystem(disk, checkpoints.checkpoint) : disk
}

function limitsOf(options: SqliteStoreOptions): StoreLimits {
  return { ...defaultStoreLimits, ...options.limits }
}

function probe({ beforeStatement }: SqliteStoreOptions): { beforeStatement?: (text: string) => void } {
  return beforeStatement ? { beforeStatement } : {}
}
