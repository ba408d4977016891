// The carrier with real sockets, the terminal, and the document that describes it all.
import assert from 'node:assert/strict'
import { request as plainRequest } from 'node:http'
import { request as secureRequest } from 'node:https'
import { test, type TestContext } from 'node:test'
import { basic, openHttpHouse } from '../../test/support/http-house.ts'
import { RealRandom } from '../base/real-random.ts'
import { ConnectionCount } from '../net/connection-limits.ts'
import { RealClock } from '../net/real-clock.ts'
import { createSelfSignedIdentity } from '../net/tls-identity.ts'
import { openApiDocument } from './openapi.ts'
import { type HttpListener, startHttp } from './service.ts'

interface Setting {
  readonly tls?: 'implicit' | 'none'
  readonly perAddress?: number
}

async function listen(context: TestContext, { tls = 'implicit', perAddress = 10 }: Setting = {}) {
  const house = await openHttpHouse(context)
  const clock = new RealClock()
  const identity = createSelfSignedIdentity({
    hostname: 'localhost',
    folder: null,
    clock,
    random: new RealRandom(),
  })
  const listener = await startHttp({
    parts: { ...house.parts, clock },
    address: '127.0.0.1',
    port: 0,
    identity: tls === 'implicit' ? identity : null,
    connections: new ConnectionCount({ total: 10, perAddress, perPrefix: 10 }),
  })
  context.after(() => listener.stop(0))
  return { house, listener }
}

function portOf({ points }: HttpListener): number {
  assert.ok(points[0])
  return points[0].port
}

/** Status and body; `first` resolves at the first piece of it. */
function ask(
  port: number,
  { path, tls, headers = {} }: { path: string; tls: 'implicit' | 'none'; headers?: Record<string, string> },
) {
  const send = tls === 'implicit' ? secureRequest : plainRequest
  const first = Promise.withResolvers<string>()
  const answer = new Promise<{ status: number; body: string }>((resolve, reject) => {
    const sent = send(
      { host: '127.0.0.1', port, path, headers, agent: false, rejectUnauthorized: false },
      (response) => {
        let body = ''
        response.on('data', (piece: Buffer) => {
          body += piece.toString()
          first.resolve(body)
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
        response.on('error', reject)
      },
    )
    sent.on('error', reject)
    sent.end()
  })
  return { first: first.promise, answer }
}

test('requests are answered over TLS and in the clear, credentials only over TLS', async (context) => {
  for (const tls of ['implicit', 'none'] as const) {
    const { listener } = await listen(context, { tls })
    const port = portOf(listener)
    const health = await ask(port, { path: '/api/v1/health', tls }).answer
    assert.deepEqual(health, { status: 200, body: '{"status":"ok"}' })
    const own = { path: '/api/v1/messages/x', tls, headers: basic('ann@example.org') }
    assert.equal((await ask(port, own).answer).status, tls === 'implicit' ? 404 : 403)
  }
})

test('connections beyond the limit are closed', async (context) => {
  const { listener } = await listen(context, { tls: 'none', perAddress: 0 })
  await assert.rejects(ask(portOf(listener), { path: '/api/v1/health', tls: 'none' }).answer)
})

test('a terminal shows what is sent to it, until the server stops', async (context) => {
  const { house, listener } = await listen(context)
  const headers = basic('ann@example.org')
  const { first, answer } = ask(portOf(listener), { path: '/api/v1/terminal', tls: 'implicit', headers })
  assert.equal(await first, ': attached\n\n')
  const ann = await house.store.credentialsOf('ann@example.org')
  assert.ok(ann)
  const message = { from: 'bob@example.org', to: 'ann@example.org', subject: 'Lunch?', text: 'now', at: 1 }
  assert.equal(await house.parts.terminals.show(ann.account.id, message), 1)
  await listener.stop(5000)
  const { body } = await answer
  assert.equal(body, `: attached\n\nevent: message\ndata: ${JSON.stringify(message)}\n\n`)
  assert.equal(house.parts.terminals.count(ann.account.id), 0)
})

test('an account has so many terminals and no more', async (context) => {
  const house = await openHttpHouse(context, { settings: { http: { maxTerminals: 1 } } })
  const headers = basic('ann@example.org')
  const one = await house.fetch('/api/v1/terminal', { headers })
  assert.equal(one.status, 200)
  assert.equal((await house.fetch('/api/v1/terminal', { headers })).status, 429)
  await one.body?.cancel()
  const again = await house.fetch('/api/v1/terminal', { headers })
  assert.equal(again.status, 200)
  house.stopping.abort()
  await again.text()
})

test('the OpenAPI document is served, and every reference in it leads somewhere', async (context) => {
  const house = await openHttpHouse(context)
  const served = (await (await house.fetch('/api/v1/openapi.json')).json()) as Record<string, unknown>
  assert.deepEqual(served, JSON.parse(JSON.stringify(openApiDocument())))
  const text = JSON.stringify(served)
  const components = (served['components'] as { schemas: Record<string, unknown> }).schemas
  for (const [, name = ''] of text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)) {
    assert.ok(Object.hasOwn(components, name), name)
  }
  assert.doesNotMatch(text, /"\$ref":"#\/(?!components)/)
  const paths = Object.keys(served['paths'] as object)
  const routes = house.app.routes.map(({ path }) => path.replace(':id', '{id}'))
  assert.deepEqual(new Set([...paths, '/api/v1/openapi.json']), new Set(routes))
})
