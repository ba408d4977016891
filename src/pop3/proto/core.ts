// The POP3 server's protocol machine (RFC 1939): octets in, replies and questions out. One object per connection.
//
// - Commands are worked on in turn, each answered before the next is read (RFC 2449 §6.6). The replies to commands that came
//   together leave together, up to `writeBatch` octets.
// - After that many octets the core asks the handler to `drain`, which a pump answers only when the client has read: a
//   thousand LISTs in one segment cost the memory of one piece of one listing.
// - Octets behind STLS in the same segment end the session; they are never interpreted (RFC 2595 §4).
// - A time-out, the end of the connection or a stop is not QUIT: nothing is removed (RFC 1939 §3, §6).
import { Buffer } from 'node:buffer'
import { tryDecodeUtf8 } from '../../sasl/prepare.ts'
import { continueAuth } from './commands/auth.ts'
import { commandTable } from './commands/table.ts'
import { LineReader } from './line-reader.ts'
import { replies } from './replies.ts'
import type { Core, Output, TlsState } from '../../base/core.ts'
import type { Line } from './line-reader.ts'
import type { Pop3Answer, Pop3Question } from './questions.ts'
import type { Pop3Settings, Session, Step } from './session.ts'

type Pop3Output = Output<Pop3Question>

export class Pop3Core implements Core<Pop3Question, Pop3Answer> {
  readonly #settings: Pop3Settings
  readonly #input = new LineReader()
  #session: Session
  /** What the answer to the outstanding question leads to. */
  #then: ((answer: Pop3Answer) => Step) | null = null
  /** The deadline for logging in still stands. */
  #mustLogIn = true
  #badCommands = 0
  #failedLogins = 0
  #outputs: Pop3Output[] = []
  /** Replies not yet put into `#outputs`. */
  #pending: (string | Uint8Array)[] = []
  #pendingBytes = 0

  constructor(settings: Pop3Settings) {
    this.#settings = settings
    this.#session = freshSession(settings, null)
  }

  open(tls: TlsState | null): Pop3Output[] {
    this.#session = freshSession(this.#settings, tls)
    this.#write(replies.greeting(this.#settings.hostname))
    this.#flush()
    const { idleTimeout, loginTimeout } = this.#settings.limits
    this.#outputs.push({ type: 'time-out', milliseconds: idleTimeout })
    // Who only trickles octets and never logs in is sent away all the same.
    this.#outputs.push({ type: 'deadline', milliseconds: loginTimeout })
    return this.#take()
  }

  receive(bytes: Uint8Array): Pop3Output[] {
    if (this.#session.state.name === 'closed') return []
    this.#input.push(bytes)
    if (this.#then === null) this.#work()
    return this.#take()
  }

  answer(answer: Pop3Answer): Pop3Output[] {
    const then = this.#then
    if (then === null) throw new Error('an answer without a question')
    this.#then = null
    this.#apply(then(answer))
    this.#work()
    return this.#take()
  }

  secured(tls: TlsState): Pop3Output[] {
    // RFC 2595 §4: still AUTHORIZATION, with nothing known from before; no second greeting.
    this.#session = freshSession(this.#settings, tls)
    return this.#take()
  }

  // RFC 1939 §3: the connection is closed without removing messages and without any response.
  expire(): Pop3Output[] {
    return this.#end()
  }

  ended(): Pop3Output[] {
    return this.#end()
  }

  shutdown(): Pop3Output[] {
    return this.#end()
  }

  #end(): Pop3Output[] {
    if (this.#session.state.name !== 'closed') this.#close('')
    return this.#take()
  }

  /** Works off whole lines until something has to be waited for. */
  #work(): void {
    while (this.#then === null && !this.#isOver()) {
      if (this.#pendingBytes >= this.#settings.limits.writeBatch) {
        this.#ask({ type: 'drain' }, () => ({ type: 'reply', text: '' }))
        return
      }
      const { state } = this.#session
      const { lineBytes, saslResponseBytes } = this.#settings.limits
      const line = this.#input.next(state.name === 'authenticating' ? saslResponseBytes : lineBytes)
      if (line === undefined) return
      this.#apply(this.#runLine(line))
    }
  }

  #isOver(): boolean {
    const last = this.#outputs.at(-1)
    return this.#session.state.name === 'closed' || last?.type === 'start-tls'
  }

