// Answers what the SMTP core asks by the functions of the program, for one connection.
//
// - What a function throws refuses; nothing that it throws ends the session of anybody, nor the process.
// - A message's octets go to its stream with back-pressure; once `onData` has settled, what is left is read and thrown away, so that
//   a function that refuses at once cannot make the rest of the message be read as commands.
import { Readable } from 'node:stream'
import type { Clock } from '../../base/clock.ts'
import type { Handler, Peer, TlsState } from '../../base/core.ts'
import type { Random } from '../../base/random.ts'
import { formatAddress } from '../../mail/address.ts'
import type { SaslAnswer } from '../../sasl/mechanism.ts'
import { goOn, type SmtpAnswer, type SmtpClient, type SmtpQuestion } from '../../smtp/proto/questions.ts'
import { makeReply, replies, type Reply } from '../../smtp/proto/reply.ts'
import { withProtocol } from '../../mail/received.ts'
import { parseDomain } from '../../mail/domain.ts'
import { recipientArguments, senderArguments } from './arguments.ts'
import type { Level, Tell } from './logger.ts'
import { ask, type AuthAnswer, type DataAnswer, type SmtpServerOptions } from './options.ts'
import { refusalReply, type RefusedStage, textReply } from './refusal.ts'
import type { SmtpServerAddress, SmtpServerSession, SmtpServerStream } from './session.ts'

type Of<Type extends SmtpQuestion['type']> = Extract<SmtpQuestion, { type: Type }>

type Proxied = Extract<SmtpQuestion, { attributes: unknown }>

interface Arrival {
  readonly stream: ArrivingStream
  /** Settles when the function has; never rejects. */
  readonly settled: Promise<{ answer: DataAnswer | undefined } | { error: unknown }>
}

/** What is pushed waits for its reader, unless nobody reads any more. */
class ArrivingStream extends Readable implements SmtpServerStream {
  byteLength = 0
  #onRoom: (() => void) | null = null
  #discarding = false

  override _read(): void {
    this.#onRoom?.()
    this.#onRoom = null
  }

