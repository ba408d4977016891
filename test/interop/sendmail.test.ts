// Programs that expect /usr/sbin/sendmail, with a link of that name to Posthorn: mutt, s-nail, Python, and swaks over `-bs`; with a
// server that runs, and without one, straight into the store.
import assert from 'node:assert/strict'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { addPeople, done, json, listener, serve, temporaryPlace, writeConfig } from '../e2e/program.ts'
import { missing, succeed } from './tool.ts'

const binary = fileURLToPath(new URL('../../bin/posthorn.js', import.meta.url))

const hold = '\n[[relay.routes]]\nkind = "hold"\nreason = "nowhere to go"\n'

const python = `import subprocess, sys
from email.message import EmailMessage
letter = EmailMessage()
letter["From"], letter["To"], letter["Cc"] = "ann@mail.test", "Bob <bob@mail.test>", "joe@far.test"
letter["Bcc"], letter["Subject"] = "jim@far.test", "from Python"
letter.set_content("One.\\n.\\nTwo, Grüße.\\n")
subprocess.run([sys.argv[1], "-t", "-i", "-f", "ann@mail.test"], input=bytes(letter), check=True)
`

interface Program {
  readonly name: string
  readonly skip: string | false
  send(sendmail: string, home: string): Promise<string>
  /** What the message of Bob must show. */
  readonly expected: RegExp
}

const programs: readonly Program[] = [
  {
    name: 'mutt',
    skip: missing('mutt'),
    send: (sendmail, home) =>
      succeed(
        'mutt',
        [
          ...['-n', '-F', '/dev/null', '-e', `set sendmail="${sendmail} -oem -oi"`, '-e', 'set copy=no'],
          ...[
            '-e',
            'set from=ann@mail.test',
            '-e',
            'set use_envelope_from=yes',
            '-s',
            'from mutt',
            'bob@mail.test',
          ],
        ],
        { home, input: 'Grüße\n.\nEnd\n' },
      ),
    expected: /^Return-Path: <ann@mail\.test>[^]*Subject: from mutt\r\n[^]*\r\n\.\r\nEnd\r\n/,
  },
  {
    name: 's-nail',
    skip: missing('s-nail'),
    send: (sendmail, home) =>
      succeed(
        's-nail',
        [
          '-:/',
          '-S',
          `mta=${sendmail}`,
          '-S',
          'sendwait',
          '-r',
          'ann@mail.test',
          '-s',
          'from s-nail',
          'bob@mail.test',
        ],
        { home, input: 'Hello\n' },
      ),
    expected: /^Return-Path: <ann@mail\.test>[^]*Subject: from s-nail\r\n[^]*Hello\r\n/,
  },
  {
    name: 'Python, with -t',
    skip: missing('python3'),
    async send(sendmail, home) {
      await writeFile(join(home, 'send.py'), python)
      return succeed('python3', ['send.py', sendmail], { home })
    },
    expected: /Cc: joe@far\.test\r\n(?!Bcc)[^]*\r\n\r\nOne\.\r\n\.\r\nTwo, Gr/,
  },
  {
    name: 'swaks, over -bs',
    skip: missing('swaks'),
    send: (sendmail, home) =>
      succeed(
        'swaks',
        [
          '--pipe',
          `${sendmail} -bs`,
          '--helo',
          'here',
          '--from',
          'ann@mail.test',
          '--to',
          'bob@mail.test',
          '--header',
          'Subject: from swaks',
        ],
        { home },
      ),
    expected: /Subject: from swaks\r\n/,
  },
]

async function tryAll(context: TestContext, running: 'running' | 'stopped'): Promise<void> {
  const place = await temporaryPlace(context)
  const { folder } = place
  await writeConfig(folder, `\nrelay.enabled = true\n${listener('pop3')}${hold}`)
  await addPeople(folder)
  await mkdir(join(folder, 'bin'))
  const sendmail = join(folder, 'bin/sendmail')
  await symlink(binary, sendmail)
  await symlink(binary, join(folder, 'bin/mailq'))
  await writeFile(join(folder, 'password'), 'secret\n')
  let server = running === 'running' ? await serve(place) : undefined
  const sent: Program[] = []
  for (const program of programs) {
    await context.test(program.name, { skip: program.skip }, async () => {
      await program.send(sendmail, folder)
      sent.push(program)
    })
  }
  await context.test('the queue after it', { skip: missing('python3') }, async () => {
    const queue = await succeed(join(folder, 'bin/mailq'), [], { home: folder })
    assert.match(queue, /joe@far\.test[^]*jim@far\.test/)
    const listed = await json(folder, ['queue', 'list'])
    assert.equal(Array.isArray(listed) && listed.length, 1)
  })
  server ??= await serve(place)
  const at = ['--pop3', `127.0.0.1:${server.port('pop3')}`, '--password-file', 'password']
  // What the command prints with `--json`.
  const messages = JSON.parse(await done(folder, ['read', 'bob@mail.test', '--json', ...at])) as string[]
  assert.equal(messages.length, sent.length)
  for (const [index, { expected }] of sent.entries()) {
    assert.match(messages[index] ?? '', expected)
    assert.doesNotMatch(messages[index] ?? '', /^Bcc:/im)
  }
}

test('sendmail with a server that runs', (context) => tryAll(context, 'running'))
test('sendmail without a server', (context) => tryAll(context, 'stopped'))
