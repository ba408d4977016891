// A mail host for tests of the relay: listens in a MemoryNetwork, answers each command by a rule or with consent, and keeps
// what it was given. A rule answers with a reply, or does something worse.
import { Buffer } from 'node:buffer'
import type { Connection } from '../../src/base/connection.ts'
import type { MemoryHost } from '../../src/net/memory-network.ts'

/** What a rule does: a reply (several lines joined by LF), `drop` (close), `hang` (say nothing), undefined (consent). */
export type PeerAnswer = string | undefined

export interface PeerScript {
  readonly name?: string
  readonly greeting?: string
  /** EHLO keywords; `STARTTLS` is offered only before TLS. */
  readonly extensions?: readonly string[]
  /** Keywords after TLS; default the same. */
  readonly securedExtensions?: readonly string[]
  /** By command, `.` for the whole message; `index` counts that verb's uses over all connections, from 0. */
  readonly rule?: (command: string, at: { readonly index: number; readonly connection: number }) => PeerAnswer
  /** LMTP: one reply for each accepted recipient. */
  readonly lmtp?: boolean
  /** The handshake comes first. */
  readonly implicitTls?: boolean
}

export interface PeerMessage {
  readonly mail: string
  readonly rcpt: readonly string[]
  /** Latin-1. */
  readonly content: string
  readonly secured: boolean
}

export class RelayPeer {
  readonly messages: PeerMessage[] = []
  /** Commands of all connections, in order. */
  readonly commands: string[] = []
  connections = 0
  script: PeerScript
  readonly #counts = new Map<string, number>()

  constructor(script: PeerScript = {}) {
    this.script = script
  }

  /** Listens on all addresses of a host. */
  async listen(host: MemoryHost, port = 25): Promise<this> {
    await host.listen({ address: '::', port, identity: null }, (connection) => this.serve(connection))
    return this
  }

  /** Serves one connection, however it came. */
  serve(connection: Connection): void {
    this.connections++
    new PeerSession(this, connection, this.connections - 1).start()
  }

  /** What is answered to a command. */
  answer(command: string, connection: number): PeerAnswer {
    const verb = command.split(/[ :]/, 1)[0] ?? ''
    const index = this.#counts.get(verb) ?? 0
    this.#counts.set(verb, index + 1)
    return this.script.rule?.(command, { index, connection })
  }
}

class PeerSession {
  readonly #peer: RelayPeer
  readonly #connection: Connection
  readonly #number: number
  #input = Buffer.alloc(0)
  #mode: 'commands' | 'data' | 'over' = 'commands'
  /** Octets of a chunk that are still to come. */
  #chunk: { left: number; last: boolean } | null = null
  #mail = ''
  #rcpt: string[] = []
  #content: Buffer[] = []

  constructor(peer: RelayPeer, connection: Connection, number: number) {
    this.#peer = peer
    this.#connection = connection
    this.#number = number
  }

