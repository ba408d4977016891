// A client's session with an SMTP or LMTP server (RFC 5321, RFC 2033), from the greeting to the end.
//
// It opens no connection and judges no certificate: it speaks over the `Connection` that it is given. See client.ts for
// what it promises, wire.ts for how replies are paired, transaction.ts for how a message goes.
import type { ClientTls, Connection } from '../../base/connection.ts'
import type { TlsState } from '../../base/core.ts'
import { authenticate } from './authenticate.ts'
import { type Capabilities, parseCapabilities } from './capabilities.ts'
import { Channel } from './channel.ts'
import type {
  AuthenticateOptions,
  AuthenticateResult,
  ClientOptions,
  OpenResult,
  SmtpClient,
  StartTlsResult,
  TurnResult,
} from './client.ts'
import { encodeXtext } from './commands.ts'
import { defaultClientLimits, defaultClientTimeouts } from './limits.ts'
import type { CommandResult, OutgoingMessage, SessionEnding, TransactionResult } from './outgoing.ts'
import { isPositive, type ServerReply } from './reply.ts'
import { transact } from './transaction.ts'
import { type Command, type Heard, Wire } from './wire.ts'

type Greeted =
  | { readonly type: 'greeted'; readonly capabilities: Capabilities }
  | { readonly type: 'refused'; readonly reply: ServerReply }
  | { readonly type: 'ended'; readonly ending: SessionEnding }

/** Hears the greeting and says EHLO (HELO, LHLO). The connection is paused or fresh, and nobody else reads it from now on. */
export async function openSmtpClient(connection: Connection, options: ClientOptions): Promise<OpenResult> {
  if (!/^[\x21-\x7e]{1,255}$/.test(options.heloName)) throw new RangeError('a name that EHLO cannot say')
  const timeouts = { ...defaultClientTimeouts, ...options.timeouts }
  const limits = { ...defaultClientLimits, ...options.limits }
  const { clock, dialect, onDialogue, eagerChunks = 'warm' } = options
  const wire = new Wire(connection, { clock, timeouts, limits, onDialogue })
  const greeting = await wire.greeting()
  if (greeting.type === 'ended') return greeting
  // RFC 5321 §3.1: 220, or 554 (RFC 7504: 521) where there is no mail service.
  if (!isPositive(greeting)) {
    farewell(wire)
    return { type: 'refused', stage: 'greeting', reply: greeting }
  }
  const greeted = await greet(wire, { ...options, helloTimeout: timeouts.hello })
  if (greeted.type === 'ended') return greeted
  if (greeted.type === 'refused') {
    farewell(wire)
    return { ...greeted, stage: 'hello' }
  }
  const channel = new Channel({ wire, clock, timeouts, limits, dialect, eagerChunks }, greeted.capabilities)
  return { type: 'open', session: new SmtpClientSession({ channel, greeting, options }) }
}

/** RFC 5321 §3.1: who is not served says QUIT. Its reply is not waited for. */
function farewell(wire: Wire): void {
  if (wire.ending !== null) return
  void wire.askNow({ text: 'QUIT', stage: 'idle', timeout: 0 })
  wire.endInOrder()
}

async function greet(
  wire: Wire,
  options: ClientOptions & { readonly helloTimeout: number },
): Promise<Greeted> {
  const { dialect, heloName, except = [], helloTimeout } = options
  const verbs: Capabilities['greeted'][] = dialect === 'lmtp' ? ['LHLO'] : ['EHLO', 'HELO']
  let refusal: ServerReply | null = null
  for (const greeted of verbs) {
    const heard = await wire.askNow({ text: `${greeted} ${heloName}`, stage: 'hello', timeout: helloTimeout })
    // Who refuses EHLO and goes (RFC 5321 §3.8: 421, or without a word) has said why before.
    if (refusal !== null && (heard.type === 'ended' || heard.code === 421))
      return { type: 'refused', reply: refusal }
    if (heard.type === 'ended') return heard
    if (isPositive(heard)) {
      return { type: 'greeted', capabilities: parseCapabilities(heard, { greeted, except }) }
    }
    // RFC 5321 §3.2: a server that does not know EHLO (5yz) is greeted with HELO. 4yz: not now.
    if (heard.code < 500 || greeted === verbs.at(-1)) return { type: 'refused', reply: heard }
    refusal = heard
  }
  throw new Error('no verb to greet with')
}

class SmtpClientSession implements SmtpClient {
  readonly greeting: ServerReply
  readonly #channel: Channel
  readonly #options: ClientOptions

  constructor(parts: {
    readonly channel: Channel
    readonly greeting: ServerReply
    readonly options: ClientOptions
  }) {
    this.#channel = parts.channel
    this.greeting = parts.greeting
    this.#options = parts.options
  }

  get capabilities(): Capabilities {
    return this.#channel.capabilities
  }

  get tls(): TlsState | null {
    return this.#channel.wire.tls
  }

  get ending(): SessionEnding | null {
    return this.#channel.wire.ending
  }

  get ended(): Promise<SessionEnding> {
    return this.#channel.wire.ended
  }

  get accepted(): number {
    return this.#channel.accepted
  }

