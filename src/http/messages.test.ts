// The send API as a program uses it: what is taken, what arrives, and what is refused.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { basic, openHttpHouse, password } from '../../test/support/http-house.ts'
import { RelayScene } from '../../test/support/relay-scene.ts'
import { testStore } from '../../test/support/store.ts'
import { createEvents } from '../events/event.ts'
import { ingest } from '../store/ingest.ts'
import { createSendDirect } from './direct.ts'
import type { SendResponse, StatusResponse } from './schema.ts'

const minimal = { from: 'ann@example.org', to: 'bob@example.org', subject: 'Hello', text: 'Hi Bob\n' }

/** The body of an answer, which the test says the shape of. */
async function json<T>(response: Response): Promise<T> {
  return (await response.json()) as T
}

async function codeOf(response: Response): Promise<[number, string]> {
  assert.equal(response.headers.get('content-type'), 'application/problem+json')
  return [response.status, (await json<{ code: string }>(response)).code]
}

test('a message is composed, delivered and told', async (context) => {
  const house = await openHttpHouse(context)
  const response = await house.post({
    from: { address: 'ann@example.org', name: 'Ann Ünal' },
    to: [{ address: 'bob@example.org', name: 'Bob' }],
    cc: 'carol@far.example',
    bcc: ['dora@far.example'],
    subject: 'Grüße',
    text: 'Hi\n',
    html: '<p>Hi <img src="cid:logo"></p>',
    attachments: [
      { filename: 'naïve.txt', contentType: 'text/plain', content: Buffer.from('data').toString('base64') },
      { filename: 'logo.png', contentType: 'image/png', content: 'AAAA', cid: 'logo' },
    ],
    headers: { 'X-Campaign': 'autumn' },
  })
  assert.equal(response.status, 202)
  const sent = await json<SendResponse>(response)
  assert.deepEqual(sent.recipients, [
    { address: 'bob@example.org', status: 'delivered' },
    { address: 'carol@far.example', status: 'queued' },
    { address: 'dora@far.example', status: 'queued' },
  ])
  const [message = ''] = await house.inbox('bob@example.org')
  assert.match(message, /^From: =\?UTF-8\?Q\?Ann_=C3=9Cnal\?= <ann@example\.org>\r\n/m)
  assert.match(message, /^To: Bob <bob@example\.org>\r\n/m)
  assert.match(message, /^Subject: =\?UTF-8\?/m)
  assert.match(message, /^X-Campaign: autumn\r\n/m)
  assert.match(message, /^Date: Thu, 0?1 Jan 2026 /m)
  assert.match(message, /^Message-ID: <[^>]+@mail\.example\.org>\r\n/im)
  assert.doesNotMatch(message, /dora|bcc/i)
  assert.doesNotMatch(message.replaceAll('\r\n', ''), /[\r\n]/)
  const [entry] = await house.queued()
  assert.match(entry?.message.prefix ?? '', /with HTTP\s+id/)
  assert.equal(entry?.message.origin, 'api')
  assert.equal(house.memory.count('http.message-accepted'), 1)
})

