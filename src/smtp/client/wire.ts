// One connection as a client uses it: commands go out, each reply is given to the command that it answers.
//
// - Replies belong to commands by their order alone (RFC 2920 §3.1), and each expectation is made before its command is
//   written. A reply that nothing expects ends the session: whatever followed could be paired wrongly.
// - Content is an expectation that is not complete yet; a reply that comes before it is (a server that gives up early) is known
//   as such, and is never taken for the reply to the whole.
// - One timer for all, moved lazily. A reply counts when it is whole: a server that trickles does not extend its time.
// - The session ends once, with the reason that came first; every expectation then hears of it.
import type { Clock, Timer } from '../../base/clock.ts'
import type { ClientTls, Connection } from '../../base/connection.ts'
import type { TlsState } from '../../base/core.ts'
import type { OnDialogue } from './dialogue.ts'
import type { ClientLimits, ClientTimeouts } from './limits.ts'
import type { ClientStage, SessionEnding } from './outgoing.ts'
import { ReplyParser } from './reply-parser.ts'
import { isPositive, isRefusal, type ServerReply } from './reply.ts'

interface Ended {
  readonly type: 'ended'
  readonly ending: SessionEnding
}

interface Secured {
  readonly type: 'secured'
  readonly tls: TlsState
}

/** The reply, or why there will be none. */
export type Heard = ServerReply | Ended

export interface Command {
  /** Without CRLF. */
  readonly text: string
  readonly stage: ClientStage
  /** For the reply, in milliseconds. */
  readonly timeout: number
  /** What the dialogue shows instead: commands that carry a secret. */
  readonly shown?: string
  /** What it may get beside a refusal: 2yz (default), 3yz (DATA), or both (AUTH). */
  readonly answer?: 'final' | 'intermediate' | 'both'
  /** `silence`: behind a positive reply nothing may follow, since TLS or the other role begins there. */
  readonly then?: 'silence'
}

export interface ContentExpectation {
  readonly heard: Promise<Heard>
  /** False while some of what the reply answers has not been written. */
  readonly complete: boolean
  /** All of it is written: the time of the reply begins. */
  finish(): void
}

export interface WireOptions {
  readonly clock: Clock
  readonly timeouts: ClientTimeouts
  readonly limits: ClientLimits
  readonly onDialogue: OnDialogue | undefined
}

class Expectation implements ContentExpectation {
  readonly stage: ClientStage
  readonly answer: 'final' | 'intermediate' | 'both'
  readonly timeout: number
  readonly silence: boolean
  /** `data`: a reply before the end breaks the session; `chunk`: it may come (the rest of the chunk must still go). */
  readonly content: 'none' | 'data' | 'chunk'
  readonly heard: Promise<Heard>
  /** When all of it was written; null before. */
  sentAt: number | null
  resolve: (heard: Heard) => void = () => undefined
  readonly #finished: (expectation: Expectation) => void

  constructor(options: {
    readonly stage: ClientStage
    readonly timeout: number
    readonly answer: 'final' | 'intermediate' | 'both'
    readonly silence: boolean
    readonly content: 'none' | 'data' | 'chunk'
    readonly sentAt: number | null
    readonly finished: (expectation: Expectation) => void
  }) {
    this.stage = options.stage
    this.timeout = options.timeout
    this.answer = options.answer
    this.silence = options.silence
    this.content = options.content
    this.sentAt = options.sentAt
    this.#finished = options.finished
    this.heard = new Promise((resolve) => {
      this.resolve = resolve
    })
  }

  get complete(): boolean {
    return this.sentAt !== null
  }

  /** Whether that is an answer to this at all. */
  fits(reply: ServerReply): boolean {
    if (isRefusal(reply) || this.answer === 'both') return true
    return (this.answer === 'final') === isPositive(reply)
  }

  finish(): void {
    if (this.sentAt === null) this.#finished(this)
  }
}

const noOperation = () => undefined

export class Wire {
  readonly ended: Promise<SessionEnding>
  readonly #connection: Connection
  readonly #options: WireOptions
  readonly #parser: ReplyParser
  readonly #expected: Expectation[] = []
  #ending: SessionEnding | null = null
  #resolveEnded: (ending: SessionEnding) => void = noOperation
  /** Commands that are not written yet. */
  #text = ''
  /** `due`: the next thing that comes must be a handshake or the other role; `handshake`: it is under way. */
  #silence: 'none' | 'due' | 'handshake' = 'none'
  #heardAt: number
  #blockedAt: number | null = null
  /** A chunk was refused: what is left of it must still go (RFC 3030 §2), and nothing but the connection is at stake. */
  #draining: { readonly since: number; readonly verbatim: string } | null = null
  #room: PromiseWithResolvers<void> | null = null
  #timer: Timer | null = null
  #timerAt = 0

