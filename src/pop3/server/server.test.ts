// The server over a real store and a connection in memory: large messages, messages that go, a store in trouble.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { LineClient } from '../../../test/support/line-client.ts'
import { testStore } from '../../../test/support/store.ts'
import { SeededRandom } from '../../base/seeded-random.ts'
import { VirtualClock } from '../../base/virtual-clock.ts'
import { authSection, directorySection } from '../../config/sections/auth.ts'
import { pop3Section } from '../../config/sections/pop3.ts'
import { createOpenDirectory } from '../../directory/open-directory.ts'
import { createEvents, EventMemory } from '../../events/event.ts'
import { tryAddress } from '../../mail/address.ts'
import { connectInMemory } from '../../net/memory-network.ts'
import { defaultPumpLimits, Session } from '../../net/pump.ts'
import { ingest } from '../../store/ingest.ts'
import { StoreUnavailable } from '../../store/store.ts'
import { createPop3Service } from './service.ts'
import type { TestContext } from 'node:test'
import type { DeliveryTarget, Store } from '../../store/store.ts'

/** A store whose calls of that name are rejected while `broken` says so. */
function breakable(store: Store, broken: Set<string>): Store {
  return new Proxy(store, {
    get(target, name) {
      if (typeof name === 'string' && broken.has(name)) {
        return () => Promise.reject(new StoreUnavailable('disk full'))
      }
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

async function house(context: TestContext) {
  const store = await testStore(context)
  const broken = new Set<string>()
  const memory = new EventMemory()
  const clock = new VirtualClock()
  const random = new SeededRandom(1)
  const events = createEvents([memory])
  const directory = createOpenDirectory({
    ...{ store, clock, events },
    directory: directorySection.parse({}),
    defaultDomain: 'localhost',
  })
  const { service } = createPop3Service({
    ...{ directory, events, clock, random },
    hostname: 'localhost',
    startTls: false,
    store: breakable(store, broken),
    auth: authSection.parse({ allowClearText: true }),
    config: pop3Section.parse({}),
  })
  const address = tryAddress('ann@localhost')
  assert.ok(address)
  const resolution = await directory.resolve(address)
  assert.ok(resolution.type === 'local')
  const account = resolution.recipients[0]?.account.id
  assert.ok(account !== undefined)

  const deliver = async (...texts: string[]) => {
    for (const text of texts) {
      const incoming = ingest({ blobs: store.blobs })
      await incoming.write(Buffer.from(text, 'latin1'))
      const { message } = await incoming.finish()
      const targets: readonly DeliveryTarget[] = [{ account, prefix: 'Return-Path: <>\r\n' }]
      assert.ok((await store.deliver({ message, internalDate: 0, targets })).ok)
    }
  }
  const expunge = async (uid: number) => {
    const inbox = await store.findMailbox({ account, name: 'INBOX' })
    assert.ok(inbox)
    await store.expunge({ account, mailbox: inbox.id, uids: [[uid, uid]], which: 'regardless' })
  }
  const faults: unknown[] = []
  const fault = (_peer: unknown, ...what: unknown[]) => void faults.push(what)
  const connect = async () => {
    const ends = { local: { address: '192.0.2.1', port: 4000 }, remote: { address: '192.0.2.2', port: 110 } }
    const [local, remote] = connectInMemory({ clock, random }, ends)
    const finished = Promise.withResolvers<void>()
    const observer = {
      handlerFailed: fault,
      handshakeFailed: fault,
      broke: fault,
      finished: () => finished.resolve(),
    }
    new Session(remote, service, { clock, limits: defaultPumpLimits, events: observer }).start()
    const client = new LineClient(local)
    assert.match((await client.line()) ?? '', /^\+OK/)
    /** Closes the client's side and waits until the server has let go of everything. */
    const leave = () => {
      client.connection.end()
      return finished.promise
    }
    return { client, leave, finished: finished.promise }
  }
  const logIn = async () => {
    const connected = await connect()
    connected.client.send('USER ann\r\nPASS x\r\n')
    await connected.client.line()
    return { ...connected, outcome: (await connected.client.line()) ?? '' }
  }
  const count = async () => (await store.findMailbox({ account, name: 'INBOX' }))?.messages
  return { store, account, broken, memory, clock, faults, deliver, expunge, connect, logIn, count }
}

/** A multi-line response without its first and last line. */
async function body(client: LineClient): Promise<{ first: string; lines: string[] }> {
  const first = (await client.line()) ?? ''
  const lines: string[] = []
  for (let line = await client.line(); line !== undefined && line !== '.'; line = await client.line())
    lines.push(line)
  return { first, lines }
}

test('A large message is streamed octet for octet, and TOP of it stops early', async (context) => {
  const { deliver, logIn, faults } = await house(context)
  const lines = Array.from(
    { length: 4000 },
    (_, at) => `${at % 3 === 0 ? '.' : ''}line ${at} ${'x'.repeat(60)}`,
  )
  await deliver(`Subject: large\r\n\r\n${lines.join('\r\n')}\r\n`, 'Subject: small\r\n\r\nx\r\n')
  const { client } = await logIn()
  client.send('RETR 1\r\nTOP 1 2\r\nRETR 2\r\nRETR 1\r\nSTAT\r\n')
  const unstuffed = (line: string) => (line.startsWith('.') ? line.slice(1) : line)
  const header = ['Return-Path: <>', 'Subject: large', '']
  const whole = await body(client)
  assert.deepEqual(whole.lines.map(unstuffed), [...header, ...lines])
  const sent = whole.lines.reduce((sum, line) => sum + unstuffed(line).length + 2, 0)
  assert.equal(whole.first, `+OK ${sent} octets`)
  assert.deepEqual((await body(client)).lines.map(unstuffed), [...header, ...lines.slice(0, 2)])
  assert.deepEqual((await body(client)).lines, ['Return-Path: <>', 'Subject: small', '', 'x'])
  assert.equal((await body(client)).lines.length, lines.length + 3)
  assert.match((await client.line()) ?? '', /^\+OK 2 /)
  assert.deepEqual(faults, [])
})

test('A message that another program removed is refused, and the session goes on', async (context) => {
  const { deliver, expunge, logIn, count } = await house(context)
  const large = `Subject: x\r\n\r\n${'y'.repeat(70)}\r\n`.repeat(1)
  await deliver(
    'Subject: 1\r\n\r\n',
    'Subject: 2\r\n\r\n',
    `${large}${'z'.repeat(100_000)}\r\n`,
    'Subject: 4\r\n\r\n',
  )
  const { client, leave } = await logIn()
  await expunge(1)
  await expunge(3)
  client.send('RETR 1\r\nRETR 3\r\nTOP 3 0\r\nRETR 2\r\n')
  assert.match((await client.line()) ?? '', /^-ERR Message was removed/)
  assert.match((await client.line()) ?? '', /^-ERR Message was removed/)
  assert.match((await client.line()) ?? '', /^-ERR Message was removed/)
  assert.deepEqual((await body(client)).lines, ['Return-Path: <>', 'Subject: 2', ''])
  await deliver('Subject: 5\r\n\r\n')
  client.send('DELE 1\r\nDELE 2\r\nDELE 3\r\nDELE 4\r\nQUIT\r\n')
  await client.lines(5)
  await leave()
  assert.equal(await count(), 1, 'what arrived meanwhile stays')
})

test('QUIT that cannot remove says so and removes nothing; the maildrop is free afterwards', async (context) => {
  const { deliver, broken, logIn, count, memory } = await house(context)
  await deliver('Subject: 1\r\n\r\n', 'Subject: 2\r\n\r\n')
  const { client, leave } = await logIn()
  client.send('DELE 1\r\n')
  await client.line()
  broken.add('expunge')
  client.send('QUIT\r\n')
  assert.match((await client.line()) ?? '', /^-ERR \[SYS\/TEMP\] Deleted messages not removed/)
  assert.equal(await client.line(), undefined)
  await leave()
  assert.equal(await count(), 2)
  assert.equal(memory.count('pop3.store-failed'), 1)
  broken.clear()
  assert.match((await logIn()).outcome, /^\+OK Maildrop has 2 messages/)
})

test('A store in trouble refuses log-in and messages for now, and keeps no lock', async (context) => {
  const { deliver, broken, logIn, connect, faults } = await house(context)
  await deliver('Subject: 1\r\n\r\n')
  for (const name of ['acquireLease', 'findMailbox']) {
    broken.add(name)
    assert.match((await logIn()).outcome, /^-ERR \[SYS\/TEMP\]/)
    broken.clear()
  }
  const { client, outcome } = await logIn()
  assert.match(outcome, /^\+OK/)
  client.send('NOOP\r\n')
  await client.line()
  assert.match((await logIn()).outcome, /^-ERR \[IN-USE\]/)
  const other = await connect()
  other.client.send('QUIT\r\n')
  await other.client.lines(1)
  assert.deepEqual(faults, [])
})

test('A connection that breaks frees the maildrop and removes nothing', async (context) => {
  const { deliver, logIn, count } = await house(context)
  await deliver('Subject: 1\r\n\r\n')
  const { client, finished } = await logIn()
  client.send('DELE 1\r\nRETR 1\r\nNOOP\r\n')
  await client.line()
  client.connection.destroy()
  await finished
  assert.equal(await count(), 1)
  assert.match((await logIn()).outcome, /^\+OK/)
})

test('A session that lost its lock removes nothing', async (context) => {
  const { deliver, logIn, count, store, account, clock, memory } = await house(context)
  await deliver('Subject: 1\r\n\r\n')
  const { client, leave } = await logIn()
  const later = clock.now() + 3_600_000
  const lease = { account, name: 'pop3', holder: 'another node', now: later, expiresAt: later + 60_000 }
  assert.ok(await store.acquireLease(lease))
  client.send('DELE 1\r\nQUIT\r\n')
  await client.line()
  assert.match((await client.line()) ?? '', /^-ERR \[SYS\/TEMP\]/)
  await leave()
  assert.equal(await count(), 1)
  assert.equal(memory.count('pop3.lease-lost'), 1)
  await store.releaseLease(lease)
})

test('Mailboxes larger than a batch open whole, and unique-ids are those of the last session', async (context) => {
  const { store, account, logIn } = await house(context)
  const inbox = await store.findMailbox({ account, name: 'INBOX' })
  assert.ok(inbox)
  const incoming = ingest({ blobs: store.blobs })
  await incoming.write(Buffer.from('Subject: x\r\n\r\n'))
  const { message } = await incoming.finish()
  const messages = Array.from({ length: 1700 }, () => ({ message, flags: 0, keywords: '', internalDate: 0 }))
  assert.ok((await store.append({ account, mailbox: inbox.id, messages, now: 0 })).ok)
  const listing = async () => {
    const { client, outcome, leave } = await logIn()
    assert.match(outcome, /^\+OK Maildrop has 1700 messages/)
    client.send('UIDL\r\nQUIT\r\n')
    const { lines } = await body(client)
    await leave()
    return lines
  }
  const first = await listing()
  assert.equal(first.length, 1700)
  assert.equal(new Set(first).size, 1700)
  assert.deepEqual(await listing(), first)
})
