// The composition root: the only file that knows every module. It turns a configuration into a running Posthorn and
// gives back one thing to stop. Everything ambient (clock, chance, network, DNS) enters here, as an argument or as the
// real one, and nowhere else.
//
// Stopping: no new connections; sessions end where no reply is cut, at the latest after `net.stopTimeout`; then the store
// commits what is under way and closes. Whatever was answered 250 was durable before.
import { join } from 'node:path'
import type { Checkpoint, CheckpointModule } from './base/checkpoint.ts'
import type { Clock, Timer } from './base/clock.ts'
import type { Peer } from './base/core.ts'
import type { Random } from './base/random.ts'
import { RealRandom } from './base/real-random.ts'
import type { Resolver } from './base/resolver.ts'
import { ConfigError } from './config/layers.ts'
import type { Config } from './config/schema.ts'
import type { ListenerConfig, Service as ServiceName } from './config/sections/listeners.ts'
import type { StoreConfig } from './config/sections/store.ts'
import { startControlServer } from './control/server/control-server.ts'
import { createAdminOperations, type AdminOperations } from './control/server/operations.ts'
import { createLocalDelivery } from './delivery/local-delivery.ts'
import { createDirectory } from './directory/create.ts'
import type { Directory } from './directory/directory.ts'
import { createOpenDirectory } from './directory/open-directory.ts'
import { errorText } from './events/error-text.ts'
import { createEvents, type Events, type EventSink } from './events/event.ts'
import { Metrics } from './events/metrics.ts'
import * as serverEvents from './events/server.ts'
import { ConnectionCount } from './net/connection-limits.ts'
import { listen, type Listener, type ListenerEvents } from './net/listener.ts'
import type { Network } from './net/network.ts'
import { RealClock } from './net/real-clock.ts'
import { SocketNetwork } from './net/socket-network.ts'
import { createFileIdentity, createSelfSignedIdentity } from './net/tls-identity.ts'
import type { TlsIdentity } from './net/tls.ts'
import type { StoreLimits } from './store/limits.ts'
import type { Store } from './store/store.ts'

/** What a program that embeds Posthorn may bring of its own; the real ones otherwise. */
export interface Surroundings {
  readonly clock?: Clock
  readonly random?: Random
  readonly network?: Network
  readonly resolver?: Resolver
  /** An open store; it is closed with the rest. */
  readonly store?: Store
  readonly sinks?: readonly EventSink[]
  /** A `CheckpointModule` that every thread imports and tells how far messages have come: for tests that kill the process. */
  readonly checkpoints?: URL
}

/** Store, directory and administration, without any listener: what the command line needs when no server runs. */
export interface Backend extends AsyncDisposable {
  readonly config: Config
  readonly store: Store
  readonly directory: Directory
  readonly operations: AdminOperations
  readonly events: Events
  readonly metrics: Metrics
  readonly clock: Clock
  readonly random: Random
}

/** One open listener, with its real port. */
export interface OpenListener {
  readonly service: ServiceName
  readonly address: string
  readonly port: number
  readonly tls: ListenerConfig['tls']
}

/** A running Posthorn. Disposing stops it. */
export interface Posthorn extends AsyncDisposable {
  readonly backend: Backend
  readonly listeners: readonly OpenListener[]
  /** Open sessions of all listeners. */
  sessions(): number
  stop(): Promise<void>
}

