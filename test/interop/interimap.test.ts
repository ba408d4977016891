// interimap: keeps two accounts the same by QRESYNC alone, and hears of changes by NOTIFY where it is told to. It aborts on
// the first answer that it holds to be against an RFC, which makes it the strictest reader here.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { until } from './mail-host.ts'
import { letter, mailboxNames, shown } from './mailbox-state.ts'
import { otherClient } from './other-client.ts'
import { type InteropServer, password, startServer } from './server.ts'
import { missing, run } from './tool.ts'

const skip = missing('interimap')

async function configure(server: InteropServer): Promise<string> {
  const file = join(server.folder, 'interimap.conf')
  const side = (name: string, user: string, compress: string): string =>
    `[${name}]
type = imaps
host = 127.0.0.1
port = ${server.ports.imaps}
username = ${user}@mail.test
password = ${password}
compress = ${compress}
SSL_verify = NO
`
  const database = `database = ${join(server.folder, 'interimap.db')}\n`
  await writeFile(file, `${database}${side('local', 'ann', 'NO')}${side('remote', 'bob', 'YES')}`, {
    mode: 0o600,
  })
  return `--config=${file}`
}

/** Gives what was said on the wire. */
async function sync(server: InteropServer, file: string, ...more: string[]): Promise<string> {
  const done = await run('interimap', [file, '--debug', ...more], { home: server.folder })
  assert.equal(done.code, 0, done.stderr)
  assert.deepEqual(
    done.stderr.split('\n').filter((line) => /WARNING|ERROR/.test(line)),
    [],
  )
  return done.stderr
}

async function equal(server: InteropServer, mailbox: string, expected: readonly string[]): Promise<void> {
  for (const address of ['ann@mail.test', 'bob@mail.test']) {
    assert.deepEqual((await shown(server, address, mailbox)).toSorted(), expected, `${address}, ${mailbox}`)
  }
}

test(
  'two accounts are kept the same by QRESYNC: messages, flags, removals, mailboxes',
  { skip },
  async (t) => {
    const server = await startServer(t)
    const file = await configure(server)
    for (const number of [1, 2, 3, 4, 5, 6]) await server.put('ann@mail.test', letter(`a${number}`))
    await server.put('bob@mail.test', letter('b1'))
    await server.put('bob@mail.test', letter('w1'), 'Entwürfe')
    const first = await sync(server, file)
    assert.match(first, /remote: C: \d+ COMPRESS DEFLATE/)
    assert.match(first, /local: C: \d+ ENABLE QRESYNC/)
    await equal(server, 'INBOX', ['a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'b1'])
    // It reads what it has appended itself as changes of the next time.
    await sync(server, file)
    await equal(server, 'Entwürfe', ['w1'])

    // On both sides at once: flags, removals from the middle, a new one, a mailbox more.
    const ann = await otherClient(t, server)
    const bob = await otherClient(t, server, { auth: { user: 'bob@mail.test', pass: password } })
    await ann.mailboxOpen('INBOX')
    await bob.mailboxOpen('INBOX')
    await ann.messageFlagsAdd({ subject: 'a1' }, ['\\Seen', '$Label1'])
    await ann.messageDelete({ or: [{ subject: 'a2' }, { subject: 'a3' }] })
    await bob.messageFlagsAdd({ subject: 'a4' }, ['\\Flagged'])
    await bob.messageDelete({ subject: 'a5' })
    await bob.mailboxCreate('Later')
    await bob.messageMove({ subject: 'a6' }, 'Later')
    await server.put('ann@mail.test', letter('a7'))
    const second = await sync(server, file)
    assert.match(second, /C: \d+ SELECT INBOX \(QRESYNC \(/)
    assert.match(second, /S: \* VANISHED \(EARLIER\) /)
    await equal(server, 'INBOX', ['a1 \\Seen $Label1', 'a4 \\Flagged', 'a7', 'b1'])
    await equal(server, 'Later', ['a6'])

    // Nothing to do: nothing is opened.
    await sync(server, file)
    assert.doesNotMatch(await sync(server, file), /C: \d+ (SELECT|UID|APPEND)/)

    await sync(server, file, '--rename', 'Later', 'Last')
    await sync(server, file, '--delete', 'Last')
    for (const address of ['ann@mail.test', 'bob@mail.test']) {
      const names = await mailboxNames(server, address)
      assert.ok(!names.includes('Later') && !names.includes('Last'), names.join())
    }
    await sync(server, file, '--repair')
  },
)

test('a watching interimap hears of changes in every mailbox by NOTIFY', { skip }, async (t) => {
  const server = await startServer(t)
  const file = await configure(server)
  await server.put('ann@mail.test', letter('a1'), 'Work')
  // Watching, it wants a database that is there.
  await sync(server, file)
  await sync(server, file)
  const child = spawn('interimap', [file, '--debug', '--notify', '--watch=900'], {
    cwd: server.folder,
    env: { PATH: process.env['PATH'] ?? '', HOME: server.folder },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ended = once(child, 'close')
  const said: Buffer[] = []
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk))
  try {
    const quiet = async (): Promise<boolean | undefined> => {
      const text = Buffer.concat(said).toString()
      return (/local: Clean state!/.test(text) && /remote: Clean state!/.test(text)) || undefined
    }
    await until('the first synchronization', quiet)
    // Nobody polls for 15 minutes: what comes, comes by NOTIFY.
    await server.put('bob@mail.test', letter('b1'), 'Work')
    await until('a new message', async () =>
      (await shown(server, 'ann@mail.test', 'Work')).includes('b1') ? true : undefined,
    )
    const ann = await otherClient(t, server)
    await ann.mailboxOpen('Work')
    await ann.messageFlagsAdd({ subject: 'a1' }, ['\\Answered'])
    await until('a flag', async () =>
      (await shown(server, 'bob@mail.test', 'Work')).includes('a1 \\Answered') ? true : undefined,
    )
    await ann.messageDelete({ subject: 'b1' })
    // It reads VANISHED, but acts on it only with the next change of that mailbox.
    await server.put('ann@mail.test', letter('a2'), 'Work')
    await until('a removal', async () => {
      const here = await shown(server, 'bob@mail.test', 'Work')
      return (here.length === 2 && !here.includes('b1')) || undefined
    })
    await server.put('ann@mail.test', letter('a3'))
    await until('a message in another mailbox', async () =>
      (await shown(server, 'bob@mail.test')).length === 1 ? true : undefined,
    )
  } catch (error) {
    throw new Error(Buffer.concat(said).toString().slice(-6000), { cause: error })
  } finally {
    child.kill()
    await ended
  }
  assert.match(Buffer.concat(said).toString(), /C: \d+ NOTIFY SET /)
})
