// `posthorn/smtp` as its users have it: our server against a client that we did not write, our client against our server, and what a
// hostile message can do to either (nothing).
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import nodemailer from 'nodemailer'
import {
  createTransport,
  SmtpError,
  SmtpRefusal,
  SmtpServer,
  type SmtpServerOptions,
  type SmtpServerSession,
} from './index.ts'

interface Kept {
  readonly from: string
  readonly to: readonly string[]
  readonly content: string
}

/** A server that keeps what it is sent. */
async function keeper(context: TestContext, options: SmtpServerOptions = {}) {
  const kept: Kept[] = []
  const server = new SmtpServer({
    name: 'mx.x.test',
    async onData(stream, { envelope }: SmtpServerSession) {
      const content = await text(stream)
      const { mailFrom, rcptTo } = envelope
      kept.push({ from: mailFrom?.address ?? '', to: rcptTo.map(({ address }) => address), content })
      return `kept as ${kept.length}`
    },
    ...options,
  })
  const { port } = await server.listen(0, '127.0.0.1')
  context.after(() => server.close())
  return { kept, server, port }
}

const insecure = { tls: { rejectUnauthorized: false } }
const letter = { from: 'a@x.test', to: 'b@y.test', subject: 'Hi', text: 'Hello' }

test('the server takes mail of nodemailer: STARTTLS, log-in, envelope, content, the text of its reply', async (context) => {
  const seen: unknown[] = []
  const { kept, port } = await keeper(context, {
    onAuth: (auth, _session, callback) => {
      if (auth.username === 'ann' && auth.password === 'secret') callback(null, { user: { id: 7 } })
      else callback(new Error('No'))
    },
    onMailFrom: async ({ address, args }, { user, secure }) => void seen.push(address, args, user, secure),
  })
  const transport = nodemailer.createTransport({
    ...{ host: '127.0.0.1', port, ...insecure },
    auth: { user: 'ann', pass: 'secret' },
  })
  const { response } = await transport.sendMail({ ...letter, to: ['b@y.test', 'c@z.test'] })
  assert.match(response, /^250 2\.0\.0 kept as 1$/)
  assert.deepEqual([kept[0]?.from, kept[0]?.to], ['a@x.test', ['b@y.test', 'c@z.test']])
  assert.match(kept[0]?.content ?? '', /^Subject: Hi\r$/m)
  assert.deepEqual([seen[0], seen[2], seen[3]], ['a@x.test', { id: 7 }, true])
  const wrong = nodemailer.createTransport({
    host: '127.0.0.1',
    port,
    ...insecure,
    auth: { user: 'ann', pass: 'x' },
  })
  await assert.rejects(wrong.sendMail(letter), { code: 'EAUTH', responseCode: 535 })
  const nobody = nodemailer.createTransport({ host: '127.0.0.1', port, ...insecure })
  await assert.rejects(nobody.sendMail(letter), { responseCode: 530 })
})

test('functions refuse at every stage, by throwing or by callback, with their code and text', async (context) => {
  const cases: [SmtpServerOptions, Partial<SmtpError>][] = [
    [
      {
        onConnect: () => {
          throw new SmtpRefusal(421, '4.7.0 Not now')
        },
      },
      { responseCode: 421, enhancedCode: '4.7.0', code: 'ECONNECTION' },
    ],
    [
      { onMailFrom: (_a, _s, done) => done(new Error('Not you')) },
      { responseCode: 550, command: 'MAIL', code: 'EENVELOPE' },
    ],
    [
      {
        onRcptTo: async () => {
          throw new SmtpRefusal(450, 'Later')
        },
      },
      { responseCode: 450, command: 'RCPT', enhancedCode: '4.0.0' },
    ],
    [
      {
        onData: async () => {
          throw new SmtpRefusal(552, '5.3.4 Too\r\n250 OK big')
        },
      },
      { responseCode: 552, command: 'DATA', code: 'EMESSAGE' },
    ],
    [
      {
        onData: async () => {
          throw Object.assign(new Error('Odd'), { responseCode: 250 })
        },
      },
      { responseCode: 450 },
    ],
  ]
  for (const [options, wanted] of cases) {
    const { port } = await keeper(context, options)
    const transport = createTransport({ host: '127.0.0.1', port, ...insecure })
    await assert.rejects(transport.sendMail(letter), (error) => {
      assert.ok(error instanceof SmtpError)
      for (const [name, value] of Object.entries(wanted)) {
        assert.equal(error[name as keyof SmtpError], value, `${name}: ${error.message}`)
      }
      return true
    })
  }
})

test('a function that refuses at once does not make the rest of the message commands', async (context) => {
  const { kept, port } = await keeper(context, {
    onData: (_stream, _session, callback) => callback(new SmtpRefusal(554, 'No')),
  })
  const transport = createTransport({ host: '127.0.0.1', port, ...insecure, pool: true })
  const big = `MAIL FROM:<evil@x.test>\r\n`.repeat(50_000)
  await assert.rejects(transport.sendMail({ ...letter, text: big }), { responseCode: 554 })
  await assert.rejects(transport.sendMail(letter), { responseCode: 554 })
  await transport.close()
  assert.deepEqual(kept, [])
})

