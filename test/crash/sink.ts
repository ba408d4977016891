// Where relayed mail ends: an SMTP server in the test's own process, which outlives the server under test and writes down each
// message before it answers the final dot. It refuses recipients who are gone, and answers now late, now at once, so that a
// server dies between the dot and its reply, and between the reply and its own commit.
import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { SeededRandom } from '../../src/base/seeded-random.ts'
import { type Arrived, digestOf, idOf, isGone } from './ledger.ts'

export type SinkMoment = 'dot' | 'reply'

const latest = 20

export class Sink implements AsyncDisposable {
  readonly arrived: Arrived[] = []
  /** Which life of the server is on; set by whoever starts it. */
  life = 0
  /** Told of each message at its final dot and when its reply is written. */
  onMoment: (moment: SinkMoment) => void = () => {}
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #random = new SeededRandom('sink')

  private constructor() {
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
      // The server under test dies all the time.
      socket.on('error', () => {})
      new SinkSession(this, socket).start()
    })
  }

  static async open(): Promise<Sink> {
    const sink = new Sink()
    sink.#server.listen(0, '127.0.0.1')
    await once(sink.#server, 'listening')
    return sink
  }

  get port(): number {
    // A TCP server that listens has one.
    return (this.#server.address() as AddressInfo).port
  }

  /** Milliseconds that a reply is kept waiting. */
  patience(): number {
    return this.#random.below(3) === 0 ? this.#random.below(latest) : 0
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

class SinkSession {
  readonly #sink: Sink
  readonly #socket: Socket
  #input = Buffer.alloc(0)
  #state: 'commands' | 'data' | 'busy' = 'commands'
  #recipients: string[] = []
  #searched = 0

  constructor(sink: Sink, socket: Socket) {
    this.#sink = sink
    this.#socket = socket
  }

  start(): void {
    this.#socket.write('220 sink.example ESMTP\r\n')
    this.#socket.on('data', (bytes: Buffer) => {
      this.#input = Buffer.concat([this.#input, bytes])
      this.#work()
    })
  }

  #work(): void {
    while (this.#state === 'commands') {
      const end = this.#input.indexOf('\r\n')
      if (end < 0) return
      const line = this.#input.subarray(0, end).toString('latin1')
      this.#input = this.#input.subarray(end + 2)
      this.#socket.write(this.#answer(line))
    }
    if (this.#state === 'data') this.#takeContent()
  }

  #answer(line: string): string {
    const [verb = ''] = line.toUpperCase().split(/[ :]/, 1)
    switch (verb) {
      case 'EHLO':
        return '250-sink.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n'
      case 'RCPT': {
        const address = /<([^>]*)>/.exec(line)?.[1] ?? ''
        if (isGone(address)) return '550 5.1.1 no such user\r\n'
        this.#recipients.push(address)
        return '250 ok\r\n'
      }
      case 'DATA':
        if (this.#recipients.length === 0) return '554 no valid recipients\r\n'
        this.#state = 'data'
        this.#searched = 0
        return '354 go on\r\n'
      case 'QUIT':
        this.#socket.end('221 bye\r\n')
        return ''
      default:
        if (verb === 'MAIL' || verb === 'RSET') this.#recipients = []
        return '250 ok\r\n'
    }
  }

  #takeContent(): void {
    const end = this.#input.indexOf('\r\n.\r\n', Math.max(0, this.#searched - 4))
    if (end < 0) {
      this.#searched = this.#input.length
      return
    }
    const text = this.#input.subarray(0, end + 2).toString('latin1')
    this.#input = this.#input.subarray(end + 5)
    // RFC 5321 §4.5.2; the trace fields stand before the message.
    const plain = text.replace(/^\./gm, '')
    const message = Buffer.from(plain.slice(plain.indexOf('Message-ID: <')), 'latin1')
    const { life } = this.#sink
    const copy = { id: idOf(message), digest: digestOf(message), life }
    for (const recipient of this.#recipients) this.#sink.arrived.push({ ...copy, recipient })
    this.#recipients = []
    this.#state = 'busy'
    this.#sink.onMoment('dot')
    setTimeout(() => {
      this.#socket.write('250 2.0.0 taken\r\n')
      this.#sink.onMoment('reply')
      this.#state = 'commands'
      this.#work()
    }, this.#sink.patience())
  }
}
