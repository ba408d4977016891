// Store, directory and administration: what both a server and the command line without one stand on.
import type { Checkpoint } from '../base/checkpoint.ts'
import type { Catcher } from '../catcher/catcher.ts'
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import { RealRandom } from '../base/real-random.ts'
import type { Resolver } from '../base/resolver.ts'
import type { Layer } from '../config/layers.ts'
import type { Config } from '../config/schema.ts'
import type { OperationTable } from '../control/server/operation.ts'
import { createAdminOperations } from '../control/server/operations.ts'
import type { HttpsRequest } from '../delivery/https-request.ts'
import { Routes } from '../delivery/routes.ts'
import { createTerminals, type Terminals } from '../delivery/terminals.ts'
import { createDirectory } from '../directory/create.ts'
import type { Directory } from '../directory/directory.ts'
import { createLogins, type Logins } from '../directory/logins.ts'
import { OpenConnections } from '../directory/open-connections.ts'
import { createFetchText } from '../directory/fetch-text.ts'
import { createOpenDirectory } from '../directory/open-directory.ts'
import type { TokenVerifier } from '../directory/tokens.ts'
import { createEvents, type Events, type EventSink } from '../events/event.ts'
import { Metrics } from '../events/metrics.ts'
import { Recorder } from '../events/recorder.ts'
import type { Policy } from '../hooks/policy.ts'
import type { Network } from '../net/network.ts'
import { SocketNetwork } from '../net/socket-network.ts'
import { RealClock } from '../net/real-clock.ts'
import { QueueAdmin } from '../queue/admin.ts'
import { temporarySpool } from '../store/spool.ts'
import type { Store } from '../store/store.ts'
import type { CatcherSurroundings, OpenedCatcher } from './catcher.ts'
import { createSearch, type Search } from './search.ts'
import { loadCheckpoints, openStore } from './storage.ts'
import { createWayIn, type WayIn } from './way-in.ts'

/** What a program that embeds Posthorn may bring of its own; the real ones otherwise. */
export interface Surroundings {
  readonly clock?: Clock
  readonly random?: Random
  readonly network?: Network
  readonly resolver?: Resolver
  /** How MTA-STS policies and access tokens are fetched. */
  readonly httpsRequest?: HttpsRequest
  /** The addresses at which this machine is; mail whose next host is one of them would come back. */
  readonly ownAddresses?: () => readonly string[]
  /** What the configuration was made of, so that the admin page can say where each setting came from. */
  readonly layers?: readonly Layer[]
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
  /** What opens accounts beside their passwords. */
  readonly logins: Logins
  /** Of mail programs: whoever has listeners says where they are. */
  readonly connections: OpenConnections
  /** The installation's, at least 16 octets. */
  readonly secret: Uint8Array
  /** Where SEND, SOML and SAML are shown. */
  readonly terminals: Terminals
  /** Hooks, milters and HTTP hooks; null where nobody is asked. */
  readonly policy: Policy | null
  /** Null where no `catcher` listener is. */
  readonly catcher: Catcher | null
  readonly wayIn: WayIn
  readonly queueAdmin: QueueAdmin
  /** The full-text index; not started. */
  readonly search: Search
  readonly operations: OperationTable
  readonly events: Events
  readonly metrics: Metrics
  /** What happened lately, for operators; null in a catcher. */
  readonly recorder: Recorder | null
  readonly clock: Clock
  readonly random: Random
  /** Told how far messages have come; for tests that kill the process. */
  readonly checkpoint: Checkpoint | undefined
}

