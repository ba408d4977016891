// What programs for nodemailer do with a transport: callbacks, plugins, turns, transports that send nothing, attachments of every form, and
// content from URLs, which is guarded.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import PostalMime from 'postal-mime'
import {
  createTransport,
  type MailToSend,
  SmtpServer,
  type SmtpServerOptions,
  type SmtpTransport,
} from './index.ts'

const letter = { from: 'a@x.test', to: 'b@y.test', subject: 'Hi', text: 'Hello' }

async function open(context: TestContext, options: SmtpServerOptions = {}): Promise<number> {
  const server = new SmtpServer({ name: 'mx.x.test', hideSTARTTLS: true, ...options })
  const { port } = await server.listen(0, '127.0.0.1')
  context.after(() => server.close())
  return port
}

/** A web server on this machine, and what it was asked. */
async function web(context: TestContext, answers: Readonly<Record<string, string | { to: string }>>) {
  const asked: { path: string; headers: NodeJS.Dict<string | string[]> }[] = []
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    asked.push({ path, headers: request.headers })
    const answer = answers[path]
    if (answer === undefined) response.writeHead(404).end('no')
    else if (typeof answer === 'string') response.end(answer)
    else response.writeHead(302, { location: answer.to }).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => void server.close())
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return { asked, url: `http://127.0.0.1:${address.port}`, port: address.port }
}

/** What is written of a message. */
async function written(mail: MailToSend, options: object = {}) {
  const transport = createTransport({ streamTransport: true, buffer: true, ...options })
  const { message } = await transport.sendMail({ ...letter, ...mail })
  assert.ok(Buffer.isBuffer(message))
  return PostalMime.parse(message)
}

function contentOf({ attachments }: Awaited<ReturnType<typeof written>>): unknown[] {
  return attachments.map(({ filename, content }) => [
    filename,
    Buffer.from(content as ArrayBuffer).toString(),
  ])
}

test('callbacks are called once, behind what has come to pass; what they throw is not the transport’s', async (context) => {
  const transport = createTransport({ host: '127.0.0.1', port: await open(context) })
  context.after(() => transport.close())
  const sent = Promise.withResolvers<[unknown, unknown]>()
  assert.equal(
    transport.sendMail(letter, (error, info) => sent.resolve([error, info?.accepted])),
    undefined,
  )
  assert.deepEqual(await sent.promise, [null, ['b@y.test']])
  const failed = Promise.withResolvers<unknown>()
  transport.sendMail({ ...letter, to: [] }, (error) => failed.resolve(error))
  assert.equal(((await failed.promise) as { code?: string }).code, 'EENVELOPE')
  const verified = Promise.withResolvers<unknown>()
  transport.verify((_error, answer) => verified.resolve(answer))
  assert.equal(await verified.promise, true)
})

test('defaults of the second argument, and plugins of both steps', async () => {
  const transport = createTransport({ streamTransport: true, buffer: true }, { replyTo: 'help@x.test' })
  transport.use('compile', ({ data }, done) => {
    data.subject = `${String(data.subject)}!`
    done()
  })
  transport.use('stream', ({ message }, done) => {
    message.addHeader('X-Stream', 'seen\r\nX-Evil: 1')
    done()
  })
  const { message, messageSize, envelope } = await transport.sendMail(letter)
  const parsed = await PostalMime.parse(message as Buffer)
  assert.deepEqual([parsed.subject, parsed.replyTo?.at(0)?.address], ['Hi!', 'help@x.test'])
  assert.ok(parsed.headers.some(({ key }) => key === 'x-stream'))
  assert.ok(!parsed.headers.some(({ key }) => key === 'x-evil'))
  assert.equal(messageSize, (message as Buffer).length)
  assert.deepEqual(envelope, { from: 'a@x.test', to: ['b@y.test'] })
  transport.use('compile', (_mail, done) => done(new Error('not today')))
  await assert.rejects(transport.sendMail(letter), { code: 'EMESSAGE', message: /not today/ })
})

test('transports that send nothing give octets, a stream, or JSON, and refuse what could not be sent', async () => {
  const streamed = await createTransport({ streamTransport: true, newline: 'unix' }).sendMail(letter)
  assert.ok(streamed.message instanceof Readable)
  const lines = await text(streamed.message)
  assert.match(lines, /^Subject: Hi$/m)
  assert.doesNotMatch(lines, /\r/)
  const json = createTransport({ jsonTransport: true })
  const { message, messageId, envelope } = await json.sendMail({
    ...letter,
    bcc: 'c@y.test',
    attachments: [{ filename: 'a.txt', content: Readable.from(['aGk=']), encoding: 'utf8' }],
  })
  const fields = JSON.parse(message as string) as Record<string, unknown>
  assert.deepEqual([fields['subject'], fields['messageId']], ['Hi', messageId])
  assert.deepEqual(
    Object.keys(fields).toSorted(),
    Object.keys(fields)
      .filter((name) => name !== 'newline')
      .toSorted(),
  )
  assert.deepEqual(envelope.to, ['b@y.test', 'c@y.test'])
  for (const transport of [json, createTransport({ streamTransport: true })]) {
    await assert.rejects(transport.sendMail({ ...letter, to: [] }), { code: 'EENVELOPE' })
    const twice = { from: 'a@x.test', to: 'b@y.test>\r\nRCPT TO:<c@y.test' }
    await assert.rejects(transport.sendMail({ ...letter, envelope: twice }), { code: 'EENVELOPE' })
    assert.equal(await transport.verify(), true)
  }
})

