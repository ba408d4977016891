// JMAP of a whole server over real sockets: log-in, uploads and downloads that stream, an event stream and a WebSocket that tell of what
// changes, and a push to a service on this machine.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { Agent, createServer, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { WebSocket } from 'ws'
import { resolveConfig } from '../../src/config/layers.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { startPosthorn } from '../../src/main.ts'
import type { Store } from '../../src/store/store.ts'

const password = 'correct horse, batterie 9'
const authorization = `Basic ${Buffer.from(`ann@x.test:${password}`).toString('base64')}`
const headers = { authorization }
const using = ['urn:ietf:params:jmap:core', 'urn:ietf:params:jmap:quota']

interface Scene {
  readonly store: Store
  readonly url: string
  readonly imapPort: number
}

async function openServer(context: TestContext, jmap: ConfigInput['jmap'] = {}): Promise<Scene> {
  const config = resolveConfig([
    {
      name: 'test',
      settings: {
        ...{ data: null, hostname: 'mail.x.test', relay: { enabled: false }, jmap },
        auth: { argon2Memory: 8, argon2Passes: 1, allowClearText: true },
        listeners: [
          { service: 'http', address: '127.0.0.1', port: 0, tls: 'none' },
          { service: 'imap', address: '127.0.0.1', port: 0, tls: 'none' },
        ],
      },
    },
  ])
  const posthorn = await startPosthorn(config)
  context.after(() => posthorn.stop())
  const { operations, backend } = posthorn
  await operations.run('domain.add', { name: 'x.test' })
  await operations.run('account.add', {
    address: 'ann@x.test',
    password,
    quota: { bytes: 100_000, messages: null },
  })
  const [http, imap] = posthorn.listeners
  return { store: backend.store, url: `http://127.0.0.1:${http?.port}`, imapPort: imap?.port ?? 0 }
}

/** Moves the state of Quota: a mailbox is no mail, a message is. */
async function append({ store }: Scene, text: string): Promise<void> {
  const entry = await store.findAddress('ann@x.test')
  assert.ok(entry?.type === 'account')
  const { ingest } = await import('../../src/store/ingest.ts')
  const staging = ingest({ blobs: store.blobs })
  await staging.write(Buffer.from(text))
  const { message } = await staging.finish()
  const done = await store.deliver({
    ...{ message, internalDate: 1, targets: [{ account: entry.account.id, prefix: 'Return-Path: <>\r\n' }] },
  })
  assert.ok(done.ok)
}

const mail = 'From: a@x.test\r\nSubject: hi\r\n\r\nText.\r\n'

test('uploads and downloads stream, whole and in ranges', async (context) => {
  const { url } = await openServer(context)
  const session = await (await fetch(`${url}/.well-known/jmap`, { headers })).json()
  assert.equal((session as { apiUrl: string }).apiUrl, `${url}/jmap/api`)
  const octets = Buffer.alloc(700_000, 'Posthorn. ')
  const uploaded = await fetch(`${url}/jmap/upload/A1`, {
    ...{ method: 'POST', body: octets, headers: { ...headers, 'content-type': 'image/png' } },
  })
  const { blobId, ...told } = (await uploaded.json()) as { blobId: string }
  assert.deepEqual(told, { accountId: 'A1', size: 700_000, type: 'image/png' })
  const place = `${url}/jmap/download/A1/${blobId}/${encodeURIComponent('Grüße/1.png')}?accept=image/png`
  const whole = await fetch(place, { headers })
  assert.equal(whole.headers.get('content-type'), 'image/png')
  assert.equal(whole.headers.get('content-length'), '700000')
  assert.equal(whole.headers.get('cache-control'), 'private, immutable, max-age=31536000')
  assert.match(
    whole.headers.get('content-disposition') ?? '',
    /^attachment; .*filename\*=UTF-8''Gr%C3%BC%C3%9Fe%2F1.png$/,
  )
  assert.ok(octets.equals(Buffer.from(await whole.arrayBuffer())))
  const part = await fetch(place, { headers: { ...headers, range: 'bytes=9-19' } })
  assert.deepEqual(
    [part.status, part.headers.get('content-range'), await part.text()],
    [206, 'bytes 9-19/700000', ' Posthorn. '],
  )
  assert.equal((await fetch(place)).status, 401)
})

