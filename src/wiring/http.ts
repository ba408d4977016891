// The HTTP side: the send API behind a listener, and the telling of webhooks. Loaded only where one is configured.
import type { ListenerConfig } from '../config/sections/listeners.ts'
import type { NetConfig } from '../config/sections/net.ts'
import * as serverEvents from '../events/server.ts'
import type { HttpProxies } from '../http/service.ts'
import { createProxyTrust } from '../net/proxied.ts'
import { ingest } from '../store/ingest.ts'
import type { Backend } from './backend.ts'
import type { AnyListener, ListenerParts } from './listeners.ts'

/** Opens it. Rejects with the system's error. */
export async function startHttpListener(
  settings: ListenerConfig,
  parts: ListenerParts,
): Promise<AnyListener> {
  const { backend, identity, outgoing, connections } = parts
  const { config, store, directory, events, clock, random, terminals, wayIn } = backend
  const [{ startHttp }, { createSendDirect }] = await Promise.all([
    import('../http/service.ts'),
    import('../http/direct.ts'),
  ])
  const { maxMessageSize, hostname, submission } = config
  const direct = createSendDirect({
    ...{ clock, hostname, maxMessageSize, events, policy: backend.policy },
    direct: outgoing.relay.direct,
    stage: () => ingest({ blobs: store.blobs, limits: config.mime }),
    blobs: store.blobs,
    maxHeaderSize: submission.maxHeaderSize,
  })
  return startHttp({
    address: settings.address,
    port: settings.port,
    identity: settings.tls === 'none' ? null : identity,
    connections: connections.http,
    proxies: httpProxies(settings, config.net),
    onRefused: (remoteAddress, limit) =>
      events.emit(serverEvents.connectionRefused, { service: 'http', remoteAddress, limit }),
    onProxyFailed: (remoteAddress, failure) =>
      events.emit(serverEvents.proxyFailed, { service: 'http', remoteAddress, failure }),
    parts: {
      ...{ store, directory, terminals, events, clock, random, hostname, maxMessageSize, submission },
      submitter: wayIn.submitter,
      // Where nothing may leave, nothing leaves this way either.
      direct: config.relay.enabled ? direct : null,
      config: config.http,
      webhooks: config.webhooks,
      clearText: config.auth.allowClearText ? 'allowed' : 'refused',
    },
  })
}

function httpProxies({ proxyFrom, proxyBy }: ListenerConfig, net: NetConfig): HttpProxies | null {
  const trust = createProxyTrust(proxyFrom, net)
  if (trust === null) return null
  return proxyBy === 'protocol' ? { by: proxyBy, trust } : { by: proxyBy, from: trust.from }
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
