// Plays SMTP transcripts against the whole server (listener, pump, core, handler) on a network in memory, over small
// surroundings (smtp-house.ts) and a virtual clock.
//
// Ports: smtp (mx), submission (587), submissions (465), catcher. Users' passwords are `secret`.
// use: `domain D`, `user A`, `user A full`, `user A with scram`, `limit NAME NUMBER`, `clear text allowed`, `store is broken`,
//   `blobs are broken`, `store works`.
// expect: `mailbox A is empty`, `mailbox A has N messages`, `mailbox A contains "TEXT"`, `event NAME once`,
//   `no event NAME`, `nothing is staged`, `no session is open`.
import assert from 'node:assert/strict'
import { createSecureContext } from 'node:tls'
import type { Peer } from '../../src/base/core.ts'
import { SeededRandom } from '../../src/base/seeded-random.ts'
import { VirtualClock } from '../../src/base/virtual-clock.ts'
import { authSection } from '../../src/config/sections/auth.ts'
import { smtpSection } from '../../src/config/sections/smtp.ts'
import { createEvents, EventMemory } from '../../src/events/event.ts'
import { ConnectionCount } from '../../src/net/connection-limits.ts'
import { listen, type Listener } from '../../src/net/listener.ts'
import { MemoryNetwork } from '../../src/net/memory-network.ts'
import type { SmtpAnswer, SmtpQuestion } from '../../src/smtp/proto/questions.ts'
import { createSmtpService } from '../../src/smtp/server/service.ts'
import type { SmtpRole } from '../../src/smtp/server/role.ts'
import { FakeBlobs, FakeDelivery, FakeDirectory } from './smtp-house.ts'
import { wrapConnection } from './transcript-transport.ts'
import { TranscriptUnsupported, type TranscriptConnection, type TranscriptHost } from './transcript.ts'

const ports: Record<string, { role: SmtpRole; port: number; tls: 'on-request' | 'implicit' }> = {
  smtp: { role: 'mx', port: 25, tls: 'on-request' },
  submission: { role: 'submission', port: 587, tls: 'on-request' },
  submissions: { role: 'submission', port: 465, tls: 'implicit' },
  catcher: { role: 'catcher', port: 1025, tls: 'on-request' },
}

const address = '192.0.2.25'

export interface SmtpHostOptions {
  readonly segments?: 'kept' | 'cut'
}

export class SmtpHost implements TranscriptHost, AsyncDisposable {
  readonly clock = new VirtualClock()
  readonly directory = new FakeDirectory([])
  readonly delivery = new FakeDelivery()
  readonly blobs = new FakeBlobs()
  readonly memory = new EventMemory()
  readonly faults: unknown[] = []
  readonly #random = new SeededRandom(7)
  readonly #network: MemoryNetwork
  readonly #listeners = new Map<string, Listener<SmtpQuestion, SmtpAnswer>>()
  readonly #limits: Record<string, number> = {}
  #clearText = false

  constructor(options: SmtpHostOptions = {}) {
    const { segments = 'kept' } = options
    this.#network = new MemoryNetwork({ clock: this.clock, random: this.#random, segments })
  }

