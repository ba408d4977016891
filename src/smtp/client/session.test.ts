// Sessions: greeting, EHLO and its fall-back, STARTTLS, AUTH, the other verbs, and how they end.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '../../base/secret.ts'
import { SeededRandom } from '../../base/seeded-random.ts'
import { ScriptedServer } from '../../../test/support/scripted-server.ts'
import { greetedScene, openScene, outgoing, summary } from '../../../test/support/smtp-client.ts'

test('a greeting and EHLO open a session that knows what is offered', async () => {
  const { server, opened, dialogue } = openScene()
  assert.equal(
    await server.greet(
      'PIPELINING',
      'size 5000',
      'AUTH PLAIN scram-sha-256',
      'LIMITS RCPTMAX=20 rcptdomainmax=3',
    ),
    'EHLO relay.example.org',
  )
  const result = await opened
  assert.equal(result.type, 'open')
  const { capabilities, greeting } = result.session
  assert.equal(greeting.verbatim, '220 mx.example.net ESMTP')
  assert.equal(capabilities.serverName, 'mx.example.net')
  assert.equal(capabilities.greeted, 'EHLO')
  assert.equal(capabilities.size, 5000)
  assert.deepEqual(capabilities.auth, ['PLAIN', 'SCRAM-SHA-256'])
  assert.deepEqual(capabilities.limits, { mailMax: null, rcptMax: 20, rcptDomainMax: 3 })
  assert.equal(capabilities.chunking, false)
  assert.equal(result.session.reusable, true)
  assert.deepEqual(dialogue.slice(0, 3), [
    { direction: 'S', text: '220 mx.example.net ESMTP' },
    { direction: 'C', text: 'EHLO relay.example.org' },
    { direction: 'S', text: '250-mx.example.net' },
  ])
})

test('greetings that are none', async () => {
  for (const [greeting, type] of [
    ['554 5.3.2 no mail here', 'refused'],
    ['521 5.3.2 host does not accept mail', 'refused'],
    ['450 4.3.2 later', 'refused'],
    ['354 what', 'ended'],
    ['421 4.3.2 too many connections', 'refused'],
    ['HTTP/1.1 400 Bad Request', 'ended'],
  ] as const) {
    const { server, opened } = openScene()
    server.say(greeting)
    const result = await opened
    assert.equal(result.type, type, greeting)
    if (result.type === 'refused') assert.equal(result.stage, 'greeting')
    await server.closed()
  }
})

test('a server that hangs or closes before its greeting', async () => {
  const hanging = openScene({ timeouts: { greeting: 1000 } })
  await hanging.clock.advance('1s')
  assert.deepEqual(await hanging.opened, {
    type: 'ended',
    ending: { type: 'timed-out', stage: 'greeting', milliseconds: 1000 },
  })
  const closing = openScene()
  closing.server.connection.end()
  const result = await closing.opened
  assert.equal(result.type === 'ended' ? result.ending.type : '', 'lost')
})

test('a server without EHLO is greeted with HELO (RFC 5321 §3.2)', async () => {
  const { server, opened } = openScene()
  server.say('220 old')
  assert.equal(await server.line(), 'EHLO relay.example.org')
  server.say('502 5.5.2 what')
  assert.equal(await server.line(), 'HELO relay.example.org')
  server.say('250-old', '250 PIPELINING')
  const result = await opened
  assert.equal(result.type, 'open')
  assert.equal(result.session.capabilities.greeted, 'HELO')
  assert.equal(result.session.capabilities.pipelining, false)
})

test('EHLO refused for now, or HELO too, ends it', async () => {
  for (const replies of [['451 later'], ['550 no', '550 never']]) {
    const { server, opened } = openScene()
    server.say('220 hi')
    for (const reply of replies) {
      await server.line()
      server.say(reply)
    }
    const result = await opened
    assert.equal(result.type === 'refused' ? result.stage : '', 'hello')
    assert.equal(await server.line(), 'QUIT')
  }
})

