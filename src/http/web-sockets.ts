// WebSockets (RFC 6455) by `ws`: the handshake after a mount has taken the request, then messages to its handler.
//
// - Messages are bounded by the handler; text alone is taken. While the handler is at work on one, no further one is read.
// - What the other side does not fetch is bounded too: beyond `webSocketBuffer` the socket is closed with 1013.
// - Each is asked now and then whether it is still there (§5.5.2), and cut when it has not answered by the next time.
// - When the server ends each is closed with 1001, and cut with the other connections.
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import type { WebSocketHandler } from '../base/http-mount.ts'
import type { Clock, Timer } from '../base/clock.ts'
import type { WebConfig } from '../config/sections/web.ts'
import { errorText } from '../events/error-text.ts'
import type { Events } from '../events/event.ts'
import { apiTrouble } from '../events/http.ts'

export interface SocketSurroundings {
  readonly clock: Clock
  readonly events: Events
  readonly web: WebConfig
  readonly stopping: AbortSignal
}

interface Handshake {
  readonly incoming: IncomingMessage
  readonly socket: Duplex
  /** What the client sent behind its request. */
  readonly head: Buffer
}

/** RFC 6455 §7.4.1. */
const closeCode = { goingAway: 1001, unsupported: 1003, internal: 1011, tooSlow: 1013 } as const

/** Completes the handshake and hands messages over until the socket closes. */
export function acceptWebSocket(
  { incoming, socket, head }: Handshake,
  handler: WebSocketHandler,
  surroundings: SocketSurroundings,
): void {
  const { protocol, maxMessageSize } = handler
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: maxMessageSize,
    // RFC 6455 §4.2.2: one of those that the client named, or none.
    handleProtocols: (offered) => (protocol !== null && offered.has(protocol) ? protocol : false),
  })
  // A handshake that is wrong, and a client that has gone meanwhile, are ended by `ws` without a word: the handler has been taken from its
  // mount all the same, and lets go of what it holds.
  let isOpen = false
  server.handleUpgrade(incoming, socket, head, (open) => {
    isOpen = true
    carry(open, handler, surroundings, incoming.url ?? '')
  })
  if (!isOpen) handler.closed()
}

function carry(open: WebSocket, handler: WebSocketHandler, around: SocketSurroundings, url: string): void {
  const { events, web, stopping } = around
  const keeping = keepAlive(open, around)
  let work = Promise.resolve()
  let waiting = 0
  const leave = (): void => open.close(closeCode.goingAway, 'the server stops')
  const broke = (error: unknown): void => {
    events.emit(apiTrouble, { path: url.split('?')[0] ?? '', error: errorText(error) })
    open.close(closeCode.internal, 'something of ours failed')
  }
  // Whatever is wrong with what came, `ws` closes with the code that RFC 6455 §7.4.1 has for it.
  open.on('error', () => {})
  open.on('message', (data, isBinary) => {
    if (isBinary) {
      open.close(closeCode.unsupported, 'text alone')
      return
    }
    // `ws` gives one Buffer unless told otherwise.
    const text = (data as Buffer).toString('utf8')
    waiting++
    open.pause()
    // What came in one piece with others is here already: it waits for its turn.
    work = work
      .then(() => handler.message(text))
      .catch(broke)
      .finally(() => {
        if (--waiting === 0) open.resume()
      })
  })
  open.once('close', () => {
    keeping.cancel()
    stopping.removeEventListener('abort', leave)
    handler.closed()
  })
  handler.opened({
    send(text) {
      if (open.readyState !== open.OPEN) return
      if (open.bufferedAmount > web.webSocketBuffer) open.close(closeCode.tooSlow, 'too much waits')
      else open.send(text)
    },
    get buffered() {
      return open.bufferedAmount
    },
    close: (code, reason) => open.close(code, reason),
  })
  if (stopping.aborted) leave()
  else stopping.addEventListener('abort', leave, { once: true })
}

/** Asks now and then whether the other side is there, and cuts when it has not answered by the next time. */
function keepAlive(open: WebSocket, { clock, web }: SocketSurroundings): Pick<Timer, 'cancel'> {
  let answered = true
  let timer = clock.after(web.webSocketPing, ping)
  function ping(): void {
    if (!answered) {
      open.terminate()
      return
    }
    answered = false
    open.ping()
    timer = clock.after(web.webSocketPing, ping)
  }
  open.on('pong', () => {
    answered = true
  })
  return { cancel: () => timer.cancel() }
}
