// A TCP client that a test drives by hand: lines out, lines in, and the ends that well-behaved clients never make.
import { connect, type Socket } from 'node:net'

export class LineSocket {
  readonly #socket: Socket
  #received = ''
  #ended = false
  #wake: (() => void) | null = null

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      this.#received += text
      this.#wake?.()
    })
    // A reset is an end, too; what came before it is what tests look at.
    socket.on('error', () => {})
    for (const event of ['end', 'close']) {
      socket.on(event, () => {
        this.#ended = true
        this.#wake?.()
      })
    }
  }

  static async open(port: number): Promise<LineSocket> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    return new LineSocket(socket)
  }

  send(text: string): void {
    this.#socket.write(text, 'latin1')
  }

  /** Resolves when the system has taken it. */
  sendSlowly(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => this.#socket.write(bytes, () => resolve()))
  }

  /** What came and was not read. */
  get unread(): string {
    return this.#received
  }

  /** The next line without its CRLF; undefined at the server's end. */
  async line(): Promise<string | undefined> {
    for (;;) {
      const at = this.#received.indexOf('\r\n')
      if (at >= 0) {
        const line = this.#received.slice(0, at)
        this.#received = this.#received.slice(at + 2)
        return line
      }
      if (this.#ended) return undefined
      await this.#more()
    }
  }

  /** The last line of the next SMTP reply; undefined at the server's end. */
  async reply(): Promise<string | undefined> {
    for (;;) {
      const line = await this.line()
      if (line?.[3] !== '-') return line
    }
  }

  /** Sends an SMTP command and gives the last line of its reply. */
  command(text: string): Promise<string | undefined> {
    this.send(`${text}\r\n`)
    return this.reply()
  }

  /** The next line that begins so; undefined at the server's end. */
  async lineLike(start: string): Promise<string | undefined> {
    for (;;) {
      const line = await this.line()
      if (line === undefined || line.startsWith(start)) return line
    }
  }

  /** Everything until the server's end. */
  async rest(): Promise<string> {
    while (!this.#ended) await this.#more()
    return this.#received
  }

  /** FIN: nothing more will be sent, but everything is still read. */
  halfClose(): void {
    this.#socket.end()
  }

  /** RST. */
  reset(): void {
    this.#socket.resetAndDestroy()
  }

  close(): void {
    this.#socket.destroy()
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}