test('why EHLO is refused is told where the server goes then', async () => {
  for (const last of ['421 4.3.0 Bye', null]) {
    const { server, opened } = openScene()
    server.say('220 hi')
    await server.line()
    server.say('550 5.7.1 Not from there')
    assert.equal(await server.line(), 'HELO relay.example.org')
    if (last === null) server.connection.end()
    else server.say(last)
    const result = await opened
    assert.deepEqual(result.type === 'refused' && [result.stage, result.reply.code], ['hello', 550])
    assert.match(result.type === 'refused' ? result.reply.verbatim : '', /Not from there/)
  }
})

test('LMTP says LHLO and nothing else', async () => {
  const { server, opened } = openScene({ dialect: 'lmtp' })
  assert.equal(await server.greet('PIPELINING'), 'LHLO relay.example.org')
  assert.equal((await opened).type, 'open')
})

test('STARTTLS, and EHLO again: what was offered in the clear is forgotten', async () => {
  const { server, session, dialogue } = await greetedScene(['STARTTLS', 'AUTH LOGIN'])
  const started = session.startTls({ serverName: 'mx.example.net' })
  assert.equal(await server.line(), 'STARTTLS')
  server.say('220 go')
  await server.connection.startTls()
  assert.equal(await server.line(), 'EHLO relay.example.org')
  server.say('250-mx.example.net', '250 AUTH PLAIN')
  const result = await started
  assert.equal(result.type, 'done')
  assert.equal(session.tls?.serverName, 'mx.example.net')
  assert.equal(session.capabilities.startTls, false)
  assert.deepEqual(session.capabilities.auth, ['PLAIN'])
  assert.ok(dialogue.some(({ direction, text }) => direction === 'tls' && text.startsWith('TLSv1.3')))
})

test('STARTTLS refused leaves the session as it is', async () => {
  const { server, session } = await greetedScene(['STARTTLS'])
  const started = session.startTls({ serverName: null })
  await server.line()
  server.say('454 4.7.0 not now')
  const result = await started
  assert.equal(result.type === 'refused' ? result.stage : '', 'tls')
  assert.equal(session.ending, null)
})

test('octets injected behind the reply to STARTTLS end the session', async () => {
  for (const injected of ['250 fake\r\n', '250', '250-half\r\n']) {
    const { server, session } = await greetedScene(['STARTTLS'])
    const started = session.startTls({ serverName: null })
    await server.line()
    server.sayRaw(`220 go\r\n${injected}`)
    const result = await started
    assert.equal(result.type, 'ended')
    assert.equal(session.ending?.type, 'nonsense')
    await server.closed()
  }
})

test('a handshake that fails or never ends', async () => {
  const failing = await greetedScene(['STARTTLS'], { network: { faults: { handshake: 'fails' } } })
  const started = failing.session.startTls({ serverName: null })
  await failing.server.line()
  failing.server.say('220 go')
  const result = await started
  assert.equal(result.type === 'ended' ? result.ending.type : '', 'handshake-failed')
  const hanging = await greetedScene(['STARTTLS'], { timeouts: { startTls: 30_000 } })
  const waiting = hanging.session.startTls({ serverName: null })
  await hanging.server.line()
  hanging.server.say('220 go')
  await hanging.clock.advance('30s')
  const late = await waiting
  assert.deepEqual(late.type === 'ended' ? late.ending : null, {
    type: 'timed-out',
    stage: 'tls',
    milliseconds: 30_000,
  })
})

const identity = { type: 'password', username: 'ann', password: new Secret('geheim') } as const
const random = new SeededRandom(3)

test('AUTH PLAIN, where the clear is allowed; the dialogue shows no secret', async () => {
  const { server, session, dialogue } = await greetedScene(['AUTH PLAIN LOGIN'])
  assert.deepEqual(await session.authenticate({ identity, random }), {
    type: 'no-mechanism',
    offered: ['PLAIN', 'LOGIN'],
  })
  const done = session.authenticate({ identity, random, inTheClear: 'allowed' })
  assert.equal(await server.line(), `AUTH PLAIN ${Buffer.from('\0ann\0geheim').toString('base64')}`)
  server.say('235 2.7.0 welcome')
  assert.deepEqual(await done, { type: 'done', mechanism: 'PLAIN' })
  const shown = dialogue.map(({ text }) => text).join('\n')
  assert.match(shown, /AUTH PLAIN \(secret\)/)
  assert.ok(!shown.includes(Buffer.from('geheim').toString('base64').slice(0, 6)))
})

