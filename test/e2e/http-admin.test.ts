// Administration by HTTP, over a running server: who may, the same words as the command line, what it says of itself.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { test, type TestContext } from 'node:test'
import { adminAnswers, type AdminOperationName } from '../../src/http/api/admin.ts'
import type { Command } from 'commander'
import { makeProgram } from '../../src/cli/program.ts'
import { otherWords } from '../../src/cli/same-words.ts'
import { aboutOperations } from '../../src/control/server/about.ts'
import { resolveConfig } from '../../src/config/layers.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { type Posthorn, startPosthorn } from '../../src/main.ts'

const password = 'correct horse'
const admin = 'root@example.org'

interface Answer {
  readonly status: number
  readonly body: unknown
}

async function serve(context: TestContext, more: ConfigInput = {}) {
  const settings: ConfigInput = {
    ...{ profile: 'server', data: null, hostname: 'mail.example.org', relay: { enabled: false } },
    ...{ auth: { argon2Memory: 8, argon2Passes: 1, allowClearText: true }, log: { level: 'error' } },
    listeners: [
      { service: 'http', address: '127.0.0.1', port: 0, tls: 'none' },
      { service: 'smtp', address: '127.0.0.1', port: 0, tls: 'none' },
    ],
    ...more,
  }
  const posthorn = await startPosthorn(resolveConfig([{ name: 'test', settings }]))
  context.after(() => posthorn.stop())
  const { operations } = posthorn
  await operations.run('domain.add', { name: 'example.org' })
  await operations.run('account.add', { address: admin, password, role: 'admin' })
  await operations.run('account.add', { address: 'ann@example.org', password })
  return posthorn
}

