// Python's smtplib, imaplib and poplib: clients that thousands of scripts are made of. The checks are in `python/*.py`; each runs
// against a server of its own.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type InteropOptions, type InteropServer, password, startServer } from './server.ts'
import { missing, succeed } from './tool.ts'

const skip = missing('python3')

async function check(server: InteropServer, script: string, name: string): Promise<void> {
  const file = fileURLToPath(new URL(`python/${script}.py`, import.meta.url))
  const settings = JSON.stringify({ ports: server.ports, password })
  // `-B`: no compiled files beside the scripts.
  await succeed('python3', ['-B', file, name, settings], { home: server.folder })
}

interface Check extends InteropOptions {
  readonly name: string
  readonly then?: (server: InteropServer) => Promise<void>
}

async function subjects(server: InteropServer, address: string): Promise<string[]> {
  const messages = await server.messages(address)
  return messages.map((message) => /^Subject: (.*?)\r$/m.exec(message)?.[1] ?? '')
}

const smtpChecks: readonly Check[] = [
  {
    name: 'commands',
    then: async (server) => assert.deepEqual(await subjects(server, 'bob@mail.test'), ['by-hand']),
  },
  {
    name: 'starttls',
    then: async (server) => assert.deepEqual(await subjects(server, 'bob@mail.test'), ['secret']),
  },
  {
    name: 'login',
    then: async (server) => assert.deepEqual(await subjects(server, 'bob@mail.test'), ['with-login']),
  },
  {
    name: 'cram_md5',
    settings: { auth: { cramMd5: true } },
    then: async (server) => assert.deepEqual(await subjects(server, 'bob@mail.test'), ['by-digest']),
  },
  {
    name: 'refused_recipients',
    then: async (server) => assert.deepEqual(await subjects(server, 'bob@mail.test'), ['partly', 'after']),
  },
  {
    name: 'size',
    settings: { maxMessageSize: '20 KB' },
    then: async (server) => assert.deepEqual(await subjects(server, 'bob@mail.test'), ['small']),
  },
  {
    name: 'utf8',
    accounts: ['jürgen@mail.test'],
    then: async (server) => {
      const [message = ''] = await server.messages('jürgen@mail.test')
      assert.match(message, /with UTF8SMTPSA/)
      assert.match(message, /To: jürgen@mail\.test\r\nSubject: Grüße\r\n/)
    },
  },
  {
    name: 'dots_and_lines',
    then: async (server) => {
      const [message = ''] = await server.messages('bob@mail.test')
      assert.ok(message.endsWith(`\r\n\r\n.\r\n..\r\n.a\r\n${'y'.repeat(5000)}\r\nlast\r\n`), message)
    },
  },
]

for (const { name, then, ...options } of smtpChecks) {
  test(`smtplib: ${name.replaceAll('_', ' ')}`, { skip }, async (context) => {
    const server = await startServer(context, options)
    await check(server, 'smtp', name)
    await then?.(server)
  })
}

const imapChecks = [
  'before_login',
  'mailboxes',
  'fetch',
  'search',
  'change',
  'read_only',
  'two_sessions',
  'idle',
]
for (const name of imapChecks) {
  test(`imaplib: ${name.replaceAll('_', ' ')}`, { skip }, async (context) => {
    await check(await startServer(context), 'imap', name)
  })
}

for (const name of ['sort_and_thread', 'rights', 'quota', 'annotations', 'utf8', 'move_and_replace']) {
  test(`imaplib, extensions: ${name.replaceAll('_', ' ')}`, { skip }, async (context) => {
    await check(await startServer(context), 'imap_extensions', name)
  })
}

for (const name of ['before_login', 'read', 'delete', 'utf8', 'locked', 'apop']) {
  test(`poplib: ${name.replaceAll('_', ' ')}`, { skip }, async (context) => {
    const server = await startServer(context)
    for (const number of [1, 2]) {
      const text = `Subject: number-${number}\r\n\r\nThis is number ${number}.\r\n.a line with a dot\r\n`
      await server.put('ann@mail.test', text)
    }
    await check(server, 'pop3', name)
  })
}
