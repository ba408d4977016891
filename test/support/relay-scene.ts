// A relay in a simulated Internet, for tests: zone, network, clock, and mail for it.
import { Buffer } from 'node:buffer'
import { SeededRandom } from '../../src/base/seeded-random.ts'
import { VirtualClock } from '../../src/base/virtual-clock.ts'
import { relaySection } from '../../src/config/sections/relay.ts'
import type { z } from 'zod'
import { createRelay, type Relay } from '../../src/delivery/relay.ts'
import type { HttpsRequest } from '../../src/delivery/https-request.ts'
import { createEvents, EventMemory } from '../../src/events/event.ts'
import { plainMessageOptions, plainRecipientOptions } from '../../src/mail/delivery-options.ts'
import { encodeStructure } from '../../src/mail/mime/codec.ts'
import { defaultMimeLimits } from '../../src/mail/mime/limits.ts'
import { MimeWalker } from '../../src/mail/mime/walker.ts'
import {
  MemoryNetwork,
  type MemoryHostConditions,
  type MemoryNetworkOptions,
} from '../../src/net/memory-network.ts'
import { ZoneResolver } from '../../src/net/zone-resolver.ts'
import type { Job, RecipientResult } from '../../src/queue/transport.ts'
import type { BlobId } from '../../src/store/model.ts'
import type { BlobStore } from '../../src/store/store.ts'
import type { QueueId, QueueMessage, QueueRecipient } from '../../src/store/queue.ts'
import { type PeerScript, RelayPeer } from './relay-peer.ts'

export const ourAddress = '198.51.100.1'

export interface SceneOptions {
  readonly zone?: string
  readonly config?: z.input<typeof relaySection>
  readonly https?: HttpsRequest
  readonly files?: Readonly<Record<string, string>>
  readonly network?: Partial<MemoryNetworkOptions>
  readonly seed?: number
}

export interface MailOptions {
  readonly message?: Partial<QueueMessage>
  readonly to?: readonly string[]
  readonly recipient?: Partial<QueueRecipient>
  readonly content?: string
}

export const plainContent = 'From: a@sender.example\r\nSubject: hello\r\n\r\nHello.\r\n'

/** Makes a scene. `files` stands for the files that the configuration names. */
export class RelayScene {
  readonly clock: VirtualClock
  readonly network: MemoryNetwork
  readonly resolver: ZoneResolver
  readonly events = new EventMemory()
  readonly relay: Relay
  readonly remembered = new Map<string, string>()
  readonly blobs: Pick<BlobStore, 'read' | 'readSmall'>
  readonly #blobs = new Map<number, Buffer>()
  #next = 1

  constructor({ zone = '', config = {}, https, files = {}, network = {}, seed = 7 }: SceneOptions = {}) {
    const clock = new VirtualClock()
    const random = new SeededRandom(seed)
    this.clock = clock
    this.network = new MemoryNetwork({ clock, random, ...network })
    this.resolver = new ZoneResolver(zone)
    const remembered = this.remembered
    const bytesOf = (blob: BlobId) => this.#blobs.get(blob) ?? Buffer.alloc(0)
    this.blobs = {
      readSmall: (blob) => {
        const bytes = bytesOf(blob)
        return Promise.resolve(bytes.length <= 65_536 ? bytes : undefined)
      },
      async *read(blob) {
        const bytes = bytesOf(blob)
        for (let at = 0; at < bytes.length; at += 16_384) yield bytes.subarray(at, at + 16_384)
      },
    }
    this.relay = createRelay({
      config: relaySection.parse({ enabled: true, ...config }),
      hostname: 'relay.example.org',
      resolver: this.resolver,
      dialer: this.network,
      clock,
      random,
      events: createEvents([this.events]),
      ownAddresses: () => [ourAddress],
      httpsRequest: https ?? (() => Promise.resolve({ ok: false, problem: 'no web here' })),
      readFile: (path) => {
        const text = files[path]
        return text === undefined ? Promise.reject(new Error(`no file ${path}`)) : Promise.resolve(text)
      },
      store: {
        remember: ({ kind, key, value }) => Promise.resolve(void remembered.set(`${kind} ${key}`, value)),
        recall: ({ kind, key }) => Promise.resolve(remembered.get(`${kind} ${key}`)),
        blobs: this.blobs,
      },
    })
  }

