// An IMAP session without a connection: core and handler joined as the pump joins them, over a store. What the server says is kept;
// a test may hold the client's reading back and see how much is written meanwhile.
import { Buffer } from 'node:buffer'
import { directorySection } from '../../src/config/sections/auth.ts'
import { type ImapConfig, imapSection } from '../../src/config/sections/imap.ts'
import { createOpenDirectory } from '../../src/directory/open-directory.ts'
import { createEvents, EventMemory } from '../../src/events/event.ts'
import { createImapService } from '../../src/imap/server/service.ts'
import { SeededRandom } from '../../src/base/seeded-random.ts'
import { VirtualClock } from '../../src/base/virtual-clock.ts'
import type { Core, Handler, Output, Peer, Sink } from '../../src/base/core.ts'
import type { ImapAnswer, ImapQuestion } from '../../src/imap/proto/commands/command.ts'
import type { Searcher } from '../../src/search/search.ts'
import type { Service } from '../../src/net/pump.ts'
import type { Store } from '../../src/store/store.ts'

const peer: Peer = { remoteAddress: '192.0.2.1', remotePort: 1, localAddress: '192.0.2.2', localPort: 143 }

/** IMAP over `store`, where any password opens any account; `settings` replace defaults. */
export function imapServer(
  store: Store,
  settings: Partial<ImapConfig> = {},
  options: { searcher?: Searcher; clock?: VirtualClock } = {},
): {
  service: Service<ImapQuestion, ImapAnswer>
  events: EventMemory
} {
  const memory = new EventMemory()
  const events = createEvents([memory])
  const { clock = new VirtualClock(), ...rest } = options
  const directory = directorySection.parse({})
  const { service } = createImapService({
    ...{ hostname: 'mail.example', startTls: false, store, events, clock, random: new SeededRandom(1) },
    directory: createOpenDirectory({ store, clock, events, directory, defaultDomain: 'example.org' }),
    maxMessageSize: 50_000_000,
    config: { ...imapSection.parse({}), ...settings },
    auth: { allowClearText: true, maxFailuresPerConnection: 5 },
    ...rest,
  })
  return { service, events: memory }
}

/** One client. Commands are sent one after the other. */
export class ImapClient implements Sink {
  readonly #core: Core<ImapQuestion, ImapAnswer>
  readonly #handler: Handler<ImapQuestion, ImapAnswer>
  readonly #abort = new AbortController()
  readonly chunks: Buffer[] = []
  closed = false
  failure: unknown = null
  /** While set, every write waits for it. */
  stalled: Promise<void> | null = null
  readonly held = 0
  #tag = 0
  #busy = false
  #toTell: (() => Promise<void>) | null = null
  #told: Promise<unknown> = Promise.resolve()

  constructor(service: Service<ImapQuestion, ImapAnswer>) {
    this.#core = service.makeCore(peer)
    this.#handler = service.makeHandler(this, peer)
  }

  get gone(): AbortSignal {
    return this.#abort.signal
  }

  write(bytes: Uint8Array | string): void | Promise<void> {
    this.chunks.push(Buffer.from(bytes))
    if (this.stalled !== null) return this.stalled
  }

  /** As the pump has it: not while a question is out. */
  between(telling: () => Promise<void>): void {
    if (this.closed || this.gone.aborted) return
    this.#toTell = telling
    this.#settle()
  }

  #settle(): void {
    const telling = this.#toTell
    if (this.#busy || telling === null) return
    this.#toTell = null
    this.#busy = true
    this.#told = telling()
      .catch((error: unknown) => (this.failure = error))
      .then(() => {
        this.#busy = false
        this.#settle()
      })
  }

  /** Waits for what is being told. */
  async quiet(): Promise<void> {
    while (this.#busy || this.#toTell !== null) await this.#told
  }

  /** Everything said since the last call, as a binary string. */
  take(): string {
    return Buffer.concat(this.chunks.splice(0)).toString('latin1')
  }

  async open(account: string): Promise<this> {
    await this.#carry(this.#core.open(null))
    await this.command(`LOGIN ${account} x`)
    return this
  }

  /** Sends octets and waits until the server has nothing more to say. */
  async send(bytes: Uint8Array | string): Promise<void> {
    await this.quiet()
    if (this.closed) return
    this.#busy = true
    await this.#carry(this.#core.receive(Buffer.from(bytes)))
    this.#busy = false
    this.#settle()
  }

  /** Sends a command; its whole answer, the tag taken off the last line. */
  async command(text: string): Promise<string> {
    const tag = `t${++this.#tag}`
    await this.send(`${tag} ${text}\r\n`)
    return this.take().replace(`${tag} `, '')
  }

  async leave(): Promise<void> {
    this.#abort.abort()
    await this.#handler.closed()
  }

  async #carry(outputs: Output<ImapQuestion>[]): Promise<void> {
    for (const output of outputs) {
      if (output.type === 'write') await this.write(output.bytes)
      else if (output.type === 'close') this.closed = true
      else if (output.type === 'ask')
        await this.#carry(this.#core.answer(await this.#answer(output.question)))
    }
  }

  async #answer(question: ImapQuestion): Promise<ImapAnswer> {
    try {
      return await this.#handler.answer(question)
    } catch (error) {
      this.failure = error
      return this.#handler.failed(question, error)
    }
  }
}
