// A Posthorn that does not relay (the profiles for development and tests) lets nothing leave: no connection is made and no name is
// looked up, whatever is in its store from another life.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Dialer } from '../../src/base/connection.ts'
import { SeededRandom } from '../../src/base/seeded-random.ts'
import { resolveConfig } from '../../src/config/layers.ts'
import { createEvents, EventMemory } from '../../src/events/event.ts'
import { plainMessageOptions, plainRecipientOptions } from '../../src/mail/delivery-options.ts'
import { startPosthorn } from '../../src/main.ts'
import { MemoryNetwork } from '../../src/net/memory-network.ts'
import { RealClock } from '../../src/net/real-clock.ts'
import { ZoneResolver } from '../../src/net/zone-resolver.ts'
import { ingest } from '../../src/store/ingest.ts'
import type { NewQueueRecipient } from '../../src/store/queue.ts'
import type { Store } from '../../src/store/store.ts'
import { openStore } from '../../src/wiring/storage.ts'

const zone = 'far.example. MX 10 mx.far.example.\nmx.far.example. A 192.0.2.1\n'

/** One message from elsewhere: a recipient that waits, and one that failed, whose report to another host is due. */
async function enqueue(store: Store): Promise<void> {
  const now = Date.now()
  const intake = ingest({ blobs: store.blobs })
  await intake.write(Buffer.from('Subject: x\r\n\r\nhello\r\n'))
  const { message } = await intake.finish()
  const row = (address: string, state: NewQueueRecipient['state']): NewQueueRecipient => ({
    ...{ address, domain: 'far.example', reversePath: null, options: plainRecipientOptions },
    ...{ nextAttempt: now, turn: now, state },
  })
  const failed = { outcome: 'failed', status: '5.1.1', reply: '550 nobody', report: 'failure' } as const
  const stored = await store.deliver({
    ...{ message, internalDate: now, targets: [] },
    enqueue: {
      ...{ name: 'old', origin: 'mx', account: null, sender: 'far.example', reversePath: 'joe@far.example' },
      ...{ prefix: '', messageId: null, options: plainMessageOptions, arrivedAt: now },
      ...{ expiresAt: now + 3_600_000, delayReportAt: null },
      recipients: [
        row('bob@far.example', { type: 'waiting' }),
        row('cid@far.example', { type: 'settled', ...failed }),
      ],
    },
  })
  assert.ok(stored.ok)
}

for (const profile of ['dev', 'test'] as const) {
  test(`profile ${profile}: nothing leaves, not even what another life left in the queue`, async () => {
    const clock = new RealClock()
    const random = new SeededRandom(1)
    const settings = { profile, data: null, listeners: [], queue: { poll: '20ms', sweep: '20ms' } }
    const config = resolveConfig([{ name: 'test', settings }])
    const store = await openStore(config, { clock, random, events: createEvents([]) })
    await enqueue(store)
    const left: string[] = []
    const memory = new MemoryNetwork({ clock, random })
    const network: MemoryNetwork = Object.create(memory, {
      dial: {
        value: (request: Parameters<Dialer['dial']>[0]) => {
          left.push(`dialled ${request.address}`)
          return memory.dial(request)
        },
      },
    })
    const names = new ZoneResolver(zone)
    const asked = (kind: string) => (name: string) => {
      left.push(`asked for ${kind} of ${name}`)
      return Promise.resolve({ ok: false, failure: 'nodata', authentic: false })
    }
    const resolver: ZoneResolver = Object.create(names, {
      mx: { value: asked('MX') },
      a: { value: asked('A') },
      aaaa: { value: asked('AAAA') },
      txt: { value: asked('TXT') },
    })
    const events = new EventMemory()
    await using posthorn = await startPosthorn(config, {
      clock,
      random,
      network,
      resolver,
      store,
      sinks: [events],
    })
    const held = async () => {
      const [entry] = await store.queueList({ filter: { name: 'old' }, limit: 1, finished: 'with' })
      assert.ok(entry)
      return entry
    }
    while ((await held()).recipients[0]?.state !== 'held' || events.count('queue.report-dropped') === 0) {
      await new Promise((soon) => setImmediate(soon))
    }
    const { recipients } = await held()
    assert.equal(recipients[0]?.reason, 'relay.enabled is off')
    const queued = await store.queueList({ filter: {}, limit: 10, finished: 'with' })
    assert.equal(queued.length, 1, 'no report is queued')
    assert.equal(posthorn.listeners.length, 0)
    assert.deepEqual(left, [])
  })
}
