// `posthorn import` and `export` as commands: beside a server that runs, cut off at any moment, and told what they did.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'
import { LineSocket } from './line-socket.ts'
import {
  addPeople,
  allListeners,
  done,
  json,
  type Place,
  posthorn,
  type Served,
  serve,
  temporaryPlace,
  writeConfig,
} from './program.ts'

const binary = fileURLToPath(new URL('../../bin/posthorn.js', import.meta.url))

interface Result {
  readonly imported: number
  readonly known: number
}

function mbox(count: number): string {
  return Array.from(
    { length: count },
    (_, at) =>
      `From a@b Sat Nov 21 10:05:09 2026\nStatus: RO\nSubject: ${at}\n\n${'text of a message\n'.repeat(100)}\n`,
  ).join('')
}

async function place(context: Parameters<typeof temporaryPlace>[0], count: number): Promise<Place> {
  const made = await temporaryPlace(context)
  await writeConfig(made.folder, allListeners)
  await addPeople(made.folder)
  await writeFile(join(made.folder, 'big.mbox'), mbox(count))
  return made
}

const again = ['import', 'ann@mail.test', 'big.mbox', '--into', 'INBOX']

/** An import as a child, and a session that has seen its first message come. */
async function underWay({ folder }: Place, server: Served) {
  const client = await LineSocket.open(server.port('imap'))
  client.send('a LOGIN ann@mail.test secret\r\nb SELECT INBOX\r\nc IDLE\r\n')
  await until(client, /^\+ /)
  const child = spawn(process.execPath, [binary, ...again], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const exit = once(child, 'exit')
  await until(client, / EXISTS$/)
  client.close()
  return { child, exit, stderr: () => stderr }
}

/** Tries with more and more messages, until one was cut off before its end: this process may hear late of the first that came. */
async function cutInTheMiddle(attempt: (count: number) => Promise<boolean>): Promise<void> {
  for (let count = 3_000; !(await attempt(count)); count *= 2) continue
}

async function until(client: LineSocket, what: RegExp): Promise<void> {
  for (;;) {
    const line = await client.line()
    assert.ok(line !== undefined, `the server left before it said ${what.source}`)
    if (what.test(line)) return
  }
}

async function messagesOf(folder: string): Promise<number> {
  const [ann] = (await json(folder, ['account', 'list'])) as { messages: number }[]
  return ann?.messages ?? 0
}

test('an import that is killed goes on where it was, and sessions see its mail as it comes', (context) =>
  cutInTheMiddle(async (count) => {
    const here = await place(context, count)
    const server = await serve(here)
    const { child, exit } = await underWay(here, server)
    child.kill('SIGKILL')
    await exit
    const result = (await json(here.folder, again)) as Result
    assert.ok(result.known > 0, JSON.stringify(result))
    assert.equal(result.imported + result.known, count)
    assert.equal(await messagesOf(here.folder), count)
    return result.imported > 0
  }))

test('Ctrl-C ends it in order; a server that is killed under it loses nothing either', (context) =>
  cutInTheMiddle(async (count) => {
    const here = await place(context, count)
    const server = await serve(here)
    const first = await underWay(here, server)
    first.child.kill('SIGINT')
    const [code] = await first.exit
    if (code === 0) return false
    assert.equal(code, 130)
    assert.match(first.stderr(), /Interrupted\. The same command goes on where it was\./)
    const nobody = await posthorn(here.folder, ['import', 'nobody@mail.test', 'big.mbox'])
    assert.match(nobody.stderr, /There is no account nobody@mail\.test/)
    const sofar = await messagesOf(here.folder)
    assert.ok(sofar > 0 && sofar <= count)
    if (sofar > count / 2) return false
    const second = await underWay(here, server)
    process.kill(server.pid, 'SIGKILL')
    const [secondCode] = await second.exit
    await server.ended
    const result = (await json(here.folder, again)) as Result
    assert.equal(result.imported + result.known, count)
    assert.equal(await messagesOf(here.folder), count)
    if (secondCode === 0) return false
    assert.equal(secondCode, 4)
    return true
  }))

test('what people are told: wrong words, a full account, a target that is taken, a dry run', async (context) => {
  const { folder } = await place(context, 5)
  const refusals: [string[], number, RegExp][] = [
    [['import', 'nobody@mail.test', 'big.mbox'], 1, /There is no account nobody@mail\.test/],
    [['import', 'ann@mail.test', 'missing.mbox'], 4, /missing\.mbox cannot be read/],
    [['import', 'ann@mail.test', 'posthorn.toml'], 4, /no mail in .* that can be recognised/],
    [['import', 'ann@mail.test', 'big.mbox', '--since', 'today'], 2, /is no date/],
    [['import', 'ann@mail.test', 'big.mbox', '--folder', 'x'], 4, /It has: big\./],
    [['import', 'ann@mail.test', 'imaps://ann:secret@imap.test'], 2, /leave it out/],
    [['import', 'ann@mail.test', 'imaps://imap.test'], 2, /Say who logs in/],
    [['import', 'ann@mail.test', 'imaps://ann@imap.test'], 2, /--password-stdin/],
    [['export', 'ann@mail.test', '.'], 2, /is not empty/],
  ]
  for (const [command, code, message] of refusals) {
    const refused = await posthorn(folder, command)
    assert.equal(refused.code, code, `${command.join(' ')}: ${refused.stderr}`)
    assert.match(refused.stderr, message)
    assert.doesNotMatch(refused.stderr, /\n\s+at /)
  }
  assert.match(
    await done(folder, ['import', 'ann@mail.test', 'big.mbox', '--dry-run']),
    /Would import 5 messages/,
  )
  assert.equal(await messagesOf(folder), 0)
  await done(folder, ['account', 'set', 'ann@mail.test', '--max-messages', '3'])
  const full = await posthorn(folder, ['import', 'ann@mail.test', 'big.mbox'])
  assert.equal(full.code, 1)
  assert.match(full.stderr, /The account is full/)
  await done(folder, ['account', 'set', 'ann@mail.test', '--max-messages', 'unlimited'])
  assert.match(await done(folder, ['import', 'ann@mail.test', 'big.mbox']), /Imported 2 messages/)
  assert.match(
    await done(folder, ['export', 'ann@mail.test', 'all.zip', '--mailbox', 'big']),
    /5 messages .* 1 mailbox /,
  )
  assert.match(await done(folder, ['import', 'bob@mail.test', 'all.zip']), /Imported 5 messages/)
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.includes('manifest')),
    [],
  )
  assert.equal((await posthorn(folder, ['export', 'ann@mail.test', 'all.zip'])).code, 2)
})
