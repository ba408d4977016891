// One IMAP session as a core: bytes in, outputs out (`src/base/core.ts`).
//
// - Commands are done one after the other, in the order in which they came (RFC 3501 §5.5 lets a server do so); what is sent
//   ahead waits in the fragmenter.
// - What is under way (a question, a SASL exchange, an APPEND, IDLE, a handshake) is one value, `#activity`; the protocol
//   state of RFC 3501 §3 is another. Nothing else says where the session is.
// - Untagged responses of commands are written by the handler; tagged ones, continuations, the greeting and BYE only here.
// - Refuses plaintext behind STARTTLS, more BAD commands and failed log-ins than the limits, and to read what is too big.
import { AppendDialogue } from './append-dialogue.ts'
import { isAsking, loginRefusals } from './activity.ts'
import { capabilityData } from './capabilities.ts'
import { Cursor } from './grammar/cursor.ts'
import { encodeCondition } from './encode/responses.ts'
import { enableModes, noModes } from './modes.ts'
import { Fragmenter } from './fragments.ts'
import { limitsBeforeLogin } from './session-options.ts'
import { prepareCommand, tryTag } from './prepare.ts'
import { Voice } from './voice.ts'
import { Secret } from '../../base/secret.ts'
import { SaslDialogue } from '../../sasl/dialogue.ts'
import { offerMechanisms, tryFindMechanism } from '../../sasl/mechanisms.ts'
import { tryPrepare } from '../../sasl/prepare.ts'
import type { Activity, State } from './activity.ts'
import type { Announced, AppendMove } from './append-dialogue.ts'
import type {
  CommandContext,
  CommandRow,
  Effect,
  ImapAnswer,
  ImapQuestion,
  StateName,
} from './commands/command.ts'
import type { CommandPart, Fragment } from './fragments.ts'
import type { Core, TlsState } from '../../base/core.ts'
import type { DialogueStep } from '../../sasl/dialogue.ts'
import type { Modes } from './modes.ts'
import type { ImapOutput } from './voice.ts'
import type { ImapSessionOptions } from './session-options.ts'
import type { Prepared } from './prepare.ts'
import type { SaslFailure, SaslMechanismName } from '../../sasl/mechanism.ts'

type AppendEffect = Extract<Effect, { do: 'append' }>
type Done = Extract<ImapAnswer, { type: 'done' }>

const reading: Activity = { doing: 'reading' }

/** Commands that may end in a literal which is not an argument. */
const streaming = /^[^ ]+ (?:APPEND|REPLACE|UID REPLACE) /i

/** RFC 9051 §6.2.1, and every server's lesson since 2011: what came in clear behind STARTTLS is never interpreted. */
const injectedText = 'Plain text after STARTTLS'

/** The core of one session. */
export class ImapSession implements Core<ImapQuestion, ImapAnswer> {
  readonly #options: ImapSessionOptions
  readonly #fragmenter: Fragmenter
  #state: State = { name: 'not-authenticated', failures: 0 }
  #activity: Activity = reading
  #modes: Modes = noModes
  #tls: TlsState | null = null
  #compressed = false
  /** Of the account that has logged in. */
  #hidden: readonly string[] = []
  #badCommands = 0
  /** Octets that came while a question was out, since everything was last worked off. */
  #sentAhead = 0
  readonly #voice = new Voice()

  constructor(options: ImapSessionOptions) {
    this.#options = options
    this.#fragmenter = new Fragmenter(limitsBeforeLogin(options.limits))
  }

  get state(): StateName {
    return this.#state.name
  }

  open(tls: TlsState | null): ImapOutput[] {
    this.#tls = tls
    const { loginTimeout, loginDeadline } = this.#options.limits
    this.#voice.push({ type: 'time-out', milliseconds: loginTimeout })
    this.#voice.push({ type: 'deadline', milliseconds: loginDeadline })
    // RFC 3501 §7.1.1: the greeting may carry the capabilities and save the client a round trip.
    const code = `CAPABILITY ${this.#capabilities()}`
    this.#voice.write(`* ${encodeCondition('OK', code, `${this.#options.hostname} IMAP4rev1 ready`)}`)
    return this.#voice.take()
  }

