// Each limit of the HTTP side that a stranger can run into, made small: what is within it passes, what is beyond does not.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { basic, openHttpHouse } from '../../test/support/http-house.ts'
import { SeededRandom } from '../base/seeded-random.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import { Challenges } from '../directory/challenges.ts'
import { postJson } from '../hooks/http-request.ts'
import { RealClock } from '../net/real-clock.ts'

const ann = basic('ann@example.org')
const json = { 'content-type': 'application/json' }

test('http.maxBody: a request to the API', async (context) => {
  const house = await openHttpHouse(context, { settings: { http: { maxBody: 1000 } } })
  const ask = async (length: number): Promise<number> => {
    const body = JSON.stringify({ address: 'ann@example.org', password: 'x'.repeat(length) })
    return (await house.fetch('/api/v1/session', { method: 'POST', headers: json, body })).status
  }
  assert.equal(await ask(900), 401)
  assert.equal(await ask(1000), 413)
})

test('http.maxBody: a body without an end is not read for ever', async (context) => {
  const house = await openHttpHouse(context, { settings: { http: { maxBody: 1000 } } })
  const cancelled = Promise.withResolvers<void>()
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(Buffer.from(' '.repeat(500))),
    cancel: () => cancelled.resolve(),
  })
  // Node's fetch wants to be told that the body is a stream.
  const init = { method: 'POST', headers: json, body, duplex: 'half' } as RequestInit
  assert.equal((await house.fetch('/api/v1/session', init)).status, 413)
  await cancelled.promise
})

test('a body in another encoding is refused before anything is unpacked, for every mount', async (context) => {
  const mount = { paths: ['/other'], fetch: async () => new Response('taken') }
  const house = await openHttpHouse(context, { mounts: [mount] })
  const body = gzipSync(Buffer.alloc(10_000_000))
  for (const path of ['/api/v1/session', '/api/v1/messages', '/other']) {
    for (const encoding of ['gzip', 'br', 'deflate', 'identity, gzip']) {
      const headers = { ...ann, ...json, 'content-encoding': encoding }
      const answer = await house.fetch(path, { method: 'POST', headers, body })
      assert.equal(answer.status, 415, `${path} ${encoding}`)
      assert.equal(answer.headers.get('accept-encoding'), 'identity')
    }
  }
  const plain = { ...ann, 'content-encoding': 'identity' }
  assert.equal((await house.fetch('/other', { method: 'POST', headers: plain })).status, 200)
})

test('http.maxFeedEvents: events of one answer', async (context) => {
  const secret = 'whsec_0123456789abcdef'
  const settings = { http: { maxFeedEvents: 2 }, webhooks: [{ url: 'https://app.example/', secret }] }
  const house = await openHttpHouse(context, { settings })
  for (let sent = 0; sent < 3; sent++) {
    await house.post({ from: 'ann@example.org', to: ['bob@example.org'], text: 'x' })
  }
  const headers = { authorization: `Bearer ${secret}` }
  const answer = await house.fetch('/api/v1/events?limit=100', { headers })
  assert.equal(((await answer.json()) as { events: unknown[] }).events.length, 2)
})

test('http.eventPing and http.maxWaitingEvents: a stream says that it is there, and keeps so much for a slow reader', async (context) => {
  const settings = { http: { eventPing: '10s', maxWaitingEvents: 3 } }
  const house = await openHttpHouse(context, { settings })
  const answer = await house.fetch('/api/v1/terminal', { headers: ann })
  for (let pings = 0; pings < 20; pings++) await house.clock.advance(10_000)
  house.stopping.abort()
  const pieces: string[] = []
  for await (const piece of answer.body ?? []) pieces.push(Buffer.from(piece).toString())
  assert.deepEqual(pieces, [': attached\n\n', ': ping\n\n', ': ping\n\n'])
})

test('http.webhookMaxAnswer: what is read of an answer', async (context) => {
  const server = createServer((_, response) => response.end('x'.repeat(2000)))
  server.listen(0, '127.0.0.1')
  context.after(() => server.close())
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const url = `http://127.0.0.1:${address.port}/`
  const request = { url, body: '{}', id: 'x', secret: null, timeout: 15_000 }
  const around = { clock: new RealClock(), httpFetch: fetch }
  assert.equal((await postJson({ ...request, maxAnswer: 2000 }, around)).status, 200)
  await assert.rejects(postJson({ ...request, maxAnswer: 1999 }, around))
})

test('auth.maxChallenges: answered challenges that are remembered', () => {
  const made = { clock: new VirtualClock(), random: new SeededRandom(1), secret: new Uint8Array(32) }
  const challenges = new Challenges({ ...made, auth: { maxChallenges: 2 } })
  const answers = [1, 2, 3].map(() => Buffer.from(challenges.make('x', 1000)).toString('base64url'))
  const take = (): boolean[] => answers.map((text) => challenges.take('x', text))
  assert.deepEqual(take(), [true, true, true])
  // The passkey itself remembers what it answered: see login-races.test.ts.
  assert.deepEqual(take().slice(1), [true, true])
})
