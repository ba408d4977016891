// What a running server alone can tell: how it goes, who is connected, what happened lately, who has guessed too often. For
// `posthorn server …`, `posthorn throttle …` and the admin page.
import { z } from 'zod'
import type { Explained } from '../../config/layers.ts'
import type { ThrottleView } from '../../directory/directory.ts'
import type { Recorder } from '../../events/recorder.ts'
import type { QueueAdmin } from '../../queue/admin.ts'
import { type EventHistory, recordTest, shownRecord, traceMessages } from './message-trace.ts'
import { operation, type Operation, RefusedOperation, question } from './operation.ts'

/** A connection that is open now. */
export interface LiveConnection {
  /** Of this process; never given again while it runs. */
  readonly id: number
  readonly service: string
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localPort: number
  readonly since: string
  /** The address of the account that is logged in; null: nobody is. */
  readonly account: string | null
}

export interface LiveServer {
  /** Facts that do not change while it runs. */
  readonly facts: {
    readonly version: string
    readonly hostname: string
    readonly profile: string
    readonly started: string
    readonly listeners: readonly {
      readonly service: string
      readonly address: string
      readonly port: number
      readonly tls: string
    }[]
  }
  /** Milliseconds since it started. */
  uptime(): number
  /** How many accounts and domains there are. */
  counts(): Promise<{ readonly accounts: number; readonly domains: number; readonly aliases: number }>
  /** Oldest first. */
  connections(): readonly LiveConnection[]
  /** How many there are by service, also of those that cannot be listed. */
  connectionCounts(): Readonly<Record<string, number>>
  /** Ends it where no reply is cut; false where there is none of that id. */
  endConnection(id: number): boolean
  readonly recorder: Recorder
  /** Events of a longer time than the recorder remembers, also from before a restart; null where no file keeps them. */
  readonly history: EventHistory | null
  readonly throttle: ThrottleView | null
  readonly queueAdmin: QueueAdmin
  settings(): readonly Explained[]
}

const nothing = z.strictObject({}).optional()

const recordFilter = z.strictObject({
  level: z.enum(['info', 'warn', 'error']).default('info'),
  /** The beginning of an event's name: `smtp.`, `queue.failed`. */
  name: z.string().max(100).default(''),
  /** What one of its fields holds, in whatever case. */
  text: z.string().max(400).default(''),
})

const log = z.strictObject({
  ...recordFilter.shape,
  /** Records before this number: for the next page. */
  before: z.int().optional(),
  limit: z.int().min(1).max(1000).default(200),
})

const mostTraces = 50

export function liveOperations(server: LiveServer): Record<string, Operation> {
  return { ...overviewOperations(server), ...recordOperations(server), ...guardOperations(server) }
}

function overviewOperations(server: LiveServer): Record<string, Operation> {
  return {
    'server.overview': question(nothing, async () => {
      const [counts, queue] = await Promise.all([server.counts(), server.queueAdmin.totals()])
      return {
        ...server.facts,
        uptime: server.uptime(),
        ...counts,
        queue,
        connections: server.connectionCounts(),
        refusals: server.recorder.refusals().slice(0, 50),
      }
    }),
    'server.series': question(
      z.strictObject({ by: z.enum(['second', 'minute']).default('second') }).prefault({}),
      async ({ by }) => server.recorder.series(by),
    ),
    'server.config': question(
      z.strictObject({ prefix: z.string().default('') }).prefault({}),
      async ({ prefix }) => server.settings().filter(({ key }) => key.startsWith(prefix)),
    ),
    'server.sessions': question(nothing, async () => server.connections()),
    'server.end-session': operation(z.strictObject({ id: z.int() }), async ({ id }) => {
      if (!server.endConnection(id)) throw new RefusedOperation(`There is no session ${id}.`)
      return {}
    }),
  }
}

function recordOperations({ recorder, history, queueAdmin }: LiveServer): Record<string, Operation> {
  return {
    'server.log': question(log.prefault({}), async ({ before, limit, ...filter }) => {
      const wanted = recordTest(filter)
      const until = before ?? Number.POSITIVE_INFINITY
      return recorder.find((one) => one.seq < until && wanted(one), limit).map(shownRecord)
    }),
    'server.watch-log': question(recordFilter.prefault({}), async (filter, { onEvent, gone }) => {
      const wanted = recordTest(filter)
      using _watching = recorder.watch((one) => {
        if (wanted(one)) onEvent(shownRecord(one))
      })
      await aborted(gone)
      return {}
    }),
    'server.trace': question(
      z.strictObject({ text: z.string().min(1).max(400), limit: z.int().min(1).max(mostTraces).default(20) }),
      ({ text, limit }) => traceMessages(history ?? remembered(recorder), queueAdmin, { text, limit }),
    ),
  }
}

function guardOperations({ throttle }: LiveServer): Record<string, Operation> {
  return {
    'throttle.list': question(
      z.strictObject({ limit: z.int().min(1).max(1000).default(200) }).prefault({}),
      async ({ limit }) => throttle?.list(limit) ?? [],
    ),
    'throttle.lift': operation(
      z.strictObject({ kind: z.enum(['network', 'name', 'known-network']), key: z.string() }),
      async ({ kind, key }) => {
        if (throttle?.lift(kind, key) !== true) throw new RefusedOperation(`Nothing is counted for ${key}.`)
        return {}
      },
    ),
  }
}

/** What the recorder has in memory. */
function remembered(recorder: Recorder): EventHistory {
  return {
    async search(texts, limit) {
      const tests = texts.map((text) => recordTest({ level: 'debug', name: '', text }))
      return recorder.find((one) => tests.some((says) => says(one)), limit).toReversed()
    },
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
