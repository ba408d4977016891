// getmail: takes mail out of an account for a program (its own Maildir it refuses to root), and knows by UID what it has already.
import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { letter, subjectOf } from './mailbox-state.ts'
import { type InteropServer, password, startServer } from './server.ts'
import { missing, succeed } from './tool.ts'

const skip = missing('getmail', 'getmail6')

async function getmail(server: InteropServer, protocol: 'IMAP' | 'POP3', remove: boolean): Promise<string[]> {
  const folder = join(server.folder, 'Mail')
  await mkdir(folder, { recursive: true })
  const file = join(server.folder, 'getmailrc')
  const port = protocol === 'IMAP' ? server.ports.imaps : server.ports.pop3s
  await writeFile(
    file,
    `[retriever]
type = Simple${protocol}SSLRetriever
server = localhost
port = ${port}
username = ann@mail.test
password = ${password}
ca_certs = ${await server.certificate()}
[destination]
type = MDA_external
path = /bin/sh
arguments = ("-c", "cat >${folder}/$$")
allow_root_commands = true
[options]
read_all = false
delete = ${remove}
`,
    { mode: 0o600 },
  )
  await succeed('getmail', ['--getmaildir', server.folder, '--rcfile', file], { home: server.folder })
  const names = await readdir(folder)
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))
  return texts.map(subjectOf).toSorted()
}

for (const protocol of ['IMAP', 'POP3'] as const) {
  test(`${protocol}: fetches each message once, then removes what it has`, { skip }, async (t) => {
    const server = await startServer(t)
    for (const subject of ['one', 'two']) await server.put('ann@mail.test', letter(subject))
    assert.deepEqual(await getmail(server, protocol, false), ['one', 'two'])
    await server.put('ann@mail.test', letter('three'))
    assert.deepEqual(await getmail(server, protocol, false), ['one', 'three', 'two'])
    assert.equal((await server.messages('ann@mail.test')).length, 3)
    assert.deepEqual(await getmail(server, protocol, true), ['one', 'three', 'two'])
    assert.deepEqual(await server.messages('ann@mail.test'), [])
  })
}
