// mbsync: a mailbox kept the same on both sides for months, where a lost or doubled message would be noticed last.
import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, rename, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { shown } from './mailbox-state.ts'
import { otherClient } from './other-client.ts'
import { type InteropServer, password, startServer } from './server.ts'
import { missing, run, succeed } from './tool.ts'

const skip = missing('mbsync', 'isync')
const folders = ['INBOX', 'Work/Reports', 'Entwürfe']
/** mbsync keeps names as they are in the protocol: modified UTF-7 (RFC 3501 §5.1.3). */
const localNames = new Map([['Entwürfe', 'Entw&APw-rfe']])

async function writeConfiguration(server: InteropServer, ...more: string[]): Promise<void> {
  const { folder, ports } = server
  await mkdir(join(folder, 'Mail'), { recursive: true })
  await writeFile(
    join(folder, '.mbsyncrc'),
    `IMAPAccount here
Host 127.0.0.1
Port ${ports.imaps}
User ann@mail.test
Pass "${password}"
SSLType IMAPS
CertificateFile ${await server.certificate()}
SystemCertificates no
PipelineDepth 50
${more.join('\n')}

IMAPStore far
Account here

MaildirStore near
Path ${join(folder, 'Mail')}/
Inbox ${join(folder, 'Mail', 'INBOX')}
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
Remove None
SyncState *
`,
  )
}

async function sync(server: InteropServer): Promise<string> {
  return succeed('mbsync', ['--verbose', '--all', '-c', join(server.folder, '.mbsyncrc')], {
    home: server.folder,
  })
}

function maildir(server: InteropServer, name: string): string {
  return join(server.folder, 'Mail', localNames.get(name) ?? name)
}

/** Files of one Maildir folder, each with its subject. */
async function local(server: InteropServer, name: string): Promise<{ file: string; subject: string }[]> {
  const found: { file: string; subject: string }[] = []
  for (const part of ['new', 'cur']) {
    const folder = join(maildir(server, name), part)
    for (const file of await readdir(folder)) {
      const text = await readFile(join(folder, file), 'utf8')
      found.push({ file: join(folder, file), subject: subjectOf(text) })
    }
  }
  return found
}

function subjectOf(text: string): string {
  return /^Subject: (.*?)\r?$/m.exec(text)?.[1] ?? ''
}

async function bothSides(server: InteropServer, name: string): Promise<{ here: string[]; there: string[] }> {
  const here = (await local(server, name)).map(({ subject }) => subject).toSorted()
  const there = (await server.messages('ann@mail.test', name)).map(subjectOf).toSorted()
  return { here, there }
}

function text(subject: string): string {
  return `From: eve@example.org\r\nTo: ann@mail.test\r\nSubject: ${subject}\r\nMessage-ID: <${subject}@x.test>\r\n\r\nText of ${subject}\r\n`
}

test(
  '200 messages in three folders, then changes on both sides: nothing lost, nothing twice',
  { skip },
  async (context) => {
    const server = await startServer(context)
    await writeConfiguration(server)
    const expected = new Map(folders.map((name) => [name, new Set<string>()]))
    for (let number = 0; number < 200; number++) {
      const name = folders[number % folders.length] ?? 'INBOX'
      const subject = `message-${String(number).padStart(3, '0')}`
      await server.put('ann@mail.test', text(subject), name)
      expected.get(name)?.add(subject)
    }
    const agree = async (): Promise<void> => {
      for (const [name, subjects] of expected) {
        const { here, there } = await bothSides(server, name)
        assert.deepEqual(there, [...subjects].toSorted(), `${name} on the server`)
        assert.deepEqual(here, [...subjects].toSorted(), `${name} in the Maildir`)
      }
    }
    await sync(server)
    await agree()

    // New on the server; in the Maildir one flagged and read, one removed, one new.
    await server.put('ann@mail.test', text('late'), 'Work/Reports')
    expected.get('Work/Reports')?.add('late')
    const inbox = (await local(server, 'INBOX')).toSorted((a, b) => a.subject.localeCompare(b.subject))
    const [flagged, removed] = inbox
    assert.ok(flagged !== undefined && removed !== undefined)
    await rename(flagged.file, `${flagged.file.replace('/new/', '/cur/').replace(/:2,.*$/, '')}:2,FS`)
    await unlink(removed.file)
    expected.get('INBOX')?.delete(removed.subject)
    await writeFile(
      join(maildir(server, 'Entwürfe'), 'cur', '1.draft.here:2,D'),
      text('draft').replaceAll('\r', ''),
    )
    expected.get('Entwürfe')?.add('draft')
    await sync(server)
    await agree()
    assert.deepEqual(await flagsOf(server, flagged.subject), ['\\Flagged', '\\Seen'])

    // A run without changes leaves every file as it is.
    const before = await Promise.all(folders.map((name) => local(server, name)))
    await sync(server)
    assert.deepEqual(await Promise.all(folders.map((name) => local(server, name))), before)
    await agree()
  },
)

