// Imports from servers as they are: Gmail with its labels, a message that cannot be given, a connection that is lost, STARTTLS with
// octets before the handshake.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { Secret } from '../base/secret.ts'
import { testStore } from '../../test/support/store.ts'
import { contentsOf, importInto, newAccount } from '../../test/support/transfer-house.ts'
import { type ImapSourceOptions, openImapSource } from './imap-source.ts'
import { SourceUnreadable } from './source.ts'

interface Scripted {
  readonly capabilities?: string
  readonly folders: readonly string[]
  /** By name as listed: id of Gmail's and octets; null is a message that the server cannot give. */
  readonly mail: Readonly<Record<string, readonly (readonly [id: string, text: string | null])[]>>
  /** Closes in the middle of that body, once. */
  cutAt?: string
}

async function server(context: TestContext, script: Scripted): Promise<ImapSourceOptions> {
  const listening = createServer((socket) => serveOne(socket, script)).listen(0, '127.0.0.1')
  await once(listening, 'listening')
  context.after(() => void listening.close())
  const address = listening.address()
  assert.ok(typeof address === 'object' && address !== null)
  return {
    ...{ host: '127.0.0.1', port: address.port, tls: 'none', verify: true, user: 'ann', authorizeAs: null },
    ...{ secret: new Secret('secret'), mechanism: 'password', mailbox: null },
  }
}

function serveOne(socket: Socket, script: Scripted): void {
  let selected = ''
  let rest = ''
  socket.on('error', () => {})
  socket.write('* OK ready\r\n')
  socket.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString('latin1')).split('\r\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const [tag = '', verb = '', ...words] = line.split(' ')
      if (verb === 'EXAMINE') selected = line.slice(line.indexOf('"') + 1, -1)
      const said = answer(script, { verb, line, words, selected })
      if (said === null) return void socket.end('* 1 FETCH (UID 1 BODY[] {1000}\r\nhalf')
      socket.write(`${said.data}${tag} ${said.end ?? 'OK done'}\r\n`, 'latin1')
    }
  })
}

function answer(
  script: Scripted,
  { verb, line, words, selected }: { verb: string; line: string; words: string[]; selected: string },
): { data: string; end?: string } | null {
  const mail = script.mail[selected] ?? []
  if (verb === 'CAPABILITY') return { data: `* CAPABILITY IMAP4rev1 ${script.capabilities ?? ''}\r\n` }
  if (verb === 'LIST') return { data: script.folders.map((folder) => `* LIST ${folder}\r\n`).join('') }
  if (verb === 'EXAMINE') {
    return {
      data: `* ${mail.length} EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT ${mail.length + 1}] x\r\n`,
    }
  }
  if (verb !== 'UID') return { data: '' }
  if (!line.includes('BODY')) {
    const facts = mail.map(
      ([id], at) =>
        `* ${at + 1} FETCH (X-GM-MSGID ${id} UID ${at + 1} RFC822.SIZE 1 INTERNALDATE "21-Nov-2026 10:05:09 +0000" FLAGS (\\Seen $x))\r\n`,
    )
    return { data: facts.join('') }
  }
  const uid = Number(words[1])
  const text = mail[uid - 1]?.[1]
  if (typeof text !== 'string') return { data: '', end: 'NO [SERVERBUG] it is damaged' }
  if (text === script.cutAt) {
    delete script.cutAt
    return null
  }
  return { data: `* ${uid} FETCH (UID ${uid} BODY[] {${text.length}}\r\n${text} FLAGS (\\Seen))\r\n` }
}

