// An SMTP listener of any role over a memory network, with a store, accounts and a delivery that keeps what it was given: for tests
// of what the server decides. Mail for mailboxes is really delivered; mail for elsewhere is only written down.
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { SeededRandom } from '../../src/base/seeded-random.ts'
import { Secret } from '../../src/base/secret.ts'
import { VirtualClock } from '../../src/base/virtual-clock.ts'
import { authSection, directorySection } from '../../src/config/sections/auth.ts'
import { smtpSection } from '../../src/config/sections/smtp.ts'
import { submissionSection } from '../../src/config/sections/submission.ts'
import type { Arrival, Delivery } from '../../src/delivery/delivery.ts'
import { createStoreDelivery } from '../../src/delivery/store-delivery.ts'
import { Administration } from '../../src/directory/administration.ts'
import { createDirectory } from '../../src/directory/create.ts'
import { createEvents, EventMemory } from '../../src/events/event.ts'
import { ConnectionCount } from '../../src/net/connection-limits.ts'
import { listen } from '../../src/net/listener.ts'
import { MemoryNetwork } from '../../src/net/memory-network.ts'
import {
  createSmtpService,
  type SmtpService,
  type SmtpServiceOptions,
} from '../../src/smtp/server/service.ts'
import type { Account } from '../../src/store/model.ts'
import type { Store } from '../../src/store/store.ts'
import { LineClient } from './line-client.ts'
import { testStore } from './store.ts'

export interface SmtpHouseOptions extends Partial<
  Pick<
    SmtpServiceOptions,
    'role' | 'policy' | 'terminals' | 'returnPaths' | 'remoteQueue' | 'relays' | 'chargeRate'
  >
> {
  readonly config?: Parameters<typeof smtpSection.parse>[0]
  readonly submission?: Parameters<typeof submissionSection.parse>[0]
}

/** The client of one session, which sends a line and reads the reply to it. */
export class SmtpTestClient extends LineClient {
  /** The whole reply, its lines joined by LF. */
  async reply(): Promise<string> {
    const lines: string[] = []
    for (;;) {
      const line = await this.line()
      if (line === undefined) return lines.join('\n')
      lines.push(line)
      if (line[3] !== '-') return lines.join('\n')
    }
  }

  async say(line: string): Promise<string> {
    this.send(`${line}\r\n`)
    return this.reply()
  }

  /** Says all of them; the codes of the replies, with their status codes where they have one. */
  async codes(...lines: readonly string[]): Promise<string[]> {
    const codes: string[] = []
    for (const line of lines)
      codes.push(/^\d{3}[ -](?:\d\.\d+\.\d+)?/.exec(await this.say(line))?.[0].trim() ?? '')
    return codes
  }

  /** MAIL, RCPT for each, DATA and the message; the reply to its end. */
  async mail(from: string, to: readonly string[], message: string): Promise<string> {
    for (const line of [`MAIL FROM:<${from}>`, ...to.map((one) => `RCPT TO:<${one}>`), 'DATA']) {
      const reply = await this.say(line)
      if (/^[45]/.test(reply)) return reply
    }
    return this.say(`${message}\r\n.`)
  }
}

export interface SmtpHouse {
  readonly store: Store
  readonly clock: VirtualClock
  readonly events: EventMemory
  /** What was handed to delivery, in order. */
  readonly arrivals: Arrival[]
  readonly account: (address: string) => Promise<Account>
  /** Opens a session, up to its greeting and EHLO (LHLO); logs in as ann where asked. */
  readonly connect: (options?: { from?: string; as?: string }) => Promise<SmtpTestClient>
  /** A handler of its own, for questions that only a client under TLS can raise. */
  readonly makeHandler: SmtpService['service']['makeHandler']
  /** A bare connection. */
  readonly dial: (from?: string) => Promise<SmtpTestClient>
  /** The texts in the account's INBOX. */
  readonly inbox: (address: string) => Promise<string[]>
  /** The text of a message that was handed to delivery. */
  readonly text: (arrival: Arrival | undefined) => Promise<string>
}

const address = '192.0.2.1'

