// Attacks that go for every door of a whole server at once: pages of other sites against every route, an app password at whatever it was
// not made for and after its time, guesses spread over the protocols, links of set-up used twice.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { VirtualClock } from '../../src/base/virtual-clock.ts'
import { resolveConfig } from '../../src/config/layers.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { type Posthorn, startPosthorn } from '../../src/main.ts'
import { LineSocket } from './line-socket.ts'

const password = 'four words do well'
const json = { 'content-type': 'application/json' }

async function serve(context: TestContext, auth: ConfigInput['auth'] = {}) {
  const clock = new VirtualClock()
  const listeners = (['imap', 'pop3', 'submission', 'http'] as const).map((service) => ({
    ...{ service, address: '127.0.0.1', port: 0, tls: 'none' as const },
  }))
  const settings: ConfigInput = {
    ...{ profile: 'test', hostname: 'mail.test', listeners },
    auth: { argon2Memory: 8, argon2Passes: 1, allowClearText: true, ...auth },
  }
  const posthorn = await startPosthorn(resolveConfig([{ name: 'test', settings }]), { clock })
  context.after(() => posthorn.stop())
  const { operations } = posthorn
  await operations.run('domain.add', { name: 'mail.test' })
  for (const [name, role] of [
    ['ann', 'admin'],
    ['bob', 'user'],
  ]) {
    await operations.run('account.add', { address: `${name}@mail.test`, password, role })
  }
  return { posthorn, clock }
}

function portOf(posthorn: Posthorn, service: string): number {
  return posthorn.listeners.find((one) => one.service === service)?.port ?? 0
}

function ask(posthorn: Posthorn, path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`http://127.0.0.1:${portOf(posthorn, 'http')}${path}`, init)
}

function basic(name: string, secret: string): { authorization: string } {
  return { authorization: `Basic ${btoa(`${name}@mail.test:${secret}`)}` }
}

async function logIn(posthorn: Posthorn): Promise<string> {
  const body = JSON.stringify({ address: 'ann@mail.test', password })
  const answer = await ask(posthorn, '/api/v1/session', { method: 'POST', headers: json, body })
  assert.equal(answer.status, 200)
  return (answer.headers.getSetCookie()[0] ?? '').split(';')[0] ?? ''
}

test('no route changes anything for another site’s page, with the cookie of somebody who is logged in', async (context) => {
  const { posthorn } = await serve(context)
  const cookie = await logIn(posthorn)
  const document = (await (await ask(posthorn, '/api/v1/openapi.json')).json()) as {
    paths: Record<string, Record<string, unknown>>
  }
  const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({
      path: path.replaceAll(/\{\w+\}/g, '1'),
      method: method.toUpperCase(),
    })),
  )
  const changing = [
    ...routes.filter(({ method }) => ['POST', 'PUT', 'PATCH', 'DELETE'].includes(method)),
    { path: '/jmap/api', method: 'POST' },
    { path: '/jmap/upload/A1', method: 'POST' },
  ]
  assert.ok(changing.length > 60, `only ${changing.length} routes`)
  const elsewhere: Record<string, string>[] = [
    { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
    // A page of a name beside ours.
    { 'sec-fetch-site': 'same-site', origin: 'https://other.mail.test' },
    { origin: 'https://evil.example' },
    // A page in a sandbox, or a file.
    { origin: 'null' },
  ]
  for (const { path, method } of changing) {
    for (const headers of elsewhere) {
      const answer = await ask(posthorn, path, {
        method,
        headers: { ...json, ...headers, cookie },
        body: '{}',
      })
      assert.equal(answer.status, 403, `${method} ${path} ${JSON.stringify(headers)}`)
      assert.equal(((await answer.json()) as { code: string }).code, 'cross-site')
    }
  }
  // Neither the page itself nor another one may read what is there either.
  for (const path of ['/api/v1/session', '/jmap/session', '/api/v1/app-passwords']) {
    const answer = await ask(posthorn, path, { headers: { cookie, origin: 'https://evil.example' } })
    assert.equal(answer.headers.get('access-control-allow-credentials'), null, path)
    await answer.body?.cancel()
  }
})

