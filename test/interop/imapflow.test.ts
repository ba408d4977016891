// imapflow: the IMAP client of the Node world, which uses what extensions it is offered.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import { ImapFlow } from 'imapflow'
import { type InteropServer, password, startServer } from './server.ts'

async function connect(context: TestContext, server: InteropServer, secure = true): Promise<ImapFlow> {
  const client = new ImapFlow({
    host: '127.0.0.1',
    port: secure ? server.ports.imaps : server.ports.imap,
    secure,
    tls: { rejectUnauthorized: false },
    auth: { user: 'ann@mail.test', pass: password },
    logger: false,
  })
  await client.connect()
  context.after(() => client.close())
  return client
}

const multipart = [
  'From: "Eve, of Example" <eve@example.org>',
  'To: ann@mail.test, Bob <bob@mail.test>',
  'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=',
  'Date: Sat, 21 Nov 2026 12:00:00 +0000',
  'Message-ID: <parts@example.org>',
  'In-Reply-To: <before@example.org>',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary="=b"',
  '',
  '--=b',
  'Content-Type: text/plain; charset=utf-8',
  'Content-Transfer-Encoding: quoted-printable',
  '',
  'Sch=C3=B6ne Gr=C3=BC=C3=9Fe',
  '--=b',
  'Content-Type: application/octet-stream; name="a.bin"',
  'Content-Disposition: attachment; filename="a.bin"',
  'Content-Transfer-Encoding: base64',
  '',
  'AAECAwQF',
  '--=b--',
  '',
].join('\r\n')

test('connects by STARTTLS and on TLS, says who it is, and leaves', async (context) => {
  const server = await startServer(context)
  for (const secure of [true, false]) {
    const client = await connect(context, server, secure)
    assert.equal(client.authenticated, true)
    assert.equal(client.secureConnection, true)
    await client.noop()
    await client.logout()
  }
})

test('mailboxes: list with status and special use, create, rename, subscribe, delete', async (context) => {
  const server = await startServer(context)
  const client = await connect(context, server)
  const listed = await client.list({ statusQuery: { messages: true, uidNext: true } })
  assert.ok(listed.some(({ path, specialUse }) => path === 'INBOX' && specialUse === '\\Inbox'))
  for (const use of ['\\Sent', '\\Trash', '\\Drafts', '\\Junk']) {
    assert.ok(
      listed.some(({ specialUse }) => specialUse === use),
      `no mailbox for ${use}`,
    )
  }
  assert.deepEqual(listed.find(({ path }) => path === 'INBOX')?.status?.messages, 0)
  assert.equal((await client.mailboxCreate(['Entwürfe', '2026'])).path, 'Entwürfe/2026')
  assert.equal((await client.mailboxRename('Entwürfe/2026', 'Entwürfe/alt')).newPath, 'Entwürfe/alt')
  await client.mailboxSubscribe('Entwürfe/alt')
  const after = await client.list()
  assert.ok(after.find(({ path }) => path === 'Entwürfe/alt')?.subscribed)
  await client.mailboxDelete('Entwürfe/alt')
  assert.ok(!(await client.list()).some(({ path }) => path === 'Entwürfe/alt'))
  await client.logout()
})

test('append and fetch everything', async (context) => {
  const server = await startServer(context)
  const client = await connect(context, server)
  const date = new Date('2026-01-02T03:04:05Z')
  const appended = await client.append('INBOX', multipart, ['\\Flagged', '$Label'], date)
  assert.ok(appended)
  assert.equal(appended.uid, 1)
  const mailbox = await client.mailboxOpen('INBOX')
  assert.equal(mailbox.exists, 1)
  const query = {
    uid: true,
    flags: true,
    envelope: true,
    bodyStructure: true,
    source: true,
    size: true,
    internalDate: true,
  }
  const message = await client.fetchOne('1', query)
  assert.ok(message)
  assert.equal(message.source?.toString(), multipart)
  assert.equal(message.size, Buffer.byteLength(multipart))
  assert.deepEqual(message.internalDate, date)
  assert.ok(message.flags?.has('\\Flagged') && message.flags.has('$Label'))
  assert.equal(message.envelope?.subject, 'Grüße')
  assert.deepEqual(message.envelope?.from, [{ name: 'Eve, of Example', address: 'eve@example.org' }])
  assert.equal(message.envelope?.to?.length, 2)
  assert.equal(message.envelope?.messageId, '<parts@example.org>')
  assert.equal(message.envelope?.inReplyTo, '<before@example.org>')
  assert.equal(message.bodyStructure?.type, 'multipart/mixed')
  assert.deepEqual(
    message.bodyStructure?.childNodes?.map(({ type, part }) => [part, type]),
    [
      ['1', 'text/plain'],
      ['2', 'application/octet-stream'],
    ],
  )
  const { content, meta } = await client.download('1', '2')
  assert.ok(meta !== undefined && content !== undefined)
  assert.equal(meta.filename, 'a.bin')
  const chunks: Buffer[] = []
  for await (const chunk of content) chunks.push(Buffer.from(chunk))
  assert.deepEqual(Buffer.concat(chunks), Buffer.from([0, 1, 2, 3, 4, 5]))
  await client.logout()
})

