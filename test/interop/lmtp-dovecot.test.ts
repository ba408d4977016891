// Our client delivers to Dovecot over LMTP: a reply for each recipient, who may have room or not.
import assert from 'node:assert/strict'
import { chown, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { outgoing, summary } from '../support/smtp-client.ts'
import {
  asSent,
  endWith,
  freePort,
  hostFolder,
  hostMissing,
  maildir,
  must,
  openHost,
  serve,
  untilGreeting,
} from './mail-host.ts'

const skip = hostMissing('dovecot', 'dovecot-lmtpd')

async function startDovecot(context: TestContext): Promise<{ port: number; mail: string }> {
  const folder = await hostFolder()
  const port = await freePort()
  const [uid, gid] = [Number(must('id', '-u', 'mail')), Number(must('id', '-g', 'mail'))]
  await mkdir(join(folder, 'mail'))
  await chown(join(folder, 'mail'), uid, gid)
  await writeFile(
    join(folder, 'users'),
    ['ann:::::::\n', 'bob:::::::\n', 'full:::::::userdb_quota_rule=*:bytes=100\n'].join(''),
  )
  const settings = join(folder, 'dovecot.conf')
  await writeFile(
    settings,
    `protocols = lmtp
base_dir = ${folder}/run
log_path = ${folder}/log
listen = 127.0.0.1
ssl = no
first_valid_uid = 1
mail_uid = ${uid}
mail_gid = ${gid}
mail_location = maildir:${folder}/mail/%n
auth_username_format = %Ln
mail_plugins = quota
plugin {
  quota = maildir:User quota
}
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%n ${folder}/users
}
userdb {
  driver = passwd-file
  args = username_format=%n ${folder}/users
  override_fields = uid=${uid} gid=${gid} home=${folder}/mail/%n
}
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = ${port}
  }
}
`,
  )
  endWith(context, folder, serve('dovecot', ['-F', '-c', settings]))
  await untilGreeting(port)
  return { port, mail: join(folder, 'mail') }
}

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