test('a whole message comes as it is, its recipients from the query or from the header', async (context) => {
  const house = await openHttpHouse(context)
  const raw =
    'From: ann@example.org\nTo: Bob <bob@example.org>, carol@far.example\nBcc: d@far.example\n\nHi\rthere\n'
  const send = (query: string, body = raw): Promise<Response> =>
    house.fetch(`/api/v1/messages${query}`, {
      method: 'POST',
      headers: { ...basic('ann@example.org'), 'content-type': 'message/rfc822' },
      body,
    })
  const all = await json<SendResponse>(await send(''))
  assert.deepEqual(
    all.recipients.map(({ address }) => address),
    ['bob@example.org', 'carol@far.example', 'd@far.example'],
  )
  const [message = ''] = await house.inbox('bob@example.org')
  assert.match(message, /^From: ann@example\.org\r\nTo: Bob <bob@example\.org>, carol@far\.example\r\n/)
  assert.match(message, /\r\n\r\nHi\r\nthere\r\n$/)
  assert.doesNotMatch(message, /bcc/i)
  const named = await json<SendResponse>(await send('?to=bob@example.org&from='))
  assert.deepEqual(named.recipients, [{ address: 'bob@example.org', status: 'delivered' }])
  assert.deepEqual(await codeOf(await send('?to=nobody')), [422, 'bad-recipient'])
  assert.deepEqual(await codeOf(await send('', 'To: bob@example.org\n\nx')), [422, 'no-author'])
  assert.deepEqual(await codeOf(await send('', 'From: eve@far.example\nTo: bob@example.org\n\nx')), [
    403,
    'foreign-sender',
  ])
  const foreign = 'From: ann@example.org\nSender: eve@far.example\nTo: bob@example.org\n\nx'
  assert.deepEqual(await codeOf(await send('', foreign)), [403, 'foreign-author'])
  const twice = 'From: ann@example.org\nFrom: ann@example.org\nTo: bob@example.org\n\nx'
  assert.deepEqual(await codeOf(await send('', twice)), [422, 'bad-author'])
  const resent = 'Resent-From: ann@example.org\nFrom: eve@far.example\nTo: bob@example.org\n\nx'
  assert.deepEqual(await codeOf(await send('', resent)), [403, 'foreign-author'])
})

test('where it is allowed, mail of others is sent on under a Resent-From of one’s own', async (context) => {
  const house = await openHttpHouse(context, { settings: { submission: { allowResent: true } } })
  const answer = await house.fetch('/api/v1/messages', {
    method: 'POST',
    headers: { ...basic('ann@example.org'), 'content-type': 'message/rfc822' },
    body: 'Resent-From: ann@example.org\nResent-To: bob@example.org\nFrom: eve@far.example\nTo: x@far.example\n\nx',
  })
  assert.equal(answer.status, 202)
  assert.deepEqual((await json<SendResponse>(answer)).recipients, [
    { address: 'bob@example.org', status: 'delivered' },
  ])
})

test('nobody gets in without the right password, or in the clear', async (context) => {
  const house = await openHttpHouse(context)
  for (const headers of [
    { authorization: '' },
    basic('ann@example.org', 'wrong'),
    basic('nobody@example.org'),
    { authorization: 'Bearer token' },
    { authorization: 'Basic !!!' },
  ]) {
    const response = await house.post(minimal, { headers })
    assert.match(response.headers.get('www-authenticate') ?? '', /^Basic /)
    assert.deepEqual(await codeOf(response), [401, 'unauthorized'])
  }
  const clear = await openHttpHouse(context, { secure: false })
  assert.deepEqual(await codeOf(await clear.post(minimal)), [403, 'tls-required'])
  assert.ok(password.length > 0)
})

test('where tokens are judged, answers say so', async (context) => {
  const verifyToken = (token: string): string | null => (token === 'good' ? 'ann@example.org' : null)
  const house = await openHttpHouse(context, { settings: { auth: { verifyToken } } })
  const challengeOf = async (headers: Record<string, string>): Promise<string | null> => {
    const response = await house.post(minimal, { headers })
    assert.equal(response.status, 401)
    return response.headers.get('www-authenticate')
  }
  const both = 'Basic realm="posthorn", charset="UTF-8", Bearer realm="posthorn"'
  assert.equal(await challengeOf({ authorization: '' }), both)
  assert.equal(await challengeOf(basic('ann@example.org', 'wrong')), both)
  assert.equal(await challengeOf({ authorization: 'Bearer bad' }), `${both}, error="invalid_token"`)
  assert.equal((await house.post(minimal, { headers: { authorization: 'Bearer good' } })).status, 202)
})

test('one sends under one’s own addresses alone', async (context) => {
  const house = await openHttpHouse(context)
  const foreign = { ...minimal, from: 'bob@example.org' }
  assert.deepEqual(await codeOf(await house.post(foreign)), [403, 'foreign-sender'])
  const author = { ...foreign, reversePath: 'ann@example.org' }
  assert.deepEqual(await codeOf(await house.post(author)), [403, 'foreign-author'])
  const subaddress = { ...minimal, from: 'ann+news@example.org' }
  assert.equal((await house.post(subaddress)).status, 202)
  assert.equal(house.memory.count('http.message-refused'), 2)
})

