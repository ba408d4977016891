// The HTTP side: what is served over HTTP, behind which listeners, and the telling of webhooks. Loaded only where one is configured, and
// most of it when the first request comes.
import type { HttpMount } from '../base/http-mount.ts'
import type { Config } from '../config/schema.ts'
import { listenPoint, type ListenerConfig } from '../config/sections/listeners.ts'
import { aboutOperations } from '../control/server/about.ts'
import { DeferredOperation, type OperationTable, RefusedOperation } from '../control/server/operation.ts'
import { Administration } from '../directory/administration.ts'
import { Setup } from '../directory/setup.ts'
import * as serverEvents from '../events/server.ts'
import type { AdminOperation, AdminOutcome } from '../http/admin-routes.ts'
import type { HttpProxies } from '../http/service.ts'
import type { HttpParts } from '../http/parts.ts'
import type { Site } from '../http/site.ts'
import { createProxyTrust } from '../net/proxied.ts'
import type { Account } from '../store/model.ts'
import { ingest } from '../store/ingest.ts'
import type { Backend } from './backend.ts'
import { deferMounts } from './deferred-mounts.ts'
import type { JmapHolder } from './jmap.ts'
import type { AnyListener, ListenerParts } from './listeners.ts'

/** What of a server its site is made of. */
export interface SiteParts extends Pick<ListenerParts, 'backend' | 'outgoing'> {
  /** Of a server that has no account. */
  readonly setup: Setup | null
  /** Asked for when the site is made: the table is complete then. */
  readonly operations: () => OperationTable
  readonly jmap: JmapHolder
  /** Listeners that are open now, with their real ports. */
  readonly open: () => readonly {
    readonly service: string
    readonly address: string
    readonly port: number
  }[]
}

/** The site of all listeners, made when it is first asked for. */
export function makeSite(parts: SiteParts): () => Promise<Site> {
  let made: Promise<Site> | null = null
  return () => {
    made ??= openSite(parts)
    return made
  }
}

async function openSite(parts: SiteParts): Promise<Site> {
  const [{ createSite }, { createHealth }, { builtPages, createPages }, http] = await Promise.all([
    import('../http/site.ts'),
    import('../http/health.ts'),
    import('../http/pages.ts'),
    httpParts(parts),
  ])
  const pages = createPages({
    folder: builtPages,
    home: http.access === 'open' ? 'catcher' : 'webmail',
    root: http.root ?? '',
    strictTransport: parts.backend.config.web.strictTransport / 1000,
    securePort: http.clearText === 'refused' ? securePort(parts.backend.config) : null,
  })
  return createSite(http, [createHealth(http), pages, ...otherMounts(parts, { http, pages })])
}

/** What is reached by HTTP beside the pages, loaded when somebody asks for it: the API, a catcher's own, and JMAP. */
function otherMounts(
  { backend, jmap, open }: SiteParts,
  { http, pages }: { http: HttpParts; pages: HttpMount<Account> },
): HttpMount<Account>[] {
  const apis = async (): Promise<HttpMount<Account>[]> => {
    const { createApi } = await import('../http/app.ts')
    const caught =
      backend.catcher === null ? [] : await (await import('./catcher.ts')).catcherMounts(backend, open)
    return [createApi(http), ...caught]
  }
  return [
    deferMounts({ paths: ['/api/*', '/view/*'], open: apis, otherwise: pages }),
    deferMounts({
      paths: ['/.well-known/jmap', '/jmap/*'],
      open: async () => [(await jmap.open()).mount],
      otherwise: pages,
    }),
  ]
}

async function httpParts({ backend, outgoing, setup, operations }: SiteParts): Promise<HttpParts> {
  const { config, store, directory, events, clock, random, terminals, wayIn } = backend
  const { createSendDirect } = await import('../http/direct.ts')
  const { maxMessageSize, hostname, submission, web } = config
  const direct = createSendDirect({
    ...{ clock, hostname, maxMessageSize, events, policy: backend.policy },
    direct: outgoing.relay.direct,
    stage: () => ingest({ blobs: store.blobs, limits: config.mime }),
    blobs: store.blobs,
    maxHeaderSize: submission.maxHeaderSize,
  })
  return {
    ...{ store, directory, terminals, events, clock, random, hostname, maxMessageSize, submission, web },
    submitter: wayIn.submitter,
    // Where nothing may leave, nothing leaves this way either.
    direct: config.relay.enabled ? direct : null,
    config: config.http,
    webhooks: config.webhooks,
    clearText: config.auth.allowClearText ? 'allowed' : 'refused',
    access: backend.catcher === null ? 'accounts' : 'open',
    pageOrigins: backend.catcher === null ? [] : config.catcher.cors,
    root: rootOf(config),
    documents: backend.catcher === null ? {} : await caughtDocuments(),
    logins: backend.logins,
    connections: backend.connections,
    administration: new Administration({
      connections: backend.connections,
      store,
      clock,
      random,
      events,
      auth: config.auth,
      directory: config.directory,
    }),
    setup,
    operations: httpOperations(operations()),
    metrics: () => backend.metrics.text(),
  }
}

