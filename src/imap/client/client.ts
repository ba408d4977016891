// An IMAP client for reading whole mailboxes: what an import needs, and no more. Messages are streams, so that the largest costs no more
// memory than the smallest; commands for bodies are sent ahead, so that a far server is not waited for with each.
//
// Ours and no library's, since those gather each message before they give it, and bring their own logging and connections.
// TLS comes first: by STARTTLS anything that came in the clear before the handshake ends the session (RFC 9051 §6.2.1), and
// nobody logs in without TLS unless that was asked for. Certificates are checked by Node against the host's name.
import { once } from 'node:events'
import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Secret } from '../../base/secret.ts'
import { ImapConnectionLost, OctetReader } from './reader.ts'
import { base64, type Pieces, readValues, tryQuoted, type Value } from './values.ts'

export interface ImapClientOptions {
  readonly host: string
  readonly port: number
  readonly tls: 'implicit' | 'starttls' | 'none'
  /** Whether the certificate has to be good. */
  readonly verify: boolean
  readonly user: string
  /** Whose mailbox, where that is somebody else's (SASL authorization identity). */
  readonly authorizeAs: string | null
  readonly secret: Secret
  readonly mechanism: 'password' | 'xoauth2'
  /** Silence after which the server is given up, milliseconds. */
  readonly silence: number
}

/** The server said NO or BAD. `text` is what it said. */
export class ImapRefusal extends Error {
  override name = 'ImapRefusal'
}

/** One untagged response: its name in capitals, the number before it, and its data. */
export interface Untagged {
  readonly name: string
  readonly number: number | null
  readonly values: readonly Value[]
  /** As it stands, without literals. */
  readonly text: string
}

/** One body that comes. It has to be read before the next. */
export interface IncomingBody {
  readonly uid: number
  readonly content: AsyncIterable<Uint8Array>
}

/** A literal that is no body is gathered up to this size. */
const largestValue = 8 * 1024 * 1024
/** Commands that wait for their bodies. */
const ahead = 16

export class ImapClient implements AsyncDisposable {
  #socket: Socket
  #reader: OctetReader
  readonly #options: ImapClientOptions
  #capabilities = new Set<string>()
  #tag = 0

  private constructor(options: ImapClientOptions, socket: Socket) {
    this.#options = options
    this.#socket = socket
    this.#reader = new OctetReader(socket)
  }

  /** Connects, secures and logs in. Rejects with `ImapRefusal` or an Error that says why. */
  static async open(options: ImapClientOptions): Promise<ImapClient> {
    const { host, port } = options
    const socket =
      options.tls === 'implicit' ? await secure(null, options) : connectPlain({ host, port, noDelay: true })
    if (options.tls !== 'implicit') await opened(socket, options)
    const client = new ImapClient(options, socket)
    try {
      await client.#begin()
      return client
    } catch (error) {
      socket.destroy()
      throw error
    }
  }

  has(capability: string): boolean {
    return this.#capabilities.has(capability)
  }

  async #begin(): Promise<void> {
    const greeting = await this.#reader.line()
    if (!/^\* (?:OK|PREAUTH)\b/i.test(greeting)) throw new ImapRefusal(greeting.replace(/^\* /, ''))
    if (this.#options.tls === 'starttls') await this.#startTls()
    await this.#askCapabilities()
    if (!/^\* PREAUTH\b/i.test(greeting)) await this.#logIn()
    await this.#askCapabilities()
  }

  async #startTls(): Promise<void> {
    await this.command('STARTTLS')
    // RFC 9051 §6.2.1: what came before the handshake may be anybody's.
    if (this.#reader.held > 0 || this.#socket.readableLength > 0)
      throw new ImapConnectionLost('octets came between STARTTLS and TLS')
    this.#socket = await secure(this.#socket, this.#options)
    this.#reader = new OctetReader(this.#socket)
  }

