// Stands around the SMTP server of a catcher: keeps the dialogue of each session, and does to clients what chaos decides.
//
// - A wrapper around the protocol core sees the octets of both sides, under TLS too; one around the handler sees every question with
//   its answer, and may answer in its place. Server and core know nothing of it.
// - A connection that is to be dropped is closed by the core's wrapper instead of the reply that was due; from then on the core hears
//   nothing more. What it had begun is dropped by `closed`.
import { Buffer } from 'node:buffer'
import type { Clock } from '../base/clock.ts'
import type { Connection } from '../base/connection.ts'
import type { Core, Handler, Output, Peer, Sink, TlsState } from '../base/core.ts'
import type { Random } from '../base/random.ts'
import type { CatcherConfig, ChaosAction, ChaosStage } from '../config/sections/catcher.ts'
import { chaosStruck } from '../events/catcher.ts'
import type { Events } from '../events/event.ts'
import type { Service } from '../net/pump.ts'
import { goOn, type SmtpAnswer, type SmtpQuestion } from '../smtp/proto/questions.ts'
import { makeReply } from '../smtp/proto/reply.ts'
import type { Chaos, ChaosMoment } from './chaos/engine.ts'
import { compilePattern } from './pattern.ts'
import { recipientText, WatchedSession } from './session.ts'

type SmtpService = Service<SmtpQuestion, SmtpAnswer>
type SmtpOutput = Output<SmtpQuestion>

export interface WatchParts {
  readonly config: CatcherConfig
  readonly chaos: Chaos
  readonly clock: Clock
  readonly random: Random
  readonly events: Events
  /** The reply to the end of a message is out; `session` still has all of its transaction. */
  readonly over: (session: WatchedSession) => void
  /** Something was refused, or a client was dropped. */
  readonly rebuffed: (session: WatchedSession) => void
  /** The inbox as far as envelope and log-in say it. */
  readonly inboxOf: (session: WatchedSession, recipients: readonly string[]) => string
}

export class Watch {
  readonly #parts: WatchParts
  readonly #sessions = new Map<Peer, WatchedSession>()

  constructor(parts: WatchParts) {
    this.#parts = parts
  }

  /** Open connections. */
  get connections(): number {
    return this.#sessions.size
  }

  /** The session of a connection, while it is open. */
  session(peer: Peer): WatchedSession | undefined {
    return this.#sessions.get(peer)
  }

  /** The service with the watch around it. */
  around(service: SmtpService): SmtpService {
    return {
      makeCore: (peer) => new WatchedCore(service.makeCore(peer), this.#enter(peer), this.#parts),
      makeHandler: (sink, peer) =>
        new WatchedHandler({
          inner: service.makeHandler(sink, peer),
          session: this.#enter(peer),
          ...{ sink, parts: this.#parts },
          connections: () => this.connections,
          left: () => this.#sessions.delete(peer),
        }),
    }
  }

  #enter(peer: Peer): WatchedSession {
    const known = this.#sessions.get(peer)
    if (known !== undefined) return known
    const { config, clock, random } = this.#parts
    const session = new WatchedSession({
      ...{ id: random.id(80), peer, limits: config.transcript },
      now: () => clock.now(),
    })
    this.#sessions.set(peer, session)
    return session
  }
}

class WatchedCore implements Core<SmtpQuestion, SmtpAnswer> {
  readonly #inner: Core<SmtpQuestion, SmtpAnswer>
  readonly #session: WatchedSession
  readonly #parts: WatchParts
  #dead = false

  constructor(inner: Core<SmtpQuestion, SmtpAnswer>, session: WatchedSession, parts: WatchParts) {
    this.#inner = inner
    this.#session = session
    this.#parts = parts
  }

  open(tls: TlsState | null): SmtpOutput[] {
    this.#session.tls = tls
    if (tls !== null) this.#session.dialogue.secured(tls)
    return this.#told(this.#inner.open(tls))
  }

