// The relay's door for the composition root: makes the context that all its parts share, out of the configuration and what the
// program has (resolver, network, store, clock).
import { readFile } from 'node:fs/promises'
import type { Clock } from '../base/clock.ts'
import type { Dialer } from '../base/connection.ts'
import { unmapIp } from '../base/ip-address.ts'
import type { Random } from '../base/random.ts'
import type { Resolver } from '../base/resolver.ts'
import type { RelayConfig } from '../config/sections/relay.ts'
import type { Events } from '../events/event.ts'
import type { Transport } from '../queue/transport.ts'
import type { QueueStore } from '../store/queue.ts'
import type { BlobStore } from '../store/store.ts'
import type { RelayContext } from './context.ts'
import type { Direct } from './direct.ts'
import { createHttpsRequest, type HttpsRequest } from './https-request.ts'
import { createPolicyFetcher } from './policy-fetcher.ts'
import { createRelayTransport } from './relay-transport.ts'
import { Routes } from './routes.ts'
import { StsPolicies } from './sts-policies.ts'
import { createTokenSource } from './tokens.ts'
import { TriedHosts } from './tried-hosts.ts'

export interface RelayOptions {
  readonly config: RelayConfig
  /** The name of this server. */
  readonly hostname: string
  readonly resolver: Resolver
  readonly dialer: Dialer
  readonly clock: Clock
  readonly random: Random
  readonly events: Events
  readonly store: Pick<QueueStore, 'remember' | 'recall'> & {
    readonly blobs: Pick<BlobStore, 'read' | 'readSmall'>
  }
  /** Domains whose hosts come for their mail (RFC 2645); default: none. */
  readonly fetchedDomains?: readonly string[]
  /** Addresses of this machine on which port 25 is ours, as they are now. */
  readonly ownAddresses: () => readonly string[]
  /** For tests and simulations; default: real https by `resolver`. */
  readonly httpsRequest?: HttpsRequest
  /** Default: the file system. */
  readonly readFile?: (path: string) => Promise<string>
}

export interface Relay {
  readonly context: RelayContext
  readonly routes: Routes
  /** For the queue. */
  readonly transport: Transport
  /** End to end, nothing stored. */
  readonly direct: Direct
}

/** Builds it; nothing is opened or started. */
export function createRelay(options: RelayOptions): Relay {
  const { config, hostname, resolver, dialer, clock, random, events, store } = options
  const request =
    options.httpsRequest ??
    createHttpsRequest({ resolver, clock, allowPrivate: config.allowPrivateAddresses })
  const read = options.readFile ?? ((path: string) => readFile(path, 'utf8'))
  const fetcher = createPolicyFetcher({ request, timeoutMilliseconds: config.mtaStsFetchTimeout })
  const sts = new StsPolicies({
    resolver,
    store,
    fetcher,
    clock,
    events,
    retryAfter: config.mtaStsRetry,
    maxPolicies: config.mtaStsMaxPolicies,
  })
  const tokens = createTokenSource({
    request,
    readFile: read,
    clock,
    timeoutMilliseconds: config.tokenTimeout,
  })
  const names = [hostname, config.heloName].flatMap((name) => (name === null ? [] : [name.toLowerCase()]))
  const context: RelayContext = {
    config,
    resolver,
    dialer,
    clock,
    random,
    events,
    sts: config.mtaSts ? sts : null,
    tokens,
    triedHosts: new TriedHosts(),
    readFile: read,
    self: () => ({ names, addresses: options.ownAddresses().map(unmapIp) }),
  }
  const routes = new Routes(config, hostname, options.fetchedDomains)
  return {
    context,
    routes,
    transport: createRelayTransport({ context, routes, blobs: store.blobs }),
    direct: {
      async deliver(request) {
        const { createDirect } = await import('./direct.ts')
        return createDirect({ context, routes }).deliver(request)
      },
    },
  }
}
