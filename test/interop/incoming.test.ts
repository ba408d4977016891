// Postfix and Exim send into a whole Posthorn from their queues: by STARTTLS and pipelined, by SMTP and LMTP. They honour what we
// refuse for now and for good, and their reports arrive.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createTransport } from 'nodemailer'
import { startExim } from './exim-host.ts'
import { freePort, hostMissing, type MailHost, maildir, until } from './mail-host.ts'
import { startPostfix } from './postfix-host.ts'
import { readReport, reportMissing } from './report.ts'
import { administer, type InteropServer, startServer, untilMessages } from './server.ts'
import { hasty } from './submit.ts'

const skipPostfix = hostMissing('postfix') || reportMissing
const skipExim = hostMissing('exim4') || reportMissing

const sender = 'ann@far.test'
const message = (subject: string, body = 'Hello\n.\n..two\n'): string =>
  `From: ${sender}\nTo: bob@mail.test\nSubject: ${subject}\n\n${body}`

/** A server whose hook defers the first RCPT for each address with `+later`. */
async function startOurs(context: TestContext, farPort: number): Promise<InteropServer> {
  const seen = new Set<string>()
  const server = await startServer(context, {
    listeners: [{ service: 'lmtp', tls: 'none' }],
    settings: {
      queue: hasty,
      relay: { routes: [{ kind: 'host', host: '127.0.0.1', port: farPort, tls: 'required' }] },
      hooks: {
        rcpt({ recipient }) {
          const name = recipient.address?.localPart ?? ''
          if (!name.endsWith('+later') || seen.has(name)) return { type: 'accept' }
          seen.add(name)
          return { type: 'defer', text: 'later, please' }
        },
      },
    },
  })
  await administer(server.posthorn, 'account.add', {
    ...{ address: 'full@mail.test', password: 'x' },
    quota: { bytes: 1000, messages: null },
  })
  return server
}

interface Sending {
  readonly host: MailHost
  readonly server: InteropServer
}