  receive(bytes: Uint8Array): ImapOutput[] {
    if (this.#activity.doing === 'nothing') return []
    if (this.#activity.doing === 'handshake') {
      this.#bye(injectedText)
      return this.#voice.take()
    }
    this.#fragmenter.push(bytes)
    // Nothing may be emitted while a question is out; what is over the limit ends the session at the answer.
    if (isAsking(this.#activity)) {
      this.#sentAhead += bytes.length
      return []
    }
    this.#work()
    return this.#voice.take()
  }

  answer(answer: ImapAnswer): ImapOutput[] {
    this.#take(answer)
    this.#work()
    return this.#voice.take()
  }

  secured(tls: TlsState): ImapOutput[] {
    this.#tls = tls
    this.#activity = reading
    // RFC 3501 §6.2.1: what was known before TLS is forgotten; nothing was buffered, else the session had ended.
    this.#work()
    return this.#voice.take()
  }

  expire(): ImapOutput[] {
    if (isAsking(this.#activity) || this.#activity.doing === 'nothing') return []
    this.#bye('Autologout; idle for too long')
    return this.#voice.take()
  }

  ended(): ImapOutput[] {
    if (this.#activity.doing === 'nothing') return []
    this.#close()
    return this.#voice.take()
  }

  shutdown(): ImapOutput[] {
    if (this.#activity.doing === 'nothing') return []
    // RFC 3501 §7.1.5: announced with an untagged BYE; RFC 5530 §3 UNAVAILABLE invites to come back.
    this.#bye('The server is stopping', 'UNAVAILABLE')
    return this.#voice.take()
  }

  // Outputs

  #ask(question: ImapQuestion): void {
    this.#voice.push({ type: 'ask', question })
  }

  #bye(text: string, code: string | null = null): void {
    this.#voice.write(`* ${encodeCondition('BYE', code, text)}`)
    this.#close()
  }

  #close(): void {
    this.#state = { name: 'logout' }
    this.#activity = { doing: 'nothing' }
    this.#voice.push({ type: 'close' })
  }

  // Input

  /** Works through what has arrived until something must be waited for. */
  #work(): void {
    while (this.#activity.doing !== 'nothing' && !isAsking(this.#activity)) {
      if (this.#activity.doing === 'handshake') return
      if (this.#sentAhead > this.#options.limits.pipelined) {
        return this.#bye('Too much was sent ahead')
      }
      const fragment = this.#fragmenter.next()
      if (fragment === undefined) {
        this.#sentAhead = 0
        return
      }
      this.#onFragment(fragment)
    }
  }

  #onFragment(fragment: Fragment): void {
    if (fragment.type === 'hopeless') return this.#bye('Too much data that cannot be used', 'TOOBIG')
    const activity = this.#activity
    switch (activity.doing) {
      case 'authenticating':
        return this.#onSaslLine(activity, fragment)
      case 'idling':
        return this.#onIdleLine(activity, fragment)
      case 'appending':
        return this.#append(activity.dialogue.fragment(fragment), activity.dialogue)
      default:
        return this.#onCommandFragment(fragment)
    }
  }

  #onCommandFragment(fragment: Fragment): void {
    if (fragment.type === 'command') return this.#onCommand(fragment.parts)
    if (fragment.type === 'literal') return this.#onLiteral(fragment)
    if (fragment.type !== 'refused') throw new Error(`unexpected ${fragment.type}`)
    const text =
      fragment.reason === 'line-too-long'
        ? 'The command line is too long'
        : 'Lines end with CRLF, not with LF'
    this.#bad(tryTag([{ text: fragment.head, literal: null }]), text)
  }

  #onCommand(parts: readonly CommandPart[]): void {
    const prepared = this.#read(new Cursor(parts, { modes: this.#modes }))
    if (prepared.type === 'refused') return this.#refuseSyntax(prepared)
    if (prepared.type === 'wanted') throw new Error('a whole command wants a literal')
    this.#carryOut(prepared.tag, prepared.row, prepared.effect)
  }

