// The load: senders that talk SMTP to the server at the same time until it is gone or all messages are sent, and write down what
// they were told. Messages go to one or three recipients, by DATA and BDAT, small enough for the database and too large for it; from
// strangers to mailboxes, and, in sessions of those who log in, to mailboxes and elsewhere.
//
// The same seed makes the same messages for each sender; what the server makes of them at once is up to the scheduler.
import { Buffer } from 'node:buffer'
import { connect, type Socket } from 'node:net'
import { SeededRandom } from '../../src/base/seeded-random.ts'
import { digestOf, type Sent } from './ledger.ts'

export interface LoadOptions {
  readonly port: number
  readonly seed: string
  readonly senders: number
  /** Of all senders together. */
  readonly messages: number
  readonly recipients: readonly string[]
  /** Where half of the sessions log in and send elsewhere too. */
  readonly submission?: Submission
  /** Octets of the largest message; default 200 KB and now and then 700 KB, which is more than one write. */
  readonly largest?: number
  /** Where each message is written down before its first byte is sent. */
  readonly ledger: Sent[]
}

export interface Submission {
  readonly port: number
  /** Of every recipient here, who are the senders. */
  readonly password: string
  /** Recipients elsewhere. */
  readonly away: readonly string[]
}

/** The server has gone. */
class Gone extends Error {}

/** Resolves when everything is sent, or no sender reaches the server any more. */
export async function runLoad(options: LoadOptions): Promise<void> {
  let left = options.messages
  const senders = Array.from({ length: options.senders }, async (_, number) => {
    const random = new SeededRandom(`${options.seed}/${number}`)
    const maker = new MessageMaker(random, { ...options, prefix: `${options.seed}.${number}` })
    try {
      while (left > 0) {
        const { submission, recipients } = options
        const away = submission !== undefined && random.below(2) === 0 ? submission : undefined
        const from = recipients[random.below(recipients.length)] ?? ''
        using session = await Session.open(away?.port ?? options.port)
        if (away !== undefined) await session.logIn(from, away.password)
        for (let count = 1 + random.below(20); count > 0 && left > 0; count--) {
          left--
          const made = away === undefined ? maker.next() : maker.nextAway({ from, away: away.away })
          await session.send(made, { record: options.ledger, random })
        }
        await session.command('QUIT')
      }
    } catch (error) {
      if (!(error instanceof Gone)) throw error
    }
  })
  await Promise.all(senders)
}

interface Made {
  readonly sent: Sent
  readonly bytes: Buffer
}

const lineLength = 72
const poolLines = 10_000
const pool = makeLines(new SeededRandom('pool'))

/** Lines of one length, so that every cut at a multiple is whole lines; some start with a dot. */
function makeLines(random: SeededRandom): string {
  const lines: string[] = []
  for (let line = 0; line < poolLines; line++) {
    const text = Buffer.from(random.bytes(51))
      .toString('base64')
      .slice(0, lineLength - 4)
    lines.push(`${random.below(8) === 0 ? '..' : 'x '}${text}\r\n`)
  }
  return lines.join('')
}

class MessageMaker {
  readonly #random: SeededRandom
  readonly #options: { recipients: readonly string[]; prefix: string; largest?: number }
  #serial = 0

  constructor(
    random: SeededRandom,
    options: { recipients: readonly string[]; prefix: string; largest?: number },
  ) {
    this.#random = random
    this.#options = options
  }

  /** From a stranger, to mailboxes. */
  next(): Made {
    return this.#make({ from: stranger, recipients: this.#choose(this.#options.recipients) })
  }

  /** From one of our own, to others elsewhere, and sometimes to mailboxes too. */
  nextAway({ from, away }: { from: string; away: readonly string[] }): Made {
    const local = this.#random.below(4) === 0 ? this.#choose(this.#options.recipients) : []
    return this.#make({ from, recipients: [...local, ...this.#choose(away)] })
  }

