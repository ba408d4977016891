// The store on SQLite: reads on this thread over a connection of their own, writes through the group commit of the writer,
// large blobs in files beside the database.
//
// - A read that starts after a write has resolved sees it: the writer's commit is in the WAL by then.
// - In memory there is one connection, and the writer runs in line; all else is the same code.
import type { Clock } from '../../base/clock.ts'
import type { FileBlobs } from '../blobs/file-blobs.ts'
import type { ChangeFeed } from '../changes.ts'
import { type Executor, forget, operationStore, type OperationStore } from '../client.ts'
import type { StoreLimits } from '../limits.ts'
import type { AccountId, AddressEntry, BlobId } from '../model.ts'
import type { Op, OpResult } from '../op.ts'
import type { Suppression } from '../queue.ts'
import { reads, type Reads, type Writes } from '../ops/index.ts'
import {
  type AuditFinding,
  type BlobStore,
  type MailboxPlace,
  type Store,
  StoreUnavailable,
} from '../store.ts'
import type { AddressCache } from './address-cache.ts'
import type { Connection } from './connection.ts'
import { blindReads, type InTray } from './in-tray.ts'
import type { WriteQueue } from './write-queue.ts'
import { isUnavailable, messageOf } from './writer.ts'

/** What an engine is made of; `openSqliteStore` makes it. */
export interface EngineParts {
  readonly description: string
  readonly reader: Connection
  readonly queue: WriteQueue
  /** Null: all is written before it is answered. */
  readonly tray: InTray | null
  /** The same as the queue's. */
  readonly addresses: AddressCache
  readonly files: FileBlobs
  readonly feed: ChangeFeed
  readonly limits: StoreLimits
  readonly clock: Clock
  /** Closes what was opened for it, last. */
  readonly release: () => void
}

/** Blobs of one step of a collection: short transactions, so that mail goes on between them. */
const collectedAtOnce = 200
const sliceBytes = 64 * 1024