/** Opens the store and what stands on it. Rejects when the data folder is in use or cannot be read. */
export async function openBackend(config: Config, surroundings: Surroundings = {}): Promise<Backend> {
  const clock = surroundings.clock ?? new RealClock()
  const random = surroundings.random ?? new RealRandom()
  const metrics = new Metrics()
  const events = createEvents([metrics, ...(surroundings.sinks ?? [])])
  await using opening = new AsyncDisposableStack()
  const { checkpoints } = surroundings
  const store = opening.use(
    surroundings.store ?? (await openStore(config, { clock, random, events, checkpoints })),
  )
  const directory = await makeDirectory(config, { store, clock, random, events })
  const operations = createAdminOperations({ store, config, clock, random, events, metrics })
  const opened = opening.move()
  return {
    ...{ config, store, directory, operations, events, metrics, clock, random },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

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
    const { openPostgresStore } = await import('./store/postgres/index.ts')
    const connection = { url: postgres.url }
    return openPostgresStore({
      ...parts,
      connection,
      limits,
      postgresLimits: { poolConnections: postgres.pool },
      onError,
    })
  }
  const { openSqliteStore } = await import('./store/sqlite/index.ts')
  return openSqliteStore({
    ...parts,
    folder: config.data ?? ':memory:',
    limits,
    onListenerError: onError,
    checkpoints: module && { module, ...(await loadCheckpoints(module)) },
  })
}

/** Whether `openStore` would open what is there, rather than begin a store. Rejects where that cannot be told. */
export async function hasStore({ data, store }: Config): Promise<boolean> {
  // A database is named on purpose, and who may make tables in it was decided there.
  if (store.postgres !== undefined) return true
  if (data === null) return false
  const { hasSqliteStore } = await import('./store/sqlite/index.ts')
  return hasSqliteStore(data)
}

async function loadCheckpoints(module: URL): Promise<CheckpointModule> {
  // `Surroundings.checkpoints` says what it exports.
  return (await import(module.href)) as CheckpointModule
}

function storeLimits(config: StoreConfig): StoreLimits {
  return {
    mailboxesPerAccount: config.maxMailboxes,
    keywordsPerMessage: config.maxKeywords,
    keywordLengthPerMessage: config.maxKeywordLength,
    inlineBlobBytes: config.inlineBlobLimit,
    batchRows: config.batchRows,
    tombstoneMilliseconds: config.tombstoneAge,
    orphanMilliseconds: config.blobGrace,
    memoryBlobBytes: config.memoryBlobLimit,
    groupOperations: config.groupCommitOperations,
    groupMilliseconds: config.groupCommitTime,
  }
}

async function makeDirectory(
  config: Config,
  parts: { store: Store; clock: Clock; random: Random; events: Events },
): Promise<Directory> {
  // A catcher takes mail for everybody, so everybody can read: the two are one decision.
  if (config.listeners.some((listener) => listener.service === 'catcher')) {
    return createOpenDirectory({ ...parts, directory: config.directory, defaultDomain: config.hostname })
  }
  const serverSecret = await parts.store.installationSecret(parts.random.bytes(32))
  return createDirectory({ ...parts, auth: config.auth, directory: config.directory, serverSecret })
}