  receive(bytes: Uint8Array): SmtpOutput[] {
    if (this.#dead) return []
    this.#session.dialogue.fromClient(bytes)
    return this.#told(this.#inner.receive(bytes))
  }

  answer(answer: SmtpAnswer): SmtpOutput[] {
    const session = this.#session
    if (this.#dead) return []
    if (session.cut === 'close') return this.#close('the connection is closed')
    const wasEnding = session.ending
    session.ending = false
    const outputs = this.#told(this.#inner.answer(answer))
    if (wasEnding) {
      this.#parts.over(session)
      session.dialogue.nextMessage()
      session.reset()
    }
    return outputs
  }

  secured(tls: TlsState): SmtpOutput[] {
    if (this.#dead) return []
    const session = this.#session
    session.tls = tls
    // RFC 3207 §4.2: what was said before does not count.
    Object.assign(session, { helo: '', extended: false, username: '', mechanism: '' })
    session.dialogue.secured(tls)
    return this.#told(this.#inner.secured(tls))
  }

  expire(): SmtpOutput[] {
    return this.#dead ? [] : this.#told(this.#inner.expire())
  }

  ended(): SmtpOutput[] {
    if (this.#dead) return []
    this.#session.dialogue.note('the client has closed its side')
    return this.#told(this.#inner.ended())
  }

  shutdown(): SmtpOutput[] {
    return this.#dead ? [] : this.#told(this.#inner.shutdown())
  }

  #told(outputs: SmtpOutput[]): SmtpOutput[] {
    const session = this.#session
    for (let index = 0; index < outputs.length; index++) {
      const output = outputs[index]
      if (output === undefined) continue
      if (output.type === 'write') session.dialogue.fromServer(output.bytes)
      if (output.type === 'ask' && output.question.type === 'end') session.ending = true
      if (output.type !== 'start-tls' || session.cut === 'none') continue
      const garbage: SmtpOutput[] =
        session.cut === 'tls-garbage' ? [{ type: 'write', bytes: 'This is no TLS.\r\n' }] : []
      return [...outputs.slice(0, index), ...garbage, ...this.#close('the handshake fails')]
    }
    // Of a message that is refused while it comes the client hears at its end.
    if (session.isRebuffed && session.cut === 'none' && outputs.some(({ type }) => type === 'write')) {
      this.#parts.rebuffed(session)
    }
    return outputs
  }

  #close(why: string): SmtpOutput[] {
    const session = this.#session
    this.#dead = true
    session.dialogue.note(why)
    if (session.isRebuffed) this.#parts.rebuffed(session)
    return [{ type: 'close' }]
  }
}

const stages: { readonly [Type in SmtpQuestion['type']]?: ChaosStage } = {
  connect: 'connect',
  starttls: 'starttls',
  hello: 'ehlo',
  authenticated: 'auth',
  mail: 'mail',
  rcpt: 'rcpt',
  data: 'data',
  content: 'body',
  end: 'end',
  quit: 'quit',
}

interface WatchedHandlerParts {
  readonly inner: Handler<SmtpQuestion, SmtpAnswer>
  readonly session: WatchedSession
  readonly sink: Sink
  readonly parts: WatchParts
  readonly connections: () => number
  readonly left: () => void
}

class WatchedHandler implements Handler<SmtpQuestion, SmtpAnswer> {
  readonly #own: WatchedHandlerParts
  readonly #accepts: ((recipient: string) => boolean) | null
  /** Octets a second that are taken of a message; infinite where nothing is slowed. */
  #rate = Number.POSITIVE_INFINITY
  /** The message's beginning, for a rule that looks at its subject. */
  #head = ''
  /** Drops the connection once that many octets have come. */
  #dropAfter: { readonly octets: number; readonly action: ChaosAction & { type: 'drop' } } | null = null

  constructor(own: WatchedHandlerParts) {
    this.#own = own
    const { acceptRecipients } = own.parts.config
    this.#accepts = acceptRecipients === undefined ? null : compilePattern(acceptRecipients)
  }

  answer(question: SmtpQuestion): SmtpAnswer | Promise<SmtpAnswer> {
    this.#see(question)
    const stage = stages[question.type]
    if (stage === undefined) return this.#own.inner.answer(question)
    if (question.type === 'content') return this.#content(question)
    if (!this.#own.parts.chaos.watches(stage)) return this.#ask(question, stage)
    const struck = this.#strike(question, stage)
    return struck instanceof Promise
      ? struck.then((answer) => this.#settle(answer, question, stage))
      : this.#settle(struck, question, stage)
  }

  /** The server is asked where chaos said nothing; of a message that chaos refused whole it hears as of one that was given up. */
  #settle(
    struck: SmtpAnswer | null,
    question: SmtpQuestion,
    stage: ChaosStage,
  ): SmtpAnswer | Promise<SmtpAnswer> {
    if (struck === null) return this.#ask(question, stage)
    if (question.type !== 'end') return struck
    const dropped = this.#own.inner.answer({ type: 'reset' })
    return dropped instanceof Promise ? dropped.then(() => struck) : struck
  }

  failed(question: SmtpQuestion, error: unknown): SmtpAnswer {
    return this.#own.inner.failed(question, error)
  }

  takeOver(connection: Connection): Promise<void> {
    return this.#own.inner.takeOver?.(connection) ?? Promise.resolve()
  }

  async closed(): Promise<void> {
    const { parts, session } = this.#own
    this.#own.left()
    if (session.isRebuffed) parts.rebuffed(session)
    await this.#own.inner.closed()
  }

  #see(question: SmtpQuestion): void {
    const { session } = this.#own
    switch (question.type) {
      case 'hello':
        session.helo = question.client.name
        session.extended = question.client.extended
        break
      case 'authenticated':
        session.mechanism = question.mechanism
        session.username = question.username
        break
      case 'mail':
        session.begin(question.sender)
        this.#rate = Number.POSITIVE_INFINITY
        this.#dropAfter = null
        this.#head = ''
        break
      case 'reset':
        session.reset()
        break
      default:
    }
  }

  #ask(question: SmtpQuestion, stage: ChaosStage): SmtpAnswer | Promise<SmtpAnswer> {
    const { inner } = this.#own
    const asked = question.type === 'rcpt' ? this.#recipient(question) : inner.answer(question)
    return asked instanceof Promise
      ? asked.then((answer) => this.#heard(answer, question, stage))
      : this.#heard(asked, question, stage)
  }

  /** `catcher.acceptRecipients`. A recipient that is ignored is one that the server never hears of. */
  #recipient(question: SmtpQuestion & { type: 'rcpt' }): SmtpAnswer | Promise<SmtpAnswer> {
    const { inner, parts } = this.#own
    if (this.#accepts?.(recipientText(question.recipient)) !== false) return inner.answer(question)
    if (parts.config.otherRecipients === 'ignore') return goOn
    return { type: 'reply', reply: makeReply(550, '5.1.1', 'Recipient not accepted by this catcher') }
  }

  #heard(answer: SmtpAnswer, question: SmtpQuestion, stage: ChaosStage): SmtpAnswer {
    const { session } = this.#own
    const refused = answer.type === 'reply' && answer.reply.code >= 400
    if (refused) session.rebuff({ stage, reply: answer.reply.wire.trimEnd(), rule: '' })
    else if (question.type === 'rcpt') session.accept(question.recipient)
    else if (question.type === 'authenticated') session.username = question.username
    if (refused && question.type === 'authenticated') session.username = ''
    return answer
  }

  #moment(question: SmtpQuestion, stage: ChaosStage): ChaosMoment {
    const { session, parts, connections } = this.#own
    const recipients = question.type === 'rcpt' ? [recipientText(question.recipient)] : session.recipients
    return {
      ...{ stage, session: session.id, connections: connections(), recipients },
      client: session.helo,
      username: session.username,
      sender: session.reversePath,
      inbox: parts.inboxOf(session, recipients),
      subject: stage === 'end' ? subjectOf(this.#head) : '',
    }
  }

  /** What chaos answers; null: nothing, the server is asked. */
  #strike(question: SmtpQuestion, stage: ChaosStage): SmtpAnswer | null | Promise<SmtpAnswer | null> {
    const { parts, session } = this.#own
    const strikes = parts.chaos.strike(this.#moment(question, stage))
    if (strikes.length === 0) return null
    let pause = 0
    let answer: SmtpAnswer | null = null
    for (const { rule, action } of strikes) {
      const { remoteAddress } = session.peer
      parts.events.emit(chaosStruck, { rule, stage, action: action.type, remoteAddress })
      session.dialogue.note(`chaos: ${rule}: ${action.type}`)
      if (action.type === 'delay') pause += action.time
      else answer = this.#act(action, { rule, stage })
    }
    return pause === 0 ? answer : this.#sleep(pause).then(() => answer)
  }

  /** Does it; the answer, or null where the server is asked all the same. */
  #act(action: ChaosAction, { rule, stage }: { rule: string; stage: ChaosStage }): SmtpAnswer | null {
    const { session } = this.#own
    switch (action.type) {
      case 'reply': {
        const { code, text = 'Chaos', close } = action
        const status = statusFor(stage, action)
        const reply = makeReply(code, status, text)
        session.rebuff({ stage, reply: reply.wire.trimEnd(), rule })
        if (stage === 'auth') session.username = ''
        return close ? { type: 'reply', reply, then: 'close' } : { type: 'reply', reply }
      }
      case 'drop':
        session.rebuff({
          stage,
          reply: action.how === 'reset' ? 'connection reset' : 'connection closed',
          rule,
        })
        if (stage === 'body' && action.after > session.octets) {
          this.#dropAfter = { octets: action.after, action }
          return null
        }
        return this.#drop(action)
      case 'tls-failure':
        session.cut = action.how === 'garbage' ? 'tls-garbage' : 'tls-close'
        session.rebuff({ stage, reply: 'TLS handshake failed', rule })
        return goOn
      case 'slow':
        this.#rate = action.rate
        return null
      case 'delay':
        return null
    }
  }

  #drop({ how }: ChaosAction & { type: 'drop' }): SmtpAnswer {
    const { session, sink } = this.#own
    session.cut = 'close'
    if (how === 'reset') sink.destroy?.()
    return goOn
  }