test('no value of a request can add or end a header', async (context) => {
  const house = await openHttpHouse(context)
  const evil = 'x\r\nBcc: eve@far.example'
  for (const change of [
    { subject: evil },
    { from: { address: 'ann@example.org', name: evil } },
    { from: `ann@example.org${evil}` },
    { to: [{ address: 'bob@example.org', name: 'a\nb' }] },
    { headers: { 'X-A': evil } },
    { headers: { 'X-A: b\r\nBcc': 'eve@far.example' } },
    { headers: { Bcc: 'eve@far.example' } },
    { headers: { 'Content-Type': 'text/html' } },
    { headers: { 'DKIM-Signature': 'v=1' } },
    { attachments: [{ filename: evil, content: '' }] },
    { attachments: [{ filename: 'a', contentType: evil, content: '' }] },
    { attachments: [{ filename: 'a', cid: evil, content: '' }] },
    { dsn: { envId: evil } },
  ]) {
    assert.deepEqual(await codeOf(await house.post({ ...minimal, ...change })), [422, 'invalid'])
  }
  assert.deepEqual(await house.inbox('bob@example.org'), [])
})

test('what is no request is refused in words', async (context) => {
  const house = await openHttpHouse(context)
  const { text: _, ...empty } = minimal
  assert.deepEqual(await codeOf(await house.post(empty)), [422, 'invalid'])
  assert.deepEqual(await codeOf(await house.post({ ...minimal, extra: 1 })), [422, 'invalid'])
  assert.deepEqual(await codeOf(await house.post({ ...minimal, to: [] })), [422, 'no-recipients'])
  assert.deepEqual(await codeOf(await house.post(minimal, { query: '?mode=fast' })), [400, 'bad-mode'])
  const type = { 'content-type': 'text/plain' }
  assert.deepEqual(await codeOf(await house.post(minimal, { headers: type })), [
    415,
    'unsupported-media-type',
  ])
  const response = await house.fetch('/api/v1/messages', {
    method: 'POST',
    headers: { ...basic('ann@example.org'), 'content-type': 'application/json' },
    body: '{',
  })
  assert.deepEqual(await codeOf(response), [400, 'bad-json'])
  assert.deepEqual(await codeOf(await house.fetch('/nothing')), [404, 'not-found'])
})

test('a path that is there names its methods; one that is not is not found', async (context) => {
  const house = await openHttpHouse(context)
  for (const [path, method, allow] of [
    ['/api/v1/messages', 'GET', 'POST'],
    ['/api/v1/messages', 'PUT', 'POST'],
    ['/api/v1/messages/x', 'POST', 'GET, HEAD, DELETE'],
    ['/api/v1/health', 'POST', 'GET, HEAD'],
    ['/api/v1/terminal', 'OPTIONS', 'GET, HEAD'],
  ] as const) {
    const response = await house.fetch(path, { method })
    assert.equal(response.headers.get('allow'), allow, `${method} ${path}`)
    assert.deepEqual(await codeOf(response), [405, 'method-not-allowed'])
  }
  assert.equal((await house.fetch('/api/v1/health', { method: 'HEAD' })).status, 200)
  assert.equal((await house.fetch('/api/v1/', { method: 'POST' })).status, 404)
})

test('recipients that cannot be served are told; with none left nothing is kept', async (context) => {
  const house = await openHttpHouse(context)
  const both = await json<SendResponse>(
    await house.post({ ...minimal, to: ['x@example.org', 'bob@example.org'] }),
  )
  assert.deepEqual(both.recipients, [
    { address: 'x@example.org', status: 'refused', reason: 'unknown-user' },
    { address: 'bob@example.org', status: 'delivered' },
  ])
  const none = await house.post({ ...minimal, to: 'x@example.org' })
  assert.equal(none.status, 422)
  assert.deepEqual(await json(none), {
    status: 422,
    code: 'no-recipients',
    detail: 'No recipient can be served.',
    recipients: [{ address: 'x@example.org', status: 'refused', reason: 'unknown-user' }],
  })
})

