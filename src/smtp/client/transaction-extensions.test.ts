// Extensions in a transaction: parameters, LIMITS, and LMTP with its reply for each recipient.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plainMessageOptions, plainRecipientOptions } from '../../mail/delivery-options.ts'
import { greetedScene, outgoing, summary } from '../../../test/support/smtp-client.ts'

const envelope = 'MAIL FROM:<a@example.org>\nRCPT TO:<b@example.net>'

test('extensions that a server gets wrong can be left alone', async () => {
  const { server, session } = await greetedScene(['PIPELINING', 'CHUNKING'], {
    except: ['PIPELINING', 'CHUNKING'],
  })
  void session.send(outgoing())
  assert.equal(await server.line(), 'MAIL FROM:<a@example.org>')
  assert.equal(server.waiting, '')
})

test('parameters go to servers that offer their extensions', async () => {
  const message = outgoing({
    eightBit: true,
    options: {
      body: '8BITMIME',
      smtpUtf8: true,
      ret: 'headers',
      envId: 'QQ+314159 x',
      requireTls: true,
      tlsOptional: false,
      holdUntil: 5,
      deliverBy: { at: Date.UTC(2026, 0, 1) + 3_600_000, mode: 'return', trace: 'asked' },
      priority: -4,
      solicitation: ['org.example:ADV', 'net.example:X'],
      auth: 'ann+x@example.org',
    },
    recipients: [
      {
        address: 'b@example.net',
        options: {
          notify: ['success', 'delay'],
          originalRecipient: 'rfc822;b=1@example.net',
          requireValidSince: { since: Date.UTC(2014, 3, 3, 23, 1, 0, 5), onFailure: 'continue' },
        },
      },
      {
        address: 'c@example.net',
        options: { ...plainRecipientOptions, notify: [], originalRecipient: 'utf-8;grü+n@x.example' },
      },
    ],
  })
  const all = await greetedScene([
    'PIPELINING',
    'SIZE 1000',
    '8BITMIME',
    'SMTPUTF8',
    'DSN',
    'REQUIRETLS',
    'DELIVERBY 60',
    'MT-PRIORITY MIXER',
    'NO-SOLICITING',
    'RRVS',
    'AUTH PLAIN',
    'FUTURERELEASE 100 2027-01-01T00:00:00Z',
  ])
  const sent = all.session.send(message)
  // REQUIRETLS is never said in the clear.
  assert.equal(
    await all.server.lines(3),
    'MAIL FROM:<a@example.org> SIZE=21 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=QQ+2B314159+20x BY=3600;RT ' +
      'MT-PRIORITY=-4 SOLICIT=org.example:ADV,net.example:X AUTH=ann+2Bx@example.org\n' +
      'RCPT TO:<b@example.net> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b+3D1@example.net RRVS=2014-04-03T23:01:00Z;C\n' +
      'RCPT TO:<c@example.net> NOTIFY=NEVER ORCPT=utf-8;gr\xc3\xbc\\x{2B}n@x.example',
  )
  all.session.close()
  const { used } = await sent
  assert.deepEqual(used, [
    'SIZE',
    '8BITMIME',
    'SMTPUTF8',
    'DSN',
    'DELIVERBY',
    'MT-PRIORITY',
    'NO-SOLICITING',
    'AUTH',
  ])
  const none = await greetedScene(['PIPELINING'])
  void none.session.send(message)
  assert.equal(await none.server.lines(3), `${envelope}\nRCPT TO:<c@example.net>`)
  const ascii = await greetedScene(['PIPELINING', 'DSN'])
  void ascii.session.send(message)
  assert.equal((await ascii.server.lines(3)).split(' ').at(-1), 'ORCPT=utf-8;gr\\x{FC}\\x{2B}n@x.example')
})