async function imap(posthorn: Posthorn, name: string, secret: string): Promise<string> {
  const socket = await LineSocket.open(portOf(posthorn, 'imap'))
  await socket.line()
  socket.send(`a LOGIN ${name}@mail.test "${secret}"\r\n`)
  const line = await socket.lineLike('a ')
  socket.close()
  return line ?? ''
}

async function pop3(posthorn: Posthorn, name: string, secret: string): Promise<string> {
  const socket = await LineSocket.open(portOf(posthorn, 'pop3'))
  await socket.line()
  socket.send(`USER ${name}@mail.test\r\n`)
  await socket.line()
  socket.send(`PASS ${secret}\r\n`)
  const line = await socket.line()
  socket.close()
  return line ?? ''
}

async function submission(posthorn: Posthorn, name: string, secret: string): Promise<string> {
  const socket = await LineSocket.open(portOf(posthorn, 'submission'))
  await socket.reply()
  await socket.command('EHLO client.test')
  const line = await socket.command(`AUTH PLAIN ${btoa(`\0${name}@mail.test\0${secret}`)}`)
  socket.close()
  return line ?? ''
}

/** Which doors a password opens. */
async function doors(posthorn: Posthorn, name: string, secret: string): Promise<string[]> {
  const headers = { ...basic(name, secret), ...json }
  const post = (path: string, body: object): Promise<Response> =>
    ask(posthorn, path, { method: 'POST', headers, body: JSON.stringify(body) })
  const status = async (answer: Promise<Response>): Promise<number> => {
    const { status: code, body } = await answer
    await body?.cancel()
    return code
  }
  const echo = { using: ['urn:ietf:params:jmap:core'], methodCalls: [['Core/echo', {}, '0']] }
  const found: [string, boolean][] = [
    ['imap', (await imap(posthorn, name, secret)).startsWith('a OK')],
    ['pop3', (await pop3(posthorn, name, secret)).startsWith('+OK')],
    ['submission', (await submission(posthorn, name, secret)).startsWith('235')],
    ['jmap', (await status(post('/jmap/api', echo))) === 200],
    ['jmap session', (await status(ask(posthorn, '/jmap/session', { headers }))) === 200],
    ['jmap upload', (await status(post('/jmap/upload/A1', {}))) === 201],
    [
      'jmap events',
      (await status(ask(posthorn, '/jmap/eventsource?types=*&closeafter=no&ping=0', { headers }))) === 200,
    ],
    ['terminal', (await status(ask(posthorn, '/api/v1/terminal', { headers }))) === 200],
    ['send', (await status(ask(posthorn, '/api/v1/messages/none', { headers }))) === 404],
    ['admin', (await status(post('/api/v1/admin/account.list', {}))) === 200],
    ['protection', (await status(ask(posthorn, '/api/v1/app-passwords', { headers }))) === 200],
    [
      'log-in',
      (await status(post('/api/v1/session', { address: `${name}@mail.test`, password: secret }))) === 200,
    ],
  ]
  return found.flatMap(([door, isOpen]) => (isOpen ? [door] : []))
}

test('an app password opens what it was made for, nothing else, and nothing after its time or its end', async (context) => {
  const { posthorn, clock } = await serve(context, {
    throttle: { failuresPerPrefix: 0, failuresPerAccount: 0 },
  })
  const expires = new Date(clock.now() + 3_600_000).toISOString()
  const make = async (scopes: readonly string[], end: string | null = null) => {
    const parameters = { address: 'ann@mail.test', label: 'x', scopes, expires: end }
    return (await posthorn.operations.run('account.app-password.add', parameters)) as {
      id: number
      password: string
    }
  }
  const jmap = ['jmap', 'jmap session', 'jmap upload', 'jmap events']
  const reading = ['imap', 'pop3', ...jmap, 'terminal']
  const opened: Record<string, readonly string[]> = {
    send: ['submission', 'send'],
    mail: reading,
    settings: [],
    admin: ['admin'],
  }
  const all: { password: string; id: number }[] = []
  for (const [scope, expected] of Object.entries(opened)) {
    const made = await make([scope], expires)
    all.push(made)
    assert.deepEqual(await doors(posthorn, 'ann', made.password), expected, scope)
    // Nor does it open anybody else's account.
    assert.deepEqual(await doors(posthorn, 'bob', made.password), [], scope)
  }
  const revoked = await make(['mail', 'send', 'settings', 'admin'])
  assert.deepEqual(
    (await doors(posthorn, 'ann', revoked.password)).toSorted(),
    [...reading, 'submission', 'send', 'admin'].toSorted(),
  )
  await posthorn.operations.run('account.app-password.remove', { address: 'ann@mail.test', id: revoked.id })
  assert.deepEqual(await doors(posthorn, 'ann', revoked.password), [])
  await clock.advance(3_600_001)
  for (const one of all) assert.deepEqual(await doors(posthorn, 'ann', one.password), [])
})

