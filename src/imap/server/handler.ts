// The side of an IMAP session that does I/O: answers the core's questions from the store and the directory.
//
// One question is worked on at a time. In IDLE, and where NOTIFY wants it, something is written between questions, each session in
// its turn (`turns.ts`) and undisturbed by the core (`Sink.between`). A question that throws is answered NO and the session ends with BYE (pump.ts); where a literal had
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
import { ownNames, tellSelected, tellWatched, watchMetadata } from './notify/notify.ts'
import { reviewRights } from './rights-review.ts'
import { StoreUnavailable } from '../../store/store.ts'
import type { Appending } from './append/append.ts'
import type { CommandRun, Done, ImapParts, SessionContext } from './context.ts'
import type { Moment } from './notify/notify.ts'
import type { Handler, Peer, Sink } from '../../base/core.ts'
import type { Account } from '../../store/model.ts'
import type { ImapAnswer, ImapQuestion, ImapRequest, RequestOf } from '../proto/commands/command.ts'

const proceed: ImapAnswer = { type: 'proceed' }

/** Requests during which no message may lose its number (RFC 3501 §7.4.1, RFC 5256 §3). */
const holding: ReadonlySet<string> = new Set(['FETCH', 'STORE', 'SEARCH', 'SORT', 'THREAD'])

function holdsNumbers(request: ImapRequest): boolean {
  return holding.has(request.name) && 'uid' in request && !request.uid
}

/** Requests that take messages from the selected mailbox or put some there: told to a client that wants no news as well. */
const moving: ReadonlySet<string> = new Set(['COPY', 'MOVE', 'EXPUNGE'])

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
  /** Null outside IDLE. */
  #idle: { readonly alerts: string[]; readonly terminal: Disposable | undefined } | null = null
  /** A turn to tell what happened is asked for. */
  #waking = false
  /** In that turn the view may be given back. */
  #resting = false
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

  account(): string | null {
    return this.#session?.account.address ?? null
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
    this.#session?.watch?.close()
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
      watch: null,
      onChange: () => this.#wake(),
      onRest: () => {
        this.#resting = true
        this.#askTurn()
      },
    }
    this.#unsubscribe = mail.subscribeBatched(account.id, (changes) => {
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
    const done = await this.#appending?.take(question)
    if (done === undefined) throw new Error('no APPEND is open')
    if (done === null) return proceed
    // What was committed is not in the way of being discarded.
    this.#forgetAppend()
    if (done.status === 'OK') await this.#tell({ at: 'command', expunges: 'tell', own: true })
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

  // Between commands

  async #startIdle(): Promise<ImapAnswer> {
    const over = await this.#over()
    if (over !== undefined) return over
    this.#idle = { alerts: [], terminal: this.#attach() }
    await this.#tell({ at: 'idle' })
    // What came while that was told.
    this.#wake()
    return proceed
  }

  /** While it idles the session is a terminal of its user, for SEND, SOML and SAML. */
  #attach(): Disposable | undefined {
    const { account } = this.#entered()
    return this.#parts.terminals?.attach(account.id, {
      kind: 'imap',
      // The sender's reply does not wait for a client that does not read.
      show: (message) => {
        const alerts = this.#idle?.alerts
        if (alerts === undefined || alerts.length >= mostAlerts || this.#sink.gone.aborted) return false
        alerts.push(alertLine(message))
        this.#wake()
        return true
      },
    })
  }

  /** Something changed: in IDLE, and where NOTIFY wants it, that is told without being asked. */
  #wake(): void {
    if (this.#tellsUnasked) this.#askTurn()
  }

  #askTurn(): void {
    if (this.#waking) return
    this.#waking = true
    this.#parts.turns.ask(() => this.#sink.between(this.#tellBetween))
  }

  get #tellsUnasked(): boolean {
    return this.#idle !== null || (this.#session?.watch?.atOnce ?? false)
  }

  readonly #tellBetween = async (): Promise<void> => {
    this.#waking = false
    if (this.#resting) this.#session?.selected?.rest()
    this.#resting = false
    // A message is being sent, and its command may go on in a literal: its answer is near.
    if (!this.#tellsUnasked || this.#appending !== null) return
    for (const alert of this.#idle?.alerts.splice(0) ?? []) await this.#sink.write(alert)
    try {
      await this.#tell({ at: this.#idle === null ? 'between' : 'idle' })
    } catch (error) {
      // A store that cannot serve now is asked again at the next change or command.
      if (!(error instanceof StoreUnavailable)) throw error
    }
  }

  async #endIdle(): Promise<ImapAnswer> {
    const idle = this.#idle
    this.#idle = null
    idle?.terminal?.[Symbol.dispose]()
    for (const alert of idle?.alerts ?? []) await this.#sink.write(alert)
    return (await this.#over()) ?? ok('IDLE completed')
  }

  // Requests

  async #request(question: Extract<ImapQuestion, { type: 'request' }>): Promise<ImapAnswer> {
    const { request, tag } = question
    if (request.name === 'ID') return this.#identify(request)
    const over = await this.#over()
    if (over !== undefined) return over
    const session = this.#entered()
    const run: CommandRun = { session, output: new Output(this.#sink), tag }
    const done = await perform(run, request)
    if (session.watch !== null && done.status === 'OK') session.watch.named(ownNames(request))
    if (request.name === 'ENABLE') await watchMetadata(session, run.output)
    const expunges = holdsNumbers(request) ? 'hold' : 'tell'
    await this.#tell({ at: 'command', expunges, own: moving.has(request.name) })
    // Numbers that had to stay as they were may change now.
    if (expunges === 'hold') this.#wake()
    return done
  }

  async #tell(moment: Moment): Promise<void> {
    const session = this.#session
    if (session === null) return
    const output = new Output(this.#sink)
    if (session.selected !== null && (await reviewRights(session, output)) === 'held')
      await tellSelected(session, output, moment)
    if (session.watch !== null) await tellWatched(session, output)
    await output.end()
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
