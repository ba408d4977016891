// rspamd as a milter: refuses, marks and rewrites what Posthorn's milter client shows it, over TCP and over a UNIX socket.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTransport } from 'nodemailer'
import { startMilter } from './milter-program.ts'
import { judge } from './milter-session.ts'
import { gtube, rspamd } from './rspamd-host.ts'
import { startServer } from './server.ts'
import { missing } from './tool.ts'

const skip = missing('rspamd', '--no-install-recommends rspamd')

function message(body: string): string {
  return [
    ...['Subject: About nothing', 'From: Ann <ann@example.org>', 'To: bob@example.net'],
    ...['Date: Sun, 22 Nov 2026 10:00:00 +0000', 'Message-ID: <1@example.org>', '', body, ''],
  ].join('\r\n')
}

for (const over of ['tcp', 'unix'] as const) {
  test(
    `rspamd over ${over}: lets pass, refuses, marks, and rewrites a subject`,
    { skip },
    async (context) => {
      const place = await startMilter(context, rspamd, over)
      assert.equal(await judge(place, message('Hello Bob'), null), null)
      assert.equal(await judge(place, message('a long line of a body\r\n'.repeat(20_000)), null), null)
      const refused = await judge(place, message(gtube.reject), null)
      assert.equal(refused?.type, 'refuse')
      assert.deepEqual([refused.code, refused.text], [554, 'Gtube pattern'])
      const marked = await judge(place, message(gtube.addHeader), null)
      assert.equal(marked?.type, 'rewrite')
      assert.deepEqual(
        marked.rewrites.flatMap(({ header = [] }) => header.map(({ name }) => name)),
        ['X-Spam'],
      )
      const rewritten = await judge(place, message(gtube.rewriteSubject), null)
      assert.equal(rewritten?.type, 'rewrite')
      const [subject] = rewritten.rewrites.flatMap(({ header = [] }) => header)
      assert.ok(subject?.type === 'change' && subject.name === 'Subject')
      assert.match(subject.value, /spam.*About nothing/i)
    },
  )
}

test(
  'a whole server behind rspamd on a UNIX socket refuses spam, and files the rest',
  { skip },
  async (context) => {
    const place = await startMilter(context, rspamd, 'unix')
    const server = await startServer(context, {
      settings: { hooks: { milters: [{ name: 'rspamd', ...place, services: ['smtp'] }] } },
    })
    const transport = createTransport({ host: '127.0.0.1', port: server.ports.smtp, ignoreTLS: true })
    context.after(() => transport.close())
    const send = (body: string) =>
      transport.sendMail({ envelope: { from: 'x@far.test', to: 'bob@mail.test' }, raw: message(body) })
    await send('Hello Bob')
    await assert.rejects(send(gtube.reject), /554 .*Gtube pattern/)
    await send(gtube.addHeader)
    const texts = await server.messages('bob@mail.test')
    assert.deepEqual(
      texts.map((text) => /^X-Spam: Yes\r$/m.test(text)),
      [false, true],
    )
  },
)
