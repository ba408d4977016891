// A queue for one test: virtual time, a store in memory, and a transport that does what a script says for each recipient.
import type { TestContext } from 'node:test'
import { SeededRandom } from '../../src/base/seeded-random.ts'
import { VirtualClock } from '../../src/base/virtual-clock.ts'
import { type QueueConfig, queueSection } from '../../src/config/sections/queue.ts'
import { createEvents, EventMemory } from '../../src/events/event.ts'
import { plainMessageOptions, plainRecipientOptions } from '../../src/mail/delivery-options.ts'
import { Express } from '../../src/queue/express.ts'
import { FairTurns } from '../../src/queue/fairness.ts'
import { createQueue, type Queue } from '../../src/queue/queue.ts'
import type { Destination, Job, RecipientResult, Transport } from '../../src/queue/transport.ts'
import { ingest } from '../../src/store/ingest.ts'
import type {
  Attempt,
  NewQueueMessage,
  NewQueueRecipient,
  QueueEntry,
  QueueId,
  QueueRecipient,
} from '../../src/store/queue.ts'
import type { Store } from '../../src/store/store.ts'
import { StoreTrouble } from './store-trouble.ts'
import { testStore } from './store.ts'

export const attempt = (change: Partial<Attempt> & Pick<Attempt, 'outcome'>): Attempt => ({
  at: 0,
  ...{ host: 'mx.far.example', address: '192.0.2.1', tls: null, verification: null, policy: null },
  ...{ stage: 'rcpt', reply: '250 ok', status: '2.0.0' },
  ...change,
})

export const relayed: RecipientResult = {
  type: 'done',
  outcome: 'relayed',
  attempt: attempt({ outcome: 'relayed' }),
}
export const deferred = (
  scope: 'recipient' | 'message' | 'destination',
  reply = '451 4.7.1 later',
): RecipientResult => ({
  type: 'deferred',
  scope,
  attempt: attempt({ outcome: 'deferred', reply, status: '4.7.1' }),
})
export const failed = (reply = '550 5.1.1 no such user'): RecipientResult => ({
  type: 'failed',
  attempt: attempt({ outcome: 'failed', reply, status: '5.1.1' }),
})
export const unknownOutcome: RecipientResult = {
  type: 'unknown',
  attempt: attempt({ outcome: 'unknown', reply: 'the connection broke', status: '4.4.2', stage: 'reply' }),
}

/** What becomes of a job's recipients; may take time, may throw. */
export type Script = (job: Job, destination: Destination) => Promise<RecipientResult[]> | RecipientResult[]

export class ScriptedTransport implements Transport {
  script: Script
  destination: (recipient: QueueRecipient) => Partial<Destination> = () => ({})
  /** Every job in order. */
  readonly jobs: { at: number; destination: string; message: string; recipients: string[]; job: Job }[] = []
  lanes = 0
  mostLanes = 0
  opened = 0
  readonly #clock: VirtualClock

  constructor(clock: VirtualClock, script: Script) {
    this.#clock = clock
    this.script = script
  }

  destinationOf(recipient: QueueRecipient): Destination {
    const key = `mx ${recipient.domain}`
    return { key, route: 'mx', maxConnections: 10, maxRecipients: 50, ...this.destination(recipient) }
  }

  async run({ destination, jobs, signal }: Parameters<Transport['run']>[0]): Promise<void> {
    this.lanes++
    this.opened++
    this.mostLanes = Math.max(this.mostLanes, this.lanes)
    try {
      for (let job = await jobs.next(); job !== null && !signal.aborted; job = await jobs.next()) {
        const recipients = job.recipients.map(({ address }) => address)
        const at = this.#clock.now()
        this.jobs.push({ at, destination: destination.key, message: job.message.name, recipients, job })
        jobs.report(job, await this.script(job, destination))
      }
    } finally {
      this.lanes--
    }
  }

  /** When that recipient was tried, in milliseconds from `since`. */
  triesOf(address: string, since: number): number[] {
    return this.jobs.filter(({ recipients }) => recipients.includes(address)).map(({ at }) => at - since)
  }
}

