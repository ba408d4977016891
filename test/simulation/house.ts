// A Posthorn of the simulated Internet, whole: the program's own composition over a store in memory. It can be killed and started
// again on what its store holds, as a process that dies does.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import type { SeededRandom } from '../../src/base/seeded-random.ts'
import type { VirtualClock } from '../../src/base/virtual-clock.ts'
import { resolveConfig } from '../../src/config/layers.ts'
import type { HttpsRequest } from '../../src/delivery/https-request.ts'
import { createEvents, EventMemory, type EventSink } from '../../src/events/event.ts'
import { tryAddress } from '../../src/mail/address.ts'
import {
  type MessageOptions,
  plainMessageOptions,
  plainRecipientOptions,
  type RecipientOptions,
} from '../../src/mail/delivery-options.ts'
import { type Posthorn, startPosthorn } from '../../src/main.ts'
import type { Network } from '../../src/net/network.ts'
import type { ZoneResolver } from '../../src/net/zone-resolver.ts'
import type { AccountId } from '../../src/store/model.ts'
import type { Attempt, QueueEntry, QueueId } from '../../src/store/queue.ts'
import type { Store } from '../../src/store/store.ts'
import { openStore } from '../../src/wiring/storage.ts'
import type { StoreCalls } from './store-calls.ts'
import { Life, mortalClock, mortalNetwork, mortalStore } from './mortal.ts'

/** What a house has of its own in its configuration. */
export interface HouseSettings {
  readonly expireAfter?: string
  /** Sections of the configuration that take the place of the usual ones. */
  readonly sections?: Readonly<Record<string, unknown>>
}

export interface HouseOptions {
  readonly domain: string
  readonly address: string
  readonly settings: HouseSettings
  readonly clock: VirtualClock
  readonly resolver: ZoneResolver
  readonly calls: StoreCalls
  readonly network: Network
  readonly random: SeededRandom
  readonly httpsRequest: HttpsRequest
  /** Told the name of each event. */
  readonly tell: (name: string) => void
}

/** A message in a mailbox, as text. */
export interface Filed {
  readonly account: string
  readonly text: string
}

/** A message that came into a queue, with every attempt for each recipient. */
export type Queued = QueueEntry & { readonly attempts: readonly { number: number; attempt: Attempt }[] }

export interface Submission {
  readonly from: string
  readonly to: readonly string[]
  readonly text: string
  readonly options?: Partial<MessageOptions>
  readonly recipientOptions?: Partial<RecipientOptions>
}

export class House {
  readonly domain: string
  readonly events = new EventMemory()
  /** When it was dead. */
  readonly deaths: { readonly from: number; to: number }[] = []
  readonly #options: HouseOptions
  readonly #accounts = new Map<string, AccountId>()
  #store: Store | null = null
  #posthorn: Posthorn | null = null
  #life = new Life()

  constructor(options: HouseOptions) {
    this.domain = options.domain
    this.#options = options
  }

  get isAlive(): boolean {
    return this.#posthorn !== null
  }

