// JMAP over WebSocket (RFC 8887): API requests one after another, and pushes between them when the client has asked for them.
import { Buffer } from 'node:buffer'
import type { WebSocketHandler, WebSocketPeer } from '../../base/http-mount.ts'
import { webSocket } from '../proto/capabilities.ts'
import { limitProblem, requestProblem } from '../proto/errors.ts'
import { parseIJsonText } from '../proto/i-json.ts'
import { stateChange } from '../proto/push.ts'
import {
  readSocketMessage,
  type SocketMessage,
  socketError,
  socketResponse,
  socketStateChange,
} from '../proto/socket-message.ts'
import { answerRequest } from './api.ts'
import type { Asked } from './endpoint.ts'
import { Holding } from './holding.ts'
import type { Capability } from './module.ts'
import type { JmapParts } from './parts.ts'
import { plainProblem } from './responses.ts'
import { StateWatch } from './state-watch.ts'

/** RFC 8887 §3. */
export const webSocketCapability: Capability = {
  uri: webSocket,
  server: (origin) => ({ url: `${origin.replace(/^http/, 'ws')}/jmap/ws`, supportsPush: true }),
  // It has no methods, so none that an account could have (RFC 8620 §2).
  account: () => null,
}

/** RFC 6455 §7.4.1 "policy violation": RFC 8887 §4.2 has it for credentials that hold no longer. */
const notAllowed = 1008
const internal = 1011

type Opening = Pick<Asked, 'request' | 'caller' | 'env'>

export function openWebSocket(parts: JmapParts, opening: Opening): WebSocketHandler | Response {
  const offered = opening.request.headers.get('sec-websocket-protocol') ?? ''
  // RFC 8887 §4.2: the client "MUST include the value "jmap" in the list of protocols".
  if (!offered.split(',').some((word) => word.trim() === 'jmap')) {
    return plainProblem(400, 'The subprotocol here is jmap.')
  }
  const release = parts.streams.tryTake(opening.caller.account.id)
  if (release === null) return plainProblem(429, 'Too many streams of the account are open.')
  return new JmapSocket(parts, opening, release)
}

class JmapSocket implements WebSocketHandler {
  readonly protocol = 'jmap'
  /** Beyond what a request may have, so that one that is too large gets an answer (RFC 8887 §4.3.1). */
  readonly maxMessageSize: number
  readonly #parts: JmapParts
  readonly #opening: Opening
  readonly #release: () => void
  readonly #holding: Holding
  #peer: WebSocketPeer | null = null
  #watch: StateWatch | null = null
  #unwatch: () => void = () => {}
  /** Which of the client's wishes to be told is the last. */
  #wish = 0

  constructor(parts: JmapParts, opening: Opening, release: () => void) {
    this.maxMessageSize = parts.config.maxSizeRequest * 2
    this.#parts = parts
    this.#opening = opening
    this.#release = release
    this.#holding = new Holding(opening.request, opening.env, parts)
  }

  opened(peer: WebSocketPeer): void {
    this.#peer = peer
    this.#unwatch = this.#holding.watch(() => this.#refuse())
  }

  closed(): void {
    this.#peer = null
    this.#unwatch()
    this.#stopWatching()
    this.#release()
  }

  async message(text: string): Promise<void> {
    const { maxSizeRequest } = this.#parts.config
    if (Buffer.byteLength(text) > maxSizeRequest) {
      const detail = 'The request is larger than the server is willing to process.'
      this.#send(socketError(limitProblem('maxSizeRequest', detail), null))
      return
    }
    if (!(await this.#holding.holds())) {
      this.#refuse()
      return
    }
    const json = parseIJsonText(text)
    if (json.ok) await this.#take(readSocketMessage(json.value))
    else this.#send(socketError(requestProblem('notJSON', json.detail), null))
  }

  async #take(message: SocketMessage): Promise<void> {
    switch (message.type) {
      case 'request': {
        const { caller, env } = this.#opening
        const answer = await answerRequest(
          this.#parts.api,
          { caller, origin: `${env.origin}${env.root ?? ''}` },
          message.request,
        )
        const { id } = message
        this.#send('type' in answer ? socketError(answer, id) : socketResponse(answer, id))
        return
      }
      case 'push-enable':
        await this.#watchStates(message)
        return
      case 'push-disable':
        this.#stopWatching()
        return
      case 'invalid':
        this.#send(socketError(message.problem, message.id))
    }
  }

  async #watchStates({ types, since }: Extract<SocketMessage, { type: 'push-enable' }>): Promise<void> {
    this.#stopWatching()
    const wish = this.#wish
    const watch = await StateWatch.start(this.#parts, {
      ...{ viewer: this.#opening.caller.account, wanted: types, since },
      tell: (changed, token) => {
        if (wish === this.#wish) this.#send(socketStateChange(stateChange(changed), token))
      },
      ended: () => this.#peer?.close(internal, 'the state cannot be told'),
    })
    if (wish === this.#wish) this.#watch = watch
    else watch.stop()
  }

  #stopWatching(): void {
    this.#wish++
    this.#watch?.stop()
    this.#watch = null
  }

  #refuse(): void {
    const peer = this.#peer
    this.#peer = null
    this.#unwatch()
    peer?.close(notAllowed, 'the credentials hold no longer')
  }

  #send(text: string): void {
    this.#peer?.send(text)
  }
}
