// The way out: the relay, the queue that drives it, and the reports of what became of mail. Made by a running server alone.
import type { Resolver } from '../base/resolver.ts'
import type { Config } from '../config/schema.ts'
import type { HttpsRequest } from '../delivery/https-request.ts'
import { createReportDelivery } from '../delivery/report-delivery.ts'
import { withLocalLane } from '../delivery/local-lane.ts'
import { createRelay, type Relay } from '../delivery/relay.ts'
import { domainFits } from '../delivery/routes.ts'
import { makeStandStill } from '../delivery/stand-still.ts'
import type { Network } from '../net/network.ts'
import { createQueue, type Queue } from '../queue/queue.ts'
import { createReports, type Reports } from '../queue/reports.ts'
import type { RemoteQueue } from '../smtp/server/remote-queue.ts'
import type { Backend } from './backend.ts'
import { rememberOwnAddresses } from './own-addresses.ts'

/** What a server sends with. */
export interface Outgoing extends AsyncDisposable {
  readonly relay: Relay
  readonly queue: Queue
  readonly reports: Reports
  /** For ETRN, TURN and ATRN; null where nothing is relayed. */
  readonly remoteQueue: RemoteQueue | null
}

export interface OutgoingParts {
  readonly backend: Backend
  readonly network: Network
  readonly resolver: Resolver
  /** See `Surroundings`. */
  readonly httpsRequest?: HttpsRequest | undefined
  readonly ownAddresses?: (() => readonly string[]) | undefined
}

/** Starts the queue. Rejects with `StoreUnavailable` where the store cannot serve. */
export async function startOutgoing(parts: OutgoingParts): Promise<Outgoing> {
  const { backend, network, resolver } = parts
  const { config, store, clock, random, events, directory, wayIn, checkpoint } = backend
  const relay = createRelay({
    ...{ resolver, clock, random, events, store },
    config: config.relay,
    fetchedDomains: fetchedDomains(config),
    hostname: config.hostname,
    dialer: network,
    ownAddresses: parts.ownAddresses ?? rememberOwnAddresses(config, { clock }),
    ...(parts.httpsRequest && { httpsRequest: parts.httpsRequest }),
  })
  const elsewhere = config.relay.enabled ? relay.transport : makeStandStill('relay.enabled is off')
  const reports = createReports({
    ...{ store, clock, random, events, checkpoint },
    config: config.queue,
    hostname: config.hostname,
    from: `MAILER-DAEMON@${config.hostname}`,
    mime: config.mime,
    send: createReportDelivery({ directory, events, ...wayIn }),
  })
  const queue = createQueue({
    ...{ store, clock, random, events, reports, checkpoint },
    transport: withLocalLane({ store, directory, clock, elsewhere, vacation: wayIn.vacation }),
    turns: wayIn.turns,
    express: wayIn.express,
    config: config.queue,
    holder: random.id(),
    company: config.store.postgres === undefined ? 'alone' : 'shared',
    webhooks: wayIn.webhooks,
  })
  await queue.start()
  // What a life before this one settled and did not come to report.
  reports.due()
  const stopping = new AbortController()
  const remoteQueue = config.relay.enabled
    ? makeRemoteQueue({ queue, relay, config, blobs: store.blobs, stopping: stopping.signal })
    : null
  return {
    ...{ relay, queue, reports, remoteQueue },
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await queue.stop()
      await reports.stop()
    },
  }
}

/** Domains whose hosts come for their mail, by TURN or ATRN. */
function fetchedDomains({ smtp }: Config): string[] {
  return [...smtp.turn.map(({ domain }) => domain), ...smtp.odmr.flatMap(({ domains }) => domains)]
}

/** Whether port 25 takes mail for a domain of others, as one of its MX hosts. */
export function makeTakesFor(config: Config): (domain: string) => boolean {
  if (!config.relay.enabled) return () => false
  const patterns = [...config.relay.domains, ...fetchedDomains(config)]
  return (domain) => patterns.some((pattern) => domainFits(pattern, domain))
}

function makeRemoteQueue(parts: {
  queue: Queue
  relay: Relay
  config: Config
  blobs: Backend['store']['blobs']
  stopping: AbortSignal
}): RemoteQueue {
  const { queue, relay, config, blobs, stopping: signal } = parts
  const heloName = config.relay.heloName ?? config.hostname
  return {
    flush: (request) => queue.flush(request),
    pending: (domains) => queue.pending(domains),
    async relayOver(connection, { domains, by }) {
      const { sendTurned } = await import('../delivery/turn.ts')
      await queue.drainInto(domains, (jobs) =>
        sendTurned({ connection, peer: by.name, heloName, jobs, context: relay.context, blobs, signal }),
      )
    },
  }
}
