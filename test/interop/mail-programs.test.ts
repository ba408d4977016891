// s-nail and mutt in batch mode: programs that people read and write their mail with.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { type InteropServer, password, startServer } from './server.ts'
import { missing, run, succeed } from './tool.ts'

const skipSnail = missing('s-nail')
const skipMutt = missing('mutt')
const encoded = encodeURIComponent(password)
const user = encodeURIComponent('ann@mail.test')

function snail(server: InteropServer, parameters: readonly string[], input: string): Promise<string> {
  const common = [
    '-:/',
    '-S',
    'v15-compat',
    '-S',
    'tls-verify=ignore',
    '-S',
    'sendwait',
    '-S',
    'ttycharset=utf-8',
  ]
  return succeed('s-nail', [...common, ...parameters], { home: server.folder, input })
}

for (const [name, scheme] of [
  ['submission', 'submission'],
  ['submissions', 'submissions'],
] as const) {
  test(`s-nail sends by ${name}`, { skip: skipSnail }, async (context) => {
    const server = await startServer(context)
    const mta = `mta=${scheme}://${user}:${encoded}@127.0.0.1:${server.ports[name]}`
    const more = ['-S', mta, '-S', 'smtp-use-starttls', '-S', 'smtp-auth=plain', '-S', 'from=ann@mail.test']
    await snail(server, [...more, '-s', 'Grüße', 'bob@mail.test'], 'Schöne Grüße\n.\nEnde\n')
    const [message = ''] = await server.messages('bob@mail.test')
    assert.match(message, /with ESMTPSA/)
    assert.match(message, /\r\nSubject: =\?utf-8\?[QB]\?/i)
  })
}

test('s-nail reads by IMAP and by POP3', { skip: skipSnail }, async (context) => {
  const server = await startServer(context)
  for (const number of [1, 2]) {
    await server.put(
      'ann@mail.test',
      `From: eve@example.org\r\nSubject: number ${number}\r\n\r\nText ${number}\r\n`,
    )
  }
  const places = [
    `imaps://${user}:${encoded}@127.0.0.1:${server.ports.imaps}/INBOX`,
    `pop3s://${user}:${encoded}@127.0.0.1:${server.ports.pop3s}`,
  ]
  for (const place of places) {
    const shown = await snail(
      server,
      ['-S', 'imap-auth=login', '-R', '-f', place],
      'headers *\ntype 2\nxit\n',
    )
    assert.match(shown, /number 1/, place)
    assert.match(shown, /^Text 2$/m, place)
  }
})

/** What mutt needs to believe the server's own certificate, which names `localhost`. */
async function mutt(server: InteropServer, settings: readonly string[], parameters: readonly string[]) {
  const file = join(server.folder, 'muttrc')
  const common = [
    `set certificate_file="${await server.certificate()}"`,
    'set ssl_verify_host=no',
    'set copy=no',
  ]
  await writeFile(file, [...common, ...settings, ''].join('\n'))
  return run('mutt', ['-n', '-F', file, ...parameters], {
    home: server.folder,
    input: 'A text with ümlauts\n',
    environment: { TERM: 'dumb' },
  })
}

for (const [name, scheme] of [
  ['submission', 'smtp'],
  ['submissions', 'smtps'],
] as const) {
  test(`mutt sends by ${name}, with an attachment`, { skip: skipMutt }, async (context) => {
    const server = await startServer(context)
    const settings = [
      'set from=ann@mail.test',
      'set ssl_force_tls=yes',
      `set smtp_url="${scheme}://${user}@localhost:${server.ports[name]}"`,
      `set smtp_pass="${password}"`,
      'set smtp_authenticators="plain"',
    ]
    const sent = await mutt(server, settings, ['-s', 'from mutt', '-a', 'muttrc', '--', 'bob@mail.test'])
    assert.equal(sent.code, 0, sent.stdout + sent.stderr)
    const [message = ''] = await server.messages('bob@mail.test')
    assert.match(message, /with ESMTPSA/)
    assert.match(message, /Subject: from mutt/)
    assert.match(message, /filename="?muttrc/)
  })
}
