// sendmail(1) and its links as programs call them, and SEND to a terminal that `posthorn attach` opened.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { run } from '../interop/tool.ts'
import { openFarHost } from './far-host.ts'
import { LineSocket } from './line-socket.ts'
import { addPeople, done, json, listener, posthorn, serve, temporaryPlace, writeConfig } from './program.ts'

const binary = fileURLToPath(new URL('../../bin/posthorn.js', import.meta.url))

test('sendmail: flags, links and the exit codes of sysexits.h', async (context) => {
  const place = await temporaryPlace(context)
  const { folder } = place
  await writeConfig(folder, listener('smtp') + listener('pop3'))
  await addPeople(folder)
  const server = await serve(place)
  await done(folder, ['sendmail', '-i', '-f', 'eve@far.test', 'ann'], 'Subject: one\n\nbefore\n.\nafter\n')
  const header = 'To: Ann <ann@mail.test>\nBcc: bob@mail.test\nSubject: two\n\nHello.\n'
  await done(folder, ['sendmail', '-t', '-F', 'A "B"', '-fbob@mail.test'], header)
  const session =
    'HELO x\r\nMAIL FROM:<bob@mail.test>\r\nRCPT TO:<ann@mail.test>\r\nDATA\r\nSubject: three\r\n\r\nx\r\n.\r\nQUIT\r\n'
  assert.match(await done(folder, ['sendmail', '-bs'], session), /^220 .*\r\n250 .*\r\n(.*\r\n)*221 /)
  await writeFile(join(folder, 'password'), 'secret\n')
  const at = ['--pop3', `127.0.0.1:${server.port('pop3')}`, '--password-file', 'password']
  const texts = (await json(folder, ['read', 'ann@mail.test', ...at])) as string[]
  assert.deepEqual(
    texts.map((text) => /^Subject: (.*)\r$/m.exec(text)?.[1]),
    ['one', 'two', 'three'],
  )
  assert.match(texts[0] ?? '', /before\r\n\.\r\nafter/)
  assert.match(texts[1] ?? '', /^From: "A \\"B\\"" <bob@mail\.test>\r$/m)
  assert.doesNotMatch(texts[1] ?? '', /^Bcc:/m)
  assert.match(((await json(folder, ['read', 'bob@mail.test', ...at])) as string[])[0] ?? '', /Subject: two/)
  for (const [name, printed] of [
    ['mailq', /queue is empty/],
    ['newaliases', /posthorn alias list/],
  ] as const) {
    await symlink(binary, join(folder, name))
    const ended = await run(process.execPath, [join(folder, name)], { home: folder })
    assert.equal(ended.code, 0, ended.stderr)
    assert.match(ended.stdout, printed)
  }
  for (const [parameters, code] of [
    [['-Z', 'ann@mail.test'], 64],
    [['-bd'], 64],
    [[], 64],
    [['-N', 'sometimes', 'ann@mail.test'], 64],
    [['nobody@mail.test'], 67],
  ] as const) {
    const ended = await posthorn(folder, ['sendmail', ...parameters], 'Subject: x\n\nx\n')
    assert.equal(ended.code, code, `${parameters.join(' ')}: ${ended.stderr}`)
  }
  await server.stop()
  const elsewhere = ['sendmail', '--config', 'no.toml', 'ann@mail.test']
  assert.equal((await posthorn(folder, elsewhere, 'Subject: x\n\nx\n')).code, 78)
})

test('sendmail: -N, -R and -V reach the next host (RFC 3461), -q has the queue try again, and a code says what to do', async (context) => {
  const place = await temporaryPlace(context)
  const { folder } = place
  let busy = true
  const far = await openFarHost(context, (line) =>
    busy && line.startsWith('RCPT') ? '451 4.7.1 Later' : undefined,
  )
  const route = `\n[[relay.routes]]\nkind = "host"\nhost = "127.0.0.1"\nport = ${far.port}\ntls = "none"\n`
  // Nobody listens there.
  const milter = `\n[[hooks.milters]]\nname = "gone"\nport = 1\nservices = ["submission"]\n`
  await writeConfig(folder, route + listener('smtp'))
  await addPeople(folder)
  const server = await serve(place)
  const flags = ['-N', 'success,delay', '-R', 'hdrs', '-V', 'E+1', '-f', 'ann@mail.test']
  await done(folder, ['sendmail', ...flags, 'joe@far.test'], 'Subject: x\n\nx\n')
  const tried = (): string[] => far.commands.filter((line) => line.startsWith('RCPT'))
  while (tried().length < 1) await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(far.commands.find((line) => line.startsWith('MAIL'))?.match(/RET=\S+|ENVID=\S+/g), [
    'RET=HDRS',
    'ENVID=E+2B1',
  ])
  assert.match(tried()[0] ?? '', /NOTIFY=SUCCESS,DELAY\b/)
  busy = false
  // What was put off is due in minutes; -q asks for it now.
  while (far.messages.length === 0) assert.equal(await done(folder, ['sendmail', '-q']), '')
  const never = ['sendmail', '-N', 'never', '-f', 'ann@mail.test', 'joe@far.test']
  await done(folder, never, 'Subject: x\n\nx\n')
  await far.received(2)
  assert.match(tried().at(-1) ?? '', /NOTIFY=NEVER\b/)
  await server.stop()
  await writeConfig(folder, milter + listener('smtp'))
  const later = await posthorn(folder, ['sendmail', 'ann@mail.test'], 'Subject: x\n\nx\n')
  assert.equal(later.code, 75, later.stderr)
  await writeConfig(folder, 'nonsense = 1\n')
  assert.equal((await posthorn(folder, ['sendmail', 'ann@mail.test'], 'x\n')).code, 78)
  await writeConfig(folder)
})