/** Opens the store and what stands on it. Rejects when the data folder is in use or cannot be read. */
export async function openBackend(config: Config, surroundings: Surroundings = {}): Promise<Backend> {
  const clock = surroundings.clock ?? new RealClock()
  const random = surroundings.random ?? new RealRandom()
  const metrics = new Metrics()
  const recorder = makeRecorder(config, clock)
  const recording = recorder === null ? [] : [recorder]
  const events = createEvents([metrics, ...recording, ...(surroundings.sinks ?? [])])
  await using opening = new AsyncDisposableStack()
  const { checkpoints } = surroundings
  const store = opening.use(
    surroundings.store ?? (await openStore(config, { clock, random, events, checkpoints })),
  )
  const secret = await store.installationSecret(random.bytes(32))
  const directory = await makeDirectory(config, { store, clock, random, events, serverSecret: secret })
  const { auth, web } = config
  const logins = createLogins({ store, clock, random, events, auth, web, secret })
  const terminals = createTerminals()
  const checkpoint = checkpoints && (await loadCheckpoints(checkpoints)).checkpoint
  const policy = await makePolicy(config, { clock, random, events, network: surroundings.network })
  const work = surroundings.clock === undefined ? 'thread' : 'inline'
  const search = opening.use(createSearch({ config: config.search, store, clock, random, events, work }))
  const catching = await makeCatcher(config, {
    ...{ store, directory, clock, random, events },
    ...{ network: surroundings.network, searcher: () => search.searcher },
    spool: surroundings.store === undefined && isTemporary(config) ? temporarySpool(random) : null,
  })
  const catcher = catching === null ? null : opening.use(catching.catcher)
  const wayIn = createWayIn({
    ...{ config, store, directory, clock, random, events, secret, checkpoint, policy },
    around: catching?.around ?? null,
  })
  // Answers on their way find the store open.
  opening.defer(() => wayIn.vacation.settled())
  const { submitter } = wayIn
  const routes = new Routes(config.relay, config.hostname).names
  const queueAdmin = new QueueAdmin({ store, clock, routes, webhooks: wayIn.webhooks })
  const connections = new OpenConnections()
  const operations = createAdminOperations({
    ...{ search, submitter, queueAdmin, store, directory, logins, connections, terminals },
    ...{ config, clock, random, events, metrics },
  })
  const opened = opening.move()
  return {
    ...{
      config,
      store,
      directory,
      logins,
      connections,
      secret,
      terminals,
      policy,
      catcher,
      wayIn,
      queueAdmin,
    },
    ...{ search, operations, events, metrics, recorder, clock, random, checkpoint },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

/** A catcher has no admin page: what it keeps is told by its own. */
function makeRecorder({ listeners, web }: Config, clock: Clock): Recorder | null {
  const services = new Set(listeners.map(({ service }) => service))
  if (services.size === 0 || services.has('catcher')) return null
  return new Recorder({ now: () => clock.now(), capacity: web.recordsKept })
}

/** Null, and nothing loaded, where nobody is asked. */
async function makePolicy(
  { hooks, hostname, maxMessageSize }: Config,
  parts: { clock: Clock; random: Random; events: Events; network: Network | undefined },
): Promise<Policy | null> {
  const functions = Object.values(hooks).filter((value) => typeof value === 'function')
  if (functions.length + hooks.milters.length + hooks.http.length === 0) return null
  const { createPolicy } = await import('../hooks/chain.ts')
  const { clock, random, events, network } = parts
  return createPolicy(hooks, {
    ...{ clock, random, events, httpFetch: globalThis.fetch },
    dialer: network ?? new SocketNetwork(clock),
    ...{ hostname, maxMessageSize },
  })
}

/** True where any password opens any mailbox. */
function catches({ listeners }: Config): boolean {
  return listeners.some(({ service }) => service === 'catcher')
}

/** Whether what is stored ends with the program. */
function isTemporary({ data, store }: Config): boolean {
  return data === null && store.postgres === undefined
}

/** Null, and nothing loaded, where nothing is caught. */
async function makeCatcher(
  config: Config,
  parts: Omit<CatcherSurroundings, 'config' | 'network'> & { network: Network | undefined },
): Promise<OpenedCatcher | null> {
  if (!catches(config)) return null
  const { openCatcher } = await import('./catcher.ts')
  return openCatcher({ ...parts, config, network: parts.network ?? new SocketNetwork(parts.clock) })
}

async function makeDirectory(
  config: Config,
  parts: { store: Store; clock: Clock; random: Random; events: Events; serverSecret: Uint8Array },
): Promise<Directory> {
  // A catcher takes mail for everybody, so everybody can read: the two are one decision.
  if (catches(config)) {
    return createOpenDirectory({ ...parts, directory: config.directory, defaultDomain: config.hostname })
  }
  const { tokens: issuers, verifyToken } = config.auth
  let tokens: TokenVerifier | null = null
  if (issuers.length > 0 || verifyToken !== undefined) {
    const { createTokenVerifier } = await import('../directory/tokens.ts')
    const { clock } = parts
    tokens = createTokenVerifier({
      issuers,
      verifyToken,
      clock,
      fetchText: createFetchText({ fetch, clock }),
    })
  }
  return createDirectory({ ...parts, auth: config.auth, directory: config.directory, tokens })
}
