// Mail that waits at a provider until its host comes for it: two whole Posthorns, one the provider, one the customer, in memory and
// over TCP with real TLS. ATRN (RFC 2645), TURN (RFC 821 §3.8) and ETRN (RFC 1985), from both sides.
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test, type TestContext } from 'node:test'
import { SeededRandom } from '../../src/base/seeded-random.ts'
import { resolveConfig } from '../../src/config/layers.ts'
import type { Config, ConfigInput } from '../../src/config/schema.ts'
import { EventMemory } from '../../src/events/event.ts'
import { type Posthorn, startPosthorn } from '../../src/main.ts'
import { MemoryNetwork } from '../../src/net/memory-network.ts'
import type { Network } from '../../src/net/network.ts'
import { RealClock } from '../../src/net/real-clock.ts'
import { SocketNetwork } from '../../src/net/socket-network.ts'
import { openBackend } from '../../src/wiring/backend.ts'
import type { Collected } from '../../src/wiring/collect.ts'
import { administer } from '../interop/server.ts'
import { makeCertificate } from '../interop/mail-host.ts'
import { LineClient } from '../support/line-client.ts'

const clock = new RealClock()
let folder = ''
const files = { provider: { certificate: '', key: '' }, customer: { certificate: '', key: '' } }

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'posthorn-roles-'))
  for (const name of ['provider', 'customer'] as const) {
    await mkdir(join(folder, name))
    files[name] = makeCertificate(join(folder, name), `mx.${name}.example`)
  }
  await writeFile(join(folder, 'password'), 'secret\n')
})
after(() => rm(folder, { recursive: true, force: true }))

interface House {
  readonly posthorn: Posthorn
  readonly events: EventMemory
}

/** Two machines; on TCP they differ by their ports alone. */
interface Street {
  readonly provider: Network
  readonly customer: Network
  readonly addresses: { readonly provider: string; readonly customer: string }
  /** Pretended TLS shows what its host has, whatever the files say. */
  readonly showCustomerAs: (name: 'provider' | 'customer') => void
}

const streets: Record<string, () => Street> = {
  memory() {
    const network = new MemoryNetwork({ clock, random: new SeededRandom(5), segments: 'cut' })
    const shown = (name: string) => ({ tls: { names: [`mx.${name}.example`], key: name, problem: null } })
    const customer = network.host(['192.0.2.99'], shown('customer'))
    return {
      provider: network.host(['192.0.2.25'], shown('provider')),
      customer,
      addresses: { provider: '192.0.2.25', customer: '192.0.2.99' },
      showCustomerAs: (name) => customer.set(shown(name)),
    }
  },
  tcp: () => ({
    provider: new SocketNetwork(clock),
    customer: new SocketNetwork(clock),
    addresses: { provider: '127.0.0.1', customer: '127.0.0.1' },
    showCustomerAs: () => undefined,
  }),
}

interface HouseOptions {
  readonly name: 'provider' | 'customer'
  readonly street: Street
  readonly settings: ConfigInput
  /** With their mailboxes' passwords `secret`. */
  readonly accounts: readonly string[]
}

async function open(context: TestContext, options: HouseOptions): Promise<House> {
  const { name, street, settings, accounts } = options
  const events = new EventMemory()
  const layer = {
    profile: 'server',
    data: await mkdtemp(join(folder, `${name}-`)),
    hostname: `mx.${name}.example`,
    dns: { reverse: false },
    auth: { argon2Memory: 8, argon2Passes: 1, scramIterations: 4096 },
    tls: { ...files[name], clientAuthorities: files.customer.certificate },
    ...settings,
  }
  const config = resolveConfig([{ name: 'test', settings: layer }])
  await addAccounts(config, accounts)
  const posthorn = await startPosthorn(config, {
    ...{ clock, random: new SeededRandom(name.length), network: street[name], sinks: [events] },
  })
  context.after(async () => {
    assert.deepEqual(await posthorn.backend.store.audit(), [])
    await posthorn.stop()
  })
  return { posthorn, events }
}

