// The PostgreSQL engine's door. Many nodes may have one database open; it is where they meet.
//
// `pg` is an optional dependency and loaded here, when a store is opened. The store's contract is made of the same operations
// as the SQLite engine's (`client.ts`, `ops/`); this folder runs them, keeps large blobs and hears other nodes' changes.
import type { ClientConfig } from 'pg'
import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import type { BatchedListener, ChangeListener } from '../changes.ts'
import { type Executor, forget, operationStore } from '../client.ts'
import { defaultStoreLimits, type StoreLimits } from '../limits.ts'
import type { AccountId, ModSeq } from '../model.ts'
import type { Op, OpResult } from '../op.ts'
import type { QueueListener } from '../queue.ts'
import type { MailListener } from '../search-index.ts'
import { type Reads, reads, type Writes, writes } from '../ops/index.ts'
import { type AuditFinding, type Maintenance, type Store, StoreUnavailable } from '../store.ts'
import { PostgresBlobs } from './blobs.ts'
import { type Driver, loadDriver, types } from './driver.ts'
import { defaultPostgresLimits, type PostgresLimits } from './limits.ts'
import { migrate } from './migrate.ts'
import { channel, Notices, payloadsOf } from './notices.ts'
import { readOnlyByDefault, Runner, type Send, sendQuery } from './runner.ts'

export type { PostgresLimits } from './limits.ts'
export type { Answer, Send } from './runner.ts'

/** How to reach the database: a URL, or the parts of one as `pg` names them. */
export type PostgresConnection =
  | { readonly url: string }
  | Pick<ClientConfig, 'host' | 'port' | 'user' | 'password' | 'database' | 'ssl'>

export interface PostgresStoreOptions {
  readonly connection: PostgresConnection
  readonly clock: Clock
  readonly random: Random
  /** Where exceptions of subscribers and of the change feed go. */
  readonly onError: (error: unknown) => void
  readonly limits?: Partial<StoreLimits>
  readonly postgresLimits?: Partial<PostgresLimits>
  /** How a statement is sent; for tests that make one fail. */
  readonly send?: Send
}

/**
 * Opens the store and brings the database's schema up to this program's. Rejects with `StoreUnavailable` where the database
 * cannot be reached, with `UnsuitableDatabase` where its schema is newer than this program, with an Error that says so where `pg` is missing.
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  const driver = await loadDriver()
  const limits = { ...defaultStoreLimits, ...options.limits }
  const postgresLimits = { ...defaultPostgresLimits, ...options.postgresLimits }
  const version = await prepare(driver, connectionOf(options, postgresLimits))
  const engine = new Engine({ ...options, driver, limits, postgresLimits })
  await engine.open()
  return {
    ...operationStore(engine, limits),
    ...maintenanceOf(engine, limits),
    blobs: engine.blobs,
    description: `postgresql ${version}`,
    subscribe: engine.subscribe,
    subscribeBatched: engine.subscribeBatched,
    onQueued: engine.onQueued,
    onMail: engine.onMail,
    close: engine.close,
    [Symbol.asyncDispose]: engine.close,
  }
}

function connectionOf(options: PostgresStoreOptions, limits: PostgresLimits): ClientConfig {
  const { connection } = options
  return {
    ...('url' in connection ? { connectionString: connection.url } : connection),
    application_name: 'posthorn',
    connectionTimeoutMillis: limits.connectTimeout,
    statement_timeout: limits.statementTimeout,
    idle_in_transaction_session_timeout: limits.idleInTransactionTimeout,
    keepAlive: true,
    types,
  }
}

/** Migrates, and answers the server's version. */
async function prepare(driver: Driver, connection: ClientConfig): Promise<string> {
  // A migration may take longer than any statement of mail.
  const client = new driver.Client({ ...connection, statement_timeout: false })
  client.on('error', () => undefined)
  try {
    await client.connect()
  } catch (error) {
    throw new StoreUnavailable('the database cannot be reached', { cause: error })
  }
  try {
    await migrate(client)
    const { rows } = await client.query<{ server_version: string }>('SHOW server_version')
    return rows[0]?.server_version.split(' ')[0] ?? 'unknown'
  } finally {
    await client.end().catch(() => undefined)
  }
}

type EngineOptions = Omit<PostgresStoreOptions, 'limits' | 'postgresLimits'> & {
  readonly driver: Driver
  readonly limits: StoreLimits
  readonly postgresLimits: PostgresLimits
}

class Engine implements Executor {
  readonly blobs: PostgresBlobs
  readonly #runner: Runner
  readonly #notices: Notices
  readonly #endPool: () => Promise<void>
  #closing: Promise<void> | null = null

