// Starts a whole Posthorn for each transcript and obeys its `use:` and `expect:` clauses. The server starts at the first
// connection, so `use:` lines before that may still change its settings. Its store is audited at the end.
//
// Ports by name: smtp (25: mail from outside), submission (587), submissions (465), lmtp, odmr (366), catcher, imap, imaps, pop3,
// pop3s.
import assert from 'node:assert/strict'
import { SeededRandom } from '../../src/base/seeded-random.ts'
import { VirtualClock } from '../../src/base/virtual-clock.ts'
import { resolveConfig } from '../../src/config/layers.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import type { ListenerConfig } from '../../src/config/sections/listeners.ts'
import { createEvents, EventMemory } from '../../src/events/event.ts'
import { type Posthorn, startPosthorn } from '../../src/main.ts'
import { openStore } from '../../src/wiring/storage.ts'
import { MemoryNetwork } from '../../src/net/memory-network.ts'
import { RealClock } from '../../src/net/real-clock.ts'
import { nextTurn, StoreTrouble } from './store-trouble.ts'
import { connectEndpoint, wrapConnection } from './transcript-transport.ts'
import { type TranscriptConnection, type TranscriptHost, TranscriptUnsupported } from './transcript.ts'

/** How the clients reach the server. */
export type Carrier = 'memory' | 'memory, cut' | 'tcp' | 'tls'

export interface PosthornHostOptions {
  readonly carrier: Carrier
  /** The port that a transcript means when it names none: `smtp`, `imap`, `pop3`. */
  readonly usualPort: string
  /** Where mail is kept: settings under those of the transcript. Default: SQLite in memory. */
  readonly storage?: Pick<ConfigInput, 'data' | 'store'>
  /** Removes what the storage left behind. */
  readonly end?: () => Promise<void>
}

interface Door {
  readonly service: ListenerConfig['service']
  readonly tls: ListenerConfig['tls']
}

const doors: Record<string, Door> = {
  smtp: { service: 'smtp', tls: 'starttls' },
  submission: { service: 'submission', tls: 'starttls' },
  submissions: { service: 'submission', tls: 'implicit' },
  lmtp: { service: 'lmtp', tls: 'none' },
  odmr: { service: 'odmr', tls: 'starttls' },
  imap: { service: 'imap', tls: 'starttls' },
  imaps: { service: 'imap', tls: 'implicit' },
  pop3: { service: 'pop3', tls: 'starttls' },
  pop3s: { service: 'pop3', tls: 'implicit' },
}

const catcherDoor: Door = { service: 'catcher', tls: 'starttls' }

/** A log-in costs what it must, not what it should: tests try hundreds. */
const cheapAuth = { argon2Memory: 8, argon2Passes: 1, scramIterations: 4096 }

const advanceStep = 30_000

interface Clause {
  readonly pattern: RegExp
  readonly run: (match: readonly string[]) => Promise<void>
}

