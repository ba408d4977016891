// A mail server as one writes it in an afternoon, over the same networks and clocks as Posthorn: what the checks of the three old
// troubles are tried on, to show that they find something (test/e2e/three-troubles.test.ts).
//
// It holds a whole message in memory, answers when its filter is done, however long that takes, gives a host half a minute and sends
// again, and passes on whatever it is told to pass on, without looking at where that came from.
import { Buffer } from 'node:buffer'
import type { Clock } from '../../src/base/clock.ts'
import type { Connection, Dialer } from '../../src/base/connection.ts'

interface Letter {
  readonly from: string
  readonly to: string
  readonly content: Buffer
}

export interface NaiveOptions {
  readonly clock: Clock
  readonly dialer: Dialer
  /** Addresses of mailboxes elsewhere that mail for an address here goes to. */
  readonly aliases?: Readonly<Record<string, string>>
  /** The host of each domain elsewhere. */
  readonly hosts?: Readonly<Record<string, string>>
  /** What the filter takes, in milliseconds. */
  readonly filter?: number
}

const patience = 30_000
const again = 60_000

export class NaiveMta {
  readonly mailboxes: Letter[] = []
  /** Attempts to send. */
  sent = 0
  readonly #options: NaiveOptions

  constructor(options: NaiveOptions) {
    this.#options = options
  }

  serve(connection: Connection): void {
    let input = Buffer.alloc(0)
    let pieces: Buffer[] | null = null
    let from = ''
    const to: string[] = []
    const say = (line: string): void => void connection.write(`${line}\r\n`)
    const command = (line: string): void => {
      const verb = line.split(/[ :]/, 1)[0]?.toUpperCase()
      const path = /<(.*)>/.exec(line)?.[1] ?? ''
      if (verb === 'MAIL') from = path
      if (verb === 'RCPT') to.push(path)
      if (verb === 'DATA') pieces = []
      say(verb === 'DATA' ? '354 go on' : verb === 'QUIT' ? '221 bye' : '250 ok')
      if (verb === 'QUIT') connection.end()
    }
    const whole = async (content: Buffer): Promise<void> => {
      if (this.#options.filter !== undefined) await this.#options.clock.sleep(this.#options.filter)
      for (const one of to.splice(0)) this.take({ from, to: one, content })
      say('250 taken')
    }
    connection.onData = (bytes) => {
      if (pieces !== null) {
        pieces.push(Buffer.from(bytes))
        const tail = Buffer.concat(pieces.slice(-2))
        if (tail.indexOf('\r\n.\r\n') < 0) return
        const content = Buffer.concat(pieces)
        pieces = null
        void whole(content.subarray(0, content.lastIndexOf('.\r\n')))
        return
      }
      input = Buffer.concat([input, bytes])
      for (let end = input.indexOf('\r\n'); end >= 0 && pieces === null; end = input.indexOf('\r\n')) {
        const line = input.subarray(0, end).toString('latin1')
        input = input.subarray(end + 2)
        command(line)
      }
    }
    connection.onEnd = () => connection.end()
    connection.resume()
    say('220 naive.test')
  }

  take(letter: Letter): void {
    const { aliases = {}, hosts = {} } = this.#options
    const to = aliases[letter.to] ?? letter.to
    const host = hosts[to.slice(to.indexOf('@') + 1)]
    if (host === undefined) this.mailboxes.push(letter)
    else void this.#send({ ...letter, to }, host)
  }

  async #send(letter: Letter, host: string): Promise<void> {
    const { clock } = this.#options
    for (;;) {
      this.sent++
      if (await this.#try(letter, host).catch(() => false)) return
      await clock.sleep(again)
    }
  }

  async #try({ from, to, content }: Letter, host: string): Promise<boolean> {
    const { clock, dialer } = this.#options
    const connection = await dialer.dial({ address: host, port: 25, timeoutMilliseconds: patience })
    let wake: ((good: boolean) => void) | null = null
    let heard = ''
    connection.onData = (bytes) => {
      heard += Buffer.from(bytes).toString('latin1')
      if (!/^\d{3} .*\r\n$/m.test(heard)) return
      wake?.(/^[23]/.test(heard))
      heard = ''
    }
    connection.onEnd = () => wake?.(false)
    connection.onClose = () => wake?.(false)
    connection.resume()
    const reply = (): Promise<boolean> =>
      new Promise((resolve) => {
        const timer = clock.after(patience, () => resolve(false))
        wake = (good) => {
          timer.cancel()
          resolve(good)
        }
      })
    let good = await reply()
    const lines = ['EHLO naive.test', `MAIL FROM:<${from}>`, `RCPT TO:<${to}>`, 'DATA']
    for (const line of [
      ...lines.map((one) => `${one}\r\n`),
      Buffer.concat([content, Buffer.from('.\r\n')]),
    ]) {
      if (!good) break
      const answer = reply()
      connection.write(line)
      good = await answer
    }
    connection.destroy()
    return good
  }
}
