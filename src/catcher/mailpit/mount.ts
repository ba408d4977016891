// Mailpit's API as a mount: its paths, and `/api/events`, the WebSocket on which everything that happens is told.
import type { HttpMount, WebSocketHandler, WebSocketPeer } from '../../base/http-mount.ts'
import type { Account } from '../../store/model.ts'
import type { Catcher } from '../catcher.ts'
import { corsHeaders, guarded, refusal } from '../gate.ts'
import type { CatcherEvent } from '../message.ts'
import type { MailpitParts } from './answers.ts'
import { createMailpitApp } from './app.ts'
import { mailpitSummary } from './shapes.ts'

export function createMailpitMount(parts: MailpitParts): HttpMount<Account> {
  const app = createMailpitApp(parts)
  const { config } = parts.catcher.parts
  return {
    paths: [
      ...['GET', 'PUT', 'DELETE', 'OPTIONS'].map((method) => `${method} /api/v1/messages`),
      ...['/api/v1/message/*', '/api/v1/search', '/api/v1/send', '/api/v1/tags', '/api/v1/tags/*'],
      ...['/api/v1/chaos', '/api/v1/info', '/api/v1/webui', '/api/events', '/view/*'],
    ],
    fetch: (request, env) => guarded(config, request, () => app.fetch(request, env)),
    upgrade: async (request, env) => {
      const refused = refusal(config, request)
      if (refused !== null) return refused
      const { pathname } = new URL(request.url)
      const origin = request.headers.get('origin')
      // A page of another site may not listen, unless it is listed.
      const foreign =
        origin !== null && origin !== env.origin && Object.keys(corsHeaders(config, request)).length === 0
      if (pathname !== '/api/events' || foreign) return new Response('403 forbidden', { status: 403 })
      return eventSocket(parts.catcher)
    },
  }
}

/** Tells; what it hears is nothing to it. */
function eventSocket(catcher: Catcher): WebSocketHandler {
  let leave: () => void = () => {}
  return {
    protocol: null,
    maxMessageSize: 1024,
    opened(peer) {
      leave = catcher.subscribe((event) => {
        if (peer.buffered > catcher.parts.config.limits.liveBacklog) peer.close(1013, 'too slow')
        else tell(peer, event)
      })
      tell(peer, { type: 'stats', ...catcher.stats })
    },
    message() {
      // Clients have nothing to say here.
    },
    closed() {
      leave()
    },
  }
}

function tell(peer: WebSocketPeer, event: CatcherEvent): void {
  const send = (Type: string, Data: unknown): void => peer.send(JSON.stringify({ Type, Data }))
  switch (event.type) {
    case 'new':
      send('new', mailpitSummary(event.message))
      break
    case 'update': {
      const { id, read, tags } = event
      send('update', {
        ID: id,
        ...(read !== undefined && { Read: read }),
        ...(tags !== undefined && { Tags: tags }),
      })
      break
    }
    case 'delete':
      if (event.ids.length > 100) send('truncate', null)
      else for (const id of event.ids) send('delete', { ID: id })
      break
    case 'reload':
      send('prune', null)
      break
    case 'stats':
      send('stats', { Total: event.total, Unread: event.unread })
      break
    case 'refusal':
      break
  }
}
