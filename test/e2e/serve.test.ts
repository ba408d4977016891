// `posthorn serve` and `posthorn dev` as processes: how they start, what they refuse, how they stop.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { LineSocket } from './line-socket.ts'
import {
  addPeople,
  allListeners,
  done,
  json,
  listener,
  posthorn,
  serve,
  temporaryPlace,
  writeConfig,
} from './program.ts'

test('prints each listener with its port, then `ready`; SIGTERM ends it with 0', async (context) => {
  const place = await temporaryPlace(context)
  const { folder } = place
  await writeConfig(folder, allListeners + listener('imap', 'implicit'))
  const server = await serve(place)
  assert.match(
    server.lines.join('\n'),
    /^(listening (smtp|imap|pop3) 127\.0\.0\.1:\d+ (none|implicit)\n){4}ready$/,
  )
  const client = await LineSocket.open(server.port('smtp'))
  assert.match((await client.reply()) ?? '', /^220 mail\.test /)
  const stopped = server.stop()
  assert.match(await client.rest(), /^421 /)
  client.close()
  assert.equal(await stopped, 0)
})

test('--json prints the same as JSON lines', async (context) => {
  const place = await temporaryPlace(context)
  const { folder } = place
  await writeConfig(folder, listener('smtp', 'starttls'))
  const { lines } = await serve(place, { command: ['serve', '--json'] })
  assert.equal(lines.length, 2)
  const first = JSON.parse(lines[0] ?? '') as { listening: { port: number } }
  const { port, ...rest } = first.listening
  assert.ok(port > 0)
  assert.deepEqual(rest, { service: 'smtp', tls: 'starttls', address: '127.0.0.1' })
  assert.deepEqual(JSON.parse(lines[1] ?? ''), { ready: true })
})

test('a second server on the same folder is refused, with the reason', async (context) => {
  const place = await temporaryPlace(context)
  const { folder } = place
  await writeConfig(folder, listener('smtp'))
  await serve(place)
  const second = await posthorn(folder, ['serve'])
  assert.equal(second.code, 4)
  assert.equal(second.stdout, '')
  assert.match(second.stderr, /^posthorn: .*(in use|locked|another)/i)
  assert.doesNotMatch(second.stderr, /\n\s+at /)
})

test('a port that is taken is refused, with what to do', async (context) => {
  const place = await temporaryPlace(context)
  const { folder } = place
  const { folder: other } = await temporaryPlace(context)
  await writeConfig(folder, listener('smtp'))
  const server = await serve(place)
  await writeConfig(other, listener('smtp', 'none', server.port('smtp')))
  const second = await posthorn(other, ['serve'])
  assert.equal(second.code, 4)
  assert.match(second.stderr, /EADDRINUSE.*Choose another port/)
})

/** Sends numbered messages until the server ends the session; gives the numbers that were answered 250. */
async function sendUntilEnd(port: number, name: string, onAccepted: () => void): Promise<string[]> {
  const client = await LineSocket.open(port)
  const accepted: string[] = []
  await client.reply()
  await client.command('EHLO client.test')
  for (let number = 0; ; number++) {
    const subject = `${name}.${number}`
    client.send('MAIL FROM:<eve@example.org>\r\nRCPT TO:<ann@mail.test>\r\nDATA\r\n')
    const replies = [await client.reply(), await client.reply(), await client.reply()]
    if (replies.some((reply) => reply === undefined || reply.startsWith('421'))) break
    const last = await client.command(`Subject: ${subject}\r\n\r\n${'text\r\n'.repeat(20)}.`)
    if (last === undefined || last.startsWith('421')) break
    assert.match(last, /^250 /)
    accepted.push(subject)
    onAccepted()
  }
  assert.equal(
    await client.rest(),
    '',
    `${name} was cut in the middle of a reply, or heard more after its 421`,
  )
  client.close()
  return accepted
}

test('SIGTERM under load: done in 10 s, no accepted message lost, no reply cut', async (context) => {
  const place = await temporaryPlace(context)
  const { folder } = place
  await writeConfig(folder, allListeners)
  await addPeople(folder)
  const server = await serve(place)
  const enough = Promise.withResolvers<void>()
  let count = 0
  const onAccepted = (): void => {
    if (++count === 100) enough.resolve()
  }
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
  const sessions = names.map((name) => sendUntilEnd(server.port('smtp'), name, onAccepted))
  await enough.promise
  const from = performance.now()
  assert.equal(await server.stop(), 0)
  assert.ok(performance.now() - from < 10_000, 'the stop took more than 10 s')
  const accepted = (await Promise.all(sessions)).flat().toSorted()
  assert.deepEqual(JSON.parse(await done(folder, ['fsck', '--json'])), [])
  const again = await serve(place)
  const password = ['--password-file', await passwordFile(folder)]
  const read = ['read', 'ann@mail.test', '--pop3', `127.0.0.1:${again.port('pop3')}`]
  const messages = (await json(folder, [...read, ...password])) as string[]
  const found = messages.map((text) => /^Subject: (.*?)\r$/m.exec(text)?.[1] ?? '')
  const lost = accepted.filter((subject) => !found.includes(subject))
  assert.deepEqual(lost, [])
  assert.equal(new Set(found).size, found.length, 'a message is there twice')
})

async function passwordFile(folder: string): Promise<string> {
  await writeFile(`${folder}/password`, 'secret\n')
  return 'password'
}

test('dev: catches what `send` sends and shows it to `read`, whoever it was for', async (context) => {
  const place = await temporaryPlace(context)
  const { folder } = place
  const config = listener('catcher', 'starttls') + listener('imap', 'starttls') + listener('pop3', 'starttls')
  await writeConfig(folder, config)
  const command = ['dev', '--config', 'posthorn.toml', '--data', 'caught']
  const server = await serve(place, { command, fsck: false })
  assert.match(server.lines[0] ?? '', /Every recipient is accepted, and nothing leaves this machine/)
  const to = ['send', 'anyone@anywhere.example', 'else@other.example', '--from', 'me@here.example']
  const at = ['--subject', 'Grüße', '--server', `127.0.0.1:${server.port('smtp')}`]
  const sent = (await json(folder, [...to, ...at], 'Hallo\n')) as { accepted: string[]; response: string }
  assert.deepEqual(sent.accepted, ['anyone@anywhere.example', 'else@other.example'])
  assert.match(sent.response, /^250 /)
  const pop3 = ['--pop3', `127.0.0.1:${server.port('pop3')}`]
  for (const address of sent.accepted) {
    assert.match(await done(folder, ['read', address, ...pop3]), /Hallo/)
    assert.equal(((await json(folder, ['read', address, '--last', ...pop3])) as string[]).length, 1)
  }
  assert.match(await done(folder, ['read', 'nobody@anywhere.example', ...pop3]), /^No mail for /)
})

test('a second SIGTERM does not wait', async (context) => {
  const place = await temporaryPlace(context)
  const { folder } = place
  await writeConfig(folder, `net.stopTimeout = "1h"\nlog.level = "debug"\n${allListeners}`)
  await addPeople(folder)
  const server = await serve(place)
  // A message half sent: the first signal waits for the rest of it.
  const client = await LineSocket.open(server.port('smtp'))
  for (const line of ['EHLO client.test', 'MAIL FROM:<>', 'RCPT TO:<ann@mail.test>', 'DATA'])
    await client.command(line)
  process.kill(server.pid, 'SIGTERM')
  await server.logged('server.stopping')
  const ending = await server.stop()
  assert.ok(ending === 'SIGTERM' || ending === 0, String(ending))
  client.close()
})