/** Before the start: a customer collects at once, and mail for whom he does not know would bounce. */
async function addAccounts(config: Config, accounts: readonly string[]): Promise<void> {
  await using backend = await openBackend(config, { clock, random: new SeededRandom(1) })
  const { operations } = backend
  for (const name of new Set(accounts.map((address) => address.split('@')[1]))) {
    await operations.run('domain.add', { name })
  }
  for (const address of accounts) await operations.run('account.add', { address, password: 'secret' })
}

function listener(service: 'smtp' | 'odmr', street: Street, at: 'provider' | 'customer') {
  return { service, address: street.addresses[at], port: 0, tls: 'starttls' as const }
}

function portOf({ posthorn }: House, service: string): number {
  return posthorn.listeners.find((one) => one.service === service)?.port ?? 0
}

/** A provider for customer.example, who logs in as customer@provider.example or shows his certificate. */
function openProvider(context: TestContext, street: Street): Promise<House> {
  return open(context, {
    ...{ name: 'provider', street },
    settings: {
      listeners: [listener('smtp', street, 'provider'), listener('odmr', street, 'provider')],
      smtp: {
        greetDelay: 0,
        odmr: [{ account: 'customer@provider.example', domains: ['customer.example'] }],
        turn: [{ domain: 'customer.example', certificateName: 'mx.customer.example' }],
        etrn: [{ domain: 'customer.example' }],
      },
    },
    accounts: ['customer@provider.example', 'bob@provider.example'],
  })
}

type Source = NonNullable<ConfigInput['collect']>[number]

interface CustomerOptions {
  readonly street: Street
  readonly provider: House
  readonly source?: Partial<Source>
  readonly accounts?: readonly string[]
}

function openCustomer(
  context: TestContext,
  { street, provider, source = {}, accounts = ['ann@customer.example'] }: CustomerOptions,
): Promise<House> {
  const host = street.addresses.provider
  const password = join(folder, 'password')
  return open(context, {
    ...{ name: 'customer', street },
    settings: {
      listeners: [listener('smtp', street, 'customer')],
      relay: { routes: [{ kind: 'host', host, port: portOf(provider, 'smtp'), tls: 'none' }] },
      collect: [
        {
          ...{ name: 'provider', host, port: portOf(provider, source.verb === undefined ? 'odmr' : 'smtp') },
          ...{ tls: 'verified', tlsName: 'mx.provider.example' },
          authoritiesFile: files.provider.certificate,
          ...(source.verb === undefined && {
            authentication: { username: 'customer@provider.example', passwordFile: password },
          }),
          ...source,
        },
      ],
    },
    accounts,
  })
}

async function submit({ posthorn }: House, subject: string, notify: string[] | null = null): Promise<void> {
  const text = `From: bob@provider.example\r\nSubject: ${subject}\r\n\r\nFor Ann.\r\n`
  await administer(posthorn, 'mail.submit', {
    ...{ reversePath: 'bob@provider.example', recipients: ['ann@customer.example'], notify },
    message: Buffer.from(text).toString('base64'),
  })
}

async function collectNow({ posthorn }: House): Promise<Collected> {
  const [visit] = (await posthorn.operations.run('collect.now', {})) as Collected[]
  assert.ok(visit !== undefined)
  return visit
}

async function waiting({ posthorn }: House): Promise<number> {
  return (await posthorn.backend.store.queueTotals()).messages
}

/** Until it is so; the runner's own limit ends what never is. */
async function until(so: () => Promise<boolean>): Promise<void> {
  while (!(await so())) await clock.sleep(10)
}

