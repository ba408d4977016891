// An SMTP client as a building block, with the calls that users of `nodemailer` know, over the client that Posthorn itself relays with:
// pipelining, CHUNKING, SMTPUTF8, a reply never taken for another command's, and the time-outs of RFC 5321 §4.5.3.2.
//
//   await using transport = createTransport({ host: 'smtp.example.org', auth: { user, pass } })
//   const { accepted, rejected, response } = await transport.sendMail({ from, to, subject, text })
//
// Nothing that a message holds can become a command or a field of its own: addresses are parsed before they are said, field values are
// folded by the composer, and content with a bare CR or LF is mended or refused.
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { EventEmitter } from 'node:events'
import { hostname } from 'node:os'
import { scheduler } from 'node:timers/promises'
import type { Connection } from '../../base/connection.ts'
import { RealRandom } from '../../base/real-random.ts'
import { Secret } from '../../base/secret.ts'
import { parseDomain } from '../../mail/domain.ts'
import { RealClock } from '../../net/real-clock.ts'
import { SocketNetwork } from '../../net/socket-network.ts'
import type { SmtpClient } from '../../smtp/client/client.ts'
import type { ClientTimeouts } from '../../smtp/client/limits.ts'
import { openSmtpClient } from '../../smtp/client/session.ts'
import { MailWriter, type Composed, type MailToSend, type WriterPlugin } from './compose.ts'
import { answered, type Answered } from './answered.ts'
import { endingError, refusedError, SmtpError } from './failure.ts'
import { type Tell, telling } from './logger.ts'
import {
  checkTransportOptions,
  type JsonTransportOptions,
  optionsOfUrl,
  type StreamTransportOptions,
  type TransportOptions,
} from './transport-options.ts'
import { Turns } from './turns.ts'
import { MessageTransport } from './message-transport.ts'

export interface SentMail {
  /** With angle brackets; '' where `raw` has none. */
  readonly messageId: string
  readonly envelope: { readonly from: string; readonly to: readonly string[] }
  /** Octets. */
  readonly messageSize: number
  readonly accepted: readonly string[]
  readonly rejected: readonly string[]
  /** One for each that was rejected. */
  readonly rejectedErrors: readonly SmtpError[]
  /** The server's last word, `250 2.0.0 Ok: queued as …`. */
  readonly response: string
}

/**
 * Of options, or of a URL: `smtps://user:password@smtp.example.org`, `smtp://127.0.0.1:2525?pool=true`. `defaults` are those of the options.
 * Throws a TypeError for what is neither, and for options that there are not.
 */
export function createTransport(
  options: StreamTransportOptions | JsonTransportOptions,
  defaults?: Partial<MailToSend>,
): MessageTransport
export function createTransport(
  options: TransportOptions | string,
  defaults?: Partial<MailToSend>,
): SmtpTransport
export function createTransport(
  options: TransportOptions | StreamTransportOptions | JsonTransportOptions | string,
  defaults?: Partial<MailToSend>,
): SmtpTransport | MessageTransport {
  const given = typeof options === 'string' ? optionsOfUrl(options) : options
  const all = defaults === undefined ? given : { ...given, defaults: { ...given.defaults, ...defaults } }
  return 'streamTransport' in all || 'jsonTransport' in all
    ? new MessageTransport(all)
    : new SmtpTransport(all)
}

const usualConnections = 5
const usualRateDelta = 1_000
const usualConnectionTimeout = 120_000
const usualMessages = 100
const replyStages = [
  'hello',
  'startTls',
  'authenticate',
  'mail',
  'rcpt',
  'data',
  'content',
  'reply',
  'command',
] as const

/** Emits `idle` when another message would be begun at once: at first, and whenever a place has become free. */
export class SmtpTransport extends EventEmitter<{ idle: [] }> implements AsyncDisposable {
  readonly options: TransportOptions
  readonly #clock = new RealClock()
  readonly #random = new RealRandom()
  readonly #network = new SocketNetwork(this.#clock)
  /** Open, and nobody's. */
  #idle: SmtpClient[] = []
  /** Messages that each has carried. */
  readonly #carried = new WeakMap<SmtpClient, number>()
  readonly #turns: Turns
  readonly #writer: MailWriter
  readonly #tell: Tell
  #closed = false

