// Our client sends to Exim, which answers some commands in its own way: PIPE_CONNECT beside PIPELINING, no BINARYMIME, and
// CHUNKING that is switched off once a message has begun with DATA.
import assert from 'node:assert/strict'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { plainMessageOptions, plainRecipientOptions } from '../../src/mail/delivery-options.ts'
import { outgoing, summary } from '../support/smtp-client.ts'
import {
  asSent,
  endWith,
  freePort,
  hostFolder,
  hostMissing,
  maildir,
  makeCertificate,
  must,
  openHost,
  serve,
  untilGreeting,
} from './mail-host.ts'

const skip = hostMissing('exim4')

async function startExim(context: TestContext): Promise<{ port: number; mailbox: string }> {
  const folder = await hostFolder()
  const port = await freePort()
  const { certificate, key } = makeCertificate(folder, 'exim.test')
  for (const name of ['spool', 'mail']) await mkdir(join(folder, name))
  must('chown', 'Debian-exim:', join(folder, 'spool'), join(folder, 'mail'), key)
  const settings = join(folder, 'exim.conf')
  await writeFile(
    settings,
    `primary_hostname = exim.test
spool_directory = ${folder}/spool
log_file_path = ${folder}/spool/%slog
exim_path = ${must('/bin/sh', '-c', 'command -v exim4')}
exim_user = Debian-exim
exim_group = Debian-exim
never_users =
deliver_drop_privilege = true
domainlist local = mail.test
local_interfaces = 127.0.0.1
host_lookup =
rfc1413_query_timeout = 0s
dsn_advertise_hosts = *
chunking_advertise_hosts = *
smtputf8_advertise_hosts = *
tls_advertise_hosts = *
tls_certificate = ${certificate}
tls_privatekey = ${key}
acl_smtp_rcpt = rcpt
acl_smtp_data = data
begin acl
rcpt:
  accept domains = +local
         local_parts = ann
  deny message = no such user
data:
  deny condition = \${if match{$h_subject:}{refuse}}
       message = 5.7.1 refused by its subject
  accept
begin routers
local:
  driver = accept
  domains = +local
  transport = store
begin transports
store:
  driver = appendfile
  directory = ${folder}/mail
  maildir_format
  user = Debian-exim
  group = Debian-exim
`,
  )
  await chmod(settings, 0o644)
  const parameters = ['-bdf', '-C', settings, '-oX', String(port), '-oP', join(folder, 'spool/pid')]
  endWith(context, folder, serve('exim4', parameters))
  await untilGreeting(port)
  return { port, mailbox: join(folder, 'mail') }
}

const body = `${'A line of text.\r\n'.repeat(20)}.\r\n..\r\n.end\r\n`

test('mail into Exim', { skip }, async (context) => {
  const { port, mailbox } = await startExim(context)
  let delivered = 0

  await context.test('over TLS, with DSN', async () => {
    const session = await openHost(port)
    const secured = await session.startTls({ serverName: 'exim.test' })
    assert.equal(secured.type, 'done', JSON.stringify(secured))
    assert.equal(session.capabilities.dsn, true)
    const text = `Subject: one\r\n\r\n${body}`
    const result = await session.send(
      outgoing({
        text,
        options: { ...plainMessageOptions, ret: 'full', envId: 'a b' },
        recipients: [
          { address: 'ann@mail.test', options: { ...plainRecipientOptions, notify: [] } },
          { address: 'nobody@mail.test', options: plainRecipientOptions },
        ],
      }),
    )
    assert.deepEqual(summary(result), ['accepted', 'refused rcpt 550'])
    await session.quit()
    assert.equal(asSent((await maildir(mailbox, ++delivered))[0] ?? ''), text)
  })

  for (const [name, except, eagerChunks] of [
    ['in chunks', [], 'warm'],
    ['in chunks, all in one group', [], 'always'],
    ['dotted', ['CHUNKING'], 'warm'],
    ['step by step', ['CHUNKING', 'PIPELINING'], 'warm'],
  ] as const) {
    await context.test(`many messages in one session, ${name}`, async () => {
      const session = await openHost(port, { except, eagerChunks })
      const sent = await Promise.all(
        Array.from({ length: 8 }, (_, index) =>
          session.send(
            outgoing({
              text: `Subject: ${name}${index % 4 === 3 ? ' refuse' : ''}\r\n\r\n${body}`,
              to: ['nobody@mail.test', 'ann@mail.test'],
            }),
          ),
        ),
      )
      for (const [index, result] of sent.entries()) {
        const whole = index % 4 === 3 ? 'refused reply 550' : 'accepted'
        assert.deepEqual(summary(result), ['refused rcpt 550', whole])
      }
      await session.quit()
      delivered += 6
      const found = (await maildir(mailbox, delivered)).filter((text) => text.includes(`Subject: ${name}\n`))
      assert.equal(found.length, 6)
      for (const text of found) assert.ok(asSent(text).endsWith(`\r\n\r\n${body}`))
    })
  }
})
