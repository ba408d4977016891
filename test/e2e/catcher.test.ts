// What is caught, how it is kept, and what becomes of it on either side.
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import { type AddressInfo, connect as connectSocket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { ImapFlow } from 'imapflow'
import { dkimSign } from 'mailauth/lib/dkim/sign.js'
import { createTransport } from 'nodemailer'
import type { MessageDetail } from '../../src/catcher/api/schema.ts'
import { resolveConfig } from '../../src/config/layers.ts'
import { done, json as printed, posthorn, temporaryPlace } from './program.ts'
import { letter, openCatcherHouse, type CatcherHouse } from '../support/catcher-house.ts'

async function api<T>(the: CatcherHouse, path: string, init?: RequestInit): Promise<T> {
  const response = await the.get(`/api/v1/catcher${path}`, init)
  assert.ok(response.ok, `${path}: ${response.status} ${response.ok ? '' : await response.text()}`)
  return (await response.json()) as T
}

const json = (method: string, body: unknown): RequestInit => ({ method, body: JSON.stringify(body) })

interface Listed {
  messages: { id: string; subject: string; tags: string[]; inbox: string; read: boolean }[]
  total: number
  unread: number
  next: string | null
}

/** The id of the newest message. */
async function newest(the: CatcherHouse): Promise<string> {
  return (await api<Listed>(the, '/messages')).messages[0]?.id ?? assert.fail('nothing was caught')
}

const subjects = async (the: CatcherHouse, query = ''): Promise<string[]> =>
  (await api<Listed>(the, `/messages?query=${encodeURIComponent(query)}`)).messages.map(
    ({ subject }) => subject,
  )

async function imap(context: TestContext, the: CatcherHouse, user: string): Promise<ImapFlow> {
  const { port } = the.posthorn.listeners.find(({ service }) => service === 'imap') ?? assert.fail()
  const client = new ImapFlow({
    ...{ host: '127.0.0.1', port, secure: false, logger: false },
    ...{ auth: { user, pass: 'any' }, tls: { rejectUnauthorized: false } },
  })
  await client.connect()
  context.after(() => client.close())
  return client
}

test('envelope, session, TLS, log-in and dialogue of a message, without the password', async (context) => {
  const the = await openCatcherHouse(context)
  const transport = createTransport({
    ...{ host: '127.0.0.1', port: the.smtpPort, requireTLS: true, tls: { rejectUnauthorized: false } },
    auth: { user: 'app@shop.example', pass: 'top secret' },
  })
  const sent = await transport.sendMail({
    ...{
      from: 'app@shop.example',
      to: 'ann@example.org',
      bcc: 'hidden@example.org',
      subject: 'Grüße',
      text: 'ü',
    },
  })
  transport.close()
  const id = await newest(the)
  // The reply to the final dot names the message.
  assert.match(sent.response, new RegExp(id))
  const detail = await api<MessageDetail>(the, `/messages/${id}`)
  assert.equal(detail.subject, 'Grüße')
  assert.deepEqual(
    detail.bcc.map(({ address }) => address),
    ['hidden@example.org'],
  )
  assert.equal(detail.username, 'app@shop.example')
  const { record } = detail
  assert.deepEqual(
    record?.envelope.recipients.map(({ address }) => address),
    ['ann@example.org', 'hidden@example.org'],
  )
  assert.match(record?.session?.tls?.version ?? '', /^TLSv1\.3$/)
  assert.equal(record?.session?.mechanism, 'PLAIN')
  const dialogue = JSON.stringify(record?.transcript)
  assert.match(dialogue, /AUTH PLAIN \[secret\]/)
  assert.doesNotMatch(dialogue, /top secret/)
  assert.doesNotMatch(dialogue, new RegExp(Buffer.from('\0app@shop.example\0top secret').toString('base64')))
  assert.match(dialogue, /octets of the message/)
  assert.match(record?.transcript.at(-1)?.text ?? '', new RegExp(`^250 .*${id}`))
})

test('each message of one connection has its own dialogue', async (context) => {
  const the = await openCatcherHouse(context)
  const client = await the.dial()
  await client.reply()
  await client.command('EHLO client.example')
  for (const number of [1, 2]) {
    await client.command(`MAIL FROM:<n${number}@shop.example> SIZE=20`)
    await client.command('RCPT TO:<ann@example.org>')
    await client.command('DATA')
    await client.command(`Subject: ${number}\r\n\r\nx\r\n.`)
  }
  const { messages } = await api<Listed>(the, '/messages')
  for (const { id, subject } of messages) {
    const { record } = await api<MessageDetail>(the, `/messages/${id}`)
    const lines = record?.transcript.map(({ text }) => text) ?? []
    assert.equal(lines.filter((line) => line.startsWith('EHLO')).length, 1)
    assert.deepEqual(
      lines.filter((line) => line.startsWith('MAIL')),
      [`MAIL FROM:<n${subject}@shop.example> SIZE=20`],
    )
    assert.deepEqual(record?.envelope.parameters, ['SIZE=20'])
  }
  client.close()
})

test('IMAP sees the same mail under each name, and both sides follow each other', async (context) => {
  const the = await openCatcherHouse(context)
  await the.send(letter('one'), { to: ['ann@example.org', 'bob@example.org'] })
  await the.send(letter('two'))
  const all = await imap(context, the, 'catcher')
  const ann = await imap(context, the, 'ann@example.org')
  assert.equal((await all.mailboxOpen('INBOX')).exists, 2)
  assert.equal((await ann.mailboxOpen('INBOX')).exists, 2)
  await all.messageFlagsAdd('1', ['\\Seen'])
  assert.deepEqual(await subjects(the, 'is:read'), ['one'])
  await api(the, '/messages', json('PATCH', { query: 'subject:two', read: true }))
  const [, second] = await all.fetchAll('1:*', { flags: true })
  assert.ok(second?.flags?.has('\\Seen'))
  // What a recipient deletes is gone for himself; what the catcher deletes is gone everywhere.
  await ann.messageDelete('2')
  assert.equal(the.catcher.stats.total, 2)
  await api(the, '/messages', json('DELETE', { query: 'subject:one' }))
  const left = await ann.status('INBOX', { messages: true })
  assert.equal(left === false ? null : left.messages, 0)
  await all.noop()
  assert.equal(await all.messageDelete('1:*'), true)
  assert.deepEqual(await subjects(the), [])
  await all.append('INBOX', 'Subject: appended\r\n\r\nhello\r\n')
  await the.catcher.settled()
  assert.deepEqual(await subjects(the), ['appended'])
})

test('all is there after a restart: read, tags, inbox, record; and what had no summary', async (context) => {
  const data = await mkdtemp(join(tmpdir(), 'catcher-'))
  context.after(() => rm(data, { recursive: true, force: true }))
  const before = await openCatcherHouse(context, { data })
  await before.send(letter('kept', 'x', ['X-Posthorn-Inbox: shop', 'X-Tags: red']))
  const id = await newest(before)
  await before.get(`/api/v1/message/${id}`)
  const detail = await api<MessageDetail>(before, `/messages/${id}`)
  await before.posthorn.stop()
  const after = await openCatcherHouse(context, { data })
  assert.deepEqual(await api<MessageDetail>(after, `/messages/${id}`), detail)
  assert.equal(detail.read, true)
  assert.deepEqual([detail.inbox, detail.tags], ['shop', ['red']])
  // As if the process had died before the summary was written.
  const { store } = after.posthorn.backend
  const { account } = after.catcher.parts
  const kind = 'catcher-message'
  const objects = await store.listObjects({ account: account.id, kind, now: 0 })
  await after.posthorn.stop()
  const half = await openCatcherHouse(context, { data, catcher: { maxMessages: 0 } })
  await half.posthorn.backend.store.changeObjects({
    ...{ account: account.id, kind, destroy: objects.map((one) => one.id), now: 0 },
  })
  await half.posthorn.stop()
  const rebuilt = await openCatcherHouse(context, { data })
  assert.equal(rebuilt.catcher.summary(id)?.subject, 'kept')
})

test('tags by header, plus-address, user name and filters', async (context) => {
  const the = await openCatcherHouse(context, {
    catcher: {
      tags: {
        username: true,
        filters: [
          { match: 'subject:invoice', tags: ['Billing'] },
          { match: '"pay now"', tags: ['Urgent'] },
        ],
      },
    },
  })
  await the.send(letter('Invoice 7', 'Please pay now', ['X-Tags: x one, y']), {
    to: ['ann+welcome@example.org'],
  })
  await the.catcher.settled()
  const { messages } = await api<Listed>(the, '/messages')
  assert.deepEqual(messages[0]?.tags, ['Billing', 'Urgent', 'welcome', 'x one', 'y'])
  await api(the, '/messages', json('PATCH', { addTags: ['new'], removeTags: ['URGENT'] }))
  assert.deepEqual((await api<Listed>(the, '/messages')).messages[0]?.tags, [
    'Billing',
    'new',
    'welcome',
    'x one',
    'y',
  ])
})

test('inboxes keep projects apart', async (context) => {
  const the = await openCatcherHouse(context, { catcher: { inbox: { detail: true } } })
  await the.send(letter('a'), { to: ['ann+shop@example.org'] })
  await the.send(letter('b', 'x', ['X-Posthorn-Inbox: blog']), { to: ['ann+shop@example.org'] })
  await the.send(letter('c'))
  const { inboxes } = await api<{ inboxes: { name: string; total: number }[] }>(the, '/inboxes')
  assert.deepEqual(
    inboxes.map(({ name, total }) => [name, total]),
    [
      ['default', 1],
      ['shop', 1],
      ['blog', 1],
    ],
  )
  assert.equal((await api<Listed>(the, '/messages?inbox=shop')).messages[0]?.subject, 'a')
  await api(the, '/inboxes/blog', { method: 'DELETE' })
  assert.deepEqual(await subjects(the), ['c', 'a'])
})

test('retention by number, duplicates, and recipients that are not taken', async (context) => {
  const the = await openCatcherHouse(context, {
    catcher: {
      ...{ maxMessages: 3, ignoreDuplicates: true },
      ...{ acceptRecipients: '@example\\.org$', otherRecipients: 'refuse' },
    },
  })
  for (const number of [1, 2, 3, 4, 5])
    await the.send(letter(`${number}`, 'x', [`Message-ID: <${number}@x>`]))
  await the.catcher.settled()
  assert.deepEqual(await subjects(the), ['5', '4', '3'])
  assert.match(await the.send(letter('again', 'x', ['Message-ID: <5@x>'])), /^250 /)
  assert.deepEqual(await subjects(the), ['5', '4', '3'])
  assert.equal(the.catcher.counts.ignored, 1)
  // Somebody has emptied the mailbox by IMAP: what comes then is no duplicate of anything.
  const { store, account, mailbox } = the.catcher.parts
  await store.expunge({ account: account.id, mailbox: mailbox.id, which: 'regardless' })
  await the.send(letter('anew', 'x', ['Message-ID: <5@x>']))
  assert.deepEqual(await subjects(the), ['anew'])
  assert.match(await the.send(letter('far'), { to: ['x@elsewhere.example'] }), /^550 5\.1\.1 /)
  const ignoring = await openCatcherHouse(context, {
    catcher: { acceptRecipients: '@example\\.org$', otherRecipients: 'ignore' },
  })
  assert.match(await ignoring.send(letter('far'), { to: ['x@elsewhere.example'] }), /^250 /)
  assert.equal(ignoring.catcher.stats.total, 0)
})

test('pages of a list go on where the last one ended, whatever comes meanwhile', async (context) => {
  const the = await openCatcherHouse(context)
  for (const number of [1, 2, 3, 4, 5]) await the.send(letter(`${number}`))
  const first = await api<Listed>(the, '/messages?limit=2')
  await the.send(letter('6'))
  const second = await api<Listed>(the, `/messages?limit=2&after=${first.next}`)
  const third = await api<Listed>(the, `/messages?limit=2&after=${second.next}`)
  const pages = [first, second, third].map(({ messages }) => messages.map(({ subject }) => subject))
  assert.deepEqual(pages, [['5', '4'], ['3', '2'], ['1']])
  assert.equal(third.next, null)
})

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
  assert.deepEqual(await subjects(far), ['to ann'])
  const id = await newest(the)
  await api(the, `/messages/${id}/release`, json('POST', { to: ['qa@team.example'] }))
  const refused = await the.get(
    `/api/v1/catcher/messages/${id}/release`,
    json('POST', { to: ['real@customer.example'] }),
  )
  assert.equal(refused.status, 403)
  const mailpit = await the.get(
    `/api/v1/message/${id}/release`,
    json('POST', { To: ['real@customer.example'] }),
  )
  assert.deepEqual(
    [mailpit.status, await mailpit.text()],
    [400, 'Failed: Address do not match the allowlist: real@customer.example'],
  )
  await the.send(letter('to the boss'), { to: ['boss@example.org', 'real@customer.example'] })
  await the.catcher.settled()
  await far.catcher.settled()
  const arrived = (await api<Listed>(far, '/messages?limit=10')).messages
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
    json('POST', { to: ['qa@team.example'] }),
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
  const { webhooks } = await api<{ webhooks: { skipped: number }[] }>(the, '/webhooks')
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

test('live events, of one inbox where asked', async (context) => {
  const the = await openCatcherHouse(context)
  const response = await the.get('/api/v1/catcher/events?inbox=shop')
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader() ?? assert.fail()
  await the.send(letter('elsewhere'))
  await the.send(letter('here', 'x', ['X-Posthorn-Inbox: shop']))
  let text = ''
  while (!text.includes('event: new')) text += (await reader.read()).value ?? ''
  assert.match(text, /^event: stats\ndata: \{"type":"stats","total":0,"unread":0\}\n\n/)
  assert.doesNotMatch(text, /elsewhere/)
  assert.match(text, /"subject":"here"/)
  await reader.cancel()
})

test('handed in over HTTP, byte for byte but for the line ends', async (context) => {
  const the = await openCatcherHouse(context)
  const { id } = await api<{ id: string }>(the, '/messages', {
    method: 'POST',
    body: letter('ingested', 'a\nb'),
  })
  const detail = await api<MessageDetail>(the, `/messages/${id}`)
  assert.equal(detail.text, 'a\r\nb')
  assert.deepEqual(
    detail.record?.envelope.recipients.map(({ address }) => address),
    ['ann@example.org'],
  )
  assert.equal(detail.record?.session, null)
})

test('SPF, DKIM and DMARC as the world would see them, over a zone of the request', async (context) => {
  const the = await openCatcherHouse(context)
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const message = letter('signed', 'hello').replaceAll('\n', '\r\n') + '\r\n'
  const key = {
    ...{ signingDomain: 'shop.example', selector: 's1', algorithm: 'rsa-sha256' },
    ...{ privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() },
  }
  const { signatures } = await dkimSign(message, {
    ...{ canonicalization: 'relaxed/relaxed', ...key, signatureData: [key] },
  })
  await the.send(`${signatures.trim()}\r\n${message.trimEnd()}`)
  const id = await newest(the)
  const shown = publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
  const zone = [
    'shop.example. TXT "v=spf1 ip4:198.51.100.7 -all"',
    `s1._domainkey.shop.example. TXT "v=DKIM1; k=rsa; p=${shown.slice(0, 200)}" "${shown.slice(200)}"`,
    '_dmarc.shop.example. TXT "v=DMARC1; p=reject"',
  ].join('\n')
  const path = `/messages/${id}/checks/authentication`
  type Check = Record<'spf' | 'dmarc', { result: string; record: string }> & {
    dkim: { result: string; aligned: boolean }[]
  }
  const good = await api<Check>(the, path, json('POST', { zone, address: '198.51.100.7' }))
  assert.equal(good.spf.result, 'pass')
  assert.equal(good.dkim[0]?.result, 'pass')
  assert.equal(good.dmarc.result, 'pass')
  const elsewhere = await api<Check>(the, path, json('POST', { zone, address: '203.0.113.9' }))
  assert.equal(elsewhere.spf.result, 'fail')
  assert.equal(elsewhere.dmarc.result, 'pass')
  const bare = await api<Check>(the, path, json('POST', { zone: 'other.example. TXT "x"' }))
  assert.equal(bare.spf.result, 'none')
  assert.notEqual(bare.dkim[0]?.result, 'pass')
  const wrong = await the.get(`/api/v1/catcher${path}`, json('POST', { zone: 'no zone at all' }))
  assert.equal(wrong.status, 400)
})

test('one-click: what is there, and what is missing', async (context) => {
  const the = await openCatcherHouse(context)
  await the.send(
    letter('news', 'x', [
      'List-Unsubscribe: <https://shop.example/u?1>, <mailto:u@shop.example>',
      'List-Unsubscribe-Post: List-Unsubscribe=One-Click',
    ]),
  )
  const id = await newest(the)
  const found = await api<{ oneClick: boolean; problems: string[]; links: string[] }>(
    the,
    `/messages/${id}/checks/unsubscribe`,
  )
  assert.deepEqual(found.links, ['https://shop.example/u?1', 'mailto:u@shop.example'])
  assert.deepEqual(found.problems, ['one-click needs a DKIM signature that covers both fields'])
})

test('hostile HTML is a page that runs nothing and fetches nothing', async (context) => {
  const the = await openCatcherHouse(context)
  await the.send(
    letter('evil', '<script>alert(1)</script><img src="http://evil.example/x.png">', [
      'Content-Type: text/html',
    ]),
  )
  const id = await newest(the)
  const page = await the.get(`/api/v1/catcher/messages/${id}/html`)
  const policy = page.headers.get('content-security-policy') ?? ''
  assert.match(policy, /default-src 'none'/)
  assert.match(policy, /img-src 'self' data:;/)
  assert.match(policy, /sandbox(?! allow-scripts)/)
  assert.doesNotMatch(policy, /script-src/)
})

test('the OpenAPI document names every route', async (context) => {
  const the = await openCatcherHouse(context)
  const { paths } = await api<{ paths: Record<string, object> }>(the, '/openapi.json')
  assert.ok(Object.keys(paths).length >= 28)
  assert.ok(paths['/api/v1/catcher/messages/{id}/checks/authentication'])
})

test('files go in, and what was caught comes out as files', async (context) => {
  const the = await openCatcherHouse(context, { catcher: { users: [{ name: 'dev', password: 'pass' }] } })
  const { folder } = await temporaryPlace(context)
  const mbox = [1, 2].map(
    (number) => `From app@shop.example Mon Jan  5 10:00:00 2026\n${letter(`mbox ${number}`)}\n\n`,
  )
  await writeFile(join(folder, 'in.mbox'), mbox.join(''))
  const where = ['--url', the.url, '--user', 'dev:pass']
  const put = ['catcher', 'ingest', join(folder, 'in.mbox'), ...where]
  assert.deepEqual(await printed(folder, put), { messages: 2, problems: [] })
  await done(folder, ['catcher', 'ingest', '-', '--to', 'qa@team.example', ...where], letter('by hand'))
  assert.deepEqual(
    (await the.catcher.find({})).messages.map(({ subject }) => subject),
    ['by hand', 'mbox 2', 'mbox 1'],
  )
  const out = join(folder, 'out')
  assert.match(
    await done(folder, ['catcher', 'dump', out, '--query', 'subject:mbox', ...where]),
    /^2 messages in /,
  )
  const files = await readdir(out)
  assert.equal(files.length, 2)
  const text = await readFile(join(out, files[0] ?? ''), 'utf8')
  assert.match(text, /^Return-Path: <app@shop\.example>\r\n[^]*Subject: mbox \d\r\n/)
  const refused = await posthorn(folder, ['catcher', 'dump', out, '--url', the.url])
  assert.equal(refused.code, 1)
  const nobody = await posthorn(folder, ['catcher', 'dump', out, '--url', 'http://127.0.0.1:1'])
  assert.equal(nobody.code, 4)
})

test('large messages, in chunks, with parts that are read from their place', async (context) => {
  const the = await openCatcherHouse(context)
  const octets = Buffer.alloc(600_000, 7)
  const message = [
    ...[
      'From: app@shop.example',
      'To: ann@example.org',
      'Subject: large',
      'X-Tags: big',
      'MIME-Version: 1.0',
    ],
    ...[
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b',
      'Content-Type: text/plain',
      '',
      'see the file',
      '--b',
    ],
    ...[
      'Content-Type: application/octet-stream; name="../../etc/passwd"',
      'Content-Transfer-Encoding: base64',
    ],
    ...[
      'Content-Disposition: attachment; filename="../../x.bin"',
      '',
      octets.toString('base64'),
      '--b--',
      '',
    ],
  ].join('\r\n')
  const client = await the.dial()
  await client.reply()
  for (const line of ['EHLO x.example', 'MAIL FROM:<app@shop.example>', 'RCPT TO:<ann@example.org>'])
    await client.command(line)
  client.send(`BDAT 100000\r\n${message.slice(0, 100_000)}`)
  assert.match((await client.reply()) ?? '', /^250 /)
  client.send(`BDAT ${message.length - 100_000} LAST\r\n${message.slice(100_000)}`)
  assert.match((await client.reply()) ?? '', /^250 /)
  client.close()
  const id = await newest(the)
  const detail = await api<MessageDetail>(the, `/messages/${id}`)
  assert.deepEqual([detail.tags, detail.text.trim(), detail.attachments], [['big'], 'see the file', 1])
  const [part] = detail.parts
  assert.equal(part?.fileName, 'x.bin')
  const response = await the.get(`/api/v1/catcher/messages/${id}/parts/${part?.partId}`)
  assert.deepEqual(Buffer.from(await response.arrayBuffer()), octets)
  assert.match(response.headers.get('content-disposition') ?? '', /filename="x\.bin"/)
  const lines = detail.record?.transcript.map(({ text }) => text) ?? []
  assert.ok(lines.includes('100000 octets of the message'))
  assert.equal(detail.size, (await (await the.get(`/api/v1/message/${id}/raw`)).arrayBuffer()).byteLength)
  assert.deepEqual(await subjects(the, '"the file" larger:500k'), ['large'])
})

test('many sessions at once: each message once, with its own record', async (context) => {
  const the = await openCatcherHouse(context)
  const numbers = Array.from({ length: 60 }, (_, number) => number)
  await Promise.all(
    numbers.map((number) =>
      the.send(letter(`n${number}`), { from: `n${number}@shop.example`, to: [`r${number % 7}@example.org`] }),
    ),
  )
  await the.catcher.settled()
  const { messages } = await the.catcher.find({ limit: 1000 })
  assert.equal(new Set(messages.map(({ subject }) => subject)).size, 60)
  for (const { id, subject } of messages) {
    assert.equal((await the.catcher.record(id))?.envelope.reversePath, `${subject}@shop.example`)
  }
  await the.catcher.remove({})
  await the.catcher.settled()
  const { store } = the.posthorn.backend
  const account = the.catcher.parts.account.id
  for (const kind of ['catcher-message', 'catcher-record']) {
    assert.deepEqual(await store.listObjects({ account, kind, now: 0 }), [], kind)
  }
  assert.deepEqual(await store.audit(), [])
})

test('what is older than it may be goes by itself', async (context) => {
  const the = await openCatcherHouse(context, { catcher: { maxAge: 200, pruneEvery: 20 } })
  const gone = Promise.withResolvers<readonly string[]>()
  the.catcher.subscribe((event) => {
    if (event.type === 'delete') gone.resolve(event.ids)
  })
  await the.send(letter('old'))
  const id = await newest(the)
  assert.deepEqual(await gone.promise, [id])
  assert.equal(the.catcher.stats.total, 0)
})

test('a search of many messages finds the same, whether the index knows them or not', async (context) => {
  for (const enabled of [true, false]) {
    const the = await openCatcherHouse(context, { search: { enabled } })
    await Promise.all(
      Array.from({ length: 10 }, async (_, session) => {
        const client = await the.dial()
        await client.reply()
        await client.command('EHLO client.example')
        for (let number = session; number < 250; number += 10) {
          for (const line of ['MAIL FROM:<app@shop.example>', 'RCPT TO:<ann@example.org>', 'DATA'])
            await client.command(line)
          await client.command(
            `Subject: s${number}\r\n\r\n${number % 50 === 7 ? 'Überraschung Needle7x, ok' : 'hay'}\r\n.`,
          )
        }
        client.close()
      }),
    )
    if (enabled) {
      const { search } = the.posthorn.backend
      const signal = new AbortController().signal
      await search.index(the.catcher.parts.account.id, {
        rebuild: false,
        signal,
        onProgress: () => undefined,
      })
    }
    for (const [query, total] of [
      ['needle7x', 5],
      ['eedle7', 5],
      ['-needle7x', 245],
      ['"needle7x, ok"', 5],
      ['überraschung', 5],
      ['nothing', 0],
      ['hay s24', 11],
    ] as const) {
      assert.equal((await the.catcher.find({ query })).total, total, `${query} ${enabled}`)
    }
  }
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
  const detail = await api<MessageDetail>(the, `/messages/${await newest(the)}`)
  assert.equal(detail.record?.session?.remoteAddress, '127.0.0.1')
  const { listeners } = await api<{ listeners: unknown[] }>(the, '/status')
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