  async #askCapabilities(): Promise<void> {
    await this.command('CAPABILITY', ({ name, text }) => {
      if (name === 'CAPABILITY') this.#capabilities = new Set(text.toUpperCase().split(' ').slice(1))
    })
  }

  async #logIn(): Promise<void> {
    const { user, secret, mechanism, authorizeAs } = this.#options
    if (mechanism === 'xoauth2') {
      const words = `user=${user}\x01auth=Bearer ${secret.reveal()}\x01\x01`
      return this.#authenticate('XOAUTH2', base64(words))
    }
    const [name, password] = [tryQuoted(user), tryQuoted(secret.reveal())]
    const isPlain = this.has('AUTH=PLAIN')
    if (
      isPlain &&
      (authorizeAs !== null || name === undefined || password === undefined || this.has('LOGINDISABLED'))
    ) {
      // RFC 4616 §2: authorization identity, authentication identity, password.
      return this.#authenticate('PLAIN', base64(`${authorizeAs ?? ''}\0${user}\0${secret.reveal()}`))
    }
    if (name === undefined || password === undefined || authorizeAs !== null) {
      throw new ImapRefusal('the server does not offer AUTH=PLAIN, which this log-in needs')
    }
    await this.command(`LOGIN ${name} ${password}`)
  }

  async #authenticate(mechanism: string, response: string): Promise<void> {
    if (this.has('SASL-IR')) return void (await this.command(`AUTHENTICATE ${mechanism} ${response}`))
    await this.command(`AUTHENTICATE ${mechanism}`, () => {}, response)
  }

  /** Runs a command; untagged responses go to `onData`. `response` answers the first continuation. Rejects with `ImapRefusal`. */
  async command(
    text: string,
    onData: (data: Untagged) => void = () => {},
    response: string | null = null,
  ): Promise<string> {
    const tag = this.#send(text)
    let answer = response
    for (;;) {
      const pieces = await this.#response()
      const [first] = pieces
      const line = typeof first === 'string' ? first : ''
      if (line.startsWith('+')) {
        // An error of OAuth is told in a continuation, and answered with an empty one (RFC 7628 §3.2.3).
        this.#socket.write(`${answer ?? ''}\r\n`)
        answer = null
      } else if (line.startsWith(`${tag} `)) return tagged(line.slice(tag.length + 1))
      else onData(untagged(pieces))
    }
  }

  #send(text: string): string {
    const tag = `P${++this.#tag}`
    this.#socket.write(Buffer.from(`${tag} ${text}\r\n`, 'latin1'))
    return tag
  }

  /** A whole response, its literals gathered. */
  async #response(): Promise<Pieces> {
    const pieces: (string | Buffer)[] = []
    for (;;) {
      const line = await this.#reader.line()
      const literal = /~?\{(\d{1,15})\}$/.exec(line)
      if (literal === null) return [...pieces, line]
      const left = Number(literal[1])
      if (left > largestValue) throw new ImapConnectionLost(`the server sent a value of ${left} octets`)
      pieces.push(line.slice(0, literal.index), await gathered(this.#reader.octets({ left })))
    }
  }

  /** Bodies of messages by UID, in this order; those that are gone are left out. */
  async *bodies(uids: Iterable<number>): AsyncGenerator<IncomingBody> {
    const iterator = uids[Symbol.iterator]()
    const waiting: { tag: string; uid: number }[] = []
    const askMore = (): void => {
      while (waiting.length < ahead) {
        const next = iterator.next()
        if (next.done === true) return
        waiting.push({ tag: this.#send(`UID FETCH ${next.value} (UID BODY.PEEK[])`), uid: next.value })
      }
    }
    askMore()
    for (let current = waiting[0]; current !== undefined; current = waiting[0]) {
      const line = await this.#reader.line()
      const body = /^\* \d+ FETCH .*\bBODY\[\] ?(?:~?\{(\d{1,15})\}|("(?:[^"\\]|\\.)*"|NIL).*)$/i.exec(line)
      if (body !== null) yield* this.#body(body, current.uid)
      else if (line.startsWith(`${current.tag} `)) {
        waiting.shift()
        askMore()
        const said = line.slice(current.tag.length + 1)
        // One message that the server cannot give is no reason to leave the others.
        if (!/^OK\b/i.test(said)) yield { uid: current.uid, content: refused(said) }
      } else await this.#passOver(line)
    }
  }

  async *#body(match: RegExpExecArray, asked: number): AsyncGenerator<IncomingBody> {
    const [line, length, quoted] = match
    const uid = Number(/\bUID (\d+)/i.exec(line)?.[1] ?? asked)
    if (length === undefined) {
      const text = quoted?.startsWith('"') === true ? quoted.slice(1, -1).replace(/\\(["\\])/g, '$1') : ''
      yield { uid, content: single(Buffer.from(text, 'latin1')) }
      return
    }
    const count = { left: Number(length) }
    yield { uid, content: this.#reader.octets(count) }
    for await (const _ of this.#reader.octets(count)) continue
    await this.#passOver(await this.#reader.line())
  }

  /** The rest of a response that says nothing of use. */
  async #passOver(line: string): Promise<void> {
    for (let at = line; ;) {
      const literal = /~?\{(\d{1,15})\}$/.exec(at)
      if (literal === null) return
      for await (const _ of this.#reader.octets({ left: Number(literal[1]) })) continue
      at = await this.#reader.line()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#socket.destroyed) this.#socket.end(`P${++this.#tag} LOGOUT\r\n`)
    this.#socket.destroySoon()
    await Promise.resolve()
  }
}

async function* refused(said: string): AsyncGenerator<Uint8Array> {
  tagged(await Promise.resolve(said))
}

async function* single(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes
}

async function gathered(octets: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of octets) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function tagged(line: string): string {
  if (!/^OK\b/i.test(line)) throw new ImapRefusal(line.replace(/^(?:NO|BAD) /i, ''))
  return line
}

function untagged(pieces: Pieces): Untagged {
  const text = pieces.filter((piece) => typeof piece === 'string').join('')
  const match = /^\* (?:(\d+) )?(\S+) ?/.exec(text)
  const [first, ...rest] = pieces
  const start = typeof first === 'string' ? first.slice(match?.[0].length ?? 0) : ''
  return {
    name: (match?.[2] ?? '').toUpperCase(),
    number: match?.[1] === undefined ? null : Number(match[1]),
    values: readValues([start, ...rest]),
    text: text.slice(2),
  }
}

/** The connection under TLS; with a socket, upgraded. */
async function secure(socket: Socket | null, options: ImapClientOptions): Promise<Socket> {
  const { host, port, verify } = options
  const isName = !/^[\d.]+$|:/.test(host)
  const secured = connectTls({
    ...(socket === null ? { host, port } : { socket }),
    ...(isName ? { servername: host } : {}),
    rejectUnauthorized: verify,
    minVersion: 'TLSv1.2',
  })
  await opened(secured, options, 'secureConnect')
  return secured
}

async function opened(socket: Socket, options: ImapClientOptions, event = 'connect'): Promise<void> {
  socket.setTimeout(options.silence, () => socket.destroy(new Error(`${options.host} says nothing`)))
  await once(socket, event)
  // Later errors come out where it is read.
  socket.on('error', () => {})
}
