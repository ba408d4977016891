// Octets of an IMAP server as a client reads them: lines, and literals as streams, however the network cuts them. Lines are bounded, and
// a literal is never gathered here.
import type { Socket } from 'node:net'

/** What the server sent is not IMAP, or it has gone. The session is over. */
export class ImapConnectionLost extends Error {
  override name = 'ImapConnectionLost'
}

/** Longest line: FLAGS of a mailbox with many keywords, and ENVELOPE, which is not asked for. */
const longestLine = 1024 * 1024

export class OctetReader {
  #iterator: AsyncIterator<unknown>
  #held: Buffer = Buffer.alloc(0)

  constructor(socket: Socket) {
    this.#iterator = socket[Symbol.asyncIterator]()
  }

  /** Octets that have come and were not read. */
  get held(): number {
    return this.#held.length
  }

  /** One line without its end, as Latin-1. */
  async line(): Promise<string> {
    for (let from = 0; ;) {
      const lf = this.#held.indexOf(10, from)
      if (lf >= 0) {
        const end = lf > 0 && this.#held[lf - 1] === 13 ? lf - 1 : lf
        const line = this.#held.toString('latin1', 0, end)
        this.#held = this.#held.subarray(lf + 1)
        return line
      }
      from = this.#held.length
      if (from > longestLine)
        throw new ImapConnectionLost(`the server sent a line of more than ${longestLine} octets`)
      this.#held = Buffer.concat([this.#held, await this.#more()])
    }
  }

  /** Exactly that many octets, in chunks. Whoever stops in the middle has to read the rest by `skip`. */
  async *octets(count: { left: number }): AsyncGenerator<Uint8Array> {
    while (count.left > 0) {
      if (this.#held.length === 0) this.#held = await this.#more()
      const chunk = this.#held.subarray(0, count.left)
      this.#held = this.#held.subarray(chunk.length)
      count.left -= chunk.length
      yield chunk
    }
  }

  async #more(): Promise<Buffer> {
    let next: IteratorResult<unknown>
    try {
      next = await this.#iterator.next()
    } catch (error) {
      throw new ImapConnectionLost(
        `the connection broke: ${error instanceof Error ? error.message : String(error)}`,
      )
    }
    if (next.done === true || !(next.value instanceof Uint8Array)) {
      throw new ImapConnectionLost('the server closed the connection')
    }
    return Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength)
  }
}
