// What is caught, how it is kept, found and followed on either side.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { ImapFlow } from 'imapflow'
import { createTransport } from 'nodemailer'
import type { MessageDetail } from '../../src/catcher/api/schema.ts'
import {
  askCatcher,
  type CatcherHouse,
  jsonRequest,
  letter,
  type ListedMail,
  newestCaught,
  openCatcherHouse,
  subjectsOf,
} from '../support/catcher-house.ts'

async function imap(context: TestContext, the: CatcherHouse, user: string): Promise<ImapFlow> {
  const { port } = the.posthorn.listeners.find(({ service }) => service === 'imap') ?? assert.fail()
  const client = new ImapFlow({
    ...{ host: '127.0.0.1', port, secure: false, logger: false },
    ...{ auth: { user, pass: 'any' }, tls: { rejectUnauthorized: false } },
  })
  await client.connect()
  context.after(() => client.close())
  return client
}

test('envelope, session, TLS, log-in and dialogue of a message, without the password', async (context) => {
  const the = await openCatcherHouse(context)
  const transport = createTransport({
    ...{ host: '127.0.0.1', port: the.smtpPort, requireTLS: true, tls: { rejectUnauthorized: false } },
    auth: { user: 'app@shop.example', pass: 'top secret' },
  })
  const sent = await transport.sendMail({
    ...{
      from: 'app@shop.example',
      to: 'ann@example.org',
      bcc: 'hidden@example.org',
      subject: 'Grüße',
      text: 'ü',
    },
  })
  transport.close()
  const id = await newestCaught(the)
  // The reply to the final dot names the message.
  assert.match(sent.response, new RegExp(id))
  const detail = await askCatcher<MessageDetail>(the, `/messages/${id}`)
  assert.equal(detail.subject, 'Grüße')
  assert.deepEqual(
    detail.bcc.map(({ address }) => address),
    ['hidden@example.org'],
  )
  assert.equal(detail.username, 'app@shop.example')
  const { record } = detail
  assert.deepEqual(
    record?.envelope.recipients.map(({ address }) => address),
    ['ann@example.org', 'hidden@example.org'],
  )
  assert.match(record?.session?.tls?.version ?? '', /^TLSv1\.3$/)
  assert.equal(record?.session?.mechanism, 'PLAIN')
  const dialogue = JSON.stringify(record?.transcript)
  assert.match(dialogue, /AUTH PLAIN \[secret\]/)
  assert.doesNotMatch(dialogue, /top secret/)
  assert.doesNotMatch(dialogue, new RegExp(Buffer.from('\0app@shop.example\0top secret').toString('base64')))
  assert.match(dialogue, /octets of the message/)
  assert.match(record?.transcript.at(-1)?.text ?? '', new RegExp(`^250 .*${id}`))
})

test('each message of one connection has its own dialogue', async (context) => {
  const the = await openCatcherHouse(context)
  const client = await the.dial()
  await client.reply()
  await client.command('EHLO client.example')
  for (const number of [1, 2]) {
    await client.command(`MAIL FROM:<n${number}@shop.example> SIZE=20`)
    await client.command('RCPT TO:<ann@example.org>')
    await client.command('DATA')
    await client.command(`Subject: ${number}\r\n\r\nx\r\n.`)
  }
  const { messages } = await askCatcher<ListedMail>(the, '/messages')
  for (const { id, subject } of messages) {
    const { record } = await askCatcher<MessageDetail>(the, `/messages/${id}`)
    const lines = record?.transcript.map(({ text }) => text) ?? []
    assert.equal(lines.filter((line) => line.startsWith('EHLO')).length, 1)
    assert.deepEqual(
      lines.filter((line) => line.startsWith('MAIL')),
      [`MAIL FROM:<n${subject}@shop.example> SIZE=20`],
    )
    assert.deepEqual(record?.envelope.parameters, ['SIZE=20'])
  }
  client.close()
})

