// The client's end of a `Connection`, for tests of servers: sends text, reads lines, sees the end.
import { Buffer } from 'node:buffer'
import type { Connection } from '../../src/base/connection.ts'

export class LineClient {
  readonly connection: Connection
  #received = ''
  #ended = false
  #error: Error | null = null
  #waiting: (() => void)[] = []

  constructor(connection: Connection) {
    this.connection = connection
    connection.onData = (bytes) => {
      this.#received += Buffer.from(bytes).toString('latin1')
      this.#wake()
    }
    connection.onEnd = () => {
      this.#ended = true
      this.#wake()
    }
    connection.onClose = (error) => {
      this.#ended = true
      this.#error = error
      this.#wake()
    }
    connection.resume()
  }

  /** What the connection broke with. */
  get error(): Error | null {
    return this.#error
  }

  /** Everything received and not yet read, as Latin-1. */
  get unread(): string {
    return this.#received
  }

  send(bytes: string | Uint8Array): void {
    this.connection.write(bytes)
  }

  /** The next line without its CRLF; undefined at the end of the stream. */
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

  /** The next `count` lines, fewer where the stream ends. */
  async lines(count: number): Promise<string[]> {
    const lines: string[] = []
    while (lines.length < count) {
      const line = await this.line()
      if (line === undefined) break
      lines.push(line)
    }
    return lines
  }

  /** Everything until the server's end, as Latin-1. */
  async rest(): Promise<string> {
    while (!this.#ended) await this.#more()
    const rest = this.#received
    this.#received = ''
    return rest
  }

  #more(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) wake()
  }
}