  get reusable(): boolean {
    const { mailMax } = this.capabilities.limits
    return this.ending === null && (mailMax === null || this.#channel.transactions < mailMax)
  }

  startTls(request: ClientTls): Promise<StartTlsResult> {
    return this.#channel.exclusive(() => this.#startTls(request))
  }

  async #startTls(request: ClientTls): Promise<StartTlsResult> {
    const { wire, timeouts } = this.#channel
    const heard = await wire.askNow({
      text: 'STARTTLS',
      stage: 'tls',
      timeout: timeouts.startTls,
      then: 'silence',
    })
    if (heard.type === 'ended') return heard
    if (!isPositive(heard)) return { type: 'refused', stage: 'tls', reply: heard }
    const secured = await wire.startTls(request)
    if (secured.type === 'ended') return secured
    const refusal = await this.#greetAgain()
    if (refusal === null) return { type: 'done', tls: secured.tls }
    return refusal.type === 'ended' ? refusal : { type: 'refused', stage: 'hello', reply: refusal.reply }
  }

  /** RFC 3207 §4.2: what was offered in the clear is forgotten. Null where it went well. */
  async #greetAgain(): Promise<Exclude<Greeted, { type: 'greeted' }> | null> {
    const { wire, timeouts } = this.#channel
    const greeted = await greet(wire, { ...this.#options, helloTimeout: timeouts.hello })
    if (greeted.type === 'greeted') {
      this.#channel.capabilities = greeted.capabilities
      this.#channel.needsReset = false
      return null
    }
    if (greeted.type === 'refused') farewell(wire)
    return greeted
  }

  authenticate(options: AuthenticateOptions): Promise<AuthenticateResult> {
    return authenticate(this.#channel, options)
  }

  send(message: OutgoingMessage): Promise<TransactionResult> {
    return transact(this.#channel, message)
  }

  roomForNext(): Promise<void> {
    return this.#channel.room()
  }

  async reset(): Promise<CommandResult> {
    const result = await this.#simple('RSET')
    if (result.type === 'done') this.#channel.needsReset = false
    return result
  }

  noop(): Promise<CommandResult> {
    return this.#simple('NOOP')
  }

  etrn(node: string): Promise<CommandResult> {
    return this.#simple(`ETRN ${checkedWord(node)}`)
  }

  atrn(domains: readonly string[]): Promise<TurnResult> {
    const names = domains.map(checkedWord).join(',')
    return this.#turn(names === '' ? 'ATRN' : `ATRN ${names}`)
  }

  turn(): Promise<TurnResult> {
    return this.#turn('TURN')
  }

  #turn(text: string): Promise<TurnResult> {
    const { wire, timeouts } = this.#channel
    return this.#channel.exclusive(async () => {
      const heard = await wire.askNow({ text, stage: 'idle', timeout: timeouts.turn, then: 'silence' })
      if (heard.type === 'ended') return heard
      if (!isPositive(heard)) return { type: 'refused', stage: 'idle', reply: heard }
      if (wire.ending !== null) return { type: 'ended', ending: wire.ending }
      return { type: 'turned', connection: wire.handOver(), reply: heard }
    })
  }

  xforward(attributes: Readonly<Record<string, string>>): Promise<CommandResult> {
    return this.#simple(`XFORWARD ${attributeList(attributes, this.capabilities.xforward)}`)
  }

  xclient(attributes: Readonly<Record<string, string>>): Promise<CommandResult> {
    const text = `XCLIENT ${attributeList(attributes, this.capabilities.xclient)}`
    return this.#channel.exclusive(async () => {
      const result = this.#judge(await this.#ask(text))
      // The server is back at its greeting, for the client that it was told of.
      const refusal = result.type === 'done' ? await this.#greetAgain() : null
      if (refusal === null) return result
      return refusal.type === 'ended' ? refusal : { ...refusal, stage: 'hello' }
    })
  }

  async quit(): Promise<void> {
    const { wire, timeouts } = this.#channel
    if (wire.ending !== null) return
    await this.#channel.command({ text: 'QUIT', stage: 'idle', timeout: timeouts.quit })
    wire.endInOrder()
  }

  close(): void {
    this.#channel.wire.end({ type: 'closed', stage: 'idle' })
  }

  async #simple(text: string): Promise<CommandResult> {
    return this.#channel.exclusive(async () => this.#judge(await this.#ask(text)))
  }

  #ask(text: string): Promise<Heard> {
    const { wire, timeouts } = this.#channel
    const command: Command = { text, stage: 'idle', timeout: timeouts.command }
    return wire.askNow(command)
  }

  #judge(heard: Heard): CommandResult {
    if (heard.type === 'ended') return heard
    return isPositive(heard)
      ? { type: 'done', reply: heard }
      : { type: 'refused', stage: 'idle', reply: heard }
  }
}

/** One argument of a command. */
function checkedWord(word: string): string {
  if (!/^[\x21-\x7e]{1,255}$/.test(word)) throw new RangeError('an argument that cannot stand in a command')
  return word
}

/** Attributes that the server takes, as `NAME=xtext`. */
function attributeList(
  attributes: Readonly<Record<string, string>>,
  offered: readonly string[] | null,
): string {
  const list = Object.entries(attributes)
    .filter(([name]) => offered?.includes(name.toUpperCase()) === true)
    .map(([name, value]) => `${name.toUpperCase()}=${encodeXtext(value)}`)
  if (list.length === 0) throw new RangeError('no attribute that this server takes')
  return list.join(' ')
}
