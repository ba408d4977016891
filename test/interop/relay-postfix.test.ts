// Our client sends to Postfix: STARTTLS, pipelined and warm, dotted and in chunks, with DSN parameters.
import assert from 'node:assert/strict'
import { chown, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { plainMessageOptions, plainRecipientOptions } from '../../src/mail/delivery-options.ts'
import type { DialogueLine } from '../../src/smtp/client/dialogue.ts'
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
  untilGreeting,
} from './mail-host.ts'

const skip = hostMissing('postfix')

async function startPostfix(context: TestContext): Promise<{ port: number; mailbox: string }> {
  const folder = await hostFolder()
  const port = await freePort()
  const [uid, gid] = [Number(must('id', '-u', 'postfix')), Number(must('id', '-g', 'postfix'))]
  for (const name of ['etc', 'queue', 'data', 'mail']) await mkdir(join(folder, name))
  for (const name of ['data', 'mail']) await chown(join(folder, name), uid, gid)
  const { certificate, key } = makeCertificate(folder, 'postfix.test')
  const main = `compatibility_level = 3.6
queue_directory = ${folder}/queue
data_directory = ${folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = ${folder}/log
maillog_file_prefixes = ${folder}
myhostname = postfix.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
virtual_mailbox_domains = mail.test
virtual_mailbox_base = ${folder}/mail
virtual_mailbox_maps = inline:{ann@mail.test=ann/}
virtual_uid_maps = static:${uid}
virtual_gid_maps = static:${gid}
virtual_minimum_uid = 1
alias_maps =
alias_database =
smtpd_peername_lookup = no
local_header_rewrite_clients =
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_tls_security_level = may
smtpd_tls_cert_file = ${certificate}
smtpd_tls_key_file = ${key}
`
  const services = ['cleanup unix n - n - 0', 'qmgr unix n - n 300 1', 'tlsmgr unix - - n 1000? 1']
  const more = [
    'bounce unix - - n - 0',
    'virtual unix - n n - -',
    'anvil unix - - n - 1',
    'error unix - - n - -',
  ]
  const master = [...services, ...more].map((line) => `${line} ${line.split(' ', 1)[0]}\n`).join('')
  const others = `rewrite unix - - n - - trivial-rewrite\ntrace unix - - n - 0 bounce\ndefer unix - - n - 0 bounce
proxymap unix - - n - - proxymap\npostlog unix-dgram n - n - 1 postlogd\n`
  await writeFile(join(folder, 'etc/main.cf'), main)
  await writeFile(join(folder, 'etc/master.cf'), `127.0.0.1:${port} inet n - n - - smtpd\n${master}${others}`)
  must('postfix', '-c', join(folder, 'etc'), 'start')
  endWith(context, folder, () => {
    must('postfix', '-c', join(folder, 'etc'), 'stop')
  })
  await untilGreeting(port)
  return { port, mailbox: join(folder, 'mail/ann') }
}

const body = `${'A line of text.\r\n'.repeat(20)}.\r\n..\r\n.end\r\n`

test('mail into Postfix', { skip }, async (context) => {
  const { port, mailbox } = await startPostfix(context)
  let delivered = 0

  await context.test('over TLS, with every option that it offers', async () => {
    const dialogue: DialogueLine[] = []
    const session = await openHost(port, { onDialogue: (line) => dialogue.push(line) })
    assert.equal(session.capabilities.startTls, true)
    const secured = await session.startTls({ serverName: 'postfix.test' })
    assert.equal(secured.type, 'done', JSON.stringify(secured))
    assert.equal(session.tls?.version, 'TLSv1.3')
    assert.equal(session.tls?.peerCertificate?.dnsNames[0], 'postfix.test')
    const { dsn, chunking, pipelining, smtpUtf8 } = session.capabilities
    assert.deepEqual(
      { dsn, chunking, pipelining, smtpUtf8 },
      {
        dsn: true,
        chunking: true,
        pipelining: true,
        smtpUtf8: true,
      },
    )
    const text = `Subject: gr\xc3\xbc\xc3\x9fe\r\n\r\n${body}`
    const result = await session.send(
      outgoing({
        text,
        eightBit: true,
        options: {
          ...plainMessageOptions,
          body: '8BITMIME',
          smtpUtf8: true,
          ret: 'headers',
          envId: 'id=1 +2',
        },
        recipients: [
          {
            address: 'ann@mail.test',
            options: {
              ...plainRecipientOptions,
              notify: ['failure'],
              originalRecipient: 'rfc822;ann+a@mail.test',
            },
          },
          { address: 'nobody@mail.test', options: plainRecipientOptions },
        ],
      }),
    )
    assert.deepEqual(summary(result), ['accepted', 'refused rcpt 550'])
    assert.deepEqual(result.used, ['SIZE', '8BITMIME', 'SMTPUTF8', 'DSN'])
    await session.quit()
    assert.ok(dialogue.some((line) => line.direction === 'S' && line.text.startsWith('221')))
    assert.equal(asSent((await maildir(mailbox, ++delivered))[0] ?? ''), text)
  })

  for (const [name, except, eagerChunks] of [
    ['in chunks', [], 'warm'],
    ['in chunks, all in one group', [], 'always'],
    ['dotted', ['CHUNKING'], 'warm'],
    ['step by step', ['CHUNKING', 'PIPELINING'], 'warm'],
    ['in chunks, step by step', ['PIPELINING'], 'warm'],
  ] as const) {
    await context.test(`many messages in one session, ${name}`, async () => {
      const session = await openHost(port, { except, eagerChunks })
      const sent = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          session.send(
            outgoing({
              text: `Subject: ${name} ${index}\r\n\r\n${body}`,
              to: index % 5 === 4 ? ['nobody@mail.test'] : ['nobody@mail.test', 'ann@mail.test'],
            }),
          ),
        ),
      )
      for (const [index, result] of sent.entries()) {
        const expected = index % 5 === 4 ? ['refused rcpt 550'] : ['refused rcpt 550', 'accepted']
        assert.deepEqual(summary(result), expected)
      }
      await session.quit()
      delivered += 16
      const found = (await maildir(mailbox, delivered)).filter((text) => text.includes(`Subject: ${name} `))
      assert.equal(found.length, 16)
      for (const text of found) assert.ok(asSent(text).endsWith(`\r\n\r\n${body}`))
    })
  }

  await context.test('a message of several chunks', async () => {
    const text = `Subject: long\r\n\r\n${`${'x'.repeat(70)}\r\n`.repeat(20_000)}`
    for (const except of [[], ['CHUNKING']]) {
      const session = await openHost(port, { except, limits: { chunkOctets: 300_000 } })
      assert.deepEqual(summary(await session.send(outgoing({ text, to: ['ann@mail.test'] }))), ['accepted'])
      await session.quit()
    }
    delivered += 2
    const found = (await maildir(mailbox, delivered)).filter((one) => one.includes('Subject: long\n'))
    assert.deepEqual(found.map(asSent), [text, text])
  })
})
