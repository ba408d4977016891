// Options that programs for `smtp-server` and nodemailer bring along, each at work.
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { RealRandom } from '../../base/real-random.ts'
import { makeSelfSigned } from '../../net/self-signed.ts'
import { verifyMessage } from '../../auth/verify-message.ts'
import { ZoneResolver } from '../../net/zone-resolver.ts'
import {
  createTransport,
  SmtpServer,
  SMTPServer,
  type SmtpServerOptions,
  type SmtpServerSession,
  type TransportOptions,
} from './index.ts'

async function open(context: TestContext, options: SmtpServerOptions): Promise<number> {
  const server = new SmtpServer({ name: 'mx.x.test', hideSTARTTLS: true, ...options })
  const { port } = await server.listen(0, '127.0.0.1')
  context.after(() => server.close())
  return port
}

/** A server that keeps the sessions as they were at the end of a message, and a transport to it. */
async function pair(
  context: TestContext,
  { server = {}, client = {} }: { server?: SmtpServerOptions; client?: Partial<TransportOptions> },
) {
  const kept: { session: SmtpServerSession; content: string }[] = []
  const port = await open(context, {
    async onData(stream, session) {
      kept.push({ session: { ...session }, content: await text(stream) })
    },
    ...server,
  })
  const tls = { rejectUnauthorized: false }
  const transport = createTransport({ host: '127.0.0.1', port, tls, ...client })
  context.after(() => transport.close())
  return { kept, port, transport }
}

/** Says lines one after another, each behind the reply to the last, and gives all that was heard. */
async function speak(port: number, lines: readonly string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  const rest = [...lines]
  if (rest[0]?.startsWith('PROXY')) socket.write(`${rest.shift()}\r\n`)
  let heard = ''
  for await (const chunk of socket) {
    heard += String(chunk)
    const last = heard.split('\r\n').at(-2) ?? ''
    if (heard.endsWith('\r\n') && /^\d{3} /.test(last)) {
      const next = rest.shift()
      if (next !== undefined) socket.write(`${next}\r\n`)
    }
  }
  return heard
}

const letter = { from: 'a@x.test', to: 'b@y.test', subject: 'Hi', text: 'Hello' }

test('extensions can be left out of the EHLO response, and mechanisms be chosen', async (context) => {
  const hidden = await open(context, {
    ...{ hidePIPELINING: true, hide8BITMIME: true, hideSMTPUTF8: true, hideSize: true, hideCHUNKING: true },
    ...{ hideENHANCEDSTATUSCODES: true, allowInsecureAuth: true, authMethods: ['login'] },
    onAuth: async () => ({ user: 1 }),
  })
  const said = await speak(hidden, ['EHLO c.test', 'AUTH PLAIN AGEAYg==', 'QUIT'])
  assert.doesNotMatch(said, /PIPELINING|8BITMIME|SMTPUTF8|SIZE|CHUNKING|BINARYMIME|ENHANCEDSTATUSCODES/)
  assert.match(said, /250-AUTH LOGIN\r\n/)
  assert.match(said, /\r\n504 /)
  assert.equal(SMTPServer, SmtpServer)
})

test('DSN is offered where the program says so: its parameters come through, from a transport too', async (context) => {
  const { kept, transport } = await pair(context, { server: { dsn: true } })
  const dsn = { id: 'order 7', return: 'headers', notify: ['failure', 'delay'], recipient: 'Ann@old.test' }
  await transport.sendMail({ ...letter, dsn })
  const { envelope } = kept[0]?.session ?? assert.fail()
  assert.equal(envelope.mailFrom?.args['RET'], 'HDRS')
  assert.equal(envelope.mailFrom?.args['ENVID'], 'order 7')
  assert.deepEqual(envelope.rcptTo[0]?.args, { NOTIFY: 'FAILURE,DELAY', ORCPT: 'rfc822;Ann@old.test' })
  for (const wrong of [
    { notify: ['never', 'success'] },
    { notify: 'sometimes' },
    { return: 'all' },
    { id: 'a\r\nRCPT TO:<evil@x.test>' },
    { recipient: 'a@x.test>\r\nDATA' },
  ]) {
    await assert.rejects(transport.sendMail({ ...letter, dsn: wrong }), { code: 'EENVELOPE' })
  }
  const { kept: without, transport: plain } = await pair(context, {})
  await plain.sendMail({ ...letter, dsn })
  assert.deepEqual(without[0]?.session.envelope.rcptTo[0]?.args, {})
})

