// The HTTP API over a store in memory, without a socket: accounts ann and bob of example.org, mail for elsewhere goes into the queue.
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { SeededRandom } from '../../src/base/seeded-random.ts'
import { VirtualClock } from '../../src/base/virtual-clock.ts'
import { Secret } from '../../src/base/secret.ts'
import { resolveConfig } from '../../src/config/layers.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { QueueGauge } from '../../src/delivery/queue-gauge.ts'
import { createStoreDelivery } from '../../src/delivery/store-delivery.ts'
import { Submitter } from '../../src/delivery/submitter.ts'
import { createTerminals } from '../../src/delivery/terminals.ts'
import { Administration } from '../../src/directory/administration.ts'
import { createDirectory } from '../../src/directory/create.ts'
import { createEvents, EventMemory } from '../../src/events/event.ts'
import { createApp } from '../../src/http/app.ts'
import type { HttpParts } from '../../src/http/parts.ts'
import { FairTurns } from '../../src/queue/fairness.ts'
import { ingest } from '../../src/store/ingest.ts'
import type { QueueEntry } from '../../src/store/queue.ts'
import { testStore } from './store.ts'

export const password = 'correct horse, batterie 9'

export function basic(name: string, secret = password): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}` }
}

export interface HttpHouseOptions {
  readonly settings?: ConfigInput
  readonly parts?: Partial<HttpParts>
  readonly secure?: boolean
}

/** Opens it; everything ends with the test. */
export async function openHttpHouse(context: TestContext, options: HttpHouseOptions = {}) {
  const store = await testStore(context)
  const clock = new VirtualClock()
  const random = new SeededRandom(1)
  const memory = new EventMemory()
  const events = createEvents([memory])
  const config = resolveConfig([
    { name: 'test', settings: { auth: { argon2Memory: 8, argon2Passes: 1 }, hostname: 'mail.example.org' } },
    { name: 'options', settings: options.settings ?? {} },
  ])
  const serverSecret = await store.installationSecret(random.bytes(32))
  const { auth } = config
  const common = { store, clock, random, events, auth, directory: config.directory }
  const directory = createDirectory({ ...common, serverSecret })
  const administration = new Administration(common)
  await administration.addDomain('example.org')
  for (const name of ['ann@example.org', 'bob@example.org']) {
    assert.ok((await administration.addAccount({ address: name, password: new Secret(password) })).ok)
  }
  const policy = {
    expireAfter: 432_000_000,
    delayAfter: 0,
    srs: 'never',
    separator: '+',
    key: { secret: serverSecret, hashLength: 6 },
  } as const
  const gauge = new QueueGauge({ store, clock, limit: 0 })
  const delivery = createStoreDelivery({
    store,
    limits: { maxReceived: 100 },
    queue: { policy, turns: new FairTurns(), gauge },
    webhooks: 'on',
  })
  const { hostname, maxMessageSize } = config
  const submitter = new Submitter({
    ...{ directory, delivery, clock, random, hostname, maxMessageSize },
    stage: () => ingest({ blobs: store.blobs, limits: config.mime }),
    maxHeaderSize: config.submission.maxHeaderSize,
  })
  const terminals = createTerminals()
  const parts: HttpParts = {
    ...{ store, clock, random, events, directory, submitter, terminals, hostname, maxMessageSize },
    direct: null,
    clearText: 'refused',
    config: config.http,
    webhooks: config.webhooks,
    submission: config.submission,
    ...options.parts,
  }
  const app = createApp(parts)
  const stopping = new AbortController()
  const surroundings = {
    remoteAddress: '192.0.2.7',
    secure: options.secure ?? true,
    stopping: stopping.signal,
  }
  const fetch = (path: string, init: RequestInit = {}): Promise<Response> =>
    Promise.resolve(app.request(path, init, surroundings))
  return {
    ...{ app, store, clock, memory, parts, config, stopping, fetch },
    /** POST of JSON as ann, or as `headers` say. */
    post: (body: unknown, init: { query?: string; headers?: Record<string, string> } = {}) =>
      fetch(`/api/v1/messages${init.query ?? ''}`, {
        method: 'POST',
        headers: { ...basic('ann@example.org'), 'content-type': 'application/json', ...init.headers },
        body: JSON.stringify(body),
      }),
    /** What the queue has, with its message. */
    queued: (): Promise<QueueEntry[]> => store.queueList({ filter: {}, limit: 100, finished: 'with' }),
    /** The newest message of an account, without its trace. */
    async inbox(address: string): Promise<string[]> {
      const owner = await store.credentialsOf(address)
      assert.ok(owner)
      const account = owner.account.id
      const mailbox = await store.findMailbox({ account, name: 'INBOX' })
      assert.ok(mailbox)
      const texts: string[] = []
      for await (const batch of store.messageTexts({
        account,
        mailbox: mailbox.id,
        uids: [[1, 4_294_967_295]],
      })) {
        for (const { blob } of batch) texts.push(await textOf(store.blobs.read(blob)))
      }
      return texts
    },
    blobText: (blob: Parameters<typeof store.blobs.read>[0]) => textOf(store.blobs.read(blob)),
  }
}

async function textOf(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const all: Uint8Array[] = []
  for await (const piece of pieces) all.push(piece)
  return Buffer.concat(all).toString('utf8')
}
