// mutt and NeoMutt on a terminal of their own, driven by the keys that a person would press: they search on the server, keep the
// headers that they know (CONDSTORE, QRESYNC) and change mailboxes.
import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { letter, shown } from './mailbox-state.ts'
import { otherClient } from './other-client.ts'
import { type InteropServer, password, startServer } from './server.ts'
import { missing, succeed } from './tool.ts'

interface Program {
  readonly name: 'mutt' | 'neomutt'
  /** Where it writes what was said on the wire, in its home. */
  readonly log: string
}

const programs: readonly Program[] = [
  { name: 'mutt', log: '.muttdebug0' },
  { name: 'neomutt', log: '.neomuttdebug0' },
]

interface Keys {
  readonly settings?: readonly string[]
  readonly mailbox?: string
  /** In mutt's own notation. */
  readonly keys: string
}

/** Gives what was said on the wire; the program's own end is one of the keys. */
async function press(
  server: InteropServer,
  program: Program,
  { settings, mailbox, keys }: Keys,
): Promise<string> {
  const file = join(server.folder, 'muttrc')
  await mkdir(join(server.folder, 'headers'), { recursive: true })
  const lines = [
    `set certificate_file="${await server.certificate()}"`,
    'set ssl_verify_host=no',
    `set folder="imaps://127.0.0.1:${server.ports.imaps}/"`,
    // mutt would take a dot for a step of the hierarchy, too.
    'set imap_delim_chars="/"',
    'set imap_user=ann@mail.test',
    `set imap_pass="${password}"`,
    `set spoolfile="+${mailbox ?? 'INBOX'}"`,
    `set header_cache="${join(server.folder, 'headers')}/"`,
    ...['set wait_key=no', 'set quit=yes', 'set delete=yes', 'set move=no', 'set mark_old=no'],
    ...['set confirmappend=no', 'set confirmcreate=no', 'set imap_condstore=yes', 'set imap_qresync=yes'],
    ...(settings ?? []),
    `push "${keys}"`,
    '',
  ]
  await writeFile(file, lines.join('\n'))
  const command = `stty rows 40 cols 120; exec ${program.name} -n -d 3 -F ${file}`
  const environment = { TERM: 'xterm' }
  await succeed('script', ['-qec', command, '/dev/null'], { home: server.folder, environment })
  return readFile(join(server.folder, program.log), 'utf8')
}

const everything = '<limit>~A<enter>'

for (const program of programs) {
  const { name } = program
  const skip = missing(name) || missing('script', 'bsdutils') || missing('curl')

  test(`${name} searches on the server, sets flags, copies, saves and deletes`, { skip }, async (t) => {
    const server = await startServer(t)
    for (const subject of ['one', 'two', 'three', 'four', 'five']) {
      await server.put('ann@mail.test', letter(subject, `The word is x${subject}x.\r\n`))
    }
    const keys = [
      `<limit>=b xtwox<enter><flag-message>${everything}`,
      `<limit>~s four<enter><copy-message>+Copies/Entwürfe<enter>${everything}`,
      `<limit>~s one<enter><save-message>+Saved<enter>${everything}`,
      `<limit>~s five<enter><delete-message>${everything}`,
      '<quit>',
    ]
    const log = await press(server, program, { keys: keys.join('') })
    assert.match(log, /UID SEARCH BODY "?xtwox/)
    assert.match(log, /ENABLE .*UTF8=ACCEPT/)
    assert.deepEqual(await shown(server, 'ann@mail.test'), ['two \\Flagged', 'three', 'four'])
    assert.deepEqual(await shown(server, 'ann@mail.test', 'Copies/Entwürfe'), ['four'])
    assert.deepEqual(await shown(server, 'ann@mail.test', 'Saved'), ['one'])
  })

  test(`${name} reads only what changed since it was here last`, { skip }, async (t) => {
    const server = await startServer(t)
    for (const subject of ['one', 'two', 'three', 'four']) await server.put('ann@mail.test', letter(subject))
    await press(server, program, { keys: '<quit>' })

    const other = await otherClient(t, server)
    await other.mailboxOpen('INBOX')
    await other.messageFlagsAdd({ subject: 'two' }, ['\\Flagged'])
    await other.messageDelete({ subject: 'three' })
    await server.put('ann@mail.test', letter('five'))
    // What it shows after that: it copies what is flagged, and what there is.
    const flagged = '<tag-pattern>~F<enter><tag-prefix><copy-message>+Flagged<enter><untag-pattern>~A<enter>'
    const all = '<tag-pattern>~A<enter><tag-prefix><copy-message>+All<enter>'
    const log = await press(server, program, { keys: `${flagged}${all}<quit>` })
    assert.match(log, /CHANGEDSINCE \d+ VANISHED\)/)
    assert.doesNotMatch(log, /FETCH 1:\d+ \(UID FLAGS INTERNALDATE/)
    assert.deepEqual(await shown(server, 'ann@mail.test', 'Flagged'), ['two \\Flagged'])
    const subjects = subjectsOf(await shown(server, 'ann@mail.test', 'All'))
    assert.deepEqual(subjects, ['one', 'two', 'four', 'five'])

    // And with CONDSTORE alone.
    await other.messageFlagsRemove({ subject: 'two' }, ['\\Flagged'])
    await other.messageFlagsAdd({ subject: 'four' }, ['\\Flagged'])
    const plain = await press(server, program, {
      settings: ['set imap_qresync=no'],
      keys: `${flagged}<quit>`,
    })
    assert.match(plain, /CHANGEDSINCE \d+\)/)
    const after = subjectsOf(await shown(server, 'ann@mail.test', 'Flagged'))
    assert.deepEqual(after, ['two', 'four'])
  })

  test(`${name} reads a mailbox that somebody shares`, { skip }, async (t) => {
    const server = await startServer(t)
    await server.put('bob@mail.test', letter('from-bob'), 'Team')
    await share(server)
    // The `@` in front of the path would be taken for that of an address.
    const log = await press(server, program, {
      mailbox: 'Other Users/bob%40mail.test/Team',
      keys: '<copy-message>+Mine<enter><quit>',
    })
    assert.match(log, /MYRIGHTS/)
    assert.deepEqual(subjectsOf(await shown(server, 'ann@mail.test', 'Mine')), ['from-bob'])
    assert.deepEqual(subjectsOf(await shown(server, 'bob@mail.test', 'Team')), ['from-bob'])
  })
}

function subjectsOf(lines: readonly string[]): (string | undefined)[] {
  return lines.map((line) => line.split(' ')[0])
}

/** bob gives ann the rights to read his Team. */
async function share(server: InteropServer): Promise<void> {
  const url = ['--url', `imaps://127.0.0.1:${server.ports.imaps}`, '--user', `bob@mail.test:${password}`]
  const request = ['--request', 'SETACL Team ann@mail.test lrs']
  await succeed('curl', ['--silent', '--insecure', ...url, ...request], { home: server.folder })
}
