// The composition root: it turns a configuration into a running Posthorn and gives back one thing to stop. With the files of
// `wiring/` it is what knows every module; everything ambient (clock, chance, network, DNS) enters here, as an argument or as
// the real one, and nowhere else.
//
// Stopping: no new connections; sessions end where no reply is cut, at the latest after `net.stopTimeout`; then the store
// commits what is under way and closes. Whatever was answered 250 was durable before.
import type { Config } from './config/schema.ts'
import type { ListenerConfig, Service as ServiceName } from './config/sections/listeners.ts'
import { collectOperations } from './control/server/collect-operations.ts'
import { startControlServer } from './control/server/control-server.ts'
import { type OperationTable, tableOperations } from './control/server/operation.ts'
import * as serverEvents from './events/server.ts'
import type { SessionView } from './net/session-view.ts'
import { SocketNetwork } from './net/socket-network.ts'
import type { Queue } from './queue/queue.ts'
import { type Backend, openBackend, type Surroundings } from './wiring/backend.ts'
import { startCollecting } from './wiring/collect.ts'
import { collectRegularly } from './wiring/collector.ts'
import { beginSetup, makeSite, pagesOrigin, startWebhookTelling } from './wiring/http.ts'
import { holdJmap, jmapUrlOf } from './wiring/jmap.ts'
import {
  type AnyListener,
  type ListenerParts,
  makeConnections,
  makeFacts,
  openListener,
} from './wiring/listeners.ts'
import { startLive } from './wiring/live.ts'
import { programVersion } from './wiring/program-version.ts'
import { startOutgoing } from './wiring/outgoing.ts'
import { makeIdentity, makeResolver } from './wiring/surroundings.ts'

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
  /** Those of the backend, and what a running server alone can do. */
  readonly operations: OperationTable
  readonly listeners: readonly OpenListener[]
  /** Where a person finds the pages: `https://mail.example.org`; null where nothing speaks HTTP. */
  readonly pages: string | null
  /** Of a server without accounts: where the first one is made, once, by whoever has the link. */
  readonly setupLink: string | null
  /** Open sessions of all listeners. */
  sessions(): number
  stop(): Promise<void>
}

/** Opens the store and every listener, or nothing: rejects with the first error, everything closed again. */
export async function startPosthorn(config: Config, surroundings: Surroundings = {}): Promise<Posthorn> {
  await using opening = new AsyncDisposableStack()
  const backend = opening.use(await openBackend(config, surroundings))
  const { clock, events } = backend
  const network = surroundings.network ?? new SocketNetwork(clock)
  const resolver = surroundings.resolver ?? (await makeResolver(backend, network))
  const identity = await makeIdentity(backend)
  // Before the listeners: they hand mail to it, and it outlives them.
  const outgoing = opening.use(await startOutgoing({ ...surroundings, backend, network, resolver }))
  if (config.webhooks.length > 0) opening.use(await startWebhookTelling(backend))
  const setup = await beginSetup(backend)
  const table: { current: OperationTable } = { current: backend.operations }
  const jmap = opening.use(holdJmap({ backend, resolver }))
  const parts = {
    ...{ backend, network, resolver, identity, outgoing },
    policy: backend.policy,
    connections: makeConnections(config.net, clock),
    facts: makeFacts(config.imap),
    jmapUrl: () => jmapUrlOf(pagesOrigin(config, pointsOf(listeners))),
    site: makeSite({
      ...{ backend, outgoing, setup, jmap },
      operations: () => table.current,
      open: () => pointsOf(listeners),
    }),
  }
  const listeners: Opened[] = []
  backend.connections.follow(() => sessionsOf(listeners))
  await openListeners(config, { parts, opening, listeners })
  if (config.listeners.some(({ service }) => service === 'http')) await jmap.resume()
  // After the listeners: a provider that is asked by ETRN may connect at once.
  const collecting = opening.use(startCollecting(parts))
  // Where mail is read somebody will search it.
  if (config.listeners.some(({ service }) => service === 'imap')) backend.search.start()
  const open = pointsOf(listeners)
  const { layers = null } = surroundings
  const live = opening.use(startLive({ backend, listeners, open, version: programVersion, layers }))
  const operations = tableOperations(
    { ...collectOperations(collecting), ...live.operations },
    { events, others: backend.operations },
  )
  table.current = operations
  if (config.data !== null && surroundings.store === undefined && config.store.postgres === undefined) {
    opening.use(await startControlServer({ dataFolder: config.data, operations }))
  }
  opening.use(collectRegularly(backend))
  const pages = pagesOrigin(config, open)
  for (const point of open) events.emit(serverEvents.listening, point)
  const running = opening.move()
  const stop = stopOnce(listeners, { running, config, queue: outgoing.queue })
  return {
    backend,
    operations,
    listeners: open,
    pages,
    setupLink: setup === null || pages === null ? null : `${pages}/setup#${setup.token.reveal()}`,
    sessions: () => listeners.reduce((sum, { listener }) => sum + listener.sessions, 0),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** One after the other, each in `listeners` as soon as it is open. */
async function openListeners(
  { listeners: wanted }: Config,
  into: { parts: ListenerParts; opening: AsyncDisposableStack; listeners: Opened[] },
): Promise<void> {
  for (const settings of wanted) {
    const listener = into.opening.use(await openListener(settings, into.parts))
    into.listeners.push({ settings, listener })
  }
}

/** Stops at the first call; further ones join it. */
function stopOnce(listeners: readonly Opened[], parts: Parameters<typeof stopAll>[1]): () => Promise<void> {
  let stopped: Promise<void> | null = null
  return () => {
    stopped ??= stopAll(
      listeners.map(({ listener }) => listener),
      parts,
    )
    return stopped
  }
}

interface Opened {
  readonly settings: ListenerConfig
  readonly listener: AnyListener
}

function sessionsOf(listeners: readonly Opened[]): SessionView[] {
  return listeners.flatMap(({ listener }) => [...(listener.views?.() ?? [])].map(({ session }) => session))
}

function pointsOf(listeners: readonly Opened[]): OpenListener[] {
  return listeners.flatMap(({ settings, listener }) =>
    listener.points.map((point) => ({ service: settings.service, tls: settings.tls, ...point })),
  )
}

async function stopAll(
  listeners: readonly AnyListener[],
  { running, config, queue }: { running: AsyncDisposableStack; config: Config; queue: Queue },
): Promise<void> {
  // All at once, so that the time-outs hold for the whole and not for each. Mail that still comes in waits for the next start.
  await Promise.all([queue.stop(), ...listeners.map((listener) => listener.stop(config.net.stopTimeout))])
  await running.disposeAsync()
}
