// Mounts: which one has a request, what it is told of it, what becomes of its failures; and WebSockets through real sockets.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { test, type TestContext } from 'node:test'
import { WebSocket } from 'ws'
import { basic, type HttpHouse, openHttpHouse, password } from '../../test/support/http-house.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import type { HttpMount, WebSocketHandler } from '../base/http-mount.ts'
import type { Account } from '../store/model.ts'
import { StoreUnavailable } from '../store/store.ts'
import { ConnectionCount } from '../net/connection-limits.ts'
import { RealClock } from '../net/real-clock.ts'
import { startHttp } from './service.ts'

function mount(paths: readonly string[], name: string): HttpMount<Account> {
  return {
    paths,
    fetch: async (request, { origin }) =>
      Response.json({ name, path: new URL(request.url).pathname, origin }),
  }
}

async function named(house: HttpHouse, path: string, init: RequestInit = {}): Promise<string> {
  const response = await house.fetch(path, init)
  if (!response.ok) return String(response.status)
  return ((await response.json()) as { name: string }).name
}

test('the longest path has the request, with its method before all', async (context) => {
  const mounts = [
    mount(['/*'], 'rest'),
    mount(['/jmap/*', '/.well-known/jmap'], 'jmap'),
    mount(['GET /api/v1/messages', '/api/v1/message/*'], 'caught'),
  ]
  const house = await openHttpHouse(context, { mounts })
  assert.equal(await named(house, '/jmap/api'), 'jmap')
  assert.equal(await named(house, '/.well-known/jmap'), 'jmap')
  assert.equal(await named(house, '/jmap'), 'rest')
  assert.equal(await named(house, '/api/v1/messages'), 'caught')
  assert.equal(await named(house, '/api/v1/message/x/y'), 'caught')
  assert.equal(await named(house, '/else'), 'rest')
  assert.equal((await house.fetch('/api/v1/messages', { method: 'POST' })).status, 401)
  assert.equal((await house.fetch('/api/v1/messages', { method: 'HEAD' })).status, 200)
})

test('what a mount does not say is said for it: no page, and of the type that it is', async (context) => {
  const house = await openHttpHouse(context, {
    mounts: [
      { paths: ['/plain'], fetch: async () => new Response('x') },
      { paths: ['/moved'], fetch: async () => Response.redirect('https://mail.example.org/') },
      {
        paths: ['/page'],
        fetch: async () =>
          new Response('x', { headers: { 'content-security-policy': "default-src 'self'" } }),
      },
    ],
  })
  for (const path of ['/plain', '/moved']) {
    const { headers } = await house.fetch(path, { redirect: 'manual' })
    assert.equal(
      headers.get('content-security-policy'),
      "default-src 'none'; frame-ancestors 'none'; sandbox",
    )
    assert.equal(headers.get('x-content-type-options'), 'nosniff')
  }
  assert.equal((await house.fetch('/page')).headers.get('content-security-policy'), "default-src 'self'")
})

test('a mount that fails is answered for, and told', async (context) => {
  const fail =
    (error: Error): HttpMount<Account>['fetch'] =>
    () =>
      Promise.reject(error)
  const house = await openHttpHouse(context, {
    mounts: [
      { paths: ['/bug'], fetch: fail(new TypeError('x is not a function')) },
      { paths: ['/store'], fetch: fail(new StoreUnavailable('The disk is full')) },
    ],
  })
  const bug = await house.fetch('/bug')
  assert.equal(bug.status, 500)
  assert.doesNotMatch(await bug.text(), /function/)
  assert.equal((await house.fetch('/store')).status, 503)
  assert.equal(house.memory.count('http.trouble'), 2)
})

test('a mount learns who asks, once, from one place', async (context) => {
  const house = await openHttpHouse(context, {
    mounts: [
      {
        paths: ['/who'],
        async fetch(request, env) {
          const asked = await env.authenticate(request)
          return asked.ok
            ? new Response(`${asked.caller.account.address} ${asked.caller.via}`)
            : asked.response
        },
      },
    ],
  })
  assert.equal((await house.fetch('/who')).status, 401)
  const told = await house.fetch('/who', { headers: basic('ann@example.org') })
  assert.equal(await told.text(), 'ann@example.org password')
})

test('changes that another site’s page asks for are refused for every mount, unless they bring credentials', async (context) => {
  const house = await openHttpHouse(context, { mounts: [mount(['/x'], 'x')] })
  const foreign = { 'sec-fetch-site': 'cross-site' }
  assert.equal(await named(house, '/x', { method: 'POST', headers: foreign }), '403')
  assert.equal(
    await named(house, '/x', { method: 'POST', headers: { ...foreign, ...basic('ann@example.org') } }),
    'x',
  )
  assert.equal(await named(house, '/x', { headers: foreign }), 'x')
  assert.equal(await named(house, '/x', { method: 'POST' }), 'x')
})

