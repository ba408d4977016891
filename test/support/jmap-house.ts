// A server of JMAP without sockets: a store in memory, accounts, and requests given to the mount as a listener would. Whoever asks is named
// in `Authorization: Basic` by his address alone.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import type { HttpCaller, HttpEnvironment, WebSocketHandler } from '../../src/base/http-mount.ts'
import { SeededRandom } from '../../src/base/seeded-random.ts'
import { VirtualClock } from '../../src/base/virtual-clock.ts'
import { jmapSection } from '../../src/config/sections/jmap.ts'
import type { EventRecord } from '../../src/events/event.ts'
import { createEvents } from '../../src/events/event.ts'
import type { EmailSight } from '../../src/jmap/server/blob-access.ts'
import type { AccountPlace, JmapModule } from '../../src/jmap/server/module.ts'
import { createJmap, type JmapMountParts } from '../../src/jmap/server/mount.ts'
import type { PushAnswer, PushPost } from '../../src/jmap/server/push-request.ts'
import { vapidKeysOf } from '../../src/jmap/server/vapid.ts'
import type { Json, JsonObject } from '../../src/jmap/proto/json.ts'
import { ingest } from '../../src/store/ingest.ts'
import type { Account, AccountId, Quota } from '../../src/store/model.ts'
import type { Store } from '../../src/store/store.ts'
import { ZoneResolver } from '../../src/net/zone-resolver.ts'
import { type Ending, testStore } from './store.ts'

export interface JmapHouseOptions {
  readonly config?: Parameters<typeof jmapSection.parse>[0]
  /** Default: every message of one's own account, none of others. */
  readonly sight?: EmailSight
  readonly modules?: JmapMountParts['modules']
  /** Default: a store of its own. */
  readonly store?: Store
  /** Default: a clock of its own. */
  readonly clock?: VirtualClock
  /** DNS, as a zone file; default: nothing is in it. */
  readonly zone?: string
  /** What a push service answers; default 201. */
  readonly push?: (post: PushPost) => PushAnswer | Promise<PushAnswer>
}

export type Call = readonly [name: string, args: object, callId: string]
export type Answer = readonly [name: string, args: JsonObject, callId: string]

/** The capability alone: quotas and blobs tell of mail to those who use it. */
export const mailAlone: JmapModule = {
  capabilities: [{ uri: 'urn:ietf:params:jmap:mail', server: () => ({}), account: () => ({}) }],
  methods: [],
  types: [],
}

/** A type whose state moves with whatever happens in the account, read when `known` resolves. */
export function anyType(
  store: () => Pick<Store, 'getAccount'>,
  known: () => Promise<void> = () => Promise.resolve(),
): JmapModule {
  const state = async ({ account }: AccountPlace): Promise<string> => {
    await known()
    return String((await store().getAccount(account.id))?.modSeq)
  }
  const type = { name: 'Any', capability: 'urn:ietf:params:jmap:core', touchedBy: () => true, state }
  return { capabilities: [], methods: [], types: [type] }
}

/** What the core tests use; tests of mail add theirs. */
export const standardUsing = [
  'urn:ietf:params:jmap:core',
  'urn:ietf:params:jmap:blob',
  'urn:ietf:params:jmap:quota',
  'urn:ietf:params:jmap:mail',
]

/** What is in a response at a path of members; undefined: nothing. */
export function at(value: Json | undefined, ...path: string[]): Json | undefined {
  // A test that looks into what is no object finds nothing there.
  return path.reduce<Json | undefined>((place, name) => (place as JsonObject | undefined)?.[name], value)
}

/** The same, where there must be a string. */
export function textAt(value: Json | undefined, ...path: string[]): string {
  const text = at(value, ...path)
  assert.ok(typeof text === 'string', `${path.join('/')} is no string`)
  return text
}

/** Delivers a message into an account's inbox. `prefix`: what delivery writes above it. */
export async function arrive(
  store: Store,
  account: AccountId,
  {
    text = 'Subject: hi\r\n\r\n',
    prefix = '',
    at: internalDate = 1,
  }: { text?: string; prefix?: string; at?: number } = {},
): Promise<void> {
  const staging = ingest({ blobs: store.blobs })
  await staging.write(Buffer.from(text))
  const { message } = await staging.finish()
  assert.ok((await store.deliver({ message, internalDate, targets: [{ account, prefix }] })).ok)
}

