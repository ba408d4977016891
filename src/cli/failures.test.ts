// What an operator sees when a server or a store cannot be opened: the exit code, the reason in one sentence, what to do next,
// and no stack.
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Readable } from 'node:stream'
import { test, type TestContext } from 'node:test'
import { RealClock } from '../net/real-clock.ts'
import { RealRandom } from '../base/real-random.ts'
import { openSqliteStore } from '../store/sqlite/index.ts'
import { main } from './main.ts'

async function folderFor(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-cli-'))
  context.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function run(
  parameters: readonly string[],
  input = '',
): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', '']
  const code = await main(parameters, {
    input: Readable.from(input === '' ? [] : [Buffer.from(input)]),
    out: (text) => (out += text),
    err: (text) => (err += text),
    interactive: false,
  })
  return { code, out, err }
}

async function configFile(folder: string, more = '', port = 0): Promise<string> {
  const file = join(folder, 'posthorn.toml')
  const listener = `[[listeners]]\nservice = "smtp"\naddress = "127.0.0.1"\nport = ${port}\ntls = "starttls"\n`
  await writeFile(file, `${more}\n${listener}`)
  return file
}

async function fails(parameters: readonly string[], code: number, reason: RegExp): Promise<void> {
  const ended = await run(parameters)
  assert.equal(ended.code, code, ended.err)
  assert.equal(ended.out, '')
  assert.match(ended.err, reason)
  assert.doesNotMatch(ended.err, /\n {4}at |defect/)
}

test('a data folder in use: 4, and who has it', async (context) => {
  const data = await folderFor(context)
  const config = await configFile(data)
  const parts = { clock: new RealClock(), random: new RealRandom(), onListenerError: () => {} }
  // No control socket answers, as with a server that is starting or stopping.
  await using _holder = await openSqliteStore({ folder: data, ...parts })
  const reason = new RegExp(`in use by process ${process.pid}, .*Stop that one first`)
  await fails(['serve', '--config', config, '--data', data], 4, reason)
  await fails(['account', 'list', '--data', data], 4, reason)
})

test('a folder without a store: 4, what begins one, and nothing made there', async (context) => {
  const data = await folderFor(context)
  const commands = [
    ...[['domain', 'list'], ['domain', 'remove', 'example.org'], ['fsck'], ['index']],
    ...[
      ['account', 'list'],
      ['account', 'remove', 'ann@example.org'],
      ['alias', 'list'],
    ],
  ]
  for (const command of commands) {
    await fails([...command, '--data', data], 4, /no store in .*posthorn domain add .*--data/)
  }
  const lines = await run(['account', 'import', '-', '--data', data], 'ann@example.org secret\n')
  assert.equal(lines.code, 4)
  assert.deepEqual(await readdir(data), [])
  assert.equal((await run(['domain', 'add', 'example.org', '--data', data])).code, 0)
  assert.match((await run(['account', 'list', '--data', data])).out, /No accounts yet/)
})

test('a database of a newer version, or of another program: 4, and nothing changed', async (context) => {
  const data = await folderFor(context)
  assert.equal((await run(['domain', 'add', 'example.org', '--data', data])).code, 0)
  const database = new DatabaseSync(join(data, 'posthorn.db'))
  database.exec('PRAGMA user_version = 99')
  database.close()
  const config = await configFile(data)
  await fails(
    ['serve', '--config', config, '--data', data],
    4,
    /schema 99.*run a newer version.*Nothing was changed/,
  )
  await fails(['fsck', '--data', data], 4, /schema 99/)
})

test('a database that is none: 4, and that a backup is needed', async (context) => {
  const data = await folderFor(context)
  await writeFile(join(data, 'posthorn.db'), 'no database'.repeat(1000))
  await fails(['account', 'list', '--data', data], 4, /damaged.*backup/)
})

test('a data folder that is a file: 4', async (context) => {
  const file = join(await folderFor(context), 'file')
  await writeFile(file, '')
  await fails(['account', 'list', '--data', file], 4, /folder is wanted/)
})

test('a port in use, and an address that is not ours: 4', async (context) => {
  const data = await folderFor(context)
  const other = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => other.once('listening', resolve))
  context.after(() => other.close())
  const address = other.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const config = await configFile(data, '', port)
  await fails(['serve', '--config', config, '--data', data], 4, /EADDRINUSE.*Choose another port/)
  await writeFile(config, '[[listeners]]\nservice = "smtp"\naddress = "192.0.2.1"\nport = 0\ntls = "none"\n')
  await fails(['serve', '--config', config, '--data', data], 4, /192\.0\.2\.1.*no such address/)
})

test('TLS files that are missing or unusable: 3, before any listener opens', async (context) => {
  const data = await folderFor(context)
  const config = await configFile(data, 'tls = { certificate = "mail.crt", key = "mail.key" }')
  await fails(['serve', '--config', config, '--data', data], 3, /tls\.certificate .*mail\.crt.*ENOENT/)
  await writeFile(join(data, 'mail.crt'), 'no certificate')
  await writeFile(join(data, 'mail.key'), 'no key')
  await fails(['serve', '--config', config, '--data', data], 3, /cannot be used/)
})

