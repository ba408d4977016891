// Webhooks over a store in memory: in order, at least once, with growing waits, resumable; and the feed of the same events.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import { basic, openHttpHouse } from '../../test/support/http-house.ts'
import { SeededRandom } from '../base/seeded-random.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import type { ConfigInput } from '../config/schema.ts'
import { createEvents, EventMemory } from '../events/event.ts'
import type { HttpFetch } from '../hooks/http-request.ts'
import { startWebhooks } from './webhooks.ts'

const url = 'https://app.example/hooks'
const secret = 'a-secret-of-sixteen-octets-or-more'

interface Told {
  readonly id: number
  readonly type: string
  readonly data: Record<string, unknown>
}

async function setUp(
  context: TestContext,
  webhooks: NonNullable<ConfigInput['webhooks']> = [{ url, secret }],
  http: ConfigInput['http'] = {},
) {
  const settings = { webhooks, http }
  const house = await openHttpHouse(context, { settings })
  const clock = new VirtualClock({
    settle: () => new Promise((resolve) => setImmediate(() => setImmediate(resolve))),
  })
  const memory = new EventMemory()
  const told: { url: string; headers: Record<string, string>; text: string; event: Told }[] = []
  const answers: (() => Response | Promise<Response>)[] = []
  const httpFetch: HttpFetch = async (to, { headers, body }) => {
    told.push({ url: to, headers, text: body, event: JSON.parse(body) as Told })
    return (answers.shift() ?? (() => new Response(null, { status: 204 })))()
  }
  let nodes = 0
  const start = (): AsyncDisposable =>
    startWebhooks({
      ...{ clock, httpFetch, store: house.store, random: new SeededRandom(++nodes) },
      ...{ events: createEvents([memory]), webhooks: house.config.webhooks, config: house.config.http },
    })
  const send = async (subject: string): Promise<void> => {
    const message = { from: 'ann@example.org', to: 'bob@example.org', subject, text: 'x' }
    assert.equal((await house.post(message)).status, 202)
  }
  /** Lets promises of the store settle, with time standing almost still. */
  const settle = (): Promise<void> => clock.advance(house.config.http.webhookPoll + 1)
  return { house, clock, memory, told, answers, start, send, settle }
}

test('events are told in order, signed, and once each when they are taken', async (context) => {
  const { told, start, send, settle } = await setUp(context)
  await send('one')
  await using _running = start()
  await settle()
  await send('two')
  await settle()
  assert.deepEqual(
    told.map(({ event }) => [event.id, event.type]),
    [
      [1, 'message.received'],
      [2, 'message.delivered'],
      [3, 'message.received'],
      [4, 'message.delivered'],
    ],
  )
  const [first] = told
  assert.ok(first)
  assert.equal(first.headers['webhook-id'], 'evt_1')
  const signed = `evt_1.${first.headers['webhook-timestamp']}.${first.text}`
  const mac = createHmac('sha256', secret).update(signed).digest('base64')
  assert.equal(first.headers['webhook-signature'], `v1,${mac}`)
  assert.deepEqual(first.event.data['recipients'], ['bob@example.org'])
})

test('an event that is not taken is told again, and what follows waits for it', async (context) => {
  const { clock, told, answers, start, send, settle, memory, house } = await setUp(context)
  await send('one')
  answers.push(
    () => new Response(null, { status: 500 }),
    () => Promise.reject(new TypeError('fetch failed')),
  )
  await using _running = start()
  await settle()
  assert.deepEqual(
    told.map(({ event }) => event.id),
    [1],
  )
  await clock.advance(house.config.http.webhookRetryFirst * 2)
  await clock.advance(house.config.http.webhookRetryFirst * 4)
  assert.deepEqual(
    told.map(({ event }) => event.id),
    [1, 1, 1, 2],
  )
  const ids = told.slice(0, 3).map(({ headers }) => headers['webhook-id'])
  assert.deepEqual(ids, ['evt_1', 'evt_1', 'evt_1'], 'the id stays, so that a reader can know it again')
  assert.equal(memory.count('webhook.failed'), 2)
})

