// Attacks on the HTTP side of whole servers, over sockets: each fails. Those on log-in and sessions are in src/http/login.test.ts, on names that
// lead here (DNS rebinding) in src/http/site.test.ts, on push in src/jmap/server/push-request.test.ts.
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test, type TestContext } from 'node:test'
import { resolveConfig } from '../../src/config/layers.ts'
import { startPosthorn } from '../../src/main.ts'
import { openCatcherHouse } from '../support/catcher-house.ts'

const password = 'four words do well'

async function openServer(context: TestContext) {
  const posthorn = await startPosthorn(
    resolveConfig([
      {
        name: 'test',
        settings: {
          profile: 'test',
          hostname: 'mail.test',
          auth: { allowClearText: true, argon2Memory: 8, argon2Passes: 1 },
          listeners: [{ service: 'http', address: '127.0.0.1', port: 0, tls: 'none' }],
        },
      },
    ]),
  )
  context.after(() => posthorn.stop())
  const { operations, backend } = posthorn
  await operations.run('domain.add', { name: 'mail.test' })
  for (const name of ['ann', 'bob']) {
    await operations.run('account.add', { address: `${name}@mail.test`, password })
  }
  const port = posthorn.listeners[0]?.port ?? 0
  const ask = (path: string, init: RequestInit = {}, who = 'ann'): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}${path}`, {
      ...init,
      headers: {
        ...(who === '' ? {} : { authorization: `Basic ${btoa(`${who}@mail.test:${password}`)}` }),
        ...(init.headers as Record<string, string> | undefined),
      },
    })
  const json = async (path: string, who = 'ann') => (await (await ask(path, {}, who)).json()) as never
  return { backend, port, ask, json }
}

interface Session {
  readonly primaryAccounts: Readonly<Record<string, string>>
}

const accountOf = ({ primaryAccounts }: Session): string => primaryAccounts['urn:ietf:params:jmap:mail'] ?? ''

/** What a server answers to octets as they stand, until it ends. */
function raw(port: number, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request))
    let answer = ''
    socket.on('data', (piece: Buffer) => (answer += piece.toString('latin1')))
    socket.on('end', () => resolve(answer))
    socket.on('error', reject)
  })
}

test('nobody reaches the mail, blobs, uploads or events of another account', async (context) => {
  const { ask, json } = await openServer(context)
  const [ann, bob] = [accountOf(await json('/jmap/session')), accountOf(await json('/jmap/session', 'bob'))]
  assert.notEqual(ann, bob)
  const upload = await ask(`/jmap/upload/${ann}`, { method: 'POST', body: 'secret of ann' })
  const { blobId } = (await upload.json()) as { blobId: string }
  assert.equal(await (await ask(`/jmap/download/${ann}/${blobId}/a.txt`)).text(), 'secret of ann')
  for (const account of [ann, bob]) {
    const stolen = await ask(`/jmap/download/${account}/${blobId}/a.txt`, {}, 'bob')
    assert.equal(stolen.status, 404)
  }
  assert.equal((await ask(`/jmap/upload/${ann}`, { method: 'POST', body: 'x' }, 'bob')).status, 404)
  const methodCalls = [
    ['Email/query', { accountId: ann }, '0'],
    ['Mailbox/get', { accountId: ann, ids: null }, '1'],
    ['Identity/get', { accountId: ann, ids: null }, '2'],
    ['VacationResponse/get', { accountId: ann, ids: null }, '3'],
    ['Blob/get', { accountId: bob, ids: [blobId] }, '4'],
    ['Blob/copy', { fromAccountId: ann, accountId: bob, blobIds: [blobId] }, '5'],
    ['Email/copy', { fromAccountId: ann, accountId: bob, create: {} }, '6'],
  ]
  const using = ['core', 'mail', 'blob', 'submission', 'vacationresponse'].map(
    (name) => `urn:ietf:params:jmap:${name}`,
  )
  const answer = await ask(
    '/jmap/api',
    {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ using, methodCalls }),
    },
    'bob',
  )
  const { methodResponses } = (await answer.json()) as { methodResponses: [string, object, string][] }
  const types = methodResponses.map(([name, said]) =>
    name === 'error' ? (said as { type: string }).type : said,
  )
  assert.deepEqual(types.slice(0, 4), Array(4).fill('accountNotFound'))
  assert.deepEqual((types[4] as { notFound: string[] }).notFound, [blobId])
  assert.match(JSON.stringify(types[5]), /^"(?:fromA|a)ccountNotFound"$/)
  assert.match(JSON.stringify(types[6]), /^"(?:fromA|a)ccountNotFound"$/)
})

test('the admin API is for admins', async (context) => {
  const { ask, backend } = await openServer(context)
  assert.ok(backend.store !== undefined)
  for (const operation of ['account.list', 'queue.list', 'server.config', 'server.log']) {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }
    assert.equal((await ask(`/api/v1/admin/${operation}`, init)).status, 403, operation)
    assert.equal((await ask(`/api/v1/admin/${operation}`, init, '')).status, 401, operation)
  }
})

test('paths lead to no file outside the pages', async (context) => {
  const { port } = await openServer(context)
  for (const path of [
    '/../package.json',
    '/assets/../../package.json',
    '/assets/..%2f..%2fpackage.json',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/frame/../../package.json',
    '/assets/%00',
    '//etc/passwd',
    '/.built',
    '/assets\\..\\..\\package.json',
  ]) {
    const answer = await raw(port, `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`)
    assert.doesNotMatch(answer, /"name": "posthorn"|root:/, path)
    assert.match(answer, /^HTTP\/1\.1 (?:200|302|400|404) /, path)
  }
})

test('a name of a download adds no header and no second name', async (context) => {
  const { ask, json } = await openServer(context)
  const account = accountOf(await json('/jmap/session'))
  const { blobId } = (await (
    await ask(`/jmap/upload/${account}`, { method: 'POST', body: '<script>' })
  ).json()) as { blobId: string }
  for (const name of [
    'a%0d%0aSet-Cookie:%20x=1',
    'a%22;%20filename=%22b.exe',
    '%E2%80%AEtxt.exe',
    '..%5C..%5Cx',
  ]) {
    const answer = await ask(`/jmap/download/${account}/${blobId}/${name}?accept=text/html`)
    assert.equal(answer.headers.get('set-cookie'), null)
    const disposition = answer.headers.get('content-disposition') ?? ''
    assert.match(disposition, /^attachment; filename="[^"\\/]*"(?:; filename\*=UTF-8''[\w%.~!#$&+^`|-]*)?$/)
    assert.match(answer.headers.get('content-security-policy') ?? '', /sandbox/)
    await answer.body?.cancel()
  }
})