test('Gmail: one email with a place for each label, All Mail brings the rest, views are left', async (context) => {
  const options = await server(context, {
    capabilities: 'X-GM-EXT-1',
    folders: [
      ...[
        '(\\HasNoChildren) "/" "INBOX"',
        '(\\All) "/" "[Gmail]/All Mail"',
        '(\\Sent) "/" "[Gmail]/Gesendet"',
      ],
      ...['(\\Flagged) "/" "[Gmail]/Starred"', '(\\Noselect) "/" "[Gmail]"', '() "/" "Work"'],
    ],
    mail: {
      INBOX: [
        ['1', 'Subject: one\r\n\r\n'],
        ['2', 'Subject: two\r\n\r\n'],
      ],
      '[Gmail]/Gesendet': [['3', 'Subject: three\r\n\r\n']],
      Work: [['2', 'Subject: two\r\n\r\n']],
      '[Gmail]/Starred': [['1', 'Subject: one\r\n\r\n']],
      '[Gmail]/All Mail': [
        ['1', 'x'],
        ['2', 'x'],
        ['3', 'x'],
        ['4', 'Subject: four\r\n\r\n'],
      ],
    },
  })
  const store = await testStore(context)
  const ann = await newAccount(store, 'ann')
  const { written, read, problems } = await importInto(store, ann, { source: await openImapSource(options) })
  assert.deepEqual([problems, written.imported, read.elsewhere], [[], 5, 3])
  const found = await contentsOf(store, ann)
  const subjects = Object.entries(found).map(([name, { messages }]) => [
    name,
    messages.map(({ text }) => text.slice(9, -4)),
  ])
  assert.deepEqual(Object.fromEntries(subjects), {
    INBOX: ['one', 'two'],
    Sent: ['three'],
    Work: ['two'],
    Archive: ['four'],
  })
  assert.equal((await store.getAccount(ann.id))?.used.messages, 5)
  const again = await importInto(store, ann, { source: await openImapSource(options) })
  assert.deepEqual([again.written.imported, again.read.known], [0, 5])
})

test('a message that the server cannot give is named; a connection that is lost ends it, and the next start goes on', async (context) => {
  const script: Scripted = {
    folders: ['() "." "INBOX"', '() "." "INBOX.Deep"'],
    mail: {
      INBOX: [
        ['1', 'Subject: one\r\n\r\n'],
        ['2', null],
        ['3', 'Subject: three\r\n\r\n'],
      ],
      'INBOX.Deep': [
        ['4', 'Subject: four\r\n\r\n'],
        ['5', 'Subject: five\r\n\r\n'],
      ],
    },
    cutAt: 'Subject: five\r\n\r\n',
  }
  const options = await server(context, script)
  const store = await testStore(context)
  const ann = await newAccount(store, 'ann')
  await assert.rejects(importInto(store, ann, { source: await openImapSource(options) }), SourceUnreadable)
  const { written, read, problems } = await importInto(store, ann, { source: await openImapSource(options) })
  assert.deepEqual([written.imported, read.known, read.failed], [1, 3, 1])
  assert.match(problems[0]?.join(' ') ?? '', /INBOX, UID 2 .*damaged/)
  const found = await contentsOf(store, ann)
  assert.deepEqual([found['INBOX']?.messages.length, found['INBOX/Deep']?.messages.length], [2, 2])
  assert.deepEqual([found['INBOX']?.messages[0]?.flags, found['INBOX']?.messages[0]?.keywords], [1, '$x'])
})

test('octets between STARTTLS and the handshake end the session', async (context) => {
  const listening = createServer((socket) => {
    socket.on('error', () => {})
    socket.write('* OK ready\r\n')
    socket.on('data', (chunk: Buffer) => {
      const [tag = ''] = chunk.toString().split(' ')
      socket.write(`${tag} OK begin\r\n* PREAUTH injected\r\n`)
    })
  }).listen(0, '127.0.0.1')
  await once(listening, 'listening')
  context.after(() => void listening.close())
  const address = listening.address()
  assert.ok(typeof address === 'object' && address !== null)
  const opening = openImapSource({
    ...{
      host: '127.0.0.1',
      port: address.port,
      tls: 'starttls',
      verify: false,
      user: 'ann',
      authorizeAs: null,
    },
    ...{ secret: new Secret('secret'), mechanism: 'password', mailbox: null },
  })
  await assert.rejects(opening, /between STARTTLS and TLS/)
})