test('what a server cannot carry at all is not tried', async () => {
  const { server, session } = await greetedScene(['PIPELINING', 'CHUNKING'])
  const utf8 = outgoing({ to: ['grün@example.net'] })
  assert.deepEqual(summary(await session.send(utf8)), ['cannot-carry needs-smtputf8'])
  const binary = outgoing({ options: { ...plainMessageOptions, body: 'BINARYMIME' } })
  assert.deepEqual(summary(await session.send(binary)), ['cannot-carry needs-binarymime'])
  assert.equal(server.waiting, '')
})

test('an address that would end the command is refused before anything is said', async () => {
  const { server, session } = await greetedScene(['PIPELINING'])
  const evil = 'b@example.net>\r\nRCPT TO:<evil@example.net'
  await assert.rejects(session.send(outgoing({ to: [evil] })), RangeError)
  await assert.rejects(session.send(outgoing({ reversePath: evil })), RangeError)
  assert.equal(server.waiting, '')
  assert.equal(session.ending, null)
})

test('LIMITS are kept to (RFC 9422)', async () => {
  const { server, session } = await greetedScene(['PIPELINING', 'LIMITS RCPTMAX=2 MAILMAX=1 X=0'])
  const sent = session.send(outgoing({ to: ['a@x.example', 'b@x.example', 'c@x.example'] }))
  await server.lines(4)
  server.say('250 ok', '250 ok', '250 ok', '354 go')
  await server.dotted()
  server.say('250 ok')
  assert.deepEqual(summary(await sent), ['accepted', 'accepted', 'beyond RCPTMAX'])
  assert.equal(session.reusable, false)
  assert.deepEqual(summary(await session.send(outgoing())), ['beyond MAILMAX'])
  const domains = await greetedScene(['PIPELINING', 'LIMITS RCPTDOMAINMAX=1'])
  const tried = domains.session.send(outgoing({ to: ['a@x.example', 'b@y.example', 'c@X.example'] }))
  assert.equal(
    await domains.server.lines(4),
    'MAIL FROM:<a@example.org>\nRCPT TO:<a@x.example>\nRCPT TO:<c@X.example>\nDATA',
  )
  domains.session.close()
  assert.deepEqual(summary(await tried), ['lost closed', 'beyond RCPTDOMAINMAX', 'lost closed'])
})

test('LMTP: a reply for each accepted recipient', async () => {
  for (const chunking of [false, true]) {
    const extensions = ['PIPELINING', ...(chunking ? ['CHUNKING'] : [])]
    const { server, session } = await greetedScene(extensions, { dialect: 'lmtp', eagerChunks: 'always' })
    const sent = session.send(
      outgoing({ text: 'one\r\n', to: ['a@x.example', 'b@x.example', 'c@x.example'] }),
    )
    const next = session.send(outgoing())
    await server.lines(chunking ? 4 : 5)
    server.say('250 ok', '250 ok', '550 no', '250 ok')
    if (chunking) {
      await server.line()
      await server.octets(5)
    } else {
      server.say('354 go')
      await server.dotted()
    }
    server.say('250 one', '452 4.2.2 full')
    assert.deepEqual(summary(await sent), ['accepted', 'refused rcpt 550', 'refused reply 452'])
    session.close()
    await next
  }
})

test('LMTP: a connection that goes between the replies leaves the others unknown', async () => {
  const { server, session } = await greetedScene(['PIPELINING'], { dialect: 'lmtp' })
  const sent = session.send(outgoing({ to: ['a@x.example', 'b@x.example'] }))
  await server.lines(4)
  server.say('250 ok', '250 ok', '250 ok', '354 go')
  await server.dotted()
  server.say('250 one')
  server.connection.end()
  assert.deepEqual(summary(await sent), ['accepted', 'unknown lost'])
})

test('LMTP: an invitation to send to nobody cannot be answered', async () => {
  const { server, session } = await greetedScene(['PIPELINING'], { dialect: 'lmtp' })
  const sent = session.send(outgoing())
  await server.lines(3)
  server.say('250 ok', '550 no', '354 go')
  assert.deepEqual(summary(await sent), ['refused rcpt 550'])
  assert.equal(session.ending?.type, 'nonsense')
})