test('sendmail: a defect of ours is 70, and the message is not taken for sent', async (context) => {
  const { folder } = await temporaryPlace(context)
  await writeConfig(folder)
  await addPeople(folder)
  const broken = 'data:text/javascript,Buffer.concat=()=>{throw new TypeError("broken")}'
  const argv = ['--import', broken, binary, 'sendmail', 'ann@mail.test']
  const ended = await run(process.execPath, argv, { home: folder, input: 'Subject: x\n\nx\n' })
  assert.equal(ended.code, 70, ended.stderr)
  assert.match(ended.stderr, /This is a defect of Posthorn/)
})

test('attach: what SEND brings is shown without what a terminal would obey, until Ctrl-C', async (context) => {
  const place = await temporaryPlace(context)
  const { folder } = place
  await writeConfig(folder, `smtp.send = true\n${listener('smtp')}`)
  await addPeople(folder)
  const server = await serve(place)
  const child = spawn(process.execPath, [binary, 'attach', 'ann@mail.test'], {
    cwd: folder,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin.end('secret\n')
  const ended = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  assert.match(String((await lines.next()).value), /^Attached to ann@mail\.test/)
  const peer = await LineSocket.open(server.port('smtp'))
  await peer.reply()
  const say = async (command: string, code: RegExp): Promise<void> => {
    assert.match((await peer.command(command)) ?? 'closed', code, command)
  }
  await say('EHLO far.test', /^250/)
  await say('SEND FROM:<eve@far.test>', /^250/)
  await say('RCPT TO:<bob@mail.test>', /^450/)
  await say('RCPT TO:<ann@mail.test>', /^250/)
  await say('DATA', /^354/)
  await say('Subject: a\u001b[2Jb\r\n\r\nlook\u001b]0;title\u0007 here\r\n.', /^250/)
  const shown: string[] = []
  while (!shown.some((line) => line.includes('here'))) shown.push(String((await lines.next()).value))
  assert.match(shown.join('\n'), /^\n\[\d\d:\d\d\] eve@far\.test: a/)
  assert.doesNotMatch(shown.join('\n'), /[\u0007\u001b]/)
  child.kill('SIGINT')
  assert.deepEqual(await ended, [0, null])
  await say('SEND FROM:<eve@far.test>', /^250/)
  // The server learns of it in its own time.
  while (!(await peer.command('RCPT TO:<ann@mail.test>'))?.startsWith('450'));
  peer.close()
  const refused = await posthorn(folder, ['attach', 'ann@mail.test'], 'wrong\n')
  assert.equal(refused.code, 1, refused.stderr)
  await server.stop()
  assert.equal((await posthorn(folder, ['attach', 'ann@mail.test'], 'secret\n')).code, 4)
})

test('attach: SOML is shown or else filed, SAML is both (RFC 821 §3.4)', async (context) => {
  const place = await temporaryPlace(context)
  const { folder } = place
  await writeConfig(folder, `smtp.send = true\n${listener('smtp')}${listener('pop3')}`)
  await addPeople(folder)
  const server = await serve(place)
  await writeFile(join(folder, 'password'), 'secret\n')
  const at = ['--pop3', `127.0.0.1:${server.port('pop3')}`, '--password-file', 'password']
  const filed = async (): Promise<(string | undefined)[]> => {
    const texts = (await json(folder, ['read', 'ann@mail.test', ...at])) as string[]
    return texts.map((text) => /^Subject: (.*)\r$/m.exec(text)?.[1])
  }
  const peer = await LineSocket.open(server.port('smtp'))
  await peer.reply()
  await peer.command('EHLO far.test')
  const send = async (verb: string, subject: string): Promise<void> => {
    for (const line of [`${verb} FROM:<eve@far.test>`, 'RCPT TO:<ann@mail.test>', 'DATA']) {
      assert.match((await peer.command(line)) ?? 'closed', /^[23]/, line)
    }
    assert.match((await peer.command(`Subject: ${subject}\r\n\r\nhello\r\n.`)) ?? 'closed', /^250/)
  }
  await send('SOML', 'nobody there')
  await send('SAML', 'nobody there either')
  assert.deepEqual(await filed(), ['nobody there', 'nobody there either'])
  const child = spawn(process.execPath, [binary, 'attach', '--json', 'ann@mail.test'], {
    cwd: folder,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin.end('secret\n')
  const ended = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const told = async (): Promise<unknown> => JSON.parse(String((await lines.next()).value))
  assert.deepEqual(await told(), { type: 'attached', address: 'ann@mail.test' })
  for (const [verb, subject] of [
    ['SOML', 'shown alone'],
    ['SAML', 'shown and filed'],
    ['SEND', 'shown, as ever'],
  ] as const) {
    await send(verb, subject)
    const { message } = (await told()) as { message: { subject: string; from: string; to: string } }
    assert.deepEqual([message.subject, message.from, message.to], [subject, 'eve@far.test', 'ann@mail.test'])
  }
  assert.deepEqual(await filed(), ['nobody there', 'nobody there either', 'shown and filed'])
  // The server's end is the terminal's, too.
  peer.close()
  await server.stop()
  assert.deepEqual(await ended, [4, null])
})
