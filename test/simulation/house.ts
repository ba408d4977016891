// A Posthorn of the simulated Internet, whole: the program's own composition over a store in memory. It can be killed and started
// again on what its store holds, as a process that dies does.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import type { Clock } from '../../src/base/clock.ts'
import type { SeededRandom } from '../../src/base/seeded-random.ts'
import type { VirtualClock } from '../../src/base/virtual-clock.ts'
import { resolveConfig } from '../../src/config/layers.ts'
import { createEvents, EventMemory } from '../../src/events/event.ts'
import { tryAddress } from '../../src/mail/address.ts'
import { type Posthorn, startPosthorn } from '../../src/main.ts'
import type { Network } from '../../src/net/network.ts'
import type { ZoneResolver } from '../../src/net/zone-resolver.ts'
import type { ShownMessage } from '../../src/queue/admin.ts'
import type { Store } from '../../src/store/store.ts'
import { openStore } from '../../src/wiring/storage.ts'
import type { StoreCalls } from './store-calls.ts'
import { mortalClock, mortalNetwork, mortalStore } from './mortal.ts'

export interface HouseOptions {
  readonly domain: string
  readonly address: string
  readonly clock: VirtualClock
  readonly resolver: ZoneResolver
  readonly calls: StoreCalls
  readonly network: Network
  readonly random: SeededRandom
}

/** A message in a mailbox, as text. */
export interface Filed {
  readonly account: string
  readonly text: string
}

export class House {
  readonly domain: string
  readonly events = new EventMemory()
  readonly #options: HouseOptions
  #store: Store | null = null
  #posthorn: Posthorn | null = null
  #life = new AbortController()

  constructor(options: HouseOptions) {
    this.domain = options.domain
    this.#options = options
  }

  async start(): Promise<void> {
    const { domain, address, clock, resolver, network, random } = this.#options
    const config = resolveConfig([
      {
        name: 'simulation',
        settings: {
          profile: 'test',
          hostname: `mx.${domain}`,
          auth: { argon2Memory: 8, argon2Passes: 1, scramIterations: 4096 },
          smtp: { greetDelay: '0s' },
          relay: { enabled: true },
          listeners: [{ service: 'smtp', address, port: 25, tls: 'none' }],
        },
      },
    ])
    this.#store ??= await openStore(config, { clock, random: random.fork('store'), events: createEvents([]) })
    this.#life = new AbortController()
    const life = this.#life.signal
    this.#posthorn = await startPosthorn(config, {
      clock: mortalClock(clock, life) satisfies Clock,
      random: random.fork('program'),
      network: mortalNetwork(network, life),
      resolver,
      store: mortalStore(this.#store, life, this.#options.calls),
      sinks: [this.events],
    })
  }

  /** Makes accounts. */
  async settle(people: readonly string[]): Promise<void> {
    await this.operate('domain.add', { name: this.domain })
    for (const person of people) {
      await this.operate('account.add', { address: `${person}@${this.domain}`, password: 'secret' })
    }
  }

  operate(name: string, parameters: unknown): Promise<unknown> {
    return this.#running().backend.operations.run(name, parameters)
  }

  /** Dies between two instructions: timers, connections and store calls of this life end; what was committed stays. */
  kill(): void {
    this.#life.abort()
    this.#posthorn = null
  }

  /** Hands in a message; the recipients that were taken. */
  async submit(message: { from: string; to: readonly string[]; text: string }): Promise<readonly string[]> {
    const result = await this.#running().backend.wayIn.submitter.submit({
      reversePath: message.from === '' ? null : addressOf(message.from),
      recipients: message.to.map((to) => ({ address: addressOf(to) })),
      content: [Buffer.from(message.text, 'latin1')],
      origin: 'local',
      account: null,
      came: { protocol: 'local', remoteAddress: null },
    })
    if (!result.ok) return []
    return result.recipients.filter(({ status }) => status !== 'refused').map(({ address }) => address)
  }

  /** Every message in every INBOX. */
  async filed(): Promise<Filed[]> {
    const store = this.#storeOf()
    const filed: Filed[] = []
    for (const { id, address } of await store.listAccounts()) {
      const inbox = await store.findMailbox({ account: id, name: 'INBOX' })
      if (inbox === undefined) continue
      const all = store.messageTexts({ account: id, mailbox: inbox.id, uids: [[1, 2 ** 32 - 1]] })
      for await (const batch of all) {
        for (const { blob, prefix } of batch) {
          const pieces: Uint8Array[] = []
          for await (const piece of store.blobs.read(blob)) pieces.push(piece)
          filed.push({ account: address, text: prefix + Buffer.concat(pieces).toString('latin1') })
        }
      }
    }
    return filed
  }

  /** What is still in the queue. */
  async queued(): Promise<ShownMessage[]> {
    return (await this.operate('queue.list', {})) as ShownMessage[]
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
