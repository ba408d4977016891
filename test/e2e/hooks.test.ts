// Hooks of a configuration as a client of the whole program meets them: refusals as replies, rewrites in the mailbox, quarantine in the
// queue, and a hook that throws as a deferral.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Hooks } from '../../src/config/hooks.ts'
import { resolveConfig } from '../../src/config/layers.ts'
import { EventMemory } from '../../src/events/event.ts'
import { type Posthorn, startPosthorn } from '../../src/main.ts'
import { administer } from '../interop/server.ts'
import { LineSocket } from './line-socket.ts'

async function start(
  context: TestContext,
  hooks: Hooks,
): Promise<{ posthorn: Posthorn; events: EventMemory }> {
  const settings = {
    profile: 'server',
    data: null,
    dns: { reverse: false },
    auth: { argon2Memory: 8, argon2Passes: 1 },
    listeners: [{ service: 'smtp', address: '127.0.0.1', port: 0, tls: 'none' }],
    hooks,
  }
  const events = new EventMemory()
  const posthorn = await startPosthorn(resolveConfig([{ name: 'test', settings }]), { sinks: [events] })
  context.after(() => posthorn.stop())
  await administer(posthorn, 'domain.add', { name: 'mail.test' })
  for (const name of ['ann', 'bob']) {
    await administer(posthorn, 'account.add', { address: `${name}@mail.test`, password: 'a password' })
  }
  return { posthorn, events }
}

/** The last line of each reply, the greeting first. */
async function talk(posthorn: Posthorn, commands: readonly string[]): Promise<string[]> {
  const socket = await LineSocket.open(posthorn.listeners[0]?.port ?? 0)
  const replies = [await socket.reply()]
  for (const command of commands) replies.push(await socket.command(command))
  socket.close()
  return replies.map((reply) => reply ?? 'closed')
}

const hello = 'EHLO client.example'
const toAnn = [hello, 'MAIL FROM:<eve@far.example>', 'RCPT TO:<ann@mail.test>', 'DATA']
const message = 'Subject: hi\r\nFrom: eve@far.example\r\n\r\nbody\r\n.'

async function inbox(posthorn: Posthorn, address: string): Promise<string[]> {
  const { store } = posthorn.backend
  const entry = await store.findAddress(address)
  assert.equal(entry?.type, 'account')
  const account = entry.account.id
  const mailbox = await store.findMailbox({ account, name: 'INBOX' })
  assert.ok(mailbox)
  const texts: string[] = []
  const all = { account, mailbox: mailbox.id, uids: [[1, 4_294_967_295]] } as const
  for await (const batch of store.messageTexts(all)) {
    for (const { prefix, blob } of batch) {
      const pieces: Uint8Array[] = [Buffer.from(prefix)]
      for await (const piece of store.blobs.read(blob)) pieces.push(piece)
      texts.push(Buffer.concat(pieces).toString())
    }
  }
  return texts
}

test('each stage may be refused, and only that', async (context) => {
  const { posthorn } = await start(context, {
    mail: ({ reversePath }) =>
      reversePath?.localPart === 'spam' ? { type: 'reject', code: 553 } : undefined,
    rcpt: ({ recipient }) =>
      recipient.address?.localPart === 'ann'
        ? { type: 'reject', code: 550, status: '5.1.6', text: 'Moved away' }
        : undefined,
    data: ({ bytes }) => (bytes > 100 ? { type: 'defer', text: 'Smaller, please' } : undefined),
  })
  const replies = await talk(posthorn, [
    hello,
    'MAIL FROM:<spam@far.example>',
    'MAIL FROM:<eve@far.example>',
    'RCPT TO:<ann@mail.test>',
    'RCPT TO:<bob@mail.test>',
    'DATA',
    `${'x'.repeat(200)}\r\n.`,
    'MAIL FROM:<eve@far.example>',
    'RCPT TO:<bob@mail.test>',
    'DATA',
    message,
  ])
  assert.deepEqual(
    replies.slice(2).map((line) => line.slice(0, 3)),
    ['553', '250', '550', '250', '354', '451', '250', '250', '354', '250'],
  )
  assert.match(replies[4] ?? '', /Moved away$/)
  assert.equal((await inbox(posthorn, 'bob@mail.test')).length, 1)
})

test('a connection may be refused, and is closed', async (context) => {
  const { posthorn } = await start(context, { connect: () => ({ type: 'reject', text: 'Not you' }) })
  assert.deepEqual(await talk(posthorn, []), ['554 5.7.1 Not you'])
})

test('a rewrite changes header, body and envelope before anything is kept', async (context) => {
  const { posthorn } = await start(context, {
    data: () => ({
      type: 'rewrite',
      removeRecipients: ['ann@mail.test'],
      addRecipients: ['bob@mail.test'],
      header: [
        { type: 'change', name: 'Subject', value: 'changed' },
        { type: 'add', name: 'X-Seen', value: 'yes', at: 'start' },
      ],
      body: Buffer.from('new body\r\n'),
    }),
  })
  assert.match((await talk(posthorn, [...toAnn, message])).at(-1) ?? '', /^250 /)
  assert.deepEqual(await inbox(posthorn, 'ann@mail.test'), [])
  const [text = ''] = await inbox(posthorn, 'bob@mail.test')
  assert.match(text, /\r\nX-Seen: yes\r\nSubject: changed\r\nFrom: eve@far\.example\r\n\r\nnew body\r\n$/)
})

test('a quarantined message waits for an operator', async (context) => {
  const { posthorn } = await start(context, { data: () => ({ type: 'quarantine', reason: 'odd' }) })
  assert.match((await talk(posthorn, [...toAnn, message])).at(-1) ?? '', /^250 /)
  assert.deepEqual(await inbox(posthorn, 'ann@mail.test'), [])
  const [entry] = await posthorn.backend.store.queueList({ filter: {}, limit: 10, finished: 'with' })
  assert.deepEqual(
    entry?.recipients.map(({ state, reason }) => [state, reason]),
    [['held', 'odd']],
  )
})

test('a hook that throws defers, and the log names it', async (context) => {
  const { posthorn, events } = await start(context, {
    rcpt() {
      throw new Error('database away')
    },
  })
  const replies = await talk(posthorn, toAnn.slice(0, 3))
  assert.match(replies.at(-1) ?? '', /^451 4\.7\.1 /)
  const failure = events.records.find(({ name }) => name === 'hook.failed')
  assert.equal(failure?.fields['by'], 'hook rcpt')
})

test('what was delivered is told', async (context) => {
  const told = Promise.withResolvers<unknown>()
  const { posthorn } = await start(context, { delivered: (delivered) => told.resolve(delivered) })
  await talk(posthorn, [...toAnn, message])
  const { id: _, bytes: __, ...rest } = (await told.promise) as Record<string, unknown>
  assert.deepEqual(rest, {
    reversePath: 'eve@far.example',
    recipients: [{ address: 'ann@mail.test', where: 'ann@mail.test' }],
  })
})
