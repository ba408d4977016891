// Every command of the tree: its help tells all options with what holds without them, its examples do what they say, and `--json` prints what
// the help tells. The examples are run in the order of a life: a server is begun, used and emptied.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import type { Command } from 'commander'
import { commandNotes, leavesOf, wordsOf } from '../../src/cli/command-notes.ts'
import { main } from '../../src/cli/main.ts'
import { makeProgram } from '../../src/cli/program.ts'
import { parseForm, strayFrom } from './json-form.ts'
import { LineSocket } from './line-socket.ts'
import { listener, type Place, serve, type Served, temporaryPlace, writeConfig } from './program.ts'

const leaves = leavesOf(
  makeProgram({ input: Readable.from([]), out: () => {}, err: () => {}, interactive: false }),
)

interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

async function run(words: readonly string[], input = ''): Promise<Ended> {
  let [out, err] = ['', '']
  const code = await main(words, {
    input: Readable.from(input === '' ? [] : [Buffer.from(input)]),
    out: (text) => (out += text),
    err: (text) => (err += text),
    interactive: false,
  })
  return { code, out, err }
}

test('every command has notes, and every option tells what holds without it', () => {
  assert.deepEqual(Object.keys(commandNotes).toSorted(), leaves.map(wordsOf).toSorted())
  for (const command of leaves) {
    const name = wordsOf(command)
    assert.ok(command.description() !== '', name)
    for (const option of command.options) {
      assert.ok(option.description !== '', `${name} ${option.flags}`)
      if (!option.required || option.defaultValue !== undefined) continue
      // Filters, and what is gathered, hold nothing back where they are not given.
      const told = /default|^only |may be repeated|^with --direct/.test(option.description)
      const isFilter = ['state', 'role', 'by', 'to'].includes(option.attributeName())
      const inSet = name === 'account set'
      assert.ok(told || isFilter || inSet, `${name} ${option.flags}: ${option.description}`)
    }
    assert.ok(
      name === 'attach' || command.options.some(({ long }) => long === '--json'),
      `${name} has no --json`,
    )
  }
})

test('help of every command and group shows its examples and goes to standard output', async () => {
  for (const command of leaves) {
    const name = wordsOf(command)
    const { code, out, err } = await run([...name.split(' '), '--help'])
    assert.deepEqual([code, err], [0, ''], name)
    for (const example of commandNotes[name]?.examples ?? [])
      assert.ok(out.includes(`\n  ${example}\n`), name)
    assert.match(out, /\nWith --json:\n {2}\S/, name)
  }
  const { out } = await run(['--help'])
  assert.match(out, /Exit codes?:|the exit code:/)
})

test('a word that is wrong is told with what to do: 2, and nothing on standard output', async () => {
  for (const words of [
    ['frobnicate'],
    ['account'],
    ['acount', 'list'],
    ['account', 'lst'],
    ['account', 'list', '--jsn'],
    ['account', 'list', 'extra'],
    ['account', 'add', 'ann@example.org', '--role', 'boss'],
    ['account', 'add', 'ann@example.org'],
    ['account', 'set', 'ann@example.org'],
    ['account', 'set', 'ann@example.org', '--quota', 'much'],
    ['account', 'quota', 'ann@example.org', '--max-messages', '-5'],
    ['account', 'state', 'ann@example.org', 'off'],
    ['account', 'app-password', 'add', 'ann@example.org', '--scope', 'all'],
    ['account', 'app-password', 'add', 'ann@example.org', '--expires', 'soon'],
    ['account', 'app-password', 'remove', 'ann@example.org', 'first'],
    ['queue', 'list', '--state', 'lost'],
    ['queue', 'hold'],
    ['queue', 'reroute', '--all'],
    ['server', 'log', '--level', 'loud'],
    ['server', 'log', '--limit', 'all'],
    ['server', 'series', '--by', 'day'],
    ['server', 'end-session', 'x'],
    ['throttle', 'lift', 'nothing', 'ann'],
    ['suppression', 'add', 'joe@example.net', '--for', 'ever'],
    ['send', 'ann@example.org'],
    ['send', 'ann@example.org', '--from', 'me@example.org', '--server', '127.0.0.1:99999'],
    ['send', 'ann@example.org', '--from', 'me@example.org', '--attach', 'nothing-here.pdf'],
    ['read', 'ann@example.org', '--pop3', ':'],
    ['catcher', 'ingest', '.', '--format', 'pst'],
    ['config', 'explain', '--profile', 'prod'],
    ['import', 'ann@example.org', 'old.mbox', '--since', 'yesterday'],
  ]) {
    const name = words.join(' ')
    const { code, out, err } = await run(words)
    assert.deepEqual([code, out], [2, ''], name)
    assert.doesNotMatch(err, /✖|\n {4}at |undefined/, name)
    // What there is, an example, or the words to write instead.
    assert.match(err, /--|write |Write it|Allowed choices|cannot be read|`list`|example/i, name)
  }
})