/** Opens the store and every listener, or nothing: rejects with the first error, everything closed again. */
export async function startPosthorn(config: Config, surroundings: Surroundings = {}): Promise<Posthorn> {
  await using opening = new AsyncDisposableStack()
  const backend = opening.use(await openBackend(config, surroundings))
  const { clock, events } = backend
  const network = surroundings.network ?? new SocketNetwork(clock)
  const resolver = config.dns.reverse
    ? (surroundings.resolver ?? (await makeResolver(backend, network)))
    : null
  const identity = await makeIdentity(backend)
  const { checkpoints } = surroundings
  const checkpoint = checkpoints && (await loadCheckpoints(checkpoints)).checkpoint
  const listeners: { settings: ListenerConfig; listener: AnyListener }[] = []
  for (const settings of config.listeners) {
    const listener = await openListener(settings, { backend, network, resolver, identity, checkpoint })
    opening.use(listener)
    listeners.push({ settings, listener })
  }
  if (config.data !== null && surroundings.store === undefined && config.store.postgres === undefined) {
    opening.use(await startControlServer({ dataFolder: config.data, operations: backend.operations }))
  }
  opening.use(collectRegularly(backend))
  const open = listeners.flatMap(({ settings, listener }) =>
    listener.points.map((point) => ({ service: settings.service, tls: settings.tls, ...point })),
  )
  for (const point of open) events.emit(serverEvents.listening, point)
  const running = opening.move()
  let stopped: Promise<void> | null = null
  const stop = (): Promise<void> => {
    stopped ??= stopAll(
      listeners.map(({ listener }) => listener),
      { running, config },
    )
    return stopped
  }
  return {
    backend,
    listeners: open,
    sessions: () => listeners.reduce((sum, { listener }) => sum + listener.sessions, 0),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

async function stopAll(
  listeners: readonly AnyListener[],
  { running, config }: { running: AsyncDisposableStack; config: Config },
): Promise<void> {
  // All at once, so that the time-out holds for the whole and not for each.
  await Promise.all(listeners.map((listener) => listener.stop(config.net.stopTimeout)))
  await running.disposeAsync()
}

/** Rejects with `ConfigError` where the files cannot be served: better now than at each handshake. */
async function makeIdentity({ config, clock, random, events }: Backend): Promise<TlsIdentity> {
  const { certificate, key } = config.tls
  if (certificate === undefined || key === undefined) {
    const folder = config.data === null ? null : join(config.data, 'tls')
    return createSelfSignedIdentity({ hostname: config.hostname, folder, clock, random })
  }
  const identity = createFileIdentity({
    certificates: [{ certFile: certificate, keyFile: key }],
    clock,
    onReloadFailed: (files, error) =>
      events.emit(serverEvents.certificateUnusable, { file: files.certFile, error: errorText(error) }),
  })
  try {
    await identity.secureContext(null)
  } catch (error) {
    const files = `tls.certificate (${certificate}) and tls.key (${key})`
    throw new ConfigError(`${files} cannot be used: ${errorText(error)}`, { cause: error })
  }
  return identity
}

async function makeResolver({ config, clock, random }: Backend, dialer: Network): Promise<Resolver> {
  const { StubResolver } = await import('./net/resolver.ts')
  const { readSystemServers } = await import('./net/resolv-conf.ts')
  const { servers, trusted, timeout } = config.dns
  const chosen = servers.map((server) => ({ ...serverPoint(server), trusted }))
  return new StubResolver({
    servers: chosen.length > 0 ? chosen : await readSystemServers(),
    ...{ clock, random, dialer },
    limits: { timeoutMilliseconds: timeout },
  })
}

/** `address`, `address:port` or `[address]:port`; port 53 where none is given. */
function serverPoint(text: string): { address: string; port: number } {
  const match = /^\[?([^\]]*?)\]?(?::(\d+))?$/.exec(text)
  const whole = { address: text, port: 53 }
  if (match === null || (text.split(':').length > 2 && !text.startsWith('['))) return whole
  return { address: match[1] ?? text, port: Number(match[2] ?? 53) }
}

interface ListenerParts {
  readonly backend: Backend
  readonly network: Network
  /** For the names of SMTP clients; null where they are not looked up. */
  readonly resolver: Resolver | null
  readonly identity: TlsIdentity
  readonly checkpoint: Checkpoint | undefined
}

/** A listener, whatever is spoken on it. */
type AnyListener = Pick<Listener<unknown, unknown>, 'points' | 'sessions' | 'stop'> & AsyncDisposable

/** Loads only the protocols that are spoken: that is most of the time from start to the first greeting. */
async function openListener(settings: ListenerConfig, parts: ListenerParts): Promise<AnyListener> {
  const { backend, resolver, checkpoint } = parts
  const { config, store, directory, events, clock, random } = backend
  const startTls = settings.tls === 'starttls'
  const common = {
    hostname: config.hostname,
    startTls,
    store,
    directory,
    events,
    clock,
    random,
    auth: config.auth,
  }
  const carrier = carrierOptions(settings, parts)
  switch (settings.service) {
    case 'smtp':
    case 'submission':
    case 'catcher': {
      const { createSmtpService } = await import('./smtp/server/service.ts')
      const limits = { maxReceived: config.smtp.maxReceived }
      const delivery = createLocalDelivery({ store, limits, checkpoint })
      const role = settings.service === 'smtp' ? 'mx' : settings.service
      return listen({
        ...carrier,
        ...createSmtpService({
          ...common,
          role,
          delivery,
          config: config.smtp,
          maxMessageSize: config.maxMessageSize,
          mime: config.mime,
          resolver,
          checkpoint,
        }),
      })
    }
    case 'imap': {
      const { createImapService } = await import('./imap/server/service.ts')
      return listen({
        ...carrier,
        ...createImapService({
          ...common,
          config: config.imap,
          maxMessageSize: config.maxMessageSize,
          mime: config.mime,
        }),
      })
    }
    case 'pop3': {
      const { createPop3Service } = await import('./pop3/server/service.ts')
      return listen({ ...carrier, ...createPop3Service({ ...common, config: config.pop3 }) })
    }
  }
}

function carrierOptions(settings: ListenerConfig, { backend, network, identity }: ListenerParts) {
  const { config, clock, events } = backend
  return {
    ...{ network, clock },
    points: [{ address: settings.address, port: settings.port }],
    tls: settings.tls === 'starttls' ? ('on-request' as const) : settings.tls,
    identity: settings.tls === 'none' ? null : identity,
    events: listenerEvents(settings.service, events),
    connections: new ConnectionCount({
      total: config.net.maxConnections,
      perAddress: config.net.maxConnectionsPerAddress,
      perPrefix: config.net.maxConnectionsPerPrefix,
    }),
    pumpLimits: {
      heldBytes: config.net.heldBytes,
      lingerMilliseconds: config.net.lingerTimeout,
      handshakeMilliseconds: config.net.tlsHandshakeTimeout,
    },
    stopMilliseconds: config.net.stopTimeout,
  }
}

function listenerEvents(service: ServiceName, events: Events): ListenerEvents {
  const who = (peer: Peer): { service: string; remoteAddress: string } => ({
    service,
    remoteAddress: peer.remoteAddress,
  })
  return {
    opened: (peer) => events.emit(serverEvents.connectionOpened, who(peer)),
    refused: (peer, limit) => events.emit(serverEvents.connectionRefused, { ...who(peer), limit }),
    handshakeFailed: (peer, error) =>
      events.emit(serverEvents.handshakeFailed, { ...who(peer), error: errorText(error) }),
    broke: (peer, error) => events.emit(serverEvents.sessionBroke, { ...who(peer), error: errorText(error) }),
    handlerFailed: (peer, question, error) =>
      events.emit(serverEvents.handlerFailed, {
        ...who(peer),
        question: questionType(question),
        error: errorText(error),
      }),
    finished: ({ peer, ending }) =>
      events.emit(serverEvents.connectionClosed, { ...who(peer), ending: ending ?? 'closed' }),
  }
}

function questionType(question: unknown): string {
  return typeof question === 'object' && question !== null && 'type' in question
    ? String(question.type)
    : 'unknown'
}

/** Drops what nothing names any more, from time to time, never two at once. */
function collectRegularly({ config, store, clock, events }: Backend): AsyncDisposable {
  let timer: Timer | null = null
  let collecting: Promise<void> = Promise.resolve()
  const collect = async (): Promise<void> => {
    try {
      const done = await store.collectGarbage({ now: clock.now() })
      if (done.blobs + done.files + done.tombstones > 0) events.emit(serverEvents.collected, done)
    } catch (error) {
      events.emit(serverEvents.collectionFailed, { error: errorText(error) })
    }
  }
  const arm = (): void => {
    timer = clock.after(config.store.collectEvery, () => {
      collecting = collect().finally(arm)
    })
  }
  arm()
  return {
    async [Symbol.asyncDispose]() {
      timer?.cancel()
      await collecting
      timer?.cancel()
    },
  }
}
