// Transactions that break: connections that go at any moment, replies that make no sense, servers that are silent; what is known then.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { greetedScene, outgoing, summary } from '../../../test/support/smtp-client.ts'

const long = `${'x'.repeat(998)}\r\n`.repeat(300)

test('a connection that goes before the end of the content: lost', async () => {
  const { server, session } = await greetedScene(['PIPELINING'])
  const sent = session.send(outgoing({ text: long, to: ['a@x.example', 'b@x.example'] }))
  await server.lines(4)
  server.say('250 ok', '550 no', '250 ok', '354 go')
  await server.octets(1000)
  server.connection.reset()
  assert.deepEqual(summary(await sent), ['refused rcpt 550', 'lost lost'])
  assert.deepEqual(session.ending, {
    type: 'lost',
    stage: 'content',
    error: session.ending?.type === 'lost' ? session.ending.error : '',
  })
})

test('a connection that goes at each stage of the envelope: lost', async () => {
  for (const [stage, ...replies] of [
    ['mail'],
    ['rcpt', '250 ok'],
    ['data', '250 ok', '250 ok'],
    ['rcpt', '250 ok', '250-half'],
  ]) {
    const { server, session } = await greetedScene(['PIPELINING'])
    const sent = session.send(outgoing())
    await server.lines(3)
    if (replies.length > 0) server.say(...replies)
    server.connection.end()
    assert.deepEqual(summary(await sent), ['lost lost'])
    assert.equal(session.ending?.stage, stage)
    // Whatever is asked of it now is answered by its ending.
    assert.deepEqual(summary(await session.send(outgoing())), ['lost lost'])
    assert.equal((await session.noop()).type, 'ended')
    await session.quit()
  }
})

test('a server that is gone or silent after the final dot: unknown (RFC 1047)', async () => {
  for (const end of ['reset', 'close', 'half', 'hang'] as const) {
    const { clock, server, session } = await greetedScene(['PIPELINING'])
    const sent = session.send(outgoing())
    const behind = session.send(outgoing())
    await server.lines(3)
    server.say('250 ok', '250 ok', '354 go')
    await server.dotted()
    if (end === 'reset') server.connection.reset()
    else if (end === 'close') server.connection.end()
    else if (end === 'half') {
      server.sayRaw('250 2.0.0 half a rep')
      server.connection.end()
    } else {
      await clock.advance('9m 59s')
      assert.equal(session.ending, null)
      await clock.advance('1s')
    }
    const ending = end === 'hang' ? 'timed-out' : 'lost'
    assert.deepEqual(summary(await sent), [`unknown ${ending}`], end)
    assert.deepEqual(summary(await behind), [`lost ${ending}`], end)
    assert.equal(session.ending?.stage, 'reply')
  }
})

test('a session that ends while content is asked for: nothing was sent, so nothing is unknown', async () => {
  for (const extensions of [['PIPELINING'], ['PIPELINING', 'CHUNKING']]) {
    const { server, session } = await greetedScene(extensions)
    const sent = session.send(outgoing())
    await server.lines(2)
    // In one segment: the invitation, and a reply to nothing.
    server.say('250 ok', '250 ok', ...(extensions.length === 1 ? ['354 go'] : []), '250 what')
    assert.deepEqual(summary(await sent), ['lost nonsense'])
  }
})

test('an eager message whose connection goes is unknown, since all of it was sent', async () => {
  const { server, session } = await greetedScene(['PIPELINING', 'CHUNKING'], { eagerChunks: 'always' })
  const sent = session.send(outgoing({ text: 'one\r\n', to: ['a@x.example', 'b@x.example'] }))
  await server.lines(4)
  await server.octets(5)
  server.say('250 ok', '550 no')
  server.connection.end()
  assert.deepEqual(summary(await sent), ['refused rcpt 550', 'unknown lost'])
})