test('AUTH LOGIN answers the prompts', async () => {
  const { server, session } = await greetedScene(['AUTH LOGIN'])
  const done = session.authenticate({ identity, random, inTheClear: 'allowed' })
  assert.equal(await server.line(), 'AUTH LOGIN')
  server.say('334 VXNlcm5hbWU6')
  assert.equal(await server.line(), Buffer.from('ann').toString('base64'))
  server.say('334 UGFzc3dvcmQ6')
  assert.equal(await server.line(), Buffer.from('geheim').toString('base64'))
  server.say('535 5.7.8 no')
  const result = await done
  assert.equal(result.type === 'refused' ? result.reply.code : 0, 535)
  assert.equal(session.ending, null)
})

test('a server that welcomes before SCRAM has proven it is an impostor', async () => {
  const { server, session } = await greetedScene(['AUTH SCRAM-SHA-256 PLAIN'])
  const done = session.authenticate({ identity, random })
  assert.match(await server.line(), /^AUTH SCRAM-SHA-256 /)
  server.say('235 2.7.0 welcome')
  assert.equal((await done).type, 'not-authentic')
  assert.equal(session.ending?.type, 'nonsense')
})

test('a challenge that is none is cancelled', async () => {
  const { server, session } = await greetedScene(['AUTH SCRAM-SHA-256'])
  const done = session.authenticate({ identity, random })
  await server.line()
  server.say('334 !!!')
  assert.equal(await server.line(), '*')
  server.say('501 5.7.0 cancelled')
  assert.equal((await done).type, 'not-authentic')
})

test('long first responses go without the command', async () => {
  const { server, session } = await greetedScene(['AUTH PLAIN'])
  const long = { ...identity, password: new Secret('x'.repeat(500)) }
  const done = session.authenticate({ identity: long, random, inTheClear: 'allowed' })
  assert.equal(await server.line(), 'AUTH PLAIN')
  server.say('334 ')
  assert.equal(await server.line(), Buffer.from(`\0ann\0${'x'.repeat(500)}`).toString('base64'))
  server.say('235 ok')
  assert.equal((await done).type, 'done')
})

test('tokens and certificates have their mechanisms', async () => {
  const token = { type: 'token', username: 'ann@example.org', token: new Secret('ya29') } as const
  const google = await greetedScene(['AUTH PLAIN XOAUTH2 OAUTHBEARER'])
  const refused = google.session.authenticate({ identity: token, random, inTheClear: 'allowed' })
  const xoauth2 = Buffer.from('user=ann@example.org\x01auth=Bearer ya29\x01\x01').toString('base64')
  assert.equal(await google.server.line(), `AUTH XOAUTH2 ${xoauth2}`)
  google.server.say(`334 ${Buffer.from('{"status":"401"}').toString('base64')}`)
  assert.equal(await google.server.line(), '')
  google.server.say('535 5.7.8 expired')
  assert.equal((await refused).type, 'refused')
  const bearer = google.session.authenticate({
    identity: { ...token, host: 'smtp.example.net' },
    random,
    inTheClear: 'allowed',
  })
  assert.match(await google.server.line(), /^AUTH OAUTHBEARER /)
  google.server.say('235 ok')
  assert.deepEqual(await bearer, { type: 'done', mechanism: 'OAUTHBEARER' })
  // Without TLS no certificate was shown.
  const clear = await greetedScene(['AUTH EXTERNAL CRAM-MD5'])
  const none = await clear.session.authenticate({ identity: { type: 'certificate' }, random })
  assert.equal(none.type, 'no-mechanism')
  const digest = clear.session.authenticate({ identity, random })
  assert.equal(await clear.server.line(), 'AUTH CRAM-MD5')
  clear.server.say(`334 ${Buffer.from('<1@x>').toString('base64')}`)
  assert.match(Buffer.from(await clear.server.line(), 'base64').toString(), /^ann [0-9a-f]{32}$/)
  clear.server.say('235 ok')
  assert.deepEqual(await digest, { type: 'done', mechanism: 'CRAM-MD5' })
})