async function ask(posthorn: Posthorn, name: string, body: unknown = {}, user = admin): Promise<Answer> {
  const response = await fetch(`${posthorn.pages}/api/v1/admin/${name}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
    },
    body: JSON.stringify(body),
  })
  const answer: unknown = await response.json()
  // Every good answer of these tests is held to what the document says.
  if (response.ok) adminAnswers[name as AdminOperationName].parse(answer)
  return { status: response.status, body: answer }
}

test('operations are those of the command line, for admins alone', async (context) => {
  const posthorn = await serve(context)
  assert.equal((await ask(posthorn, 'domain.add', { name: 'two.example' })).status, 200)
  const { body } = await ask(posthorn, 'domain.list')
  assert.deepEqual(
    (body as { name: string }[]).map(({ name }) => name),
    ['example.org', 'two.example'],
  )
  const again = await ask(posthorn, 'domain.add', { name: 'two.example' })
  assert.deepEqual(again, {
    status: 422,
    body: { status: 422, code: 'refused', detail: 'The domain two.example is here already.' },
  })
  assert.equal((await ask(posthorn, 'domain.add', { nme: 'x' })).status, 422)
  assert.equal((await ask(posthorn, 'domain.list', {}, 'ann@example.org')).status, 403)
  assert.equal((await ask(posthorn, 'domain.list', {}, 'nobody@example.org')).status, 401)
  for (const hidden of ['mail.submit', 'terminal.attach', 'mail.octets', 'nothing']) {
    assert.equal((await ask(posthorn, hidden)).status, 404, hidden)
  }
})

test('the server says how it goes: counts, series, settings without secrets', async (context) => {
  const secret = 'whsec_0123456789abcdef'
  const posthorn = await serve(context, { webhooks: [{ url: 'http://127.0.0.1:1/hook', secret }] })
  const overview = (await ask(posthorn, 'server.overview')).body as Record<string, unknown>
  assert.equal(overview['accounts'], 2)
  assert.equal(overview['hostname'], 'mail.example.org')
  assert.deepEqual(overview['connections'], { http: 1, smtp: 0 })
  assert.deepEqual(overview['queue'], { messages: 0, waiting: 0, active: 0, held: 0, reports: 0 })
  const series = (await ask(posthorn, 'server.series', { by: 'minute' })).body as {
    values: { logins: number[] }
  }
  assert.ok((series.values.logins.at(-1) ?? 0) + (series.values.logins.at(-2) ?? 0) >= 1)
  const { body } = await ask(posthorn, 'server.config', { prefix: 'webhooks' })
  assert.match(JSON.stringify(body), /127\.0\.0\.1:1/)
  assert.equal(JSON.stringify((await ask(posthorn, 'server.config')).body).includes(secret), false)
})

test('events are looked up and watched', async (context) => {
  const posthorn = await serve(context)
  const headers = { authorization: `Basic ${Buffer.from(`${admin}:${password}`).toString('base64')}` }
  const left = new AbortController()
  const url = `${posthorn.pages}/api/v1/admin/server.watch-log?name=directory.`
  const watching = await fetch(url, { headers, signal: left.signal })
  assert.equal(watching.headers.get('content-type'), 'text/event-stream')
  const reader = (watching.body ?? assert.fail()).pipeThrough(new TextDecoderStream()).getReader()
  assert.equal((await reader.read()).value, ': watching\n\n')
  await posthorn.operations.run('domain.add', { name: 'new.example' })
  const { value = '' } = await reader.read()
  const record = JSON.parse(value.replace(/^data: /, '')) as { fields: object }
  assert.deepEqual(record.fields, { change: 'domain-added', subject: 'new.example', by: 'program' })
  left.abort()
  const found = (await ask(posthorn, 'server.log', { text: 'NEW.example' })).body as { name: string }[]
  assert.deepEqual(
    found.map(({ name }) => name),
    ['admin.ordered', 'directory.changed'],
  )
  assert.equal((await fetch(`${url}&level=loud`, { headers })).status, 400)
})

test('who has guessed wrongly is listed, and let in again', async (context) => {
  const posthorn = await serve(context, {
    auth: { argon2Memory: 8, argon2Passes: 1, allowClearText: true, throttle: { failuresPerAccount: 1 } },
  })
  const wrong = { address: 'ann@example.org', password: 'wrong' }
  const login = async (body: object) => {
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }
    return (await fetch(`${posthorn.pages}/api/v1/session`, init)).status
  }
  assert.equal(await login(wrong), 401)
  assert.equal(await login({ ...wrong, password }), 429)
  const listed = (await ask(posthorn, 'throttle.list')).body as {
    kind: string
    key: string
    isFull: boolean
  }[]
  const full = listed.filter(({ isFull }) => isFull).map(({ kind, key }) => ({ kind, key }))
  assert.deepEqual(full, [{ kind: 'name', key: 'ann@example.org' }])
  assert.equal((await ask(posthorn, 'throttle.lift', full[0])).status, 200)
  assert.equal((await ask(posthorn, 'throttle.lift', full[0])).status, 422)
  assert.equal(await login({ ...wrong, password }), 200)
})

test('in a session, what lets somebody in wants a fresh one', async (context) => {
  const posthorn = await serve(context, { web: { proofTime: '0s' } })
  const json = { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' }
  const opened = await fetch(`${posthorn.pages}/api/v1/session`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ address: admin, password }),
  })
  const cookie = opened.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  const run = async (name: string, body: object): Promise<unknown> => {
    const init = { method: 'POST', headers: { ...json, cookie }, body: JSON.stringify(body) }
    const response = await fetch(`${posthorn.pages}/api/v1/admin/${name}`, init)
    return response.ok ? 'done' : ((await response.json()) as { code: string }).code
  }
  assert.equal(await run('account.list', {}), 'done')
  assert.equal(await run('account.set', { address: 'ann@example.org', role: 'admin' }), 'proof-required')
  assert.equal(await run('account.password', { address: 'ann@example.org', password: 'x' }), 'proof-required')
})

test('health is for everyone, the counters for this machine and for admins', async (context) => {
  const posthorn = await serve(context)
  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(`${posthorn.pages}${path}`, { headers })
  assert.equal(await (await get('/livez')).text(), 'ok\n')
  assert.equal(await (await get('/readyz')).text(), 'ready\n')
  assert.match(await (await get('/metrics')).text(), /^posthorn_directory_changed_total\{/m)
  const elsewhere = { 'x-forwarded-for': '192.0.2.1' }
  assert.equal((await get('/metrics', elsewhere)).status, 401)
  const authorization = `Basic ${Buffer.from(`${admin}:${password}`).toString('base64')}`
  assert.equal((await get('/metrics', { ...elsewhere, authorization })).status, 200)
})

test('the API is described, for programs and for people', async (context) => {
  const posthorn = await serve(context)
  const document = (await (await fetch(`${posthorn.pages}/api/v1/openapi.json`)).json()) as { paths: object }
  for (const name of Object.keys(posthorn.operations.rows)) {
    if (/^(?:mail|terminal)\./.test(name)) continue
    const path = `/api/v1/admin/${name}`
    assert.ok(Object.hasOwn(document.paths, path), path)
    assert.ok(Object.hasOwn(adminAnswers, name), name)
    // Each says what it does.
    assert.doesNotMatch(
      JSON.stringify(document.paths[path as keyof object]),
      new RegExp(`"summary":"${name}"`),
    )
  }
  const page = await fetch(`${posthorn.pages}/api/`)
  assert.match(page.headers.get('content-security-policy') ?? '', /^default-src 'none'; style-src 'sha256-/)
  const text = await page.text()
  assert.match(text, /\/api\/v1\/admin\/domain\.add/)
  assert.doesNotMatch(text, /<script|src="http/)
})

/** A connection that says so much and waits for the answers. */
async function converse(port: number, lines: readonly string[]): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port })
  const replies = createInterface({ input: socket })[Symbol.asyncIterator]()
  const reply = async (): Promise<string> => String((await replies.next()).value)
  await reply()
  for (const line of lines) {
    socket.write(`${line}\r\n`)
    while (/^\d{3}-/.test(await reply()));
  }
  return socket
}

test('connections are listed with who is logged in, and ended', async (context) => {
  const posthorn = await serve(context, {
    listeners: [
      { service: 'http', address: '127.0.0.1', port: 0, tls: 'none' },
      { service: 'imap', address: '127.0.0.1', port: 0, tls: 'none' },
    ],
  })
  const port = posthorn.listeners.find(({ service }) => service === 'imap')?.port ?? 0
  const socket = await converse(port, [`a LOGIN ann@example.org "${password}"`])
  context.after(() => socket.destroy())
  const listed = (await ask(posthorn, 'server.sessions')).body as {
    id: number
    service: string
    account: string
  }[]
  assert.deepEqual(
    listed.map(({ service, account }) => ({ service, account })),
    [{ service: 'imap', account: 'ann@example.org' }],
  )
  const closed = once(socket, 'close')
  assert.equal((await ask(posthorn, 'server.end-session', { id: listed[0]?.id })).status, 200)
  await closed
  assert.equal((await ask(posthorn, 'server.end-session', { id: 12345 })).status, 422)
})

test('a message is traced from its acceptance to its mailbox, and a refusal to its reason', async (context) => {
  const posthorn = await serve(context)
  const port = posthorn.listeners.find(({ service }) => service === 'smtp')?.port ?? 0
  const message = 'From: <a@b.example>\r\nSubject: x\r\n\r\nx\r\n.'
  const lines = ['EHLO c.example', 'MAIL FROM:<bob@far.example>', 'RCPT TO:<ann@example.org>']
  const socket = await converse(port, [...lines, 'RCPT TO:<nobody@example.org>', 'DATA', message])
  socket.destroy()
  type Trace = { message: string | null; records: { name: string; fields: Record<string, unknown> }[] }
  const trace = async (text: string) => (await ask(posthorn, 'server.trace', { text })).body as Trace[]
  const [found] = await trace('ANN@example.org')
  assert.deepEqual(
    found?.records.map(({ name }) => name),
    ['smtp.recipient-refused', 'delivery.placed', 'smtp.message-accepted'],
  )
  assert.equal(found?.records[1]?.fields['recipient'], 'ann@example.org')
  assert.deepEqual((await trace(String(found?.message)))[0]?.message, found?.message)
  const [refused] = await trace('nobody@example.org')
  assert.deepEqual(
    [refused?.message, refused?.records[0]?.name, refused?.records[0]?.fields['reason']],
    [found?.message, 'smtp.recipient-refused', 'unknown-user'],
  )
})

test('a server without accounts has a link to make the first one; a catcher has none', async (context) => {
  const settings: ConfigInput = {
    ...{ profile: 'server', data: null, relay: { enabled: false } },
    auth: { argon2Memory: 8, argon2Passes: 1, allowClearText: true },
    listeners: [{ service: 'http', address: '127.0.0.1', port: 0, tls: 'none' }],
  }
  const posthorn = await startPosthorn(resolveConfig([{ name: 'test', settings }]))
  context.after(() => posthorn.stop())
  const [page, token] = (posthorn.setupLink ?? '').split('#')
  assert.equal(page, `${posthorn.pages}/setup`)
  const made = await fetch(`${posthorn.pages}/api/v1/setup`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token, domain: 'example.org', address: admin, password }),
  })
  assert.equal(made.status, 200)
  assert.equal((await ask(posthorn, 'account.list')).status, 200)
  const catcher = await startPosthorn(resolveConfig([{ name: 'test', settings: { profile: 'test' } }]))
  context.after(() => catcher.stop())
  assert.equal(catcher.setupLink, null)
  assert.match(catcher.pages ?? '', /^http:\/\/127\.0\.0\.1:\d+$/)
})

test('what operations answer is what their document says', async (context) => {
  // Nothing leaves: the one route holds all.
  const posthorn = await serve(context, { relay: { enabled: true, routes: [{ kind: 'hold' }] } })
  const good = async (name: string, body: object = {}): Promise<unknown> => {
    const answer = await ask(posthorn, name, body)
    assert.equal(answer.status, 200, `${name}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  const address = 'ann@example.org'
  const message = 'Subject: x\r\n\r\nx\r\n'
  await good('account.quota', { address, quota: { bytes: 1_000_000, messages: null } })
  await good('account.set', { address, quota: { mailboxes: 10 } })
  await good('account.state', { address, state: 'active' })
  await good('account.import', { lines: ['carl@example.org secret', 'nonsense'] })
  await good('account.list')
  const made = (await good('account.app-password.add', { address, label: 'x' })) as { id: number }
  await good('account.app-password.list', { address })
  await good('account.app-password.remove', { address, id: made.id })
  await good('account.sessions.list', { address })
  await good('account.sessions.end', { address })
  await good('account.protection', { address })
  await good('alias.set', { address: 'all@example.org', targets: [address], owner: 'root@example.org' })
  await good('alias.list')
  await good('alias.remove', { address: 'all@example.org' })
  await posthorn.operations.run('mail.submit', {
    ...{ reversePath: address, recipients: ['x@far.example'] },
    message: Buffer.from(message).toString('base64'),
  })
  const listed = (await good('queue.list')) as { name: string }[]
  assert.equal(listed.length, 1)
  await good('queue.show', { message: listed[0]?.name })
  for (const name of [
    'queue.totals',
    'queue.shape',
    'suppression.list',
    'search.list',
    'store.audit',
    'store.collect',
  ]) {
    await good(name)
  }
  const filter = { message: listed[0]?.name }
  for (const name of ['queue.hold', 'queue.release', 'queue.retry']) await good(name, { filter })
  await good('queue.discard', { filter })
  // What people did to a message is told with what became of it, and why.
  const orders = (await good('server.log', { name: 'queue.ordered' })) as { fields: object }[]
  const named = { message: listed[0]?.name, recipients: 1 }
  for (const [at, order] of ['discard', 'release', 'hold'].entries()) {
    assert.partialDeepStrictEqual(orders[at]?.fields, { ...named, order, by: admin })
  }
  assert.partialDeepStrictEqual(orders[2]?.fields, { reason: 'held by an operator' })
  await good('suppression.add', { address: 'x@far.example' })
  await good('suppression.list')
  await good('suppression.remove', { address: 'x@far.example' })
  await good('server.metrics')
  await good('server.trace', { text: 'far.example' })
  await good('account.password', { address, password: 'another' })
  await good('account.remove', { address })
})

