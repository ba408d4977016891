// The SMTP server's protocol machine: octets in, replies and questions out (RFC 5321, and the extensions of
// extensions.ts). One object per connection.
//
// - Replies leave in the order of their commands, whatever is pipelined (RFC 2920 §3.2); a question stops everything
//   behind it until it is answered.
// - A session that ends says why first: 221, 421, 521, 554. After that nothing is read.
// - What a peer can cost is bounded: by line, by message, by errors, by silence, and by slowness (`deadline`).
import { Buffer } from 'node:buffer'
import type { Core, Output, TlsState } from '../../base/core.ts'
import { receiveAuthLine } from './commands/auth.ts'
import { missingAdmission, outOfOrder } from './commands/command.ts'
import { commandTable } from './commands/table.ts'
import { InputBuffer, type CommandLine, type LineLimits } from './framing.ts'
import { splitCommand } from './grammar.ts'
import type { SmtpAnswer, SmtpNote, SmtpQuestion } from './questions.ts'
import { Penalties, type Offence } from './penalties.ts'
import { replies, type Reply } from './reply.ts'
import {
  ask,
  closedMode,
  commandMode,
  dropTransaction,
  refusalIn,
  refusedMode,
  replyOf,
  stateOf,
  type Ask,
  type Client,
  type Mode,
  type Session,
  type SmtpSettings,
  type Step,
  type Transaction,
} from './session.ts'

/** RFC 9110 §9.3 and RFC 5789: a browser made to speak to a mail port is an attack on somebody. */
const httpVerbs: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'CONNECT',
  'OPTIONS',
  'TRACE',
  'PATCH',
])

type SmtpOutput = Output<SmtpQuestion>

export class SmtpCore implements Core<SmtpQuestion, SmtpAnswer> {
  readonly #settings: SmtpSettings
  readonly #session: Session
  readonly #input = new InputBuffer()
  #outputs: SmtpOutput[] = []
  /** Replies not yet put into `#outputs`. */
  #text = ''
  /** What the answer to the outstanding question leads to. */
  #then: Ask['then'] | null = null
  /** The verb that is being worked on, for the counting of errors. */
  #verb = ''
  #penalties: Penalties
  /** The reply after which the session ends, where the handler wants that. */
  #lastWord: Reply | null = null
  /** A reply has been said after which nothing more is to be. */
  #leaving = false
  #ended = false
  #stopping = false
  #said: 'open' | 'last' = 'open'
  #timeOut = 0
  #deadline: 'none' | 'line' | 'data' = 'none'
  /** A line has been completed since the deadline was set. */
  #lineDone = false
  /** Octets of content since the deadline was set. */
  #progress = 0