  #runLine(line: Line): Step {
    const { state } = this.#session
    const text = line.type === 'line' ? tryDecodeUtf8(line.bytes) : undefined
    if (state.name === 'authenticating') {
      // What cannot be a response ends the exchange like one that is not base64 (RFC 5034 §4).
      return continueAuth(this.#session, state.exchange, text ?? '!')
    }
    if (line.type === 'too-long') return { type: 'bad', text: replies.lineTooLong }
    if (line.type === 'malformed') return { type: 'bad', text: replies.lineMalformed }
    return text === undefined ? { type: 'bad', text: replies.notUtf8 } : this.#runCommand(text)
  }

  #runCommand(text: string): Step {
    const space = text.indexOf(' ')
    // RFC 1939 §3: a case-insensitive keyword, then arguments, each behind a single space.
    const name = (space === -1 ? text : text.slice(0, space)).toUpperCase()
    const command = commandTable.get(name)
    if (command === undefined) return { type: 'bad', text: replies.unknownCommand }
    const state = this.#session.state.name === 'transaction' ? 'transaction' : 'authorization'
    if (!command.states.includes(state)) {
      return { type: 'bad', text: state === 'transaction' ? replies.onlyBeforeLogin : replies.onlyAfterLogin }
    }
    return command.run(this.#session, space === -1 ? '' : text.slice(space + 1))
  }

  #apply(step: Step): void {
    switch (step.type) {
      case 'reply':
        this.#write(step.text)
        this.#noteLogin()
        return
      case 'bad':
        this.#write(step.text)
        this.#countError(++this.#badCommands, this.#settings.limits.badCommands)
        return
      case 'login-failed':
        this.#write(step.text)
        this.#countError(++this.#failedLogins, this.#settings.limits.failedLogins)
        return
      case 'message':
        this.#write(step.first)
        this.#write(step.bytes)
        this.#write(replies.end)
        return
      case 'listing':
        this.#list(step.pieces)
        return
      case 'ask':
        if (step.text !== undefined) this.#write(step.text)
        this.#ask(step.question, step.then)
        return
      case 'start-tls':
        this.#startTls()
        return
      case 'close':
        this.#close(step.text)
    }
  }

  #list(pieces: Iterator<string>): void {
    for (;;) {
      const { done, value } = pieces.next()
      if (done === true) return
      this.#write(value)
      if (this.#pendingBytes < this.#settings.limits.writeBatch) continue
      this.#ask({ type: 'drain' }, () => ({ type: 'listing', pieces }))
      return
    }
  }

  #ask(question: Pop3Question, then: (answer: Pop3Answer) => Step): void {
    // Replies stay gathered only while a small message may join them: what is gathered belongs to commands that came
    // together with the one that asks. Whatever else the handler does, the client hears first what was said before.
    if (question.type !== 'retrieve') this.#flush()
    this.#then = then
    this.#outputs.push({ type: 'ask', question })
  }

  #startTls(): void {
    if (!this.#input.isEmpty) {
      this.#close(replies.stlsInjected)
      return
    }
    this.#write(replies.stlsReady)
    this.#flush()
    this.#outputs.push({ type: 'start-tls' })
  }

  #countError(count: number, limit: number): void {
    if (limit > 0 && count >= limit) this.#close(replies.tooManyErrors)
  }

  #noteLogin(): void {
    if (!this.#mustLogIn || this.#session.state.name !== 'transaction') return
    this.#mustLogIn = false
    this.#flush()
    this.#outputs.push({ type: 'deadline', milliseconds: null })
  }

  #close(text: string): void {
    this.#session.state = { name: 'closed' }
    this.#write(text)
    this.#flush()
    this.#outputs.push({ type: 'close' })
  }

  #write(bytes: string | Uint8Array): void {
    if (bytes.length === 0) return
    this.#pending.push(bytes)
    this.#pendingBytes += bytes.length
  }

  #flush(): void {
    const pending = this.#pending
    if (pending.length === 0) return
    this.#pending = []
    this.#pendingBytes = 0
    const texts = pending.filter((piece) => typeof piece === 'string')
    const bytes =
      texts.length === pending.length
        ? texts.join('')
        : Buffer.concat(pending.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece)))
    this.#outputs.push({ type: 'write', bytes })
  }

  #take(): Pop3Output[] {
    if (this.#then === null) this.#flush()
    const outputs = this.#outputs
    this.#outputs = []
    return outputs
  }
}

function freshSession(settings: Pop3Settings, tls: TlsState | null): Session {
  return { settings, tls, state: { name: 'authorization', username: null }, utf8: false }
}
