// The server's side over a real store: streaming in both directions, pace, broken blobs, and what is left behind.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Buffer } from 'node:buffer'
import { ImapClient, imapServer } from '../../../test/support/imap-session.ts'
import { testStore } from '../../../test/support/store.ts'
import type { Store } from '../../store/store.ts'
import type { TestContext } from 'node:test'

async function open(context: TestContext, changes: (store: Store) => Store = (store) => store) {
  const store = await testStore(context)
  const { service, events } = imapServer(changes(store))
  const client = await new ImapClient(service).open('ann@example.org')
  context.after(() => client.leave())
  return { store, service, events, client }
}

function append(client: ImapClient, message: Uint8Array | string): Promise<void> {
  const bytes = Buffer.from(message)
  return client.send(
    Buffer.concat([Buffer.from(`a APPEND INBOX {${bytes.length}+}\r\n`), bytes, Buffer.from('\r\n')]),
  )
}

/** A message whose every octet can be told from its neighbours. */
function large(octets: number): Buffer {
  const lines =
    'Subject: large\r\n\r\n' +
    Array.from({ length: octets / 16 }, (_, n) => `${n}`.padStart(14, '.')).join('\r\n')
  return Buffer.from(lines)
}

test('a large message goes in and out whole, in pieces, and in part', async (context) => {
  const { client } = await open(context)
  const message = large(3_000_000)
  await client.send(`a APPEND INBOX {${message.length}}\r\n`)
  assert.equal(client.take(), '+ Ready for the message\r\n')
  for (let at = 0; at < message.length; at += 65_000) await client.send(message.subarray(at, at + 65_000))
  await client.send('\r\n')
  assert.match(client.take(), /^a OK \[APPENDUID \d+ 1\]/)
  await client.command('SELECT INBOX')
  await client.send('b FETCH 1 BODY.PEEK[]\r\n')
  assert.ok(Math.max(...client.chunks.map((chunk) => chunk.length)) < 150_000, 'no piece is large')
  const whole = client.take()
  const start = whole.indexOf('\r\n') + 2
  assert.equal(whole.slice(0, start), `* 1 FETCH (BODY[] {${message.length}}\r\n`)
  assert.ok(Buffer.from(whole.slice(start, start + message.length), 'latin1').equals(message))
  assert.equal(whole.slice(start + message.length), ')\r\nb OK FETCH completed\r\n')
  const part = await client.command('FETCH 1 BODY.PEEK[TEXT]<1000000.40>')
  const from = 18 + 1_000_000
  assert.ok(part.includes(`BODY[TEXT]<1000000> {40}\r\n${message.toString('latin1', from, from + 40)})`))
  assert.match(await client.command('SEARCH TEXT ".....187000"'), /^\* SEARCH 1\r\n/)
})

test('a client that does not read is not written to', async (context) => {
  const { store, client } = await open(context)
  const account = (await store.credentialsOf('ann@example.org'))?.account
  const inbox = account && (await store.findMailbox({ account: account.id, name: 'INBOX' }))
  assert.ok(account && inbox)
  await append(client, 'Subject: x\r\n\r\n')
  await client.command('SELECT INBOX')
  for (let doubling = 0; doubling < 12; doubling++) {
    await store.copy({ account: account.id, now: 1, from: inbox.id, uids: [[1, 100_000]], to: inbox.id })
  }
  await client.command('NOOP')
  const { promise, resolve } = Promise.withResolvers<void>()
  client.stalled = promise
  const fetching = client.send('f FETCH 1:* (UID FLAGS)\r\n')
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
  assert.equal(client.chunks.length, 1, 'one write, then patience')
  client.stalled = null
  resolve()
  await fetching
  assert.match(client.take(), /\* 4096 FETCH \(UID 4096 FLAGS \(.*\)\)\r\nf OK/)
})

test('a long search and a long LIST let others have their turn', async (context) => {
  const { store, client } = await open(context)
  const account = (await store.credentialsOf('ann@example.org'))?.account
  const inbox = account && (await store.findMailbox({ account: account.id, name: 'INBOX' }))
  assert.ok(account && inbox)
  await append(client, 'Subject: x\r\n\r\n')
  await client.command('SELECT INBOX')
  for (let doubling = 0; doubling < 12; doubling++) {
    await store.copy({ account: account.id, now: 1, from: inbox.id, uids: [[1, 100_000]], to: inbox.id })
  }
  await client.command('NOOP')
  for (let number = 0; number < 40; number++) {
    await store.createMailbox({ account: account.id, name: `${'a'.repeat(400)}${number}`, now: 0 })
  }
  const turns = { taken: 0 }
  let next: NodeJS.Immediate
  const count = (): void => {
    turns.taken++
    next = setImmediate(count)
  }
  next = setImmediate(count)
  context.after(() => clearImmediate(next))
  assert.match(await client.command(`SEARCH${' NOT DELETED'.repeat(499)}`), /OK SEARCH completed/)
  assert.ok(turns.taken >= 10, `${turns.taken} turns while a thousand keys met 4096 messages`)
  turns.taken = 0
  assert.match(await client.command(`LIST "" ${'*a'.repeat(200)}b`), /OK LIST completed/)
  assert.ok(turns.taken >= 10, `${turns.taken} turns while a pattern met 40 names`)
})

