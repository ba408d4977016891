// Opens the store that the configuration names: the only place that knows both engines.
import type { CheckpointModule } from '../base/checkpoint.ts'
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { Config } from '../config/schema.ts'
import type { StoreConfig } from '../config/sections/store.ts'
import { errorText } from '../events/error-text.ts'
import type { Events } from '../events/event.ts'
import * as serverEvents from '../events/server.ts'
import type { StoreLimits } from '../store/limits.ts'
import type { Store } from '../store/store.ts'

/** What a store stands on. */
export interface StoreParts {
  readonly clock: Clock
  readonly random: Random
  readonly events: Events
  readonly checkpoints?: URL | undefined
}

/** Opens the store that the configuration names, for whoever puts something around it. Rejects as `openBackend`. */
export async function openStore(
  config: Config,
  { events, checkpoints: module, ...parts }: StoreParts,
): Promise<Store> {
  const onError = (error: unknown): void =>
    events.emit(serverEvents.subscriberFailed, { error: errorText(error) })
  const { postgres } = config.store
  const limits = storeLimits(config.store)
  if (postgres !== undefined) {
    const { openPostgresStore } = await import('../store/postgres/index.ts')
    const connection = { url: postgres.url }
    return openPostgresStore({
      ...parts,
      connection,
      limits,
      postgresLimits: { poolConnections: postgres.pool },
      onError,
    })
  }
  const { openSqliteStore } = await import('../store/sqlite/index.ts')
  return openSqliteStore({
    ...parts,
    folder: config.data ?? ':memory:',
    limits,
    filing: 'later',
    onListenerError: onError,
    checkpoints: module && { module, ...(await loadCheckpoints(module)) },
  })
}

/** Whether `openStore` would open what is there, rather than begin a store. Rejects where that cannot be told. */
export async function hasStore({ data, store }: Config): Promise<boolean> {
  // A database is named on purpose, and who may make tables in it was decided there.
  if (store.postgres !== undefined) return true
  if (data === null) return false
  const { hasSqliteStore } = await import('../store/sqlite/index.ts')
  return hasSqliteStore(data)
}

export async function loadCheckpoints(module: URL): Promise<CheckpointModule> {
  // `Surroundings.checkpoints` says what it exports.
  return (await import(module.href)) as CheckpointModule
}

function storeLimits(config: StoreConfig): StoreLimits {
  return {
    mailboxesPerAccount: config.maxMailboxes,
    keywordsPerMessage: config.maxKeywords,
    keywordLengthPerMessage: config.maxKeywordLength,
    mailboxKeywords: config.maxMailboxKeywords,
    accessEntries: config.maxAccessEntries,
    annotations: config.maxAnnotations,
    annotationSize: config.maxAnnotationSize,
    annotationNameLength: config.maxAnnotationNameLength,
    objectSize: config.maxObjectSize,
    threadKeys: config.maxThreadKeys,
    inlineBlobBytes: config.inlineBlobLimit,
    batchRows: config.batchRows,
    flagBlockChanges: config.flagBlockChanges,
    flagBlockUids: config.flagBlockUids,
    tombstoneMilliseconds: config.tombstoneAge,
    orphanMilliseconds: config.blobGrace,
    waitingMessages: config.maxWaiting,
    temporaryBlobBytes: config.temporaryBlobLimit,
    memoryBlobBytes: config.memoryBlobLimit,
    groupOperations: config.groupCommitOperations,
    groupMilliseconds: config.groupCommitTime,
  }
}