  async start(): Promise<void> {
    const { domain, address, clock, resolver, network, random, calls, httpsRequest, tell } = this.#options
    const config = resolveConfig([
      {
        name: 'simulation',
        settings: {
          profile: 'test',
          hostname: `mx.${domain}`,
          auth: { argon2Memory: 8, argon2Passes: 1, scramIterations: 4096 },
          smtp: { greetDelay: '0s' },
          relay: { enabled: true },
          // Nothing comes from other processes: looking for it would be most of what happens in a week.
          queue: {
            ...{ poll: '6h', sweep: '1h', lease: '6h', keepHistory: '30d' },
            retry: { expireAfter: this.#options.settings.expireAfter ?? '5d' },
          },
          store: { collectEvery: '1d' },
          listeners: [{ service: 'smtp', address, port: 25, tls: 'none' }],
          ...this.#options.settings.sections,
        },
      },
    ])
    this.#store ??= await openStore(config, { clock, random: random.fork('store'), events: createEvents([]) })
    const life = new Life()
    this.#life = life
    const death = this.deaths.at(-1)
    if (death !== undefined) death.to = clock.now()
    life.onEnd(() => {
      this.#posthorn = null
      this.deaths.push({ from: clock.now(), to: Number.POSITIVE_INFINITY })
    })
    const telling: EventSink = {
      record: ({ name }) => {
        if (!life.isOver) tell(name)
      },
    }
    const posthorn = await Promise.race([
      life.over,
      startPosthorn(config, {
        clock: mortalClock(clock, life),
        random: random.fork('program'),
        network: mortalNetwork(network, life),
        resolver,
        store: mortalStore(this.#store, life, calls),
        sinks: [this.events, telling],
        httpsRequest,
        ownAddresses: () => [address],
      }),
    ])
    if (posthorn !== undefined && !life.isOver) this.#posthorn = posthorn
  }

  /** Makes accounts. */
  async settle(people: readonly string[]): Promise<void> {
    await this.operate('domain.add', { name: this.domain })
    for (const person of people) {
      await this.operate('account.add', { address: `${person}@${this.domain}`, password: 'secret' })
    }
    for (const { id, address } of await this.#storeOf().listAccounts()) this.#accounts.set(address, id)
  }

  operate(name: string, parameters: unknown): Promise<unknown> {
    return this.#running().backend.operations.run(name, parameters)
  }

  /** Dies between two instructions: timers, connections and store calls of this life end; what was committed stays. */
  kill(): void {
    this.#life.end()
  }

  /** Dies at that call of its store, counted from now: before it is made, or when it is done and before anyone hears of it. */
  killAtCall(count: number, when: 'before' | 'after'): void {
    this.#life.endAtCall(count, when)
  }

  /** Hands in a message; the recipients that were taken. Nobody, where the house is dead, or dies of it. */
  async submit(message: Submission): Promise<readonly string[]> {
    if (!this.isAlive) return []
    const result = await Promise.race([
      this.#life.over,
      this.#running().backend.wayIn.submitter.submit({
        reversePath: message.from === '' ? null : addressOf(message.from),
        recipients: message.to.map((to) => ({
          address: addressOf(to),
          options: { ...plainRecipientOptions, ...message.recipientOptions },
        })),
        content: [Buffer.from(message.text, 'latin1')],
        options: { ...plainMessageOptions, ...message.options },
        origin: 'local',
        account: this.#accounts.get(message.from) ?? null,
        came: { protocol: 'local', remoteAddress: null },
      }),
    ])
    if (!result?.ok) return []
    return result.recipients.filter(({ status }) => status !== 'refused').map(({ address }) => address)
  }

  /** Every message in every mailbox. */
  async filed(): Promise<Filed[]> {
    const store = this.#storeOf()
    const filed: Filed[] = []
    for (const { id, address } of await store.listAccounts()) {
      for (const { id: mailbox } of await store.listMailboxes(id)) {
        const all = store.messageTexts({ account: id, mailbox, uids: [[1, 2 ** 32 - 1]] })
        for await (const batch of all) {
          for (const { blob, prefix } of batch) {
            const pieces: Uint8Array[] = []
            for await (const piece of store.blobs.read(blob)) pieces.push(piece)
            filed.push({ account: address, text: prefix + Buffer.concat(pieces).toString('latin1') })
          }
        }
      }
    }
    return filed
  }

  /** All that ever was in the queue. */
  async queued(): Promise<Queued[]> {
    const store = this.#storeOf()
    const found: Queued[] = []
    let after: QueueId | undefined
    for (;;) {
      const page = await store.queueList({
        filter: {},
        limit: 500,
        finished: 'with',
        ...(after !== undefined && { after }),
      })
      for (const { message } of page) {
        const entry = await store.queueEntry(message.id)
        if (entry !== undefined) found.push(entry)
      }
      after = page.at(-1)?.message.id
      if (page.length < 500 || after === undefined) return found
    }
  }

  /** Messages on their way, or reports to make. */
  async isBusy(): Promise<boolean> {
    const { waiting, active, reports } = await this.#storeOf().queueTotals()
    return waiting + active + reports > 0
  }

  async isSuppressed(address: string): Promise<boolean> {
    const all = await this.#storeOf().listSuppressions({ limit: 1000 })
    return all.some((entry) => entry.address.includes(address))
  }

  async audit(): Promise<void> {
    assert.deepEqual(await this.#storeOf().audit(), [])
  }

  async stop(): Promise<void> {
    await this.#posthorn?.stop()
    this.#posthorn = null
    await this.#store?.close()
  }

  #running(): Posthorn {
    if (this.#posthorn === null) throw new Error(`${this.domain} is not running`)
    return this.#posthorn
  }

  #storeOf(): Store {
    if (this.#store === null) throw new Error(`${this.domain} has no store`)
    return this.#store
  }
}

function addressOf(text: string) {
  const address = tryAddress(text, { utf8: true })
  if (address === undefined) throw new Error(`no address: ${text}`)
  return address
}
