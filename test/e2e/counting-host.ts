// A mail host for large messages: counts what it is sent and keeps a hash, never the octets. Takes DATA or BDAT, may announce a
// SIZE, and may refuse a message in the middle of it. Its senders stuff no dots: the tests' lines begin with none.
import { Buffer } from 'node:buffer'
import { createHash, type Hash } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

export interface CountingOptions {
  readonly extensions?: readonly string[]
  /** Refuses a message with 552 when it has had so many octets of it: in the middle of data, or at the end of a chunk. */
  readonly refuseAfter?: number
  /** What the hash begins with: all before it is trace. */
  readonly start: string
}

export interface Counted {
  readonly octets: number
  /** SHA-256 from `start` on, in hex. */
  readonly digest: string
  readonly by: 'DATA' | 'BDAT'
}

export class CountingHost {
  readonly messages: Counted[] = []
  /** Lines of all sessions. */
  readonly commands: string[] = []
  /** Octets of content that came, whole messages or not. */
  octets = 0
  readonly options: CountingOptions
  readonly #told = new EventEmitter()

  constructor(options: CountingOptions) {
    this.options = options
  }

  /** On a port of loopback, until the test ends. Gives the port. */
  async listen(test: TestContext): Promise<number> {
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      sockets.add(socket)
      new CountingSession(this, socket).start()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    test.after(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    // A TCP server that listens has one.
    return (server.address() as AddressInfo).port
  }

  take(message: Counted): void {
    this.messages.push(message)
    this.#told.emit('message')
  }

  /** Resolves when that many have come. */
  async until(count: number): Promise<void> {
    while (this.messages.length < count) await once(this.#told, 'message')
  }
}

const endOfData = Buffer.from('\r\n.\r\n')

class CountingSession {
  readonly #host: CountingHost
  readonly #socket: Socket
  #line: Buffer = Buffer.alloc(0)
  #state: 'commands' | 'data' | 'chunk' | 'over' = 'commands'
  #left = 0
  #last = false
  #hash: Hash = createHash('sha256')
  #begun = false
  #head = Buffer.alloc(0)
  #octets = 0
  /** The last octets of data, which may be the beginning of its end. */
  #tail: Buffer = Buffer.alloc(0)

  constructor(host: CountingHost, socket: Socket) {
    this.#host = host
    this.#socket = socket
  }

  start(): void {
    this.#socket.write('220 count.example ESMTP\r\n')
    this.#socket.on('error', () => {})
    this.#socket.on('data', (bytes: Buffer) => {
      for (let rest = bytes; rest.length > 0 && this.#state !== 'over';) rest = this.#work(rest)
    })
  }

  /** Gives what is left. */
  #work(bytes: Buffer): Buffer {
    if (this.#state === 'commands') return this.#command(bytes)
    return this.#state === 'chunk' ? this.#chunk(bytes) : this.#data(bytes)
  }

  #command(bytes: Buffer): Buffer {
    const whole = this.#line.length === 0 ? bytes : Buffer.concat([this.#line, bytes])
    const end = whole.indexOf('\r\n')
    this.#line = end < 0 ? whole : Buffer.alloc(0)
    if (end < 0) return Buffer.alloc(0)
    const line = whole.subarray(0, end).toString('latin1')
    this.#host.commands.push(line)
    const answer = this.#answer(line)
    if (answer !== '') this.#socket.write(`${answer}\r\n`)
    return whole.subarray(end + 2)
  }

  #answer(line: string): string {
    const [verb = '', size = '0', last] = line.toUpperCase().split(' ')
    if (verb === 'EHLO') {
      const lines = ['count.example', ...(this.#host.options.extensions ?? [])]
      return lines.map((text, index) => `250${index === lines.length - 1 ? ' ' : '-'}${text}`).join('\r\n')
    }
    if (verb === 'DATA') {
      this.#state = 'data'
      this.#tail = Buffer.alloc(0)
      return '354 go on'
    }
    if (verb === 'BDAT') {
      this.#left = Number(size)
      this.#last = last === 'LAST'
      this.#state = 'chunk'
      if (this.#left === 0) return this.#endOfChunk()
      return ''
    }
    return verb === 'QUIT' ? '221 bye' : '250 ok'
  }

  #chunk(bytes: Buffer): Buffer {
    const part = bytes.subarray(0, this.#left)
    this.#left -= part.length
    this.#count(part)
    if (this.#left === 0) this.#socket.write(`${this.#endOfChunk()}\r\n`)
    return bytes.subarray(part.length)
  }

  #endOfChunk(): string {
    this.#state = 'commands'
    // RFC 3030 §2: what follows a chunk that failed is refused, too.
    if (this.#octets >= (this.#host.options.refuseAfter ?? Infinity)) return '552 5.3.4 That is enough'
    if (this.#last) this.#done('BDAT')
    return '250 ok'
  }

  #data(bytes: Buffer): Buffer {
    const whole = this.#tail.length === 0 ? bytes : Buffer.concat([this.#tail, bytes])
    const end = whole.indexOf(endOfData)
    if (end < 0) {
      const kept = Math.max(0, whole.length - endOfData.length)
      this.#count(whole.subarray(0, kept))
      this.#tail = whole.subarray(kept)
      if (this.#octets >= (this.#host.options.refuseAfter ?? Infinity)) this.#refuse()
      return Buffer.alloc(0)
    }
    this.#count(whole.subarray(0, end + 2))
    this.#state = 'commands'
    this.#done('DATA')
    this.#socket.write('250 ok\r\n')
    return whole.subarray(end + endOfData.length)
  }

  /** Says so and reads no further. */
  #refuse(): void {
    this.#state = 'over'
    this.#socket.pause()
    this.#socket.write('552 5.3.4 That is enough\r\n')
  }

  #count(bytes: Buffer): void {
    this.#octets += bytes.length
    this.#host.octets += bytes.length
    if (this.#begun) {
      this.#hash.update(bytes)
      return
    }
    this.#head = Buffer.concat([this.#head, bytes])
    const start = this.#head.indexOf(this.#host.options.start)
    if (start < 0) return
    this.#begun = true
    this.#hash.update(this.#head.subarray(start))
  }

  #done(by: 'DATA' | 'BDAT'): void {
    this.#host.take({ octets: this.#octets, digest: this.#hash.digest('hex'), by })
    this.#hash = createHash('sha256')
    this.#begun = false
    this.#head = Buffer.alloc(0)
    this.#octets = 0
  }
}