export class QueueHouse {
  readonly clock: VirtualClock
  readonly events = new EventMemory()
  readonly turns = new FairTurns()
  readonly express = new Express()
  readonly store: Store
  readonly transport: ScriptedTransport
  readonly config: QueueConfig
  readonly start: number
  readonly delayed: QueueRecipient[] = []
  reportsDue = 0
  /** What `send` learns of a commit. */
  afterStoring: 'known' | 'nobody-knows' = 'known'
  queue: Queue
  #names = 0
  #holders = 0

  constructor(store: Store, clock: VirtualClock, config: QueueConfig) {
    this.store = store
    this.clock = clock
    this.config = config
    this.start = clock.now()
    this.transport = new ScriptedTransport(clock, (job) => job.recipients.map(() => relayed))
    this.queue = this.open()
  }

  /** Another queue over the same store, as after a crash. */
  open(): Queue {
    return createQueue({
      store: this.store,
      transport: this.transport,
      turns: this.turns,
      express: this.express,
      clock: this.clock,
      random: new SeededRandom(this.#holders),
      events: createEvents([this.events]),
      config: this.config,
      holder: `holder ${this.#holders++}`,
      company: 'alone',
      reports: {
        due: () => void this.reportsDue++,
        delayed: (rows) => {
          this.delayed.push(...rows)
          return this.store.dropReports({ rows, now: this.clock.now() })
        },
      },
    })
  }

  /** Queues a message for these addresses. */
  async send(
    addresses: readonly string[],
    change: Partial<NewQueueMessage> & { row?: Partial<NewQueueRecipient>; text?: string } = {},
  ): Promise<QueueId> {
    const { row, text, ...message } = change
    const now = this.clock.now()
    const intake = ingest({ blobs: this.store.blobs })
    await intake.write(
      Buffer.from(
        text ?? 'From: ann@house.example\r\nSubject: x\r\nMessage-ID: <m@house.example>\r\n\r\nhello\r\n',
      ),
    )
    const staged = await intake.finish()
    const sender = message.sender ?? 'ann'
    const priority = message.options?.priority ?? 0
    const enqueue: NewQueueMessage = {
      name: `m${++this.#names}`,
      ...{ origin: 'submission', account: null, sender, reversePath: 'ann@house.example', prefix: '' },
      ...{ messageId: 'm@house.example', options: plainMessageOptions, arrivedAt: now },
      expiresAt: now + 5 * 24 * 3_600_000,
      delayReportAt: now + 4 * 3_600_000,
      recipients: addresses.map((address) => {
        const domain = address.slice(address.lastIndexOf('@') + 1)
        return {
          ...{ address, domain, reversePath: null, options: plainRecipientOptions, nextAttempt: now },
          turn: this.turns.next({ domain, priority, sender, now }),
          state: { type: 'waiting' } as const,
          ...row,
        }
      }),
      ...message,
    }
    const ticket = this.express.reserve(enqueue, staged.message)
    const stored = await this.store.deliver({
      message: staged.message,
      internalDate: now,
      targets: [],
      enqueue: ticket?.message ?? enqueue,
    })
    if (!stored.ok || stored.queued === null) throw new Error('not queued')
    if (this.afterStoring === 'nobody-knows') {
      ticket?.missed('unknown')
      throw new Error('the outcome is unknown')
    }
    if (stored.blob !== undefined) ticket?.stored(stored.queued, stored.blob)
    return stored.queued
  }

  async entry(id: QueueId): Promise<QueueEntry & { attempts: readonly { attempt: Attempt }[] }> {
    const found = await this.store.queueEntry(id)
    if (found === undefined) throw new Error('no such message')
    return found
  }

  /** The only recipient, or the one of that number. */
  async row(id: QueueId, number = 0): Promise<QueueRecipient> {
    const row = (await this.entry(id)).recipients.find((recipient) => recipient.number === number)
    if (row === undefined) throw new Error('no such recipient')
    return row
  }
}

/** Opens a house; the queue is stopped at the end of the test, time running on as it needs. */
export async function queueHouse(context: TestContext, config: object = {}): Promise<QueueHouse> {
  const trouble = new StoreTrouble()
  const store = trouble.around(await testStore(context))
  const clock = new VirtualClock({
    settle: async () => {
      await nextTurns()
      await trouble.settled()
    },
  })
  const house = new QueueHouse(store, clock, queueSection.parse(config))
  context.after(async () => {
    const stopped = house.queue.stop()
    await clock.advance('2m')
    await stopped
  })
  return house
}

/** For what doesn't go to the store. */
async function nextTurns(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve))
}