test('a catcher answers under names that no stranger can point here', async (context) => {
  const settings = { web: { hosts: ['Dev.Example.com'] } }
  const house = await openHttpHouse(context, {
    settings,
    mounts: [mount(['/x'], 'x')],
    parts: { access: 'open' },
  })
  const around = { remoteAddress: '127.0.0.1', secure: false, stopping: new AbortController().signal }
  const ask = async (host: string) => (await house.site.fetch(new Request(`http://${host}/x`), around)).status
  for (const host of [
    '127.0.0.1:8025',
    '[::1]',
    'localhost:1',
    'mail',
    'a.localhost',
    'mail.example.org',
    'dev.example.com',
  ]) {
    assert.equal(await ask(host), 200, host)
  }
  for (const host of ['evil.example', '127.0.0.1.evil.example', 'localhost.evil.example']) {
    assert.equal(await ask(host), 403, host)
  }
})

/** Counts, and says everything twice. */
function echo(log: string[], handler: Partial<WebSocketHandler> = {}): HttpMount<Account> {
  return {
    paths: ['/ws'],
    fetch: async () => new Response('here is a WebSocket'),
    async upgrade(request, env) {
      const asked = await env.authenticate(request)
      if (!asked.ok) return asked.response
      let say = (_text: string): void => {}
      return {
        protocol: 'echo',
        maxMessageSize: 1000,
        opened(peer) {
          say = (text) => peer.send(text)
          log.push('opened')
        },
        message(text) {
          say(text)
          say(text)
        },
        closed() {},
        ...handler,
      }
    },
  }
}

async function listen(context: TestContext, house: HttpHouse) {
  const clock = new RealClock()
  const listener = await startHttp({
    ...{ clock, events: house.parts.events, config: house.config.http, web: house.config.web },
    site: () => Promise.resolve(house.site),
    ...{ address: '127.0.0.1', port: 0, identity: null },
    connections: new ConnectionCount({ total: 10, perAddress: 10, perPrefix: 10 }),
  })
  context.after(() => listener.stop(0))
  const origin = `http://127.0.0.1:${listener.points[0]?.port}`
  return { listener, origin, url: `${origin.replace('http', 'ws')}/ws` }
}

function closed(socket: WebSocket): Promise<number> {
  return new Promise((resolve) => socket.once('close', resolve))
}

/** The status of a handshake that is refused, or 101. */
function opened(socket: WebSocket): Promise<number> {
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(101))
    socket.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0))
    socket.once('error', reject)
  })
}

const clear = { parts: { clearText: 'allowed' } } as const

test('a WebSocket speaks with its handler until the server stops', async (context) => {
  const log: string[] = []
  const over = Promise.withResolvers<void>()
  const house = await openHttpHouse(context, { mounts: [echo(log, { closed: over.resolve })], ...clear })
  const { listener, url } = await listen(context, house)
  const socket = new WebSocket(url, ['other', 'echo'], { headers: basic('ann@example.org') })
  const heard: string[] = []
  const twice = Promise.withResolvers<void>()
  socket.on('message', (data: Buffer) => {
    heard.push(data.toString())
    if (heard.length === 2) twice.resolve()
  })
  assert.equal(await opened(socket), 101)
  assert.equal(socket.protocol, 'echo')
  socket.send('hello')
  await twice.promise
  assert.deepEqual(heard, ['hello', 'hello'])
  const gone = closed(socket)
  await listener.stop(5000)
  assert.equal(await gone, 1001)
  await over.promise
  assert.deepEqual(log, ['opened'])
})

test('a WebSocket that nobody may open, or nobody is behind, is refused with an answer', async (context) => {
  const house = await openHttpHouse(context, { mounts: [echo([])], ...clear })
  const { url } = await listen(context, house)
  assert.equal(await opened(new WebSocket(url)), 401)
  assert.equal(await opened(new WebSocket(url.replace('/ws', '/api/v1/health'))), 404)
})

test('a handshake that comes to nothing lets go of its handler', async (context) => {
  const over = Promise.withResolvers<void>()
  const log: string[] = []
  const house = await openHttpHouse(context, { mounts: [echo(log, { closed: over.resolve })], ...clear })
  const { url } = await listen(context, house)
  // Without a key.
  const headers = { ...basic('ann@example.org'), connection: 'upgrade', upgrade: 'websocket' }
  const asking = request(url.replace('ws:', 'http:'), { headers })
  asking.end()
  const [{ statusCode }] = await once(asking, 'response')
  assert.equal(statusCode, 400)
  await over.promise
  assert.deepEqual(log, [])
})

test('too large, not text, and too slow a WebSocket is closed', async (context) => {
  const settings = { web: { webSocketBuffer: '64 KB', webSocketPing: '10m' } }
  const big = 'x'.repeat(4_000_000)
  const mounts = [
    echo([]),
    {
      ...echo([], {
        opened: (peer) => {
          peer.send(big)
          peer.send(big)
        },
      }),
      paths: ['/flood'],
    },
  ]
  const house = await openHttpHouse(context, { mounts, settings, ...clear })
  const { url } = await listen(context, house)
  const headers = basic('ann@example.org')
  const large = new WebSocket(url, { headers })
  await opened(large)
  large.send('x'.repeat(1001))
  assert.equal(await closed(large), 1009)
  const binary = new WebSocket(url, { headers })
  await opened(binary)
  binary.send(Buffer.from('x'))
  assert.equal(await closed(binary), 1003)
  const slow = new WebSocket(url.replace('/ws', '/flood'), { headers })
  const code = closed(slow)
  await opened(slow)
  assert.equal(await code, 1013)
})