test('a webhook that takes nothing for days is passed over, with an event', async (context) => {
  const { clock, answers, start, send, memory } = await setUp(context)
  await send('one')
  for (let count = 0; count < 500; count++) answers.push(() => new Response(null, { status: 503 }))
  await using _running = start()
  await clock.advance('3d')
  await clock.advance('2h')
  assert.equal(memory.count('webhook.gave-up'), 2)
})

test('after a restart the next event is told, not the first', async (context) => {
  const { told, start, send, settle } = await setUp(context)
  await send('one')
  {
    await using _running = start()
    await settle()
  }
  await send('two')
  await using _again = start()
  await settle()
  assert.deepEqual(
    told.map(({ event }) => event.id),
    [1, 2, 3, 4],
  )
})

test('of two nodes with one store one tells, and the other goes on where it stopped', async (context) => {
  const { told, answers, start, send, settle, clock, house } = await setUp(context)
  await send('one')
  const never = Promise.withResolvers<Response>()
  answers.push(() => never.promise)
  const one = start()
  await settle()
  await using _two = start()
  await settle()
  const ids = () => told.map(({ event }) => event.id)
  assert.deepEqual(ids(), [1], 'the first node waits for an answer')
  never.resolve(new Response(null, { status: 204 }))
  await settle()
  assert.deepEqual(ids(), [1, 2])
  await send('two')
  await settle()
  await settle()
  assert.deepEqual(ids(), [1, 2, 3, 4])
  await one[Symbol.asyncDispose]()
  await send('three')
  await clock.advance(house.config.http.webhookTimeout)
  assert.deepEqual(ids(), [1, 2, 3, 4, 5, 6])
})

test('each webhook gets the events that it is for, and none waits for another', async (context) => {
  const other = 'https://slow.example/'
  const { told, answers, start, send, settle } = await setUp(context, [
    { url: other, secret, events: ['message.received'] },
    { url, secret, events: ['message.delivered'] },
  ])
  await send('one')
  const never = Promise.withResolvers<Response>()
  answers.push(() => never.promise)
  await using _running = start()
  await settle()
  assert.deepEqual(
    told.map((one) => [one.url, one.event.type]),
    [
      [other, 'message.received'],
      [url, 'message.delivered'],
    ],
  )
  never.resolve(new Response(null, { status: 204 }))
})

test('the feed gives the events to whoever has a webhook’s secret, from where he left off', async (context) => {
  const { house, send } = await setUp(context, [{ url, secret, events: ['message.delivered'] }])
  await send('one')
  await send('two')
  const read = async (query: string): Promise<[number[], number]> => {
    const headers = { authorization: `Bearer ${secret}` }
    const response = await house.fetch(`/api/v1/events${query}`, { headers })
    const { events, next } = (await response.json()) as { events: Told[]; next: number }
    return [events.map(({ id }) => id), next]
  }
  assert.deepEqual(await read(''), [[2, 4], 4])
  assert.deepEqual(await read('?after=2'), [[4], 4])
  assert.deepEqual(await read('?after=4'), [[], 4])
  assert.deepEqual(await read('?limit=1'), [[], 1])
  for (const headers of [{ authorization: 'Bearer wrong' }, basic('ann@example.org')]) {
    assert.equal((await house.fetch('/api/v1/events', { headers })).status, 401)
  }
})

test('events go when every webhook has had them and they are old', async (context) => {
  const often = { webhookKeep: '3h', webhookPoll: '10m' }
  const { house, clock, start, send, settle } = await setUp(context, [{ url, secret }], often)
  await send('one')
  await using _running = start()
  await settle()
  assert.equal((await house.store.hookEvents({ after: 0, limit: 10 })).length, 2)
  await clock.advance(house.config.http.webhookKeep)
  await clock.advance('2h')
  assert.equal((await house.store.hookEvents({ after: 0, limit: 10 })).length, 0)
})
