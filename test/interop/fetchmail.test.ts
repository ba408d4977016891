// fetchmail: takes mail out of a maildrop by POP3 and by IMAP and hands it on by SMTP, here from one account to another.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { type InteropServer, password, startServer, untilMessages } from './server.ts'
import { missing, type Run, run } from './tool.ts'

const skip = missing('fetchmail')

async function fetchmail(server: InteropServer, protocol: 'POP3' | 'IMAP', keep: boolean): Promise<Run> {
  const file = join(server.folder, 'fetchmailrc')
  const port = protocol === 'POP3' ? server.ports.pop3s : server.ports.imaps
  await writeFile(
    file,
    `set no bouncemail
poll 127.0.0.1 protocol ${protocol} service ${port} ${protocol === 'POP3' ? 'uidl' : ''}
  user "ann@mail.test" password "${password}" ssl no sslcertck
  smtphost 127.0.0.1/${server.ports.smtp} smtpname bob@mail.test ${keep ? 'keep' : 'no keep'} fetchall
`,
  )
  await chmod(file, 0o600)
  const own = [
    '--fetchmailrc',
    file,
    '--idfile',
    join(server.folder, 'ids'),
    '--pidfile',
    join(server.folder, 'pid'),
  ]
  return run('fetchmail', ['--nodetach', '--nosyslog', '-v', ...own], { home: server.folder })
}

for (const protocol of ['POP3', 'IMAP'] as const) {
  test(`${protocol}: fetches and keeps, then fetches and deletes`, { skip }, async (context) => {
    const server = await startServer(context)
    for (const number of [1, 2, 3]) {
      const header = `From: eve@example.org\r\nTo: ann@mail.test\r\nSubject: number ${number}\r\n`
      await server.put('ann@mail.test', `${header}\r\nText ${number}\r\n.dot\r\n`)
    }
    const kept = await fetchmail(server, protocol, true)
    assert.equal(kept.code, 0, kept.stdout + kept.stderr)
    assert.equal((await server.messages('ann@mail.test')).length, 3)
    assert.equal((await server.messages('bob@mail.test')).length, 3)
    const taken = await fetchmail(server, protocol, false)
    assert.equal(taken.code, 0, taken.stdout + taken.stderr)
    assert.deepEqual(await server.messages('ann@mail.test'), [])
    const messages = await server.messages('bob@mail.test')
    assert.equal(messages.length, 6)
    for (const message of messages) assert.match(message, /\r\n\r\nText \d\r\n\.dot\r\n$/)
    // fetchmail's own code for "no mail".
    const nothing = await fetchmail(server, protocol, false)
    assert.equal(nothing.code, 1, nothing.stdout + nothing.stderr)
  })
}

test('IDLE: what arrives while it waits is fetched at once', { skip }, async (context) => {
  const server = await startServer(context)
  const file = join(server.folder, 'fetchmailrc')
  await writeFile(
    file,
    `poll 127.0.0.1 protocol IMAP service ${server.ports.imaps}
  user "ann@mail.test" password "${password}" ssl no sslcertck idle
  smtphost 127.0.0.1/${server.ports.smtp} smtpname bob@mail.test no keep fetchall
`,
    { mode: 0o600 },
  )
  const parameters = ['--fetchmailrc', file, '--pidfile', join(server.folder, 'pid'), '--nodetach', '-v']
  const child = spawn('fetchmail', [...parameters, '--nosyslog'], {
    env: { PATH: process.env['PATH'] ?? '', HOME: server.folder, LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'close')
  const said: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => said.push(chunk))
  }
  try {
    await server.put('ann@mail.test', 'From: eve@example.org\r\nSubject: first\r\n\r\nx\r\n')
    await untilMessages(server, 'bob@mail.test', 1)
    await server.put('ann@mail.test', 'From: eve@example.org\r\nSubject: second\r\n\r\nx\r\n')
    await untilMessages(server, 'bob@mail.test', 2)
  } finally {
    child.kill()
    await ended
  }
  assert.match(Buffer.concat(said).toString(), /IMAP> A\d+ IDLE/)
})

test('a wrong password is an authentication failure, and nothing is taken', { skip }, async (context) => {
  const server = await startServer(context)
  await server.put('ann@mail.test', 'Subject: x\r\n\r\nx\r\n')
  await server.posthorn.backend.operations.run('account.password', {
    address: 'ann@mail.test',
    password: 'another',
  })
  for (const protocol of ['POP3', 'IMAP'] as const) {
    const tried = await fetchmail(server, protocol, false)
    assert.equal(tried.code, 3, tried.stdout + tried.stderr)
  }
  assert.equal((await server.messages('ann@mail.test')).length, 1)
})