  /** A literal is announced: is the command right so far, and may it have one? */
  #onLiteral(fragment: Extract<Fragment, { type: 'literal' }>): void {
    const { parts, size, synchronizing, tooBig } = fragment
    // Looked at for the first two literals only, so that many small ones cost no more than their octets; the parts of an APPEND
    // are counted.
    const prepared: Prepared =
      parts.length <= 2 || streaming.test(parts[0]?.text ?? '')
        ? this.#read(new Cursor(parts, { pending: true, modes: this.#modes }))
        : { type: 'wanted', tag: tryTag(parts), tooBig: null }
    if (prepared.type === 'refused') {
      this.#fragmenter.refuse()
      return this.#refuseSyntax(prepared)
    }
    if (prepared.type === 'ready') {
      if (prepared.effect.do === 'answer') {
        // Refused before its octets come.
        this.#fragmenter.refuse()
        return this.#carryOut(prepared.tag, prepared.row, prepared.effect)
      }
      if (prepared.effect.do !== 'append') throw new Error('a literal is announced that nothing reads')
      return this.#beginAppend(prepared.tag, prepared.effect, { size, synchronizing })
    }
    if (tooBig) {
      // RFC 7888 §4: a tagged answer where the octets can be dropped; `hopeless` follows with BYE where they cannot.
      if (this.#fragmenter.refuse() === 'hopeless') return
      const { tag, tooBig: refusal } = prepared
      if (tag !== null && refusal !== null) return this.#voice.tagged(tag, 'NO', refusal)
      return this.#bad(tag, 'The literal is too big', 'TOOBIG')
    }
    if (synchronizing) this.#voice.continuation('Ready for the literal')
    this.#fragmenter.collect()
  }

  #read(cursor: Cursor): Prepared {
    return prepareCommand(cursor, this.#options.limits, this.#context())
  }