test('a recipient on the suppression list is told as failed, the second time too', async (context) => {
  const house = await openHttpHouse(context)
  const reason = 'bounced three times'
  await house.store.suppress({ address: 'gone@far.example', reason, since: 0, until: null })
  const headers = { 'idempotency-key': 'one' }
  const to = ['gone@far.example', 'carol@far.example', 'bob@example.org']
  for (const round of ['first', 'second']) {
    const answer = await house.post({ ...minimal, to }, { headers })
    assert.equal(answer.status, 202, round)
    const { id, recipients } = await json<SendResponse>(answer)
    assert.deepEqual(recipients, [
      {
        ...{ address: 'gone@far.example', status: 'failed' },
        reason: 'the address is on the suppression list: bounced three times',
      },
      { address: 'carol@far.example', status: 'queued' },
      { address: 'bob@example.org', status: 'delivered' },
    ])
    const seen = await house.fetch(`/api/v1/messages/${id}`, { headers: basic('ann@example.org') })
    const { recipients: stand } = await json<StatusResponse>(seen)
    assert.equal(stand.find(({ address }) => address === 'gone@far.example')?.status, 'failed')
  }
})

test('limits of size, recipients and rate hold', async (context) => {
  const settings = {
    maxMessageSize: '10 KB',
    http: { maxRecipients: 3 },
    submission: { messagesPerHour: 2, recipientsPerHour: 4 },
  }
  const house = await openHttpHouse(context, { settings })
  const large = { ...minimal, text: 'x'.repeat(20_000) }
  assert.deepEqual(await codeOf(await house.post(large)), [413, 'too-big'])
  const huge = { ...minimal, text: 'x'.repeat(2_000_000) }
  assert.deepEqual(await codeOf(await house.post(huge)), [413, 'too-large'])
  const many = ['a', 'b', 'c', 'd'].map((name) => `${name}@far.example`)
  assert.deepEqual(await codeOf(await house.post({ ...minimal, to: many })), [422, 'too-many-recipients'])
  assert.equal((await house.post(minimal)).status, 202)
  const beyond = await house.post(minimal)
  assert.equal(beyond.headers.get('retry-after'), '3600')
  assert.deepEqual(await codeOf(beyond), [429, 'rate'])
  await house.clock.advance('1h')
  assert.equal((await house.post({ ...minimal, to: many.slice(0, 3) })).status, 202)
  assert.deepEqual(await codeOf(await house.post({ ...minimal, to: many.slice(0, 3) })), [429, 'rate'])
})

test('a request with a key is done once', async (context) => {
  const house = await openHttpHouse(context)
  const headers = { 'idempotency-key': 'order-7' }
  const first = await json<SendResponse>(await house.post(minimal, { headers }))
  const again = await house.post(minimal, { headers })
  assert.equal(again.status, 202)
  assert.deepEqual(await json(again), first)
  const other = await house.post({ ...minimal, subject: 'Other' }, { headers })
  assert.deepEqual(await codeOf(other), [422, 'idempotency-key-reused'])
  assert.equal((await house.inbox('bob@example.org')).length, 1)
  const bad = await house.post(minimal, { headers: { 'idempotency-key': 'a b' } })
  assert.deepEqual(await codeOf(bad), [400, 'bad-idempotency-key'])
  const bob = { ...headers, ...basic('bob@example.org') }
  const bobs = await house.post({ ...minimal, from: 'bob@example.org' }, { headers: bob })
  assert.equal(bobs.status, 202, 'keys belong to accounts')
})

