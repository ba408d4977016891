// What leaves the catcher, who may look into it, and where it listens.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import { type AddressInfo, connect as connectSocket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createTransport } from 'nodemailer'
import type { MessageDetail } from '../../src/catcher/api/schema.ts'
import { resolveConfig } from '../../src/config/layers.ts'
import {
  askCatcher,
  jsonRequest,
  letter,
  type ListedMail,
  newestCaught,
  openCatcherHouse,
  subjectsOf,
} from '../support/catcher-house.ts'

test('release, forward and automatic relay go to the configured host, and only to whom it allows', async (context) => {
  const far = await openCatcherHouse(context)
  const relay = { host: '127.0.0.1', port: far.smtpPort, username: 'relay', password: 'x' }
  const the = await openCatcherHouse(context, {
    catcher: {
      relay: {
        ...relay,
        ...{ allow: '@(example\\.org|team\\.example)$', auto: 'matching', matching: '^boss@' },
        forward: ['archive@team.example'],
      },
    },
  })
  await the.send(letter('to ann', 'x', ['Bcc: secret@example.org', 'Message-ID: <1@shop>']))
  await the.catcher.settled()
  assert.deepEqual(await subjectsOf(far), ['to ann'])
  const id = await newestCaught(the)
  await askCatcher(the, `/messages/${id}/release`, jsonRequest('POST', { to: ['qa@team.example'] }))
  const refused = await the.get(
    `/api/v1/catcher/messages/${id}/release`,
    jsonRequest('POST', { to: ['real@customer.example'] }),
  )
  assert.equal(refused.status, 403)
  const mailpit = await the.get(
    `/api/v1/message/${id}/release`,
    jsonRequest('POST', { To: ['real@customer.example'] }),
  )
  assert.deepEqual(
    [mailpit.status, await mailpit.text()],
    [400, 'Failed: Address do not match the allowlist: real@customer.example'],
  )
  await the.send(letter('to the boss'), { to: ['boss@example.org', 'real@customer.example'] })
  await the.catcher.settled()
  await far.catcher.settled()
  const arrived = (await askCatcher<ListedMail>(far, '/messages?limit=10')).messages
  assert.equal(arrived.length, 4)
  const recipients = await Promise.all(
    arrived.map(async (one) =>
      (await far.catcher.record(one.id))?.envelope.recipients.map(({ address }) => address).join(),
    ),
  )
  assert.deepEqual(
    recipients.toSorted((one = '', other = '') => (one < other ? -1 : 1)),
    [...['archive@team.example', 'archive@team.example', 'boss@example.org', 'qa@team.example']],
  )
  const source = await (await far.get(`/api/v1/message/${arrived.at(-1)?.id}/raw`)).text()
  assert.doesNotMatch(source, /secret@example\.org/)
  assert.match(source, /Message-ID: <1@shop>/i)
  await far.posthorn.stop()
  const gone = await the.get(
    `/api/v1/catcher/messages/${id}/release`,
    jsonRequest('POST', { to: ['qa@team.example'] }),
  )
  assert.equal(gone.status, 502)
})