/** Extensions that mbsync uses where it may, and then must do without. */
const disabled = ['MOVE', 'UIDPLUS', 'LITERAL+', 'NAMESPACE', 'SASL-IR']

for (const without of [[], disabled]) {
  const how = without.length === 0 ? 'with all extensions' : `without ${without.join(', ')}`
  test(`${how}: flags and removals of both sides over several runs`, { skip }, async (context) => {
    const server = await startServer(context)
    await writeConfiguration(server, ...without.map((name) => `DisableExtension ${name}`))
    for (const number of [1, 2, 3, 4, 5]) await server.put('ann@mail.test', text(`m${number}`))
    await sync(server)
    const other = await otherClient(context, server)
    await other.mailboxOpen('INBOX')
    await other.messageFlagsAdd({ subject: 'm1' }, ['\\Flagged'])
    await other.messageDelete({ subject: 'm2' })
    const files = (await local(server, 'INBOX')).toSorted((a, b) => a.subject.localeCompare(b.subject))
    const [third, fourth] = files.slice(2)
    assert.ok(third !== undefined && fourth !== undefined)
    await rename(third.file, `${third.file.replace('/new/', '/cur/').replace(/:2,.*$/, '')}:2,RS`)
    await unlink(fourth.file)
    await sync(server)
    assert.deepEqual(await shown(server, 'ann@mail.test'), ['m1 \\Flagged', 'm3 \\Answered \\Seen', 'm5'])
    assert.deepEqual((await bothSides(server, 'INBOX')).here, ['m1', 'm3', 'm5'])

    // Flags are taken away as well.
    await other.messageFlagsRemove({ subject: 'm1' }, ['\\Flagged'])
    const read = (await local(server, 'INBOX')).find(({ subject }) => subject === 'm3')
    assert.ok(read !== undefined)
    await rename(read.file, read.file.replace(/:2,.*$/, ':2,'))
    await sync(server)
    assert.deepEqual(await shown(server, 'ann@mail.test'), ['m1', 'm3', 'm5'])
  })
}

test(
  'a mailbox made anew under its old name has another UIDVALIDITY: mbsync sees it',
  { skip },
  async (context) => {
    const server = await startServer(context)
    await writeConfiguration(server)
    for (const number of [1, 2]) await server.put('ann@mail.test', text(`old-${number}`), 'Work')
    await sync(server)
    const other = await otherClient(context, server)
    await other.mailboxRename('Work', 'Before')
    await server.put('ann@mail.test', text('new-1'), 'Work')
    const tried = await run('mbsync', ['--all', '-c', join(server.folder, '.mbsyncrc')], {
      home: server.folder,
    })
    assert.equal(tried.code, 1)
    assert.match(tried.stderr, /UIDVALIDITY/)
    // Nothing is mixed up, and the renamed mailbox came as a new one.
    assert.deepEqual(await shown(server, 'ann@mail.test', 'Work'), ['new-1'])
    assert.deepEqual((await bothSides(server, 'Work')).here, ['old-1', 'old-2'])
    assert.deepEqual((await bothSides(server, 'Before')).here, ['old-1', 'old-2'])
  },
)

async function flagsOf(server: InteropServer, subject: string): Promise<string[]> {
  const url = ['--url', `imaps://127.0.0.1:${server.ports.imaps}/INBOX?SUBJECT%20${subject}`]
  const common = ['--silent', '--insecure', '--user', `ann@mail.test:${password}`]
  const found = await succeed('curl', [...common, ...url], { home: server.folder })
  const number = /\* SEARCH (\d+)/.exec(found)?.[1] ?? '0'
  const fetch = ['--request', `FETCH ${number} FLAGS`]
  const inbox = ['--url', `imaps://127.0.0.1:${server.ports.imaps}/INBOX`]
  const flags = await succeed('curl', [...common, ...inbox, ...fetch], { home: server.folder })
  return (/FLAGS \((.*?)\)/.exec(flags)?.[1] ?? '')
    .split(' ')
    .filter((flag) => flag !== '\\Recent')
    .toSorted()
}
