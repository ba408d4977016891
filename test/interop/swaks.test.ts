// swaks, the SMTP tester: every way in, and every refusal as the sender sees it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type InteropServer, password, startServer } from './server.ts'
import { missing, type Run, run } from './tool.ts'

const skip = missing('swaks')
const skipTls = skip || missing('swaks && perl -MNet::SSLeay -e 1', 'swaks libnet-ssleay-perl')
/** swaks' own exit codes, from its manual: a refusal of MAIL, of all RCPTs, of DATA's text, of AUTH. */
const refused = { mail: 23, recipients: 24, text: 26, auth: 28 }

function swaks(server: InteropServer, port: number, parameters: readonly string[]): Promise<Run> {
  const common = ['--server', '127.0.0.1', '--port', String(port), '--helo', 'client.test']
  return run('swaks', [...common, ...parameters], { home: server.folder })
}

const annToBob = ['--from', 'ann@mail.test', '--to', 'bob@mail.test']
const stranger = ['--from', 'eve@example.org', '--to', 'bob@mail.test']

test('mail from outside arrives, with its trace', { skip }, async (context) => {
  const server = await startServer(context)
  const sent = await swaks(server, server.ports.smtp, [...stranger, '--header', 'Subject: plain'])
  assert.equal(sent.code, 0, sent.stdout)
  assert.match(sent.stdout, /^<- {2}250 .*\n.*-> QUIT\n<- {2}221 /ms)
  const [message = ''] = await server.messages('bob@mail.test')
  assert.match(message, /^Return-Path: <eve@example\.org>\r\n/)
  assert.match(message, /\r\nReceived: from client\.test \(\[127\.0\.0\.1\]\)\s+by localhost\s+with ESMTP/)
  assert.match(message, /\r\nSubject: plain\r\n/)
})

test('the same on STARTTLS says so in the trace', { skip: skipTls }, async (context) => {
  const server = await startServer(context)
  const sent = await swaks(server, server.ports.smtp, [...stranger, '--tls'])
  assert.equal(sent.code, 0, sent.stdout + sent.stderr)
  assert.match((await server.messages('bob@mail.test'))[0] ?? '', /with ESMTPS/)
})

test('HELO alone is enough', { skip }, async (context) => {
  const server = await startServer(context)
  const sent = await swaks(server, server.ports.smtp, [...stranger, '--protocol', 'SMTP'])
  assert.equal(sent.code, 0, sent.stdout)
  assert.match((await server.messages('bob@mail.test'))[0] ?? '', /with SMTP\b/)
})

for (const mechanism of ['PLAIN', 'LOGIN']) {
  for (const [name, tls] of [
    ['submission', ['--tls']],
    ['submissions', ['--tls-on-connect']],
  ] as const) {
    test(`a user submits with AUTH ${mechanism} on ${name}`, { skip: skipTls }, async (context) => {
      const server = await startServer(context)
      const login = ['--auth', mechanism, '--auth-user', 'ann@mail.test', '--auth-password', password]
      const sent = await swaks(server, server.ports[name], [...annToBob, ...tls, ...login])
      assert.equal(sent.code, 0, sent.stdout + sent.stderr)
      assert.match((await server.messages('bob@mail.test'))[0] ?? '', /with ESMTPSA/)
    })
  }
}

test('a wrong password and no log-in are refused', { skip: skipTls }, async (context) => {
  const server = await startServer(context)
  const wrong = ['--tls', '--auth', 'PLAIN', '--auth-user', 'ann@mail.test', '--auth-password', 'guess']
  const failed = await swaks(server, server.ports.submission, [...annToBob, ...wrong])
  assert.equal(failed.code, refused.auth, failed.stdout)
  assert.match(failed.stdout, /535 5\.7\.8/)
  const without = await swaks(server, server.ports.submission, [...annToBob, '--tls'])
  assert.equal(without.code, refused.mail, without.stdout)
  assert.match(without.stdout, /530 5\.7\.0/)
  assert.deepEqual(await server.messages('bob@mail.test'), [])
})

test('a password is not asked for in the clear', { skip }, async (context) => {
  const server = await startServer(context)
  const login = ['--auth', 'PLAIN', '--auth-user', 'ann@mail.test', '--auth-password', password]
  const failed = await swaks(server, server.ports.submission, [...annToBob, ...login])
  assert.equal(failed.code, refused.auth, failed.stdout)
  assert.doesNotMatch(failed.stdout, /250[ -]AUTH/)
})

test('pipelining', { skip }, async (context) => {
  const server = await startServer(context)
  const sent = await swaks(server, server.ports.smtp, [...stranger, '--pipeline'])
  assert.equal(sent.code, 0, sent.stdout)
  assert.match(
    sent.stdout,
    /-> MAIL FROM:<eve@example\.org>\n -> RCPT TO:<bob@mail\.test>\n -> DATA\n<- {2}250/,
  )
  assert.equal((await server.messages('bob@mail.test')).length, 1)
})

test('neither relay nor unknown users from outside', { skip }, async (context) => {
  const server = await startServer(context)
  const from = ['--from', 'eve@example.org', '--to']
  const relay = await swaks(server, server.ports.smtp, [...from, 'someone@elsewhere.test'])
  assert.equal(relay.code, refused.recipients, relay.stdout)
  assert.match(relay.stdout, /550 5\.7\.1/)
  const unknown = await swaks(server, server.ports.smtp, [...from, 'nobody@mail.test'])
  assert.equal(unknown.code, refused.recipients, unknown.stdout)
  assert.match(unknown.stdout, /550 5\.1\.1/)
})

test('one refused recipient does not take the others with it', { skip }, async (context) => {
  const server = await startServer(context)
  const to = ['--to', 'ann@mail.test,nobody@mail.test,bob@mail.test']
  const sent = await swaks(server, server.ports.smtp, ['--from', 'eve@example.org', ...to])
  assert.equal(sent.code, 0, sent.stdout)
  assert.match(sent.stdout, /<\*\* 550 5\.1\.1/)
  assert.equal((await server.messages('ann@mail.test')).length, 1)
  assert.equal((await server.messages('bob@mail.test')).length, 1)
})

test('8-bit text arrives as it was sent', { skip }, async (context) => {
  const server = await startServer(context)
  const text = [
    '--header',
    'Content-Type: text/plain; charset=utf-8',
    '--body',
    'Grüße aus Köln, €5\n.\n..dots',
  ]
  const sent = await swaks(server, server.ports.smtp, [...stranger, ...text])
  assert.equal(sent.code, 0, sent.stdout)
  assert.match((await server.messages('bob@mail.test'))[0] ?? '', /Grüße aus Köln, €5\r\n\.\r\n\.\.dots/)
})

test('what is too large is refused after it was read, and the session goes on', { skip }, async (context) => {
  const server = await startServer(context, { settings: { maxMessageSize: '10 KB' } })
  const body = ['--body', 'x'.repeat(70).concat('\n').repeat(200)]
  const sent = await swaks(server, server.ports.smtp, [...stranger, ...body])
  assert.equal(sent.code, refused.text, sent.stdout)
  assert.match(sent.stdout, /552 5\.3\.4.*-> QUIT\n<- {2}221/s)
  assert.deepEqual(await server.messages('bob@mail.test'), [])
})
