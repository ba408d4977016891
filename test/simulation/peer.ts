// A host of the simulated Internet that is no Posthorn: takes mail over the memory network as its personality wills and keeps
// what it took. It counts what it promised (250) and what it kept without a word, so that duplicates can be judged.
import { Buffer } from 'node:buffer'
import type { Connection } from '../../src/base/connection.ts'
import type { Random } from '../../src/base/random.ts'
import type { VirtualClock } from '../../src/base/virtual-clock.ts'
import type { MemoryHost } from '../../src/net/memory-network.ts'
import type { ZoneResolver } from '../../src/net/zone-resolver.ts'
import type { Act, Personality, Session, Stage } from './personality.ts'
import { isDisturbed, type Place } from './place.ts'
import { type OutgoingMessage, sendOnce, type SendResult } from './sender.ts'

/** A message that the host has, for one recipient. */
export interface Kept {
  readonly recipient: string
  readonly reversePath: string
  readonly content: string
  /** False where the sender never heard of it. */
  readonly promised: boolean
  readonly at: number
  /** Came in TLS. */
  readonly secured: boolean
}

export interface PeerParts {
  readonly clock: VirtualClock
  readonly random: Random
  readonly personality: Personality
  readonly place: Place
  readonly network: MemoryHost
  readonly resolver: ZoneResolver
}

/** One host; `serve` takes its connections. */
export class Peer {
  readonly domain: string
  readonly kept: Kept[] = []
  /** Something that happened to its place delays mail by itself. */
  disturbed: boolean
  readonly #parts: PeerParts
  #toSend = 0

  constructor(domain: string, parts: PeerParts) {
    this.domain = domain
    this.#parts = parts
    this.disturbed = isDisturbed(parts.place)
  }

  get personality(): Personality {
    return this.#parts.personality
  }

  get place(): Place {
    return this.#parts.place
  }

  /** Messages of its own that it has not got rid of. */
  get toSend(): number {
    return this.#toSend
  }

