// What a running server tells of itself to operators: its listeners' sessions under numbers of their own, its counts, its settings.
import { type Explained, explainConfig, type Layer, listSettings } from '../config/layers.ts'
import { type LiveConnection, liveOperations, type LiveServer } from '../control/server/live-operations.ts'
import type { Operation } from '../control/server/operation.ts'
import type { Recorder } from '../events/recorder.ts'
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
export function startLive(parts: LiveParts): Disposable & { readonly operations: Record<string, Operation> } {
  const { recorder } = parts.backend
  if (recorder === null) return { operations: {}, [Symbol.dispose]: () => {} }
  // The charts are on a page: without pages nobody looks at them.
  const { listeners } = parts.backend.config
  const hasPages = listeners.some(({ service }) => service === 'http')
  const sampling = hasPages ? startSampling(parts.backend, recorder) : null
  return {
    operations: liveOperations(liveServer(parts, recorder)),
    [Symbol.dispose]: () => sampling?.[Symbol.dispose](),
  }
}

function liveServer(
  { backend, listeners, open, version, layers }: LiveParts,
  recorder: Recorder,
): LiveServer {
  const { config, clock, store, directory, queueAdmin } = backend
  const began = clock.monotonic()
  const numbers = new SessionNumbers()
  const views = function* (): Generator<{ service: string; session: SessionView; since: number }> {
    for (const { settings, listener } of listeners) {
      for (const view of listener.views?.() ?? []) yield { service: settings.service, ...view }
    }
  }
  return {
    facts: {
      ...{ version, hostname: config.hostname, profile: config.profile },
      started: new Date(clock.now()).toISOString(),
      listeners: open,
    },
    ...{ recorder, queueAdmin, throttle: directory.throttle },
    uptime: () => clock.monotonic() - began,
    async counts() {
      const domains = await store.listDomains()
      return {
        domains: domains.length,
        accounts: domains.reduce((sum, one) => sum + one.accounts, 0),
        aliases: domains.reduce((sum, one) => sum + one.aliases, 0),
      }
    },
    connections: () =>
      [...views()].map(({ service, session, since }): LiveConnection => {
        const { remoteAddress, remotePort, localPort } = session.peer
        const id = numbers.of(session)
        const account = session.account
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
    settings: (): readonly Explained[] => (layers === null ? listSettings(config) : explainConfig(layers)),
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