export function sqliteEngine(parts: EngineParts): Store {
  const executor = executorOf(parts)
  const operations: OperationStore = operationStore(executor, parts.limits)
  const close = closing(parts)
  const { tray } = parts
  return {
    ...operations,
    ...(tray && {
      deliver: async (request) =>
        (parts.queue.isClosed ? undefined : tray.tryTake(request)) ?? operations.deliver(request),
    }),
    findAddress: (address) => findAddress(parts, address),
    locateAddress: async (address) => locateAddress(parts, address),
    credentialsOf: (address) => credentialsOf(parts, address),
    hasDomain: (name) => hasDomain(parts, name),
    findSuppressed: (request) => findSuppressed(parts, request),
    locateMailbox: (request) => locateMailbox(parts, request),
    description: parts.description,
    subscribe: (account, listener) => parts.feed.subscribe(account, listener),
    subscribeBatched: (account, listener) => parts.feed.subscribeBatched(account, listener),
    onQueued: (listener) => parts.feed.onQueued(listener),
    onMail: (listener) => parts.feed.onMail(listener),
    blobs: blobsOf(parts, executor),
    audit: (options = {}) => audit(parts, { executor, onProgress: options.onProgress ?? (() => {}) }),
    collectGarbage: (request) => collectGarbage(parts, { executor, now: request.now }),
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** Runs a read at once. Throws `StoreUnavailable` where the database cannot. */
function readNow<K extends keyof Reads>(
  reader: Connection,
  name: K,
  ...parameters: Parameters<Reads[K]>
): OpResult<Reads[K]> {
  // The names and parameters of an operation belong together by the type of `Executor`.
  const operation = reads[name] as (...parameters: unknown[]) => Op<OpResult<Reads[K]>>
  try {
    return reader.read(operation(...parameters))
  } catch (error) {
    if (!reader.database.isOpen) throw new StoreUnavailable('the store is closed', { cause: error })
    if (!isUnavailable(error)) throw error
    throw new StoreUnavailable(messageOf(error), { cause: error })
  }
}

function executorOf({ reader, queue, tray }: EngineParts): Executor {
  return {
    async read(name, ...parameters) {
      if (tray !== null && tray.length > 0 && !blindReads.has(name)) await tray.fileAll()
      return readNow(reader, name, ...parameters)
    },
    async write<K extends keyof Writes>(name: K, ...parameters: Parameters<Writes[K]>) {
      // The writer knows the limits, which are the second parameter where there is one.
      return (await queue.write(name, parameters[0])) as OpResult<Writes[K]>
    },
    breathe: () => new Promise((resolve) => setImmediate(resolve)),
  }
}

async function findAddress({ reader, addresses, tray }: EngineParts, address: string) {
  const known = reader.database.isOpen ? addresses.get(address) : undefined
  if (known) return known
  let found = readNow(reader, 'findAddress', address)
  if (isBehind(tray, found)) {
    await tray?.fileAll()
    found = readNow(reader, 'findAddress', address)
  }
  if (found) keepAddress({ addresses, tray }, address, found)
  return found
}

/** Without what the account holds: no mail is filed for that. */
function locateAddress({ reader, addresses, tray }: EngineParts, address: string): AddressEntry | undefined {
  const known = reader.database.isOpen ? addresses.place(address) : undefined
  if (known) return known
  const found = readNow(reader, 'findAddress', address)
  if (found) keepAddress({ addresses, tray }, address, found)
  return found
}

/** Whether mail of the account waits that the reading did not see. */
function isBehind(tray: InTray | null, found: AddressEntry | undefined): boolean {
  return found?.type === 'account' && tray?.holds(found.account.id) === true
}

/** In the same turn as its reading. Mail that waits was told to the cache before. */
function keepAddress(
  { addresses, tray }: Pick<EngineParts, 'addresses' | 'tray'>,
  address: string,
  found: AddressEntry,
): void {
  if (isBehind(tray, found)) addresses.keepPlace(address, found)
  else addresses.keep(address, found)
}

async function credentialsOf({ reader, tray }: EngineParts, address: string) {
  const found = readNow(reader, 'credentialsOf', address)
  if (found === undefined || tray?.holds(found.account.id) !== true) return found
  await tray.fileAll()
  return readNow(reader, 'credentialsOf', address)
}

async function hasDomain({ reader, addresses }: EngineParts, name: string): Promise<boolean> {
  const known = reader.database.isOpen ? addresses.domain(name) : undefined
  if (known !== undefined) return known
  const ours = readNow(reader, 'hasDomain', name)
  addresses.keepDomain(name, ours)
  return ours
}

async function locateMailbox(
  { reader, addresses }: EngineParts,
  request: Parameters<Reads['findMailbox']>[0],
): Promise<MailboxPlace | undefined> {
  const known = reader.database.isOpen ? addresses.mailbox(request) : undefined
  if (known) return known
  const found = readNow(reader, 'findMailbox', request)
  if (found === undefined) return undefined
  const { id, selectable } = found
  addresses.keepMailbox(request, { id, selectable })
  return { id, selectable }
}

async function findSuppressed(
  { reader, addresses }: EngineParts,
  request: Parameters<Reads['findSuppressed']>[0],
): Promise<Suppression[]> {
  if (reader.database.isOpen && addresses.suppressions === 'none') return []
  const found = readNow(reader, 'findSuppressed', request)
  if (found.length === 0 && addresses.suppressions === undefined) {
    const [any] = readNow(reader, 'listSuppressions', { limit: 1 })
    addresses.keepSuppressions(any === undefined ? 'none' : 'some')
  }
  return found
}

function closing({ queue, tray, reader, release }: EngineParts): () => Promise<void> {
  let closed: Promise<void> | undefined
  const close = async (): Promise<void> => {
    try {
      await queue.drain()
      tray?.stop()
      // Before the writer's: the last connection empties the WAL into the database, and this one may not write.
      reader.close()
      await queue.close()
    } finally {
      release()
    }
  }
  return () => (closed ??= close())
}

function blobsOf({ files }: EngineParts, { read }: Executor): BlobStore {
  const locate = async (blob: BlobId): Promise<NonNullable<OpResult<Reads['locateBlob']>>> => {
    const found = await read('locateBlob', blob)
    if (!found) throw new Error(`blob ${blob} does not exist`)
    return found
  }
  type Place = NonNullable<OpResult<Reads['locateBlob']>>
  async function* pieces({ size, key, data }: Place, range?: { start: number; end: number }) {
    const start = Math.max(0, range?.start ?? 0)
    const end = Math.min(size, range?.end ?? size)
    if (key !== null) yield* files.read(key, { start, end })
    else if (data && end - start <= sliceBytes) {
      if (end > start) yield data.subarray(start, end)
    } else if (data) {
      for (let at = start; at < end; at += sliceBytes) yield data.subarray(at, Math.min(end, at + sliceBytes))
    }
  }
  return {
    stage: () => files.stage(),
    async *read(blob, range) {
      yield* pieces(await locate(blob), range)
    },
    readStaged: (blob, range) =>
      blob.type === 'inline'
        ? pieces({ size: blob.size, key: null, data: blob.bytes }, range)
        : pieces({ size: blob.size, key: blob.key, data: null }, range),
    async readSmall(blob) {
      return (await locate(blob)).data ?? undefined
    },
  }
}

interface AuditRun {
  readonly executor: Executor
  readonly onProgress: (done: number, total: number) => void
}

async function audit(parts: EngineParts, { executor, onProgress }: AuditRun): Promise<AuditFinding[]> {
  const findings: AuditFinding[] = [...integrity(parts.reader)]
  const accounts: AccountId[] = await executor.read('auditAccounts')
  for (const [done, account] of accounts.entries()) {
    onProgress(done, accounts.length)
    findings.push(...(await executor.read('auditAccount', account)))
    await executor.breathe?.()
  }
  findings.push(...(await executor.read('auditBlobs')), ...(await executor.read('auditQueue')))
  for (let after = 0; ;) {
    const blobs = await executor.read('blobKeys', { after, limit: collectedAtOnce })
    for (const { id, key, size } of blobs) {
      after = id
      const found = await parts.files.size(key)
      if (found === size) continue
      const message = `blob ${id} of ${size} bytes has file ${key} of ${found ?? 'no'} bytes`
      findings.push({ check: 'blob-file', account: null, message })
    }
    if (blobs.length < collectedAtOnce) break
  }
  onProgress(accounts.length, accounts.length)
  return findings
}

/** What SQLite itself finds: pages, indexes, checks, foreign keys. */
function* integrity({ database }: Connection): Generator<AuditFinding> {
  for (const row of database.prepare('PRAGMA integrity_check').all()) {
    const message = String(row['integrity_check'])
    if (message !== 'ok') yield { check: 'integrity', account: null, message }
  }
  for (const row of database.prepare('PRAGMA foreign_key_check').all()) {
    const message = `a row of ${String(row['table'])} lacks its ${String(row['parent'])}`
    yield { check: 'foreign-key', account: null, message }
  }
}

interface Collection {
  readonly executor: Executor
  readonly now: number
}

async function collectGarbage(
  { files, limits }: EngineParts,
  { executor, now }: Collection,
): Promise<{ blobs: number; files: number; tombstones: number }> {
  const before = now - limits.tombstoneMilliseconds
  const tombstones = await forget(executor, { now, before })
  await executor.write('pruneExpired', now)
  await executor.write('expireObjects', now)
  await executor.write('expireUploads', now)
  let blobs = 0
  let removed = 0
  for (;;) {
    const { dropped, keys } = await executor.write('dropOrphanBlobs', collectedAtOnce)
    blobs += dropped
    // After the commit: a row never names a file that is gone.
    for (const key of keys) await files.remove(key)
    removed += keys.length
    if (dropped < collectedAtOnce) break
  }
  for await (const keys of files.olderThan(limits.orphanMilliseconds, now)) {
    const named = new Set(await executor.read('knownKeys', keys))
    for (const key of keys) {
      if (named.has(key) || files.isYoung(key)) continue
      await files.remove(key)
      removed++
    }
  }
  files.grow()
  return { blobs, files: removed, tombstones }
}
