// The carrier with real sockets, the terminal, and the document that describes it all.
import assert from 'node:assert/strict'
import { request as plainRequest } from 'node:http'
import { request as secureRequest } from 'node:https'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test, type TestContext } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { basic, type HttpHouseOptions, openHttpHouse } from '../../test/support/http-house.ts'
import type { Clock } from '../base/clock.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import type { ConfigInput } from '../config/schema.ts'
import { RealRandom } from '../base/real-random.ts'
import { parseIpNetworks } from '../base/ip-network.ts'
import { ConnectionCount } from '../net/connection-limits.ts'
import { RealClock } from '../net/real-clock.ts'
import { createSelfSignedIdentity } from '../net/tls-identity.ts'
import { createApp } from './app.ts'
import { openApiDocument } from './openapi.ts'
import { type HttpListener, type HttpProxies, startHttp } from './service.ts'

interface Setting {
  readonly tls?: 'implicit' | 'none'
  readonly perAddress?: number
  readonly proxies?: HttpProxies
  readonly settings?: ConfigInput
  readonly mounts?: HttpHouseOptions['mounts']
  readonly clock?: Clock
}

async function listen(context: TestContext, setting: Setting = {}) {
  const { tls = 'implicit', perAddress = 10, proxies, settings = {}, mounts = [] } = setting
  const house = await openHttpHouse(context, { settings, mounts })
  const told: string[] = []
  const clock = setting.clock ?? new RealClock()
  const identity = createSelfSignedIdentity({
    hostname: 'localhost',
    folder: null,
    clock,
    random: new RealRandom(),
  })
  const listener = await startHttp({
    ...{ clock, events: house.parts.events, config: house.config.http, web: house.config.web },
    site: () => Promise.resolve(house.site),
    address: '127.0.0.1',
    port: 0,
    identity: tls === 'implicit' ? identity : null,
    connections: new ConnectionCount({ total: 10, perAddress, perPrefix: 10 }),
    ...(proxies !== undefined && { proxies }),
    onRefused: (remoteAddress, limit) => told.push(`refused ${remoteAddress} ${limit}`),
    onProxyFailed: (remoteAddress, failure) => told.push(`failed ${remoteAddress} ${failure}`),
  })
  context.after(() => listener.stop(0))
  return { house, listener, told }
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

const credentials = basic('ann@example.org')
const send = `POST /api/v1/messages HTTP/1.1\r\nhost: x\r\nauthorization: ${credentials['authorization']}\r\ncontent-type: message/rfc822\r\nconnection: close\r\n`
const message = 'From: ann@example.org\r\nTo: bob@example.org\r\n\r\nx\r\n'

/** All that the server says to these pieces. */
async function talk(port: number, ...pieces: readonly (string | Uint8Array)[]): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.setNoDelay(true)
  let heard = ''
  for (const piece of pieces) await new Promise<void>((resolve) => socket.write(piece, () => resolve()))
  try {
    for await (const chunk of socket) heard += String(chunk)
  } catch {
    // Cut: what was heard is what there is.
  }
  return heard
}

const request = `${send}content-length: ${message.length}\r\n\r\n${message}`
const everyHere = parseIpNetworks(['127.0.0.0/8'])

test('behind the PROXY protocol the client counts, over TLS too; a header that is none is cut', async (context) => {
  const trust = { from: everyHere, timeoutMilliseconds: 5000, longestHeader: 1000 }
  const proxies: HttpProxies = { by: 'protocol', trust }
  const { listener, house, told } = await listen(context, { tls: 'none', proxies })
  const port = portOf(listener)
  const line = 'PROXY TCP4 192.0.2.7 192.0.2.1 4711 443\r\n'
  // Credentials in the clear are refused: the request came so far.
  assert.match(await talk(port, line + request), /^HTTP\/1\.1 403 /)
  assert.match(await talk(port, line.slice(0, 9), line.slice(9), request), /^HTTP\/1\.1 403 /)
  assert.equal(await talk(port, request), '')
  assert.deepEqual(told, ['failed 127.0.0.1 invalid'])
  const secured = await listen(context, { tls: 'implicit', proxies })
  const socket = connect(portOf(secured.listener), '127.0.0.1')
  socket.write(line)
  const wrapped = connectTls({ socket, rejectUnauthorized: false })
  wrapped.write(request)
  let heard = ''
  for await (const chunk of wrapped) heard += String(chunk)
  assert.match(heard, /^HTTP\/1\.1 202 /)
  const accepted = secured.house.memory.records.find(({ name }) => name === 'http.message-accepted')
  assert.equal(accepted?.fields['remoteAddress'], '192.0.2.7')
  assert.equal(house.memory.count('http.message-accepted'), 0)
})