test('each order is told with who gave it, how he came, and how it ended; secrets are not', async (context) => {
  const posthorn = await serve(context)
  const address = 'ann@example.org'
  await ask(posthorn, 'account.password', { address, password: 'a new secret' })
  await ask(posthorn, 'account.remove', { address: 'nobody@example.org' })
  const key = (
    await ask(posthorn, 'account.app-password.add', { address: admin, label: 'x', scopes: ['admin'] })
  ).body as { id: number; password: string }
  const authorization = `Basic ${Buffer.from(`${admin}:${key.password}`).toString('base64')}`
  await fetch(`${posthorn.pages}/api/v1/admin/account.state`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ address, state: 'disabled' }),
  })
  await ask(posthorn, 'account.list')
  const told = (await ask(posthorn, 'server.log', { name: 'admin.' })).body as { fields: object }[]
  const from = { by: admin, remoteAddress: '127.0.0.1' }
  const wanted = [
    {
      ...{
        operation: 'account.state',
        via: `app-password ${key.id}`,
        subject: `address ${address}, state disabled`,
      },
      ...{ ...from, outcome: 'done', reason: '' },
    },
    { ...from, operation: 'account.app-password.add', via: 'password', outcome: 'done' },
    {
      ...{ ...from, operation: 'account.remove', outcome: 'refused' },
      reason: 'There is no account nobody@example.org. `account list` shows those that are here.',
    },
    { ...from, operation: 'account.password', subject: `address ${address}`, outcome: 'done' },
  ]
  for (const [at, one] of wanted.entries()) assert.partialDeepStrictEqual(told[at]?.fields, one)
  const changes = (await ask(posthorn, 'server.log', { name: 'directory.', text: admin })).body as {
    fields: object
  }[]
  assert.deepEqual(changes[0]?.fields, { change: 'account-disabled', subject: address, by: admin })
  const all = JSON.stringify((await ask(posthorn, 'server.log', { limit: 1000 })).body)
  for (const secret of ['a new secret', key.password]) assert.equal(all.includes(secret), false)
})