/** ann@ and bob@example.org, password `secret`; alias@example.org leads to ann, away@example.org to far.example. */
export async function openSmtpHouse(
  context: TestContext,
  options: SmtpHouseOptions = {},
): Promise<SmtpHouse> {
  const store = await testStore(context)
  const clock = new VirtualClock()
  const random = new SeededRandom(1)
  const events = new EventMemory()
  const emitter = createEvents([events])
  const auth = authSection.parse({
    argon2Memory: 8,
    argon2Passes: 1,
    scramIterations: 4096,
    allowClearText: true,
  })
  const who = { store, clock, random, events: emitter, auth, directory: directorySection.parse({}) }
  const directory = createDirectory({ ...who, serverSecret: new Uint8Array(32) })
  await furnish(new Administration(who))
  const arrivals: Arrival[] = []
  const delivery = recording(createStoreDelivery({ store, limits: { maxReceived: 100 } }), arrivals)
  const { config, submission, role = 'mx', ...more } = options
  const service = createSmtpService({
    ...{ role, directory, delivery, store, clock, random, auth, events: emitter, ...more },
    ...{ hostname: 'mx.example.org', startTls: false, maxMessageSize: 1_000_000, resolver: null },
    config: smtpSection.parse(config ?? {}),
    submission: submissionSection.parse(submission ?? {}),
  })
  const network = new MemoryNetwork({ clock, random, segments: 'kept' })
  const listener = await listenIn(network, { clock, service })
  context.after(async () => {
    const stopped = listener.stop(1000)
    await clock.advance(60_000)
    await stopped
  })
  const dial = async (from = '127.0.0.1'): Promise<SmtpTestClient> =>
    new SmtpTestClient(
      await network.dial({ address, port: 25, localAddress: from, timeoutMilliseconds: 1000 }),
    )
  return {
    ...{ store, clock, events, arrivals, dial },
    makeHandler: service.service.makeHandler,
    account: (wanted) => accountOf(store, wanted),
    async connect({ from, as } = {}) {
      const client = await dial(from)
      assert.match(await client.reply(), /^220 /)
      assert.match(await client.say(`${role === 'lmtp' ? 'LHLO' : 'EHLO'} client.example`), /^250/)
      if (as !== undefined) {
        const secret = Buffer.from(`\0${as}\0secret`).toString('base64')
        assert.match(await client.say(`AUTH PLAIN ${secret}`), /^235 /)
      }
      return client
    },
    inbox: (wanted) => inboxOf(store, wanted),
    async text(arrival) {
      assert.ok(arrival)
      const pieces: Uint8Array[] = await Array.fromAsync(store.blobs.readStaged(arrival.message.blob))
      return Buffer.concat(pieces).toString('latin1')
    },
  }
}

function listenIn(network: MemoryNetwork, { clock, service }: { clock: VirtualClock; service: SmtpService }) {
  return listen({
    ...{ network, clock, identity: null, tls: 'none' as const },
    points: [{ address, port: 25 }],
    connections: new ConnectionCount({ total: 100, perAddress: 100, perPrefix: 100 }),
    events: {
      opened: () => undefined,
      refused: () => undefined,
      handshakeFailed: () => undefined,
      broke: (_peer, error) => assert.ifError(error),
      handlerFailed: (_peer, _question, error) => assert.ifError(error),
      finished: () => undefined,
    },
    ...service,
  })
}

function recording(delivery: Delivery, arrivals: Arrival[]): Delivery {
  return {
    deliver(arrival) {
      arrivals.push(arrival)
      const elsewhere = (arrival.remote ?? []).length > 0 || arrival.quarantine !== undefined
      return elsewhere
        ? Promise.resolve({ ok: true, unknown: [], queued: arrival.id ?? '' })
        : delivery.deliver(arrival)
    },
  }
}

async function furnish(administration: Administration): Promise<void> {
  assert.ok((await administration.addDomain('example.org')).ok)
  for (const name of ['ann', 'bob']) {
    const password = new Secret('secret')
    assert.ok((await administration.addAccount({ address: `${name}@example.org`, password })).ok)
  }
  assert.ok((await administration.setAlias('alias@example.org', ['ann@example.org'])).ok)
  assert.ok((await administration.setAlias('away@example.org', ['ann@far.example'])).ok)
}

async function accountOf(store: Store, wanted: string): Promise<Account> {
  const entry = await store.findAddress(wanted)
  assert.ok(entry?.type === 'account')
  return entry.account
}

async function inboxOf(store: Store, wanted: string): Promise<string[]> {
  const { id: account } = await accountOf(store, wanted)
  const mailbox = await store.findMailbox({ account, name: 'INBOX' })
  assert.ok(mailbox)
  const texts: string[] = []
  for await (const rows of store.messageTexts({ account, mailbox: mailbox.id, uids: [[1, 0xffffffff]] })) {
    for (const row of rows) {
      const pieces: Uint8Array[] = await Array.fromAsync(store.blobs.read(row.blob))
      texts.push(row.prefix + Buffer.concat(pieces).toString('latin1'))
    }
  }
  return texts
}
