// Opens a listener and puts the protocol behind it that the configuration names. Protocols are loaded when they are spoken.
import type { Clock } from '../base/clock.ts'
import type { Peer } from '../base/core.ts'
import type { Resolver } from '../base/resolver.ts'
import {
  listenPoint,
  type ListenerConfig,
  type Service as ServiceName,
} from '../config/sections/listeners.ts'
import type { ImapConfig } from '../config/sections/imap.ts'
import type { NetConfig } from '../config/sections/net.ts'
import { errorText } from '../events/error-text.ts'
import type { Events } from '../events/event.ts'
import * as serverEvents from '../events/server.ts'
import { type ConnectionCount, createConnectionCount } from '../net/connection-limits.ts'
import type { FactsCache } from '../imap/server/search/facts/mailbox-facts.ts'
import type { Policy } from '../hooks/policy.ts'
import type { Site } from '../http/site.ts'
import { listen, type Listener, type ListenerEvents, type ListenerOptions } from '../net/listener.ts'
import type { SessionEvents } from '../net/session-view.ts'
import type { Network } from '../net/network.ts'
import { createProxyTrust } from '../net/proxied.ts'
import type { TlsIdentity } from '../net/tls.ts'
import type { Backend } from './backend.ts'
import type { Outgoing } from './outgoing.ts'
import { makeSmtpService } from './smtp.ts'

export interface ListenerParts {
  readonly backend: Backend
  readonly network: Network
  readonly resolver: Resolver
  readonly identity: TlsIdentity
  readonly outgoing: Outgoing
  /** Hooks, milters and HTTP hooks; null where nobody is asked. */
  readonly policy: Policy | null
  readonly connections: Connections
  /** What searches keep in memory, for all sessions of IMAP whatever their listener. */
  readonly facts: () => Promise<FactsCache>
  /** Where the Session of JMAP is, once listeners are open; null where nothing speaks HTTP. */
  readonly jmapUrl: () => string | null
  /** All that is served over HTTP, by whatever listener. */
  readonly site: () => Promise<Site>
}

/** A listener, whatever is spoken on it. */
export type AnyListener = Pick<Listener<unknown, unknown>, 'points' | 'sessions' | 'stop'> &
  // Sessions of HTTP come and go with each request: they are counted, not listed.
  Partial<Pick<Listener<unknown, unknown>, 'views'>> &
  AsyncDisposable

/** What counts its connections together: a second port of a protocol is no second chance. */
export type Family = 'smtp' | 'imap' | 'pop3' | 'http'
export type Connections = Readonly<Record<Family, ConnectionCount>>

/** The counts of all listeners of a server. */
export function makeConnections(config: NetConfig, clock: Clock): Connections {
  const make = (): ConnectionCount => createConnectionCount(config, clock)
  return { smtp: make(), imap: make(), pop3: make(), http: make() }
}

/** Facts of mailboxes, made when IMAP is first spoken. */
export function makeFacts({ searchMemory }: Pick<ImapConfig, 'searchMemory'>): () => Promise<FactsCache> {
  let made: Promise<FactsCache> | null = null
  return () => {
    made ??= import('../imap/server/search/facts/mailbox-facts.ts').then(
      ({ FactsCache: Cache }) => new Cache(searchMemory),
    )
    return made
  }
}

function familyOf(service: ServiceName): Family {
  return service === 'imap' || service === 'pop3' || service === 'http' ? service : 'smtp'
}

/** A protocol that is loaded when its first connection comes. */
function onDemand<Question, Answer>(
  load: () => Promise<Protocol<Question, Answer>>,
): Protocol<Question, Answer> & { readonly ready: () => Promise<void> } {
  let loaded: Protocol<Question, Answer> | null = null
  const protocol = (): Protocol<Question, Answer> => {
    if (loaded === null) throw new Error('a connection before its protocol')
    return loaded
  }
  return {
    service: {
      makeCore: (peer) => protocol().service.makeCore(peer),
      makeHandler: (sink, peer) => protocol().service.makeHandler(sink, peer),
    },
    farewell: (refusal) => protocol().farewell(refusal),
    async ready() {
      loaded ??= await load()
    },
  }
}

type Protocol<Question, Answer> = Pick<ListenerOptions<Question, Answer>, 'service' | 'farewell'>