test('behind the PROXY protocol limits hold for the client', async (context) => {
  const trust = { from: everyHere, timeoutMilliseconds: 5000, longestHeader: 1000 }
  const { listener, told } = await listen(context, {
    ...{ tls: 'none', perAddress: 0 },
    proxies: { by: 'protocol', trust },
  })
  const line = 'PROXY TCP4 192.0.2.7 192.0.2.1 4711 443\r\n'
  assert.equal(await talk(portOf(listener), line + request), '')
  assert.deepEqual(told, ['refused 192.0.2.7 address'])
})

test('a header tells the client where a listed proxy sent it, and from nobody else', async (context) => {
  const xff = 'x-forwarded-for: 198.51.100.1, 192.0.2.7\r\nx-forwarded-proto: https\r\n'
  const text = request.replace('content-length', `${xff}content-length`)
  // A proxy with many clients is no client with many connections.
  const trusting = await listen(context, {
    ...{ tls: 'none', perAddress: 0 },
    proxies: { by: 'x-forwarded-for', from: everyHere, maxHops: 32 },
  })
  assert.match(await talk(portOf(trusting.listener), text), /^HTTP\/1\.1 202 /)
  const accepted = trusting.house.memory.records.find(({ name }) => name === 'http.message-accepted')
  assert.equal(accepted?.fields['remoteAddress'], '192.0.2.7')
  const strangers = parseIpNetworks(['192.0.2.0/24'])
  const others = await listen(context, {
    tls: 'none',
    proxies: { by: 'x-forwarded-for', from: strangers, maxHops: 32 },
  })
  assert.match(await talk(portOf(others.listener), text), /^HTTP\/1\.1 403 /)
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
  assert.deepEqual(served, JSON.parse(JSON.stringify(openApiDocument(house.parts.operations))))
  const text = JSON.stringify(served)
  const components = (served['components'] as { schemas: Record<string, unknown> }).schemas
  for (const [, name = ''] of text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)) {
    assert.ok(Object.hasOwn(components, name), name)
  }
  assert.doesNotMatch(text, /"\$ref":"#\/(?!components)/)
  const paths = Object.keys(served['paths'] as object)
  const routes = createApp(house.parts).routes.map(({ path }) => path.replace(':id', '{id}'))
  assert.deepEqual(new Set([...paths, '/api/v1/openapi.json', '/api/']), new Set(routes))
})

/** All that comes until the connection ends. */
async function untilClosed(port: number, begin: string, tls: 'implicit' | 'none' = 'none'): Promise<string> {
  const host = '127.0.0.1'
  const socket =
    tls === 'none' ? connect({ host, port }) : connectTls({ host, port, rejectUnauthorized: false })
  socket.on('error', () => {})
  socket.write(begin)
  let text = ''
  socket.on('data', (piece) => (text += String(piece)))
  await new Promise((resolve) => socket.once('close', resolve))
  return text
}

test('a header or a body that does not come to its end ends the connection, over TLS too', async (context) => {
  const settings = { http: { headerTimeout: '200ms', requestTimeout: '400ms' } }
  for (const tls of ['none', 'implicit'] as const) {
    const { listener } = await listen(context, { tls, settings })
    const port = portOf(listener)
    const header = await untilClosed(port, 'GET /api/v1/health HTTP/1.1\r\nHost: x\r\nX-Slow: ', tls)
    assert.match(header, /^HTTP\/1\.1 408 /)
    const head =
      'POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100'
    const body = await untilClosed(port, `${head}\r\n\r\n{"address": "`, tls)
    assert.match(body, /^HTTP\/1\.1 408 |^$/)
    assert.equal(listener.sessions, 0)
  }
})

test('a TLS handshake that never comes ends the connection', async (context) => {
  const clock = new VirtualClock()
  const { listener } = await listen(context, { clock })
  const closed = untilClosed(portOf(listener), '\x16\x03')
  while (listener.sessions === 0) await new Promise((resolve) => setImmediate(resolve))
  await clock.advance(31_000)
  assert.equal(await closed, '')
})

test('who reads nothing of his answer is cut, and who waits for one is not', async (context) => {
  const clock = new VirtualClock()
  const answer = Promise.withResolvers<void>()
  const large = new Uint8Array(16 * 1024 * 1024)
  const mount = {
    paths: ['/large', '/later'],
    async fetch(request: Request) {
      if (request.url.endsWith('/large')) return new Response(large)
      await answer.promise
      return new Response('at last')
    },
  }
  const { listener } = await listen(context, { tls: 'none', clock, mounts: [mount] })
  const port = portOf(listener)
  const reader = connect({ host: '127.0.0.1', port })
  reader.on('error', () => {})
  reader.write('GET /large HTTP/1.1\r\nHost: x\r\n\r\n')
  // It takes the first octets, and no more.
  await once(reader, 'readable')
  const waiting = ask(port, { path: '/later', tls: 'none' })
  while (listener.sessions < 2) await new Promise((resolve) => setImmediate(resolve))
  while (listener.sessions > 1) {
    await clock.advance(60_000)
    await new Promise((resolve) => setImmediate(resolve))
  }
  answer.resolve()
  assert.equal((await waiting.answer).body, 'at last')
  reader.destroy()
})
