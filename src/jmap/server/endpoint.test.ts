import assert from 'node:assert/strict'
import { test } from 'node:test'
import { JmapHouse, standardUsing } from '../../../test/support/jmap-house.ts'

const core = 'urn:ietf:params:jmap:core'
const echo = ['Core/echo', { hello: true, high: 5 }, 'b3ff'] as const
const error = (kind: string): string => `urn:ietf:params:jmap:error:${kind}`

test('Core/echo answers as RFC 8620 §4.1 has it, with the state of the session', async (context) => {
  const house = await JmapHouse.open(context)
  const ann = await house.account('ann')
  const { status, body } = await house.request(ann, { using: [core], methodCalls: [echo], unheardOf: 1 })
  const { state } = await house.session(ann)
  assert.equal(status, 200)
  assert.deepEqual(body, { methodResponses: [echo], sessionState: state })
})

test('created ids come back where they were given', async (context) => {
  const house = await JmapHouse.open(context)
  const ann = await house.account('ann')
  const request = { using: [core], methodCalls: [], createdIds: { k1: 'M1' } }
  assert.deepEqual((await house.request(ann, request)).body['createdIds'], { k1: 'M1' })
})

test('errors of a request are problem details with the types of RFC 8620 §3.6.1', async (context) => {
  const house = await JmapHouse.open(context, { config: { maxSizeRequest: 2000, maxCallsInRequest: 2 } })
  const ann = await house.account('ann')
  const post = async (body: string, type = 'application/json'): Promise<[number, unknown, unknown]> => {
    const response = await house.fetch(ann, '/jmap/api', {
      method: 'POST',
      body,
      headers: { 'content-type': type },
    })
    assert.equal(response.headers.get('content-type'), 'application/problem+json')
    const problem = (await response.json()) as { type: string; status: number; limit?: string }
    assert.equal(problem.status, response.status)
    return [response.status, problem.type, problem.limit]
  }
  const valid = JSON.stringify({ using: [core], methodCalls: [] })
  assert.deepEqual(await post(valid, 'text/plain'), [400, error('notJSON'), undefined])
  assert.deepEqual(await post('{'), [400, error('notJSON'), undefined])
  assert.deepEqual(await post('{"using":[],"using":[]}'), [400, error('notJSON'), undefined])
  for (const request of [
    [],
    {},
    { using: [core] },
    { using: core, methodCalls: [] },
    { using: [1], methodCalls: [] },
    { using: [core], methodCalls: [['Core/echo', {}]] },
    { using: [core], methodCalls: [['Core/echo', [], 'a']] },
    { using: [core], methodCalls: [['Core/echo', {}, 1]] },
    { using: [core], methodCalls: [], createdIds: { a: 1 } },
  ]) {
    assert.deepEqual(
      await post(JSON.stringify(request)),
      [400, error('notRequest'), undefined],
      JSON.stringify(request),
    )
  }
  const foreign = { using: [core, 'https://example.com/apis/foobar'], methodCalls: [] }
  assert.deepEqual(await post(JSON.stringify(foreign)), [400, error('unknownCapability'), undefined])
  assert.deepEqual(await post(`${valid}${' '.repeat(2000)}`), [400, error('limit'), 'maxSizeRequest'])
  const many = { using: [core], methodCalls: [echo, echo, echo] }
  assert.deepEqual(await post(JSON.stringify(many)), [400, error('limit'), 'maxCallsInRequest'])
})

test('requests at once are limited for each account', async (context) => {
  const house = await JmapHouse.open(context, { config: { maxConcurrentRequests: 0 } })
  const ann = await house.account('ann')
  const { status, body } = await house.request(ann, { using: [core], methodCalls: [] })
  assert.equal(status, 429)
  assert.equal(body['limit'], 'maxConcurrentRequests')
})