test('an event stream tells of mail, and what was missed by its last id', async (context) => {
  const scene = await openServer(context)
  const listen = async (more: Record<string, string> = {}): Promise<{ id: string; changed: object }> => {
    const place = `${scene.url}/jmap/eventsource?types=*&closeafter=state&ping=0`
    const response = await fetch(place, { headers: { ...headers, ...more } })
    assert.equal(response.headers.get('content-type'), 'text/event-stream')
    if (Object.keys(more).length === 0) await append(scene, mail)
    const text = await response.text()
    const [, id = '', data = ''] = /event: state\nid: (\S+)\ndata: (.*)\n\n$/.exec(text) ?? []
    return { id, ...JSON.parse(data) }
  }
  const first = await listen()
  assert.deepEqual(Object.keys(first.changed), ['A1'])
  assert.ok('Quota' in (Object.values(first.changed)[0] as object))
  await append(scene, mail)
  const second = await listen({ 'last-event-id': first.id })
  assert.notDeepEqual(second.changed, first.changed)
  const third = await listen({ 'last-event-id': 'nonsense' })
  assert.deepEqual(third.id, second.id)
})

test('a WebSocket answers requests, tells errors and pushes', async (context) => {
  const scene = await openServer(context)
  const socket = new WebSocket(`${scene.url.replace('http', 'ws')}/jmap/ws`, 'jmap', { headers })
  context.after(() => socket.terminate())
  await once(socket, 'open')
  assert.equal(socket.protocol, 'jmap')
  const ask = async (message: string | object): Promise<Record<string, unknown>> => {
    socket.send(typeof message === 'string' ? message : JSON.stringify(message))
    const [data] = await once(socket, 'message')
    return JSON.parse(String(data))
  }
  const echo = ['Core/echo', { hello: true, high: 5 }, 'b3ff']
  const { sessionState, ...response } = await ask({
    '@type': 'Request',
    id: 'R1',
    using,
    methodCalls: [echo],
  })
  assert.equal(typeof sessionState, 'string')
  assert.deepEqual(response, { '@type': 'Response', requestId: 'R1', methodResponses: [echo] })
  assert.deepEqual(await ask('The quick brown fox'), {
    ...{ '@type': 'RequestError', requestId: null, type: 'urn:ietf:params:jmap:error:notJSON', status: 400 },
    detail: 'The text is not JSON.',
  })
  assert.equal((await ask({ '@type': 'Other', id: 'x' }))['requestId'], 'x')
  socket.send(JSON.stringify({ '@type': 'WebSocketPushEnable', dataTypes: ['Quota'] }))
  // Answered after the wish was heard.
  await ask({ '@type': 'Request', using, methodCalls: [] })
  const told = once(socket, 'message')
  await append(scene, mail)
  const change = JSON.parse(String((await told)[0]))
  assert.deepEqual(Object.keys(change), ['@type', 'changed', 'pushState'])
  assert.deepEqual(Object.keys(change.changed.A1), ['Quota'])
})

test('a push subscription is verified, and then told of changes', async (context) => {
  const scene = await openServer(context, { pushToLoopback: true, pushInterval: 0 })
  const heard: { headers: IncomingHttpHeaders; body: Record<string, unknown> }[] = []
  const news = Promise.withResolvers<void>()
  const service = createServer((request, response) => {
    void request.toArray().then((chunks: Buffer[]) => {
      heard.push({ headers: request.headers, body: JSON.parse(Buffer.concat(chunks).toString()) })
      response.writeHead(201).end()
      if (heard.length === 2) news.resolve()
    })
  })
  service.listen(0, '127.0.0.1')
  context.after(() => service.close())
  await once(service, 'listening')
  const address = service.address()
  assert.ok(typeof address === 'object' && address !== null)
  const call = async (args: object): Promise<Record<string, Record<string, Record<string, unknown>>>> => {
    const body = JSON.stringify({ using, methodCalls: [['PushSubscription/set', args, '0']] })
    const response = await fetch(`${scene.url}/jmap/api`, {
      ...{ method: 'POST', body, headers: { ...headers, 'content-type': 'application/json' } },
    })
    const { methodResponses } = (await response.json()) as { methodResponses: [[string, never, string]] }
    return methodResponses[0][1]
  }
  const verified = once(service, 'request')
  const subscription = { deviceClientId: 'a', url: `http://127.0.0.1:${address.port}/p`, types: ['Quota'] }
  const made = await call({ create: { k: subscription } })
  const id = String(made['created']?.['k']?.['id'])
  await verified
  while (heard.length === 0) await new Promise((resolve) => setImmediate(resolve))
  const [verification] = heard
  assert.deepEqual(
    [verification?.body['@type'], verification?.body['pushSubscriptionId']],
    ['PushVerification', id],
  )
  const { verificationCode } = verification?.body ?? {}
  await call({ update: { [id]: { verificationCode } } })
  await append(scene, mail)
  await news.promise
  assert.deepEqual(Object.keys(heard[1]?.body ?? {}), ['@type', 'changed'])
  assert.equal(heard[1]?.headers['content-type'], 'application/json')
  assert.match(String(heard[1]?.headers.authorization), /^vapid t=/)
  assert.ok(Number(heard[1]?.headers['ttl']) > 0)
})

