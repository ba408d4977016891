// The relay as the queue's transport: rows of the queue become jobs of lanes (lane.ts), routes that lead nowhere answer by
// themselves, and every result is told as an event.
//
// Recipients of one message that have reverse-paths of their own (forwarded mail, lists) travel in transactions of their own.
// The message's bytes come from the store, its trace prefix in front, and are never held whole unless they are small.
import type { RouteConfig } from '../config/sections/relay.ts'
import { decodeStructure } from '../mail/mime/codec.ts'
import { attemptMade, mailDiscarded } from '../events/relay.ts'
import type { Job, JobSource, RecipientResult, Transport } from '../queue/transport.ts'
import type { QueueMessage, QueueRecipient } from '../store/queue.ts'
import type { BlobStore } from '../store/store.ts'
import { makeAttempt, noFacts } from './attempt.ts'
import type { RelayContext } from './context.ts'
import type { LaneJob } from './lane.ts'
import type { Parcel } from './parcel.ts'
import { questionOf, type Routes, type Way } from './routes.ts'

export interface RelayTransportOptions {
  readonly context: RelayContext
  readonly routes: Routes
  readonly blobs: Pick<BlobStore, 'read' | 'readSmall'>
  /** The address of an account, for routes by account; null where it is not known. */
}

/** The transport of `src/queue`. */
export function createRelayTransport(options: RelayTransportOptions): Transport {
  const { context, routes, blobs } = options
  return {
    destinationOf: (recipient, message) => routes.wayOf(questionOf(recipient, message)).destination,
    async run({ destination, jobs, signal }) {
      const way = routes.wayTo(destination)
      if (way === undefined) throw new Error(`no route leads to ${destination.key}`)
      const { config } = way.route
      if (leadsNowhere(config)) return answerAll(way.route.name, { config, jobs, context, signal })
      // Loaded by the first mail that leaves: a server that only receives does without.
      const [{ runLane }, { Connector }] = await Promise.all([import('./lane.ts'), import('./connector.ts')])
      await runLane({
        way,
        context,
        signal,
        next: laneJobs(jobs, { blobs, context, way }),
        connect: () => new Connector({ way, context, signal }),
      })
    },
  }
}

type Nowhere = Extract<RouteConfig, { kind: 'hold' | 'fetch' | 'discard' }>

function leadsNowhere(config: RouteConfig): config is Nowhere {
  return config.kind === 'hold' || config.kind === 'fetch' || config.kind === 'discard'
}

/** Answers for routes that lead nowhere. */
async function answerAll(
  name: string,
  lane: {
    readonly config: Nowhere
    readonly jobs: JobSource
    readonly context: RelayContext
    readonly signal: AbortSignal
  },
): Promise<void> {
  const { config, jobs, context, signal } = lane
  for (;;) {
    const job = signal.aborted ? null : await jobs.next()
    if (job === null) return
    const at = context.clock.now()
    const { message } = job
    jobs.report(
      job,
      job.recipients.map((recipient) => {
        if (config.kind === 'discard') {
          const discarded = { message: message.name, recipient: recipient.address, route: name }
          context.events.emit(mailDiscarded, { ...discarded, reason: config.reason })
        }
        return nowhereResult(config, at)
      }),
    )
  }
}

function nowhereResult({ kind, reason }: Nowhere, at: number): RecipientResult {
  const attempt = { at, facts: { ...noFacts, policy: 'route' }, stage: 'ours', reply: reason }
  switch (kind) {
    case 'hold':
      return { type: 'held', reason }
    case 'fetch':
      // The host is just not there: RFC 3463 §3.5, X.4.1. Delays and the end of patience are reported as ever.
      return {
        type: 'deferred',
        scope: 'destination',
        attempt: makeAttempt({ ...attempt, outcome: 'deferred', status: '4.4.1' }),
      }
    case 'discard':
      return {
        type: 'done',
        outcome: 'discarded',
        attempt: makeAttempt({ ...attempt, outcome: 'discarded', status: '2.0.0' }),
      }
  }
}

/** Jobs of the queue as jobs of a lane: one for each reverse-path. */
export function laneJobs(
  source: JobSource,
  use: { readonly blobs: RelayTransportOptions['blobs']; readonly context: RelayContext; readonly way: Way },
): () => Promise<LaneJob | null> {
  const parts: LaneJob[] = []
  return async () => {
    const part = parts.shift()
    if (part !== undefined) return part
    const job = await source.next()
    if (job === null) return null
    parts.push(...split(job, { ...use, source }))
    return parts.shift() ?? null
  }
}

function split(
  job: Job,
  use: {
    readonly source: JobSource
    readonly blobs: RelayTransportOptions['blobs']
    readonly context: RelayContext
    readonly way: Way
  },
): LaneJob[] {
  const { source, blobs, context, way } = use
  const { message, recipients } = job
  const parcel = parcelOf(message, blobs)
  const results: (RecipientResult | undefined)[] = recipients.map(() => undefined)
  const groups = Map.groupBy(recipients.keys(), (at) => recipients[at]?.reversePath ?? message.reversePath)
  let open = groups.size
  return [...groups].map(([reversePath, places]) => ({
    parcel,
    reversePath,
    recipients: places.flatMap((place) => recipients.slice(place, place + 1)),
    report(given) {
      for (const [at, place] of places.entries()) results[place] = given[at]
      if (--open > 0) return
      const all = results.map((result): RecipientResult => result ?? { type: 'untried' })
      for (const [at, result] of all.entries())
        tell(context, { way, message, recipient: recipients[at], result })
      source.report(job, all)
    },
  }))
}

function parcelOf(message: QueueMessage, blobs: RelayTransportOptions['blobs']): Parcel {
  return {
    name: message.name,
    options: message.options,
    prefix: message.prefix,
    bodySize: message.size,
    small: async () => message.content ?? (await blobs.readSmall(message.blob)),
    read: () => blobs.read(message.blob),
    structure: () => decodeStructure(message.structure),
  }
}

function tell(
  { events }: RelayContext,
  told: {
    readonly way: Way
    readonly message: QueueMessage
    readonly recipient: QueueRecipient | undefined
    readonly result: RecipientResult
  },
): void {
  const { way, message, recipient, result } = told
  if (result.type === 'untried' || result.type === 'held' || recipient === undefined) return
  const { at: _, ...attempt } = result.attempt
  events.emit(attemptMade, {
    message: message.name,
    recipient: recipient.address,
    route: way.route.name,
    destination: way.destination.key,
    ...attempt,
  })
}