test('ETRN, NOOP and RSET', async () => {
  const { server, session } = await greetedScene(['ETRN'])
  const results = Promise.all([session.etrn('@example.org'), session.noop(), session.reset()])
  assert.equal(await server.line(), 'ETRN @example.org')
  server.say('253 5 pending messages')
  assert.equal(await server.line(), 'NOOP')
  server.say('500 what')
  assert.equal(await server.line(), 'RSET')
  server.say('250 ok')
  assert.deepEqual(
    (await results).map(({ type }) => type),
    ['done', 'refused', 'done'],
  )
  await assert.rejects(async () => session.etrn('a\r\nDATA'), RangeError)
})

test('ATRN gives the connection back, silent, for the other role (RFC 2645)', async () => {
  const { server, session } = await greetedScene(['ATRN'])
  const turned = session.atrn(['example.org', 'example.com'])
  assert.equal(await server.line(), 'ATRN example.org,example.com')
  server.say('250 OK now reversing the connection')
  const result = await turned
  assert.equal(result.type, 'turned')
  const customer = new ScriptedServer(result.connection)
  customer.say('220 example.org ready')
  assert.equal(await server.line(), '220 example.org ready')
  server.say('EHLO provider')
  assert.equal(await customer.line(), 'EHLO provider')
  assert.equal(session.ending?.type, 'closed')
  const refused = await greetedScene([])
  const turn = refused.session.turn()
  assert.equal(await refused.server.line(), 'TURN')
  refused.server.say('502 5.5.1 no')
  assert.equal((await turn).type, 'refused')
  assert.equal(refused.session.ending, null)
})

test('XFORWARD and XCLIENT say what they may', async () => {
  const { server, session } = await greetedScene(['XFORWARD NAME ADDR', 'XCLIENT ADDR LOGIN'])
  const forwarded = session.xforward({ name: 'spike.example', addr: '192.0.2.1', proto: 'ESMTP' })
  assert.equal(await server.line(), 'XFORWARD NAME=spike.example ADDR=192.0.2.1')
  server.say('250 ok')
  assert.equal((await forwarded).type, 'done')
  const client = session.xclient({ login: 'ann+x y' })
  assert.equal(await server.line(), 'XCLIENT LOGIN=ann+2Bx+20y')
  server.say('220 again')
  assert.equal(await server.line(), 'EHLO relay.example.org')
  server.say('250 mx')
  assert.equal((await client).type, 'done')
  assert.equal(session.capabilities.xclient, null)
})

test('QUIT goes behind what is under way', async () => {
  const { server, session } = await greetedScene(['PIPELINING'])
  const sent = session.send(outgoing())
  const quit = session.quit()
  await server.lines(3)
  server.say('250 ok', '250 ok', '354 go')
  await server.dotted()
  assert.equal(await server.line(), 'QUIT')
  server.say('250 ok', '221 bye')
  await quit
  assert.deepEqual(summary(await sent), ['accepted'])
  assert.deepEqual(await session.ended, { type: 'closed', stage: 'idle' })
  await server.closed()
})

test('a server that does not answer QUIT is left soon', async () => {
  const { clock, server, session } = await greetedScene([])
  const quit = session.quit()
  await server.line()
  await clock.advance('5s')
  await quit
  await server.closed()
})

test('close ends everything at once', async () => {
  const { server, session } = await greetedScene(['PIPELINING'])
  const sent = session.send(outgoing())
  await server.lines(3)
  session.close()
  assert.deepEqual(summary(await sent), ['lost closed'])
  await server.closed()
})

test('room for the next comes when nobody waits', async () => {
  const { server, session } = await greetedScene(['PIPELINING'])
  void session.send(outgoing())
  await session.roomForNext()
  void session.send(outgoing())
  let room = false
  const waiting = session.roomForNext().then(() => {
    room = true
  })
  await server.lines(3)
  assert.equal(room, false)
  server.say('250 ok', '250 ok', '354 go')
  await waiting
  session.close()
})
