// openssl s_client: each upgrade and each implicit door, by both versions of TLS that are spoken, and none that is too old.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startServer } from './server.ts'
import { missing, run } from './tool.ts'

const skip = missing('openssl')

const doors = [
  { port: 'smtp', starttls: 'smtp', bye: 'QUIT', reply: /^221 /m },
  { port: 'submission', starttls: 'smtp', bye: 'QUIT', reply: /^221 /m },
  { port: 'submissions', bye: 'QUIT', reply: /^221 /m },
  { port: 'imap', starttls: 'imap', bye: 'a LOGOUT', reply: /^a OK /m },
  { port: 'imaps', bye: 'a LOGOUT', reply: /^a OK /m },
  { port: 'pop3', starttls: 'pop3', bye: 'QUIT', reply: /^\+OK /m },
  { port: 'pop3s', bye: 'QUIT', reply: /^\+OK /m },
] as const

test('TLS 1.2 and 1.3 at every door, and the session ends well', { skip }, async (context) => {
  const server = await startServer(context)
  for (const door of doors) {
    for (const [flag, version] of [
      ['-tls1_2', 'TLSv1.2'],
      ['-tls1_3', 'TLSv1.3'],
    ] as const) {
      const connect = [
        's_client',
        '-connect',
        `127.0.0.1:${server.ports[door.port]}`,
        '-crlf',
        '-ign_eof',
        flag,
      ]
      const upgrade = 'starttls' in door ? ['-starttls', door.starttls] : []
      const done = await run('openssl', [...connect, ...upgrade, '-servername', 'localhost'], {
        home: server.folder,
        input: `${door.bye}\n`,
      })
      const what = `${door.port} ${version}\n${done.stdout}\n${done.stderr}`
      assert.equal(done.code, 0, what)
      assert.match(done.stdout, new RegExp(`New, ${version}|Protocol *: ${version}`), what)
      assert.match(done.stdout, door.reply, what)
    }
  }
})

test('TLS 1.1 is refused', { skip }, async (context) => {
  const server = await startServer(context)
  const connect = ['s_client', '-connect', `127.0.0.1:${server.ports.imaps}`, '-tls1_1']
  const done = await run('openssl', [...connect, '-cipher', 'DEFAULT@SECLEVEL=0'], { home: server.folder })
  assert.notEqual(done.code, 0)
  assert.match(done.stderr, /alert protocol version|unsupported protocol|wrong version/)
})
