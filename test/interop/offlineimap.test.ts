// offlineimap: keeps a Maildir and an account the same, by UID and flags, over several runs.
import assert from 'node:assert/strict'
import { readdir, readFile, rename, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { letter, mailboxNames, shown, subjectOf } from './mailbox-state.ts'
import { otherClient } from './other-client.ts'
import { type InteropServer, password, startServer } from './server.ts'
import { missing, run } from './tool.ts'

const skip = missing('offlineimap', 'offlineimap3')

async function sync(server: InteropServer, ...more: string[]): Promise<void> {
  const file = join(server.folder, 'offlineimaprc')
  await writeFile(
    file,
    `[general]
accounts = test
metadata = ${join(server.folder, 'metadata')}
ui = basic
socktimeout = 20
[Account test]
localrepository = here
remoterepository = there
[Repository here]
type = Maildir
localfolders = ${join(server.folder, 'Mail')}
[Repository there]
type = IMAP
remotehost = localhost
remoteport = ${server.ports.imaps}
remoteuser = ann@mail.test
remotepass = ${password}
ssl = yes
ssl_version = tls1_2
sslcacertfile = ${await server.certificate()}
maxconnections = 2
usecompression = yes
${more.join('\n')}
`,
  )
  const done = await run('offlineimap', ['-o', '-c', file], { home: server.folder })
  assert.equal(done.code, 0, done.stdout + done.stderr)
  assert.doesNotMatch(done.stdout + done.stderr, /ERROR|Traceback/)
}

async function local(server: InteropServer, name: string): Promise<{ file: string; subject: string }[]> {
  const found: { file: string; subject: string }[] = []
  for (const part of ['new', 'cur']) {
    const folder = join(server.folder, 'Mail', name, part)
    for (const entry of await readdir(folder)) {
      const file = join(folder, entry)
      found.push({ file, subject: subjectOf(await readFile(file, 'utf8')) })
    }
  }
  return found.toSorted((a, b) => (a.subject < b.subject ? -1 : 1))
}

test('messages, flags, removals and folders go both ways over several runs', { skip }, async (t) => {
  const server = await startServer(t)
  for (const number of [1, 2, 3, 4, 5]) await server.put('ann@mail.test', letter(`m${number}`))
  await server.put('ann@mail.test', letter('w1'), 'Work/Reports')
  await sync(server)
  const subjects = async (name: string): Promise<string[]> =>
    (await local(server, name)).map(({ subject }) => subject)
  assert.deepEqual(await subjects('INBOX'), ['m1', 'm2', 'm3', 'm4', 'm5'])
  assert.deepEqual(await subjects('Work.Reports'), ['w1'])

  const other = await otherClient(t, server)
  await other.mailboxOpen('INBOX')
  await other.messageFlagsAdd({ subject: 'm1' }, ['\\Answered', '\\Seen'])
  await other.messageDelete({ subject: 'm2' })
  await server.put('ann@mail.test', letter('m6'))
  await other.mailboxCreate('Later')
  const [, third, fourth] = (await local(server, 'INBOX')).slice(1)
  assert.ok(third !== undefined && fourth !== undefined)
  assert.deepEqual([third.subject, fourth.subject], ['m3', 'm4'])
  await rename(third.file, `${third.file.replace('/new/', '/cur/').replace(/:2,.*$/, '')}:2,FS`)
  await unlink(fourth.file)
  const drafts = join(server.folder, 'Mail', 'Drafts', 'cur')
  await writeFile(join(drafts, '1.draft.here:2,DS'), letter('draft').replaceAll('\r', ''))
  await sync(server)
  await sync(server)
  assert.deepEqual(await shown(server, 'ann@mail.test'), [
    'm1 \\Answered \\Seen',
    'm3 \\Flagged \\Seen',
    'm5',
    'm6',
  ])
  assert.deepEqual(await shown(server, 'ann@mail.test', 'Drafts'), ['draft \\Draft \\Seen'])
  assert.deepEqual(await subjects('INBOX'), ['m1', 'm3', 'm5', 'm6'])
  assert.match((await local(server, 'INBOX'))[0]?.file ?? '', /,RS$|2,RS$/)
  assert.deepEqual(await subjects('Later'), [])
  assert.ok((await mailboxNames(server, 'ann@mail.test')).includes('Later'))
})