test('some recipients may be refused, and the others get it', async (context) => {
  const { kept, port } = await keeper(context, {
    onRcptTo: async ({ address }) => {
      if (address.startsWith('no')) throw new SmtpRefusal(550, '5.1.1 Nobody here')
    },
  })
  await using transport = createTransport({ host: '127.0.0.1', port, ...insecure })
  const sent = await transport.sendMail({ ...letter, to: ['b@y.test', 'nobody@y.test'] })
  assert.deepEqual([sent.accepted, sent.rejected], [['b@y.test'], ['nobody@y.test']])
  assert.equal(sent.rejectedErrors[0]?.enhancedCode, '5.1.1')
  assert.match(sent.response, /kept as 1/)
  assert.match(kept[0]?.content ?? '', new RegExp(`^Message-ID: ${sent.messageId}\r$`, 'im'))
})

test('LMTP: an answer for each recipient', async (context) => {
  const { port } = await keeper(context, {
    lmtp: true,
    hideSTARTTLS: true,
    onData: async (stream) => {
      await text(stream)
      return ['one', new SmtpRefusal(452, '4.2.2 Full')]
    },
  })
  const said = await speak(port, [
    'LHLO c.test',
    'MAIL FROM:<a@x.test>',
    'RCPT TO:<b@y.test>',
    'RCPT TO:<c@y.test>',
    'DATA',
    'x\r\n.',
    'QUIT',
  ])
  assert.match(said, /354 .*\r\n250 2\.0\.0 one\r\n452 4\.2\.2 Full\r\n221 /)
})

test('nothing in a message can become a command, a recipient or a field', async (context) => {
  const { kept, port } = await keeper(context)
  await using transport = createTransport({ host: '127.0.0.1', port, ...insecure })
  const attempts = [
    { ...letter, envelope: { from: 'a@x.test> SIZE=1\r\nRCPT TO:<evil@x.test', to: ['b@y.test'] } },
    { ...letter, envelope: { from: 'a@x.test', to: ['b@y.test>\r\nDATA\r\n.\r\nQUIT'] } },
  ]
  for (const attempt of attempts) await assert.rejects(transport.sendMail(attempt), { code: 'EENVELOPE' })
  await transport.sendMail({
    ...letter,
    subject: 'Hi\r\nBcc: evil@x.test\r\n\r\n<script>',
    text: 'Dots:\n.\n..\nMAIL FROM:<evil@x.test>\n.\n',
    headers: { 'X-Mine': 'one\r\nX-Evil: two' },
  })
  await transport.sendMail({
    envelope: { from: 'a@x.test', to: ['b@y.test'] },
    raw: 'Subject: raw\n\nbare\n.\nend\n',
  })
  assert.equal(kept.length, 2)
  assert.deepEqual(kept[0]?.to, ['b@y.test'])
  const header = kept[0]?.content.split('\r\n\r\n')[0] ?? ''
  assert.doesNotMatch(header, /^(Bcc|X-Evil):/im)
  assert.match(kept[0]?.content ?? '', /\r\n\.\r\n\.\.\r\n/)
  assert.equal(kept[1]?.content, 'Subject: raw\r\n\r\nbare\r\n.\r\nend\r\n')
})

test('a bare line feed does not end a message, and ends the session', async (context) => {
  const { kept, port } = await keeper(context, { hideSTARTTLS: true })
  const said = await speak(port, [
    'EHLO c.test',
    'MAIL FROM:<a@x.test>',
    'RCPT TO:<b@y.test>',
    'DATA',
    'x\n.\nMAIL FROM:<evil@x.test>\r\n.',
  ])
  assert.match(said, /\r\n5\d\d .*\r\n$/)
  assert.deepEqual(kept, [])
})

test('the client wants a certificate that it can believe, unless told otherwise', async (context) => {
  const { port } = await keeper(context)
  const strict = createTransport({ host: '127.0.0.1', port })
  await assert.rejects(strict.verify(), { code: 'ETLS' })
  const { port: bare } = await keeper(context, { hideSTARTTLS: true })
  const demanding = createTransport({ host: '127.0.0.1', port: bare, requireTLS: true })
  await assert.rejects(demanding.sendMail(letter), { code: 'ETLS', message: /does not offer STARTTLS/ })
  assert.equal(await createTransport({ host: '127.0.0.1', port: bare }).verify(), true)
  await assert.rejects(createTransport({ host: '127.0.0.1', port: 1 }).verify(), { code: 'ECONNECTION' })
})

test('a pool keeps its connections, and sends many at once', async (context) => {
  const sessions = new Set<string>()
  const { kept, port } = await keeper(context, {
    onMailFrom: async (_address, { id }) => void sessions.add(id),
  })
  await using transport = createTransport({
    host: '127.0.0.1',
    port,
    ...insecure,
    pool: true,
    maxConnections: 3,
  })
  await Promise.all(
    Array.from({ length: 30 }, (_, index) => transport.sendMail({ ...letter, subject: `${index}` })),
  )
  assert.equal(kept.length, 30)
  assert.ok(sessions.size <= 3, `${sessions.size} connections`)
})

/** Says lines one after another, each behind the reply to the last, and gives all that was heard. */
async function speak(port: number, lines: readonly string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.setEncoding('utf8')
  const rest = [...lines]
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