test('IMAP sees the same mail under each name, and both sides follow each other', async (context) => {
  const the = await openCatcherHouse(context)
  await the.send(letter('one'), { to: ['ann@example.org', 'bob@example.org'] })
  await the.send(letter('two'))
  const all = await imap(context, the, 'catcher')
  const ann = await imap(context, the, 'ann@example.org')
  assert.equal((await all.mailboxOpen('INBOX')).exists, 2)
  assert.equal((await ann.mailboxOpen('INBOX')).exists, 2)
  await all.messageFlagsAdd('1', ['\\Seen'])
  assert.deepEqual(await subjectsOf(the, 'is:read'), ['one'])
  await askCatcher(the, '/messages', jsonRequest('PATCH', { query: 'subject:two', read: true }))
  const [, second] = await all.fetchAll('1:*', { flags: true })
  assert.ok(second?.flags?.has('\\Seen'))
  // What a recipient deletes is gone for himself; what the catcher deletes is gone everywhere.
  await ann.messageDelete('2')
  assert.equal(the.catcher.stats.total, 2)
  await askCatcher(the, '/messages', jsonRequest('DELETE', { query: 'subject:one' }))
  const left = await ann.status('INBOX', { messages: true })
  assert.equal(left === false ? null : left.messages, 0)
  await all.noop()
  assert.equal(await all.messageDelete('1:*'), true)
  assert.deepEqual(await subjectsOf(the), [])
  await all.append('INBOX', 'Subject: appended\r\n\r\nhello\r\n')
  await the.catcher.settled()
  assert.deepEqual(await subjectsOf(the), ['appended'])
})

test('all is there after a restart: read, tags, inbox, record; and what had no summary', async (context) => {
  const data = await mkdtemp(join(tmpdir(), 'catcher-'))
  context.after(() => rm(data, { recursive: true, force: true }))
  const before = await openCatcherHouse(context, { data })
  await before.send(letter('kept', 'x', ['X-Posthorn-Inbox: shop', 'X-Tags: red']))
  const id = await newestCaught(before)
  await before.get(`/api/v1/message/${id}`)
  const detail = await askCatcher<MessageDetail>(before, `/messages/${id}`)
  await before.posthorn.stop()
  const after = await openCatcherHouse(context, { data })
  assert.deepEqual(await askCatcher<MessageDetail>(after, `/messages/${id}`), detail)
  assert.equal(detail.read, true)
  assert.deepEqual([detail.inbox, detail.tags], ['shop', ['red']])
  // As if the process had died before the summary was written.
  const { store } = after.posthorn.backend
  const { account } = after.catcher.parts
  const kind = 'catcher-message'
  const objects = await store.listObjects({ account: account.id, kind, now: 0 })
  await after.posthorn.stop()
  const half = await openCatcherHouse(context, { data, catcher: { maxMessages: 0 } })
  await half.posthorn.backend.store.changeObjects({
    ...{ account: account.id, kind, destroy: objects.map((one) => one.id), now: 0 },
  })
  await half.posthorn.stop()
  const rebuilt = await openCatcherHouse(context, { data })
  assert.equal(rebuilt.catcher.summary(id)?.subject, 'kept')
})

test('tags by header, plus-address, user name and filters', async (context) => {
  const the = await openCatcherHouse(context, {
    catcher: {
      tags: {
        username: true,
        filters: [
          { match: 'subject:invoice', tags: ['Billing'] },
          { match: '"pay now"', tags: ['Urgent'] },
        ],
      },
    },
  })
  await the.send(letter('Invoice 7', 'Please pay now', ['X-Tags: x one, y']), {
    to: ['ann+welcome@example.org'],
  })
  await the.catcher.settled()
  const { messages } = await askCatcher<ListedMail>(the, '/messages')
  assert.deepEqual(messages[0]?.tags, ['Billing', 'Urgent', 'welcome', 'x one', 'y'])
  await askCatcher(the, '/messages', jsonRequest('PATCH', { addTags: ['new'], removeTags: ['URGENT'] }))
  assert.deepEqual((await askCatcher<ListedMail>(the, '/messages')).messages[0]?.tags, [
    'Billing',
    'new',
    'welcome',
    'x one',
    'y',
  ])
})

test('inboxes keep projects apart', async (context) => {
  const the = await openCatcherHouse(context, { catcher: { inbox: { detail: true } } })
  await the.send(letter('a'), { to: ['ann+shop@example.org'] })
  await the.send(letter('b', 'x', ['X-Posthorn-Inbox: blog']), { to: ['ann+shop@example.org'] })
  await the.send(letter('c'))
  const { inboxes } = await askCatcher<{ inboxes: { name: string; total: number }[] }>(the, '/inboxes')
  assert.deepEqual(
    inboxes.map(({ name, total }) => [name, total]),
    [
      ['default', 1],
      ['shop', 1],
      ['blog', 1],
    ],
  )
  assert.equal((await askCatcher<ListedMail>(the, '/messages?inbox=shop')).messages[0]?.subject, 'a')
  await askCatcher(the, '/inboxes/blog', { method: 'DELETE' })
  assert.deepEqual(await subjectsOf(the), ['c', 'a'])
})