  constructor(connection: Connection, options: WireOptions) {
    this.#connection = connection
    this.#options = options
    this.#parser = new ReplyParser(options.limits)
    this.#heardAt = options.clock.monotonic()
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve
    })
    connection.onData = (bytes) => this.#onData(bytes)
    connection.onEnd = () => this.#lost(new Error('the server closed the connection'))
    connection.onClose = (error) => this.#lost(error ?? new Error('the connection closed'))
    connection.onDrain = () => this.#onDrain()
    connection.resume()
  }

  get ending(): SessionEnding | null {
    return this.#ending
  }

  get tls(): TlsState | null {
    return this.#connection.tls
  }

  /** True when every command has its reply. */
  get quiet(): boolean {
    return this.#expected.length === 0
  }

  /** The greeting: a reply to the connection itself. */
  greeting(): Promise<Heard> {
    return this.#expect({ stage: 'greeting', timeout: this.#options.timeouts.greeting })
  }

  /** Says a command with the next `flush`, and gives its reply. */
  ask(command: Command): Promise<Heard> {
    if (this.#ending !== null) return Promise.resolve(this.#over())
    this.#text += `${command.text}\r\n`
    this.tell('C', command.shown ?? command.text)
    return this.#expect({ ...command, silence: command.then === 'silence' })
  }

  /** A command alone. */
  async askNow(command: Command): Promise<Heard> {
    const heard = this.ask(command)
    this.flush()
    return heard
  }

  /** The reply to content of which nothing has been written yet. */
  expectContent(content: 'data' | 'chunk'): ContentExpectation {
    const expectation = this.#makeExpectation({
      stage: 'reply',
      timeout: this.#options.timeouts.reply,
      content,
    })
    this.#draining = null
    if (this.#ending === null) this.#expected.push(expectation)
    else expectation.resolve(this.#over())
    return expectation
  }

  /** Says a line that has no reply of its own (BDAT, whose chunk has one). */
  line(text: string): void {
    this.#text += `${text}\r\n`
    this.tell('C', text)
  }

  /** Writes content behind what is waiting. True: wait for `room` before more. */
  write(bytes: Uint8Array): boolean {
    this.flush()
    if (this.#ending === null && bytes.length > 0 && !this.#connection.write(bytes)) this.#block()
    return this.#blockedAt !== null
  }

  /** Resolves when the connection has room, or has ended. */
  room(): Promise<void> {
    if (this.#blockedAt === null || this.#ending !== null) return Promise.resolve()
    this.#room ??= Promise.withResolvers<void>()
    return this.#room.promise
  }

  flush(): void {
    const text = this.#text
    if (text === '') return
    this.#text = ''
    if (this.#ending === null && !this.#connection.write(text)) this.#block()
  }

  cork(): void {
    this.#connection.cork()
  }

  uncork(): void {
    this.flush()
    this.#connection.uncork()
  }

  /** What is costly to tell is told only then. */
  get watched(): boolean {
    return this.#options.onDialogue !== undefined
  }

  tell(direction: 'C' | 'S' | 'tls' | 'note', text: string): void {
    this.#options.onDialogue?.({ direction, text })
  }

  /** Ends the session; the first reason stays. */
  end(ending: SessionEnding): void {
    this.#finish(ending)
    this.#connection.destroy()
  }

  /** What came cannot be what was asked for. */
  nonsense(stage: ClientStage, problem: string): void {
    this.end({ type: 'nonsense', stage, problem })
  }

  /** Ends in order: our side is closed, and the server's has a little time. */
  endInOrder(): void {
    if (this.#ending !== null) return
    this.#finish({ type: 'closed', stage: 'idle' })
    const { clock, timeouts } = this.#options
    const connection = this.#connection
    const timer = clock.after(timeouts.quit, () => connection.destroy())
    connection.onClose = () => timer.cancel()
    connection.end()
  }

  /** Gives the connection away, paused; whoever gets it is its reader. Only after a reply with `then: 'silence'`. */
  handOver(): Connection {
    const connection = this.#connection
    this.#finish({ type: 'closed', stage: 'idle' })
    return connection
  }

  /** The handshake, after a positive reply with `then: 'silence'`. */
  async startTls(request: ClientTls): Promise<Secured | Ended> {
    if (this.#ending !== null) return this.#over()
    const { clock, timeouts } = this.#options
    this.#silence = 'handshake'
    const limit = timeouts.startTls
    const timer = clock.after(limit, () => this.end({ type: 'timed-out', stage: 'tls', milliseconds: limit }))
    try {
      const tls = await this.#connection.startClientTls(request)
      if (this.#ending !== null) return this.#over()
      this.#silence = 'none'
      this.#blockedAt = null
      this.tell('tls', `${tls.version} ${tls.cipher}`)
      this.#connection.resume()
      return { type: 'secured', tls }
    } catch (error) {
      this.#handshakeFailed(error instanceof Error ? error : new Error(String(error)))
      return this.#over()
    } finally {
      timer.cancel()
    }
  }

  // What comes

  #onData(bytes: Uint8Array): void {
    if (this.#ending !== null) return
    if (this.#silence !== 'none') {
      this.#injected()
      return
    }
    for (const reply of this.#parser.feed(bytes)) {
      if (reply.type === 'malformed') this.nonsense(this.#stage(), reply.problem)
      else if (this.#silence === 'none') this.#onReply(reply)
      else this.#injected()
      if (this.#ending !== null) return
    }
    if (this.#silence !== 'none' && this.#parser.midReply) this.#injected()
  }

  /** RFC 3207 §5, and CVE-2011-0411 seen from the other side: what came in the clear may be an attacker's. */
  #injected(): void {
    this.nonsense(this.#stage(), 'octets behind a reply after which the server must wait for us')
  }

  #onReply(reply: ServerReply): void {
    if (this.#options.onDialogue !== undefined) {
      for (const line of reply.verbatim.split('\n')) this.tell('S', line)
    }
    this.#heardAt = this.#options.clock.monotonic()
    const [expectation] = this.#expected
    if (reply.code === 421) this.#onFarewell(reply)
    else if (expectation === undefined) this.nonsense('idle', `a reply to nothing: ${reply.verbatim}`)
    else if (!expectation.complete && !isRefusal(reply)) {
      this.nonsense('content', `a reply before the end of the content: ${reply.verbatim}`)
    } else if (!expectation.fits(reply)) {
      this.nonsense(expectation.stage, `no answer to what was asked: ${reply.verbatim}`)
    } else {
      this.#expected.shift()
      expectation.resolve(reply)
      this.#answered(expectation, reply)
    }
  }

  /** RFC 5321 §3.8: 421 may answer any command, or none; the server closes behind it. */
  #onFarewell(reply: ServerReply): void {
    const expectation = this.#expected.shift()
    expectation?.resolve(reply)
    this.end({ type: 'farewell', stage: expectation?.stage ?? 'idle', reply })
  }

  #answered(expectation: Expectation, reply: ServerReply): void {
    if (!expectation.complete && expectation.content === 'data') {
      // The final dot would deliver half a message, anything else would be content or commands: there is no way on.
      this.end({ type: 'cut-short', stage: 'content', problem: reply.verbatim })
      return
    }
    if (expectation.content === 'chunk' && isRefusal(reply)) {
      this.#draining = { since: this.#heardAt, verbatim: reply.verbatim }
    }
    if (expectation.silence && isPositive(reply)) {
      this.#silence = 'due'
      this.#connection.pause()
    }
    this.#arm()
  }

  #lost(error: Error): void {
    if (this.#silence === 'handshake') this.#handshakeFailed(error)
    else this.end({ type: 'lost', stage: this.#stage(), error: describe(error) })
  }

  #handshakeFailed(error: Error): void {
    this.end({ type: 'handshake-failed', stage: 'tls', error: error.message, code: codeOf(error) })
  }

  #onDrain(): void {
    this.#blockedAt = null
    this.#makeRoom()
  }

  #over(): Ended {
    return { type: 'ended', ending: this.#ending ?? { type: 'closed', stage: 'idle' } }
  }

  #makeRoom(): void {
    this.#room?.resolve()
    this.#room = null
  }

  #block(): void {
    this.#blockedAt = this.#options.clock.monotonic()
    this.#arm()
  }

  // Expectations and their time

  #makeExpectation(options: {
    readonly stage: ClientStage
    readonly timeout: number
    readonly answer?: 'final' | 'intermediate' | 'both'
    readonly silence?: boolean
    readonly content?: 'data' | 'chunk'
  }): Expectation {
    return new Expectation({
      stage: options.stage,
      timeout: options.timeout,
      answer: options.answer ?? 'final',
      silence: options.silence ?? false,
      content: options.content ?? 'none',
      sentAt: options.content === undefined ? this.#options.clock.monotonic() : null,
      finished: (expectation) => {
        // What was written to a session that had ended reached nobody.
        if (this.#ending !== null) return
        expectation.sentAt = this.#options.clock.monotonic()
        this.#arm()
      },
    })
  }

  #expect(options: {
    readonly stage: ClientStage
    readonly timeout: number
    readonly answer?: 'final' | 'intermediate' | 'both'
    readonly silence?: boolean
  }): Promise<Heard> {
    const expectation = this.#makeExpectation(options)
    this.#expected.push(expectation)
    if (this.#expected.length === 1) this.#arm()
    return expectation.heard
  }

  /** What the session is at: what it waits for, as far as that is sent. */
  #stage(): ClientStage {
    const [head] = this.#expected
    if (head === undefined) return this.#silence === 'none' ? 'idle' : 'tls'
    return head.complete ? head.stage : 'content'
  }

  #dueAt(): number {
    const [head] = this.#expected
    const blocked = this.#blockedUntil()
    if (head === undefined || head.sentAt === null) return blocked
    return Math.min(blocked, Math.max(head.sentAt, this.#heardAt) + head.timeout)
  }

  /** A server that refused a chunk may be reading no more: it is left as after QUIT. */
  #blockedUntil(): number {
    const { timeouts } = this.#options
    if (this.#blockedAt === null) return Number.POSITIVE_INFINITY
    if (this.#draining === null) return this.#blockedAt + timeouts.content
    return Math.max(this.#blockedAt, this.#draining.since) + Math.min(timeouts.quit, timeouts.content)
  }

  /** Makes sure that the timer fires when something is due or before; firing early only arms it again. */
  #arm(): void {
    const at = this.#dueAt()
    if (this.#ending !== null || at === Number.POSITIVE_INFINITY) return
    if (this.#timer !== null) {
      if (this.#timerAt <= at) return
      this.#timer.cancel()
    }
    this.#timerAt = at
    const delay = Math.max(0, Math.ceil(at - this.#options.clock.monotonic()))
    this.#timer = this.#options.clock.after(delay, () => this.#tick())
  }

  #tick(): void {
    this.#timer = null
    const now = this.#options.clock.monotonic()
    if (now < this.#dueAt()) {
      this.#arm()
      return
    }
    if (this.#draining !== null) {
      this.end({ type: 'cut-short', stage: 'content', problem: this.#draining.verbatim })
      return
    }
    const [head] = this.#expected
    const waited = head?.sentAt == null ? this.#options.timeouts.content : head.timeout
    this.end({ type: 'timed-out', stage: this.#stage(), milliseconds: waited })
  }

  #finish(ending: SessionEnding): void {
    if (this.#ending !== null) return
    this.#ending = ending
    this.tell('note', describeEnding(ending))
    this.#timer?.cancel()
    this.#timer = null
    const connection = this.#connection
    connection.onData = noOperation
    connection.onEnd = noOperation
    connection.onClose = noOperation
    connection.onDrain = noOperation
    for (const expectation of this.#expected.splice(0)) expectation.resolve({ type: 'ended', ending })
    this.#makeRoom()
    this.#resolveEnded(ending)
  }
}

function codeOf(error: Error): string | null {
  return 'code' in error && typeof error.code === 'string' ? error.code : null
}

function describe(error: Error): string {
  const code = codeOf(error)
  return code === null || error.message.includes(code) ? error.message : `${error.message} (${code})`
}

/** In words, for people. */
export function describeEnding(ending: SessionEnding): string {
  switch (ending.type) {
    case 'closed':
      return 'the connection was closed by us'
    case 'lost':
      return `the connection was lost: ${ending.error}`
    case 'timed-out':
      return `no answer within ${ending.milliseconds / 1000} s`
    case 'farewell':
      return `the server closes: ${ending.reply.verbatim}`
    case 'nonsense':
      return `the server does not speak the protocol: ${ending.problem}`
    case 'cut-short':
      return `the server refused the content before its end: ${ending.problem}`
    case 'handshake-failed':
      return `the TLS handshake failed: ${ending.error}`
  }
}
