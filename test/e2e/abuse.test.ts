// Clients that misbehave: idle by the hundred, slow on purpose, gone in the middle. The next client must notice nothing.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LineSocket } from './line-socket.ts'
import {
  addPeople,
  allListeners,
  listener,
  type Place,
  type Served,
  serve,
  temporaryPlace,
  writeConfig,
} from './program.ts'
import type { TestContext } from 'node:test'

const idleConnections = Number(process.env['POSTHORN_IDLE'] ?? 500)

async function started(context: TestContext, config: string): Promise<{ place: Place; server: Served }> {
  const place = await temporaryPlace(context)
  await writeConfig(place.folder, config)
  await addPeople(place.folder)
  return { place, server: await serve(place) }
}

/** One message in, one out: what every test here ends with. */
async function serves(server: Served): Promise<void> {
  const smtp = await LineSocket.open(server.port('smtp'))
  assert.match((await smtp.reply()) ?? '', /^220 /)
  for (const line of ['EHLO client.test', 'MAIL FROM:<eve@example.org>', 'RCPT TO:<bob@mail.test>', 'DATA']) {
    assert.match((await smtp.command(line)) ?? '', /^[23]/, line)
  }
  assert.match((await smtp.command('Subject: still here\r\n\r\n.')) ?? '', /^250 /)
  smtp.close()
  const pop3 = await LineSocket.open(server.port('pop3'))
  await pop3.line()
  for (const line of ['USER bob@mail.test', 'PASS secret', 'DELE 1', 'QUIT']) {
    pop3.send(`${line}\r\n`)
    assert.match((await pop3.line()) ?? '', /^\+OK/, line)
  }
  pop3.close()
}

test(`${idleConnections} idle connections to each protocol do not stop service`, async (context) => {
  const many = 'net.maxConnectionsPerAddress = 20000\nnet.maxConnectionsPerPrefix = 20000\n'
  const { server } = await started(context, many + allListeners)
  const clients: LineSocket[] = []
  for (const service of ['smtp', 'imap', 'pop3']) {
    const opened = Array.from({ length: idleConnections }, async () => {
      const client = await LineSocket.open(server.port(service))
      clients.push(client)
      assert.match((await client.line()) ?? '', /^(220 |\* OK|\+OK)/)
    })
    await Promise.all(opened)
  }
  await serves(server)
  for (const client of clients) client.close()
})

/** Where a session can be when its client goes: what was sent, each line after the reply to the one before. */
const smtpStates: readonly (readonly string[])[] = [
  [],
  ['EHLO client.te'],
  ['EHLO client.test'],
  ['EHLO client.test', 'MAIL FROM:<eve@example.org>'],
  ['EHLO client.test', 'MAIL FROM:<eve@example.org>', 'RCPT TO:<ann@mail.test>'],
  ['EHLO client.test', 'MAIL FROM:<eve@example.org>', 'RCPT TO:<ann@mail.test>', 'DATA'],
  [
    'EHLO client.test',
    'MAIL FROM:<eve@example.org>',
    'RCPT TO:<ann@mail.test>',
    'DATA',
    'Subject: half\r\n\r\nhalf a li',
  ],
  ['EHLO client.test', 'MAIL FROM:<eve@example.org>', 'RCPT TO:<ann@mail.test>', 'BDAT 100', 'Subject: half'],
  ['EHLO client.test', 'QUIT'],
]

test('resets and half-closes in every state of SMTP leave no message and no session', async (context) => {
  const { place, server } = await started(context, allListeners)
  for (const state of smtpStates) {
    for (const end of ['reset', 'half-close'] as const) {
      const client = await LineSocket.open(server.port('smtp'))
      await client.reply()
      for (const [index, line] of state.entries()) {
        client.send(
          `${line}${index === state.length - 1 && !/^(DATA|QUIT|EHLO client\.test)$/.test(line) ? '' : '\r\n'}`,
        )
        if (index < state.length - 1) if (!line.startsWith('BDAT')) await client.reply()
      }
      if (end === 'reset') client.reset()
      else {
        client.halfClose()
        await client.rest()
        client.close()
      }
    }
  }
  await serves(server)
  const pop3 = await LineSocket.open(server.port('pop3'))
  place.ends.defer(() => pop3.close())
  await pop3.line()
  for (const line of ['USER ann@mail.test', 'PASS secret']) {
    pop3.send(`${line}\r\n`)
    await pop3.line()
  }
  pop3.send('STAT\r\n')
  assert.equal(await pop3.line(), '+OK 0 0')
})

