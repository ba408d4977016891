// A whole Posthorn sends to a real Postfix, and Postfix sends back to it: what users submit leaves through the queue, by a route and
// by MX, and every report comes to the sender's mailbox, where Python reads it.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { copyFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { ConfigInput } from '../../src/config/schema.ts'
import { asSent, endWith, freePort, hostFolder, hostMissing, maildir } from './mail-host.ts'
import { startPostfix } from './postfix-host.ts'
import { readReport, reportMissing } from './report.ts'
import { startServer, untilMessages } from './server.ts'
import { hasty, submit, untilTold } from './submit.ts'
import { startZone } from './zone.ts'

const skip = hostMissing('postfix') || reportMissing

/** A policy server as Postfix asks it (SMTPD_POLICY_README): it defers each recipient with `+later` once. */
async function startGreylist(context: TestContext): Promise<number> {
  const seen = new Set<string>()
  const server = createServer((socket) => {
    let text = ''
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
        const recipient = /^recipient=(.*)$/m.exec(text.slice(0, end))?.[1] ?? ''
        text = text.slice(end + 2)
        const defer = recipient.includes('+later') && !seen.has(recipient)
        seen.add(recipient)
        socket.write(defer ? 'action=DEFER 4.2.0 come back later\n\n' : 'action=DUNNO\n\n')
      }
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => server.close())
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return address.port
}

/** Both: mail for far.test and proven.test goes to Postfix by routes, for mx.test by MX; mail for mail.test comes back from it. */
async function startBoth(context: TestContext) {
  const folder = await hostFolder()
  endWith(context, folder, () => {})
  const port = await freePort()
  const authoritiesFile = join(folder, 'postfix.crt')
  const zone = await startZone(context, {
    'mx.test': {
      MX: [
        [10, 'dead.mx.test'],
        [20, 'postfix.test'],
      ],
    },
    'dead.mx.test': { A: ['127.0.0.9'] },
    // Not 127.0.0.1: a host at an address of ours is ourselves, and a loop.
    'postfix.test': { A: ['127.0.0.2'] },
  })
  const host = { kind: 'host', host: '127.0.0.1', port } as const
  const settings: ConfigInput = {
    queue: hasty,
    dns: { reverse: false, servers: [zone] },
    relay: {
      ...{ enabled: true, allowPrivateAddresses: true, mxPort: port, mtaSts: false },
      routes: [
        { ...host, recipients: ['far.test'], tls: 'required' },
        { ...host, recipients: ['proven.test'], tls: 'verified', tlsName: 'postfix.test', authoritiesFile },
      ],
    },
  }
  const server = await startServer(context, { settings })
  const greylist = await startGreylist(context)
  const postfix = await startPostfix(context, {
    port,
    domain: 'far.test',
    transports: { 'mail.test': `smtp:[127.0.0.1]:${server.ports.smtp}` },
    main: [
      'recipient_delimiter = +',
      'virtual_alias_domains = mx.test proven.test',
      'virtual_alias_maps = inline:{ann@mx.test=ann@far.test ann@proven.test=ann@far.test}',
      `smtpd_recipient_restrictions = check_policy_service inet:127.0.0.1:${greylist}`,
      'smtp_tls_security_level = may',
      'notify_classes =',
    ],
  })
  await copyFile(join(postfix.folder, 'host.crt'), authoritiesFile)
  return { server, postfix }
}

const head =
  'From: ann@mail.test\r\nTo: ann@far.test\r\nMessage-ID: <1@mail.test>\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n'