test('webhooks are told of each message, and no more than so many in a minute', async (context) => {
  const heard: unknown[] = []
  const told = Promise.withResolvers<void>()
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      heard.push(JSON.parse(body))
      response.end()
      told.resolve()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}/hook`
  const the = await openCatcherHouse(context, { catcher: { webhooks: [{ url, perMinute: 1 }] } })
  await the.send(letter('first'))
  await the.send(letter('second'))
  await told.promise
  const { webhooks } = await askCatcher<{ webhooks: { skipped: number }[] }>(the, '/webhooks')
  assert.ok((webhooks[0]?.skipped ?? 0) <= 1)
  assert.equal((heard[0] as { Subject: string }).Subject, 'first')
})

test('with users configured, nobody else reads; pages of other origins only where listed', async (context) => {
  const the = await openCatcherHouse(context, {
    catcher: { users: [{ name: 'dev', password: 'pass' }], cors: ['http://app.test'] },
  })
  for (const path of ['/api/v1/messages', '/api/v1/catcher/messages', '/view/latest.txt']) {
    const refused = await the.get(path)
    assert.equal(refused.status, 401, path)
    assert.match(refused.headers.get('www-authenticate') ?? '', /^Basic /)
  }
  const authorization = `Basic ${Buffer.from('dev:pass').toString('base64')}`
  const headers = { authorization, origin: 'http://app.test' }
  const answer = await the.get('/api/v1/messages', { headers })
  assert.equal(answer.status, 200)
  assert.equal(answer.headers.get('access-control-allow-origin'), 'http://app.test')
  const foreign = await the.get('/api/v1/messages', {
    headers: { authorization, origin: 'http://evil.test' },
  })
  assert.equal(foreign.headers.get('access-control-allow-origin'), null)
  const preflight = await the.get('/api/v1/messages', {
    method: 'OPTIONS',
    headers: { origin: 'http://app.test', 'access-control-request-method': 'DELETE' },
  })
  assert.equal(preflight.status, 204)
  assert.match(preflight.headers.get('access-control-allow-methods') ?? '', /DELETE/)
  const open = await openCatcherHouse(context, { catcher: { cors: ['http://app.test'] } })
  const change = (origin: string): Promise<Response> =>
    open.get('/api/v1/messages', {
      method: 'DELETE',
      body: '{}',
      headers: { origin, 'sec-fetch-site': 'cross-site' },
    })
  assert.equal((await change('http://app.test')).status, 200)
  assert.equal((await change('http://evil.test')).status, 403)
})

test('every service listens on a UNIX socket too', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-sockets-'))
  context.after(() => rm(folder, { recursive: true, force: true }))
  const at = (name: string): string => join(folder, name)
  const the = await openCatcherHouse(context, {
    listeners: [
      ...(['catcher', 'http'] as const).map((service) => ({
        ...{ service, address: '127.0.0.1', port: 0, tls: 'none' as const },
      })),
      { service: 'catcher', path: at('smtp.sock'), tls: 'starttls' },
      { service: 'imap', path: at('imap.sock'), mode: '0600', tls: 'none' },
      { service: 'http', path: at('http.sock'), tls: 'none' },
    ],
  })
  const transport = createTransport({
    connection: connectSocket(at('smtp.sock')),
    ...{ requireTLS: true, tls: { rejectUnauthorized: false } },
  })
  await transport.sendMail({ from: 'app@shop.example', to: 'ann@example.org', subject: 'By file', text: 'x' })
  const status = await new Promise<string>((resolve, reject) => {
    const options = { socketPath: at('http.sock'), path: '/api/v1/catcher/messages?query=subject:file' }
    const asked = request({ ...options, headers: { host: 'localhost' } }, (answer) => {
      answer.setEncoding('utf8')
      let text = ''
      answer.on('data', (piece: string) => (text += piece))
      answer.on('end', () => resolve(text))
    })
    asked.on('error', reject).end()
  })
  assert.match(status, /"subject":"By file"/)
  const detail = await askCatcher<MessageDetail>(the, `/messages/${await newestCaught(the)}`)
  assert.equal(detail.record?.session?.remoteAddress, '127.0.0.1')
  const { listeners } = await askCatcher<{ listeners: unknown[] }>(the, '/status')
  assert.deepEqual(listeners.slice(2, 3), [{ service: 'catcher', port: 0, path: at('smtp.sock') }])
})

test('a listener has a port or a path, and not both', () => {
  const load = (listener: object): unknown =>
    resolveConfig([
      { name: 'test', settings: { profile: 'test', listeners: [{ service: 'catcher', ...listener }] } },
    ])
  assert.throws(() => load({}), /either a port or a path/)
  assert.throws(() => load({ port: 25, path: '/run/a.sock' }), /either a port or a path/)
  assert.throws(() => load({ path: 'a.sock' }), /absolute path/)
  assert.throws(() => load({ path: '/run/a.sock', mode: '999' }), /permissions/)
})
