// A whole Posthorn sends through its queue to Exim and, by LMTP, to Dovecot; and ETRN makes what waits for a host leave.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { startDovecot } from './dovecot-host.ts'
import { startExim } from './exim-host.ts'
import { asSent, freePort, hostMissing, maildir, until } from './mail-host.ts'
import { startPostfix } from './postfix-host.ts'
import { readReport, reportMissing } from './report.ts'
import { startServer, untilMessages } from './server.ts'
import { hasty, submit, untilTold } from './submit.ts'
import { missing, run } from './tool.ts'

const head =
  'From: ann@mail.test\r\nTo: ann@far.test\r\nMessage-ID: <1@mail.test>\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n'
const body = `${'A line of text.\r\n'.repeat(20)}.\r\n..\r\n.end\r\n`

test(
  'into Exim, which refuses some at RCPT, and one at the end',
  { skip: hostMissing('exim4') || reportMissing },
  async (context) => {
    const port = await freePort()
    const route = { kind: 'host', host: '127.0.0.1', port, tls: 'required' } as const
    const server = await startServer(context, { settings: { queue: hasty, relay: { routes: [route] } } })
    const exim = await startExim(context, {
      port,
      domain: 'far.test',
      relay: { domain: 'mail.test', port: server.ports.smtp },
    })
    const text = `${head}Subject: eight\r\n\r\nGrüße ${'x'.repeat(900)}\r\n${body}`
    const dsn = { notify: ['SUCCESS', 'FAILURE'], envid: 'E7' }
    await submit(server, {
      to: ['ann@far.test', 'nobody@far.test'],
      text: Buffer.from(text),
      eightBit: true,
      dsn,
    })
    const [stored = ''] = await maildir(exim.mailbox, 1)
    assert.equal(asSent(stored), asSent(Buffer.from(text).toString('latin1')))
    assert.match(stored, /by exim\.test with esmtps {2}\(TLS1\.3\)/)
    // Exim offers DSN and reports its success; we report what it refused.
    const reports = await Promise.all(
      (await untilMessages(server, 'ann@mail.test', 2)).map((report) => readReport(report, server.folder)),
    )
    const told = reports.flatMap(({ recipients, message, returnPath }) =>
      recipients.map(
        (one) =>
          `${one['final-recipient']?.replace(/ /g, '')} ${one['action']} ${message['original-envelope-id']} ${returnPath}`,
      ),
    )
    assert.deepEqual(told.toSorted(), [
      'rfc822;ann@far.test delivered E7 <>',
      'rfc822;nobody@far.test failed E7 <>',
    ])
    await submit(server, { to: 'ann@far.test', text: `${head}Subject: refuse\r\n\r\n${body}` })
    const [, , last = ''] = await untilMessages(server, 'ann@mail.test', 3)
    const { recipients } = await readReport(last, server.folder)
    assert.match(recipients[0]?.['diagnostic-code'] ?? '', /^smtp; 550 5\.7\.1 refused by its subject/)
    assert.equal(recipients[0]?.['status'], '5.7.1')
  },
)

test(
  'into Dovecot by a route of LMTP: each recipient for himself',
  { skip: hostMissing('dovecot', 'dovecot-lmtpd') || reportMissing },
  async (context) => {
    const { port, mail } = await startDovecot(context)
    const routes = [{ kind: 'lmtp' as const, host: '127.0.0.1', port, recipients: ['far.test'] }]
    const server = await startServer(context, { settings: { queue: hasty, relay: { routes } } })
    const text = `${head}Subject: local\r\n\r\n${body}`
    const to = ['ann@far.test', 'nobody@far.test', 'full@far.test', 'bob@far.test']
    // RFC 3461 §5.2.2: LMTP delivers for good, so that the report of success is ours to make.
    await submit(server, { to, text, dsn: { notify: ['SUCCESS', 'FAILURE'] } })
    for (const name of ['ann', 'bob']) {
      assert.deepEqual((await maildir(join(mail, name), 1)).map(asSent), [asSent(text)])
      const { outcome } = await untilTold(server, { name: 'queue.delivered', recipient: `${name}@far.test` })
      assert.equal(outcome, 'delivered')
    }
    const told = await until('reports for all four', async () => {
      const reports = await Promise.all(
        (await server.messages('ann@mail.test')).map((report) => readReport(report, server.folder)),
      )
      const all = reports.flatMap(({ recipients }) => recipients)
      return all.length >= 4 ? all : undefined
    })
    assert.deepEqual(
      told.map((one) => `${one['final-recipient']} ${one['action']} ${one['status']?.[0]}`).toSorted(),
      [
        'rfc822; ann@far.test delivered 2',
        'rfc822; bob@far.test delivered 2',
        'rfc822; full@far.test failed 5',
        'rfc822; nobody@far.test failed 5',
      ],
    )
  },
)

const etrn = `import smtplib, sys
client = smtplib.SMTP("127.0.0.1", int(sys.argv[1]), local_hostname="far.test")
client.ehlo()
assert client.has_extn("etrn")
for node in sys.argv[2:]:
    code, text = client.docmd("ETRN", node)
    print(code, text.decode())
client.quit()
`

test(
  'ETRN: what waits for a host leaves when it asks',
  { skip: hostMissing('postfix') || missing('python3') },
  async (context) => {
    const port = await freePort()
    const server = await startServer(context, {
      settings: {
        relay: { routes: [{ kind: 'host', host: '127.0.0.1', port, tls: 'required' }] },
        smtp: {
          etrn: [
            { domain: 'far.test' },
            { domain: 'idle.test' },
            { domain: 'theirs.test', networks: ['192.0.2.0/24'] },
          ],
        },
      },
    })
    const script = join(server.folder, 'etrn.py')
    await writeFile(script, etrn)
    const ask = async (...nodes: string[]): Promise<string[]> => {
      const done = await run('python3', [script, String(server.ports.smtp), ...nodes], {
        home: server.folder,
      })
      assert.equal(done.code, 0, done.stderr)
      return done.stdout.trimEnd().split('\n')
    }
    for (const subject of ['one', 'two']) {
      await submit(server, { to: 'ann@far.test', text: `${head}Subject: ${subject}\r\n\r\n${body}` })
      // Nobody listens there yet; the next attempt would be minutes away.
      await until('attempts in vain', async () =>
        server.events.count('queue.deferred') > 0 ? true : undefined,
      )
    }
    const refused = await ask('idle.test', 'theirs.test', 'unknown.test')
    assert.deepEqual(
      refused.map((line) => line.slice(0, 3)),
      ['251', '459', '459'],
    )
    const postfix = await startPostfix(context, { port, domain: 'far.test' })
    const [answer = ''] = await ask('far.test')
    assert.match(answer, /^25[023] 2\.0\.0 OK/)
    const found = await maildir(postfix.mailbox, 2)
    assert.deepEqual(found.map((text) => /^Subject: (.*)$/m.exec(text)?.[1] ?? '').toSorted(), ['one', 'two'])
    await until('the rows settled', async () =>
      server.events.count('queue.delivered') === 2 ? true : undefined,
    )
    assert.match((await ask('far.test'))[0] ?? '', /^251 /)
  },
)
