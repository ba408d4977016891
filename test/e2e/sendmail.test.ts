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
  peer.close()
  const refused = await posthorn(folder, ['attach', 'ann@mail.test'], 'wrong\n')
  assert.equal(refused.code, 1, refused.stderr)
  await server.stop()
  assert.equal((await posthorn(folder, ['attach', 'ann@mail.test'], 'secret\n')).code, 4)
})
