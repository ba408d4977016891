// curl: sends by SMTP, reads by IMAP and POP3, each in the clear, by an upgrade and on TLS.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { type InteropServer, password, startServer } from './server.ts'
import { missing, type Run, run, succeed } from './tool.ts'

const skip = missing('curl')
const user = ['--user', `ann@mail.test:${password}`]
const insecure = ['--insecure', '--ssl-reqd']
/** curl's own exit codes, from its manual. */
const code = { weird: 8, quote: 21, login: 67, tlsNeeded: 64, send: 55 }

const text = [
  'From: ann@mail.test',
  'To: bob@mail.test',
  'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=',
  'Message-ID: <curl-1@mail.test>',
  'Date: Sat, 21 Nov 2026 12:00:00 +0000',
  '',
  'The first line.',
  '.',
  '..and two dots',
  '',
].join('\r\n')

function curl(server: InteropServer, parameters: readonly string[], input = ''): Promise<Run> {
  return run('curl', ['--silent', '--show-error', ...parameters], { home: server.folder, input })
}

async function fetched(server: InteropServer, parameters: readonly string[], input = ''): Promise<string> {
  return succeed('curl', ['--silent', '--show-error', ...parameters], { home: server.folder, input })
}

async function writeText(server: InteropServer, content = text): Promise<string> {
  const file = join(server.folder, 'message.eml')
  await writeFile(file, content)
  return file
}

const envelope = ['--mail-from', 'ann@mail.test', '--mail-rcpt', 'bob@mail.test']

async function deliver(server: InteropServer, content = text, to = 'ann@mail.test'): Promise<void> {
  const url = ['--url', `smtp://127.0.0.1:${server.ports.smtp}/client.test`, '--upload-file']
  const outside = ['--mail-from', 'eve@example.org', '--mail-rcpt', to]
  await fetched(server, [...url, await writeText(server, content), ...outside])
}

test(
  'SMTP: submits on TLS and by STARTTLS, and the text is byte for byte the same',
  { skip },
  async (context) => {
    const server = await startServer(context)
    const file = await writeText(server)
    const upload = ['--upload-file', file, ...envelope, ...user]
    await fetched(server, ['--insecure', '--url', `smtps://127.0.0.1:${server.ports.submissions}`, ...upload])
    await fetched(server, [...insecure, '--url', `smtp://127.0.0.1:${server.ports.submission}`, ...upload])
    const messages = await server.messages('bob@mail.test')
    assert.equal(messages.length, 2)
    for (const message of messages) assert.ok(message.endsWith(text), message)
  },
)

test('SMTP: the certificate is one that can be checked', { skip }, async (context) => {
  const server = await startServer(context)
  const upload = ['--upload-file', await writeText(server), ...envelope, ...user]
  const url = ['--url', `smtps://localhost:${server.ports.submissions}`, '--ipv4']
  const first = await curl(server, [...url, ...upload])
  assert.equal(first.code, 60, 'curl trusts nothing it was not told to')
  await fetched(server, [...url, '--cacert', await server.certificate(), ...upload])
  assert.equal((await server.messages('bob@mail.test')).length, 1)
})

test('SMTP: an announced size that is too large is refused at MAIL', { skip }, async (context) => {
  const server = await startServer(context, { settings: { maxMessageSize: '1 KB' } })
  const file = await writeText(server, `${text}${'more\r\n'.repeat(400)}`)
  const url = ['--url', `smtp://127.0.0.1:${server.ports.smtp}`, '--verbose', '--upload-file', file]
  const sent = await curl(server, [...url, '--mail-from', 'eve@example.org', '--mail-rcpt', 'bob@mail.test'])
  assert.equal(sent.code, code.send, sent.stderr)
  assert.match(sent.stderr, /> MAIL FROM:<eve@example\.org> SIZE=\d+\s+< 552 5\.3\.4/)
  assert.deepEqual(await server.messages('bob@mail.test'), [])
})

test(
  'SMTP: refuses relay, and curl can go on with those recipients that are taken',
  { skip },
  async (context) => {
    const server = await startServer(context)
    const url = ['--url', `smtp://127.0.0.1:${server.ports.smtp}`, '--upload-file', await writeText(server)]
    const from = ['--mail-from', 'eve@example.org', '--mail-rcpt', 'someone@elsewhere.test']
    assert.equal((await curl(server, [...url, ...from])).code, code.send)
    await fetched(server, [...url, ...from, '--mail-rcpt', 'bob@mail.test', '--mail-rcpt-allowfails'])
    assert.equal((await server.messages('bob@mail.test')).length, 1)
  },
)

test('SMTP: VRFY, EXPN and HELP answer', { skip }, async (context) => {
  const server = await startServer(context)
  const url = ['--url', `smtp://127.0.0.1:${server.ports.smtp}`]
  assert.match(await fetched(server, [...url, '--mail-rcpt', 'ann@mail.test']), /^25[02] /)
  assert.match(await fetched(server, [...url, '--request', 'HELP']), /^214/)
})