  /** Void where there is room for more. */
  put(bytes: Uint8Array): Promise<void> | undefined {
    this.byteLength += bytes.length
    if (this.#discarding || this.destroyed || this.push(bytes)) return undefined
    return new Promise((resolve) => {
      this.#onRoom = resolve
    })
  }

  /** Nobody reads it any more. */
  discard(): void {
    this.#discarding = true
    this.#onRoom?.()
    this.#onRoom = null
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.discard()
    done(error)
  }
}

const noEnvelope: SmtpServerSession['envelope'] = {
  ...{ mailFrom: null, rcptTo: [], bodyType: '7bit', smtpUtf8: false, requireTLS: false },
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

export interface HandlerParts {
  readonly options: SmtpServerOptions
  readonly name: string
  readonly random: Random
  readonly clock: Clock
  readonly tell: Tell
}

export class LibraryHandler implements Handler<SmtpQuestion, SmtpAnswer> {
  readonly #parts: HandlerParts
  readonly #session: Writable<SmtpServerSession>
  #arrival: Arrival | null = null
  #greeted = false
  #secured = false

  constructor(parts: HandlerParts, peer: Peer) {
    this.#parts = parts
    this.#session = {
      id: parts.random.id(),
      ...peer,
      ...{ secure: false, tlsOptions: null, hostNameAppearsAs: '', user: null },
      ...{ openingCommand: '', transmissionType: '', clientHostname: `[${peer.remoteAddress}]` },
      ...{ xForward: new Map(), transaction: 0, envelope: noEnvelope, data: undefined },
    }
  }

  answer(question: SmtpQuestion): SmtpAnswer | Promise<SmtpAnswer> {
    if ('client' in question) this.#look(question.client)
    switch (question.type) {
      case 'connect':
        return this.#connect()
      case 'hello':
        return this.#hello()
      case 'mail':
        return this.#mail(question)
      case 'rcpt':
        return this.#rcpt(question)
      case 'data':
        return this.#data()
      case 'content':
        return this.#content(question.bytes)
      case 'end':
        return this.#end(question)
      case 'reset':
        return this.#reset()
      case 'check-password': {
        const { username, password, mechanism: method } = question
        return this.#auth({ method, username, password: password.reveal(), accessToken: null })
      }
      case 'check-token': {
        const { username, token, mechanism: method } = question
        const auth = { method, username: username ?? '', password: null, accessToken: token.reveal() }
        return this.#auth(auth)
      }
      case 'need-credentials':
      case 'need-cram':
      case 'check-certificate':
        // None of these is offered.
        return { type: 'refused', reason: 'bad-credentials' }
      case 'xclient':
        return this.#speakFor(question)
      case 'xforward':
        this.#session.xForward = new Map([...this.#session.xForward, ...question.attributes])
        return goOn
      case 'verify':
        return reply(replies.verifyNot)
      default:
        return goOn
    }
  }

  failed(question: SmtpQuestion): SmtpAnswer {
    return question.type === 'check-password' || question.type === 'check-token'
      ? { type: 'refused', reason: 'unavailable' }
      : reply(replies.trouble)
  }

  closed(): void {
    this.#drop('The client went away in the middle of the message')
    this.#tell('info', {}, 'closed')
    if (this.#greeted) this.#parts.options.onClose?.(this.#session)
  }

  /** What the core knows of the client by now. */
  #look({ name, extended, tls, username }: SmtpClient): void {
    const session = this.#session
    const lmtp = this.#parts.options.lmtp === true
    session.hostNameAppearsAs = name
    session.openingCommand = name === '' ? '' : lmtp ? 'LHLO' : extended ? 'EHLO' : 'HELO'
    session.secure = tls !== null
    session.transmissionType = withProtocol({
      ...{ dialect: lmtp ? 'lmtp' : 'smtp', extended, tls: tls !== null },
      ...{ authenticated: username !== null, utf8: session.envelope.smtpUtf8 },
    })
    session.tlsOptions =
      tls === null
        ? null
        : {
            ...{ version: tls.version, cipher: tls.cipher, servername: tls.serverName },
            clientCertificate: shownBy(tls),
          }
  }

  async #connect(): Promise<SmtpAnswer> {
    const { options, name } = this.#parts
    this.#greeted = true
    const { remoteAddress, remotePort, localPort } = this.#session
    this.#tell('info', { remoteAddress, remotePort, localPort }, 'connected')
    await this.#lookUp()
    const refused = await this.#asked('connect', () => ask(options, options.onConnect, [this.#session]))
    if (refused !== null) return { ...refused, then: 'close' }
    const insecure = this.#untrusted() ?? (await this.#secure())
    if (insecure !== null) return { ...insecure, then: 'close' }
    const { banner, lmtp } = options
    return banner === undefined
      ? goOn
      : reply(makeReply(220, null, `${name} ${lmtp ? 'LMTP' : 'ESMTP'} ${banner}`))
  }