test('a blob that cannot be read in mid-literal ends the session', async (context) => {
  const broken = (store: Store): Store =>
    new Proxy(store, {
      get(target, name) {
        if (name === 'blobs')
          return {
            ...target.blobs,
            stage: () => target.blobs.stage(),
            readSmall: () => Promise.reject(new Error('disk')),
          }
        // As if the message was too large to come with its row.
        if (name === 'messageTexts')
          return (request: Parameters<Store['messageTexts']>[0]) =>
            target.messageTexts({ ...request, data: false })
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  const { client } = await open(context, broken)
  await append(client, 'Subject: x\r\n\r\nbody\r\n')
  await client.command('SELECT INBOX')
  assert.match(await client.command('FETCH 1 (FLAGS BODY.PEEK[])'), /\* BYE /)
  assert.ok(client.closed)
  assert.match(String(client.failure), /LiteralBroken/)
})

test('an APPEND that breaks off leaves nothing, and the next one works', async (context) => {
  const { store, client, service } = await open(context)
  await client.send('a APPEND INBOX {100+}\r\nhalf of it')
  await client.leave()
  const again = await new ImapClient(service).open('ann@example.org')
  context.after(() => again.leave())
  await append(again, 'Subject: x\r\n\r\n')
  assert.match(again.take(), /APPENDUID \d+ 1\]/)
  assert.deepEqual(await store.audit(), [])
})

test('searching decodes transfer encodings, charsets and messages inside messages', async (context) => {
  const { client } = await open(context)
  const latin =
    'MIME-Version: 1.0\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\ncaf=E9 au=\r\n lait\r\n'
  await append(client, latin)
  await append(
    client,
    `Subject: outer\r\nMIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\nSubject: =?utf-8?q?caf=C3=A9?=\r\n\r\ninside\r\n`,
  )
  await append(client, 'Content-Type: text/plain; charset=x-unheard\r\n\r\n\xff\xfe raw\r\n')
  await client.command('SELECT INBOX')
  const search = async (key: string): Promise<string> =>
    (await client.command(`SEARCH CHARSET utf-8 ${key}`)).split('\r\n')[0] ?? ''
  assert.equal(await search('BODY "CAF\u00c9 au lait"'), '* SEARCH 1')
  // RFC 9051 §6.4.4: BODY "doesn't match any header fields", those of a message inside included.
  assert.equal(await search('BODY "caf\u00e9"'), '* SEARCH 1')
  assert.equal(await search('TEXT "caf\u00e9"'), '* SEARCH 1 2')
  assert.equal(await search('SUBJECT "caf\u00e9"'), '* SEARCH')
  assert.equal(await search('BODY inside NOT BODY outer'), '* SEARCH 2')
  assert.equal(await search('TEXT outer'), '* SEARCH 2')
  assert.equal(await search('BODY raw'), '* SEARCH 3')
  assert.equal(await search('OR BODY raw TEXT "au lait"'), '* SEARCH 1 3')
})

test('the prefix of a delivery is part of the header, and shifts nothing else', async (context) => {
  const { store, client } = await open(context)
  const account = (await store.credentialsOf('ann@example.org'))?.account
  assert.ok(account)
  const { ingest } = await import('../../store/ingest.ts')
  const incoming = ingest({ blobs: store.blobs })
  await incoming.write(Buffer.from('Subject: x\r\nContent-Type: text/plain\r\n\r\nbody\r\n'))
  const { message } = await incoming.finish()
  const prefix = 'Return-Path: <>\r\nDelivered-To: j\u00fcrgen@example.org\r\n'
  await store.deliver({ message, internalDate: 0, targets: [{ account: account.id, prefix }] })
  await client.command('SELECT INBOX')
  const size = Buffer.byteLength(prefix) + 46
  assert.match(await client.command('FETCH 1 RFC822.SIZE'), new RegExp(`RFC822.SIZE ${size}\\)`))
  const whole = await client.command('FETCH 1 BODY.PEEK[]')
  assert.ok(Buffer.from(whole, 'latin1').includes(Buffer.from(`{${size}}\r\n${prefix}Subject: x`)))
  assert.match(await client.command('FETCH 1 BODY.PEEK[TEXT]'), /\{6\}\r\nbody\r\n\)/)
  assert.match(await client.command('FETCH 1 BODY.PEEK[1]<1.3>'), /\{3\}\r\nody\)/)
  assert.match(
    await client.command('FETCH 1 BODY.PEEK[HEADER.FIELDS (Return-Path)]'),
    /\{19\}\r\nReturn-Path: <>\r\n\r\n\)/,
  )
  assert.match(
    await client.command(`FETCH 1 BODY.PEEK[HEADER]<${Buffer.byteLength(prefix) - 2}.9>`),
    /\{9\}\r\n\r\nSubject\)/,
  )
  assert.match(await client.command('SEARCH HEADER Delivered-To rgen'), /^\* SEARCH 1/)
})

test('what is looked at of one message is bounded', async (context) => {
  const store = await testStore(context)
  const { service } = imapServer(store, { headerText: 30, searchText: 20 })
  const client = await new ImapClient(service).open('ann@example.org')
  context.after(() => client.leave())
  await append(
    client,
    'X-First: 1\r\nX-Second: 22222\r\nX-Third: far\r\n\r\n0123456789 near 0123456789 late\r\n',
  )
  await client.command('SELECT INBOX')
  assert.match(
    await client.command('FETCH 1 BODY.PEEK[HEADER.FIELDS (X-First X-Third)]'),
    /\{14\}\r\nX-First: 1\r\n\r\n\)/,
  )
  assert.match(await client.command('SEARCH HEADER X-First 1'), /^\* SEARCH 1/)
  assert.match(await client.command('SEARCH HEADER X-Third far'), /^\* SEARCH\r\n/)
  assert.match(await client.command('SEARCH BODY near'), /^\* SEARCH 1/)
  assert.match(await client.command('SEARCH BODY late'), /^\* SEARCH\r\n/)
  // What is asked for whole is given whole.
  assert.match(await client.command('FETCH 1 BODY.PEEK[HEADER]'), /X-Third: far\r\n\r\n\)/)
})