  constructor(settings: SmtpSettings) {
    this.#settings = settings
    this.#penalties = new Penalties(settings.limits, settings.tarpit)
    const client: Client = { name: '', extended: false, tls: null, username: null }
    this.#session = {
      settings,
      client,
      mode: commandMode,
      transaction: null,
      messages: 0,
      domains: new Set(),
      inputWaiting: () => !this.#input.drained || this.#input.midLine,
      forgive: (address) => this.#forgive(address),
    }
  }

  open(tls: TlsState | null): SmtpOutput[] {
    const session = this.#session
    session.client.tls = tls
    this.#perform(
      ask({ type: 'connect', client: session.client }, (reply) => {
        const refusal = refusalIn(reply)
        if (refusal === null) return replies.greeting(this.#settings.hostName, this.#settings.dialect)
        // RFC 5321 §3.1: after 554 the session waits for QUIT; RFC 7504 §3: after 521, and 421, it closes.
        session.mode = refusal.code === 554 ? refusedMode : closedMode
        return refusal
      }),
    )
    return this.#advance()
  }

  receive(bytes: Uint8Array): SmtpOutput[] {
    if (this.#isOver()) return []
    this.#input.push(bytes)
    return this.#advance()
  }

  answer(answer: SmtpAnswer): SmtpOutput[] {
    const then = this.#then
    if (then === null) throw new Error('an answer without a question')
    this.#then = null
    if (answer.type === 'reply' && answer.then === 'close') this.#lastWord = answer.reply
    this.#perform(then(answer))
    return this.#advance()
  }

  secured(tls: TlsState): SmtpOutput[] {
    const session = this.#session
    // RFC 3207 §4.2: everything that the client said before is forgotten.
    session.client.tls = tls
    session.client.name = ''
    session.client.extended = false
    session.client.username = null
    session.mode = commandMode
    return this.#advance()
  }

  expire(): SmtpOutput[] {
    if (this.#then !== null || this.#isOver()) return []
    const reply = this.#deadline === 'data' ? replies.tooSlow : replies.timedOut
    this.#perform(this.#farewell('timed-out', reply))
    return this.#advance()
  }

  ended(): SmtpOutput[] {
    this.#ended = true
    return this.#advance()
  }

  shutdown(): SmtpOutput[] {
    this.#stopping = true
    return this.#advance()
  }

  #mode(): Mode {
    return this.#session.mode
  }

  #isOver(): boolean {
    const { type } = this.#mode()
    return type === 'closed' || type === 'handed-over'
  }

  /** Works on what has come until it is used up or a question is open, and gives all outputs. */
  #advance(): SmtpOutput[] {
    while (this.#then === null) {
      const step = this.#next()
      if (step === undefined) break
      this.#perform(step)
    }
    this.#flush()
    if (this.#then === null) this.#settle()
    const outputs = this.#outputs
    this.#outputs = []
    return outputs
  }

  /** The next thing to do, or undefined where nothing can be done. */
  #next(): Step | undefined {
    const mode = this.#mode()
    if (this.#leaving && mode.type !== 'closed') return this.#leave(() => null)
    switch (mode.type) {
      case 'command':
      case 'refused':
      case 'auth':
        if (this.#stopping) return this.#farewell(null, replies.shuttingDown)
        return this.#line(this.#input.next(this.#lineLimits()))
      case 'data':
        return this.#readData(mode)
      case 'chunk':
        return this.#readChunk(mode)
      case 'url':
        return this.#readUrl(mode)
      case 'handshake':
        // Octets before the handshake; the pump should not let it come to this.
        return this.#input.drained
          ? undefined
          : this.#farewell('injected-plaintext', replies.plaintextBehindTls)
      case 'handed-over':
      case 'closed':
        return undefined
    }
  }

  #perform(step: Step): void {
    if (step === null) return
    switch (step.type) {
      case 'reply':
        this.#reply(step)
        break
      case 'replies':
        for (const reply of step.replies) this.#speak(reply)
        for (const reply of step.replies) this.#punish(reply, 'recipient')
        break
      case 'ask':
        this.#flush()
        this.#then = step.then
        this.#outputs.push({ type: 'ask', question: step.question })
    }
  }

  /** Says a reply; a refusal perhaps later, where there have been many. */
  #reply(reply: Reply): void {
    const offence = reply.code < 500 || this.#isOver() ? null : this.#offence(reply)
    const pause = offence === null ? 0 : this.#penalties.nextPause()
    if (pause === 0) {
      this.#say(reply, offence)
      return
    }
    this.#perform(
      ask({ type: 'pause', milliseconds: pause }, () => {
        this.#say(reply, offence)
        return null
      }),
    )
  }

  /** Another client begins with a clean sheet, under its own tarpit. */
  #forgive(address: string | null): void {
    const { limits, tarpit, tarpitFor } = this.#settings
    const own = address === null || tarpitFor === undefined ? tarpit : tarpitFor(address)
    this.#penalties = new Penalties(limits, own)
  }

  #offence(reply: Reply): Offence {
    if (this.#verb === 'RCPT') return 'recipient'
    return reply === replies.authFailed ? 'log-in' : 'command'
  }

  #say(reply: Reply, offence: Offence | null): void {
    this.#speak(reply)
    if (offence !== null) this.#punish(reply, offence)
  }

  #speak(reply: Reply): void {
    this.#text += reply.wire
    // RFC 5321 §3.8 and RFC 7504 §3: after 421 and 521 the server closes.
    if (reply.code === 421 || reply.code === 521 || reply === this.#lastWord) this.#leaving = true
  }

  #punish(reply: Reply, offence: Offence): void {
    if (reply.code < 500 || this.#leaving || this.#isOver()) return
    const farewell = this.#penalties.count(offence)
    if (farewell !== null) this.#perform(this.#farewell('too-many-errors', farewell))
  }

  /** Ends the session with this reply. */
  #farewell(note: SmtpNote | null, reply: Step): Step {
    const { client } = this.#session
    return this.#leave(() => (note === null ? reply : ask({ type: 'note', note, client }, () => reply)))
  }

  /** Ends the session; what was begun is dropped first. */
  #leave(then: () => Step): Step {
    const { transaction } = this.#session
    this.#session.mode = closedMode
    return transaction === null ? then() : this.#dropped(transaction, then)
  }

  #flush(): void {
    if (this.#text === '') return
    this.#outputs.push({ type: 'write', bytes: this.#text })
    this.#text = ''
  }

  /** The last outputs of a batch: what ends it, and the times. */
  #settle(): void {
    const mode = this.#mode()
    if (this.#said === 'last') return
    if (mode.type === 'closed' || this.#ended) {
      this.#session.mode = closedMode
      this.#said = 'last'
      this.#outputs.push({ type: 'close' })
      return
    }
    if (mode.type === 'handed-over') {
      this.#said = 'last'
      this.#outputs.push({ type: 'hand-over' })
      return
    }
    const { limits } = this.#settings
    const inContent = mode.type === 'data' || mode.type === 'chunk'
    const timeOut = inContent ? limits.dataTimeout : limits.commandTimeout
    if (timeOut !== this.#timeOut) {
      this.#timeOut = timeOut
      this.#outputs.push({ type: 'time-out', milliseconds: timeOut })
    }
    if (inContent) this.#watchContent()
    else this.#watchLine()
    if (mode.type === 'handshake') this.#outputs.push({ type: 'start-tls' })
  }

  /** A message must come on by `minDataProgress` in each `dataTimeout`. */
  #watchContent(): void {
    const { limits } = this.#settings
    // Nothing yet: that is silence, and `time-out` sees to it.
    if (this.#deadline === 'data' ? this.#progress < limits.minDataProgress : this.#progress === 0) return
    this.#deadline = 'data'
    this.#progress = 0
    this.#outputs.push({ type: 'deadline', milliseconds: limits.dataTimeout })
  }

  /** A line that has begun must be whole in `commandTimeout`. */
  #watchLine(): void {
    if (!this.#input.midLine) {
      if (this.#deadline !== 'none') this.#outputs.push({ type: 'deadline', milliseconds: null })
      this.#deadline = 'none'
    } else if (this.#deadline !== 'line' || this.#lineDone) {
      this.#deadline = 'line'
      this.#outputs.push({ type: 'deadline', milliseconds: this.#settings.limits.commandTimeout })
    }
    this.#lineDone = false
    this.#progress = 0
  }

  // Lines

  /** RFC 4954 §4: AUTH lines may be longer than others, so where AUTH may come, the longer limit is the buffer's. */
  #lineLimits(): LineLimits {
    const { limits, sasl } = this.#settings
    const mayBeAuth = sasl !== null && this.#session.client.username === null
    const octets = mayBeAuth ? Math.max(limits.maxCommandSize, limits.maxAuthLineSize) : limits.maxCommandSize
    return { octets, discarded: limits.maxDiscardedLine }
  }

  #line(line: CommandLine): Step | undefined {
    if (line.type === 'incomplete') return undefined
    this.#lineDone = true
    const mode = this.#mode()
    if (line.type === 'line') {
      if (mode.type === 'auth') return receiveAuthLine(this.#session, mode, line.text)
      return this.#command(line.text)
    }
    this.#verb = ''
    switch (line.type) {
      case 'bare-newline':
        return this.#farewell('bare-newline', replies.bareNewline)
      case 'endless':
        return this.#farewell('overlong-line', replies.lineWithoutEnd)
      case 'unreadable':
      case 'overlong': {
        const inAuth = mode.type === 'auth'
        if (inAuth) this.#session.mode = commandMode
        if (line.type === 'unreadable') return inAuth ? replies.authMalformed : replies.unreadable
        return inAuth ? replies.authLineTooLong : replies.lineTooLong
      }
    }
  }

  #command(line: string): Step {
    const session = this.#session
    const { verb, argument } = splitCommand(line)
    this.#verb = verb
    if (session.mode.type === 'refused' && verb !== 'QUIT') return replies.refusedConnection
    // RFC 5321 §4.5.3.1.4, counted with CRLF.
    if (line.length + 2 > this.#settings.limits.maxCommandSize && verb !== 'AUTH') return replies.lineTooLong
    const command = commandTable.get(verb)
    if (command === undefined) {
      if (httpVerbs.has(verb)) return this.#farewell('http-request', replies.notHttp)
      return replies.unknownCommand
    }
    const absent = command.absent?.(session) ?? null
    if (absent !== null) return absent
    const missing = missingAdmission(command.needs, session)
    if (missing !== null) return missing
    const state = stateOf(session)
    return command.states.includes(state) ? command.run(session, argument) : outOfOrder(command, state)
  }

  // Content

  #readData(mode: Mode & { type: 'data' }): Step | undefined {
    const rest = this.#input.takeRest()
    if (rest.length === 0) return undefined
    const piece = mode.reader.read(rest)
    if (piece.used < rest.length) this.#input.unread(rest.subarray(piece.used))
    this.#progress += piece.used
    if (piece.status === 'bare-newline') {
      // RFC 5321 §2.3.8, §4.1.1.4: whoever sends these may mean two messages by one; nothing more is believed.
      return this.#farewell('bare-newline', replies.bareNewline)
    }
    return this.#keep(mode.transaction, piece.content, () => {
      if (piece.status === 'more') return null
      this.#session.mode = commandMode
      return this.#finish(mode.transaction, this.#verdict(mode.reader))
    })
  }

  /** RFC 4468 §3.2: a piece at a time, as if it was a chunk. */
  #readUrl(mode: Mode & { type: 'url' }): Step {
    const { transaction, last } = mode
    return {
      type: 'ask',
      question: { type: 'url-octets' },
      then: (answer) => {
        if (answer.type !== 'octets') return this.#dropped(transaction, () => this.#brokenUrl(answer))
        if (answer.bytes.length > 0) {
          if (transaction.failed === null && transaction.sender.body !== 'BINARYMIME')
            transaction.chunks?.scan(
              Buffer.from(answer.bytes.buffer, answer.bytes.byteOffset, answer.bytes.length),
            )
          return this.#keep(transaction, answer.bytes, () => null)
        }
        this.#session.mode = commandMode
        return last ? this.#lastChunk(transaction) : (transaction.failed ?? replies.urlOk)
      },
    }
  }

  #brokenUrl(answer: SmtpAnswer): Step {
    this.#session.mode = commandMode
    return replyOf(answer) ?? replies.trouble
  }

  #readChunk(mode: Mode & { type: 'chunk' }): Step | undefined {
    const { transaction } = this.#session
    const rest = mode.remaining === 0 ? noBytes : this.#input.takeRest()
    if (mode.remaining > 0 && rest.length === 0) return undefined
    const content = rest.length > mode.remaining ? rest.subarray(0, mode.remaining) : rest
    if (content.length < rest.length) this.#input.unread(rest.subarray(content.length))
    this.#progress += content.length
    mode.remaining -= content.length
    if (mode.refusal !== null || transaction === null) {
      const reply = mode.refusal ?? replies.mailFirst
      // A refused chunk is passed over, so that the next command is found, but not however long it says it is.
      const passed = mode.size - mode.remaining
      if (passed > this.#settings.limits.maxDiscardedMessage) return this.#farewell(null, reply)
      if (mode.remaining > 0) return null
      this.#session.mode = commandMode
      // RFC 2033 §4.3: without recipients "the BDAT LAST command returns zero replies".
      if (mode.last && reply === replies.noRecipientYet) return dropTransaction(this.#session, () => null)
      return reply
    }
    if (transaction.failed === null && transaction.sender.body !== 'BINARYMIME')
      transaction.chunks?.scan(content)
    return this.#keep(transaction, content, () => {
      if (mode.remaining > 0) return null
      this.#session.mode = commandMode
      return mode.last ? this.#lastChunk(transaction) : (transaction.failed ?? replies.chunkOk(mode.size))
    })
  }

  #lastChunk(transaction: Transaction): Step {
    const scanner = transaction.chunks
    if (scanner === null || transaction.sender.body === 'BINARYMIME') return this.#finish(transaction, null)
    scanner.finish()
    return this.#finish(transaction, scanner.hasBareNewline ? replies.contentNewline : this.#verdict(scanner))
  }

  /** What is wrong with content that came in good order. RFC 6152 §3: NUL is for BINARYMIME alone. */
  #verdict(found: { readonly hasNul: boolean; readonly hasLongLine: boolean }): Reply | null {
    if (found.hasNul) return replies.contentNul
    return found.hasLongLine ? replies.contentLineTooLong : null
  }

  /** Hands content on, unless the message is lost already. */
  #keep(transaction: Transaction, content: Uint8Array, then: () => Step): Step {
    const { maxMessageSize, maxDiscardedMessage } = this.#settings.limits
    transaction.octets += content.length
    const excess = maxMessageSize > 0 ? transaction.octets - maxMessageSize : 0
    const goOn = (): Step => {
      return excess > maxDiscardedMessage
        ? this.#farewell(null, this.#forEach(transaction, transaction.failed ?? replies.tooBig))
        : then()
    }
    if (transaction.failed !== null) return goOn()
    // RFC 1870 §6.3: too big is found out while it comes; the rest is read and dropped, then it is said.
    if (excess > 0) return this.#fail(transaction, replies.tooBig, goOn)
    if (content.length === 0) return then()
    return ask({ type: 'content', bytes: content }, (reply) => {
      const refusal = refusalIn(reply)
      return refusal === null ? then() : this.#fail(transaction, refusal, then)
    })
  }

  #fail(transaction: Transaction, reply: Reply, then: () => Step): Step {
    transaction.failed = reply
    return ask({ type: 'reset' }, then)
  }

  /** Forgets the transaction, telling the handler where it does not know yet. */
  #dropped(transaction: Transaction, then: () => Step): Step {
    this.#session.transaction = null
    return transaction.failed === null ? ask({ type: 'reset' }, then) : then()
  }

  /** The message is whole: refuses it, or has it delivered. */
  #finish(transaction: Transaction, verdict: Reply | null): Step {
    const refusal = transaction.failed ?? verdict
    if (refusal !== null) return this.#dropped(transaction, () => this.#forEach(transaction, refusal))
    return {
      type: 'ask',
      question: { type: 'end', client: this.#session.client, envelope: transaction },
      then: (answer) => {
        // RFC 5321 §4.1.1.4: buffers are cleared, whatever the outcome.
        this.#session.transaction = null
        return this.#outcome(transaction, answer)
      },
    }
  }

  #outcome(transaction: Transaction, answer: SmtpAnswer): Step {
    if (answer.type !== 'replies') return this.#forEach(transaction, replyOf(answer) ?? replies.messageOk)
    if (this.#settings.dialect === 'lmtp' && answer.replies.length === transaction.recipients.length)
      return answer
    throw new Error(`${answer.replies.length} replies to a message for ${transaction.recipients.length}`)
  }

  /** The reply to the end of a message: RFC 2033 §4.2, in LMTP one for each accepted recipient. */
  #forEach(transaction: Transaction, reply: Reply): Step {
    if (this.#settings.dialect === 'smtp') return reply
    return { type: 'replies', replies: transaction.recipients.map(() => reply) }
  }
}

const noBytes = Buffer.alloc(0)
