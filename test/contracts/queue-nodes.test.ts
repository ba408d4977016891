// Two nodes on one PostgreSQL, each with a queue of its own: they share the work, and when one dies in the middle of it the other
// waits for its leases to run out and does what it had begun. Nothing is lost, and nothing is taken twice from a node that lives.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { RealRandom } from '../../src/base/real-random.ts'
import { queueSection } from '../../src/config/sections/queue.ts'
import { createEvents, EventMemory } from '../../src/events/event.ts'
import { plainMessageOptions, plainRecipientOptions } from '../../src/mail/delivery-options.ts'
import { RealClock } from '../../src/net/real-clock.ts'
import { FairTurns } from '../../src/queue/fairness.ts'
import { createQueue, type Queue } from '../../src/queue/queue.ts'
import type { Transport } from '../../src/queue/transport.ts'
import { ingest } from '../../src/store/ingest.ts'
import { openPostgresStore } from '../../src/store/postgres/index.ts'
import type { Store } from '../../src/store/store.ts'
import { sharedPostgres, type TestDatabase } from '../support/postgres.ts'
import { relayed } from '../support/queue-house.ts'

const shared = await sharedPostgres()
const options = shared.available ? {} : { skip: shared.reason }

/** Leases of a second, looked for every 50 ms. */
const config = queueSection.parse({
  lease: '900ms',
  poll: '50ms',
  stopWithin: '1s',
  retry: { interruptedAfter: '100ms' },
  lanes: { initial: 4 },
})

/** The far side: what it took, from whom. */
interface World {
  readonly taken: { address: string; node: string }[]
  /** Settles what is waited for below. */
  changed: () => void
}

interface Node {
  readonly name: string
  readonly store: Store
  readonly queue: Queue
  /** From now on it does nothing any more: no attempt ends, no lease is renewed, as if its process had been killed. */
  kill(): void
  readonly events: EventMemory
}

async function node(
  context: TestContext,
  parts: { connection: TestDatabase; world: World; name: string },
): Promise<Node> {
  const { connection, world, name } = parts
  const clock = new RealClock()
  const random = new RealRandom()
  const store = await openPostgresStore({ connection, clock, random, onError: () => undefined })
  const events = new EventMemory()
  const life = { dead: false }
  const never = new Promise<never>(() => undefined)
  const alive = <T>(work: () => Promise<T>): Promise<T> =>
    life.dead ? never : work().then((done) => (life.dead ? never : done))
  const mortal: Store = Object.create(store, {
    claimDue: { value: (request: Parameters<Store['claimDue']>[0]) => alive(() => store.claimDue(request)) },
    settle: { value: (request: Parameters<Store['settle']>[0]) => alive(() => store.settle(request)) },
    renewLeases: {
      value: (request: Parameters<Store['renewLeases']>[0]) => alive(() => store.renewLeases(request)),
    },
    recoverLeases: {
      value: (request: Parameters<Store['recoverLeases']>[0]) => alive(() => store.recoverLeases(request)),
    },
  })
  const transport: Transport = {
    destinationOf: ({ domain }) => ({ key: domain, route: 'mx', maxConnections: 4, maxRecipients: 1 }),
    async run({ jobs }) {
      for (let job = await jobs.next(); job !== null; job = await jobs.next()) {
        if (life.dead) await never
        await clock.sleep(2)
        for (const { address } of job.recipients) world.taken.push({ address, node: name })
        world.changed()
        if (life.dead) await never
        jobs.report(
          job,
          job.recipients.map(() => relayed),
        )
      }
    },
  }
  const queue = createQueue({
    ...{ store: mortal, transport, clock, random, config, holder: random.id(), company: 'shared' },
    turns: new FairTurns(),
    events: createEvents([events]),
    reports: { due: () => undefined, delayed: () => Promise.resolve() },
  })
  context.after(async () => {
    if (!life.dead) await queue.stop()
    await store.close()
  })
  return { name, store, queue, events, kill: () => void (life.dead = true) }
}

async function send(
  store: Store,
  { messages, domains }: { messages: number; domains: number },
): Promise<void> {
  const now = Date.now()
  for (let at = 0; at < messages; at++) {
    const intake = ingest({ blobs: store.blobs })
    await intake.write(Buffer.from(`Subject: ${at}\r\n\r\nhello\r\n`))
    const { message } = await intake.finish()
    const domain = `d${at % domains}.example`
    const stored = await store.deliver({
      ...{ message, internalDate: now, targets: [] },
      enqueue: {
        ...{
          name: `m${at}`,
          origin: 'submission',
          account: null,
          sender: 'ann',
          reversePath: 'ann@house.example',
        },
        ...{ prefix: '', messageId: null, options: plainMessageOptions, arrivedAt: now },
        ...{ expiresAt: now + 3_600_000, delayReportAt: null },
        recipients: [
          {
            ...{ address: `b${at}@${domain}`, domain, reversePath: null, options: plainRecipientOptions },
            ...{ nextAttempt: now, turn: now, state: { type: 'waiting' } },
          },
        ],
      },
    })
    assert.ok(stored.ok)
  }
}

async function until(world: World, condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) {
    const { promise, resolve } = Promise.withResolvers<void>()
    world.changed = resolve
    await Promise.race([promise, new Promise((look) => setImmediate(look))])
  }
}

async function unfinished({ store }: Node): Promise<number> {
  return (await store.queueList({ filter: {}, limit: 1000, finished: 'without' })).length
}

const messages = 60

test('two nodes share a queue, and each message is taken once', options, async (context) => {
  assert.ok(shared.available)
  const connection = await shared.cluster.createDatabase()
  const world: World = { taken: [], changed: () => undefined }
  const one = await node(context, { connection, world, name: 'one' })
  const two = await node(context, { connection, world, name: 'two' })
  await one.queue.start()
  await two.queue.start()
  await send(one.store, { messages, domains: 6 })
  await until(world, async () => (await unfinished(two)) === 0)
  assert.equal(new Set(world.taken.map(({ address }) => address)).size, messages)
  assert.equal(world.taken.length, messages)
})

test('a node dies in mid-work: its leases run out, and the other does the rest', options, async (context) => {
  assert.ok(shared.available)
  const connection = await shared.cluster.createDatabase()
  const world: World = { taken: [], changed: () => undefined }
  const one = await node(context, { connection, world, name: 'one' })
  await send(one.store, { messages, domains: 6 })
  await one.queue.start()
  await until(world, () => world.taken.length >= 10)
  one.kill()
  const two = await node(context, { connection, world, name: 'two' })
  const held = await two.store.queueList({ filter: { state: 'active' }, limit: 1000, finished: 'without' })
  assert.ok(held.length > 0, 'the dead node holds leases')
  await two.queue.start()
  await until(world, async () => (await unfinished(two)) === 0)
  assert.equal(new Set(world.taken.map(({ address }) => address)).size, messages)
  const twice = world.taken.length - messages
  assert.ok(twice <= held.length, 'only what was under way may come twice (RFC 1047)')
  const recovered = two.events.count('queue.recovered')
  assert.ok(recovered > 0)
})