test('JSON that is deep, huge or names prototypes harms nobody', async (context) => {
  const { ask } = await openServer(context)
  const post = (path: string, body: string) =>
    ask(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`
  const deepObjects = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`
  for (const path of ['/jmap/api', '/api/v1/messages', '/api/v1/admin/account.list', '/api/v1/session']) {
    for (const body of [
      deep,
      deepObjects,
      `{"using":["urn:ietf:params:jmap:core"],"methodCalls":[["Core/echo",${deepObjects},"0"]]}`,
    ]) {
      const answer = await post(path, body)
      assert.ok(answer.status < 500, `${path}: ${answer.status}`)
      await answer.text()
    }
    await (await post(path, '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}')).text()
  }
  const echoed = await post(
    '/jmap/api',
    '{"using":["urn:ietf:params:jmap:core"],"methodCalls":[["Core/echo",{"__proto__":{"polluted":1}},"0"]]}',
  )
  await echoed.text()
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
})

test('no other page speaks to a catcher, and none of its names is a stranger’s', async (context) => {
  const { get, url, catcher, send } = await openCatcherHouse(context)
  await send('From: a@x.example\nSubject: x\n\nx')
  const foreign = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
  for (const [method, path] of [
    ['DELETE', '/api/v1/messages'],
    ['DELETE', '/api/v1/catcher/messages'],
    ['POST', '/api/v1/catcher/chaos/rules'],
    ['PUT', '/api/v1/chaos'],
    ['POST', '/api/v1/send'],
  ] as const) {
    const answer = await get(path, {
      method,
      headers: { ...foreign, 'content-type': 'text/plain' },
      body: '{}',
    })
    assert.equal(answer.status, 403, path)
  }
  assert.equal(catcher.stats.total, 1)
  const read = await get('/api/v1/catcher/messages', { headers: foreign })
  assert.equal(read.headers.get('access-control-allow-origin'), null)
  const port = Number(new URL(url).port)
  const rebound = await raw(
    port,
    'GET /api/v1/messages HTTP/1.1\r\nHost: evil.example:8025\r\nConnection: close\r\n\r\n',
  )
  assert.match(rebound, /^HTTP\/1\.1 403 /)
  for (const path of ['/api/events', '/api/v1/catcher/live']) {
    const answer = await raw(
      port,
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nOrigin: https://evil.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
    )
    assert.match(answer, /^HTTP\/1\.1 403 /, path)
  }
})

test('links lead a catcher to no address inside, however they are written', async (context) => {
  const { get, send } = await openCatcherHouse(context)
  const hosts = [
    '127.0.0.1',
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
    '127.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[64:ff9b::7f00:1]',
    '[fe80::1]',
    '[fd00::1]',
    '0.0.0.0',
    '10.0.0.1',
    '169.254.169.254',
    '100.64.0.1',
    'localhost',
  ]
  const links = hosts.map((host) => `http://${host}/`).join('\n')
  const [, id] = /as (\S+)/.exec(await send(`From: a@x.example\nSubject: x\n\n${links}\n`)) ?? []
  const answer = await get(`/api/v1/catcher/messages/${id}/checks/links`)
  const { links: asked } = (await answer.json()) as { links: { url: string; status: string }[] }
  assert.equal(asked.length, hosts.length)
  for (const { url, status } of asked) {
    assert.equal(status, 'leads to a private address, which is not asked', url)
  }
})