test('the session tells capabilities, accounts and URLs, and is not for caches', async (context) => {
  const house = await JmapHouse.open(context, { modules: () => [] })
  const ann = await house.account('ann')
  const response = await house.fetch(ann, '/.well-known/jmap')
  assert.match(response.headers.get('cache-control') ?? '', /no-store/)
  const session = (await response.json()) as Record<string, never>
  const { state, ...rest } = session
  assert.equal(response.headers.get('etag'), `"${String(state)}"`)
  const vapid = rest['capabilities']?.['urn:ietf:params:jmap:webpush-vapid']?.['applicationServerKey']
  assert.equal(Buffer.from(String(vapid), 'base64url').length, 65)
  assert.deepEqual(rest, {
    capabilities: {
      'urn:ietf:params:jmap:core': {
        maxSizeUpload: 52_428_800,
        maxConcurrentUpload: 4,
        maxSizeRequest: 10_485_760,
        maxConcurrentRequests: 10,
        maxCallsInRequest: 64,
        maxObjectsInGet: 1000,
        maxObjectsInSet: 1000,
        collationAlgorithms: ['i;unicode-casemap', 'i;ascii-casemap', 'i;octet'],
      },
      'urn:ietf:params:jmap:websocket': { url: 'wss://mail.x.test/jmap/ws', supportsPush: true },
      'urn:ietf:params:jmap:webpush-vapid': { applicationServerKey: vapid },
      'urn:ietf:params:jmap:blob': {},
      'urn:ietf:params:jmap:quota': {},
    },
    accounts: {
      A1: {
        name: 'ann@x.test',
        isPersonal: true,
        isReadOnly: false,
        accountCapabilities: {
          'urn:ietf:params:jmap:core': {},
          'urn:ietf:params:jmap:blob': {
            maxSizeBlobSet: 5_242_880,
            maxDataSources: 64,
            supportedTypeNames: ['Mailbox', 'Thread', 'Email'],
            supportedDigestAlgorithms: ['sha', 'sha-256', 'sha-512'],
          },
          'urn:ietf:params:jmap:quota': {},
        },
      },
    },
    primaryAccounts: {
      'urn:ietf:params:jmap:blob': 'A1',
      'urn:ietf:params:jmap:quota': 'A1',
    },
    username: 'ann@x.test',
    apiUrl: 'https://mail.x.test/jmap/api',
    downloadUrl: 'https://mail.x.test/jmap/download/{accountId}/{blobId}/{name}?accept={type}',
    uploadUrl: 'https://mail.x.test/jmap/upload/{accountId}',
    eventSourceUrl: 'https://mail.x.test/jmap/eventsource?types={types}&closeafter={closeafter}&ping={ping}',
  })
  const again = await house.fetch(ann, '/jmap/session', {
    headers: { 'if-none-match': `"${String(state)}"` },
  })
  assert.equal(again.status, 304)
})

test('an account of somebody who shares a mailbox is there, read-only where all of it is', async (context) => {
  const house = await JmapHouse.open(context)
  const [ann, ben] = [await house.account('ann'), await house.account('ben')]
  const before = await house.session(ann)
  const inbox = await house.store.findMailbox({ account: ben.id, name: 'INBOX' })
  assert.ok(inbox)
  const share = {
    account: ben.id,
    mailbox: inbox.id,
    grantee: ann.id,
    negative: false,
    mode: 'replace' as const,
  }
  await house.store.setAccess({ ...share, rights: 'lr' })
  const shared = async (): Promise<unknown> => {
    const session = (await house.session(ann)) as unknown as {
      accounts: Record<string, Record<string, unknown>>
    }
    const { accountCapabilities, ...told } = session.accounts[`A${ben.id}`] ?? {}
    assert.ok(!JSON.stringify(accountCapabilities ?? {}).includes('quota'))
    return told
  }
  assert.deepEqual(await shared(), { name: 'ben@x.test', isPersonal: false, isReadOnly: true })
  assert.notEqual((await house.session(ann))['state'], before['state'])
  await house.store.setAccess({ ...share, rights: 'lrs' })
  assert.deepEqual(await shared(), { name: 'ben@x.test', isPersonal: false, isReadOnly: false })
  assert.equal(
    await house.refusal(ann, 'Quota/get', { accountId: `A${ben.id}`, ids: null }),
    'accountNotSupportedByMethod',
  )
  await house.store.setAccess({ ...share, rights: '' })
  assert.deepEqual(await shared(), {})
  assert.equal(
    await house.refusal(ann, 'Quota/get', { accountId: `A${ben.id}`, ids: null }),
    'accountNotFound',
  )
})

test('nobody, wrong paths and wrong methods are refused; pages elsewhere may ask with credentials', async (context) => {
  const house = await JmapHouse.open(context)
  const ann = await house.account('ann')
  assert.equal((await house.fetch(null, '/jmap/session')).status, 401)
  assert.equal((await house.fetch(ann, '/jmap/nothing')).status, 404)
  const wrong = await house.fetch(ann, '/jmap/api')
  assert.deepEqual([wrong.status, wrong.headers.get('allow')], [405, 'POST'])
  const asked = await house.fetch(null, '/jmap/api', { method: 'OPTIONS' })
  assert.deepEqual([asked.status, asked.headers.get('access-control-allow-origin')], [204, '*'])
  assert.equal((await house.fetch(ann, '/jmap/session')).headers.get('access-control-allow-origin'), '*')
  assert.equal(asked.headers.get('access-control-allow-credentials'), null)
})

test('a method whose capability is not used is unknown', async (context) => {
  const house = await JmapHouse.open(context)
  const ann = await house.account('ann')
  const get = ['Quota/get', { accountId: 'A1', ids: null }, '1'] as const
  assert.deepEqual(await house.calls(ann, [get], [core]), [['error', { type: 'unknownMethod' }, '1']])
  assert.deepEqual(await house.calls(ann, [get], standardUsing), [
    ['Quota/get', { accountId: 'A1', state: 'none', list: [], notFound: [] }, '1'],
  ])
})
