// The commands of administration, with a server that runs and without: what they print, what they refuse, how they end.
import assert from 'node:assert/strict'
import { argon2Sync } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { LineSocket } from './line-socket.ts'
import {
  addPeople,
  allListeners,
  done,
  json,
  posthorn,
  serve,
  temporaryPlace,
  writeConfig,
} from './program.ts'

for (const running of [false, true]) {
  test(`domains, accounts and aliases, ${running ? 'over the socket of a server' : 'without a server'}`, async (context) => {
    const place = await temporaryPlace(context)
    const { folder } = place
    await writeConfig(folder, allListeners)
    if (running) await serve(place)
    if (running) assert.match(await done(folder, ['domain', 'list']), /No domains yet\. Add one: /)
    assert.deepEqual(await json(folder, ['domain', 'add', 'MAIL.test']), {
      name: 'mail.test',
      display: 'mail.test',
    })
    const made = (await json(
      folder,
      ['account', 'add', 'ann@mail.test', '--password-stdin', '--quota', '2 GB'],
      'secret\n',
    )) as object
    assert.deepEqual(Object.keys(made).toSorted(), [
      ...[
        'address',
        'bytes',
        'created',
        'display',
        'hiddenCapabilities',
        'id',
        'messages',
        'quotaAnnotations',
      ],
      ...['quotaBytes', 'quotaMailboxes', 'quotaMessages', 'role', 'state'],
    ])
    assert.deepEqual(await json(folder, ['alias', 'add', 'team@mail.test', 'ann@mail.test']), {
      address: 'team@mail.test',
      display: 'team@mail.test',
      owner: null,
      targets: ['ann@mail.test'],
    })
    const list = ['alias', 'add', 'news@mail.test', 'bob@far.test', '--list', '--owner', 'ann@mail.test']
    assert.deepEqual(await json(folder, list), {
      address: 'news@mail.test',
      display: 'news@mail.test',
      owner: 'ann@mail.test',
      targets: ['bob@far.test'],
    })
    assert.match(await done(folder, ['alias', 'list']), /news@mail\.test +bob@far\.test/)
    await done(folder, ['alias', 'remove', 'news@mail.test'])
    const [domain] = (await json(folder, ['domain', 'list'])) as {
      name: string
      accounts: number
      aliases: number
    }[]
    assert.deepEqual([domain?.name, domain?.accounts, domain?.aliases], ['mail.test', 1, 1])
    assert.match(await done(folder, ['account', 'list']), /ann@mail\.test +active +0 +0 B of 2\.0 GB/)
    const set = ['account', 'set', 'ann@mail.test', '--quota-mailboxes', '50', '--quota-annotations', '1 MB']
    const hide = ['--hide-capability', 'condstore', '--hide-capability', 'QRESYNC']
    const changed = (await json(folder, [...set, ...hide])) as Record<string, unknown>
    assert.deepEqual(
      [changed['quotaMailboxes'], changed['quotaAnnotations'], changed['quotaBytes'] !== null],
      [50, 1024 * 1024, true],
    )
    assert.deepEqual(changed['hiddenCapabilities'], ['CONDSTORE', 'QRESYNC'])
    const back = [
      'account',
      'set',
      'ann@mail.test',
      '--quota-mailboxes',
      'unlimited',
      '--show-capability',
      'QRESYNC',
    ]
    assert.match(await done(folder, back), /Its clients are not shown CONDSTORE\./)
    await done(folder, ['account', 'disable', 'ann@mail.test'])
    const [disabled] = (await json(folder, ['account', 'list'])) as { state: string }[]
    assert.equal(disabled?.state, 'disabled')
    await done(folder, ['account', 'enable', 'ann@mail.test'])
    await done(folder, ['account', 'password', 'ann@mail.test', '--password-stdin'], 'new secret\n')
    const refusals: [string[], RegExp][] = [
      [['domain', 'add', 'mail.test'], /here already/],
      [['domain', 'add', 'not a domain'], /is not a domain name/],
      [['domain', 'remove', 'mail.test'], /still has accounts or aliases/],
      [['account', 'remove', 'nobody@mail.test'], /nobody@mail\.test/],
    ]
    for (const [command, message] of refusals) {
      const refused = await posthorn(folder, command)
      assert.equal(refused.code, 1, command.join(' '))
      assert.match(refused.stderr, message)
      assert.doesNotMatch(refused.stderr, /\n\s+at /)
    }
    await done(folder, ['alias', 'remove', 'team@mail.test'])
    await done(folder, ['account', 'remove', 'ann@mail.test'])
    await done(folder, ['domain', 'remove', 'mail.test'])
    assert.deepEqual(await json(folder, ['domain', 'list']), [])
    assert.deepEqual(await json(folder, ['fsck']), [])
  })
}