const letter = 'From: Ann <ann@example.org>\nTo: joe@example.net\nSubject: Hi\n\nHello Joe.\n'
const mbox = `From ann@example.org Thu Jan  1 00:00:00 2026\n${letter}\n`

/** What the examples find on the machine, and what is elsewhere in a test than on the machine of a reader. */
interface Scene {
  readonly place: Place
  readonly here: ReadonlyMap<string, string>
  readonly options: (name: string) => readonly string[]
}

/** Runs each example of a command with --json; `as` replaces words. Ends as expected and prints as told. */
async function show(
  scene: Scene,
  name: string,
  how: {
    readonly as?: Readonly<Record<string, string>>
    readonly code?: number
    readonly only?: number
  } = {},
): Promise<unknown[]> {
  const { examples, prints } = commandNotes[name] ?? { examples: [], prints: '' }
  const answers: unknown[] = []
  for (const example of how.only === undefined ? examples : examples.slice(how.only, how.only + 1)) {
    const { words, input } = shellWords(example, scene, how.as ?? {})
    const parts = name.split(' ')
    assert.deepEqual(words.slice(0, parts.length), parts, example)
    const given = [...parts, ...scene.options(name), '--json', ...words.slice(parts.length)]
    const { code, out, err } = await run(given, input)
    assert.equal(code, how.code ?? 0, `${example}\n${out}\n${err}`)
    if (code !== 0 && out === '') continue
    const answer: unknown = JSON.parse(out)
    answers.push(answer)
    const form = name === 'sendmail' && example.includes('-bp') ? commandNotes['queue list']?.prints : prints
    assert.deepEqual(strayFrom(parseForm(form ?? ''), answer), [], `${example}\n${out}`)
  }
  return answers
}

/** The words of an example behind `posthorn`, and its standard input: `printf %s 'x' |`, `echo x |`, `< file`. */
function shellWords(
  example: string,
  { here, place }: Scene,
  as: Readonly<Record<string, string>>,
): { words: string[]; input: string } {
  const [before, command = before] = example.split(' | ').length === 2 ? example.split(' | ') : ['', example]
  const split = (text: string): string[] =>
    [...text.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '')
  const words = split(command ?? '')
  assert.equal(words.shift(), 'posthorn', example)
  const from = words.indexOf('<')
  const [, file = ''] = from < 0 ? [] : words.splice(from)
  assert.ok(file === '' || here.has(file), `${example}: there is no ${file}`)
  const typed = split(before ?? '').at(-1) ?? ''
  return {
    input: file === '' ? typed : (here.get(file) ?? ''),
    words: words.map((word) => {
      if (as[word] !== undefined) return as[word]
      return here.has(word) || /^[a-z]+\.(zip|d)$/.test(word) ? join(place.folder, word) : word
    }),
  }
}

async function scenery(place: Place, options: Scene['options']): Promise<Scene> {
  const here = new Map([
    ['letter.eml', letter],
    ['old.mbox', mbox],
    ['people.txt', 'bob@example.org secret\n'],
  ])
  for (const [name, text] of here) await writeFile(join(place.folder, name), text)
  return { place, here, options }
}

/** Commands that stay until they are ended, and what the others cannot do alone; they have tests of their own. */
const elsewhere = ['serve', 'dev', 'attach']

test('the examples of all commands of a server run as told', async (context) => {
  const place = await temporaryPlace(context)
  const { folder } = place
  const config = join(folder, 'posthorn.toml')
  const more = ['smtp', 'pop3', 'http'].map((service) => listener(service)).join('')
  await writeConfig(folder, `${settings}${more}${routes}`)
  const scene = await scenery(place, () => ['--config', config])
  const shown = new Set<string>(elsewhere)
  const step = async (name: string, how: Parameters<typeof show>[2] = {}): Promise<unknown[]> => {
    shown.add(name)
    return show(scene, name, how)
  }
  await step('domain add')
  for (const name of ['account add', 'domain list', 'account import', 'account list']) await step(name)
  const server = await serve(place)
  await peopleAndLogins(step)
  await mailAndQueue(step)
  for (const name of ['suppression add', 'suppression list', 'suppression remove', 'index']) await step(name)
  await step('import', { only: 0 })
  for (const name of ['export', 'fsck', 'store collect', 'config explain']) await step(name)
  await step('config check', { as: { '/etc/posthorn.toml': config } })
  await runningServer(step, server, place)
  await step('collect', { only: 0, code: 1 })
  await run(['domain', 'add', 'example.net', '--config', config])
  for (const name of ['domain remove', 'account remove']) await step(name)
  const rest = leaves.map(wordsOf).filter((name) => !shown.has(name) && !ofCatcher(name))
  assert.deepEqual(rest, [])
})