  async connect(_connection: string, port = 'smtp'): Promise<TranscriptConnection> {
    const settings = ports[port]
    if (settings === undefined) throw new TranscriptUnsupported(`no port ${port} here`)
    if (!this.#listeners.has(port)) this.#listeners.set(port, await this.#open(settings))
    const connection = await this.#network.dial({ address, port: settings.port, timeoutMilliseconds: 1000 })
    if (settings.tls === 'implicit') await connection.startTls()
    return wrapConnection(connection)
  }

  #open(settings: (typeof ports)[string]): Promise<Listener<SmtpQuestion, SmtpAnswer>> {
    const { role, port, tls } = settings
    const directory = role === 'catcher' ? new FakeDirectory([], { open: true }) : this.directory
    const { maxMessageSize = 50_000_000, ...limits } = this.#limits
    const { service, farewell } = createSmtpService({
      ...{ role, hostname: 'mx.example.org', startTls: tls === 'on-request', directory },
      store: { blobs: this.blobs },
      delivery: this.delivery,
      events: createEvents([this.memory]),
      ...{ clock: this.clock, random: this.#random, resolver: null },
      config: smtpSection.parse(limits),
      maxMessageSize,
      auth: authSection.parse({ allowClearText: this.#clearText }),
    })
    const fault = (_peer: Peer, ...what: unknown[]): void => void this.faults.push(what)
    return listen({
      network: this.#network,
      points: [{ address, port }],
      tls,
      identity: { secureContext: () => Promise.resolve(createSecureContext()) },
      ...{ service, farewell, clock: this.clock },
      events: {
        ...{ opened: () => undefined, refused: () => undefined, finished: () => undefined },
        ...{ handshakeFailed: () => undefined, handlerFailed: fault, broke: fault },
      },
      connections: new ConnectionCount({ total: 100, perAddress: 100, perPrefix: 100 }),
      stopMilliseconds: 0,
    })
  }

  async fixture(clause: string): Promise<void> {
    const [first = '', second = '', ...rest] = clause.split(' ')
    if (first === 'domain') return this.directory.addDomain(second)
    if (first === 'user') return this.#addUser(second, rest.join(' '))
    if (first === 'limit') {
      this.#limits[second] = Number(rest[0])
      return
    }
    switch (clause) {
      case 'clear text allowed':
        this.#clearText = true
        return
      case 'store is broken':
        this.directory.broken = true
        return
      case 'blobs are broken':
        this.blobs.broken = true
        return
      case 'store works':
        this.directory.broken = false
        this.blobs.broken = false
        return
    }
    throw new TranscriptUnsupported(`no such fixture: ${clause}`)
  }

  async #addUser(address: string, how: string): Promise<void> {
    if (how === 'with scram') return this.directory.addUserWithScram(address, 'secret')
    if (how === 'full') {
      this.directory.addUser(address, {
        quota: { bytes: 1000, messages: null },
        used: { bytes: 1000, messages: 1 },
      })
    } else if (how === '') this.directory.addUser(address)
    else throw new TranscriptUnsupported(`no such user: ${how}`)
  }

  async expect(clause: string): Promise<void> {
    const [, mailbox = '', what = ''] = /^mailbox (\S+) (.*)$/s.exec(clause) ?? []
    if (mailbox !== '') return this.#expectMailbox(mailbox, what)
    const [, name = '', often = ''] = /^event (\S+) (.*)$/.exec(clause) ?? []
    if (name !== '') {
      const count = often === 'once' ? 1 : Number(/^(\d+) times$/.exec(often)?.[1])
      return assert.equal(this.memory.count(name), count, `event ${name}`)
    }
    const [, absent] = /^no event (\S+)$/.exec(clause) ?? []
    if (absent !== undefined) return assert.equal(this.memory.count(absent), 0, `event ${absent}`)
    if (clause === 'nothing is staged') return assert.equal(this.blobs.open, 0, 'staged blobs')
    if (clause === 'no session is open') {
      const sessions = [...this.#listeners.values()].reduce((sum, listener) => sum + listener.sessions, 0)
      return assert.equal(sessions, 0, 'open sessions')
    }
    throw new TranscriptUnsupported(`no such expectation: ${clause}`)
  }

  #expectMailbox(mailbox: string, what: string): void {
    const messages = this.delivery.delivered.filter(({ deliveredTo }) => deliveredTo === mailbox)
    const [, count] = /^has (\d+) messages?$/.exec(what) ?? []
    const [, quoted] = /^contains (".*")$/s.exec(what) ?? []
    if (what === 'is empty') assert.equal(messages.length, 0)
    else if (count !== undefined) assert.equal(messages.length, Number(count))
    else if (quoted !== undefined) {
      const wanted: unknown = JSON.parse(quoted)
      assert.ok(
        messages.some(({ text }) => text.includes(String(wanted))),
        `no message of ${mailbox} contains ${quoted}:\n${messages.map(({ text }) => text).join('\n')}`,
      )
    } else throw new TranscriptUnsupported(`no such expectation of a mailbox: ${what}`)
  }

  async advance(milliseconds: number): Promise<void> {
    await this.clock.advance(milliseconds)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const listener of this.#listeners.values()) {
      const stopped = listener.stop(0)
      await this.clock.advance(5000)
      await stopped
    }
    assert.deepEqual(this.faults, [], 'faults of ours')
    assert.equal(this.blobs.open, 0, 'staged blobs left behind')
  }
}