async function textsOf({ posthorn }: House, address: string): Promise<string[]> {
  const { store } = posthorn.backend
  const entry = await store.findAddress(address)
  assert.ok(entry?.type === 'account')
  const account = entry.account.id
  const mailbox = await store.findMailbox({ account, name: 'INBOX' })
  assert.ok(mailbox !== undefined)
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

function subjectsOf(texts: readonly string[]): string[] {
  return texts.map((text) => /^Subject: (.*)\r$/m.exec(text)?.[1] ?? '').toSorted()
}

/** A customer who takes one message by ATRN and breaks off in the middle of the next; gives the subject of the first. */
async function takeOneAndLeave(street: Street, provider: House): Promise<string> {
  const address = street.addresses.provider
  const connection = await street.customer.dial({
    ...{ address, port: portOf(provider, 'odmr'), timeoutMilliseconds: 60_000 },
  })
  const client = new LineClient(connection)
  const say = async (text: string, last: RegExp): Promise<string> => {
    if (text !== '') client.send(`${text}\r\n`)
    for (;;) {
      const line = await client.line()
      assert.ok(line !== undefined, `closed before ${last}`)
      if (last.test(line)) return line
    }
  }
  await say('', /^220 /)
  await say('EHLO mx.customer.example', /^250 /)
  await say('STARTTLS', /^220 /)
  await connection.startClientTls({ serverName: 'mx.provider.example' })
  await say('EHLO mx.customer.example', /^250 /)
  const login = Buffer.from('\0customer@provider.example\0secret').toString('base64')
  await say(`AUTH PLAIN ${login}`, /^235 /)
  await say('ATRN customer.example', /^250 /)
  await say('220 mx.customer.example', /^EHLO mx\.provider\.example$/)
  await say('250 mx.customer.example', /^MAIL FROM:<bob@provider\.example>/)
  await say('250 sender', /^RCPT /)
  await say('250 recipient', /^DATA$/)
  const subject = await say('354 go', /^Subject: /)
  await say('', /^\.$/)
  await say('250 kept', /^MAIL /)
  await say('250 sender', /^RCPT /)
  await say('250 recipient', /^DATA$/)
  await say('354 go', /^Subject: /)
  connection.destroy()
  return subject.slice('Subject: '.length)
}

for (const [carrier, makeStreet] of Object.entries(streets)) {
  test(`${carrier}: a customer collects what waits by ATRN, and only once`, async (context) => {
    const street = makeStreet()
    const provider = await openProvider(context, street)
    for (const subject of ['one', 'two', 'three']) await submit(provider, subject, ['success'])
    assert.equal(await waiting(provider), 3)
    const customer = await openCustomer(context, { street, provider })
    // The visit of the start, which this one joins or follows.
    await collectNow(customer)
    await until(async () => (await waiting(provider)) === 0)
    assert.deepEqual(subjectsOf(await textsOf(customer, 'ann@customer.example')), ['one', 'three', 'two'])
    const next = await collectNow(customer)
    assert.equal(next.type, 'no-mail')
    assert.match(next.type === 'no-mail' ? next.reply : '', /^453 /)
    const served = customer.events.records.filter(({ name }) => name === 'collect.served')
    assert.deepEqual(
      served.map(({ fields }) => fields['messages']),
      [3],
    )
    // RFC 3461 §5.2.2: the customer offers DSN, so it is he who reports, once for each message.
    await until(async () => (await textsOf(provider, 'bob@provider.example')).length === 3)
    for (const report of await textsOf(provider, 'bob@provider.example')) {
      assert.match(report, /^Reporting-MTA: dns; *mx\.customer\.example/im)
      assert.match(report, /^Action: delivered/im)
    }
  })

  test(`${carrier}: a customer who breaks off loses nothing and gets nothing twice`, async (context) => {
    const street = makeStreet()
    const provider = await openProvider(context, street)
    for (const subject of ['one', 'two', 'three']) await submit(provider, subject)
    const taken = await takeOneAndLeave(street, provider)
    const left = ['one', 'three', 'two'].filter((subject) => subject !== taken)
    await until(async () => {
      const totals = await provider.posthorn.backend.store.queueTotals()
      return totals.active === 0 && totals.waiting === 2
    })
    const customer = await openCustomer(context, { street, provider })
    await collectNow(customer)
    await until(async () => (await waiting(provider)) === 0)
    assert.deepEqual(subjectsOf(await textsOf(customer, 'ann@customer.example')), left)
  })

  test(`${carrier}: a domain of others is refused, and nothing is sent`, async (context) => {
    const street = makeStreet()
    const provider = await openProvider(context, street)
    await submit(provider, 'one')
    const greedy = await openCustomer(context, {
      ...{ street, provider },
      source: { domains: ['customer.example', 'other.example'] },
      accounts: ['ann@customer.example', 'ann@other.example'],
    })
    const visit = await collectNow(greedy)
    assert.ok(visit.type === 'failed')
    assert.match(visit.reply, /^450 4\.7\.1/)
    assert.equal(visit.stage, 'atrn')
    assert.equal(await waiting(provider), 1)
    assert.ok(greedy.events.count('collect.failed') >= 1)
  })

  test(`${carrier}: what nobody here would take is not fetched, and that is said`, async (context) => {
    const street = makeStreet()
    const provider = await openProvider(context, street)
    await submit(provider, 'one')
    const source = { domains: ['customer.example'] }
    const other = await openCustomer(context, {
      ...{ street, provider, source },
      accounts: ['ann@another.example'],
    })
    const visit = await collectNow(other)
    assert.deepEqual([visit.type, visit.type === 'failed' && visit.stage], ['failed', 'domains'])
    assert.match(
      visit.type === 'failed' ? visit.reply : '',
      /customer\.example is no domain of this server.*posthorn domain add customer\.example/,
    )
    await other.posthorn.operations.run('domain.add', { name: 'customer.example' })
    await other.posthorn.operations.run('account.add', {
      address: 'ann@customer.example',
      password: 'secret',
    })
    assert.equal((await collectNow(other)).type, 'collected')
    await until(async () => (await waiting(provider)) === 0)
    const empty = await openCustomer(context, { street, provider, accounts: [] })
    const nothing = await collectNow(empty)
    assert.match(nothing.type === 'failed' ? nothing.reply : '', /this server has no domain yet/)
  })

  test(`${carrier}: TURN goes by the certificate`, async (context) => {
    const street = makeStreet()
    const provider = await openProvider(context, street)
    await submit(provider, 'one')
    const { certificate: certificateFile, key: keyFile } = files.customer
    const { certificate, key } = files.provider
    street.showCustomerAs('provider')
    const wrong = await openCustomer(context, {
      ...{ street, provider },
      source: { verb: 'turn', certificateFile: certificate, keyFile: key },
    })
    const refused = await collectNow(wrong)
    assert.match(refused.type === 'failed' ? refused.reply : refused.type, /^502 /)
    assert.equal(await waiting(provider), 1)
    street.showCustomerAs('customer')
    const customer = await openCustomer(context, {
      ...{ street, provider },
      source: { verb: 'turn', certificateFile, keyFile },
    })
    await collectNow(customer)
    await until(async () => (await waiting(provider)) === 0)
    assert.deepEqual(subjectsOf(await textsOf(customer, 'ann@customer.example')), ['one'])
  })
}

test('ETRN has a provider send what waits for a host that has come back (RFC 1985)', async (context) => {
  const street = streets['memory']?.()
  assert.ok(street !== undefined)
  const { customer: host } = street.addresses
  const provider = await open(context, {
    ...{ name: 'provider', street },
    settings: {
      listeners: [{ ...listener('smtp', street, 'provider'), port: 25 }],
      smtp: { greetDelay: 0, etrn: [{ domain: 'customer.example' }] },
      relay: { routes: [{ kind: 'host', recipients: ['customer.example'], host, port: 25, tls: 'none' }] },
    },
    accounts: ['bob@provider.example'],
  })
  await submit(provider, 'one')
  await until(async () => (await provider.posthorn.backend.store.queueTotals()).active === 0)
  assert.equal(await waiting(provider), 1)
  const settings = (domains: string[]): ConfigInput => ({
    listeners: [{ ...listener('smtp', street, 'customer'), port: 25 }],
    collect: [{ host: street.addresses.provider, verb: 'etrn', tls: 'none', domains }],
  })
  const customer = await open(context, {
    ...{ name: 'customer', street, accounts: ['ann@customer.example', 'ann@other.example'] },
    settings: settings(['customer.example', 'other.example']),
  })
  const visit = await collectNow(customer)
  assert.match(visit.type === 'failed' ? visit.reply : visit.type, /^459 4\.7\.1/)
  await until(async () => (await waiting(provider)) === 0)
  assert.deepEqual(subjectsOf(await textsOf(customer, 'ann@customer.example')), ['one'])
})