test('mail that may go over TLS alone goes so, or not at all', async (context) => {
  const careful = { ...letter, requireTLSExtensionEnabled: true }
  const { kept, transport } = await pair(context, { server: { hideSTARTTLS: false, requireTLS: true } })
  await transport.sendMail(careful)
  assert.equal(kept[0]?.session.envelope.requireTLS, true)
  const { transport: clear } = await pair(context, { server: { requireTLS: true } })
  await assert.rejects(clear.sendMail(careful), { code: 'ETLS', message: /does not offer REQUIRETLS/ })
  const { transport: without } = await pair(context, { server: { hideSTARTTLS: false } })
  await assert.rejects(without.sendMail(careful), { code: 'ETLS' })
})

test('a session tells how it came about', async (context) => {
  const { kept, transport } = await pair(context, {
    server: { hideSTARTTLS: false },
    client: { name: 'c.test', pool: true },
  })
  await transport.sendMail(letter)
  await transport.sendMail({ ...letter, to: 'jürgen@y.test', text: 'ü' })
  const [first, second] = kept.map(({ session }) => session)
  assert.equal(first?.openingCommand, 'EHLO')
  assert.equal(first?.clientHostname, '[127.0.0.1]')
  assert.deepEqual([first?.transmissionType, second?.transmissionType], ['ESMTPS', 'UTF8SMTPS'])
  assert.deepEqual([first?.transaction, second?.transaction], [1, 2])
  assert.deepEqual([first?.envelope.smtpUtf8, second?.envelope.smtpUtf8], [false, true])
})

test('listed peers speak for others, by PROXY, XCLIENT and XFORWARD; others do not', async (context) => {
  const seen: unknown[] = []
  const onConnect = async ({ remoteAddress, clientHostname }: SmtpServerSession) =>
    void seen.push([remoteAddress, clientHostname])
  const onMailFrom: SmtpServerOptions['onMailFrom'] = async (_address, { user, xForward }) =>
    void seen.push(user, xForward.get('NAME'))
  const options = { onConnect, onMailFrom, useProxy: true, useXClient: ['192.0.2.0/24'], useXForward: true }
  const port = await open(context, options)
  await speak(port, [
    'PROXY TCP4 192.0.2.9 127.0.0.1 4000 25',
    'EHLO relay.test',
    'XCLIENT ADDR=198.51.100.7 NAME=home.test LOGIN=ann',
    'EHLO home.test',
    'XFORWARD NAME=far.test',
    'MAIL FROM:<a@x.test>',
    'QUIT',
  ])
  assert.deepEqual(seen, [['192.0.2.9', '[192.0.2.9]'], ['198.51.100.7', 'home.test'], 'ann', 'far.test'])
  const refused = await speak(port, [
    'PROXY TCP4 203.0.113.5 127.0.0.1 4000 25',
    'EHLO x.test',
    'XCLIENT ADDR=1.2.3.4',
    'QUIT',
  ])
  assert.match(refused, /\r\n5\d\d [^\r]*\r\n221 /)
  assert.throws(() => new SmtpServer({ useXClient: ['nowhere'] }))
})

test('certificates go by name, and are replaced while the server runs', async (context) => {
  const make = async (name: string) => {
    const { certificate: cert, key } = await makeSelfSigned({
      ...{ names: [name], random: new RealRandom(), now: Date.now() },
    })
    return { cert, key }
  }
  const sniOptions = { 'two.test': await make('two.test') }
  const server = new SmtpServer({ secure: true, ...(await make('one.test')), sniOptions })
  context.after(() => server.close())
  const { port } = await server.listen(0, '127.0.0.1')
  const shown = (servername: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connectTls({ port, host: '127.0.0.1', servername, rejectUnauthorized: false }, () => {
        resolve(socket.getPeerX509Certificate()?.subjectAltName ?? '')
        socket.destroy()
      })
      socket.on('error', reject)
    })
  assert.match(await shown('one.test'), /one\.test/)
  assert.match(await shown('two.test'), /two\.test/)
  server.updateSecureContext(await make('three.test'))
  assert.match(await shown('one.test'), /three\.test/)
  assert.match(await shown('two.test'), /two\.test/, 'what is not given stays')
  assert.throws(() => server.updateSecureContext({ key: 'no', cert: 'no' }))
  assert.match(await shown('one.test'), /three\.test/)
})