  constructor({ driver, limits, postgresLimits, ...options }: EngineOptions) {
    const connection = connectionOf(options, postgresLimits)
    const pool = new driver.Pool({
      ...connection,
      pipeline: true,
      max: postgresLimits.poolConnections,
      idleTimeoutMillis: postgresLimits.idleTimeout,
    })
    // An idle connection that broke: the pool has dropped it, and the next operation makes another.
    pool.on('error', () => undefined)
    // Travels ahead of whatever the connection is wanted for.
    pool.on('connect', (client) => void client.query(readOnlyByDefault).catch(() => undefined))
    this.#endPool = () => pool.end()
    const { attempts, preparedStatements } = postgresLimits
    const { send = sendQuery } = options
    const node = options.random.id()
    this.#runner = new Runner({
      pool,
      send,
      attempts,
      preparedStatements,
      channel,
      payloads: (changes) => payloadsOf(changes, node),
      prepare: () => this.#notices.settleBases(),
    })
    this.blobs = new PostgresBlobs({
      runner: this.#runner,
      inlineBytes: limits.inlineBlobBytes,
      newKey: () => options.random.id(),
      locate: (blob) => this.read('locateBlob', blob),
    })
    this.#notices = new Notices({
      node,
      makeClient: () => new driver.Client(connection),
      clock: options.clock,
      onError: options.onError,
      firstPause: postgresLimits.firstReconnectPause,
      longestPause: postgresLimits.longestReconnectPause,
      heartbeat: postgresLimits.heartbeat,
      longestWait: postgresLimits.longestTellingWait,
      changesSince: (request) => this.read('changesSince', request),
      positionsOf: (accounts) => this.#positionsOf(accounts),
    })
  }

  async open(): Promise<void> {
    await this.#notices.open()
  }

  readonly read = async <K extends keyof Reads>(
    name: K,
    ...parameters: Parameters<Reads[K]>
  ): Promise<OpResult<Reads[K]>> => {
    return await this.#runner.read(operationOf(reads, name, parameters))
  }

  readonly write = async <K extends keyof Writes>(
    name: K,
    ...parameters: Parameters<Writes[K]>
  ): Promise<OpResult<Writes[K]>> => {
    const { result, changes } = await this.#runner.write(operationOf(writes, name, parameters))
    await this.#notices.told(changes)
    return result
  }

  readonly subscribe = (account: AccountId, listener: ChangeListener): (() => void) =>
    this.#notices.subscribe(account, listener)

  readonly subscribeBatched = (account: AccountId, listener: BatchedListener): (() => void) =>
    this.#notices.subscribeBatched(account, listener)

  readonly onQueued = (listener: QueueListener): (() => void) => this.#notices.onQueued(listener)

  readonly onMail = (listener: MailListener): (() => void) => this.#notices.onMail(listener)

  readonly close = (): Promise<void> => {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#runner.close()
    await this.#notices.close()
    await this.#endPool()
  }

  async #positionsOf(accounts: readonly AccountId[]): Promise<Map<AccountId, ModSeq>> {
    const text = 'SELECT id, modseq FROM account WHERE id = ANY($1)'
    const { rows } = await this.#runner.query({ text, values: [[...accounts]] })
    return new Map((rows as { id: AccountId; modseq: ModSeq }[]).map(({ id, modseq }) => [id, modseq]))
  }
}

/** The call, to be made anew for each attempt. */
function operationOf<T extends Reads | Writes, K extends keyof T>(
  table: T,
  name: K,
  parameters: unknown,
): () => Op<OpResult<T[K]>> {
  // The parameters are those of this very operation: `Executor` ties them, which the indexed type cannot say.
  const operation = table[name] as (...rest: readonly unknown[]) => Op<OpResult<T[K]>>
  return () => operation(...(parameters as readonly unknown[]))
}

/** Rows and files dropped in one transaction. */
const dropAtOnce = 500
const keysAtOnce = 200

function maintenanceOf(engine: Engine, limits: StoreLimits): Maintenance {
  return {
    async audit({ onProgress } = {}) {
      const findings: AuditFinding[] = []
      const accounts = await engine.read('auditAccounts')
      onProgress?.(0, accounts.length + 1)
      for (const [index, account] of accounts.entries()) {
        findings.push(...(await engine.read('auditAccount', account)))
        onProgress?.(index + 1, accounts.length + 1)
      }
      findings.push(...(await engine.read('auditBlobs')), ...(await engine.read('auditQueue')))
      findings.push(...(await auditFiles(engine)))
      onProgress?.(accounts.length + 1, accounts.length + 1)
      return findings
    },
    async collectGarbage({ now }) {
      await engine.write('expireUploads', now)
      let blobs = 0
      let files = 0
      for (;;) {
        const { dropped, keys } = await engine.write('dropOrphanBlobs', dropAtOnce)
        await engine.blobs.drop(keys)
        blobs += dropped
        files += keys.length
        if (dropped < dropAtOnce) break
      }
      files += await engine.blobs.dropOrphans(limits.orphanMilliseconds)
      await engine.write('pruneExpired', now)
      await engine.write('expireObjects', now)
      const before = now - limits.tombstoneMilliseconds
      const tombstones = await forget(engine, { now, before })
      return { blobs, files, tombstones }
    },
  }
}

/** Large blobs against their chunks. */
async function auditFiles(engine: Engine): Promise<AuditFinding[]> {
  const findings: AuditFinding[] = []
  for (let after = 0; ;) {
    const rows = await engine.read('blobKeys', { after, limit: keysAtOnce })
    const found = await engine.blobs.sizeOf(rows.map(({ key }) => key))
    for (const { id, key, size } of rows) {
      const file = found.get(key)
      if (file?.size === size && file.sound) continue
      const message = `blob ${id} of ${size} bytes has ${file ? `${file.size} in chunks` : 'no chunks'}`
      findings.push({ check: 'file', account: null, message })
    }
    const last = rows.at(-1)
    if (!last || rows.length < keysAtOnce) return findings
    after = last.id
  }
}
