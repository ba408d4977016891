// Transactions against servers of every kind: what is said to them in which order, and what their refusals mean.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { greetedScene, outgoing, summary } from '../../../test/support/smtp-client.ts'

const envelope = 'MAIL FROM:<a@example.org>\nRCPT TO:<b@example.net>'

test('with PIPELINING the envelope and DATA are one group', async () => {
  const { server, session } = await greetedScene(['PIPELINING'])
  const sent = session.send(outgoing({ to: ['b@example.net', 'c@example.net'], text: '.dot\r\nno end' }))
  assert.equal(await server.lines(4), `${envelope}\nRCPT TO:<c@example.net>\nDATA`)
  server.say('250 2.1.0 ok', '250 2.1.5 ok', '250 2.1.5 ok', '354 go')
  assert.equal(await server.dotted(), '..dot\r\nno end\r\n')
  server.say('250 2.0.0 queued')
  const result = await sent
  assert.deepEqual(summary(result), ['accepted', 'accepted'])
  assert.equal(result.octets, 12)
  assert.equal(session.accepted, 1)
})

test('without it each command waits for its reply', async () => {
  const { server, session } = await greetedScene([])
  const sent = session.send(outgoing())
  for (const [command, reply] of [
    ['MAIL FROM:<a@example.org>', '250 ok'],
    ['RCPT TO:<b@example.net>', '250 ok'],
    ['DATA', '354 go'],
  ] as const) {
    assert.equal(await server.line(), command)
    assert.equal(server.waiting, '')
    server.say(reply)
  }
  await server.dotted()
  server.say('250 ok')
  assert.deepEqual(summary(await sent), ['accepted'])
})

test('a server of 2003, with HELO alone, that cuts its replies to pieces, is served', async () => {
  const { server, session } = await greetedScene([], { network: { segments: 'cut', seed: 5 } })
  const sent = session.send(outgoing())
  await server.line()
  for (const octet of '250-hm\n250 ok\n') server.sayRaw(octet)
  await server.line()
  server.say('250')
  await server.line()
  server.say('354')
  await server.dotted()
  server.say('250')
  assert.deepEqual(summary(await sent), ['accepted'])
})

test('recipients are refused one by one, and the others served', async () => {
  const { server, session } = await greetedScene(['PIPELINING'])
  const sent = session.send(outgoing({ to: ['a@x.example', 'b@x.example', 'c@x.example'] }))
  await server.lines(5)
  server.say('250 ok', '550 5.1.1 no', '250 ok', '450 4.2.1 later', '354 go')
  await server.dotted()
  server.say('250 ok')
  const result = await sent
  assert.deepEqual(summary(result), ['refused rcpt 550', 'accepted', 'refused rcpt 450'])
  const [first] = result.recipients
  assert.equal(first?.type === 'refused' ? first.reply.enhanced : null, '5.1.1')
  assert.equal(first?.type === 'refused' ? first.reply.verbatim : null, '550 5.1.1 no')
})

test('all recipients refused: a dot alone where DATA is accepted all the same', async () => {
  const { server, session } = await greetedScene(['PIPELINING'])
  const sent = session.send(outgoing())
  await server.lines(3)
  server.say('250 ok', '550 no', '354 go')
  assert.deepEqual(summary(await sent), ['refused rcpt 550'])
  assert.equal(await server.dotted(), '')
  server.say('554 no valid recipients')
  // The next transaction is not confused by the late reply.
  const next = session.send(outgoing())
  assert.equal(await server.lines(4), `RSET\n${envelope}\nDATA`)
  server.say('250 reset', '250 ok', '250 ok', '354 go')
  await server.dotted()
  server.say('250 ok')
  assert.deepEqual(summary(await next), ['accepted'])
})

test('all recipients refused and DATA too: RSET before the next', async () => {
  const { server, session } = await greetedScene(['PIPELINING'])
  const sent = session.send(outgoing())
  await server.lines(3)
  server.say('250 ok', '450 later', '503 no valid recipients')
  assert.deepEqual(summary(await sent), ['refused rcpt 450'])
  void session.send(outgoing())
  assert.equal(await server.line(), 'RSET')
})

test('MAIL refused', async () => {
  for (const extensions of [['PIPELINING'], []]) {
    const { server, session } = await greetedScene(extensions)
    const sent = session.send(outgoing())
    if (extensions.length === 0) {
      await server.line()
      server.say('451 4.7.1 greylisted')
    } else {
      await server.lines(3)
      server.say('451 4.7.1 greylisted', '503 no', '503 no')
    }
    assert.deepEqual(summary(await sent), ['refused mail 451'])
    assert.equal(session.ending, null)
  }
})

test('DATA refused', async () => {
  const { server, session } = await greetedScene(['PIPELINING'])
  const sent = session.send(outgoing())
  await server.lines(3)
  server.say('250 ok', '250 ok', '451 4.3.0 not now')
  assert.deepEqual(summary(await sent), ['refused data 451'])
})

test('the message refused', async () => {
  const { server, session } = await greetedScene(['PIPELINING'])
  const sent = session.send(outgoing())
  await server.lines(3)
  server.say('250 ok', '250 ok', '354 go')
  await server.dotted()
  server.say('554 5.7.1 spam')
  assert.deepEqual(summary(await sent), ['refused reply 554'])
  assert.equal(session.accepted, 0)
})

test('the next envelope rides behind the content: one round trip for each message', async () => {
  const { server, session } = await greetedScene(['PIPELINING'])
  const first = session.send(outgoing())
  const second = session.send(outgoing({ reversePath: 'second@example.org' }))
  await server.lines(3)
  assert.equal(server.waiting, '')
  server.say('250 ok', '250 ok', '354 go')
  await server.dotted()
  assert.match(server.waiting, /^MAIL FROM:<second@example\.org>\r\nRCPT TO:<b@example\.net>\r\nDATA\r\n$/)
  await server.lines(3)
  server.say('250 first', '250 ok', '250 ok', '354 go')
  await server.dotted()
  server.say('552 too much')
  assert.deepEqual(summary(await first), ['accepted'])
  assert.deepEqual(summary(await second), ['refused reply 552'])
})
