// Our client sends to Postfix: STARTTLS, pipelined and warm, dotted and in chunks, with DSN parameters.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plainMessageOptions, plainRecipientOptions } from '../../src/mail/delivery-options.ts'
import type { DialogueLine } from '../../src/smtp/client/dialogue.ts'
import { outgoing, summary } from '../support/smtp-client.ts'
import { asSent, hostMissing, maildir, openHost } from './mail-host.ts'
import { startPostfix } from './postfix-host.ts'

const skip = hostMissing('postfix')

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