/** What is under way without the clock. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await new Promise((resolve) => setImmediate(resolve))
}

export class JmapHouse implements Disposable {
  readonly store: Store
  readonly clock: VirtualClock
  /** Pushes in their order. */
  readonly posts: PushPost[] = []
  readonly events: EventRecord[] = []
  readonly #jmap: ReturnType<typeof createJmap>
  readonly #stopping = new AbortController()

  private constructor(store: Store, options: JmapHouseOptions) {
    this.store = store
    this.clock = options.clock ?? new VirtualClock()
    const events = createEvents([
      { record: (kind, fields) => void this.events.push({ name: kind.name, level: kind.level, fields }) },
    ])
    this.#jmap = createJmap({
      ...{ store, events, clock: this.clock, random: new SeededRandom(7) },
      config: jmapSection.parse(options.config ?? {}),
      authentication: { resolver: new ZoneResolver(options.zone ?? ''), hostname: 'mail.x.test' },
      sight: options.sight ?? {
        find: async ({ isPersonal }) => (isPersonal ? { threadId: 'T1_1', mailboxIds: ['F1_1'] } : undefined),
      },
      modules: options.modules ?? (() => [mailAlone]),
      push: {
        request: async (post) => {
          this.posts.push(post)
          return (await options.push?.(post)) ?? { ok: true, status: 201, retryAfter: null }
        },
        vapid: vapidKeysOf(Buffer.from('0123456789abcdef')),
        subject: 'mailto:postmaster@x.test',
      },
    })
  }

  /** Has the domain `x.test`, and no account. */
  static async open(context: Ending, options: JmapHouseOptions = {}): Promise<JmapHouse> {
    // What the first push loads takes time that no clock of ours knows of.
    await import('../../src/jmap/server/web-push.ts')
    const store = options.store ?? (await testStore(context))
    const house = new JmapHouse(store, options)
    context.after(() => house[Symbol.dispose]())
    await store.addDomain({ name: 'x.test', now: house.clock.now() })
    return house
  }

  [Symbol.dispose](): void {
    this.#stopping.abort()
    this.#jmap[Symbol.dispose]()
  }

  startPushing(): Promise<void> {
    return this.#jmap.startPushing()
  }

  /** Makes `name@x.test`. */
  async account(name: string, quota: Quota = { bytes: null, messages: null }): Promise<Account> {
    const made = await this.store.addAccount({
      ...{ address: `${name}@x.test`, quota, now: this.clock.now() },
      credentials: { argon2id: null, scramSha256: null },
      mailboxes: [{ name: 'Trash', specialUse: 'trash' }],
    })
    assert.ok(made.ok)
    return made.account
  }

  /** As a listener would. `as`: whose request it is; null: nobody's. */
  async fetch(as: Account | null, path: string, init: RequestInit = {}): Promise<Response> {
    const { request, env } = this.#asking(as, path, init)
    return this.#jmap.mount.fetch(request, env)
  }

  async upgrade(as: Account | null, path: string, protocols = 'jmap'): Promise<WebSocketHandler | Response> {
    const { request, env } = this.#asking(as, path, { headers: { 'sec-websocket-protocol': protocols } })
    const { upgrade } = this.#jmap.mount
    assert.ok(upgrade)
    return upgrade.call(this.#jmap.mount, request, env)
  }

  #asking(
    as: Account | null,
    path: string,
    init: RequestInit,
  ): { request: Request; env: HttpEnvironment<Account> } {
    const headers = new Headers(init.headers)
    if (as !== null && !headers.has('authorization')) headers.set('authorization', `Basic ${as.address}`)
    const request = new Request(`https://mail.x.test${path}`, { ...init, headers })
    const env: HttpEnvironment<Account> = {
      ...{ remoteAddress: '192.0.2.1', secure: true, origin: 'https://mail.x.test' },
      stopping: this.#stopping.signal,
      authenticate: (asking) => this.#authenticate(asking),
    }
    return { request, env }
  }

  /** `Basic <address>`, `Session <address> <session>`, or `App <address> <app password>`, by the ids of their objects. */
  async #authenticate({ headers }: Request) {
    const [scheme = '', address = '', id = null] = (headers.get('authorization') ?? '').split(' ')
    const entry = await this.store.findAddress(address)
    if (entry?.type !== 'account')
      return { ok: false as const, response: new Response(null, { status: 401 }) }
    const caller: HttpCaller<Account> = {
      account: entry.account,
      via: scheme === 'Session' ? 'session' : scheme === 'App' ? 'app-password' : 'password',
      scopes: new Set(['mail', 'send', 'settings']),
      sessionId: scheme === 'Session' ? id : null,
      appPasswordId: scheme === 'App' ? Number(id) : null,
    }
    return { ok: true as const, caller }
  }

  async session(as: Account): Promise<JsonObject> {
    const response = await this.fetch(as, '/jmap/session')
    assert.equal(response.status, 200)
    // What is told is JSON.
    return (await response.json()) as JsonObject
  }

  /** A whole request, and what came of it. */
  async request(
    as: Account,
    request: object,
    init: RequestInit = {},
  ): Promise<{ status: number; body: JsonObject }> {
    const response = await this.fetch(as, '/jmap/api', {
      method: 'POST',
      body: JSON.stringify(request),
      ...init,
      headers: { 'content-type': 'application/json', ...init.headers },
    })
    return { status: response.status, body: (await response.json()) as JsonObject }
  }

  /** Method calls that are no error as requests. */
  async calls(as: Account, methodCalls: readonly Call[], using = standardUsing): Promise<readonly Answer[]> {
    const { status, body } = await this.request(as, { using, methodCalls })
    assert.equal(status, 200, JSON.stringify(body))
    return body['methodResponses'] as unknown as readonly Answer[]
  }

  /** The arguments of the response to one call. */
  async call(as: Account, name: string, args: object, using = standardUsing): Promise<JsonObject> {
    const [answer] = await this.calls(as, [[name, args, '0']], using)
    assert.ok(answer)
    assert.equal(answer[0], name, JSON.stringify(answer))
    return answer[1]
  }

  /** The type of the error that a call ends with. */
  async refusal(as: Account, name: string, args: object, using = standardUsing): Promise<unknown> {
    const [answer] = await this.calls(as, [[name, args, '0']], using)
    assert.equal(answer?.[0], 'error', JSON.stringify(answer))
    return answer[1]['type']
  }

  /** The blobId of an upload. */
  async upload(as: Account, octets: string | Uint8Array, type = 'text/plain'): Promise<string> {
    const response = await this.fetch(as, `/jmap/upload/A${as.id}`, {
      method: 'POST',
      body: typeof octets === 'string' ? octets : Buffer.from(octets),
      headers: { 'content-type': type },
    })
    assert.equal(response.status, 201)
    const { blobId } = (await response.json()) as { blobId: string }
    return blobId
  }
}