  constructor(options: TransportOptions) {
    super()
    checkTransportOptions(options)
    this.options = options
    const {
      maxConnections = usualConnections,
      rateLimit = Number.POSITIVE_INFINITY,
      rateDelta = usualRateDelta,
    } = options
    const clock = {
      monotonic: () => this.#clock.monotonic(),
      // A message that waits for its turn keeps the program running.
      sleep: (milliseconds: number) => scheduler.wait(milliseconds),
    }
    this.#turns = new Turns({
      places: maxConnections,
      rate: Number.isFinite(rateLimit) ? rateLimit : null,
      delta: rateDelta,
      clock,
    })
    this.#writer = new MailWriter(options)
    this.#tell = telling(options.logger)
    this.#tellIdle()
  }

  /** Sends to all recipients in one transaction. Rejects with `SmtpError` where nobody got it; some may be in `rejected` otherwise. */
  sendMail(mail: MailToSend): Promise<SentMail>
  sendMail(mail: MailToSend, callback: Answered<SentMail>): void
  sendMail(mail: MailToSend, callback?: Answered<SentMail>): Promise<SentMail> | void {
    return answered(this.#sendMail(mail), callback)
  }

  /** Connects and logs in. Rejects with `SmtpError`. */
  verify(): Promise<true>
  verify(callback: Answered<true>): void
  verify(callback?: Answered<true>): Promise<true> | void {
    return answered(this.#verify(), callback)
  }

  /** Whether another message would be begun at once. */
  isIdle(): boolean {
    return !this.#closed && this.#turns.isFree()
  }

  /** Has a plugin of nodemailer look at each message: at `compile` before, at `stream` after it is made of its fields. */
  use(step: 'compile' | 'stream', plugin: WriterPlugin): this {
    this.#writer.use(step, plugin)
    return this
  }

  /** Says QUIT on all connections that nobody uses; the others end with their message. */
  async close(): Promise<void> {
    this.#closed = true
    const idle = this.#idle
    this.#idle = []
    await Promise.all(idle.map((session) => session.quit()))
  }

  async #sendMail(mail: MailToSend): Promise<SentMail> {
    this.#mustBeOpen()
    const composed = await this.#writer.compose(mail)
    await this.#turns.enter()
    try {
      const sent = await this.#send(composed)
      this.#tell(
        'info',
        { messageId: sent.messageId, response: sent.response, accepted: sent.accepted.length },
        'sent',
      )
      return sent
    } catch (error) {
      this.#tell('error', { messageId: composed.messageId, reason: String(error) }, 'not sent')
      throw error
    } finally {
      this.#turns.leave()
      this.#tellIdle()
    }
  }

  async #verify(): Promise<true> {
    this.#mustBeOpen()
    const session = await this.#connect()
    await session.quit()
    return true
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new SmtpError('ECONNECTION', 'The transport is closed')
  }

  /** On its own, so that a listener that throws makes no message fail. */
  #tellIdle(): void {
    setImmediate(() => {
      if (this.isIdle()) this.emit('idle')
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #send(mail: Composed): Promise<SentMail> {
    const session = await this.#session()
    let kept = false
    try {
      // RFC 8689 §4.2.1: over TLS, to a server that will keep to it, or not at all.
      if (mail.options.requireTls && !(session.tls !== null && session.capabilities.requireTls)) {
        throw new SmtpError('ETLS', `${this.options.host} does not offer REQUIRETLS`)
      }
      const result = await session.send({
        ...{ reversePath: mail.from, size: mail.bytes.length, eightBit: mail.eightBit },
        recipients: mail.to.map((address) => ({ address, options: mail.recipientOptions })),
        options: mail.options,
        content: async function* () {
          yield mail.bytes
        },
      })
      const sent = sentMail(mail, result.recipients)
      kept = this.#mayKeep(session)
      return sent
    } finally {
      if (kept) this.#idle.push(session)
      else void session.quit()
    }
  }

  #mayKeep(session: SmtpClient): boolean {
    const { pool = false, maxMessages = usualMessages } = this.options
    const carried = (this.#carried.get(session) ?? 0) + 1
    this.#carried.set(session, carried)
    return pool && !this.#closed && session.reusable && carried < maxMessages
  }

  /** One that is open and still lives, or a new one. */
  async #session(): Promise<SmtpClient> {
    for (let session = this.#idle.pop(); session !== undefined; session = this.#idle.pop()) {
      if (session.reusable && (await session.noop()).type === 'done') return session
    }
    return this.#connect()
  }

  #ownName(): string {
    const { name = hostname() } = this.options
    // A host without a proper name says where it is (RFC 5321 §4.1.4).
    return parseDomain(name).ok ? name : '[127.0.0.1]'
  }

  async #connect(): Promise<SmtpClient> {
    const { secure = this.options.port === 465, requireTLS = false, ignoreTLS = false, auth } = this.options
    const connection = await this.#dial({ secure })
    try {
      if (secure) await this.#secure(connection)
      const opened = await openSmtpClient(connection, {
        ...{ dialect: this.options.lmtp ? 'lmtp' : 'smtp', heloName: this.#ownName(), clock: this.#clock },
        timeouts: timeoutsOf(this.options),
        onDialogue: ({ direction, text }) => this.#tell('debug', { direction }, text),
      })
      if (opened.type === 'ended') throw endingError(opened.ending)
      if (opened.type === 'refused') throw refusedError(opened.reply, opened.stage)
      const { session } = opened
      const offered = session.capabilities.startTls
      if (!secure && requireTLS && !offered)
        throw new SmtpError('ETLS', `${this.options.host} does not offer STARTTLS`)
      if (!secure && !ignoreTLS && offered) await this.#startTls(session)
      if (auth !== undefined) await this.#logIn(session, auth)
      return session
    } catch (error) {
      connection.destroy()
      throw error
    }
  }

  async #dial({ secure }: { secure: boolean }): Promise<Connection> {
    const {
      host,
      port = secure ? 465 : 587,
      connectionTimeout = usualConnectionTimeout,
      localAddress,
    } = this.options
    const from = localAddress === undefined ? {} : { localAddress }
    let failure: unknown
    for (const address of await addressesOf(host)) {
      try {
        return await this.#network.dial({ address, port, ...from, timeoutMilliseconds: connectionTimeout })
      } catch (error) {
        failure = error
      }
    }
    const { code, message } = failure as NodeJS.ErrnoException
    throw new SmtpError(code === 'ETIMEDOUT' ? 'ETIMEDOUT' : 'ECONNECTION', `${host}:${port}: ${message}`, {
      cause: failure,
    })
  }

  #tlsRequest() {
    const { host, tls = {} } = this.options
    const { ca, cert, key } = tls
    const identity = cert === undefined || key === undefined ? {} : { identity: { certificate: cert, key } }
    const serverName = tls.servername ?? (isIP(host) === 0 ? host : null)
    return {
      serverName,
      ...identity,
      ...(ca !== undefined && { authorities: typeof ca === 'string' ? [ca] : ca }),
    }
  }

  async #secure(connection: Connection): Promise<void> {
    try {
      const { peerCertificate } = await connection.startClientTls(this.#tlsRequest())
      this.#judge(peerCertificate)
    } catch (error) {
      if (error instanceof SmtpError) throw error
      throw new SmtpError('ETLS', `The TLS handshake failed: ${String(error)}`, { cause: error })
    }
  }

  async #startTls(session: SmtpClient): Promise<void> {
    const secured = await session.startTls(this.#tlsRequest())
    if (secured.type === 'ended') throw endingError(secured.ending)
    if (secured.type === 'refused') throw refusedError(secured.reply, secured.stage)
    this.#judge(secured.tls.peerCertificate)
  }

  /** The certificate must be vouched for, and be of the host that was meant. */
  #judge(certificate: Awaited<ReturnType<Connection['startClientTls']>>['peerCertificate']): void {
    const { host, tls = {} } = this.options
    if (tls.rejectUnauthorized === false) return
    if (certificate === null) throw new SmtpError('ETLS', `${host} showed no certificate`)
    if (certificate.problem !== null) {
      throw new SmtpError('ETLS', `The certificate of ${host} is not to be trusted: ${certificate.problem}`)
    }
    const name = (tls.servername ?? host).toLowerCase()
    if (!certificate.dnsNames.some((pattern) => namesHost(pattern, name))) {
      throw new SmtpError(
        'ETLS',
        `The certificate of ${host} is for ${certificate.dnsNames.join(', ') || 'no host'}`,
      )
    }
  }

  async #logIn(session: SmtpClient, auth: NonNullable<TransportOptions['auth']>): Promise<void> {
    const { host } = this.options
    const identity =
      'accessToken' in auth
        ? ({ type: 'token', username: auth.user, token: new Secret(auth.accessToken), host } as const)
        : ({ type: 'password', username: auth.user, password: new Secret(auth.pass) } as const)
    // As nodemailer has it: who configures a password for a server without TLS (a test's, a loopback one) means it.
    const { authMethod } = this.options
    const mechanisms = authMethod === undefined ? {} : { mechanisms: [authMethod.toUpperCase()] }
    const done = await session.authenticate({
      ...{ identity, random: this.#random, inTheClear: 'allowed' as const },
      ...mechanisms,
    })
    switch (done.type) {
      case 'done':
        return
      case 'refused':
        throw refusedError(done.reply, 'auth')
      case 'ended':
        throw endingError(done.ending)
      case 'not-authentic':
        throw new SmtpError('EAUTH', `${host} did not prove that it knows the password: ${done.problem}`)
      case 'no-mechanism':
        throw new SmtpError(
          'EAUTH',
          `${host} offers no log-in that fits (${done.offered.join(', ') || 'none'})`,
        )
    }
  }
}