async function exchange(context: TestContext, { host, server }: Sending): Promise<void> {
  let reported = 0
  const report = async () => {
    const found = await maildir(host.mailbox, ++reported)
    const newest = found.find((text) => !read.has(text)) ?? ''
    read.add(newest)
    return readReport(Buffer.from(newest, 'latin1').toString('utf8'), host.folder)
  }
  const read = new Set<string>()

  await context.test('from its queue, by STARTTLS', async () => {
    await host.submit({ from: sender, to: ['bob@mail.test', 'ann@mail.test'], text: message('one') })
    for (const address of ['bob@mail.test', 'ann@mail.test']) {
      const [found = ''] = await untilMessages(server, address, 1)
      assert.match(found, /^Return-Path: <ann@far\.test>\r\n[^]*with ESMTPS\s+\(TLSv1\.3/)
      assert.ok(found.endsWith('\r\n\r\nHello\r\n.\r\n..two\r\n'))
    }
  })

  await context.test('many at once', async () => {
    const numbers = Array.from({ length: 10 }, (_, index) => `number ${index}`)
    await Promise.all(
      numbers.map((subject) => host.submit({ from: sender, to: ['ann@mail.test'], text: message(subject) })),
    )
    const found = await untilMessages(server, 'ann@mail.test', 11)
    const subjects = found.map((text) => /^Subject: (number \d+)\r$/m.exec(text)?.[1] ?? '')
    assert.deepEqual(subjects.filter((subject) => subject !== '').toSorted(), numbers)
  })

  await context.test('refused for good: its report says what we said', async () => {
    await host.submit({ from: sender, to: ['nobody@mail.test', 'bob@mail.test'], text: message('two') })
    await untilMessages(server, 'bob@mail.test', 2)
    const { recipients, reportType } = await report()
    assert.equal(reportType, 'delivery-status')
    assert.deepEqual(
      recipients.map((one) => [one['action'], one['status']?.slice(0, 1)]),
      [['failed', '5']],
    )
    assert.match(recipients[0]?.['diagnostic-code'] ?? '', /550[ -]5\.1\.1/)
  })

  await context.test('refused for now: it comes again, and the message is there once', async () => {
    await host.submit({ from: sender, to: ['bob+later@mail.test'], text: message('three') })
    await until('the message in its queue', async () =>
      (await host.queue()).includes('bob+later') ? true : undefined,
    )
    await until('the second attempt', async () => {
      await host.flush()
      return (await server.messages('bob@mail.test')).length > 2 ? true : undefined
    })
    assert.equal((await server.messages('bob@mail.test')).length, 3)
  })

  await context.test('8-bit text', async () => {
    await host.submit({ from: sender, to: ['bob@mail.test'], text: message('four', 'Grüße aus Köln\n') })
    const found = await untilMessages(server, 'bob@mail.test', 4)
    assert.match(found[3] ?? '', /Grüße aus Köln\r\n$/)
  })

  await context.test('NOTIFY=SUCCESS: we offer DSN, so we report', async () => {
    const transport = createTransport({ host: '127.0.0.1', port: host.port, ignoreTLS: true })
    const dsn = { notify: 'success', envid: 'id-5', ret: 'HDRS' }
    await transport.sendMail({ envelope: { from: sender, to: 'bob@mail.test', dsn }, raw: message('five') })
    transport.close()
    await untilMessages(server, 'bob@mail.test', 5)
    const { recipients, message: about, from } = await report()
    assert.match(from, /MAILER-DAEMON@localhost/)
    assert.equal(recipients[0]?.['action'], 'delivered')
    assert.equal(about['original-envelope-id'], 'id-5')
  })
}

test('out of Postfix', { skip: skipPostfix }, async (context) => {
  const port = await freePort()
  const server = await startOurs(context, port)
  const [lmtp = 0] = server.more
  const postfix = await startPostfix(context, {
    port,
    domain: 'far.test',
    transports: {
      'mail.test': `smtp:[127.0.0.1]:${server.ports.smtp}`,
      'full@mail.test': `lmtp:inet:127.0.0.1:${lmtp}`,
      'bob+lmtp@mail.test': `lmtp:inet:127.0.0.1:${lmtp}`,
    },
    main: [
      'smtp_tls_security_level = may',
      'recipient_delimiter =',
      'notify_classes =',
      'minimal_backoff_time = 1s',
    ],
  })
  await exchange(context, { host: postfix, server })

  await context.test('by LMTP: one recipient full, one fine, each with a reply of its own', async () => {
    const before = (await server.messages('bob@mail.test')).length
    const to = ['full@mail.test', 'bob+lmtp@mail.test']
    await postfix.submit({ from: sender, to, text: message('six', 'x'.repeat(70).concat('\n').repeat(20)) })
    const found = await untilMessages(server, 'bob@mail.test', before + 1)
    assert.match(found.at(-1) ?? '', /with LMTP\b[^]*Subject: six/)
    const [, , report = ''] = await maildir(postfix.mailbox, 3)
    const all = await Promise.all(
      (await maildir(postfix.mailbox, 3)).map((text) => readReport(text, postfix.folder)),
    )
    const full = all
      .flatMap(({ recipients }) => recipients)
      .find((one) => one['final-recipient']?.includes('full@'))
    assert.equal(full?.['action'], 'failed', report)
    assert.match(full['diagnostic-code'] ?? '', /552 5\.2\.2/)
    assert.deepEqual(await server.messages('full@mail.test'), [])
  })
})

test('out of Exim', { skip: skipExim }, async (context) => {
  const port = await freePort()
  const server = await startOurs(context, port)
  const exim = await startExim(context, {
    port,
    domain: 'far.test',
    relay: { domain: 'mail.test', port: server.ports.smtp },
  })
  await exchange(context, { host: exim, server })
})