test('what an administrator changes holds at once in the server that runs', async (context) => {
  const place = await temporaryPlace(context)
  const { folder } = place
  await writeConfig(folder, allListeners)
  await addPeople(folder)
  const server = await serve(place)
  const client = await LineSocket.open(server.port('imap'))
  place.ends.defer(() => client.close())
  await client.line()
  const login = async (tag: string, password: string): Promise<string> => {
    client.send(`${tag} LOGIN ann@mail.test "${password}"\r\n`)
    return (await client.lineLike(tag)) ?? ''
  }
  await done(folder, ['account', 'password', 'ann@mail.test', '--password-stdin'], 'other\n')
  assert.match(await login('a', 'secret'), /^a NO \[AUTHENTICATIONFAILED\]/)
  assert.match(await login('b', 'other'), /^b OK/)
  const mail = await LineSocket.open(server.port('smtp'))
  place.ends.defer(() => mail.close())
  await mail.reply()
  for (const line of ['EHLO x.test', 'MAIL FROM:<>']) await mail.command(line)
  assert.match((await mail.command('RCPT TO:<new@mail.test>')) ?? '', /^550/)
  await done(folder, ['alias', 'add', 'new@mail.test', 'ann@mail.test'])
  assert.match((await mail.command('RCPT TO:<new@mail.test>')) ?? '', /^250/)
  assert.match(await done(folder, ['metrics']), /^# HELP /m)
})

test('account import: 300 lines with passwords, a hash and bad ones', async (context) => {
  const place = await temporaryPlace(context)
  const { folder } = place
  await writeConfig(folder, allListeners)
  await done(folder, ['domain', 'add', 'mail.test'])
  const lines = Array.from({ length: 300 }, (_, index) => `user${index}@mail.test password ${index}`)
  lines[8] = `user8@mail.test ${argon2id('hashed secret')}`
  lines[7] = 'user7@elsewhere.test password 7'
  lines[99] = 'no address'
  lines[200] = 'user1@mail.test twice'
  await writeFile(join(folder, 'people'), `# everybody\n\n${lines.join('\n')}\n`)
  const imported = await posthorn(folder, ['account', 'import', 'people', '--json'])
  assert.equal(imported.code, 1, imported.stderr)
  const result = JSON.parse(imported.stdout) as {
    added: number
    problems: { line: number; message: string }[]
  }
  assert.equal(result.added, 297)
  assert.deepEqual(
    result.problems.map(({ line }) => line),
    [10, 102, 203],
  )
  assert.match(imported.stderr, /^people:10: .*elsewhere\.test/m)
  assert.doesNotMatch(imported.stderr, /password 7|twice/)
  const server = await serve(place)
  for (const [user, password] of [
    ['user299', 'password 299'],
    ['user8', 'hashed secret'],
  ]) {
    const client = await LineSocket.open(server.port('pop3'))
    place.ends.defer(() => client.close())
    await client.line()
    for (const line of [`USER ${user}@mail.test`, `PASS ${password}`]) {
      client.send(`${line}\r\n`)
      assert.match((await client.line()) ?? '', /^\+OK/, line)
    }
  }
})

/** A hash as another system brings it, in PHC's string format. */
function argon2id(password: string): string {
  const nonce = Buffer.from('sixteen octets !')
  const options = { message: password, nonce, parallelism: 1, tagLength: 32, memory: 1024, passes: 2 }
  const [salt, tag] = [nonce, argon2Sync('argon2id', options)].map((bytes) =>
    bytes.toString('base64').replaceAll('=', ''),
  )
  return `$argon2id$v=19$m=1024,t=2,p=1$${salt}$${tag}`
}

for (const running of [false, true]) {
  test(`how an account is protected, ${running ? 'over the socket of a server' : 'without a server'}`, async (context) => {
    const place = await temporaryPlace(context)
    const { folder } = place
    await writeConfig(folder, allListeners)
    if (running) await serve(place)
    await done(folder, ['domain', 'add', 'mail.test'])
    await done(folder, ['account', 'add', 'ann@mail.test', '--password-stdin', '--role', 'admin'], 'secret\n')
    const app = ['account', 'app-password']
    const password = await done(folder, [
      ...app,
      'add',
      'ann@mail.test',
      '--label',
      'Phone',
      '--scope',
      'admin',
    ])
    assert.match(password, /^([a-z2-7]{4}-){4}[a-z2-7]{4}\n$/)
    const list = (await json(folder, [...app, 'list', 'ann@mail.test'])) as { id: number; label: string }[]
    assert.deepEqual(
      list.map(({ label }) => label),
      ['Phone'],
    )
    await done(folder, [...app, 'remove', 'ann@mail.test', String(list[0]?.id)])
    assert.match(await done(folder, [...app, 'list', 'ann@mail.test']), /No app passwords/)
    assert.match(await done(folder, ['account', 'sessions', 'list', 'ann@mail.test']), /No sessions/)
    assert.match(await done(folder, ['account', 'sessions', 'end', 'ann@mail.test']), /Ended 0/)
    assert.match(await done(folder, ['account', 'protection', 'ann@mail.test']), /authenticator app: off/)
    const late = await posthorn(folder, [...app, 'add', 'ann@mail.test', '--expires', 'soon'])
    assert.match(late.stderr, /"soon" is no duration/)
    const none = await posthorn(folder, ['account', 'totp', 'remove', 'ann@mail.test'])
    assert.match(none.stderr, /has no authenticator app/)
  })
}

test('a running server tells how it does; without one there is nothing to tell', async (context) => {
  const place = await temporaryPlace(context)
  const { folder } = place
  await writeConfig(folder, allListeners)
  const alone = await posthorn(folder, ['server', 'overview'])
  assert.match(alone.stderr, /No server runs/)
  await serve(place)
  await done(folder, ['domain', 'add', 'mail.test'])
  assert.match(await done(folder, ['server', 'overview']), /1 domains, 0 accounts/)
  assert.match(await done(folder, ['server', 'log']), /directory\.changed .*"domain-added"/)
  assert.match(await done(folder, ['server', 'sessions']), /Nobody is connected/)
  assert.match(await done(folder, ['server', 'trace', 'nobody@mail.test']), /Nothing is remembered/)
  assert.match(await done(folder, ['throttle', 'list']), /Nobody has guessed wrongly/)
})

test('fsck finds a planted fault and ends with 1', async (context) => {
  const { folder } = await temporaryPlace(context)
  await writeConfig(folder)
  await addPeople(folder)
  assert.match(await done(folder, ['fsck']), /^Clean: /)
  const file = join(folder, 'data', 'posthorn.db')
  using database = new DatabaseSync(file)
  database.exec("UPDATE account SET used_messages = used_messages + 1 WHERE address = 'ann@mail.test'")
  const found = await posthorn(folder, ['fsck', '--json'])
  assert.equal(found.code, 1, found.stderr)
  const findings = JSON.parse(found.stdout) as { check: string; message: string }[]
  assert.equal(findings.length, 1)
  assert.ok(findings[0] !== undefined && findings[0].check !== '' && findings[0].message !== '')
})

test('config check and explain: what is meant, where it came from, and the nearest name for a wrong one', async (context) => {
  const { folder } = await temporaryPlace(context)
  await writeConfig(folder, `smtp.maxRecipients = 777\n${allListeners}`)
  assert.match(
    await done(folder, ['config', 'check']),
    /^The configuration is sound: profile server, 3 listeners\./,
  )
  const explained = (await json(folder, ['config', 'explain', 'smtp.max'])) as {
    key: string
    value: unknown
    origin: string
  }[]
  const recipients = explained.find(({ key }) => key === 'smtp.maxRecipients')
  assert.equal(recipients?.value, 777)
  assert.match(recipients?.origin ?? '', /posthorn\.toml/)
  assert.equal(explained.find(({ key }) => key === 'smtp.maxErrors')?.origin, 'default')
  await writeConfig(folder, 'smtp.maxRecipient = 7\n')
  for (const command of [['config', 'check'], ['config', 'explain'], ['serve'], ['domain', 'list']]) {
    const refused = await posthorn(folder, command)
    assert.equal(refused.code, 3, command.join(' '))
    assert.match(refused.stderr, /smtp\.maxRecipient\b.*smtp\.maxRecipients|maxRecipients/s)
  }
})

test('--version, --help and what is no command', async (context) => {
  const { folder } = await temporaryPlace(context)
  assert.match(await done(folder, ['--version']), /^posthorn \d+\.\d+\.\d+ \(node 26\./)
  assert.match(await done(folder, ['--help']), /serve.*dev.*domain.*account/s)
  for (const wrong of [
    ['nonsense'],
    ['serve', '--nonsense'],
    ['account', 'add', 'a@b.test'],
    ['send', 'a@b.test'],
  ]) {
    const refused = await posthorn(folder, wrong)
    assert.equal(refused.code, 2, `${wrong.join(' ')}: ${refused.stderr}`)
    assert.doesNotMatch(refused.stderr, /\n\s+at /)
  }
})

test('send and read: unreachable servers and refused recipients are told with their own codes', async (context) => {
  const place = await temporaryPlace(context)
  const { folder } = place
  await writeConfig(folder, allListeners)
  await addPeople(folder)
  const server = await serve(place)
  const at = ['--server', `127.0.0.1:${server.port('smtp')}`, '--from', 'eve@example.org']
  const partly = await posthorn(folder, ['send', 'ann@mail.test', 'nobody@mail.test', ...at], 'x\n')
  assert.equal(partly.code, 1)
  assert.match(partly.stderr, /Refused recipients: nobody@mail\.test/)
  const raw = 'Subject: raw\r\n\r\n.as it is\r\n'
  await done(folder, ['send', 'ann@mail.test', ...at, '--raw', '-'], raw)
  const read = ['read', 'ann@mail.test', '--pop3', `127.0.0.1:${server.port('pop3')}`]
  const refused = await posthorn(folder, read)
  assert.notEqual(refused.code, 0)
  assert.notEqual(refused.code, 70, refused.stderr)
  await writeFile(join(folder, 'password'), 'secret\n')
  const messages = (await json(folder, [...read, '--password-file', 'password'])) as string[]
  assert.equal(messages.length, 2)
  assert.ok(messages[1]?.endsWith(raw), messages.join('\n'))
  const nobody = await posthorn(
    folder,
    ['send', 'a@b.test', '--from', 'c@d.test', '--server', '127.0.0.1:1'],
    'x',
  )
  assert.equal(nobody.code, 4)
})