  #choose(from: readonly string[]): string[] {
    const start = this.#random.below(from.length)
    const length = this.#random.below(3) === 0 ? 3 : 1
    return Array.from({ length }, (_, index) => from[(start + index) % from.length] ?? '')
  }

  #make({ from, recipients }: { from: string; recipients: readonly string[] }): Made {
    const id = `${this.#options.prefix}.${++this.#serial}@load.example`
    // All that submission would add is there.
    const head =
      `Message-ID: <${id}>\r\nDate: Sun, 22 Nov 2026 12:00:00 +0000\r\n` +
      `From: <${from}>\r\nSubject: load\r\n\r\n`
    const bytes = Buffer.from(head + this.#lines(this.#size()), 'latin1')
    return { sent: { id, from, recipients, digest: digestOf(bytes), outcome: 'unknown', reply: '' }, bytes }
  }

  #lines(size: number): string {
    const count = Math.min(poolLines, Math.ceil(size / lineLength))
    const first = this.#random.below(poolLines - count + 1)
    return pool.slice(first * lineLength, (first + count) * lineLength)
  }

  #size(): number {
    const largest = this.#options.largest ?? (this.#random.below(40) === 0 ? 700_000 : 200_000)
    const kind = this.#random.below(10)
    if (kind < 6) return 1_000 + this.#random.below(Math.min(7_000, largest))
    // Around the size from which a message is a file, then clearly beyond it.
    if (kind < 8) return Math.min(largest, 60_000 + this.#random.below(10_000))
    return Math.min(largest, 70_000 + this.#random.below(largest))
  }
}

const stranger = 'load@load.example'

class Session implements Disposable {
  readonly #socket: Socket
  #text = ''
  #gone = false
  #wake: (() => void) | null = null

  private constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.#socket.setEncoding('latin1')
    this.#socket.on('data', (text: string) => {
      this.#text += text
      this.#wake?.()
    })
    // The close that follows says all that is of interest.
    this.#socket.on('error', () => {})
    this.#socket.on('close', () => {
      this.#gone = true
      this.#wake?.()
    })
  }

  static async open(port: number): Promise<Session> {
    const session = new Session(port)
    await session.#reply()
    await session.command('EHLO load.example')
    return session
  }

  async logIn(username: string, password: string): Promise<void> {
    const initial = Buffer.from(`\0${username}\0${password}`).toString('base64')
    const reply = await this.command(`AUTH PLAIN ${initial}`)
    if (!reply.startsWith('235')) throw new Error(`the server does not know ${username}: ${reply}`)
  }

  /** Sends one message and writes its outcome down as soon as the last reply is read. */
  async send({ sent, bytes }: Made, to: { record: Sent[]; random: SeededRandom }): Promise<void> {
    to.record.push(sent)
    const bdat = to.random.below(3) === 0
    const commands = [`MAIL FROM:<${sent.from}>`, ...sent.recipients.map((to) => `RCPT TO:<${to}>`)]
    this.#socket.write(commands.map((command) => `${command}\r\n`).join(''))
    const replies: string[] = []
    for (const _ of commands) replies.push(await this.#reply())
    const chunks = bdat ? 1 + to.random.below(3) : await this.#data(bytes, replies)
    if (bdat) this.#chunks(bytes, chunks)
    for (let chunk = 0; chunk < chunks; chunk++) replies.push(await this.#reply())
    sent.reply = replies.at(-1) ?? ''
    sent.outcome = sent.reply.startsWith('2') ? 'promised' : 'refused'
    const wrong = replies.find((reply) => !/^[23]/.test(reply))
    if (wrong !== undefined) throw new Error(`the server refuses ${sent.id}: ${wrong}`)
  }

  /** Sends a command and gives its reply. */
  async command(line: string): Promise<string> {
    this.#socket.write(`${line}\r\n`)
    return this.#reply()
  }

  /** Gives the number of replies to wait for. */
  async #data(bytes: Buffer, replies: string[]): Promise<number> {
    replies.push(await this.command('DATA'))
    // RFC 5321 §4.5.2
    this.#socket.write(`${bytes.toString('latin1').replace(/^\./gm, '..')}.\r\n`, 'latin1')
    return 1
  }

  #chunks(bytes: Buffer, count: number): void {
    for (let chunk = 0; chunk < count; chunk++) {
      const start = Math.floor((bytes.length * chunk) / count)
      const end = Math.floor((bytes.length * (chunk + 1)) / count)
      this.#socket.write(`BDAT ${end - start}${chunk === count - 1 ? ' LAST' : ''}\r\n`)
      this.#socket.write(bytes.subarray(start, end))
    }
  }

  /** A whole reply, its last line only. */
  async #reply(): Promise<string> {
    for (;;) {
      const found = /^(?:\d{3}-[^\r\n]*\r\n)*(\d{3}(?: [^\r\n]*)?)\r\n/.exec(this.#text)
      if (found !== null) {
        this.#text = this.#text.slice(found[0].length)
        return found[1] ?? ''
      }
      if (this.#gone) throw new Gone('the server has gone')
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }
}