test('a reset between the final dot and its reply: the message is there once or not at all', async (context) => {
  const { server } = await started(context, allListeners)
  for (let round = 0; round < 20; round++) {
    const client = await LineSocket.open(server.port('smtp'))
    await client.reply()
    for (const line of ['EHLO x.test', 'MAIL FROM:<>', 'RCPT TO:<ann@mail.test>', 'DATA'])
      await client.command(line)
    client.send(`Subject: ${round}\r\n\r\n.\r\n`)
    if (round % 2 === 0) client.reset()
    else client.halfClose()
    if (round % 2 === 1) {
      assert.match(await client.rest(), /^250 /, 'who only closed its side still hears the answer')
      client.close()
    }
  }
  await serves(server)
})

test('resets in every state of IMAP and POP3', async (context) => {
  const { server } = await started(context, allListeners)
  const imap = [
    'a CAPABI',
    'a LOGIN {13}',
    'a LOGIN ann@mail.test secret',
    'b SELECT INBOX',
    'c IDLE',
    'DONE',
    'd APPEND INBOX {1000}',
    'half',
  ]
  const pop3 = ['US', 'USER ann@mail.test', 'PASS secret', 'LIST', 'DELE 1']
  for (const [service, lines] of [
    ['imap', imap],
    ['pop3', pop3],
  ] as const) {
    for (let count = 0; count <= lines.length; count++) {
      const client = await LineSocket.open(server.port(service))
      await client.line()
      for (const line of lines.slice(0, count)) client.send(`${line}\r\n`)
      client.reset()
    }
  }
  await serves(server)
})

test('who is slow on purpose is sent away in time, with a reason', async (context) => {
  const short = `smtp.commandTimeout = "2s"
smtp.dataTimeout = "2s"
imap.loginDeadline = "2s"
pop3.loginTimeout = "2s"
`
  const { server } = await started(context, short + allListeners)
  const drip = async (service: string, first: readonly string[], farewell: RegExp): Promise<void> => {
    const client = await LineSocket.open(server.port(service))
    await client.reply()
    for (const line of first) await client.command(line)
    let open = true
    const dripping = setInterval(() => open && client.send('x'), 50)
    const rest = await client.rest()
    open = false
    clearInterval(dripping)
    assert.match(rest, farewell, service)
    client.close()
  }
  await Promise.all([
    drip('smtp', [], /^421 /m),
    drip('smtp', ['EHLO x.test', 'MAIL FROM:<>', 'RCPT TO:<ann@mail.test>', 'DATA'], /^421 /m),
    drip('imap', [], /^\* BYE /m),
    // RFC 1939 §3: closed without a response.
    drip('pop3', [], /^$/),
  ])
  await serves(server)
})

test('connections over the limit of an address hear why, in the words of the protocol', async (context) => {
  const { server } = await started(
    context,
    `net.maxConnectionsPerAddress = 3\n${allListeners + listener('smtp', 'implicit')}`,
  )
  for (const [service, refusal] of [
    ['smtp', /^421 4\.7\.0 /],
    ['imap', /^\* BYE /],
    ['pop3', /^-ERR /],
  ] as const) {
    const clients = await Promise.all([1, 2, 3].map(() => LineSocket.open(server.port(service))))
    for (const client of clients) assert.match((await client.line()) ?? '', /^(220 |\* OK|\+OK)/)
    const fourth = await LineSocket.open(server.port(service))
    assert.match(await fourth.rest(), refusal)
    fourth.close()
    for (const client of clients) client.close()
  }
})
