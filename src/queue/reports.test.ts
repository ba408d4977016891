// When reports are made: together for recipients that end within moments of each other, at once where nothing is left to wait
// for, and by the next start where a process stops in between. What they say is tested with `mail/dsn.ts`.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { deferred, failed, type QueueHouse, queueHouse, relayed } from '../../test/support/queue-house.ts'
import { SeededRandom } from '../base/seeded-random.ts'
import { createEvents } from '../events/event.ts'
import { createReports, type Reports } from './reports.ts'

interface Sent {
  readonly at: number
  readonly recipients: readonly string[]
}

/** Recipients of far.example fail at once, of later.example after so many milliseconds; of slow.example they wait. */
async function setUp(context: TestContext, later: number) {
  const house = await queueHouse(context)
  house.transport.script = async (job, { key }) => {
    if (key.includes('slow')) return job.recipients.map(() => deferred('recipient'))
    if (key.includes('good')) return job.recipients.map(() => relayed)
    if (key.includes('later')) await house.clock.sleep(later)
    return job.recipients.map(() => failed())
  }
  const sent: Sent[] = []
  const open = (): Reports => reportsOf(house, sent)
  return { house, sent, open }
}

function reportsOf(house: QueueHouse, sent: Sent[]): Reports {
  const { store, clock, config } = house
  return createReports({
    ...{ store, clock, config, random: new SeededRandom(1), events: createEvents([house.events]) },
    ...{ hostname: 'house.example', from: 'postmaster@house.example' },
    async send(report) {
      await store.dropReports({ rows: report.rows, now: clock.now() })
      sent.push({
        at: clock.now() - house.start,
        recipients: report.about.map(({ finalRecipient }) => finalRecipient),
      })
      return 'sent'
    },
  })
}

/** Whoever settles rows says so at once; here it is said every few milliseconds. */
async function run(house: QueueHouse, reports: Reports, milliseconds: number): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += 10) {
    await house.clock.advance(10)
    reports.due()
    await reports.settled()
  }
}

test('recipients that fail moments apart come back in one report', async (context) => {
  const { house, sent, open } = await setUp(context, 700)
  const reports = open()
  await house.queue.start()
  await house.send(['a@far.example', 'b@later.example', 'c@slow.example'])
  await run(house, reports, 1900)
  assert.deepEqual(sent, [], 'somebody is still under way')
  await run(house, reports, 300)
  assert.deepEqual(
    sent.map(({ recipients }) => recipients),
    [['a@far.example', 'b@later.example']],
  )
  await house.clock.advance('1h')
  await reports.stop()
  assert.equal(sent.length, 1)
})

test('what has come to its end as a whole is reported at once', async (context) => {
  const { house, sent, open } = await setUp(context, 300)
  const reports = open()
  await house.queue.start()
  await house.send(['a@far.example', 'b@later.example', 'c@good.example'])
  await run(house, reports, 500)
  assert.deepEqual(
    sent.map(({ recipients }) => recipients),
    [['a@far.example', 'b@later.example']],
  )
  await reports.stop()
})

test('no report waits longer than that: without a word, and whatever comes in between', async (context) => {
  const { house, sent, open } = await setUp(context, 5000)
  const reports = open()
  await house.queue.start()
  await house.send(['a@far.example', 'b@later.example'])
  await house.clock.advance(100)
  reports.due()
  await reports.settled()
  await house.send(['d@slow.example'])
  await house.clock.advance(house.config.reports.gatherFor + 10)
  assert.deepEqual(
    sent.map(({ recipients }) => recipients),
    [['a@far.example']],
  )
  await run(house, reports, 6000)
  assert.deepEqual(sent.at(-1)?.recipients, ['b@later.example'])
  await reports.stop()
})

test('a stop makes no haste, and the next start makes the report', async (context) => {
  const { house, sent, open } = await setUp(context, 0)
  const first = open()
  await house.queue.start()
  await house.send(['a@far.example', 'c@slow.example'])
  await run(house, first, 100)
  await first.stop()
  await house.clock.advance('10s')
  assert.deepEqual(sent, [])
  const second = open()
  second.due()
  await second.settled()
  await house.clock.advance(house.config.reports.gatherFor + 10)
  assert.equal(sent.length, 1)
  await second.stop()
})