test('mail out of Posthorn into Postfix', { skip }, async (context) => {
  const { server, postfix } = await startBoth(context)
  let delivered = 0
  let reported = 0
  const report = async () => {
    const found = await untilMessages(server, 'ann@mail.test', ++reported)
    return readReport(found.at(-1) ?? '', server.folder)
  }
  /** The newest message in Postfix's mailbox with this subject. */
  const arrived = async (subject: string): Promise<string> => {
    const all = await maildir(postfix.mailbox, ++delivered)
    return all.find((text) => text.includes(`Subject: ${subject}\n`)) ?? ''
  }

  await context.test('by STARTTLS and in chunks; 8-bit text and long lines as they were', async () => {
    const long = `${'long '.repeat(180)}\r\n`
    const text = `${head}Subject: eight\r\n\r\nGrüße\r\n.\r\n..\r\n${long}${'x'.repeat(70)}\r\n`
    await submit(server, { to: 'ann@far.test', text: Buffer.from(text), eightBit: true })
    const stored = await arrived('eight')
    assert.equal(asSent(stored), asSent(Buffer.from(text).toString('latin1')))
    assert.match(stored, /^Received: from localhost .*\n\tby postfix\.test \(Postfix\) with ESMTPS/m)
    const attempt = await untilTold(server, { name: 'relay.attempt', recipient: 'ann@far.test' })
    assert.deepEqual([attempt['outcome'], attempt['tls']], ['relayed', 'TLSv1.3 TLS_AES_256_GCM_SHA384'])
  })

  await context.test('a certificate that must be right', async () => {
    await submit(server, { to: 'ann@proven.test', text: `${head}Subject: proven\r\n\r\nx\r\n` })
    assert.notEqual(await arrived('proven'), '')
    const attempt = await untilTold(server, { name: 'relay.attempt', recipient: 'ann@proven.test' })
    assert.notEqual(attempt['verification'], null)
  })

  await context.test('NOTIFY=SUCCESS: Postfix offers DSN, so it reports, and we don’t', async () => {
    const dsn = {
      notify: ['SUCCESS', 'FAILURE'],
      ret: 'HDRS',
      envid: 'QQ+314',
      orcpt: 'rfc822;first@far.test',
    } as const
    await submit(server, {
      to: 'ann@far.test',
      text: `${head}Subject: success\r\n\r\nbody\r\n`,
      dsn: { ...dsn, notify: [...dsn.notify] },
    })
    assert.notEqual(await arrived('success'), '')
    const read = await report()
    assert.match(read.from, /MAILER-DAEMON@far\.test/)
    assert.equal(read.message['original-envelope-id'], 'QQ+314')
    assert.deepEqual(
      read.recipients.map((one) => [one['original-recipient'], one['action']]),
      [['rfc822;first@far.test', 'delivered']],
    )
    assert.equal(server.events.count('queue.report-sent'), 0)
  })

  await context.test('some recipients refused: one report for them, the others have it', async () => {
    const to = ['nobody@far.test', 'ann@far.test', 'noone@far.test']
    await submit(server, {
      to,
      text: `${head}Subject: partly\r\n\r\nbody\r\n`,
      dsn: { envid: 'E1', ret: 'FULL' },
    })
    assert.notEqual(await arrived('partly'), '')
    const read = await report()
    assert.deepEqual(
      [read.contentType, read.reportType, read.autoSubmitted, read.returnPath, read.to],
      ['multipart/report', 'delivery-status', 'auto-replied', '<>', 'ann@mail.test'],
    )
    assert.deepEqual(read.parts, ['text/plain', 'message/delivery-status', 'message/rfc822'])
    assert.equal(read.message['original-envelope-id'], 'E1')
    assert.equal(read.message['reporting-mta'], 'x-local-hostname; localhost')
    assert.deepEqual(
      read.recipients.map((one) => `${one['final-recipient']} ${one['action']} ${one['status']}`).toSorted(),
      ['rfc822; nobody@far.test failed 5.1.1', 'rfc822; noone@far.test failed 5.1.1'],
    )
    for (const one of read.recipients) {
      assert.match(one['diagnostic-code'] ?? '', /^smtp; 550 5\.1\.1 .*User unknown in virtual mailbox table/)
      assert.equal(one['remote-mta'], 'dns; [127.0.0.1]')
    }
    assert.match(read.text, /nobody@far\.test[^]*User unknown/)
    assert.match(read.returned, /Subject: partly/)
  })

  await context.test('greylisted at first, then taken, once', async () => {
    await submit(server, { to: 'ann+later@far.test', text: `${head}Subject: later\r\n\r\nbody\r\n` })
    assert.notEqual(await arrived('later'), '')
    const told = await untilTold(server, { name: 'queue.deferred', recipient: 'ann+later@far.test' })
    assert.match(String(told['reply']), /^45\d 4\.2\.0 .*come back later/)
    assert.equal((await maildir(postfix.mailbox, delivered)).length, delivered)
  })

  await context.test('30 MB', async () => {
    const line = `${'0123456789abcdef'.repeat(4)}\r\n`
    const text = `${head}Subject: large\r\n\r\n${line.repeat(455_000)}`
    await submit(server, { to: 'ann@far.test', text })
    const stored = await arrived('large')
    assert.equal(
      stored.slice(stored.indexOf('\n\n') + 2),
      text.slice(text.indexOf('\r\n\r\n') + 4).replaceAll('\r\n', '\n'),
    )
  })

  await context.test('an address beyond US-ASCII is carried as it is, and refused by name', async () => {
    await submit(server, { to: 'änn@far.test', text: `${head}Subject: utf8\r\n\r\nbody\r\n` })
    const read = await report()
    const [one = {}] = read.recipients
    assert.equal(one['final-recipient'], 'utf-8; änn@far.test')
    assert.match(one['diagnostic-code'] ?? '', /^smtp; 550 5\.1\.1 /)
  })

  await context.test('by MX, past a host that does not answer', async () => {
    await submit(server, { to: 'ann@mx.test', text: `${head}Subject: mx\r\n\r\nbody\r\n` })
    assert.match(await arrived('mx'), /with ESMTPS/)
    const told = await untilTold(server, { name: 'queue.delivered', recipient: 'ann@mx.test' })
    assert.equal(told['host'], 'postfix.test')
    assert.ok(
      server.events.records.some(
        ({ name, fields }) => name === 'relay.host-failed' && fields['host'] === 'dead.mx.test',
      ),
    )
  })

  await context.test('a domain that is not there comes back', async () => {
    await submit(server, { to: 'ann@nowhere.test', text: `${head}Subject: nowhere\r\n\r\nbody\r\n` })
    const read = await report()
    assert.deepEqual(
      read.recipients.map((one) => one['status']),
      ['5.1.2'],
    )
  })
})
