// The HTTP API over a store in memory, without a socket: accounts ann and bob of example.org, mail for elsewhere goes into the queue.
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { SeededRandom } from '../../src/base/seeded-random.ts'
import { VirtualClock } from '../../src/base/virtual-clock.ts'
import { Secret } from '../../src/base/secret.ts'
import { resolveConfig } from '../../src/config/layers.ts'
import type { Config, ConfigInput } from '../../src/config/schema.ts'
import { QueueGauge } from '../../src/delivery/queue-gauge.ts'
import { createStoreDelivery } from '../../src/delivery/store-delivery.ts'
import { Submitter } from '../../src/delivery/submitter.ts'
import { createTerminals } from '../../src/delivery/terminals.ts'
import { Administration } from '../../src/directory/administration.ts'
import { createDirectory } from '../../src/directory/create.ts'
import { createTokenVerifier } from '../../src/directory/tokens.ts'
import { createEvents, EventMemory } from '../../src/events/event.ts'
import { createPolicy } from '../../src/hooks/chain.ts'
import { createLogins } from '../../src/directory/logins.ts'
import { createApi } from '../../src/http/app.ts'
import type { HttpMount } from '../../src/base/http-mount.ts'
import type { HttpParts } from '../../src/http/parts.ts'
import { createSite, type Site } from '../../src/http/site.ts'
import type { Account } from '../../src/store/model.ts'
import { SocketNetwork } from '../../src/net/socket-network.ts'
import { FairTurns } from '../../src/queue/fairness.ts'
import { ingest } from '../../src/store/ingest.ts'
import type { QueueEntry } from '../../src/store/queue.ts'
import type { Store } from '../../src/store/store.ts'
import { testStore } from './store.ts'

export const password = 'correct horse, batterie 9'

export function basic(name: string, secret = password): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}` }
}

export interface HttpHouseOptions {
  readonly settings?: ConfigInput
  readonly parts?: Partial<HttpParts>
  readonly secure?: boolean
  /** Beside the API. */
  readonly mounts?: readonly HttpMount<Account>[]
}

/** Opens it; everything ends with the test. */
export async function openHttpHouse(
  context: TestContext,
  options: HttpHouseOptions = {},
): Promise<HttpHouse> {
  const store = await testStore(context)
  const clock = new VirtualClock()
  const memory = new EventMemory()
  const config = resolveConfig([
    { name: 'test', settings: { auth: { argon2Memory: 8, argon2Passes: 1 }, hostname: 'mail.example.org' } },
    { name: 'options', settings: options.settings ?? {} },
  ])
  const parts = { ...(await makeParts(config, { store, clock, memory })), ...options.parts }
  return new HttpHouse(
    { store, clock, memory, config, parts, mounts: options.mounts ?? [] },
    (options.secure ?? true) ? 'tls' : 'clear',
  )
}

interface Ground {
  readonly store: Store
  readonly clock: VirtualClock
  readonly memory: EventMemory
}

async function makeParts(config: Config, { store, clock, memory }: Ground): Promise<HttpParts> {
  const random = new SeededRandom(1)
  const events = createEvents([memory])
  const serverSecret = await store.installationSecret(random.bytes(32))
  const { auth, hostname, maxMessageSize, submission } = config
  const common = { store, clock, random, events, auth, directory: config.directory }
  // Asks `auth.verifyToken` alone, where there is one.
  const tokens = createTokenVerifier({
    ...{ issuers: [], clock, verifyToken: auth.verifyToken },
    fetchText: async () => assert.fail('there is no issuer'),
  })
  const directory = createDirectory({ ...common, serverSecret, tokens })
  const administration = new Administration(common)
  await administration.addDomain('example.org')
  for (const address of ['ann@example.org', 'bob@example.org']) {
    assert.ok((await administration.addAccount({ address, password: new Secret(password) })).ok)
  }
  const key = { secret: serverSecret, hashLength: 6 }
  const policy = { expireAfter: 432_000_000, delayAfter: 0, srs: 'never', separator: '+', key } as const
  const queue = { policy, turns: new FairTurns(), gauge: new QueueGauge({ store, clock, limit: 0 }) }
  const delivery = createStoreDelivery({ store, limits: { maxReceived: 100 }, queue, webhooks: 'on' })
  const submitter = new Submitter({
    ...{ store, directory, delivery, clock, random, hostname, maxMessageSize, events },
    policy: createPolicy(config.hooks, {
      ...{ clock, random, events, hostname, maxMessageSize, httpFetch: fetch },
      dialer: new SocketNetwork(clock),
    }),
    readStaged: (blob, range) => store.blobs.readStaged(blob, range),
    stage: () => ingest({ blobs: store.blobs, limits: config.mime }),
    maxHeaderSize: submission.maxHeaderSize,
  })
  return {
    ...{ store, clock, random, events, directory, submitter, hostname, maxMessageSize, submission },
    ...{ direct: null, clearText: 'refused', access: 'accounts', terminals: createTerminals() },
    connections: { end: () => 0 },
    ...{ web: config.web, administration, setup: null, operations: [], metrics: async () => '' },
    logins: createLogins({ store, clock, random, events, auth, web: config.web, secret: serverSecret }),
    ...{ config: config.http, webhooks: config.webhooks },
  }
}

export class HttpHouse {
  readonly site: Site
  readonly store: Store
  readonly clock: VirtualClock
  readonly memory: EventMemory
  readonly config: Config
  readonly parts: HttpParts
  /** Aborts what stays open. */
  readonly stopping = new AbortController()
  readonly #connection: 'tls' | 'clear'

  constructor(
    made: Ground & { config: Config; parts: HttpParts; mounts: readonly HttpMount<Account>[] },
    connection: 'tls' | 'clear',
  ) {
    this.site = createSite(made.parts, [createApi(made.parts), ...made.mounts])
    this.store = made.store
    this.clock = made.clock
    this.memory = made.memory
    this.config = made.config
    this.parts = made.parts
    this.#connection = connection
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const surroundings = {
      remoteAddress: '192.0.2.7',
      secure: this.#connection === 'tls',
      stopping: this.stopping.signal,
    }
    return this.site.fetch(new Request(`https://mail.example.org${path}`, init), surroundings)
  }

  /** POST of JSON as ann, or as `headers` say. */
  post(body: unknown, init: { query?: string; headers?: Record<string, string> } = {}): Promise<Response> {
    return this.fetch(`/api/v1/messages${init.query ?? ''}`, {
      method: 'POST',
      headers: { ...basic('ann@example.org'), 'content-type': 'application/json', ...init.headers },
      body: JSON.stringify(body),
    })
  }

  /** What the queue has, finished or not. */
  queued(): Promise<QueueEntry[]> {
    return this.store.queueList({ filter: {}, limit: 100, finished: 'with' })
  }

  /** The messages of an account, without their trace fields. */
  async inbox(address: string): Promise<string[]> {
    const owner = await this.store.credentialsOf(address)
    assert.ok(owner)
    const account = owner.account.id
    const mailbox = await this.store.findMailbox({ account, name: 'INBOX' })
    assert.ok(mailbox)
    const texts: string[] = []
    const all = { account, mailbox: mailbox.id, uids: [[1, 4_294_967_295]] } as const
    for await (const batch of this.store.messageTexts(all)) {
      for (const { blob } of batch) texts.push(await textOf(this.store.blobs.read(blob)))
    }
    return texts
  }
}

async function textOf(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const all: Uint8Array[] = []
  for await (const piece of pieces) all.push(piece)
  return Buffer.concat(all).toString('utf8')
}