async function caughtDocuments(): Promise<NonNullable<HttpParts['documents']>> {
  const { catcherOpenApi } = await import('../catcher/api/openapi.ts')
  return { '/api/v1/catcher/openapi.json': catcherOpenApi() }
}

/** A link to the set-up page, for a server that speaks HTTP and has no account; a catcher needs none. */
export async function beginSetup({ config, store, clock, random, events }: Backend): Promise<Setup | null> {
  const services = new Set(config.listeners.map(({ service }) => service))
  if (!services.has('http') || services.has('catcher')) return null
  const { auth, directory, web } = config
  const administration = new Administration({ store, clock, random, events, auth, directory })
  return (await Setup.begin({ store, administration, clock, random, milliseconds: web.setupTime })) ?? null
}

/** Opens it. Rejects with the system's error. */
export async function startHttpListener(
  settings: ListenerConfig,
  parts: ListenerParts,
): Promise<AnyListener> {
  const { backend, identity, connections, site } = parts
  const { config, events, clock } = backend
  const { startHttp } = await import('../http/service.ts')
  return startHttp({
    ...{ site, clock, events, config: config.http, web: config.web },
    ...listenPoint(settings),
    identity: settings.tls === 'none' ? null : identity,
    connections: connections.http,
    proxies: httpProxies(settings, config),
    onRefused: (remoteAddress, limit) =>
      events.emit(serverEvents.connectionRefused, { service: 'http', remoteAddress, limit }),
    onProxyFailed: (remoteAddress, failure) =>
      events.emit(serverEvents.proxyFailed, { service: 'http', remoteAddress, failure }),
  })
}

/** Those that are fed, that take whole messages, or that watch a terminal, are not for HTTP: it has its own ways for them. */
const notForHttp: ReadonlySet<string> = new Set([
  'mail.import',
  'mail.mailboxes',
  'mail.octets',
  'mail.page',
  'mail.submit',
  'terminal.attach',
])
const watched: ReadonlySet<string> = new Set(['server.watch-log'])

/** Operations as the HTTP API takes them. */
export function httpOperations(table: OperationTable): AdminOperation[] {
  return Object.entries(table.rows)
    .filter(([name]) => !notForHttp.has(name))
    .map(([name, { parameters }]) => ({
      ...{ name, parameters, about: aboutOperations[name] ?? name },
      kind: watched.has(name) ? ('watch' as const) : ('ask' as const),
      async run(given, asker): Promise<AdminOutcome> {
        try {
          return { type: 'done', result: await table.run(name, given, asker) }
        } catch (error) {
          if (error instanceof RefusedOperation) return { type: 'refused', message: error.message }
          if (error instanceof DeferredOperation) return { type: 'deferred', message: error.message }
          throw error
        }
      },
    }))
}

/** Where a browser finds TLS; null: nowhere, or at a port that only the start-up lines tell. */
function securePort({ listeners }: Pick<Config, 'listeners'>): number | null {
  const found = listeners.find(({ service, tls }) => service === 'http' && tls === 'implicit')
  return found?.port === undefined || found.port === 0 ? null : found.port
}

/** A catcher alone has one: its pages and APIs know of it. */
function rootOf({ listeners, catcher }: Pick<Config, 'listeners' | 'catcher'>): string {
  return listeners.some(({ service }) => service === 'catcher') ? catcher.webRoot : ''
}

/** Where a person finds the pages, without a slash at the end; null where nothing speaks HTTP. */
export function pagesOrigin(
  config: Pick<Config, 'web' | 'hostname' | 'listeners' | 'catcher'>,
  open: readonly (Pick<ListenerConfig, 'service' | 'tls' | 'address'> & { readonly port: number })[],
): string | null {
  const http = open.filter(({ service, address }) => service === 'http' && !address.startsWith('unix:'))
  const best = http.find(({ tls }) => tls === 'implicit') ?? http[0]
  if (best === undefined) return null
  const { web, hostname } = config
  const root = rootOf(config)
  if (web.origin !== null) return `${web.origin}${root}`
  const { address, port, tls } = best
  const [scheme, usual] = tls === 'implicit' ? ['https', 443] : ['http', 80]
  const named = address === '::' || address === '0.0.0.0' ? hostname : address
  const host = named.includes(':') ? `[${named}]` : named
  return `${scheme}://${host}${port === usual ? '' : `:${port}`}${root}`
}

function httpProxies(
  { proxyFrom, proxyBy }: ListenerConfig,
  { net, http }: Pick<Config, 'net' | 'http'>,
): HttpProxies | null {
  const trust = createProxyTrust(proxyFrom, net)
  if (trust === null) return null
  return proxyBy === 'protocol'
    ? { by: proxyBy, trust }
    : { by: proxyBy, from: trust.from, maxHops: http.maxHops }
}

/** Tells webhooks until disposed. */
export async function startWebhookTelling(backend: Backend): Promise<AsyncDisposable> {
  const { config, store, events, clock, random } = backend
  const { startWebhooks } = await import('../http/webhooks.ts')
  return startWebhooks({
    ...{ store, events, clock, random },
    webhooks: config.webhooks,
    config: config.http,
    httpFetch: fetch,
  })
}
