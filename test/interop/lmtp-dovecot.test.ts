// Our client delivers to Dovecot over LMTP: a reply for each recipient, who may have room or not.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { outgoing, summary } from '../support/smtp-client.ts'
import { startDovecot } from './dovecot-host.ts'
import { asSent, hostMissing, maildir, openHost } from './mail-host.ts'

const skip = hostMissing('dovecot', 'dovecot-lmtpd')

test('mail into Dovecot by LMTP', { skip }, async (context) => {
  const { port, mail } = await startDovecot(context)
  const text = `Subject: local\r\n\r\n${'A line of text.\r\n'.repeat(50)}.\r\n.end\r\n`

  for (const [count, except] of [
    [1, []],
    [2, ['CHUNKING']],
    [3, ['CHUNKING', 'PIPELINING']],
  ] as const) {
    await context.test(
      `each recipient has an answer of his own, without ${except.join(' and ')}`,
      async () => {
        const session = await openHost(port, { dialect: 'lmtp', except })
        assert.equal(session.capabilities.greeted, 'LHLO')
        const to = ['nobody@mail.test', 'ann@mail.test', 'full@mail.test', 'bob@mail.test']
        const result = await session.send(outgoing({ text, to }))
        assert.deepEqual(summary(result), ['refused rcpt 550', 'accepted', 'refused reply 552', 'accepted'])
        await session.quit()
        for (const name of ['ann', 'bob']) {
          const found = await maildir(join(mail, name), count)
          assert.deepEqual(
            found.map(asSent),
            Array.from({ length: count }, () => text),
          )
        }
      },
    )
  }

  await context.test('many messages in one session', async () => {
    const session = await openHost(port, { dialect: 'lmtp' })
    const sent = await Promise.all(
      Array.from({ length: 10 }, () =>
        session.send(outgoing({ text, to: ['ann@mail.test', 'bob@mail.test'] })),
      ),
    )
    for (const result of sent) assert.deepEqual(summary(result), ['accepted', 'accepted'])
    await session.quit()
    assert.equal((await maildir(join(mail, 'bob'), 13)).length, 13)
  })
})