test('a transport tells when it has room', async (context) => {
  const held = Promise.withResolvers<void>()
  const port = await open(context, { onData: () => held.promise })
  const transport = createTransport({ host: '127.0.0.1', port, pool: true, maxConnections: 2 })
  context.after(() => transport.close())
  await once(transport, 'idle')
  assert.equal(transport.isIdle(), true)
  const sending = [transport.sendMail(letter), transport.sendMail(letter), transport.sendMail(letter)]
  while (transport.isIdle()) await new Promise((resolve) => setImmediate(resolve))
  const again = once(transport, 'idle')
  held.resolve()
  await Promise.all(sending)
  await again
  assert.equal(transport.isIdle(), true)
  await transport.close()
  assert.equal(transport.isIdle(), false)
})

test('attachments come as text, octets, streams, files, data URLs, whole parts and pictures', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-library-'))
  context.after(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, 'file.txt')
  await writeFile(path, 'of a file')
  const attachments: MailToSend['attachments'] = [
    { filename: 'text.txt', content: 'a text' },
    { filename: 'octets.txt', content: Buffer.from('octets') },
    { filename: 'stream.txt', content: Readable.from(['a ', 'stream']) },
    { filename: 'base.txt', content: 'YmFzZQ==', encoding: 'base64' },
    { path },
    { filename: 'data.txt', path: 'data:text/plain;base64,ZGF0YQ==' },
    {
      raw: 'Content-Type: text/plain; name=raw.txt\r\nContent-Disposition: attachment; filename=raw.txt\r\n\r\nraw',
    },
  ]
  const parsed = await written({ attachments })
  assert.deepEqual(
    contentOf(parsed).map((one) => String(one).trim()),
    [
      'text.txt,a text',
      'octets.txt,octets',
      'stream.txt,a stream',
      'base.txt,base',
      'file.txt,of a file',
      'data.txt,data',
      'raw.txt,raw',
    ],
  )
  const picture = await written({
    html: '<img src="cid:logo@x">',
    attachments: [{ cid: 'logo@x', filename: 'l.png', content: 'x' }],
  })
  assert.equal(picture.attachments[0]?.contentId, '<logo@x>')
  const fileOnly = { attachments: [{ path }] }
  await assert.rejects(written(fileOnly, { disableFileAccess: true }), {
    code: 'EMESSAGE',
    message: /File access/,
  })
  await assert.rejects(written({ ...fileOnly, disableFileAccess: true }), { code: 'EMESSAGE' })
})

test('lists, calendars, alternatives and DSN are written as nodemailer writes them', async () => {
  const parsed = await written({
    list: { unsubscribe: 'https://x.test/u', id: { url: 'x.test', comment: 'X' } },
    icalEvent: { method: 'REQUEST', content: 'BEGIN:VCALENDAR\r\nEND:VCALENDAR' },
    alternatives: [{ contentType: 'text/x-amp', content: '<amp>' }],
  })
  const field = (name: string) => parsed.headers.find(({ key }) => key === name)?.value
  assert.deepEqual([field('list-unsubscribe'), field('list-id')], ['<https://x.test/u>', '"X" <x.test>'])
  const types = parsed.attachments.map(({ mimeType }) => mimeType)
  assert.ok(types.includes('text/calendar') && types.includes('text/x-amp'), String(types))
})

test('content from URLs: of public addresses alone, unless the program says otherwise', async (context) => {
  const { url, asked, port } = await web(context, { '/a/report.txt?x=1': 'remote', '/page': '<p>Remote</p>' })
  const attachments = [{ href: `${url}/a/report.txt?x=1`, httpHeaders: { authorization: 'Bearer x' } }]
  const inside = [
    { attachments },
    { attachments: [{ path: `${url}/page` }] },
    { attachments: [{ href: `http://localhost:${port}/page` }] },
    { html: { href: `${url}/page` } },
    { alternatives: [{ contentType: 'text/plain', href: `http://[::ffff:127.0.0.1]:${port}/page` }] },
    { attachments: [{ raw: { href: `http://0x7f.1:${port}/page` } }] },
    { icalEvent: { href: `${url}/page` } },
    { raw: { href: `${url}/page` } },
  ] as MailToSend[]
  for (const mail of inside) {
    await assert.rejects(
      written(mail),
      { code: 'EMESSAGE', message: /not public|private addresses/ },
      JSON.stringify(mail),
    )
  }
  assert.deepEqual(asked, [])
  const open = { allowPrivateUrls: true }
  assert.deepEqual(contentOf(await written({ attachments }, open)), [['report.txt', 'remote']])
  assert.deepEqual(
    asked.map(({ headers }) => headers['authorization']),
    ['Bearer x'],
  )
  assert.match(
    (await written({ html: { href: `${url}/page` } } as MailToSend, open)).html ?? '',
    /<p>Remote<\/p>/,
  )
  await assert.rejects(written({ attachments }, { ...open, disableUrlAccess: true }), { code: 'EMESSAGE' })
  await assert.rejects(written({ attachments: [{ href: `${url}/none` }] }, open), /answered 404/)
  for (const href of ['file:///etc/passwd', 'ftp://x.test/', 'gopher:x', 'none']) {
    await assert.rejects(written({ attachments: [{ href }] }, open), /no URL of http or https/, href)
  }
})