const settings = `dns.servers = ["127.0.0.1:1"]
dns.timeout = "1s"
[[collect]]
name = "provider"
host = "127.0.0.1"
port = 1
tls = "none"
authentication = { username = "ann", passwordFile = "people.txt" }
`

const routes = `
[[relay.routes]]
name = "backup"
kind = "hold"
senders = ["nobody@example.org"]

[[relay.routes]]
kind = "host"
host = "127.0.0.1"
port = 1
tls = "none"
`

type Step = (name: string, how?: Parameters<typeof show>[2]) => Promise<unknown[]>

async function peopleAndLogins(step: Step): Promise<void> {
  for (const name of ['password', 'quota', 'set', 'disable', 'state', 'enable']) await step(`account ${name}`)
  for (const name of ['add', 'list', 'remove']) await step(`alias ${name}`)
  for (const name of ['add', 'list', 'remove']) await step(`account app-password ${name}`)
  for (const name of ['list', 'end']) await step(`account sessions ${name}`)
  await step('account protection')
  // Ann has neither.
  await step('account totp remove', { code: 1 })
  await step('account passkey remove', { code: 1 })
}

async function mailAndQueue(step: Step): Promise<void> {
  const [, second] = await step('sendmail')
  const { id } = second as { id: string }
  for (const name of ['list', 'show', 'hold', 'reroute', 'release', 'retry', 'qshape', 'totals']) {
    await step(`queue ${name}`, { as: { 7: id } })
  }
  for (const name of ['fail', 'discard']) await step(`queue ${name}`, { as: { 7: id } })
}

async function runningServer(step: Step, server: Served, place: Place): Promise<void> {
  const client = await LineSocket.open(server.port('pop3'))
  place.ends.defer(() => client.close())
  client.send('USER ann@example.org\r\nPASS wrong\r\n')
  for (let line: string | undefined = ''; !line.startsWith('-ERR');) {
    line = await client.line()
    assert.ok(line !== undefined)
  }
  const [sessions] = await step('server sessions')
  const [session] = sessions as { id: number }[]
  assert.ok(session !== undefined)
  for (const name of ['overview', 'log', 'trace', 'config', 'series']) await step(`server ${name}`)
  const [counts] = await step('throttle list')
  assert.ok((counts as unknown[]).length > 0)
  await step('throttle lift')
  await step('metrics')
  await step('server end-session', { as: { 3: String(session.id) } })
}

function ofCatcher(name: string): boolean {
  return name === 'send' || name === 'read' || name.startsWith('catcher ')
}

test('the examples of the commands for a catcher run as told', async (context) => {
  const place = await temporaryPlace(context)
  const listeners = ['catcher', 'pop3', 'http'].map((service) => listener(service)).join('')
  await writeFile(join(place.folder, 'posthorn.toml'), listeners)
  const server = await serve(place, {
    command: ['dev', '--json', '--config', 'posthorn.toml'],
    fsck: false,
  })
  const told = server.lines.map((line) => JSON.parse(line) as Record<string, Record<string, unknown>>)
  assert.deepEqual(
    told.flatMap((line) => Object.keys(line)),
    ['listening', 'listening', 'listening', 'pages', 'ready'],
  )
  const port = (service: string): string => {
    const found = told.find(({ listening }) => listening?.['service'] === service)
    assert.ok(found !== undefined)
    assert.deepEqual(Object.keys(found['listening'] ?? {}).toSorted(), ['address', 'port', 'service', 'tls'])
    return `127.0.0.1:${String(found['listening']?.['port'])}`
  }
  const at = { send: '--server', read: '--pop3' } as const
  const scene = await scenery(place, (name) => {
    if (name === 'send') return [at.send, port('catcher')]
    return name === 'read' ? [at.read, port('pop3')] : ['--url', `http://${port('http')}`]
  })
  await show(scene, 'send', { as: { '127.0.0.1:1025': port('catcher') } })
  const [all, last] = await show(scene, 'read')
  assert.deepEqual([(all as string[]).length, (last as string[]).length], [2, 1])
  await show(scene, 'catcher ingest')
  const [dumped] = await show(scene, 'catcher dump')
  assert.ok((dumped as { messages: number }).messages > 0)
})

test('examples name commands and options that there are', () => {
  for (const command of leaves) {
    for (const example of commandNotes[wordsOf(command)]?.examples ?? []) {
      for (const [option] of example.matchAll(/(?<= )--[a-z][a-z-]*/g)) {
        const known = (one: Command): boolean => one.options.some(({ long }) => long === option)
        assert.ok(known(command), `${example}: ${option}`)
      }
    }
  }
})