test('messages of one piece come one after the other, each when the one before is done', async (context) => {
  const order: string[] = []
  const turns = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const handler = {
    async message(text: string) {
      order.push(`begin ${text}`)
      await turns[Number(text)]?.promise
      order.push(`end ${text}`)
    },
  }
  const house = await openHttpHouse(context, { mounts: [echo([], handler)], ...clear })
  const { url } = await listen(context, house)
  const socket = new WebSocket(url, { headers: basic('ann@example.org') })
  await opened(socket)
  socket.send('0')
  socket.send('1')
  turns[1]?.resolve()
  turns[0]?.resolve()
  const gone = closed(socket)
  socket.close()
  await gone
  assert.deepEqual(order, ['begin 0', 'end 0', 'begin 1', 'end 1'])
})

test('a session opens a WebSocket from our own pages alone', async (context) => {
  const house = await openHttpHouse(context, { mounts: [echo([])], ...clear })
  const { url, origin } = await listen(context, house)
  const answer = await fetch(`${origin}/api/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ address: 'ann@example.org', password }),
  })
  const cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  assert.match(cookie, /^posthorn-session=/)
  const with_ = (more: Record<string, string>) => opened(new WebSocket(url, { headers: { cookie, ...more } }))
  assert.equal(await with_({ origin }), 101)
  assert.equal(await with_({ origin: 'http://evil.example' }), 403)
  assert.equal(await with_({}), 403)
})

test('what serves is loaded at the first request; a failure to load is told, and tried again', async (context) => {
  const house = await openHttpHouse(context)
  let tries = 0
  const listener = await startHttp({
    ...{
      clock: new RealClock(),
      events: house.parts.events,
      config: house.config.http,
      web: house.config.web,
    },
    site: () => (++tries === 1 ? Promise.reject(new Error('not today')) : Promise.resolve(house.site)),
    ...{ address: '127.0.0.1', port: 0, identity: null },
    connections: new ConnectionCount({ total: 10, perAddress: 10, perPrefix: 10 }),
  })
  context.after(() => listener.stop(0))
  assert.equal(tries, 0)
  const url = `http://127.0.0.1:${listener.points[0]?.port}/api/v1/health`
  await assert.rejects(fetch(url))
  assert.equal((await fetch(url)).status, 200)
  assert.equal(house.memory.count('http.trouble'), 1)
})

test('a WebSocket that does not answer is cut', async (context) => {
  const house = await openHttpHouse(context, { mounts: [echo([])], ...clear })
  const clock = new VirtualClock()
  const listener = await startHttp({
    ...{ clock, events: house.parts.events, config: house.config.http, web: house.config.web },
    site: () => Promise.resolve(house.site),
    ...{ address: '127.0.0.1', port: 0, identity: null },
    connections: new ConnectionCount({ total: 10, perAddress: 10, perPrefix: 10 }),
  })
  context.after(() => listener.stop(0))
  const url = `ws://127.0.0.1:${listener.points[0]?.port}/ws`
  const headers = basic('ann@example.org')
  const silent = new WebSocket(url, { headers, autoPong: false })
  await opened(silent)
  const asked = once(silent, 'ping')
  await clock.advance('30s')
  await asked
  const gone = closed(silent)
  await clock.advance('30s')
  assert.equal(await gone, 1006)
})

test('what a mount is told of a request: who sent it, and what the client calls us', async (context) => {
  const told: HttpMount<Account> = {
    paths: ['/told'],
    fetch: async (_request, { origin, secure, remoteAddress }) =>
      Response.json({ origin, secure, remoteAddress }),
  }
  const around = { remoteAddress: '192.0.2.9', stopping: new AbortController().signal }
  const ask = async (settings: { web?: { origin: string } }, secure: boolean): Promise<unknown> => {
    const house = await openHttpHouse(context, { settings, mounts: [told] })
    return (
      await house.site.fetch(new Request('http://mail.example.net:81/told'), { ...around, secure })
    ).json()
  }
  const { remoteAddress } = around
  assert.deepEqual(await ask({}, false), {
    origin: 'http://mail.example.net:81',
    secure: false,
    remoteAddress,
  })
  // A trusted proxy said so.
  assert.deepEqual(await ask({}, true), {
    origin: 'https://mail.example.net:81',
    secure: true,
    remoteAddress,
  })
  const web = { origin: 'https://post.example' }
  assert.deepEqual(await ask({ web }, true), { origin: 'https://post.example', secure: true, remoteAddress })
})
