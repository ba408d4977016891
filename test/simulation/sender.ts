// How a host of the simulated Internet sends mail of its own to a Posthorn: the plainest client there is.
import type { Connection } from '../../src/base/connection.ts'
import type { VirtualClock } from '../../src/base/virtual-clock.ts'
import type { MemoryHost } from '../../src/net/memory-network.ts'
import type { ZoneResolver } from '../../src/net/zone-resolver.ts'

export interface OutgoingMessage {
  readonly from: string
  readonly to: string
  readonly text: string
}

export type SendResult =
  | { readonly type: 'taken' }
  | { readonly type: 'refused'; readonly reply: string }
  /** No connection, or one that broke: again later. */
  | { readonly type: 'trouble' }

interface SenderParts {
  readonly name: string
  readonly clock: VirtualClock
  readonly network: MemoryHost
  readonly resolver: ZoneResolver
}

const longestWait = 600_000

export async function sendOnce(message: OutgoingMessage, parts: SenderParts): Promise<SendResult> {
  const domain = message.to.slice(message.to.lastIndexOf('@') + 1)
  const found = await parts.resolver.a(`mx.${domain}`)
  const address = found.ok ? found.records[0] : undefined
  if (!found.ok && found.failure === 'nxdomain') return { type: 'refused', reply: '550 No such domain' }
  if (address === undefined) return { type: 'trouble' }
  try {
    const connection = await parts.network.dial({ address, port: 25, timeoutMilliseconds: 30_000 })
    try {
      return await dialogue(new Lines(connection, parts.clock), message, parts.name)
    } finally {
      connection.end()
    }
  } catch {
    return { type: 'trouble' }
  }
}

async function dialogue(lines: Lines, message: OutgoingMessage, name: string): Promise<SendResult> {
  const content = message.text.replaceAll(/^\./gm, '..')
  const steps = [null, `EHLO ${name}`, `MAIL FROM:<${message.from}>`, `RCPT TO:<${message.to}>`, 'DATA']
  for (const step of [...steps, `${content}.`]) {
    const reply = await lines.ask(step)
    if (reply === undefined || reply.startsWith('4')) return { type: 'trouble' }
    if (reply.startsWith('5')) return { type: 'refused', reply }
  }
  return { type: 'taken' }
}

class Lines {
  readonly #connection: Connection
  readonly #clock: VirtualClock
  #input = ''
  #closed = false
  #wake = (): void => {}

  constructor(connection: Connection, clock: VirtualClock) {
    this.#connection = connection
    this.#clock = clock
    connection.onData = (bytes) => {
      this.#input += new TextDecoder('latin1').decode(bytes)
      this.#wake()
    }
    const gone = (): void => {
      this.#closed = true
      this.#wake()
    }
    connection.onEnd = gone
    connection.onClose = gone
    connection.resume()
  }

  /** Writes a line; its reply's last line, undefined where none comes. */
  async ask(line: string | null): Promise<string | undefined> {
    if (line !== null) this.#connection.write(`${line}\r\n`)
    const timer = this.#clock.after(longestWait, () => {
      this.#closed = true
      this.#wake()
    })
    try {
      for (;;) {
        const found = /^(?:\d{3}-.*\r\n)*(\d{3}(?: .*)?)\r\n/.exec(this.#input)
        if (found !== null) {
          this.#input = this.#input.slice(found[0].length)
          return found[1]
        }
        if (this.#closed) return undefined
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    } finally {
      timer.cancel()
    }
  }
}