test('what a message takes from URLs is bounded, together', async (context) => {
  const { url, asked } = await web(context, { '/part': 'x'.repeat(20 * 1024 * 1024), '/page': 'x' })
  const open = { allowPrivateUrls: true }
  const parts = (path: string, count: number) =>
    Array.from({ length: count }, (_, index) => ({ filename: `part ${index}`, href: `${url}${path}` }))
  assert.equal((await written({ attachments: parts('/part', 2) }, open)).attachments.length, 2)
  await assert.rejects(written({ attachments: parts('/part', 3) }, open), {
    ...{ code: 'EMESSAGE', message: /more than 52428800 octets/ },
  })
  const before = asked.length
  await assert.rejects(written({ attachments: parts('/page', 101) }, open), {
    ...{ code: 'EMESSAGE', message: /more than 100 URLs/ },
  })
  assert.ok(asked.length - before <= 100)
})

test('what opens a URL is in no error', async (context) => {
  const { url, port } = await web(context, {})
  const secret = `http://user:secret@127.0.0.1:${port}/none?signature=secret`
  for (const [options, reason] of [
    [{ allowPrivateUrls: true }, /none answered 404/],
    [{}, /not public/],
  ] as const) {
    await assert.rejects(written({ attachments: [{ href: secret }] }, options), (error: Error) => {
      assert.match(error.message, reason)
      assert.ok(error.message.includes(`${url}/none`))
      return !error.message.includes('secret')
    })
  }
})

test('a redirect is judged anew, takes no credentials elsewhere, and does not go on for ever', async (context) => {
  const far = await web(context, { '/end': 'the end' })
  const near = await web(context, {
    '/there': { to: `${far.url}/end` },
    '/round': { to: '/round' },
    '/file': { to: 'file:///etc/passwd' },
  })
  const attachments = (path: string) => [
    { filename: 'a', href: `${near.url}${path}`, httpHeaders: { authorization: 'Bearer x' } },
  ]
  const open = { allowPrivateUrls: true }
  assert.deepEqual(contentOf(await written({ attachments: attachments('/there') }, open)), [['a', 'the end']])
  assert.deepEqual(
    [near, far].map(({ asked }) => asked[0]?.headers['authorization']),
    ['Bearer x', undefined],
  )
  await assert.rejects(written({ attachments: attachments('/round') }, open), /answered 302/)
  await assert.rejects(written({ attachments: attachments('/file') }, open), /no URL of http or https/)
})

test('a plugin cannot fetch past the guard', async (context) => {
  const { url, asked } = await web(context, { '/page': 'x' })
  const transport = createTransport({ streamTransport: true, allowPrivateUrls: true })
  transport.use('compile', ({ data }, done) => {
    data.attachments = [{ href: `${url}/page` }]
    done()
  })
  await assert.rejects(transport.sendMail(letter), { code: 'EMESSAGE', message: /Url access/ })
  assert.deepEqual(asked, [])
})

test('a URL brings options, and neither URLs nor options that there are not are passed over', () => {
  const { options } = createTransport(
    'smtps://a%40x.test:p%2Fw@mx.x.test?pool=true&maxConnections=3&requireTLS=true&name=client.test',
  )
  assert.deepEqual(options, {
    ...{ host: 'mx.x.test', secure: true, auth: { user: 'a@x.test', pass: 'p/w' } },
    ...{ pool: true, maxConnections: 3, requireTLS: true, name: 'client.test' },
  })
  for (const url of ['smtp://x.test?pool=maybe', 'smtp://x.test?proxy=socks', 'http://x.test']) {
    assert.throws(() => createTransport(url), TypeError)
  }
  const strange = (more: object) => (): SmtpTransport => createTransport({ host: 'x.test', ...more })
  assert.throws(strange({ service: 'gmail' }), /no option service: give the host/)
  for (const count of [0, -1, 0.5, Number.NaN])
    assert.throws(strange({ maxConnections: count }), /whole number/)
  assert.throws(strange({ rateLimit: 0 }), /rateLimit is 0/)
  strange({ maxMessages: Number.POSITIVE_INFINITY, rateLimit: Number.POSITIVE_INFINITY })()
  assert.throws(strange({ maxConnection: 1 }), /did you mean maxConnections\?/)
  const message = (): unknown => createTransport({ streamTransport: true, ...{ host: 'x.test' } })
  assert.throws(message, /no option host/)
})