  #refuseSyntax(refused: Extract<Prepared, { type: 'refused' }>): void {
    const { tag, status, code, text } = refused
    if (status === 'BAD' || tag === null) return this.#bad(tag, text)
    this.#voice.tagged(tag, status, { code, text })
  }

  /** RFC 3501 §7.1.3: BAD is tagged where the tag could be read. */
  #bad(tag: string | null, text: string, code: string | null = null): void {
    if (this.#activity.doing === 'nothing') return
    this.#voice.write(`${tag ?? '*'} ${encodeCondition('BAD', code, text)}`)
    const { badCommands, badCommandsBeforeLogin } = this.#options.limits
    const most = this.#state.name === 'not-authenticated' ? badCommandsBeforeLogin : badCommands
    if (++this.#badCommands >= most) this.#bye('Too many commands that make no sense')
  }

  // Commands

  #context(): CommandContext {
    return {
      state: this.#state.name,
      modes: this.#modes,
      tls: this.#tls,
      capabilities: () => this.#capabilities(),
      compressed: this.#compressed,
      startTlsOffered: this.#startTlsOffered(),
      mechanisms: this.#mechanisms(),
      loginAllowed: this.#loginAllowed(),
      jmapUrl: this.#options.jmapUrl ?? null,
    }
  }

  #startTlsOffered(): boolean {
    return this.#options.startTls && this.#tls === null
  }

  #loginAllowed(): boolean {
    return this.#tls !== null || this.#options.clearTextAllowed
  }

  #mechanisms(): SaslMechanismName[] {
    const { clearTextAllowed, scram, cramMd5 = false, tokens = false, certificates = false } = this.#options
    return offerMechanisms({ tls: this.#tls, clearTextAllowed, scram, cramMd5, tokens, certificates })
  }

  #capabilities(): string {
    return capabilityData({
      loggedIn: this.#state.name === 'authenticated' || this.#state.name === 'selected',
      startTlsOffered: this.#startTlsOffered(),
      loginAllowed: this.#loginAllowed(),
      mechanisms: this.#mechanisms(),
      hidden: this.#hidden,
      messageSize: this.#options.limits.messageSize,
      messageLimit: this.#options.limits.messageLimit,
      saveLimit: this.#options.limits.saveLimit,
      jmapAccess: (this.#options.jmapUrl ?? null) !== null,
      compressed: this.#compressed,
    })
  }

  #carryOut(tag: string, row: CommandRow, effect: Effect): void {
    switch (effect.do) {
      case 'answer':
        if (effect.untagged !== undefined) this.#voice.write(effect.untagged)
        return this.#voice.tagged(tag, effect.status, effect)
      case 'request':
        this.#modes = effect.modes ?? this.#modes
        this.#activity = { doing: 'asking', tag, command: row.name }
        return this.#ask({ type: 'request', tag, request: effect.request, modes: this.#modes })
      case 'enable':
        return this.#enable(tag, effect.names)
      case 'compress':
        return this.#compress(tag)
      case 'unauthenticate':
        // RFC 8437 §3: a server that cannot reset its state may say goodbye. Compression cannot be taken off again here.
        if (this.#compressed) return this.#bye('Compression cannot be ended')
        this.#activity = { doing: 'unauthenticating', tag }
        return this.#ask({ type: 'unauthenticate' })
      case 'log-in':
        return this.#checkLogin(tag, effect)
      case 'authenticate':
        return this.#beginSasl(tag, effect)
      case 'start-tls':
        if (this.#fragmenter.buffered > 0) return this.#bye(injectedText)
        // RFC 3501 §6.2.1: the handshake begins right behind the CRLF of this answer.
        this.#voice.tagged(tag, 'OK', { text: 'Begin TLS negotiation now' })
        this.#activity = { doing: 'handshake' }
        this.#voice.push({ type: 'start-tls' })
        return
      case 'idle':
        this.#activity = { doing: 'idling', tag, at: 'starting', complaint: null }
        this.#voice.continuation('Idling')
        return this.#ask({ type: 'idle', modes: this.#modes })
      case 'log-out':
        // RFC 3501 §6.1.3: BYE before the tagged OK.
        this.#voice.write(`* ${encodeCondition('BYE', null, 'Logging out')}`)
        this.#voice.tagged(tag, 'OK', { text: 'Bye' })
        return this.#close()
      case 'append':
        return this.#beginAppend(tag, effect, null)
    }
  }

  /** RFC 5161 §3.1, §3.2 */
  #enable(tag: string, names: readonly string[]): void {
    const { modes, enabled } = enableModes(this.#modes, names)
    this.#modes = modes
    this.#voice.write(`* ${['ENABLED', ...enabled].join(' ')}\r\n`)
    // The handler learns of it now, since with NOTIFY it speaks between commands. RFC 7162 §3.1: and it tells HIGHESTMODSEQ.
    if (enabled.length > 0) {
      this.#activity = { doing: 'asking', tag, command: 'ENABLE' }
      return this.#ask({ type: 'request', tag, request: { name: 'ENABLE' }, modes })
    }
    this.#voice.tagged(tag, 'OK', { text: 'Nothing to enable' })
  }

  /** RFC 4978 §3: the client waits for the answer, and everything behind it is compressed. */
  #compress(tag: string): void {
    if (this.#fragmenter.buffered > 0) return this.#bye('Plain text after COMPRESS')
    this.#voice.tagged(tag, 'OK', { text: 'DEFLATE active' })
    this.#compressed = true
    this.#voice.push({ type: 'compress' })
  }

  /** RFC 8437 §3, §4.1: all state goes but that of TLS. */
  #unauthenticated(tag: string): void {
    const { loginTimeout, loginDeadline } = this.#options.limits
    this.#activity = reading
    this.#state = { name: 'not-authenticated', failures: 0 }
    this.#modes = noModes
    this.#hidden = []
    this.#fragmenter.setLimits(limitsBeforeLogin(this.#options.limits))
    this.#voice.push({ type: 'time-out', milliseconds: loginTimeout })
    this.#voice.push({ type: 'deadline', milliseconds: loginDeadline })
    this.#voice.tagged(tag, 'OK', { code: `CAPABILITY ${this.#capabilities()}`, text: 'Nobody is logged in' })
  }

  // Log-in

  #checkLogin(tag: string, effect: Extract<Effect, { do: 'log-in' }>): void {
    const username = tryPrepare(effect.username)
    const password = tryPrepare(effect.password)
    if (username === undefined || password === undefined) return this.#refuseLogin(tag, 'bad-credentials')
    this.#activity = { doing: 'checking', tag, username }
    this.#ask({
      type: 'sasl',
      mechanism: 'LOGIN command',
      question: { type: 'check-password', username, authorizationId: null, password: new Secret(password) },
    })
  }

  #beginSasl(tag: string, effect: Extract<Effect, { do: 'authenticate' }>): void {
    const offered = this.#mechanisms()
    const mechanism = tryFindMechanism(effect.mechanism, offered)
    if (mechanism === undefined) {
      const plain = effect.mechanism === 'PLAIN' || effect.mechanism === 'LOGIN'
      if (plain && !this.#loginAllowed()) {
        return this.#voice.tagged(tag, 'NO', { code: 'PRIVACYREQUIRED', text: 'Use STARTTLS first' })
      }
      return this.#voice.tagged(tag, 'NO', { text: 'This mechanism is not offered' })
    }
    const { random, serverSecret, scramIterations, hostname } = this.#options
    const dialogue = new SaslDialogue(mechanism, {
      tls: this.#tls,
      offered,
      random,
      hostname,
      serverSecret,
      scramIterations,
    })
    const exchange = { tag, mechanism: mechanism.name, dialogue }
    this.#carrySasl(exchange, dialogue.begin(effect.initialResponse))
  }

  #onSaslLine(activity: Extract<Activity, { doing: 'authenticating' }>, fragment: Fragment): void {
    if (fragment.type === 'command') {
      const text = fragment.parts[0]?.text ?? ''
      return this.#carrySasl(activity, activity.dialogue.line(text))
    }
    if (fragment.type === 'literal') this.#fragmenter.refuse()
    this.#carrySasl(activity, { type: 'failure', reason: 'malformed', username: null })
  }

  #carrySasl(
    exchange: { tag: string; mechanism: SaslMechanismName; dialogue: SaslDialogue },
    step: DialogueStep,
  ): void {
    const { tag, mechanism, dialogue } = exchange
    switch (step.type) {
      case 'challenge':
        this.#activity = { doing: 'authenticating', tag, mechanism, dialogue, waiting: 'line' }
        return this.#voice.continuation(step.text)
      case 'success': {
        const { username, authorizationId } = step
        this.#activity = { doing: 'logging-in', tag }
        return this.#ask({ type: 'log-in', mechanism, username, authorizationId })
      }
      case 'failure': {
        const { reason, username } = step
        this.#activity = { doing: 'failing', tag, reason }
        return this.#ask({ type: 'login-failed', mechanism, reason, username })
      }
      case 'cancelled':
        // RFC 3501 §6.2.2: "If the client wishes to cancel … the server MUST reject … with a tagged BAD".
        this.#activity = reading
        return this.#bad(tag, 'AUTHENTICATE was cancelled')
      default:
        this.#activity = { doing: 'authenticating', tag, mechanism, dialogue, waiting: 'answer' }
        return this.#ask({ type: 'sasl', mechanism, question: step })
    }
  }

  #refuseLogin(tag: string, reason: SaslFailure): void {
    this.#activity = reading
    const [status, code, text] = loginRefusals[reason]
    this.#refuseWith({ type: 'done', status, code: code ?? undefined, text }, tag)
  }

  #enter(done: Done, tag: string): void {
    this.#activity = reading
    if (done.status !== 'OK') return this.#refuseWith(done, tag)
    this.#state = { name: 'authenticated' }
    this.#hidden = done.hidden ?? []
    this.#badCommands = 0
    this.#fragmenter.setLimits(this.#options.limits)
    this.#voice.push({ type: 'time-out', milliseconds: this.#options.limits.timeout })
    this.#voice.push({ type: 'deadline', milliseconds: null })
    // RFC 3501 §6.2.2, §6.2.3: the new capabilities in the tagged OK save a round trip.
    this.#voice.tagged(tag, 'OK', { code: `CAPABILITY ${this.#capabilities()}`, text: done.text })
  }

  #refuseWith(done: Done, tag: string): void {
    this.#voice.tagged(tag, done.status, done)
    if (this.#state.name !== 'not-authenticated') return
    const failures = this.#state.failures + 1
    this.#state = { name: 'not-authenticated', failures }
    // RFC 3501 §11.2: a server SHOULD limit failed attempts.
    if (failures === this.#options.limits.loginFailures) this.#bye('Too many failed log-ins')
  }

  // IDLE

  #onIdleLine(activity: Extract<Activity, { doing: 'idling' }>, fragment: Fragment): void {
    const { tag } = activity
    if (fragment.type === 'literal') this.#fragmenter.refuse()
    const line = fragment.type === 'command' ? (fragment.parts[0]?.text ?? '') : null
    // RFC 2177 §4: `idle = "IDLE" CRLF "DONE"`
    const complaint = line?.toUpperCase() === 'DONE' ? null : 'Expected DONE'
    this.#activity = { doing: 'idling', tag, at: 'ending', complaint }
    this.#ask({ type: 'idle-done' })
  }

  // APPEND

  #beginAppend(tag: string, effect: AppendEffect, announced: Announced | null): void {
    const { messageSize } = this.#options.limits
    const dialogue = new AppendDialogue(tag, effect, { messageSize, modes: this.#modes })
    this.#append(dialogue.begin(announced), dialogue)
  }

  #append(move: AppendMove, dialogue: AppendDialogue): void {
    this.#activity = { doing: 'appending', dialogue }
    switch (move.move) {
      case 'ask':
        return this.#ask(move.question)
      case 'wait':
        return
      case 'stream':
      case 'collect':
        if (move.synchronizing) this.#voice.continuation('Ready for the message')
        return move.move === 'stream' ? this.#fragmenter.stream() : this.#fragmenter.collect()
      case 'finish':
        this.#activity = reading
        if (move.drop === 'rest') this.#fragmenter.abandon()
        if (move.drop === 'literal' && this.#dropLiteral(move.done) === 'hopeless') return
        if (move.done.status === 'BAD') return this.#bad(dialogue.tag, move.done.text)
        return this.#finish(dialogue.tag, move.done)
    }
  }

  /** A message that is refused before it was sent: up to its size limit it is read and dropped (RFC 7888 §4). */
  #dropLiteral(done: Done): 'dropped' | 'hopeless' {
    const { messageSize } = this.#options.limits
    return done.code === 'TOOBIG' ? this.#fragmenter.refuse() : this.#fragmenter.refuse(messageSize)
  }

  // Answers

  #take(answer: ImapAnswer): void {
    const activity = this.#activity
    switch (activity.doing) {
      case 'asking':
        return this.#finish(activity.tag, answer)
      case 'authenticating':
        if (answer.type === 'done') return this.#endSasl(activity.tag, answer)
        if (answer.type !== 'sasl') throw new Error('a SASL question was answered with something else')
        return this.#carrySasl(activity, activity.dialogue.resume(answer.answer))
      case 'checking':
        return this.#afterPassword(activity, answer)
      case 'logging-in':
        if (answer.type !== 'done') throw new Error('a log-in was not answered')
        return this.#enter(answer, activity.tag)
      case 'unauthenticating':
        return this.#unauthenticated(activity.tag)
      case 'failing':
        return this.#refuseLogin(activity.tag, activity.reason)
      case 'appending':
        return this.#append(activity.dialogue.answered(answer), activity.dialogue)
      case 'idling':
        return this.#afterIdle(activity, answer)
      case 'nothing':
        return
      case 'reading':
      case 'handshake':
        throw new Error('an answer without a question')
    }
  }

  #afterPassword(activity: Extract<Activity, { doing: 'checking' }>, answer: ImapAnswer): void {
    const { tag, username } = activity
    if (answer.type === 'done') return this.#endSasl(tag, answer)
    if (answer.type !== 'sasl') throw new Error('a password was not judged')
    if (answer.answer.type === 'refused') return this.#refuseLogin(tag, answer.answer.reason)
    this.#activity = { doing: 'logging-in', tag }
    this.#ask({ type: 'log-in', mechanism: 'LOGIN command', username, authorizationId: null })
  }

  /** The handler refused in its own words, as when it failed. */
  #endSasl(tag: string, done: Done): void {
    this.#activity = reading
    this.#refuseWith(done.status === 'OK' ? { ...done, status: 'NO' } : done, tag)
  }

  #afterIdle(activity: Extract<Activity, { doing: 'idling' }>, answer: ImapAnswer): void {
    const { tag, at, complaint } = activity
    if (at === 'starting' && answer.type === 'proceed') {
      this.#activity = { doing: 'idling', tag, at: 'waiting', complaint: null }
      return
    }
    if (complaint === null || answer.type !== 'done' || answer.bye === true) return this.#finish(tag, answer)
    this.#activity = reading
    this.#bad(tag, complaint)
  }

  /** The tagged response of a command that the handler did. */
  #finish(tag: string, answer: ImapAnswer): void {
    if (answer.type !== 'done') throw new Error('a command was not answered')
    this.#activity = reading
    if (answer.bye === true) return this.#bye(answer.text, answer.code ?? null)
    if (answer.state !== undefined) this.#state = answer.state
    this.#voice.tagged(tag, answer.status, answer)
  }
}