/** Loads only the protocols that are spoken: that is most of the time from start to the first greeting. */
export async function openListener(settings: ListenerConfig, parts: ListenerParts): Promise<AnyListener> {
  const { backend } = parts
  const { config, store, directory, events, clock, random } = backend
  const startTls = settings.tls === 'starttls'
  const common = {
    hostname: config.hostname,
    startTls,
    store,
    directory,
    events,
    clock,
    random,
    auth: config.auth,
  }
  const carrier = carrierOptions(settings, parts)
  // A catcher shall be there at once, and many a run of tests never reads by IMAP or POP3.
  const offer = async <Q, A>(load: () => Promise<Protocol<Q, A>>): Promise<Protocol<Q, A>> =>
    backend.catcher === null ? load() : onDemand(load)
  switch (settings.service) {
    case 'smtp':
    case 'submission':
    case 'lmtp':
    case 'odmr':
    case 'catcher': {
      const role = settings.service === 'smtp' ? 'mx' : settings.service
      const offered = startTls ? 'offered' : 'not-offered'
      return listen({ ...carrier, ...(await makeSmtpService(role, { ...parts, startTls: offered })) })
    }
    case 'imap': {
      const load = async () => {
        const { createImapService } = await import('../imap/server/service.ts')
        return createImapService({
          ...common,
          config: config.imap,
          terminals: backend.terminals,
          jmapUrl: parts.jmapUrl,
          facts: await parts.facts(),
          ...(backend.search.searcher && { searcher: backend.search.searcher }),
          maxMessageSize: config.maxMessageSize,
          maxAnnotationSize: config.store.maxAnnotationSize,
          mime: config.mime,
        })
      }
      return listen({ ...carrier, ...(await offer(load)) })
    }
    case 'http': {
      const { startHttpListener } = await import('./http.ts')
      return startHttpListener(settings, parts)
    }
    case 'pop3': {
      const load = async () => {
        const { createPop3Service } = await import('../pop3/server/service.ts')
        return createPop3Service({ ...common, config: config.pop3 })
      }
      return listen({ ...carrier, ...(await offer(load)) })
    }
  }
}

function carrierOptions(settings: ListenerConfig, parts: ListenerParts) {
  const { backend, network, identity } = parts
  const { config, clock, events } = backend
  return {
    ...{ network, clock },
    points: [listenPoint(settings)],
    tls: settings.tls === 'starttls' ? ('on-request' as const) : settings.tls,
    identity: settings.tls === 'none' ? null : identity,
    events: listenerEvents(settings.service, events),
    connections: parts.connections[familyOf(settings.service)],
    proxies: createProxyTrust(settings.proxyFrom, config.net),
    pumpLimits: {
      heldBytes: config.net.heldBytes,
      lingerMilliseconds: config.net.lingerTimeout,
      handshakeMilliseconds: config.net.tlsHandshakeTimeout,
    },
    stopMilliseconds: config.net.stopTimeout,
  }
}

function listenerEvents(service: ServiceName, events: Events): ListenerEvents {
  const who = whoIn(service)
  return {
    ...sessionEvents(service, events),
    opened: (peer) => events.emit(serverEvents.connectionOpened, who(peer)),
    refused: (peer, limit) => events.emit(serverEvents.connectionRefused, { ...who(peer), limit }),
    proxyFailed: (peer, failure) => events.emit(serverEvents.proxyFailed, { ...who(peer), failure }),
  }
}

function whoIn(service: string): (peer: Peer) => { service: string; remoteAddress: string } {
  return ({ remoteAddress }) => ({ service, remoteAddress })
}

/** What sessions tell, whoever opened the connection. */
export function sessionEvents(service: string, events: Events): SessionEvents {
  const who = whoIn(service)
  return {
    handshakeFailed: (peer, error) =>
      events.emit(serverEvents.handshakeFailed, { ...who(peer), error: errorText(error) }),
    broke: (peer, error) => events.emit(serverEvents.sessionBroke, { ...who(peer), error: errorText(error) }),
    handlerFailed: (peer, question, error) =>
      events.emit(serverEvents.handlerFailed, {
        ...who(peer),
        question: questionType(question),
        error: errorText(error),
      }),
    finished: ({ peer, ending }) =>
      events.emit(serverEvents.connectionClosed, { ...who(peer), ending: ending ?? 'closed' }),
  }
}

function questionType(question: unknown): string {
  return typeof question === 'object' && question !== null && 'type' in question
    ? String(question.type)
    : 'unknown'
}
