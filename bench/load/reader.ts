// A line-reading client for the IMAP and POP3 workloads: as little work as can be on the client's side, so that the figures are the
// server's. It knows how to wait for a line, a tagged answer and a dot, and counts octets.
import { connect, type Socket } from 'node:net'

/** A connection that collects what comes and wakes who waits for it. */
export class Reader implements Disposable {
  readonly #socket: Socket
  #chunks: Buffer[] = []
  #size = 0
  #wake: (() => void) | null = null
  #broken: Error | null = null

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk)
      this.#size += chunk.length
      this.#wake?.()
    })
    socket.on('error', (error) => this.#break(error))
    socket.on('close', () => this.#break(new Error('the server closed the connection')))
  }

  /** Connects to loopback. */
  static async open(port: number): Promise<Reader> {
    const socket = connect({ port, host: '127.0.0.1' })
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', () => resolve())
      socket.once('error', reject)
    })
    return new Reader(socket)
  }

  send(text: string | Uint8Array): void {
    this.#socket.write(text)
  }

  /** Everything up to the first place where `end` matches the last octets received; gives the octets. */
  async until(end: RegExp): Promise<Buffer> {
    for (;;) {
      if (this.#size > 0) {
        const tail = this.#tail(2000)
        if (end.test(tail)) return this.#take()
      }
      if (this.#broken !== null) throw this.#broken
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#wake = null
    }
  }

  /** Sends an IMAP command and reads to its tagged answer, which must be OK. */
  async imap(tag: string, command: string): Promise<Buffer> {
    this.send(`${tag} ${command}\r\n`)
    const answer = await this.until(new RegExp(`(^|\\r\\n)${tag} [^\\r\\n]*\\r\\n$`))
    if (!answer.includes(`${tag} OK`)) {
      throw new Error(`${command.slice(0, 60)}: ${answer.toString('latin1').slice(-200)}`)
    }
    return answer
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }

  #tail(length: number): string {
    let text = ''
    for (let index = this.#chunks.length - 1; index >= 0 && text.length < length; index--) {
      const chunk = this.#chunks[index] ?? Buffer.alloc(0)
      text = chunk.toString('latin1', Math.max(0, chunk.length - (length - text.length))) + text
    }
    return text
  }

  #take(): Buffer {
    const all = this.#chunks.length === 1 ? (this.#chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#chunks)
    this.#chunks = []
    this.#size = 0
    return all
  }

  #break(error: Error): void {
    this.#broken ??= error
    this.#wake?.()
  }
}
