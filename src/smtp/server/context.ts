// One session as all stages of it see it: the parts of the listener, who the client is, who logged in, and where to tell trouble.
//
// Who the client is may change: a listed peer speaks for another one (XCLIENT), or tells for the log alone where the next message
// came from (XFORWARD).
import type { Peer, Sink } from '../../base/core.ts'
import { errorText } from '../../events/error-text.ts'
import type { EventKind, Fields } from '../../events/event.ts'
import * as serverEvents from '../../events/server.ts'
import * as smtpEvents from '../../events/smtp.ts'
import type { SmtpAnswer } from '../proto/questions.ts'
import { replies, type Reply } from '../proto/reply.ts'
import { Login } from './login.ts'
import type { HandlerParts } from './parts.ts'

/** Bits of a session's identifier: enough never to meet another in a log. Its messages are numbered behind it. */
const idBits = 80

export const troubleAnswer: SmtpAnswer & { reply: Reply } = { type: 'reply', reply: replies.localTrouble }

export function refuse(reply: Reply): SmtpAnswer {
  return { type: 'reply', reply }
}

/** What was told by XFORWARD of where the next message came from. */
export interface Forwarded {
  readonly address: string | null
  readonly name: string | null
  readonly helo: string | null
}

export class SessionContext {
  readonly parts: HandlerParts
  readonly sink: Sink
  /** The connection's other end, or whom it speaks for. */
  peer: Peer
  /** By reverse DNS, confirmed; null where there is none, or it has not come yet. */
  remoteName: string | null = null
  login: Login
  forwarded: Forwarded | null = null
  #id = ''
  #messages = 0
  /** Whom the peer speaks for, as counted. */
  #counted: string | null = null

  constructor(parts: HandlerParts, { sink, peer }: { sink: Sink; peer: Peer }) {
    this.parts = parts
    this.sink = sink
    this.peer = peer
    this.login = this.#newLogin()
  }

  /** From now on the client is another one, whom the connected peer speaks for. */
  speakFor(peer: Peer, remoteName: string | null): void {
    this.peer = peer
    this.remoteName = remoteName
    this.login.giveUp()
    this.login = this.#newLogin()
  }

  /** Counts the client whom the peer wants to speak for; false where it is one too many. Null: its address is not known. */
  admit(address: string | null): boolean {
    const { connections } = this.parts
    this.leave()
    if (connections === null || address === null) return true
    const refusal = connections.enterBehind(address)
    if (refusal === null) this.#counted = address
    else
      this.emit(serverEvents.connectionRefused, {
        service: this.parts.role,
        remoteAddress: address,
        limit: refusal,
      })
    return refusal === null
  }

  /** The client is gone, or another one comes. */
  leave(): void {
    if (this.#counted !== null) this.parts.connections?.leaveBehind(this.#counted)
    this.#counted = null
  }

  get id(): string {
    if (this.#id === '') this.#id = this.parts.random.id(idBits)
    return this.#id
  }

  nextMessageId(): string {
    // A catcher's messages are known to tests by this name, and not by their session.
    if (this.parts.role === 'catcher') return this.parts.random.id(128)
    this.#messages++
    return `${this.id}.${this.#messages}`
  }

  /** For every event. */
  who(): { role: string; remoteAddress: string } {
    return { role: this.parts.role, remoteAddress: this.forwarded?.address ?? this.peer.remoteAddress }
  }

  emit<F extends Fields>(kind: EventKind<F>, fields: F): void {
    this.parts.events.emit(kind, fields)
  }

  /** Trouble of ours never ends in a refusal for good: whatever is thrown is told as an event and answered 451. */
  async guard(doing: string, work: () => Promise<SmtpAnswer>): Promise<SmtpAnswer> {
    try {
      return await work()
    } catch (error) {
      return this.trouble(doing, error)
    }
  }

  trouble(doing: string, error: unknown): SmtpAnswer {
    this.emit(smtpEvents.localTrouble, { ...this.who(), doing, error: errorText(error) })
    return troubleAnswer
  }

  #newLogin(): Login {
    const { role, directory } = this.parts
    const protocol = role === 'submission' || role === 'odmr' ? role : 'smtp'
    return new Login(directory, { remoteAddress: this.peer.remoteAddress, protocol })
  }
}