test('IMAP tells where the session is (RFC 9698)', async (context) => {
  const { url, imapPort } = await openServer(context)
  const socket = connect(imapPort, '127.0.0.1')
  context.after(() => socket.destroy())
  socket.write(`a LOGIN ann@x.test "${password}"\r\nb GETJMAPACCESS\r\nc LOGOUT\r\n`)
  const text = Buffer.concat(await socket.toArray()).toString()
  assert.match(text, /a OK \[CAPABILITY .* JMAPACCESS /)
  const [, place = ''] = /^\* JMAPACCESS "(.*)"\r\nb OK/m.exec(text) ?? []
  assert.equal(place, `${url}/jmap/session`)
  assert.equal((await fetch(place, { headers })).status, 200)
})

test('whoever sends too much hears so, and is not cut', async (context) => {
  const { url } = await openServer(context, { maxSizeUpload: '1 MB', maxSizeRequest: '1 MB' })
  const body = Buffer.alloc(8_000_000, ' ')
  const post = async (
    path: string,
    type: string,
    sent: Buffer | ReadableStream,
  ): Promise<[number, unknown]> => {
    const response = await fetch(`${url}${path}`, {
      ...{ method: 'POST', body: sent, headers: { ...headers, 'content-type': type } },
      // What fetch wants for a stream.
      ...{ duplex: 'half' },
    })
    return [response.status, ((await response.json()) as { limit?: string }).limit]
  }
  const streamed = (): ReadableStream => new Blob([body]).stream()
  assert.deepEqual(await post('/jmap/api', 'application/json', body), [400, 'maxSizeRequest'])
  assert.deepEqual(await post('/jmap/upload/A1', 'image/png', body), [413, 'maxSizeUpload'])
  assert.deepEqual(await post('/jmap/api', 'application/json', streamed()), [400, 'maxSizeRequest'])
  assert.deepEqual(await post('/jmap/upload/A1', 'image/png', streamed()), [413, 'maxSizeUpload'])
})

test('the connection of whoever sent too much can be used again', async (context) => {
  const { url } = await openServer(context, { maxSizeUpload: '1 KB', maxSizeRequest: '1 KB' })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  context.after(() => agent.destroy())
  const ask = async (path: string, body: Buffer | null): Promise<[number | undefined, boolean]> => {
    const method = body === null ? 'GET' : 'POST'
    const type = { 'content-type': 'application/json' }
    const asked = request(`${url}${path}`, { method, agent, headers: { ...headers, ...type } })
    // Several writes, so that it comes in chunks.
    for (let at = 0; body !== null && at < body.length; at += 3000) asked.write(body.subarray(at, at + 3000))
    asked.end()
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    response.resume()
    await once(response, 'end')
    return [response.statusCode, asked.reusedSocket]
  }
  const body = Buffer.alloc(150_000, ' ')
  assert.deepEqual(await ask('/jmap/api', body), [400, false])
  assert.deepEqual(await ask('/jmap/session', null), [200, true])
  assert.deepEqual(await ask('/jmap/upload/A1', body), [413, true])
  assert.deepEqual(await ask('/jmap/session', null), [200, true])
})
