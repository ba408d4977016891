// A whole Posthorn for the programs of others: real sockets on ports that the system chose, real TLS, real password hashes, and a
// data folder of its own. It runs in the process of the test, so that a test can look at what the server told.
//
// Stopping it is a part of each test: nothing may be wrong in the store, no session may have met a defect of ours, and no
// session may be left over.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { connect } from 'node:tls'
import { resolveConfig } from '../../src/config/layers.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { EventMemory } from '../../src/events/event.ts'
import { type OpenListener, type Posthorn, startPosthorn } from '../../src/main.ts'
import { ingest } from '../../src/store/ingest.ts'
import type { AccountId } from '../../src/store/model.ts'
import { until } from './mail-host.ts'

/** Every account's password unless a test sets its own. */
export const password = 'correct horse, batterie 9'

/** The doors of a server, by what is spoken and how it is protected. */
export interface Ports {
  readonly smtp: number
  readonly submission: number
  readonly submissions: number
  readonly imap: number
  readonly imaps: number
  readonly pop3: number
  readonly pop3s: number
}

export interface InteropServer {
  readonly posthorn: Posthorn
  readonly ports: Ports
  /** Those of `InteropOptions.listeners`, in their order. */
  readonly more: readonly number[]
  readonly events: EventMemory
  /** A folder for the test's own files, removed at the end. */
  readonly folder: string
  /** PEM file of the certificate that the server made at its first handshake, for clients that want to check it. */
  certificate(): Promise<string>
  /** Whole messages, the oldest first, as they are read back; `mailbox` is INBOX unless given. */
  messages(address: string, mailbox?: string): Promise<string[]>
  /** Puts a message there without any protocol. */
  put(address: string, text: string, mailbox?: string): Promise<void>
}

export interface InteropOptions {
  /** Laid over what this file sets, key by key. */
  readonly settings?: ConfigInput
  /** Accounts beside `ann@mail.test` and `bob@mail.test`. */
  readonly accounts?: readonly string[]
  /** Listeners beside the usual ones, on loopback. */
  readonly listeners?: readonly MoreListener[]
}

type MoreListener = Omit<NonNullable<ConfigInput['listeners']>[number], 'address' | 'port'>

const listeners = [
  ['smtp', 'smtp', 'starttls'],
  ['submission', 'submission', 'starttls'],
  ['submissions', 'submission', 'implicit'],
  ['imap', 'imap', 'starttls'],
  ['imaps', 'imap', 'implicit'],
  ['pop3', 'pop3', 'starttls'],
  ['pop3s', 'pop3', 'implicit'],
] as const

/** Starts one and registers its end with the test. */
export async function startServer(test: TestContext, options: InteropOptions = {}): Promise<InteropServer> {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-interop-'))
  const data = join(folder, 'data')
  const events = new EventMemory()
  const config = resolveConfig([
    {
      name: 'test',
      settings: {
        ...baseSettings,
        data,
        listeners: [...usual, ...(options.listeners ?? []).map(onLoopback)],
      },
    },
    { name: 'options', settings: options.settings ?? {} },
  ])
  const posthorn = await startPosthorn(config, { sinks: [events] })
  test.after(async () => {
    await end(posthorn, events)
    await rm(folder, { recursive: true, force: true })
  })
  await administer(posthorn, 'domain.add', { name: 'mail.test' })
  for (const address of ['ann@mail.test', 'bob@mail.test', ...(options.accounts ?? [])]) {
    await administer(posthorn, 'account.add', { address, password })
  }
  return {
    posthorn,
    ports: portsOf(posthorn.listeners),
    more: posthorn.listeners.slice(listeners.length).map(({ port }) => port),
    events,
    folder,
    async certificate() {
      const socket = connect({ port: portsOf(posthorn.listeners).imaps, rejectUnauthorized: false })
      await once(socket, 'secureConnect')
      socket.destroy()
      return join(data, 'tls', 'self-signed.crt')
    },
    messages: (address, mailbox) => readMessages(posthorn, address, mailbox ?? 'INBOX'),
    put: (address, text, mailbox) => putMessage(posthorn, { address, text, mailbox: mailbox ?? 'INBOX' }),
  }
}