test('a transport writes what nodemailer writes: lists, priority, alternatives, pictures, and no Bcc', async (context) => {
  const { kept, transport } = await pair(context, {})
  const { messageId, envelope } = await transport.sendMail({
    ...letter,
    ...{ bcc: 'hidden@y.test', priority: 'high', list: { unsubscribe: 'https://x.test/leave' } },
    ...{ html: '<img src="data:image/png;base64,AAAA">', attachDataUrls: true },
    icalEvent: { method: 'REQUEST', content: 'BEGIN:VCALENDAR\r\nEND:VCALENDAR' },
  })
  const { content = '' } = kept[0] ?? {}
  assert.deepEqual(envelope.to, ['b@y.test', 'hidden@y.test'])
  assert.match(content, /^X-Priority: 1/m)
  assert.match(content, /^List-Unsubscribe: <https:\/\/x\.test\/leave>/m)
  assert.match(content, /method=REQUEST/)
  assert.match(content, /<img src=3D"cid:|<img src="cid:/)
  assert.doesNotMatch(content, /hidden/)
  assert.ok(content.includes(`Message-ID: ${messageId}`))
})

test('a transport signs, and what it signed verifies', async (context) => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const record = publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
  const dkim = {
    ...{ domainName: 'x.test', keySelector: 's1' },
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
  const { kept, transport } = await pair(context, { client: { dkim } })
  await transport.sendMail({ ...letter, text: 'Grüße\n.\n..\n\n\n' })
  const { dkim: results } = await verifyMessage({
    message: Buffer.from(kept[0]?.content ?? ''),
    ...{ reversePath: 'a@x.test', address: '192.0.2.1', hostname: 'mx.test', helo: 'x.test' },
    resolver: new ZoneResolver(`s1._domainkey.x.test. TXT "v=DKIM1; k=rsa; p=${record}"`),
  })
  assert.deepEqual(
    results.map(({ result, domain }) => [result, domain]),
    [['pass', 'x.test']],
  )
})

test('a transport is made of a URL, speaks LMTP, logs in as told, and changes its connections', async (context) => {
  const methods: string[] = []
  const sessions = new Set<string>()
  const port = await open(context, {
    ...{ lmtp: true, allowInsecureAuth: true },
    onAuth: async ({ method, username, password }) => {
      methods.push(method)
      return { user: `${username}/${password}` }
    },
    onMailFrom: async (_address, { id, user, openingCommand }) => {
      sessions.add(id)
      assert.deepEqual([user, openingCommand], ['ann@x.test/a:b', 'LHLO'])
    },
  })
  const { options } = createTransport(`smtp://ann%40x.test:a%3Ab@127.0.0.1:${port}`)
  const transport = createTransport({
    ...{ ...options, lmtp: true, authMethod: 'login', pool: true, maxConnections: 1, maxMessages: 2 },
  })
  context.after(() => transport.close())
  for (let sent = 0; sent < 4; sent++) await transport.sendMail(letter)
  assert.deepEqual([...new Set(methods)], ['LOGIN'])
  assert.equal(sessions.size, 2)
  assert.equal(createTransport('smtps://[::1]').options.host, '::1')
  assert.throws(() => createTransport('https://x.test'), TypeError)
})

test('a server that says nothing is given up when the program says so', async (context) => {
  const port = await open(context, { onConnect: () => new Promise(() => {}), closeTimeout: 1 })
  const transport = createTransport({ host: '127.0.0.1', port, greetingTimeout: 50 })
  await assert.rejects(transport.verify(), { code: 'ETIMEDOUT' })
})