/** Those that were set; the others are the standard's. */
function timeoutsOf({ greetingTimeout, socketTimeout }: TransportOptions): Partial<ClientTimeouts> {
  const greeting = greetingTimeout ?? socketTimeout
  const every = socketTimeout === undefined ? [] : replyStages.map((stage) => [stage, socketTimeout] as const)
  return { ...Object.fromEntries(every), ...(greeting !== undefined && { greeting }) }
}

/** RFC 6125 §6.4.3: a wildcard is the whole of the first label. */
function namesHost(pattern: string, host: string): boolean {
  if (!pattern.startsWith('*.')) return pattern === host
  const dot = host.indexOf('.')
  return dot > 0 && host.slice(dot + 1) === pattern.slice(2)
}

async function addressesOf(host: string): Promise<string[]> {
  if (isIP(host) !== 0) return [host]
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address)
  } catch (error) {
    throw new SmtpError('EDNS', `${host} has no address: ${String(error)}`, { cause: error })
  }
}

type Outcomes = Awaited<ReturnType<SmtpClient['send']>>['recipients']

function sentMail({ from, to, messageId, bytes }: Composed, outcomes: Outcomes): SentMail {
  const accepted: string[] = []
  const rejected: string[] = []
  const rejectedErrors: SmtpError[] = []
  let response = ''
  for (const [index, outcome] of outcomes.entries()) {
    const address = to[index] ?? ''
    if (outcome.type === 'accepted') {
      accepted.push(address)
      response = outcome.reply.verbatim
      continue
    }
    rejected.push(address)
    rejectedErrors.push(outcomeError(outcome, address))
  }
  const [first] = rejectedErrors
  if (accepted.length === 0 && first !== undefined) throw first
  return {
    ...{ messageId, envelope: { from, to }, messageSize: bytes.length },
    ...{ accepted, rejected, rejectedErrors, response },
  }
}

function outcomeError(
  outcome: Exclude<Outcomes[number], { type: 'accepted' }>,
  recipient: string,
): SmtpError {
  switch (outcome.type) {
    case 'refused':
      return refusedError(outcome.reply, outcome.stage, recipient)
    case 'lost':
      return endingError(outcome.ending, recipient)
    case 'unknown': {
      // RFC 1047: it may have been delivered.
      const { message } = endingError(outcome.ending)
      return new SmtpError('EUNKNOWN', `${message}, after all was sent: it may have been delivered`, {
        recipient,
      })
    }
    case 'cannot-carry':
      return new SmtpError('EMESSAGE', `The server cannot carry this message: ${outcome.reason}`, {
        recipient,
      })
    case 'beyond-limit':
      return new SmtpError('EENVELOPE', `Beyond the server's limit ${outcome.limit}`, { recipient })
    case 'content-failed':
      return new SmtpError('EMESSAGE', 'The message could not be read', { recipient, cause: outcome.error })
  }
}
