// What a running server tells of itself to operators: its listeners' sessions under numbers of their own, its counts, its settings.
import { join } from 'node:path'
import { type Explained, explainConfig, type Layer, listSettings } from '../config/layers.ts'
import { type LiveConnection, liveOperations, type LiveServer } from '../control/server/live-operations.ts'
import type { Operation } from '../control/server/operation.ts'
import { errorText } from '../events/error-text.ts'
import { EventFile } from '../events/event-file.ts'
import type { Recorder } from '../events/recorder.ts'
import * as serverEvents from '../events/server.ts'
import type { SessionView } from '../net/session-view.ts'
import type { Backend } from './backend.ts'
import type { AnyListener } from './listeners.ts'

export interface LiveParts {
  readonly backend: Backend
  readonly listeners: readonly {
    readonly settings: { readonly service: string }
    readonly listener: AnyListener
  }[]
  readonly open: LiveServer['facts']['listeners']
  readonly version: string
  /** What the configuration was made of, where that is known. */
  readonly layers: readonly Layer[] | null
}

/** Operations of a running server, and what they are told by, until disposed; none in a catcher. */
export function startLive(
  parts: LiveParts,
): AsyncDisposable & { readonly operations: Record<string, Operation> } {
  const { backend } = parts
  const { recorder, config } = backend
  if (recorder === null) return { operations: {}, [Symbol.asyncDispose]: () => Promise.resolve() }
  // The charts and traces are on a page: without pages nobody has them kept.
  const hasPages = config.listeners.some(({ service }) => service === 'http')
  const sampling = hasPages ? startSampling(backend, recorder) : null
  const history = hasPages ? keepEvents(backend, recorder) : null
  return {
    operations: liveOperations(liveServer(parts, { recorder, history })),
    async [Symbol.asyncDispose]() {
      sampling?.[Symbol.dispose]()
      await history?.[Symbol.asyncDispose]()
    },
  }
}

/** Has events written to the data folder; null where there is none, or none are wanted. */
function keepEvents({ config, clock, events }: Backend, recorder: Recorder): EventFile | null {
  const size = config.web.eventFileSize
  if (config.data === null || size === 0) return null
  const file = new EventFile({
    folder: join(config.data, 'events'),
    ...{ size, clock },
    onTrouble: (error) => events.emit(serverEvents.eventFileFailed, { error: errorText(error) }),
  })
  recorder.watch((record) => file.add(record))
  return file
}

function liveServer(
  { backend, listeners, open, version, layers }: LiveParts,
  kept: Pick<LiveServer, 'recorder' | 'history'> & { readonly recorder: Recorder },
): LiveServer {
  const { config, clock, store, directory, queueAdmin } = backend
  const began = clock.monotonic()
  return {
    facts: {
      ...{ version, hostname: config.hostname, profile: config.profile },
      started: new Date(clock.now()).toISOString(),
      listeners: open,
    },
    ...kept,
    ...liveConnections(listeners),
    ...{ queueAdmin, throttle: directory.throttle },
    uptime: () => clock.monotonic() - began,
    async counts() {
      const domains = await store.listDomains()
      return {
        domains: domains.length,
        accounts: domains.reduce((sum, one) => sum + one.accounts, 0),
        aliases: domains.reduce((sum, one) => sum + one.aliases, 0),
      }
    },
    settings: (): readonly Explained[] => (layers === null ? listSettings(config) : explainConfig(layers)),
  }
}

type Connections = Pick<LiveServer, 'connections' | 'connectionCounts' | 'endConnection'>

function liveConnections(listeners: LiveParts['listeners']): Connections {
  const numbers = new SessionNumbers()
  const views = function* (): Generator<{ service: string; session: SessionView; since: number }> {
    for (const { settings, listener } of listeners) {
      for (const view of listener.views?.() ?? []) yield { service: settings.service, ...view }
    }
  }
  return {
    connections: () =>
      [...views()].map(({ service, session, since }): LiveConnection => {
        const { remoteAddress, remotePort, localPort } = session.peer
        const { account } = session
        const id = numbers.of(session)
        return {
          id,
          service,
          remoteAddress,
          remotePort,
          localPort,
          account,
          since: new Date(since).toISOString(),
        }
      }),
    connectionCounts() {
      const counts: Record<string, number> = {}
      for (const { settings, listener } of listeners) {
        counts[settings.service] = (counts[settings.service] ?? 0) + listener.sessions
      }
      return counts
    },
    endConnection(id) {
      for (const { session } of views()) {
        if (numbers.of(session) !== id) continue
        session.stop()
        return true
      }
      return false
    },
  }
}

/** Numbers that are given when a session is first shown. */
class SessionNumbers {
  readonly #numbers = new WeakMap<SessionView, number>()
  #last = 0

  of(session: SessionView): number {
    const there = this.#numbers.get(session)
    if (there !== undefined) return there
    this.#numbers.set(session, ++this.#last)
    return this.#last
  }
}

/** How often the depth of the queue is measured for the charts. */
const sampleMilliseconds = 10_000

/** Measures what is not counted, until disposed. */
function startSampling({ store, clock }: Backend, recorder: Recorder): Disposable {
  let timer = clock.after(0, sample)
  let stopped = false
  function sample(): void {
    store
      .queueTotals()
      .then(
        ({ waiting, active, held }) => recorder.sample('queued', waiting + active + held),
        // A store that cannot answer is told of where somebody waits for it.
        () => {},
      )
      .finally(() => {
        if (!stopped) timer = clock.after(sampleMilliseconds, sample)
      })
  }
  return {
    [Symbol.dispose]() {
      stopped = true
      timer.cancel()
    },
  }
}