  start(): void {
    const { script } = this.#peer
    this.#connection.onData = (bytes) => {
      this.#input = Buffer.concat([this.#input, bytes])
      this.#work()
    }
    this.#connection.onEnd = () => this.#connection.end()
    if (script.implicitTls === true) {
      this.#connection.startTls().then(
        () => this.#greet(),
        () => undefined,
      )
    } else this.#greet()
    this.#connection.resume()
  }

  #greet(): void {
    const { script } = this.#peer
    const greeting = script.greeting ?? `220 ${script.name ?? 'mx.test'} ESMTP`
    if (greeting === 'drop') this.#connection.destroy()
    else if (greeting !== 'hang') this.#say(greeting)
  }

  #say(reply: string): void {
    this.#connection.write(`${reply.split('\n').join('\r\n')}\r\n`)
  }

  #work(): void {
    while (this.#mode !== 'over') {
      const done = this.#chunk !== null ? this.#readChunk() : this.#readLine()
      if (!done) return
    }
  }

  #readChunk(): boolean {
    const chunk = this.#chunk
    if (chunk === null) return false
    const part = this.#input.subarray(0, chunk.left)
    this.#input = this.#input.subarray(part.length)
    this.#content.push(part)
    chunk.left -= part.length
    if (chunk.left > 0) return false
    this.#chunk = null
    if (chunk.last) this.#finish()
    else this.#say('250 2.0.0 chunk')
    return true
  }

  #readLine(): boolean {
    const end = this.#input.indexOf('\r\n')
    if (end < 0) return false
    const line = this.#input.subarray(0, end).toString('latin1')
    this.#input = this.#input.subarray(end + 2)
    if (this.#mode === 'data') {
      if (line === '.') {
        this.#mode = 'commands'
        this.#finish()
      } else this.#content.push(Buffer.from(`${line.startsWith('.') ? line.slice(1) : line}\r\n`, 'latin1'))
      return true
    }
    this.#command(line)
    return true
  }

  #finish(): void {
    const content = Buffer.concat(this.#content).toString('latin1')
    const given = { mail: this.#mail, rcpt: this.#rcpt, content, secured: this.#connection.tls !== null }
    const answer = this.#peer.answer('.', this.#number)
    if (answer === 'drop' || answer === 'hang') {
      this.#act(answer)
      return
    }
    const replies = (answer ?? '250 2.0.0 taken').split('\n')
    const each = this.#peer.script.lmtp === true ? this.#rcpt.length : 1
    for (let at = 0; at < each; at++) this.#say(replies[at] ?? replies[0] ?? '')
    if (replies.some((reply) => reply.startsWith('2'))) this.#peer.messages.push(given)
    this.#reset()
  }

  #reset(): void {
    this.#mail = ''
    this.#rcpt = []
    this.#content = []
  }

  #act(answer: string): void {
    if (answer === 'drop') {
      this.#mode = 'over'
      this.#connection.destroy()
    } else if (answer === 'hang') this.#mode = 'over'
    else this.#say(answer)
  }

  #command(line: string): void {
    this.#peer.commands.push(line)
    const answer = this.#peer.answer(line, this.#number)
    const verb = line.split(/[ :]/, 1)[0]?.toUpperCase() ?? ''
    const consent = answer === undefined || answer.startsWith('2') || answer.startsWith('3')
    if (!consent) {
      if (verb === 'BDAT') this.#chunk = null
      this.#act(answer)
      return
    }
    if (verb === 'EHLO' || verb === 'LHLO') this.#say(answer ?? this.#hello())
    else if (verb === 'STARTTLS') this.#startTls(answer)
    else if (verb === 'MAIL') this.#take(() => (this.#mail = line.slice('MAIL FROM:'.length)), answer)
    else if (verb === 'RCPT') this.#take(() => this.#rcpt.push(line.slice('RCPT TO:'.length)), answer)
    else if (verb === 'DATA') this.#data(answer)
    else if (verb === 'BDAT') this.#bdat(line)
    else if (verb === 'QUIT') {
      this.#say('221 2.0.0 bye')
      this.#mode = 'over'
      this.#connection.end()
    } else {
      if (verb === 'RSET') this.#reset()
      this.#say(answer ?? '250 2.0.0 fine')
    }
  }

  #take(keep: () => void, answer: PeerAnswer): void {
    keep()
    this.#say(answer ?? '250 2.1.0 fine')
  }

  #data(answer: PeerAnswer): void {
    if (this.#rcpt.length === 0) {
      this.#say('503 5.5.1 no recipients')
      return
    }
    this.#mode = 'data'
    this.#say(answer ?? '354 go on')
  }

  #bdat(line: string): void {
    const [, size = '0', last] = line.split(' ')
    this.#chunk = { left: Number(size), last: last?.toUpperCase() === 'LAST' }
  }

  #startTls(answer: PeerAnswer): void {
    this.#say(answer ?? '220 2.0.0 go on')
    this.#connection.startTls().then(
      () => this.#reset(),
      () => undefined,
    )
  }

  #hello(): string {
    const { script } = this.#peer
    const { extensions = ['PIPELINING', '8BITMIME', 'SMTPUTF8', 'DSN', 'SIZE'] } = script
    const secured = this.#connection.tls !== null
    const offered = secured
      ? (script.securedExtensions ?? extensions).filter((keyword) => keyword !== 'STARTTLS')
      : extensions
    const lines = [script.name ?? 'mx.test', ...offered]
    return lines.map((line, at) => `250${at === lines.length - 1 ? ' ' : '-'}${line}`).join('\n')
  }
}