  /** As Postfix has it: another client from here on, who has not logged in but by LOGIN. */
  async #speakFor({ attributes }: Pick<Proxied, 'attributes'>): Promise<SmtpAnswer> {
    const session = this.#session
    const address = attributes.get('ADDR')
    if (address !== undefined && address !== null) {
      session.remoteAddress = address
      session.clientHostname = `[${address}]`
    }
    const port = attributes.get('PORT')
    if (port !== undefined && port !== null) session.remotePort = Number(port)
    const name = attributes.get('NAME')
    if (name !== undefined && name !== null) session.clientHostname = name
    session.user = attributes.get('LOGIN') ?? null
    const refused = await this.#asked('connect', () =>
      ask(this.#parts.options, this.#parts.options.onConnect, [session]),
    )
    return refused === null ? goOn : { ...refused, then: 'close' }
  }

  /** The first command in a secured session tells of it; the core has no question of its own for that. */
  async #hello(): Promise<SmtpAnswer> {
    // RFC 3207 §4.1: who is not believed hears 554, whatever he says, until he ends it.
    const untrusted = this.#untrusted()
    if (untrusted !== null) return untrusted
    const refused = await this.#secure()
    return refused === null ? goOn : { ...refused, then: 'close' }
  }

  async #secure(): Promise<Refused | null> {
    const { options } = this.#parts
    if (this.#secured || !this.#session.secure) return null
    this.#secured = true
    // RFC 3207 §4.2: what was known from before TLS does not count.
    this.#session.user = null
    const tls = this.#session.tlsOptions
    this.#tell('info', { version: tls?.version, cipher: tls?.cipher, servername: tls?.servername }, 'secured')
    return this.#asked('secure', () => ask(options, options.onSecure, [this.#session]))
  }

  /** Whether TLS is active and the client’s certificate not what the program demands. */
  #untrusted(): Refused | null {
    const { requestCert = false, rejectUnauthorized = true } = this.#parts.options
    const { secure, tlsOptions } = this.#session
    const shown = tlsOptions?.clientCertificate ?? null
    if (!secure || !requestCert || !rejectUnauthorized || shown?.problem === null) return null
    const problem = shown === null ? 'none was shown' : shown.problem
    return this.#refusal(
      'secure',
      makeReply(554, '5.7.0', `A certificate that is trusted is needed: ${problem}`),
    )
  }

  async #auth(auth: Parameters<NonNullable<SmtpServerOptions['onAuth']>>[0]): Promise<SaslAnswer> {
    const { options } = this.#parts
    try {
      const answer = await ask<AuthAnswer>(options, options.onAuth, [auth, this.#session])
      const user = answer?.user
      if (user === undefined || user === null || user === false) {
        this.#tell('info', { method: auth.method, username: auth.username }, 'log-in refused')
        return { type: 'refused', reason: 'bad-credentials' }
      }
      this.#session.user = user
      this.#tell('info', { method: auth.method, username: auth.username }, 'logged in')
      return auth.password === null ? { type: 'identified', username: auth.username } : { type: 'accepted' }
    } catch (error) {
      const { code } = refusalReply(error, 'auth')
      const { method, username } = auth
      this.#tell('info', { method, username, code, reason: reasonOf(error) }, 'log-in refused')
      const temporary = code < 500
      return { type: 'refused', reason: temporary ? 'unavailable' : 'bad-credentials' }
    }
  }

  async #mail({ sender }: Of<'mail'>): Promise<SmtpAnswer> {
    const { options } = this.#parts
    const address: SmtpServerAddress = {
      address: sender.reversePath === null ? '' : formatAddress(sender.reversePath),
      args: senderArguments(sender),
    }
    const refused = await this.#asked('mail', () =>
      ask(options, options.onMailFrom, [address, this.#session]),
    )
    if (refused !== null) return refused
    const { body, smtpUtf8, requireTls: requireTLS } = sender
    this.#session.transaction++
    this.#session.envelope = {
      ...{ mailFrom: address, rcptTo: [], smtpUtf8, requireTLS },
      bodyType: body === '8BITMIME' ? '8bitmime' : body === 'BINARYMIME' ? 'binarymime' : '7bit',
    }
    return goOn
  }

  async #rcpt({ recipient }: Of<'rcpt'>): Promise<SmtpAnswer> {
    const { options, name } = this.#parts
    const address: SmtpServerAddress = {
      // RFC 5321 §4.1.1.3: `postmaster` alone is this host's.
      address: recipient.address === null ? `postmaster@${name}` : formatAddress(recipient.address),
      args: recipientArguments(recipient),
    }
    const refused = await this.#asked('rcpt', () => ask(options, options.onRcptTo, [address, this.#session]))
    if (refused !== null) return refused
    const { envelope } = this.#session
    this.#session.envelope = { ...envelope, rcptTo: [...envelope.rcptTo, address] }
    return goOn
  }

  #data(): SmtpAnswer {
    const { options } = this.#parts
    const stream = new ArrivingStream()
    // A stream that fails while nobody listens must not end the process.
    stream.on('error', () => {})
    const settled = ask<DataAnswer>(options, options.onData, [stream, this.#session]).then(
      (answer) => ({ answer }),
      (error: unknown) => ({ error }),
    )
    void settled.then(() => stream.discard())
    this.#arrival = { stream, settled }
    return goOn
  }

  #content(bytes: Uint8Array): SmtpAnswer | Promise<SmtpAnswer> {
    const room = this.#arrival?.stream.put(bytes)
    return room === undefined ? goOn : room.then(() => goOn)
  }

  async #end({ envelope }: Of<'end'>): Promise<SmtpAnswer> {
    const arrival = this.#arrival
    this.#arrival = null
    arrival?.stream.push(null)
    const outcome = (await arrival?.settled) ?? { answer: undefined }
    this.#session.envelope = noEnvelope
    const facts = { bytes: arrival?.stream.byteLength ?? 0, recipients: envelope.recipients.length }
    if ('error' in outcome) {
      const refusal = refusalReply(outcome.error, 'data')
      this.#tell('info', { ...facts, reply: refusal.wire.trimEnd() }, 'message refused')
      if (!this.#parts.options.lmtp) return reply(refusal)
      return { type: 'replies', replies: envelope.recipients.map(() => refusal) }
    }
    const { answer = 'OK' } = outcome
    this.#tell('info', facts, 'message taken')
    if (this.#parts.options.lmtp) {
      const each = typeof answer === 'string' ? envelope.recipients.map(() => answer) : answer
      return { type: 'replies', replies: envelope.recipients.map((_, index) => replyTo(each[index])) }
    }
    return reply(textReply(250, typeof answer === 'string' ? answer : 'OK'))
  }

  #reset(): SmtpAnswer {
    this.#drop('The message was given up')
    this.#session.envelope = noEnvelope
    return goOn
  }

  #drop(why: string): void {
    this.#arrival?.stream.destroy(new Error(why))
    this.#arrival = null
  }

  /** Null where it is allowed. */
  async #asked(stage: RefusedStage, work: () => Promise<unknown>): Promise<Refused | null> {
    try {
      await work()
      return null
    } catch (error) {
      return this.#refusal(stage, refusalReply(error, stage))
    }
  }

  #refusal(stage: RefusedStage, refusal: Reply): Refused {
    this.#tell('info', { stage, reply: refusal.wire.trimEnd() }, 'refused')
    return reply(refusal)
  }

  #tell(level: Level, facts: object, message: string): void {
    this.#parts.tell(level, { session: this.#session.id, ...facts }, message)
  }

  /** The name of the client's address, where the program wants it looked up; what is no name of a host stays out. */
  async #lookUp(): Promise<void> {
    const { options, clock } = this.#parts
    const { resolver } = options
    if (resolver === undefined) return
    const { remoteAddress } = this.#session
    const late = new AbortController()
    const names = ask<string[]>(resolver, resolver.reverse, [remoteAddress]).catch(() => [])
    const found = await Promise.race([
      names,
      clock.sleep(lookUpMilliseconds, late.signal).then(
        () => [],
        () => [],
      ),
    ])
    late.abort()
    const [name] = found ?? []
    if (typeof name === 'string' && parseDomain(name).ok) this.#session.clientHostname = name
  }
}

/** As in smtp-server: a name is worth no longer wait. */
const lookUpMilliseconds = 1_500

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function shownBy({ peerCertificate }: TlsState) {
  const [leaf] = peerCertificate?.chain ?? []
  if (peerCertificate === null || leaf === undefined) return null
  const { dnsNames, emailAddresses, problem } = peerCertificate
  return { raw: leaf.raw, dnsNames, emailAddresses, problem }
}

type Refused = Extract<SmtpAnswer, { type: 'reply' }>

function reply(one: Reply): Refused {
  return { type: 'reply', reply: one }
}

function replyTo(answer: string | Error | undefined): Reply {
  // Not `instanceof Error`: one of Jest's sandbox, or of another realm, is an object too.
  return typeof answer === 'object' ? refusalReply(answer, 'data') : textReply(250, answer ?? 'OK')
}