test('connections that are open end with the password, the app password or the account that opened them', async (context) => {
  const { posthorn } = await serve(context)
  const { operations } = posthorn
  const open = async (name: string, secret: string): Promise<LineSocket> => {
    const socket = await LineSocket.open(portOf(posthorn, 'imap'))
    await socket.line()
    socket.send(`a LOGIN ${name}@mail.test "${secret}"\r\n`)
    assert.match((await socket.lineLike('a ')) ?? '', /^a OK/)
    return socket
  }
  const ends = async (socket: LineSocket): Promise<void> => {
    assert.match((await socket.lineLike('* BYE')) ?? '', /BYE/)
    socket.close()
  }
  const address = 'bob@mail.test'
  const other = await open('ann', password)
  const made = (await operations.run('account.app-password.add', { address, label: 'x' })) as {
    id: number
    password: string
  }
  const byApp = await open('bob', made.password)
  await operations.run('account.app-password.remove', { address, id: made.id })
  await ends(byApp)
  const byPassword = await open('bob', password)
  await operations.run('account.password', { address, password: 'another one of four' })
  await ends(byPassword)
  const last = await open('bob', 'another one of four')
  await operations.run('account.state', { address, state: 'disabled' })
  await ends(last)
  other.send('b NOOP\r\n')
  assert.match((await other.lineLike('b ')) ?? '', /^b OK/)
  other.close()
})

test('guesses count together, whatever the protocol', async (context) => {
  const { posthorn } = await serve(context, { throttle: { failuresPerAccount: 4, failuresPerPrefix: 0 } })
  assert.match(await imap(posthorn, 'bob', 'one'), /^a NO/)
  assert.match(await pop3(posthorn, 'bob', 'two'), /^-ERR/)
  assert.match(await submission(posthorn, 'bob', 'three'), /^535/)
  const jmap = await ask(posthorn, '/jmap/session', { headers: basic('bob', 'four') })
  assert.equal(jmap.status, 401)
  // The right one is not taken any more, at no door.
  const body = JSON.stringify({ address: 'bob@mail.test', password })
  const login = await ask(posthorn, '/api/v1/session', { method: 'POST', headers: json, body })
  assert.equal(login.status, 429)
  assert.equal((await ask(posthorn, '/jmap/session', { headers: basic('bob', password) })).status, 429)
  assert.match(await imap(posthorn, 'bob', password), /^a NO/)
  assert.match(await pop3(posthorn, 'bob', password), /^-ERR/)
  assert.match(await submission(posthorn, 'bob', password), /^4|^535/)
  assert.match(await imap(posthorn, 'ann', password), /^a OK/)
})

test('a query that names prototypes, and names of operations that are none, reach nothing', async (context) => {
  const { posthorn } = await serve(context)
  const headers = { ...basic('ann', password), ...json }
  for (const query of ['__proto__=x', 'constructor=x', '__proto__[level]=error', 'a=b']) {
    const answer = await ask(posthorn, `/api/v1/admin/server.watch-log?${query}`, { headers })
    assert.equal(answer.status, 400, query)
    await answer.body?.cancel()
  }
  for (const name of [
    'constructor',
    '__proto__',
    'toString',
    'mail.submit',
    'mail.page',
    'terminal.attach',
  ]) {
    const answer = await ask(posthorn, `/api/v1/admin/${name}`, { method: 'POST', headers, body: '{}' })
    assert.equal(answer.status, 404, name)
  }
  for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
    await assert.rejects(posthorn.operations.run(name, {}), /There is no operation/)
  }
  assert.equal(Reflect.get({}, 'polluted'), undefined)
})
