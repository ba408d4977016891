// The side of an IMAP session that does I/O: answers the core's questions from the store and the directory.
//
// One question is worked on at a time. Only in IDLE something is written between questions, by a chain of tellings that
// `idle-done` waits for. A question that throws is answered NO and the session ends with BYE (pump.ts); where a literal had
// been begun, nothing more can be said and the session just ends.
import * as imapEvents from '../../events/imap.ts'
import { perform } from './commands.ts'
import { alertLine } from './alert.ts'
import { openAppend } from './append/append.ts'
import { no, ok } from './context.ts'
import { LiteralBroken } from './messages/message-bytes.ts'
import { encodeNString, encodeString } from '../proto/encode/strings.ts'
import { LoginDesk } from './login.ts'
import { noModes } from '../proto/modes.ts'
import { Output } from './output.ts'
import { reviewRights } from './rights-review.ts'
import { StoreUnavailable } from '../../store/store.ts'
import type { Appending } from './append/append.ts'
import type { CommandRun, Done, ImapParts, SessionContext } from './context.ts'
import type { Handler, Peer, Sink } from '../../base/core.ts'
import type { Account } from '../../store/model.ts'
import type { ImapAnswer, ImapQuestion, ImapRequest, RequestOf } from '../proto/commands/command.ts'

const proceed: ImapAnswer = { type: 'proceed' }

/** Requests during which no message may lose its number (RFC 3501 §7.4.1, RFC 5256 §3). */
const holding: ReadonlySet<string> = new Set(['FETCH', 'STORE', 'SEARCH', 'SORT', 'THREAD'])

function holdsNumbers(request: ImapRequest): boolean {
  return holding.has(request.name) && 'uid' in request && !request.uid
}

/** Alerts that a client has not read yet, before the session takes no more. */
const mostAlerts = 20

/** The handler of one session. */
export class ImapHandler implements Handler<ImapQuestion, ImapAnswer> {
  readonly #parts: ImapParts
  readonly #peer: Peer
  readonly #sink: Sink
  readonly #desk: LoginDesk
  #session: SessionContext | null = null
  #appending: Appending | null = null
  /** Tellings of IDLE, one after the other; null outside IDLE. */
  #idle: { telling: Promise<void>; again: boolean; alerts: number; terminal: Disposable | undefined } | null =
    null
  #unsubscribe: (() => void) | null = null
  #accountGone = false

  constructor(parts: ImapParts, sink: Sink, peer: Peer) {
    this.#parts = parts
    this.#peer = peer
    this.#sink = sink
    this.#desk = new LoginDesk(parts.directory, peer.remoteAddress)
  }

  answer(question: ImapQuestion): ImapAnswer | Promise<ImapAnswer> {
    if ('modes' in question && this.#session !== null) this.#session.modes = question.modes
    switch (question.type) {
      case 'sasl':
        return this.#desk.answer(question.question)
      case 'login-failed':
        this.#desk.abandon()
        return proceed
      case 'log-in':
        return this.#logIn(question)
      case 'append':
        return this.#openAppend(question)
      case 'append-chunk':
        return this.#appendChunk(question.bytes)
      case 'append-more':
        return this.#appendMore(question)
      case 'append-abort':
        return this.#abortAppend()
      case 'unauthenticate':
        this.#leave()
        return proceed
      case 'idle':
        return this.#startIdle()
      case 'idle-done':
        return this.#endIdle()
      case 'request':
        return this.#request(question)
    }
  }

  failed(question: ImapQuestion, error: unknown): ImapAnswer {
    this.#forgetAppend()
    // A literal was begun and cannot be finished: whatever is said would be taken for its octets.
    if (error instanceof LiteralBroken)
      return { type: 'done', status: 'NO', text: 'Unreadable message', bye: true }
    const unavailable = error instanceof StoreUnavailable
    // RFC 5530 §3: UNAVAILABLE is temporary, SERVERBUG is ours.
    return unavailable
      ? no('UNAVAILABLE', 'The mail store cannot serve at the moment')
      : no('SERVERBUG', `Internal error in ${question.type}`)
  }

  closed(): void {
    this.#desk.abandon()
    this.#forgetAppend()
    this.#idle?.terminal?.[Symbol.dispose]()
    this.#idle = null
    this.#leave()
  }

  /** Nobody is logged in any more. */
  #leave(): void {
    this.#session?.selected?.close()
    this.#session = null
    this.#unsubscribe?.()
    this.#unsubscribe = null
    this.#accountGone = false
  }

  // Log-in