test('retention by number, duplicates, and recipients that are not taken', async (context) => {
  const the = await openCatcherHouse(context, {
    catcher: {
      ...{ maxMessages: 3, ignoreDuplicates: true },
      ...{ acceptRecipients: '@example\\.org$', otherRecipients: 'refuse' },
    },
  })
  for (const number of [1, 2, 3, 4, 5])
    await the.send(letter(`${number}`, 'x', [`Message-ID: <${number}@x>`]))
  await the.catcher.settled()
  assert.deepEqual(await subjectsOf(the), ['5', '4', '3'])
  assert.match(await the.send(letter('again', 'x', ['Message-ID: <5@x>'])), /^250 /)
  assert.deepEqual(await subjectsOf(the), ['5', '4', '3'])
  assert.equal(the.catcher.counts.ignored, 1)
  // Somebody has emptied the mailbox by IMAP: what comes then is no duplicate of anything.
  const { store, account, mailbox } = the.catcher.parts
  await store.expunge({ account: account.id, mailbox: mailbox.id, which: 'regardless' })
  await the.send(letter('anew', 'x', ['Message-ID: <5@x>']))
  assert.deepEqual(await subjectsOf(the), ['anew'])
  assert.match(await the.send(letter('far'), { to: ['x@elsewhere.example'] }), /^550 5\.1\.1 /)
  const ignoring = await openCatcherHouse(context, {
    catcher: { acceptRecipients: '@example\\.org$', otherRecipients: 'ignore' },
  })
  assert.match(await ignoring.send(letter('far'), { to: ['x@elsewhere.example'] }), /^250 /)
  assert.equal(ignoring.catcher.stats.total, 0)
})

test('pages of a list go on where the last one ended, whatever comes meanwhile', async (context) => {
  const the = await openCatcherHouse(context)
  for (const number of [1, 2, 3, 4, 5]) await the.send(letter(`${number}`))
  const first = await askCatcher<ListedMail>(the, '/messages?limit=2')
  await the.send(letter('6'))
  const second = await askCatcher<ListedMail>(the, `/messages?limit=2&after=${first.next}`)
  const third = await askCatcher<ListedMail>(the, `/messages?limit=2&after=${second.next}`)
  const pages = [first, second, third].map(({ messages }) => messages.map(({ subject }) => subject))
  assert.deepEqual(pages, [['5', '4'], ['3', '2'], ['1']])
  assert.equal(third.next, null)
})

test('live events, of one inbox where asked', async (context) => {
  const the = await openCatcherHouse(context)
  const response = await the.get('/api/v1/catcher/events?inbox=shop')
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader() ?? assert.fail()
  await the.send(letter('elsewhere'))
  await the.send(letter('here', 'x', ['X-Posthorn-Inbox: shop']))
  let text = ''
  while (!text.includes('event: new')) text += (await reader.read()).value ?? ''
  assert.match(text, /^event: stats\ndata: \{"type":"stats","total":0,"unread":0\}\n\n/)
  assert.doesNotMatch(text, /elsewhere/)
  assert.match(text, /"subject":"here"/)
  await reader.cancel()
})

test('handed in over HTTP, byte for byte but for the line ends', async (context) => {
  const the = await openCatcherHouse(context)
  const { id } = await askCatcher<{ id: string }>(the, '/messages', {
    method: 'POST',
    body: letter('ingested', 'a\nb'),
  })
  const detail = await askCatcher<MessageDetail>(the, `/messages/${id}`)
  assert.equal(detail.text, 'a\r\nb')
  assert.deepEqual(
    detail.record?.envelope.recipients.map(({ address }) => address),
    ['ann@example.org'],
  )
  assert.equal(detail.record?.session, null)
})

