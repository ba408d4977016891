// A server that does exactly what a test says, right or wrong: the far end of a client's connection in memory.
import type { Connection } from '../../src/base/connection.ts'
import { SeededRandom } from '../../src/base/seeded-random.ts'
import { VirtualClock } from '../../src/base/virtual-clock.ts'
import type { MemoryConnection, MemoryLinkFaults } from '../../src/net/memory-connection.ts'
import { connectInMemory } from '../../src/net/memory-network.ts'

export interface ScriptedOptions {
  readonly segments?: 'kept' | 'cut'
  readonly seed?: number
  readonly latencyMilliseconds?: number
  readonly faults?: MemoryLinkFaults
}

/** Both ends of a new connection, with the clock of both. */
export function connectScripted(options: ScriptedOptions = {}): {
  clock: VirtualClock
  client: Connection
  server: ScriptedServer
} {
  const clock = new VirtualClock()
  const { segments = 'kept', seed = 1, latencyMilliseconds = 0, faults = {} } = options
  const network = { clock, random: new SeededRandom(seed), segments, latencyMilliseconds, faults }
  const [client, far] = connectInMemory(network, {
    local: { address: '192.0.2.1', port: 40_000 },
    remote: { address: '192.0.2.2', port: 25 },
  })
  return { clock, client, server: new ScriptedServer(far) }
}

export class ScriptedServer<Far extends Connection = MemoryConnection> {
  readonly connection: Far
  /** Latin-1 of all that came and was not asked for yet. */
  #text = ''
  #over = false
  #wake: (() => void) | null = null

  constructor(connection: Far) {
    this.connection = connection
    connection.onData = (bytes) => {
      this.#text += Buffer.from(bytes).toString('latin1')
      this.#wake?.()
    }
    connection.onEnd = () => this.#end()
    connection.onClose = () => this.#end()
    connection.resume()
  }

  #end(): void {
    this.#over = true
    this.#wake?.()
  }

  /** What has come so far, without taking it. */
  get waiting(): string {
    return this.#text
  }

  /** Replies, each without its CRLF. */
  say(...replies: string[]): void {
    this.connection.write(Buffer.from(replies.map((reply) => `${reply}\r\n`).join(''), 'utf8'))
  }

  sayRaw(bytes: string | Uint8Array): void {
    this.connection.write(bytes)
  }

  /** The next line without CRLF. Rejects where the client left before. */
  async line(): Promise<string> {
    return (await this.#until((text) => lineLength(text))).slice(0, -2)
  }

  /** That many lines, joined by LF. */
  async lines(count: number): Promise<string> {
    const lines: string[] = []
    while (lines.length < count) lines.push(await this.line())
    return lines.join('\n')
  }

  octets(count: number): Promise<string> {
    return this.#until((text) => (text.length >= count ? count : null))
  }

  /** Content as it came, stuffed, without the final dot's line. */
  async dotted(): Promise<string> {
    const all = await this.#until((text) => {
      if (text.startsWith('.\r\n')) return 3
      const end = text.indexOf('\r\n.\r\n')
      return end < 0 ? null : end + 5
    })
    return all.slice(0, -3)
  }

  /** Says the greeting and answers EHLO with these extensions; gives the client's line. */
  async greet(...extensions: string[]): Promise<string> {
    this.say('220 mx.example.net ESMTP')
    const hello = await this.line()
    const lines = ['mx.example.net', ...extensions]
    this.say(...lines.map((line, index) => `250${index === lines.length - 1 ? ' ' : '-'}${line}`))
    return hello
  }

  /** Resolves when the client has closed. */
  async closed(): Promise<void> {
    while (!this.#over) await this.#change()
  }

  async #until(end: (text: string) => number | null): Promise<string> {
    for (;;) {
      const length = end(this.#text)
      if (length !== null) {
        const taken = this.#text.slice(0, length)
        this.#text = this.#text.slice(length)
        return taken
      }
      if (this.#over) throw new Error(`the client left; last came ${JSON.stringify(this.#text.slice(-200))}`)
      await this.#change()
    }
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = null
        resolve()
      }
    })
  }
}

function lineLength(text: string): number | null {
  const end = text.indexOf('\r\n')
  return end < 0 ? null : end + 2
}