  async #logIn(question: Extract<ImapQuestion, { type: 'log-in' }>): Promise<ImapAnswer> {
    const result = await this.#desk.logIn(question)
    if ('account' in result) this.#enter(result.account)
    return result.answer
  }

  #enter(account: Account): void {
    const { store: mail } = this.#parts
    this.#session = {
      ...{ parts: this.#parts, peer: this.#peer, sink: this.#sink, account },
      modes: noModes,
      selected: null,
      onChange: () => this.#tellInIdle(),
    }
    this.#unsubscribe = mail.subscribe(account.id, (changes) => {
      if (changes.some((change) => change.type === 'account-removed')) this.#accountGone = true
    })
  }

  #entered(): SessionContext {
    if (this.#session === null) throw new Error('a request before log-in')
    return this.#session
  }

  // APPEND

  async #openAppend(question: Extract<ImapQuestion, { type: 'append' }>): Promise<ImapAnswer> {
    const over = await this.#over()
    if (over !== undefined) return over
    const opened = await openAppend(this.#entered(), question)
    if ('refusal' in opened) return opened.refusal
    this.#appending = opened.appending
    return this.#appendMore(question)
  }

  async #appendMore(
    question: Extract<ImapQuestion, { type: 'append' | 'append-more' }>,
  ): Promise<ImapAnswer> {
    const done = await this.#appending?.take(question.steps, question.octets)
    if (done === undefined) throw new Error('no APPEND is open')
    if (done === null) return proceed
    // What was committed is not in the way of being discarded.
    this.#forgetAppend()
    if (done.status === 'OK') await this.#tell('tell')
    return done
  }

  #appendChunk(bytes: Uint8Array): ImapAnswer | Promise<ImapAnswer> {
    const wait = this.#appending?.write(bytes)
    return wait === undefined ? proceed : wait.then(() => proceed)
  }

  #abortAppend(): ImapAnswer {
    this.#forgetAppend()
    return proceed
  }

  #forgetAppend(): void {
    const appending = this.#appending
    this.#appending = null
    // What cannot be discarded now is found and dropped by the store's collection.
    appending?.discard().catch(() => undefined)
  }

  // IDLE

  async #startIdle(): Promise<ImapAnswer> {
    const over = await this.#over()
    if (over !== undefined) return over
    await this.#tell('tell')
    this.#idle = { telling: Promise.resolve(), again: false, alerts: 0, terminal: this.#attach() }
    // What came while that was told.
    this.#tellInIdle()
    return proceed
  }

  /** While it idles the session is a terminal of its user, for SEND, SOML and SAML. */
  #attach(): Disposable | undefined {
    const { account } = this.#entered()
    return this.#parts.terminals?.attach(account.id, {
      kind: 'imap',
      // The sender's reply does not wait for a client that does not read.
      show: (message) => {
        const idle = this.#idle
        if (idle === null || idle.alerts >= mostAlerts || this.#sink.gone.aborted) return false
        idle.alerts++
        idle.telling = idle.telling.then(async () => {
          await this.#sink.write(alertLine(message))
          idle.alerts--
        })
        return true
      },
    })
  }

  /** Something changed: in IDLE it is told, one telling at a time. */
  #tellInIdle(): void {
    const idle = this.#idle
    if (idle === null || idle.again) return
    idle.again = true
    idle.telling = idle.telling.then(async () => {
      if (this.#idle !== idle) return
      idle.again = false
      // A store that cannot serve now is asked again at the next change or command.
      await this.#tell('tell').catch(() => undefined)
    })
  }

  async #endIdle(): Promise<ImapAnswer> {
    const idle = this.#idle
    this.#idle = null
    idle?.terminal?.[Symbol.dispose]()
    await idle?.telling
    return (await this.#over()) ?? ok('IDLE completed')
  }

  // Requests

  async #request(question: Extract<ImapQuestion, { type: 'request' }>): Promise<ImapAnswer> {
    const { request, tag } = question
    if (request.name === 'ID') return this.#identify(request)
    const over = await this.#over()
    if (over !== undefined) return over
    const run: CommandRun = { session: this.#entered(), output: new Output(this.#sink), tag }
    const done = await perform(run, request)
    await this.#tell(holdsNumbers(request) ? 'hold' : 'tell')
    return done
  }

  async #tell(expunges: 'tell' | 'hold'): Promise<void> {
    const session = this.#session
    if (session === null || session.selected === null) return
    const output = new Output(this.#sink)
    if ((await reviewRights(session, output)) === 'lost') return
    await session.selected.tell(output, { expunges })
  }

  /** Why the session cannot go on, if it cannot. */
  async #over(): Promise<Done | undefined> {
    if (this.#accountGone) return farewell
    const session = this.#session
    if (session === null) return undefined
    // RFC 4314 §5.1.1: who "no longer has read access to the mailbox" may be sent BYE.
    return (await reviewRights(session, new Output(this.#sink))) === 'lost' ? rightsLost : undefined
  }

  /** RFC 2971 §3: what the client says is logged; what we say is our name. */
  #identify(request: RequestOf<'ID'>): ImapAnswer {
    const field = (name: string): string | null =>
      request.fields.find(([each]) => each === name)?.[1]?.slice(0, 100) ?? null
    this.#parts.events.emit(imapEvents.clientIdentified, {
      remoteAddress: this.#peer.remoteAddress,
      name: field('name'),
      version: field('version'),
    })
    void this.#sink.write(`* ID (${encodeString('name')} ${encodeNString('Posthorn')})\r\n`)
    return ok('ID completed')
  }
}

const rightsLost: Done = {
  ...{ type: 'done', status: 'NO', bye: true },
  text: 'You may not read the selected mailbox any more',
}

/** RFC 3501 §7.1.5 */
const farewell: Done = { type: 'done', status: 'NO', text: 'This account was removed', bye: true }