  serve(connection: Connection): void {
    void new PeerSession(this, connection, this.#parts).run()
  }

  /** What it has: `promised` where it said 250. */
  keep(kept: Kept): void {
    this.kept.push(kept)
    const answer = this.personality.answer?.(kept, this.domain)
    if (answer !== undefined) void this.send(answer)
  }

  /** Sends mail of its own, again every ten minutes for a day; the replies to RCPT and the final one, of the try that counted. */
  async send(message: OutgoingMessage): Promise<SendResult> {
    this.#toSend++
    const { clock } = this.#parts
    let result: SendResult = { type: 'trouble' }
    for (let tries = 0; tries < 144; tries++) {
      if (tries > 0) await clock.sleep(10 * 60_000)
      result = await sendOnce(message, { ...this.#parts, name: this.domain })
      if (result.type !== 'trouble') break
    }
    this.#toSend--
    return result
  }
}

class PeerSession {
  readonly #peer: Peer
  readonly #connection: Connection
  readonly #around: PeerParts
  #input = Buffer.alloc(0)
  #wake: (() => void) | null = null
  #open: 'yes' | 'no' = 'yes'
  #reversePath: string | null = null
  #recipients: string[] = []
  #messages = 0

  constructor(peer: Peer, connection: Connection, around: PeerParts) {
    this.#peer = peer
    this.#connection = connection
    this.#around = around
    connection.onData = (bytes) => {
      this.#input = Buffer.concat([this.#input, bytes])
      this.#wake?.()
    }
    const gone = (): void => {
      this.#open = 'no'
      this.#wake?.()
    }
    connection.onEnd = gone
    connection.onClose = gone
    connection.resume()
  }

  async run(): Promise<void> {
    if (!(await this.#answer('connect', [`220 ${this.#peer.domain} ready`]))) return
    for (;;) {
      const line = await this.#line()
      if (line === undefined || !(await this.#command(line))) break
    }
    this.#connection.end()
  }

  /** False ends the session. */
  async #command(line: string): Promise<boolean> {
    const verb = line.slice(0, 4).toUpperCase()
    const { extensions } = this.#peer.personality
    switch (verb) {
      case 'EHLO': {
        if (extensions === null) return this.#answer('ehlo', ['500 What?'])
        const lines = [this.#peer.domain, ...extensions, ...this.#tlsExtensions()]
        const last = lines.length - 1
        return this.#answer(
          'ehlo',
          lines.map((text, index) => `250${index === last ? ' ' : '-'}${text}`),
        )
      }
      case 'HELO':
        return this.#answer('helo', [`250 ${this.#peer.domain}`])
      case 'STAR':
        return this.#startTls()
      case 'MAIL':
        return this.#mail(line)
      case 'RCPT':
        return this.#rcpt(line)
      case 'DATA':
        return this.#data()
      case 'BDAT':
        return this.#chunk(line)
      case 'RSET':
        this.#forget()
        return this.#say(['250 2.0.0 OK'])
      case 'NOOP':
        return this.#say(['250 2.0.0 OK'])
      case 'QUIT':
        await this.#answer('quit', ['221 2.0.0 Bye'])
        return false
      default:
        return this.#say(['500 5.5.1 What?'])
    }
  }

  #tlsExtensions(): string[] {
    const { tls, requireTls } = this.#peer.place
    if (this.#connection.tls === null) return tls === 'absent' ? [] : ['STARTTLS']
    return requireTls === 'offered' ? ['REQUIRETLS'] : []
  }

  async #startTls(): Promise<boolean> {
    if (await this.#acted('starttls')) return this.#open === 'yes'
    const { tls } = this.#peer.place
    if (tls === 'absent') return this.#say(['500 5.5.1 What?'])
    if (tls === 'refuses') return this.#say(['454 4.7.0 TLS is not available now'])
    await this.#say(['220 2.0.0 Go on'])
    if (tls === 'lies') return this.#say(['500 5.5.1 What?'])
    try {
      await this.#connection.startTls()
    } catch {
      // The conditions of the host decide whether a handshake succeeds; one that fails ends the connection.
      return false
    }
    this.#input = Buffer.alloc(0)
    this.#forget()
    return true
  }

  async #mail(line: string): Promise<boolean> {
    if (this.#reversePath !== null) return this.#say(['503 5.5.1 One at a time'])
    const path = pathIn(line)
    if (await this.#acted('mail')) return this.#open === 'yes'
    this.#reversePath = path
    return this.#say(['250 2.1.0 OK'])
  }

  async #rcpt(line: string): Promise<boolean> {
    if (this.#reversePath === null) return this.#say(['503 5.5.1 MAIL first'])
    const recipient = pathIn(line)
    const limit = /RCPTMAX=(\d+)/.exec((this.#peer.personality.extensions ?? []).join(' '))?.[1]
    if (limit !== undefined && this.#recipients.length >= Number(limit)) {
      return this.#say(['452 4.5.3 Too many recipients'])
    }
    if (await this.#acted('rcpt', recipient)) return this.#open === 'yes'
    this.#recipients.push(recipient)
    return this.#say(['250 2.1.5 OK'])
  }

  async #data(): Promise<boolean> {
    if (this.#recipients.length === 0) return this.#say(['554 5.5.1 No valid recipients'])
    if (await this.#acted('data')) return this.#open === 'yes'
    await this.#say(['354 Go on'])
    const content = await this.#untilDot()
    return content !== undefined && this.#finish(content)
  }

  #chunks = ''

  async #chunk(line: string): Promise<boolean> {
    const [, size = '0', last] = /^BDAT (\d+)( LAST)?/i.exec(line) ?? []
    const bytes = await this.#octets(Number(size))
    if (bytes === undefined) return false
    if (this.#recipients.length === 0) return this.#say(['503 5.5.1 No valid recipients'])
    this.#chunks += bytes.toString('latin1')
    if (last === undefined) return this.#say(['250 2.0.0 OK'])
    const content = this.#chunks
    this.#chunks = ''
    return this.#finish(content)
  }

  async #finish(content: string): Promise<boolean> {
    const session = this.#session('')
    const { personality } = this.#peer
    const act = personality.act?.('content', session)
    const fate = act === undefined ? (personality.fate?.(session) ?? 'kept') : null
    const keep = (promised: boolean): void => {
      for (const recipient of this.#recipients) {
        const reversePath = this.#reversePath ?? ''
        const secured = this.#connection.tls !== null
        this.#peer.keep({ recipient, reversePath, content, promised, at: this.#around.clock.now(), secured })
      }
    }
    if (fate === 'kept-silently') {
      keep(false)
      this.#connection.destroy()
      return false
    }
    await this.#pause('content')
    // Whether the promise reached anyone is the network's business: it was made.
    if (fate === 'kept' && this.#open === 'yes') keep(true)
    this.#messages++
    this.#forget()
    return act === undefined ? this.#say(['250 2.0.0 Taken']) : this.#do(act)
  }

  #forget(): void {
    this.#reversePath = null
    this.#recipients = []
  }

  #session(recipient: string): Session {
    const { remoteAddress } = this.#connection.peer
    const reversePath = this.#reversePath ?? ''
    return { client: remoteAddress, reversePath, recipient, messages: this.#messages }
  }

  /** The honest reply, unless the personality has another idea. */
  async #answer(stage: Stage, honest: readonly string[]): Promise<boolean> {
    if (await this.#acted(stage)) return this.#open === 'yes'
    return this.#say(honest)
  }

  async #acted(stage: Stage, recipient = ''): Promise<boolean> {
    await this.#pause(stage)
    const act = this.#peer.personality.act?.(stage, this.#session(recipient))
    if (act === undefined) return false
    await this.#do(act)
    return true
  }

  async #pause(stage: Stage): Promise<void> {
    const wait = this.#peer.personality.pace?.(stage) ?? 0
    if (wait > 0) await this.#around.clock.sleep(wait)
  }

  async #do(act: Act): Promise<boolean> {
    switch (act.type) {
      case 'close':
        this.#open = 'no'
        this.#connection.destroy()
        return false
      case 'hang':
        while (this.#open === 'yes') await this.#more()
        return false
      case 'say':
        await this.#say(act.lines)
        if (act.then !== 'close') return true
        this.#open = 'no'
        this.#connection.end()
        return false
    }
  }

  async #say(lines: readonly string[]): Promise<boolean> {
    const text = lines.map((line) => `${line}\r\n`).join('')
    if (this.#peer.personality.replies === 'pieces') {
      for (const octet of text) {
        this.#connection.write(octet)
        await this.#around.clock.sleep(10)
      }
    } else this.#connection.write(text)
    return this.#open === 'yes'
  }

  async #more(): Promise<void> {
    if (this.#open === 'no') return
    await new Promise<void>((resolve) => {
      this.#wake = resolve
    })
    this.#wake = null
  }

  async #line(): Promise<string | undefined> {
    for (;;) {
      const end = this.#input.indexOf('\r\n')
      if (end >= 0) {
        const line = this.#input.toString('latin1', 0, end)
        this.#input = this.#input.subarray(end + 2)
        return line
      }
      if (this.#open === 'no') return undefined
      await this.#more()
    }
  }

  async #octets(count: number): Promise<Buffer | undefined> {
    while (this.#input.length < count) {
      if (this.#open === 'no') return undefined
      await this.#more()
    }
    const bytes = this.#input.subarray(0, count)
    this.#input = this.#input.subarray(count)
    return bytes
  }

  async #untilDot(): Promise<string | undefined> {
    let content = ''
    for (;;) {
      const line = await this.#line()
      if (line === undefined) return undefined
      if (line === '.') return content
      content += `${line.startsWith('.') ? line.slice(1) : line}\r\n`
    }
  }
}

function pathIn(line: string): string {
  return /<([^>]*)>/.exec(line)?.[1] ?? ''
}
