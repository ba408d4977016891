// nodemailer: what most programs of this world send with.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTransport } from 'nodemailer'
import { type InteropServer, password, startServer } from './server.ts'

const auth = { user: 'ann@mail.test', pass: password }
// The server's certificate is one that it made itself.
const tls = { rejectUnauthorized: false }

function starttls({ ports }: InteropServer) {
  return { host: '127.0.0.1', port: ports.submission, requireTLS: true, tls, auth }
}

test('a message with text, HTML and attachments, by STARTTLS', async (context) => {
  const server = await startServer(context)
  const transport = createTransport(starttls(server))
  context.after(() => transport.close())
  assert.equal(await transport.verify(), true)
  const blob = Buffer.alloc(200_000, 'posthorn')
  const sent = await transport.sendMail({
    from: 'Ann <ann@mail.test>',
    to: ['bob@mail.test', 'Ann <ann@mail.test>'],
    subject: 'Grüße',
    text: 'Hallo\n.\nBob',
    html: '<p>Hallo Bob</p>',
    attachments: [{ filename: 'größe.bin', content: blob }],
  })
  assert.deepEqual(sent.accepted, ['bob@mail.test', 'ann@mail.test'])
  assert.match(sent.response, /^250 2\.0\.0 /)
  for (const address of ['bob@mail.test', 'ann@mail.test']) {
    const [message = ''] = await server.messages(address)
    assert.match(message, /with ESMTPSA/)
    assert.ok(message.replaceAll('\r\n', '').includes(blob.toString('base64')))
  }
})

test('a pool of connections sends a hundred messages, each once', async (context) => {
  const server = await startServer(context)
  const transport = createTransport({
    ...{ pool: true, maxConnections: 4, maxMessages: 10 },
    ...{ host: '127.0.0.1', port: server.ports.submissions, secure: true, tls, auth },
  })
  context.after(() => transport.close())
  const numbers = Array.from({ length: 100 }, (_, index) => `number ${index}`)
  await Promise.all(
    numbers.map((subject) =>
      transport.sendMail({ from: auth.user, to: 'bob@mail.test', subject, text: subject }),
    ),
  )
  const arrived = (await server.messages('bob@mail.test')).map(
    (text) => /^Subject: (.*)\r$/m.exec(text)?.[1] ?? '',
  )
  assert.deepEqual(arrived.toSorted(), numbers.toSorted())
})

test('a refused recipient, a wrong password, and a message that is too large', async (context) => {
  const server = await startServer(context, { settings: { maxMessageSize: '20 KB' } })
  const transport = createTransport(starttls(server))
  context.after(() => transport.close())
  const message = { from: auth.user, subject: 'x', text: 'x' }
  const partly = await transport.sendMail({ ...message, to: ['bob@mail.test', 'nobody@mail.test'] })
  assert.deepEqual([partly.accepted, partly.rejected], [['bob@mail.test'], ['nobody@mail.test']])
  await assert.rejects(transport.sendMail({ ...message, to: 'nobody@mail.test' }), refusal('EENVELOPE', 550))
  const large = { ...message, to: 'bob@mail.test', text: 'x'.repeat(60).concat('\n').repeat(1000) }
  await assert.rejects(transport.sendMail(large), refusal('EMESSAGE', 552))
  const guesser = createTransport({ ...starttls(server), auth: { ...auth, pass: 'guess' } })
  context.after(() => guesser.close())
  await assert.rejects(guesser.sendMail({ ...message, to: 'bob@mail.test' }), refusal('EAUTH', 535))
  assert.equal((await server.messages('bob@mail.test')).length, 1)
})

function refusal(code: string, responseCode: number) {
  return (error: Error & { code?: string; responseCode?: number }): boolean => {
    assert.deepEqual([error.code, error.responseCode], [code, responseCode], error.message)
    return true
  }
}

test('addresses of other scripts, when the server offers SMTPUTF8', async (context) => {
  const server = await startServer(context, { accounts: ['岡@mail.test'] })
  const transport = createTransport(starttls(server))
  context.after(() => transport.close())
  const sent = await transport.sendMail({ from: auth.user, to: '岡@mail.test', subject: 'x', text: 'x' })
  assert.deepEqual(sent.accepted, ['岡@mail.test'])
  assert.match((await server.messages('岡@mail.test'))[0] ?? '', /with UTF8SMTPSA/)
})
