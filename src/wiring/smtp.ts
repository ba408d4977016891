// The SMTP server behind a listener, or on a connection that was turned around (RFC 2645 §5.2), with all that it asks.
import type { UrlSources } from '../smtp/server/parts.ts'
import type { SmtpRole } from '../smtp/server/role.ts'
import type { SmtpService } from '../smtp/server/service.ts'
import type { ListenerParts } from './listeners.ts'
import { makeTakesFor } from './outgoing.ts'

/** BURL reads mailboxes as IMAP does, where there is IMAP to have URLs from (RFC 4468 §3.3). */
async function makeUrlSources({
  config,
  store,
  directory,
  clock,
  random,
}: ListenerParts['backend']): Promise<UrlSources | null> {
  if (!config.listeners.some(({ service }) => service === 'imap')) return null
  const { createUrlSources } = await import('../imap/server/urls/url-sources.ts')
  return createUrlSources({ store, directory, clock, random, config: config.imap, hostname: config.hostname })
}

/** Loaded when it is spoken. */
export async function makeSmtpService(
  role: SmtpRole,
  {
    backend,
    resolver,
    policy,
    outgoing,
    connections,
    startTls,
  }: ListenerParts & { readonly startTls: 'offered' | 'not-offered' },
): Promise<SmtpService> {
  const { config, store, directory, events, clock, random, wayIn } = backend
  const { createSmtpService } = await import('../smtp/server/service.ts')
  const { catcher } = backend
  const made = createSmtpService({
    ...{ role, store, directory, events, clock, random, policy },
    hostname: config.hostname,
    startTls: startTls === 'offered',
    connections: connections.smtp,
    auth: config.auth,
    delivery: wayIn.delivery,
    returnPaths: wayIn.returnPaths,
    remoteQueue: outgoing.remoteQueue,
    urls: role === 'submission' ? await makeUrlSources(backend) : null,
    chargeRate: (request) => store.chargeRate(request),
    config: config.smtp,
    submission: config.submission,
    relays: config.relay.enabled,
    takesFor: makeTakesFor(config),
    maxMessageSize: config.maxMessageSize,
    mime: config.mime,
    // Clients' names are for the trace alone.
    resolver: config.dns.reverse ? resolver : null,
    terminals: backend.terminals,
    ...(catcher !== null && { consults: new Set(['starttls', 'quit'] as const) }),
    checkpoint: backend.checkpoint,
  })
  return catcher === null ? made : { ...made, service: catcher.watch.around(made.service) }
}