test('a configuration file that is missing, unreadable or wrong: 3, and every problem', async (context) => {
  const folder = await folderFor(context)
  await fails(['serve', '--config', join(folder, 'none.toml')], 3, /none\.toml: cannot be read/)
  await fails(['serve', '--config', folder], 3, /cannot be read/)
  const file = join(folder, 'posthorn.toml')
  await writeFile(file, 'smtp.maxRecipient = 5\nlissteners = []\n')
  await fails(
    ['config', 'check', '--config', file],
    3,
    /did you mean "maxRecipients"\?\n.*did you mean "listeners"\?/,
  )
  await writeFile(file, 'smtp.maxRecipients = -1\n')
  await fails(['config', 'check', '--config', file], 3, /smtp\.maxRecipients/)
})

test('domains are shown as people write them; JSON has the key beside', async (context) => {
  const data = await folderFor(context)
  const at = ['--data', data]
  const shown = async (command: string[], input = ''): Promise<string> => {
    const ended = await run([...command, ...at], input)
    assert.equal(ended.code, 0, ended.err)
    return ended.out
  }
  assert.match(
    await shown(['domain', 'add', 'xn--bcher-kva.example']),
    /^Added bücher\.example\. .*ann@bücher\.example/,
  )
  const add = ['account', 'add', 'Ann@BÜCHER.example', '--password-stdin']
  assert.equal(await shown(add, 'secret\n'), 'Added ann@bücher.example.\n')
  const alias = ['alias', 'add', 'team@xn--bcher-kva.example', 'ann@xn--bcher-kva.example']
  assert.match(await shown(alias), /^team@bücher\.example leads to /)
  await shown(['alias', 'add', '@bücher.example', 'ann@bücher.example'])
  assert.match(await shown(['domain', 'list']), /^bücher\.example +1 +2$/m)
  assert.match(await shown(['account', 'list']), /^ann@bücher\.example +active/m)
  const aliases = await shown(['alias', 'list'])
  assert.match(aliases, /^@bücher\.example +ann@bücher\.example$/m)
  assert.match(aliases, /^team@bücher\.example +ann@bücher\.example$/m)
  const list = ['alias', 'add', 'list@bücher.example', 'x@far.example', '--list']
  assert.match(await shown(list), / leads to x@far\.example\. Bounces go to postmaster@bücher\.example\.$/m)
  await shown([...list, '--owner', 'ann@bücher.example'])
  assert.match(
    await shown(['alias', 'list']),
    /^list@bücher\.example +x@far\.example \(a list of ann@bücher\.example\)$/m,
  )
  const [account] = JSON.parse(await shown(['account', 'list', '--json'])) as Record<string, unknown>[]
  assert.deepEqual(
    [account?.['address'], account?.['display']],
    ['ann@xn--bcher-kva.example', 'ann@bücher.example'],
  )
})

test('config explain: 1 for what no setting starts with, and the nearest that there is', async (context) => {
  const config = await configFile(await folderFor(context))
  const explain = (prefix: string) => ['config', 'explain', prefix, '--config', config]
  await fails(explain('smpt'), 1, /No setting starts with "smpt"\. Did you mean "smtp"\?/)
  await fails(explain('smtp.maxRecipient5'), 1, /Did you mean "smtp\.maxRecipients"\?/)
  await fails(explain('nothing-like-it'), 1, /There are: .*smtp, /)
  await fails([...explain('smpt'), '--json'], 1, /Did you mean/)
  assert.match((await run(explain('smtp.maxRec'))).out, /^setting .*\nsmtp\.maxRecipients /)
})

test('a command line that is wrong: 2, and a name that is not there: 1', async (context) => {
  const data = await folderFor(context)
  await run(['domain', 'add', 'example.org', '--data', data])
  await fails(['account', 'lisst', '--data', data], 2, /unknown command 'lisst'/)
  await fails(['account', 'add', 'ann@example.org', '--data', data], 2, /--password-stdin/)
  await fails(['account', 'remove', 'ann@example.org', '--data', data], 1, /./)
  await fails(['alias', 'remove', 'ann@example.org', '--data', data], 1, /./)
  await fails(['domain', 'remove', 'example.net', '--data', data], 1, /./)
  await fails(['send', 'a@b.example', '--from', 'c@d.example', '--server', 'nowhere'], 2, /HOST:PORT/)
})

test('a folder named by the profile lies beside the configuration file', async (context) => {
  const folder = await folderFor(context)
  await mkdir(join(folder, 'etc'))
  const config = await configFile(join(folder, 'etc'))
  assert.equal((await run(['domain', 'add', 'example.org', '--config', config])).code, 0)
  const there = await run(['domain', 'list', '--json', '--data', join(folder, 'etc', 'data')])
  assert.match(there.out, /"example\.org"/)
})