test('421 is understood wherever it comes', async () => {
  const at = async (...replies: string[]) => {
    const { server, session } = await greetedScene(['PIPELINING'])
    const sent = session.send(outgoing({ to: ['a@x.example', 'b@x.example'] }))
    await server.lines(4)
    server.say(...replies)
    if (replies.includes('354 go')) {
      await server.dotted()
      server.say('421 4.3.2 closing')
    }
    const outcomes = summary(await sent)
    assert.equal(session.ending?.type, 'farewell')
    return outcomes
  }
  assert.deepEqual(await at('421 4.3.2 closing'), ['refused mail 421', 'refused mail 421'])
  assert.deepEqual(await at('250 ok', '421 4.3.2 closing'), ['refused rcpt 421', 'lost farewell'])
  assert.deepEqual(await at('250 ok', '250 ok', '250 ok', '421 no'), ['refused data 421', 'refused data 421'])
  assert.deepEqual(await at('250 ok', '250 ok', '250 ok', '354 go'), [
    'refused reply 421',
    'refused reply 421',
  ])
})

test('421 in the middle of eager content leaves nothing unknown', async () => {
  const { server, session } = await greetedScene(['PIPELINING', 'CHUNKING'], { eagerChunks: 'always' })
  const sent = session.send(outgoing({ text: 'one\r\n', to: ['a@x.example', 'b@x.example'] }))
  await server.lines(4)
  server.say('250 ok', '421 4.3.2 closing')
  assert.deepEqual(summary(await sent), ['refused rcpt 421', 'lost farewell'])
})

test('replies that answer nothing end the session', async () => {
  const { server, session } = await greetedScene(['PIPELINING'])
  server.say('250 out of the blue')
  assert.equal((await session.ended).type, 'nonsense')
  assert.deepEqual(summary(await session.send(outgoing())), ['lost nonsense'])
})

test('replies of a class that their command does not have end the session', async () => {
  for (const replies of [
    ['354 what'],
    ['250 ok', '354 what'],
    ['250 ok', '250 ok', '250 what'],
    ['nonsense'],
    ['250-ok', '550 or not'],
  ]) {
    const { server, session } = await greetedScene(['PIPELINING'])
    const sent = session.send(outgoing())
    await server.lines(3)
    server.say(...replies)
    assert.deepEqual(summary(await sent), ['lost nonsense'], replies.join())
  }
})

test('a server that lies about PIPELINING and forgets what was sent is given up in time, unharmed', async () => {
  const { clock, server, session } = await greetedScene(['PIPELINING'])
  const sent = session.send(outgoing())
  await server.lines(3)
  server.say('250 ok')
  await clock.advance('5m')
  assert.deepEqual(summary(await sent), ['lost timed-out'])
  assert.deepEqual(session.ending, { type: 'timed-out', stage: 'rcpt', milliseconds: 300_000 })
})

test('each stage has its own time, counted from the last whole reply', async () => {
  const { clock, server, session } = await greetedScene(['PIPELINING'])
  const sent = session.send(outgoing())
  await server.lines(3)
  await clock.advance('4m')
  server.say('250 late')
  await clock.advance('4m')
  server.sayRaw('250 la')
  await clock.advance('50s')
  server.sayRaw('te\r\n')
  await clock.advance('119s')
  server.say('354 go')
  await server.dotted()
  await clock.advance('9m')
  server.say('250 ok')
  assert.deepEqual(summary(await sent), ['accepted'])
  assert.equal(session.ending, null)
  await clock.advance('1h')
  assert.equal(session.ending, null)
})

test('a server that stops reading is left after the time for a block of data', async () => {
  const { clock, server, session } = await greetedScene(['PIPELINING'])
  const sent = session.send(outgoing({ text: long }))
  await server.lines(3)
  server.say('250 ok', '250 ok', '354 go')
  server.connection.pause()
  await clock.advance('3m')
  assert.deepEqual(summary(await sent), ['lost timed-out'])
  assert.deepEqual(session.ending, { type: 'timed-out', stage: 'content', milliseconds: 180_000 })
})
