// Our client sends to Exim, which answers some commands in its own way: PIPE_CONNECT beside PIPELINING, no BINARYMIME, and
// CHUNKING that is switched off once a message has begun with DATA.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plainMessageOptions, plainRecipientOptions } from '../../src/mail/delivery-options.ts'
import { outgoing, summary } from '../support/smtp-client.ts'
import { startExim } from './exim-host.ts'
import { asSent, hostMissing, maildir, openHost } from './mail-host.ts'

const skip = hostMissing('exim4')

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