test('IMAP: append, search, fetch in parts, store and expunge', { skip }, async (context) => {
  const server = await startServer(context)
  const base = `imap://127.0.0.1:${server.ports.imap}`
  const imap = (path: string, ...more: string[]): Promise<string> =>
    fetched(server, [...insecure, ...user, '--url', `${base}/${path}`, ...more])
  const file = await writeText(server)
  await imap('INBOX', '--upload-file', file)
  assert.match(await imap('', '--request', 'LIST "" "*"'), /^\* LIST \(.*\) "\/" INBOX\r\n/m)
  assert.match(await imap('INBOX?SUBJECT%20first'), /^\* SEARCH\s*$/)
  assert.match(await imap('INBOX?TEXT%20%22first%20line%22'), /^\* SEARCH 1\s*$/)
  assert.equal(await imap('INBOX;MAILINDEX=1'), text)
  assert.equal(await imap('INBOX;UID=1;SECTION=TEXT'), text.slice(text.indexOf('\r\n\r\n') + 4))
  assert.equal(
    await imap('INBOX;UID=1;SECTION=HEADER.FIELDS%20(Subject)'),
    `${text.split('\r\n')[2]}\r\n\r\n`,
  )
  assert.equal(await imap('INBOX;UID=1;PARTIAL=6.13'), text.slice(6, 19))
  assert.match(await imap('INBOX', '--request', 'STORE 1 +FLAGS (\\Deleted)'), /FLAGS \(.*\\Deleted.*\)/)
  assert.match(await imap('INBOX', '--request', 'EXPUNGE'), /^\* 1 EXPUNGE/m)
  assert.deepEqual(await server.messages('ann@mail.test'), [])
})

test('IMAP: a message of 5 MB comes back byte for byte', { skip }, async (context) => {
  const server = await startServer(context)
  const large = `${text}${'0123456789abcdef'.repeat(4).concat('\r\n').repeat(80_000)}`
  const url = ['--insecure', ...user, '--url', `imaps://127.0.0.1:${server.ports.imaps}/INBOX`]
  await fetched(server, [...url, '--upload-file', await writeText(server, large)])
  const back = await fetched(server, [...url.with(-1, `${url.at(-1) ?? ''};UID=1`)])
  assert.equal(back.length, large.length)
  assert.equal(back, large)
})

test('IMAP and POP3: a wrong password is a refused log-in', { skip }, async (context) => {
  const server = await startServer(context)
  for (const url of [`imaps://127.0.0.1:${server.ports.imaps}`, `pop3s://127.0.0.1:${server.ports.pop3s}`]) {
    const tried = await curl(server, ['--insecure', '--user', 'ann@mail.test:guess', '--url', url])
    assert.equal(tried.code, code.login, `${url}: ${tried.stderr}`)
  }
})

test('POP3: lists, retrieves and deletes, by STLS and on TLS', { skip }, async (context) => {
  const server = await startServer(context)
  await deliver(server)
  await deliver(server, text.replace('first', 'second'))
  const on = [
    [`pop3://127.0.0.1:${server.ports.pop3}`, ...insecure],
    [`pop3s://127.0.0.1:${server.ports.pop3s}`, '--insecure'],
  ] as const
  for (const [base, ...tls] of on) {
    const list = await fetched(server, [...tls, ...user, '--url', `${base}/`])
    assert.match(list, /^1 \d+\r\n2 \d+\r\n$/)
    const message = await fetched(server, [...tls, ...user, '--url', `${base}/2`])
    assert.ok(message.endsWith(text.replace('first', 'second')), message)
    const uids = await fetched(server, [...tls, ...user, '--url', base, '--request', 'UIDL'])
    assert.match(uids, /^1 \S+\r\n2 \S+\r\n$/)
  }
  const [base, ...tls] = on[0]
  await fetched(server, [...tls, ...user, '--url', `${base}/1`, '--request', 'DELE', '--list-only'])
  const messages = await server.messages('ann@mail.test')
  assert.equal(messages.length, 1)
  assert.match(messages[0] ?? '', /The second line/)
})

for (const mechanism of ['PLAIN', 'LOGIN']) {
  test(`--login-options AUTH=${mechanism} on all three`, { skip }, async (context) => {
    const server = await startServer(context)
    const options = ['--insecure', ...user, '--login-options', `AUTH=${mechanism}`]
    const upload = ['--upload-file', await writeText(server), ...envelope]
    const { ports } = server
    await fetched(server, [...options, '--url', `smtps://127.0.0.1:${ports.submissions}`, ...upload])
    await fetched(server, [...options, '--url', `imaps://127.0.0.1:${ports.imaps}/INBOX?ALL`])
    await fetched(server, [...options, '--url', `pop3s://127.0.0.1:${ports.pop3s}`])
    await fetched(server, ['--sasl-ir', ...options, '--url', `pop3s://127.0.0.1:${ports.pop3s}`])
  })
}