function onLoopback<Listener extends object>(listener: Listener) {
  return { ...listener, address: '127.0.0.1', port: 0 }
}

const usual = listeners.map(([, service, tls]) => onLoopback({ service, tls }))

const baseSettings: ConfigInput = {
  profile: 'server',
  hostname: 'localhost',
  net: { stopTimeout: '2s' },
  dns: { reverse: false },
  // The least that is safe to compute: what is tried here is the protocol.
  auth: { argon2Memory: 1024, argon2Passes: 1 },
}

function portsOf(open: readonly OpenListener[]): Ports {
  const port = (index: number): number => open[index]?.port ?? 0
  const [smtp, submission, submissions, imap, imaps, pop3, pop3s] = listeners.map((_, index) => port(index))
  return {
    ...{ smtp: smtp ?? 0, submission: submission ?? 0, submissions: submissions ?? 0 },
    ...{ imap: imap ?? 0, imaps: imaps ?? 0, pop3: pop3 ?? 0, pop3s: pop3s ?? 0 },
  }
}

/** The messages of somebody's INBOX, when there are so many. */
export async function untilMessages(
  server: InteropServer,
  address: string,
  count: number,
): Promise<string[]> {
  return until(`${count} messages for ${address}`, async () => {
    const found = await server.messages(address)
    return found.length >= count ? found : undefined
  })
}

async function end(posthorn: Posthorn, events: EventMemory): Promise<void> {
  try {
    assert.deepEqual(await posthorn.backend.store.audit(), [])
  } finally {
    await posthorn.stop()
  }
  assert.equal(posthorn.sessions(), 0, 'sessions left over after the stop')
  const defects = events.records.filter(({ name }) =>
    ['connection.broke', 'connection.handler-failed', 'server.subscriber-failed'].includes(name),
  )
  assert.deepEqual(defects, [])
}

/** One operation of the table that the command line has, too. */
export async function administer(posthorn: Posthorn, name: string, parameters: object): Promise<unknown> {
  return posthorn.backend.operations.run(name, parameters)
}

async function accountOf({ backend }: Posthorn, address: string): Promise<AccountId> {
  const entry = await backend.store.findAddress(address)
  assert.equal(entry?.type, 'account', `${address} has no account`)
  return entry.account.id
}

async function putMessage(
  posthorn: Posthorn,
  { address, text, mailbox }: { address: string; text: string; mailbox: string },
): Promise<void> {
  const { store, clock } = posthorn.backend
  const incoming = ingest({ blobs: store.blobs })
  await incoming.write(Buffer.from(text))
  const { message } = await incoming.finish()
  const account = await accountOf(posthorn, address)
  const delivered = await store.deliver({
    message,
    internalDate: clock.now(),
    targets: [{ account, prefix: '', mailbox: { name: mailbox, create: true } }],
  })
  assert.ok(delivered.ok, `no message for ${address} could be put there`)
}

async function readMessages(posthorn: Posthorn, address: string, name: string): Promise<string[]> {
  const { backend } = posthorn
  const account = await accountOf(posthorn, address)
  const mailbox = await backend.store.findMailbox({ account, name })
  if (mailbox === undefined) return []
  const texts: string[] = []
  const uids: [number, number][] = [[1, 0xffffffff]]
  for await (const batch of backend.store.messageTexts({ account, mailbox: mailbox.id, uids })) {
    for (const message of batch) {
      const chunks: Uint8Array[] = [Buffer.from(message.prefix)]
      for await (const chunk of backend.store.blobs.read(message.blob)) chunks.push(chunk)
      texts.push(Buffer.concat(chunks).toString('utf8'))
    }
  }
  return texts
}
