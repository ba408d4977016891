// Opens a listener and puts the protocol behind it that the configuration names. Protocols are loaded when they are spoken.
import type { Checkpoint } from '../base/checkpoint.ts'
import type { Peer } from '../base/core.ts'
import type { Resolver } from '../base/resolver.ts'
import type { ListenerConfig, Service as ServiceName } from '../config/sections/listeners.ts'
import { createStoreDelivery } from '../delivery/store-delivery.ts'
import { errorText } from '../events/error-text.ts'
import type { Events } from '../events/event.ts'
import * as serverEvents from '../events/server.ts'
import { ConnectionCount } from '../net/connection-limits.ts'
import { listen, type Listener, type ListenerEvents } from '../net/listener.ts'
import type { Network } from '../net/network.ts'
import type { TlsIdentity } from '../net/tls.ts'
import type { Backend } from './backend.ts'

export interface ListenerParts {
  readonly backend: Backend
  readonly network: Network
  /** For the names of SMTP clients; null where they are not looked up. */
  readonly resolver: Resolver | null
  readonly identity: TlsIdentity
  readonly checkpoint: Checkpoint | undefined
}

/** A listener, whatever is spoken on it. */
export type AnyListener = Pick<Listener<unknown, unknown>, 'points' | 'sessions' | 'stop'> & AsyncDisposable

/** Loads only the protocols that are spoken: that is most of the time from start to the first greeting. */
export async function openListener(settings: ListenerConfig, parts: ListenerParts): Promise<AnyListener> {
  const { backend, resolver, checkpoint } = parts
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
  switch (settings.service) {
    case 'smtp':
    case 'submission':
    case 'lmtp':
    case 'odmr':
    case 'catcher': {
      const { createSmtpService } = await import('../smtp/server/service.ts')
      const limits = { maxReceived: config.smtp.maxReceived }
      const delivery = createStoreDelivery({ store, limits, checkpoint })
      const role = settings.service === 'smtp' ? 'mx' : settings.service
      return listen({
        ...carrier,
        ...createSmtpService({
          ...common,
          role,
          delivery,
          config: config.smtp,
          submission: config.submission,
          relays: config.relay.enabled,
          maxMessageSize: config.maxMessageSize,
          mime: config.mime,
          resolver,
          terminals: backend.terminals,
          checkpoint,
        }),
      })
    }
    case 'imap': {
      const { createImapService } = await import('../imap/server/service.ts')
      return listen({
        ...carrier,
        ...createImapService({
          ...common,
          config: config.imap,
          maxMessageSize: config.maxMessageSize,
          mime: config.mime,
        }),
      })
    }
    case 'pop3': {
      const { createPop3Service } = await import('../pop3/server/service.ts')
      return listen({ ...carrier, ...createPop3Service({ ...common, config: config.pop3 }) })
    }
  }
}

function carrierOptions(settings: ListenerConfig, { backend, network, identity }: ListenerParts) {
  const { config, clock, events } = backend
  return {
    ...{ network, clock },
    points: [{ address: settings.address, port: settings.port }],
    tls: settings.tls === 'starttls' ? ('on-request' as const) : settings.tls,
    identity: settings.tls === 'none' ? null : identity,
    events: listenerEvents(settings.service, events),
    connections: new ConnectionCount({
      total: config.net.maxConnections,
      perAddress: config.net.maxConnectionsPerAddress,
      perPrefix: config.net.maxConnectionsPerPrefix,
    }),
    pumpLimits: {
      heldBytes: config.net.heldBytes,
      lingerMilliseconds: config.net.lingerTimeout,
      handshakeMilliseconds: config.net.tlsHandshakeTimeout,
    },
    stopMilliseconds: config.net.stopTimeout,
  }
}

function listenerEvents(service: ServiceName, events: Events): ListenerEvents {
  const who = (peer: Peer): { service: string; remoteAddress: string } => ({
    service,
    remoteAddress: peer.remoteAddress,
  })
  return {
    opened: (peer) => events.emit(serverEvents.connectionOpened, who(peer)),
    refused: (peer, limit) => events.emit(serverEvents.connectionRefused, { ...who(peer), limit }),
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