test('a message is held until its time, looked up and cancelled, by its sender alone', async (context) => {
  const house = await openHttpHouse(context)
  const at = new Date(house.clock.now() + 3_600_000).toISOString()
  const scheduled = { ...minimal, to: ['carol@far.example', 'bob@example.org'], scheduledAt: at }
  const sent = await json<SendResponse>(await house.post(scheduled))
  assert.equal(sent.scheduledAt, at)
  assert.deepEqual(
    sent.recipients.map(({ status }) => status),
    ['queued', 'queued'],
  )
  assert.deepEqual(await house.inbox('bob@example.org'), [])
  const path = `/api/v1/messages/${sent.id}`
  const headers = basic('ann@example.org')
  const seen = await json<StatusResponse>(await house.fetch(path, { headers }))
  assert.deepEqual(seen, {
    id: sent.id,
    acceptedAt: new Date(house.clock.now()).toISOString(),
    scheduledAt: at,
    recipients: ['carol@far.example', 'bob@example.org'].map((address) => {
      return { address, status: 'queued', nextAttempt: at, attempts: [] }
    }),
  })
  const foreign = { headers: basic('bob@example.org') }
  assert.deepEqual(await codeOf(await house.fetch(path, foreign)), [404, 'not-found'])
  assert.deepEqual(await codeOf(await house.fetch(path, { ...foreign, method: 'DELETE' })), [
    404,
    'not-found',
  ])
  const cancelled = await house.fetch(path, { headers, method: 'DELETE' })
  assert.deepEqual(await json(cancelled), { id: sent.id, cancelled: 2 })
  const gone = await json<StatusResponse>(await house.fetch(path, { headers }))
  assert.equal(gone.recipients[0]?.status, 'discarded')
  assert.deepEqual(await codeOf(await house.fetch(path, { headers, method: 'DELETE' })), [409, 'too-late'])
  const late = new Date(house.clock.now() + 100 * 86_400_000).toISOString()
  assert.deepEqual(await codeOf(await house.post({ ...minimal, scheduledAt: late })), [
    422,
    'scheduled-too-late',
  ])
})

test('what is asked of reports and TLS goes along', async (context) => {
  const house = await openHttpHouse(context)
  const dsn = { notify: ['success', 'failure'], ret: 'headers', envId: 'job-1' }
  const sent = await house.post({ ...minimal, to: 'carol@far.example', dsn, requireTls: true })
  assert.equal(sent.status, 202)
  const [entry] = await house.queued()
  assert.deepEqual(entry?.recipients[0]?.options.notify, ['success', 'failure'])
  const { ret, envId, requireTls } = entry.message.options
  assert.deepEqual({ ret, envId, requireTls }, { ret: 'headers', envId: 'job-1', requireTls: true })
})

test('directly delivered mail is answered with what the hosts said, and nothing is kept', async (context) => {
  const zone = '$ORIGIN far.example.\n@ MX 10 mx1\nmx1 A 192.0.2.1\n'
  const scene = new RelayScene({ zone })
  const peer = scene.peer('192.0.2.1', {
    name: 'mx1.far.example',
    rule: (line) => (line.startsWith('RCPT TO:<no@') ? '550 5.1.1 not here' : undefined),
  })
  const store = await testStore(context)
  const direct = createSendDirect({
    direct: scene.relay.direct,
    stage: () => ingest({ blobs: store.blobs }),
    blobs: store.blobs,
    clock: scene.clock,
    policy: null,
    events: createEvents([]),
    hostname: 'mail.example.org',
    maxMessageSize: 1000,
    maxHeaderSize: 1000,
  })
  const house = await openHttpHouse(context, { parts: { direct } })
  const to = ['carol@far.example', 'no@far.example']
  const answer = await house.post({ ...minimal, to }, { query: '?mode=direct' })
  assert.equal(answer.status, 200)
  assert.deepEqual((await json<SendResponse>(answer)).recipients, [
    { address: 'carol@far.example', status: 'delivered', reason: '250 2.0.0 taken' },
    { address: 'no@far.example', status: 'failed', reason: '550 5.1.1 not here' },
  ])
  assert.match(peer.messages[0]?.content ?? '', /^Received: [^]*?with HTTP[^]*?\r\nSubject: Hello\r\n/)
  assert.deepEqual(await house.queued(), [])
  const large = await house.post({ ...minimal, to, text: 'x'.repeat(2000) }, { query: '?mode=direct' })
  assert.deepEqual(await codeOf(large), [413, 'too-big'])
})