  /** The first piece of a message meets the rules of `body`; all of them its consequences. */
  #content(question: SmtpQuestion & { type: 'content' }): SmtpAnswer | Promise<SmtpAnswer> {
    const { session, parts } = this.#own
    const first = session.octets === 0
    const before = session.octets
    session.octets += question.bytes.length
    const { headerSize } = parts.config.limits
    if (this.#head.length < headerSize && parts.chaos.watches('end')) {
      this.#head += Buffer.from(question.bytes.subarray(0, headerSize)).toString('latin1')
    }
    if (first && parts.chaos.watches('body')) {
      session.octets = 0
      const struck = this.#strike(question, 'body')
      session.octets = question.bytes.length
      if (struck instanceof Promise) return struck.then((answer) => answer ?? this.#take(question, before))
      if (struck !== null) return struck
    }
    return this.#take(question, before)
  }

  #take(question: SmtpQuestion & { type: 'content' }, before: number): SmtpAnswer | Promise<SmtpAnswer> {
    const { session, inner } = this.#own
    const drop = this.#dropAfter
    if (drop !== null && before + question.bytes.length >= drop.octets) return this.#drop(drop.action)
    if (session.cut === 'close') return goOn
    if (this.#rate === Number.POSITIVE_INFINITY) return inner.answer(question)
    const wait = Math.ceil((question.bytes.length / this.#rate) * 1000)
    return this.#sleep(wait).then(() => inner.answer(question))
  }

  /** Ends early with the connection. */
  async #sleep(milliseconds: number): Promise<void> {
    const { parts, sink } = this.#own
    try {
      await parts.clock.sleep(milliseconds, sink.gone)
    } catch (error) {
      if (!sink.gone.aborted) throw error
    }
  }
}

function subjectOf(head: string): string {
  const field = /^Subject:((?:[^\r\n]|\r\n[ \t])*)/im.exec(head)?.[1] ?? ''
  return field.replaceAll(/\r\n(?=[ \t])/g, '').trim()
}

/** RFC 3463: by the stage, in the class of the code; null where there is none in a reply (a greeting). */
function statusFor(stage: ChaosStage, { code, status }: ChaosAction & { type: 'reply' }): string | null {
  const digit = code >= 500 ? '5' : '4'
  if (status !== undefined) return status.startsWith(digit) ? status : `${digit}${status.slice(1)}`
  const detail: { readonly [Stage in ChaosStage]: string } = {
    ...{ connect: '3.2', starttls: '7.0', ehlo: '3.2', auth: '7.8', mail: '1.0', rcpt: '1.1' },
    ...{ data: '3.0', body: '3.0', end: '3.0', quit: '3.0' },
  }
  // RFC 3463 §3.2: X.1.1 says for good that there is no such mailbox.
  return `${digit}.${stage === 'rcpt' && digit === '4' ? '2.0' : detail[stage]}`
}
