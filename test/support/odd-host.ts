// A mail host of the simulated Internet whose words a test chooses one by one, at whatever time: late, in pieces, too many, or none.
// What is taken counts as taken at the final dot, before any reply: that is what makes a second copy a second copy.
import { Buffer } from 'node:buffer'
import type { Connection } from '../../src/base/connection.ts'

export interface OddCall {
  /** The command, or `.` for a whole message. */
  readonly line: string
  /** Which connection, and which use of that verb over all of them; from 0. */
  readonly connection: number
  readonly index: number
  /** Sends a reply; lines get their CRLF. */
  say(text: string): void
  /** Sends octets as they stand. */
  raw(text: string): void
  close(): void
}

/** Answers a command; `usual` consents to it. */
export type Behaviour = (call: OddCall, usual: () => void) => void

export class OddHost {
  /** Content of what was taken, in Latin-1. */
  readonly taken: string[] = []
  readonly commands: string[] = []
  connections = 0
  behave: Behaviour
  readonly extensions: readonly string[]
  readonly #counts = new Map<string, number>()

  constructor(behave: Behaviour, extensions: readonly string[] = ['PIPELINING']) {
    this.behave = behave
    this.extensions = extensions
  }

  serve(connection: Connection): void {
    const number = this.connections++
    let input = ''
    let content: string | null = null
    let closed = false
    const say = (text: string): void => {
      if (!closed) connection.write(`${text}\r\n`)
    }
    const answer = (line: string, usual: () => void): void => {
      const verb = line.split(/[ :]/, 1)[0] ?? ''
      const index = this.#counts.get(verb) ?? 0
      this.#counts.set(verb, index + 1)
      const close = (): void => {
        closed = true
        connection.destroy()
      }
      const raw = (text: string): void => void (closed || connection.write(text))
      this.behave({ line, connection: number, index, say, raw, close }, usual)
    }
    const command = (line: string): void => {
      this.commands.push(line)
      const verb = line.split(/[ :]/, 1)[0] ?? ''
      answer(line, () => {
        if (verb === 'EHLO')
          say(['250-far.test', ...this.extensions.map((one) => `250-${one}`), '250 HELP'].join('\r\n'))
        else if (verb === 'QUIT') {
          say('221 bye')
          connection.end()
        } else if (verb === 'DATA') {
          content = ''
          say('354 go on')
        } else say('250 ok')
      })
    }
    connection.onData = (bytes) => {
      input += Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
      for (let end = input.indexOf('\r\n'); end >= 0 && !closed; end = input.indexOf('\r\n')) {
        const line = input.slice(0, end)
        input = input.slice(end + 2)
        if (content === null) command(line)
        else if (line === '.') {
          this.taken.push(content)
          content = null
          answer('.', () => say('250 taken'))
        } else {
          content += `${line}\r\n`
          if (content === `${line}\r\n`) answer('content', () => {})
        }
      }
    }
    connection.onEnd = () => connection.end()
    connection.resume()
    answer('greeting', () => say('220 far.test ESMTP'))
  }
}