  /** A mail host on these addresses. */
  peer(
    addresses: string | readonly string[],
    script: PeerScript & { readonly conditions?: MemoryHostConditions; readonly port?: number } = {},
  ): RelayPeer {
    const host = this.network.host(typeof addresses === 'string' ? [addresses] : addresses, script.conditions)
    const peer = new RelayPeer(script)
    void peer.listen(host, script.port)
    return peer
  }

  job({ message, to = ['bob@example.net'], recipient, content = plainContent }: MailOptions = {}): Job {
    const id = this.#next++
    const bytes = Buffer.from(content, 'utf8')
    this.#blobs.set(id, bytes)
    const walker = new MimeWalker(defaultMimeLimits)
    walker.push(bytes)
    // Ids are the store's; here they are counted by the test.
    const queued: QueueMessage = {
      id: id as QueueId,
      blob: id as BlobId,
      size: bytes.length,
      structure: encodeStructure(walker.finish()),
      name: `m${id}`,
      origin: 'submission',
      account: null,
      sender: 'sender.example',
      reversePath: 'a@sender.example',
      prefix: 'Received: from here\r\n',
      messageId: null,
      options: plainMessageOptions,
      arrivedAt: 0,
      expiresAt: 0,
      delayReportAt: null,
      ...message,
    }
    const recipients = to.map((address, number): QueueRecipient => ({
      message: queued.id,
      number,
      address,
      domain: address.slice(address.lastIndexOf('@') + 1).toLowerCase(),
      reversePath: null,
      options: plainRecipientOptions,
      state: 'active',
      outcome: null,
      nextAttempt: 0,
      turn: 0,
      attempts: 0,
      faults: 0,
      route: null,
      reason: '',
      last: null,
      report: null,
      delayReported: false,
      suspected: false,
      ...recipient,
    }))
    return { message: queued, recipients }
  }

  /** Runs a lane over these jobs, moving time until it ends; results by job. */
  async run(jobs: readonly Job[]): Promise<RecipientResult[][]> {
    const results = new Map<Job, readonly RecipientResult[]>()
    const waiting = [...jobs]
    const first = jobs[0]
    const [recipient] = first?.recipients ?? []
    if (first === undefined || recipient === undefined) return []
    const lane = this.relay.transport.run({
      destination: this.relay.transport.destinationOf(recipient, first.message),
      jobs: {
        next: () => Promise.resolve(waiting.shift() ?? null),
        report: (job, given) => {
          if (results.has(job)) throw new Error('reported twice')
          results.set(job, given)
        },
      },
      signal: new AbortController().signal,
    })
    await this.settle(lane)
    return jobs.map((job) => [...(results.get(job) ?? [])])
  }

  /** One message to one or more recipients. */
  async send(mail: MailOptions = {}): Promise<RecipientResult[]> {
    const [results = []] = await this.run([this.job(mail)])
    return results
  }

  /** Moves time on until the promise settles. */
  async settle<T>(promise: Promise<T>): Promise<T> {
    let settled = false
    const mark = () => (settled = true)
    promise.then(mark, mark)
    for (let rounds = 0; rounds < 1000; rounds++) {
      // Long messages take many promise jobs; time must not run away meanwhile.
      for (let rest = 0; rest < 100 && !settled; rest++) await this.clock.advance(0)
      if (settled) break
      await this.clock.advanceToNext()
    }
    return promise
  }
}

/** A result in a line: `done relayed 2.0.0`, `deferred destination connect 4.4.1 …`. */
export function told(result: RecipientResult | undefined): string {
  if (result === undefined) return 'nothing'
  if (result.type === 'untried') return 'untried'
  if (result.type === 'held') return `held ${result.reason}`
  const { stage, status, policy, verification, host } = result.attempt
  const what =
    result.type === 'done'
      ? `done ${result.outcome}`
      : result.type === 'deferred'
        ? `deferred ${result.scope}`
        : result.type
  return `${what} ${stage} ${status} ${host ?? '-'} ${policy ?? '-'} ${verification ?? '-'}`
}