test('people’s changes of their own protection are told', async (context) => {
  const posthorn = await serve(context)
  const authorization = `Basic ${Buffer.from(`ann@example.org:${password}`).toString('base64')}`
  const headers = { authorization, 'content-type': 'application/json' }
  const body = JSON.stringify({ label: 'Phone' })
  const made = await fetch(`${posthorn.pages}/api/v1/app-passwords`, { method: 'POST', headers, body })
  assert.equal(made.status, 201)
  const { id } = (await made.json()) as { id: number }
  await fetch(`${posthorn.pages}/api/v1/app-passwords/${id}`, { method: 'DELETE', headers })
  const told = (await ask(posthorn, 'server.log', { name: 'auth.protection-changed' })).body as {
    fields: object
  }[]
  const whose = { address: 'ann@example.org', via: 'password', remoteAddress: '127.0.0.1' }
  assert.deepEqual(
    told.map(({ fields }) => fields),
    ['app-password-removed', 'app-password-added'].map((change) => ({ ...whose, change })),
  )
})

test('the pages, the HTTP API and the command line have the same words', async (context) => {
  const posthorn = await serve(context)
  const program = makeProgram({ input: Readable.from([]), out: () => {}, err: () => {}, interactive: false })
  const commands = new Set(namesOf(program, []))
  const byHttp = new Set(
    Object.keys(
      ((await (await fetch(`${posthorn.pages}/api/v1/openapi.json`)).json()) as { paths: object }).paths,
    ),
  )
  for (const name of Object.keys(posthorn.operations.rows)) {
    const words = otherWords[name] ?? name.replaceAll('.', ' ')
    assert.ok(commands.has(words), `no command for ${name}`)
    if (name.startsWith('mail.') || name.startsWith('terminal.')) continue
    assert.ok(byHttp.has(`/api/v1/admin/${name}`), `no route for ${name}`)
    assert.ok(aboutOperations[name], `no sentence for ${name}`)
  }
  for (const name of Object.keys(adminAnswers))
    assert.ok(posthorn.operations.rows[name], `no operation ${name}`)
})

function namesOf(command: Command, before: readonly string[]): string[] {
  return command.commands.flatMap((one) =>
    [one.name(), ...one.aliases()].flatMap((name) => {
      const words = [...before, name]
      return [words.join(' '), ...namesOf(one, words)]
    }),
  )
}

test('a message is traced after a restart', async (context) => {
  const data = await mkdtemp(join(tmpdir(), 'posthorn-admin-'))
  context.after(() => rm(data, { recursive: true }))
  const first = await serve(context, { data })
  const port = first.listeners.find(({ service }) => service === 'smtp')?.port ?? 0
  const lines = ['EHLO c.example', 'MAIL FROM:<bob@far.example>', 'RCPT TO:<ann@example.org>', 'DATA']
  const socket = await converse(port, [...lines, 'From: <a@b.example>\r\n\r\nx\r\n.'])
  socket.destroy()
  await first.stop()
  const second = await startPosthorn(first.backend.config)
  context.after(() => second.stop())
  const traces = (await ask(second, 'server.trace', { text: 'bob@far.example' })).body as {
    records: object[]
  }[]
  assert.equal(traces[0]?.records.length, 2)
})