test('search, flags, copy, move and delete', async (context) => {
  const server = await startServer(context)
  const client = await connect(context, server)
  for (const number of [1, 2, 3, 4, 5]) {
    await server.put('ann@mail.test', `Subject: number ${number}\r\n\r\nText ${number}, Straße\r\n`)
  }
  await client.mailboxOpen('INBOX')
  assert.deepEqual(await client.search({ subject: 'number 3' }), [3])
  assert.deepEqual(await client.search({ body: 'straße', not: { subject: '4' } }), [1, 2, 3, 5])
  assert.deepEqual(await client.search({ or: [{ seq: '1' }, { uid: '5' }] }, { uid: true }), [1, 5])
  assert.deepEqual(await client.search({ flagged: true }), [])
  await client.messageFlagsAdd('1:2', ['\\Seen', 'own'])
  await client.messageFlagsRemove('2', ['own'])
  await client.messageFlagsSet('3', ['\\Answered'])
  const flags = await client.fetchAll('1:3', { flags: true })
  const known = flags.map((message) =>
    [...(message.flags ?? [])].filter((flag) => flag !== '\\Recent').toSorted(),
  )
  assert.deepEqual(known, [['\\Seen', 'own'], ['\\Seen'], ['\\Answered']])
  await client.mailboxCreate('Archive/2026')
  const copied = await client.messageCopy('1:2', 'Archive/2026')
  assert.ok(copied)
  assert.deepEqual(
    [...(copied.uidMap ?? [])],
    [
      [1, 1],
      [2, 2],
    ],
  )
  const moved = await client.messageMove('5', 'Archive/2026', { uid: true })
  assert.ok(moved)
  assert.deepEqual([...(moved.uidMap ?? [])], [[5, 3]])
  assert.equal(await client.messageDelete('4', { uid: true }), true)
  assert.deepEqual(await client.search({ all: true }, { uid: true }), [1, 2, 3])
  const status = await client.status('Archive/2026', { messages: true, unseen: true, uidNext: true })
  assert.ok(status)
  assert.deepEqual([status.messages, status.unseen, status.uidNext], [3, 1, 4])
  await client.logout()
})

test('an idle session hears of new mail, of flags and of removals by another', async (context) => {
  const server = await startServer(context)
  const watching = await connect(context, server)
  const other = await connect(context, server)
  await server.put('ann@mail.test', 'Subject: first\r\n\r\nx\r\n')
  await watching.mailboxOpen('INBOX')
  await other.mailboxOpen('INBOX')
  const idle = watching.idle()
  const exists = once(watching, 'exists')
  await server.put('ann@mail.test', 'Subject: second\r\n\r\nx\r\n')
  assert.deepEqual(
    (await exists).map(({ count }: { count: number }) => count),
    [2],
  )
  const flags = once(watching, 'flags')
  await other.messageFlagsAdd('1', ['\\Flagged'])
  const [changed] = (await flags) as [{ seq: number; flags: Set<string> }]
  assert.ok(changed.seq === 1 && changed.flags.has('\\Flagged'))
  const expunged = once(watching, 'expunge')
  await other.messageDelete('1')
  assert.deepEqual(
    (await expunged).map(({ seq }: { seq: number }) => seq),
    [1],
  )
  await watching.noop()
  await idle
  assert.deepEqual(await watching.search({ all: true }, { uid: true }), [2])
  await Promise.all([watching.logout(), other.logout()])
})

test('a wrong password is told as such', async (context) => {
  const server = await startServer(context)
  const client = new ImapFlow({
    ...{ host: '127.0.0.1', port: server.ports.imaps, secure: true, tls: { rejectUnauthorized: false } },
    auth: { user: 'ann@mail.test', pass: 'guess' },
    logger: false,
  })
  context.after(() => client.close())
  await assert.rejects(client.connect(), {
    authenticationFailed: true,
    serverResponseCode: 'AUTHENTICATIONFAILED',
  })
})