test('large messages, in chunks, with parts that are read from their place', async (context) => {
  const the = await openCatcherHouse(context)
  const octets = Buffer.alloc(600_000, 7)
  const message = [
    ...[
      'From: app@shop.example',
      'To: ann@example.org',
      'Subject: large',
      'X-Tags: big',
      'MIME-Version: 1.0',
    ],
    ...[
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b',
      'Content-Type: text/plain',
      '',
      'see the file',
      '--b',
    ],
    ...[
      'Content-Type: application/octet-stream; name="../../etc/passwd"',
      'Content-Transfer-Encoding: base64',
    ],
    ...[
      'Content-Disposition: attachment; filename="../../x.bin"',
      '',
      octets.toString('base64'),
      '--b--',
      '',
    ],
  ].join('\r\n')
  const client = await the.dial()
  await client.reply()
  for (const line of ['EHLO x.example', 'MAIL FROM:<app@shop.example>', 'RCPT TO:<ann@example.org>'])
    await client.command(line)
  client.send(`BDAT 100000\r\n${message.slice(0, 100_000)}`)
  assert.match((await client.reply()) ?? '', /^250 /)
  client.send(`BDAT ${message.length - 100_000} LAST\r\n${message.slice(100_000)}`)
  assert.match((await client.reply()) ?? '', /^250 /)
  client.close()
  const id = await newestCaught(the)
  const detail = await askCatcher<MessageDetail>(the, `/messages/${id}`)
  assert.deepEqual([detail.tags, detail.text.trim(), detail.attachments], [['big'], 'see the file', 1])
  const [part] = detail.parts
  assert.equal(part?.fileName, 'x.bin')
  const response = await the.get(`/api/v1/catcher/messages/${id}/parts/${part?.partId}`)
  assert.deepEqual(Buffer.from(await response.arrayBuffer()), octets)
  assert.match(response.headers.get('content-disposition') ?? '', /filename="x\.bin"/)
  const lines = detail.record?.transcript.map(({ text }) => text) ?? []
  assert.ok(lines.includes('100000 octets of the message'))
  assert.equal(detail.size, (await (await the.get(`/api/v1/message/${id}/raw`)).arrayBuffer()).byteLength)
  assert.deepEqual(await subjectsOf(the, '"the file" larger:500k'), ['large'])
})

test('many sessions at once: each message once, with its own record', async (context) => {
  const the = await openCatcherHouse(context)
  const numbers = Array.from({ length: 60 }, (_, number) => number)
  await Promise.all(
    numbers.map((number) =>
      the.send(letter(`n${number}`), { from: `n${number}@shop.example`, to: [`r${number % 7}@example.org`] }),
    ),
  )
  await the.catcher.settled()
  const { messages } = await the.catcher.find({ limit: 1000 })
  assert.equal(new Set(messages.map(({ subject }) => subject)).size, 60)
  for (const { id, subject } of messages) {
    assert.equal((await the.catcher.record(id))?.envelope.reversePath, `${subject}@shop.example`)
  }
  await the.catcher.remove({})
  await the.catcher.settled()
  const { store } = the.posthorn.backend
  const account = the.catcher.parts.account.id
  for (const kind of ['catcher-message', 'catcher-record']) {
    assert.deepEqual(await store.listObjects({ account, kind, now: 0 }), [], kind)
  }
  assert.deepEqual(await store.audit(), [])
})

test('what is older than it may be goes by itself', async (context) => {
  const the = await openCatcherHouse(context, { catcher: { maxAge: 200, pruneEvery: 20 } })
  const gone = Promise.withResolvers<readonly string[]>()
  the.catcher.subscribe((event) => {
    if (event.type === 'delete') gone.resolve(event.ids)
  })
  await the.send(letter('old'))
  const id = await newestCaught(the)
  assert.deepEqual(await gone.promise, [id])
  assert.equal(the.catcher.stats.total, 0)
})

test('a search of many messages finds the same, whether the index knows them or not', async (context) => {
  for (const enabled of [true, false]) {
    const the = await openCatcherHouse(context, { search: { enabled } })
    await Promise.all(
      Array.from({ length: 10 }, async (_, session) => {
        const client = await the.dial()
        await client.reply()
        await client.command('EHLO client.example')
        for (let number = session; number < 250; number += 10) {
          for (const line of ['MAIL FROM:<app@shop.example>', 'RCPT TO:<ann@example.org>', 'DATA'])
            await client.command(line)
          await client.command(
            `Subject: s${number}\r\n\r\n${number % 50 === 7 ? 'Überraschung Needle7x, ok' : 'hay'}\r\n.`,
          )
        }
        client.close()
      }),
    )
    if (enabled) {
      const { search } = the.posthorn.backend
      const signal = new AbortController().signal
      await search.index(the.catcher.parts.account.id, {
        rebuild: false,
        signal,
        onProgress: () => undefined,
      })
    }
    for (const [query, total] of [
      ['needle7x', 5],
      ['eedle7', 5],
      ['-needle7x', 245],
      ['"needle7x, ok"', 5],
      ['überraschung', 5],
      ['nothing', 0],
      ['hay s24', 11],
    ] as const) {
      assert.equal((await the.catcher.find({ query })).total, total, `${query} ${enabled}`)
    }
  }
})