/** A Posthorn behind a transcript. */
export class PosthornHost implements TranscriptHost, AsyncDisposable {
  readonly #options: PosthornHostOptions
  readonly #memory = new EventMemory()
  readonly #clock: VirtualClock | null
  readonly #random = new SeededRandom(7)
  readonly #network: MemoryNetwork | null
  readonly #settings: Record<string, unknown> = {
    profile: 'test',
    hostname: 'mx.example.org',
    auth: cheapAuth,
  }
  readonly #protocols: Set<string>
  readonly #trouble = new StoreTrouble()
  #clientAddress = '127.0.0.1'
  #catcher = false
  #over = false
  #posthorn: Promise<Posthorn> | null = null

  constructor(options: PosthornHostOptions) {
    this.#options = options
    Object.assign(this.#settings, options.storage)
    this.#protocols = new Set(['smtp', options.usualPort])
    const inMemory = options.carrier.startsWith('memory')
    this.#clock = inMemory ? new VirtualClock() : null
    const segments = options.carrier === 'memory' ? 'kept' : 'cut'
    this.#network =
      this.#clock === null ? null : new MemoryNetwork({ clock: this.#clock, random: this.#random, segments })
  }

  async connect(_connection: string, port: string | undefined): Promise<TranscriptConnection> {
    const posthorn = await this.#started()
    const name = port ?? this.#options.usualPort
    const wanted = name === 'catcher' ? catcherDoor : doors[name]
    if (wanted === undefined) throw new Error(`no port is called ${name}`)
    const secured = this.#options.carrier === 'tls' && port === undefined
    const tls = secured ? 'implicit' : wanted.tls
    const found = posthorn.listeners.find((one) => one.service === wanted.service && one.tls === tls)
    if (found === undefined) throw new Error(`nothing listens for ${name}`)
    if (this.#network === null) {
      return connectEndpoint({ host: found.address, port: found.port, tls: tls === 'implicit' })
    }
    const connection = await this.#network.dial({
      address: found.address,
      port: found.port,
      localAddress: this.#clientAddress,
      timeoutMilliseconds: 1000,
    })
    const client = wrapConnection(connection)
    if (tls === 'implicit') await client.startTls()
    return client
  }

  async advance(milliseconds: number): Promise<void> {
    if (this.#clock === null) throw new TranscriptUnsupported('this host runs in real time')
    // In steps that storage can keep up with: what a timer asks of it takes real time.
    for (let left = milliseconds; left > 0; left -= advanceStep) {
      await this.#clock.advance(Math.min(left, advanceStep))
      await this.#trouble.settled()
    }
  }

  fixture(clause: string): Promise<void> {
    return obey(clause, [
      { pattern: /^setting (\S+) (.+)$/, run: ([key = '', value = '']) => this.#set(key, value) },
      {
        pattern: /^also (imap|pop3|lmtp|odmr)$/,
        run: ([name = '']) => Promise.resolve(void this.#protocols.add(name)),
      },
      {
        pattern: /^remote queue$/,
        run: async () => {
          await this.#set('relay.enabled', 'true')
          await this.#set('relay.routes', '[{"kind":"fetch","name":"waiting"}]')
        },
      },
      {
        pattern: /^token (\S+) opens (\S+)$/,
        run: ([token, address = '']) =>
          this.#set('auth.verifyToken', (shown: string) => (shown === token ? address : null)),
      },
      {
        pattern: /^client certificate (\S+)$/,
        run: ([name = '']) => this.#setClientCertificate(name),
      },
      { pattern: /^catcher$/, run: () => this.#beCatcher() },
      { pattern: /^store is broken$/, run: () => Promise.resolve(this.#trouble.breakStore()) },
      { pattern: /^blobs are broken$/, run: () => Promise.resolve(this.#trouble.breakBlobs()) },
      { pattern: /^store works$/, run: () => Promise.resolve(this.#trouble.repair()) },
      { pattern: /^domain (\S+)$/, run: ([name]) => this.#administer('domain.add', { name }) },
      {
        pattern: /^user (\S+)(?: password (.+))?$/,
        run: ([address, password = 'secret']) => this.#administer('account.add', { address, password }),
      },
      ...this.#accountClauses(),
      ...this.#messageClauses(),
    ])
  }

  #accountClauses(): readonly Clause[] {
    return [
      {
        pattern: /^quota (\S+) (\d+) bytes(?: (\d+) messages)?$/,
        run: ([address, bytes, messages]) =>
          this.#administer('account.quota', {
            address,
            quota: { bytes: Number(bytes), messages: messages === undefined ? null : Number(messages) },
          }),
      },
      {
        pattern: /^limit (\S+) (\d+) (mailboxes|annotations)$/,
        run: ([address, most, what = '']) =>
          this.#administer('account.set', { address, quota: { [what]: Number(most) } }),
      },
      {
        pattern: /^hidden (\S+) (.+)$/,
        run: ([address, names = '']) => this.#administer('account.set', { address, hide: names.split(' ') }),
      },
      {
        pattern: /^disabled (\S+)$/,
        run: ([address]) => this.#administer('account.state', { address, state: 'disabled' }),
      },
      {
        pattern: /^removed (\S+)$/,
        run: ([address]) => this.#administer('account.remove', { address }),
      },
      {
        pattern: /^alias (\S+) to (.+)$/,
        run: ([address, targets = '']) =>
          this.#administer('alias.set', { address, targets: targets.split(/[, ]+/) }),
      },
    ]
  }

  #messageClauses(): readonly Clause[] {
    return [
      {
        pattern: /^message (\S+?)(?:\/(\S+))? ("(?:[^"\\]|\\.)*")$/,
        run: ([address = '', mailbox, text = '""']) =>
          this.#deliver(address, mailbox, String(JSON.parse(text))),
      },
      {
        pattern: /^messages (\S+?)(?:\/(\S+))? (\d+)$/,
        run: async ([address = '', mailbox, count]) => {
          for (let number = 1; number <= Number(count); number++) {
            await this.#deliver(address, mailbox, `Subject: number ${number}\r\n\r\nbody ${number}\r\n`)
          }
        },
      },
    ]
  }

  expect(clause: string): Promise<void> {
    return obey(clause, [
      {
        pattern: /^mailbox (\S+?)(?:\/(\S+))? (?:is (empty)|has (\d+) messages?)$/,
        run: async ([address = '', mailbox = 'INBOX', empty, count]) => {
          const texts = await this.#texts(address, mailbox)
          assert.equal(texts.length, empty === undefined ? Number(count) : 0, `messages of ${address}`)
        },
      },
      {
        pattern: /^mailbox (\S+?)(?:\/(\S+))? (contains|lacks) ("(?:[^"\\]|\\.)*")$/,
        run: async ([address = '', mailbox = 'INBOX', verb, text = '""']) => {
          const wanted = Buffer.from(String(JSON.parse(text))).toString('latin1')
          const texts = await this.#texts(address, mailbox)
          const found = texts.some((one) => one.includes(wanted))
          assert.equal(found, verb === 'contains', `${address} holds:\n${texts.join('\n---\n')}`)
        },
      },
      { pattern: /^queue is empty$/, run: () => this.#queueIsEmpty() },
      { pattern: /^no session is open$/, run: () => this.#quiet() },
      {
        pattern: /^event (\S+) (?:(once|never)|(\d+) times)$/,
        run: ([name = '', word, times]) => {
          const wanted = word === 'once' ? 1 : word === 'never' ? 0 : Number(times)
          assert.equal(this.#memory.count(name), wanted, `events called ${name}`)
          return Promise.resolve()
        },
      },
    ])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over = true
    try {
      await this.#finish()
    } finally {
      await this.#options.end?.()
    }
  }

  async #finish(): Promise<void> {
    const posthorn = await this.#posthorn?.catch(() => null)
    if (posthorn == null) return
    const { store } = posthorn.backend
    this.#trouble.repair()
    try {
      assert.deepEqual(await store.audit(), [])
    } finally {
      await this.#stop(posthorn)
    }
    assert.equal(this.#memory.count('connection.broke'), 0, JSON.stringify(this.#memory.records))
    assert.equal(this.#trouble.unfinished, 0, 'messages begun in the store, neither finished nor discarded')
  }

  /** Time moves while it stops, so that peers who never hang up are given up on at once. */
  async #stop(posthorn: Posthorn): Promise<void> {
    const stopped = posthorn.stop()
    await this.#clock?.advance(60_000)
    await stopped
  }

  /** Resolves when the server has noticed that its clients are gone, and has put away what was theirs. */
  async #quiet(): Promise<void> {
    const posthorn = await this.#started()
    while (!this.#over && posthorn.sessions() > 0) await nextTurn()
    await this.#trouble.settled()
  }

  #started(): Promise<Posthorn> {
    this.#posthorn ??= this.#start()
    return this.#posthorn
  }

  async #start(): Promise<Posthorn> {
    const opened = Object.entries(doors).filter(([, door]) => {
      const smtp = door.service === 'smtp' || door.service === 'submission'
      return smtp ? !this.#catcher : this.#protocols.has(door.service)
    })
    const more: readonly Door[] = this.#catcher ? [catcherDoor] : [{ service: 'smtp', tls: 'implicit' }]
    const listeners = [...opened.map(([, door]) => door), ...more].map((door) => ({
      ...door,
      address: '127.0.0.1',
      port: 0,
    }))
    const config = resolveConfig([{ name: 'test', settings: { ...this.#settings, listeners } }])
    const clock = this.#clock ?? new RealClock()
    const random = this.#random
    const store = await openStore(config, { clock, random, events: createEvents([this.#memory]) })
    return startPosthorn(config, {
      ...{ clock, random, sinks: [this.#memory] },
      ...(this.#network === null ? {} : { network: this.#network }),
      store: this.#trouble.around(store),
    })
  }

  #set(key: string, value: string | ((token: string) => string | null)): Promise<void> {
    if (this.#posthorn !== null)
      throw new Error('settings come before the first connection, user and message')
    const path = key.split('.')
    const last = path.pop() ?? ''
    let at = this.#settings
    for (const name of path) {
      const below: Record<string, unknown> = { ...(at[name] as Record<string, unknown> | undefined) }
      at[name] = below
      at = below
    }
    at[last] = typeof value === 'string' ? (tryJson(value) ?? value) : value
    return Promise.resolve()
  }

  /** A host of its own, so that the server does not show the same certificate. */
  #setClientCertificate(name: string): Promise<void> {
    if (this.#network === null) throw new TranscriptUnsupported('clients have certificates in memory alone')
    this.#clientAddress = '127.0.0.2'
    const shown = name.includes('@') ? { names: [], emailAddresses: [name] } : { names: [name] }
    this.#network.setConditions(this.#clientAddress, {
      tls: { ...shown, key: `key of ${name}`, problem: null },
    })
    return Promise.resolve()
  }

  #beCatcher(): Promise<void> {
    this.#catcher = true
    return Promise.resolve()
  }

  async #administer(name: string, parameters: object): Promise<void> {
    const posthorn = await this.#started()
    await posthorn.backend.operations.run(name, parameters)
  }

  async #deliver(address: string, mailbox: string | undefined, text: string): Promise<void> {
    const { store } = (await this.#started()).backend
    const { ingest } = await import('../../src/store/ingest.ts')
    const incoming = ingest({ blobs: store.blobs })
    await incoming.write(Buffer.from(text))
    const { message } = await incoming.finish()
    const target = { account: await this.#accountOf(address), prefix: '' }
    const delivered = await store.deliver({
      message,
      internalDate: Date.UTC(2026, 10, 21, 12),
      targets: [mailbox === undefined ? target : { ...target, mailbox: { name: mailbox, create: true } }],
    })
    assert.ok(delivered.ok, `the message for ${address} could not be put there`)
  }

  async #accountOf(address: string) {
    const { store } = (await this.#started()).backend
    const entry = await store.findAddress(address)
    if (entry?.type !== 'account') throw new Error(`there is no account ${address}`)
    return entry.account.id
  }

  /** Waits for what is under way: an answer may be out before its row is settled. */
  async #queueIsEmpty(): Promise<void> {
    const { store } = (await this.#started()).backend
    let totals = await store.queueTotals()
    for (let turn = 0; turn < 200 && totals.messages > 0; turn++) {
      await nextTurn()
      await this.#trouble.settled()
      totals = await store.queueTotals()
    }
    assert.equal(totals.messages, 0, JSON.stringify(totals))
  }

  async #texts(address: string, name: string): Promise<string[]> {
    const { store } = (await this.#started()).backend
    const entry = await store.findAddress(address)
    if (entry?.type !== 'account') return []
    const account = entry.account.id
    const mailbox = await store.findMailbox({ account, name })
    if (mailbox === undefined) return []
    const texts: string[] = []
    for await (const batch of store.messageTexts({ account, mailbox: mailbox.id, uids: [[1, 0xffffffff]] })) {
      for (const message of batch) {
        const chunks: Uint8Array[] = [Buffer.from(message.prefix)]
        for await (const chunk of store.blobs.read(message.blob)) chunks.push(chunk)
        texts.push(Buffer.concat(chunks).toString('latin1'))
      }
    }
    return texts
  }
}

async function obey(clause: string, clauses: readonly Clause[]): Promise<void> {
  for (const { pattern, run } of clauses) {
    const match = pattern.exec(clause)
    if (match !== null) return run(match.slice(1))
  }
  throw new Error(`no such clause: ${clause}`)
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
