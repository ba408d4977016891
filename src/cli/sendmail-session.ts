// `sendmail -bs`: a session of SMTP over standard input and output, for programs that speak it to a child process. Each message
// goes the way of any other that is handed to sendmail; the server's own policy decides on its recipients at the end.
import { Buffer } from 'node:buffer'
import type { Connection } from '../base/connection.ts'
import type { Handler } from '../base/core.ts'
import type { Config } from '../config/schema.ts'
import { formatAddress } from '../mail/address.ts'
import { RealClock } from '../net/real-clock.ts'
import { defaultPumpLimits, Session } from '../net/pump.ts'
import { SmtpCore } from '../smtp/proto/core.ts'
import { noOffers } from '../smtp/proto/offers.ts'
import { goOn, type SmtpAnswer, type SmtpQuestion } from '../smtp/proto/questions.ts'
import { makeReply, replies } from '../smtp/proto/reply.ts'
import { errorText } from '../events/error-text.ts'
import type { Io } from './io.ts'

/** A message of the session. */
export interface SessionMessage {
  readonly reversePath: string
  readonly recipients: readonly string[]
  readonly content: Buffer
}

/** Hands one on; gives its identifier, or null where it was refused with that sentence. */
export type HandOn = (
  message: SessionMessage,
) => Promise<{ readonly ok: true; readonly id: string } | { readonly ok: false; readonly sentence: string }>

/** The handler of a session on standard input. */
export class SendmailSession implements Handler<SmtpQuestion, SmtpAnswer> {
  readonly #handOn: HandOn
  #content: Uint8Array[] = []

  constructor(handOn: HandOn) {
    this.#handOn = handOn
  }

  answer(question: SmtpQuestion): SmtpAnswer | Promise<SmtpAnswer> {
    switch (question.type) {
      case 'data':
      case 'reset':
        this.#content = []
        return goOn
      case 'content':
        this.#content.push(question.bytes)
        return goOn
      case 'end':
        return this.#end(question)
      default:
        return goOn
    }
  }

  async #end({ envelope }: Extract<SmtpQuestion, { type: 'end' }>): Promise<SmtpAnswer> {
    const content = Buffer.concat(this.#content)
    this.#content = []
    const { reversePath } = envelope.sender
    const handed = await this.#handOn({
      reversePath: reversePath === null ? '' : formatAddress(reversePath),
      recipients: envelope.recipients.map(({ address }) =>
        address === null ? 'postmaster' : formatAddress(address),
      ),
      content,
    })
    if (handed.ok) return { type: 'reply', reply: replies.messageOkAs(handed.id) }
    return { type: 'reply', reply: makeReply(554, '5.0.0', handed.sentence) }
  }

  failed(): SmtpAnswer {
    return { type: 'reply', reply: replies.localTrouble }
  }

  closed(): void {
    this.#content = []
  }
}

/** Runs it to its end. */
export function runSession(io: Io, config: Config, handOn: HandOn): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const { smtp, auth, maxMessageSize, hostname } = config
  const settings = {
    hostName: hostname,
    dialect: 'smtp',
    startTls: false,
    limits: {
      ...smtp,
      maxMessageSize,
      maxAuthLineSize: auth.maxResponseBytes,
      maxAuthFailures: auth.maxFailuresPerConnection,
    },
    admission: { tls: false, authentication: false },
    sasl: null,
    offers: noOffers,
    tarpit: null,
  } as const
  const complain = (error: unknown): void => io.err(`posthorn: ${errorText(error)}\n`)
  const session = new Session(
    new StandardStreams(io),
    { makeCore: () => new SmtpCore(settings), makeHandler: () => new SendmailSession(handOn) },
    {
      clock: new RealClock(),
      limits: defaultPumpLimits,
      events: {
        handlerFailed: (_peer, _question, error) => complain(error),
        handshakeFailed: (_peer, error) => complain(error),
        broke: (_peer, error) => complain(error),
        finished: () => resolve(),
      },
    },
  )
  session.start()
  return promise
}

const noOperation = (): void => undefined

/** Standard input and output as a connection. */
class StandardStreams implements Connection {
  readonly peer = { remoteAddress: '127.0.0.1', remotePort: 0, localAddress: '127.0.0.1', localPort: 0 }
  readonly tls = null
  onData: (bytes: Uint8Array) => void = noOperation
  onEnd: () => void = noOperation
  onClose: (error: Error | null) => void = noOperation
  onDrain: () => void = noOperation
  readonly #io: Io
  #closed: 'no' | 'yes' = 'no'

  constructor(io: Io) {
    this.#io = io
    io.input.on('data', (chunk: Uint8Array | string) => this.onData(Buffer.from(chunk)))
    io.input.on('end', () => this.onEnd())
    io.input.on('error', (error) => this.#close(error))
    io.input.pause()
  }

  write(bytes: Uint8Array | string): boolean {
    this.#io.out(typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('utf8'))
    return true
  }

  cork(): void {
    // Each write goes out by itself.
  }

  uncork(): void {
    // See `cork`.
  }

  pause(): void {
    this.#io.input.pause()
  }

  resume(): void {
    if (this.#closed === 'no') this.#io.input.resume()
  }

  end(): void {
    this.#close(null)
  }

  destroy(error?: Error): void {
    this.#close(error ?? null)
  }

  startTls(): Promise<never> {
    return Promise.reject(new Error('no TLS on standard streams'))
  }

  startClientTls(): Promise<never> {
    return this.startTls()
  }

  #close(error: Error | null): void {
    if (this.#closed === 'yes') return
    this.#closed = 'yes'
    this.#io.input.pause()
    queueMicrotask(() => this.onClose(error))
  }
}
