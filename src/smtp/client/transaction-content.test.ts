// The content of a transaction: in chunks or dotted, no faster than the server takes it, and never completed where it is not right.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { greetedScene, outgoing, summary } from '../../../test/support/smtp-client.ts'

const envelope = 'MAIL FROM:<a@example.org>\nRCPT TO:<b@example.net>'
const long = `${'x'.repeat(998)}\r\n`.repeat(300)

test('CHUNKING: first the envelope, then BDAT', async () => {
  const { server, session } = await greetedScene(['PIPELINING', 'CHUNKING'])
  const text = 'a\r\n.\r\nb'
  const sent = session.send(outgoing({ text }))
  assert.equal(await server.lines(2), envelope)
  assert.equal(server.waiting, '')
  server.say('250 ok', '250 ok')
  assert.equal(await server.line(), 'BDAT 7 LAST')
  assert.equal(await server.octets(7), text)
  server.say('250 ok')
  assert.deepEqual(summary(await sent), ['accepted'])
})

test('CHUNKING on a warm session: all in one group, and the next envelope behind RSET', async () => {
  const { server, session } = await greetedScene(['PIPELINING', 'CHUNKING'], { eagerChunks: 'always' })
  const first = session.send(outgoing({ text: 'one\r\n' }))
  const second = session.send(outgoing({ text: 'two\r\n' }))
  assert.equal(await server.lines(3), `${envelope}\nBDAT 5 LAST`)
  assert.equal(await server.octets(5), 'one\r\n')
  assert.equal(await server.lines(3), `RSET\n${envelope}`)
  // Content of the second does not go while the first is not answered.
  assert.equal(server.waiting, '')
  server.say('250 ok', '250 ok', '554 no', '250 reset', '250 ok', '250 ok')
  assert.equal(await server.line(), 'BDAT 5 LAST')
  await server.octets(5)
  server.say('250 ok')
  assert.deepEqual(summary(await first), ['refused reply 554'])
  assert.deepEqual(summary(await second), ['accepted'])
})

test('eager chunks are drained by a server that refuses the envelope', async () => {
  const { server, session } = await greetedScene(['PIPELINING', 'CHUNKING'], { eagerChunks: 'always' })
  const sent = session.send(outgoing({ text: 'one\r\n' }))
  await server.lines(3)
  await server.octets(5)
  server.say('250 ok', '550 5.1.1 no', '503 5.5.1 nobody')
  assert.deepEqual(summary(await sent), ['refused rcpt 550'])
  void session.send(outgoing())
  assert.equal(await server.line(), 'RSET')
})

test('a long message goes in chunks, and stops at the first that is refused', async () => {
  const { server, session } = await greetedScene(['PIPELINING', 'CHUNKING'], {
    limits: { chunkOctets: 100_000 },
  })
  const sent = session.send(outgoing({ text: long }))
  await server.lines(2)
  server.connection.pause()
  server.say('250 ok', '250 ok')
  for (let turn = 0; turn < 100; turn++) await null
  server.say('552 5.3.4 too big')
  for (let turn = 0; turn < 100; turn++) await null
  server.connection.resume()
  assert.equal(await server.line(), 'BDAT 100000')
  // The rest of the chunk has to go: it was announced.
  await server.octets(100_000)
  assert.deepEqual(summary(await sent), ['refused content 552'])
  assert.equal(session.ending, null)
  void session.noop()
  assert.equal(await server.line(), 'NOOP')
})

test('a long message arrives whole, in chunks or dotted', async () => {
  for (const extensions of [['CHUNKING'], ['PIPELINING', 'CHUNKING'], ['PIPELINING']]) {
    const { server, session } = await greetedScene(extensions, { limits: { chunkOctets: 70_000 } })
    const sent = session.send(outgoing({ text: long }))
    await server.line()
    server.say('250 ok')
    await server.line()
    server.say('250 ok')
    let content = ''
    if (extensions.includes('CHUNKING')) {
      for (let last = false; !last;) {
        const match = /^BDAT (\d+)( LAST)?$/.exec(await server.line())
        content += await server.octets(Number(match?.[1]))
        last = match?.[2] !== undefined
        server.say('250 ok')
      }
    } else {
      await server.line()
      server.say('354 go')
      content = await server.dotted()
      server.say('250 ok')
    }
    assert.equal(content, long)
    const result = await sent
    assert.deepEqual(summary(result), ['accepted'])
    assert.equal(result.octets, long.length)
  }
})

test('content is read no faster than the server takes it', async () => {
  const { server, session } = await greetedScene(['PIPELINING'])
  let produced = 0
  const piece = Buffer.from(`${'x'.repeat(998)}\r\n`.repeat(10))
  const sent = session.send(
    outgoing({
      size: 1_000_000,
      content: async function* () {
        for (; produced < 1_000_000; produced += piece.length) yield piece
      },
    }),
  )
  await server.lines(3)
  server.say('250 ok', '250 ok', '354 go')
  server.connection.pause()
  for (let turn = 0; turn < 1000; turn++) await null
  assert.ok(produced < 60_000, `${produced} octets were read ahead`)
  server.connection.resume()
  assert.equal((await server.dotted()).length, 1_000_000)
  server.say('250 ok')
  assert.deepEqual(summary(await sent), ['accepted'])
})

test('552 in the middle of DATA: refused, and the session is over', async () => {
  const { server, session } = await greetedScene(['PIPELINING'])
  const sent = session.send(outgoing({ text: long }))
  await server.lines(3)
  server.say('250 ok', '250 ok', '354 go')
  await server.octets(1000)
  server.say('552 5.3.4 too big')
  assert.deepEqual(summary(await sent), ['refused content 552'])
  assert.equal(session.ending?.type, 'cut-short')
  assert.equal(session.reusable, false)
})

test('content with a CR or LF alone is never sent as text', async () => {
  const smuggled = 'a\r\n\n.\r\nMAIL FROM:<evil@x.example>\r\n'
  const plain = await greetedScene(['PIPELINING', 'CHUNKING'])
  assert.deepEqual(summary(await plain.session.send(outgoing({ text: smuggled }))), [
    'cannot-carry bare-newline',
  ])
  assert.equal(plain.server.waiting, '')
  const binary = await greetedScene(['PIPELINING', 'CHUNKING', 'BINARYMIME'])
  const sent = binary.session.send(outgoing({ text: smuggled }))
  assert.equal(await binary.server.line(), 'MAIL FROM:<a@example.org> BODY=BINARYMIME')
  await binary.server.line()
  binary.server.say('250 ok', '250 ok')
  await binary.server.line()
  assert.equal(await binary.server.octets(smuggled.length), smuggled)
  binary.server.say('250 ok')
  assert.deepEqual(summary(await sent), ['accepted'])
})

test('a bare newline deep in a long message ends the connection before the message is complete', async () => {
  for (const extensions of [['PIPELINING'], ['PIPELINING', 'CHUNKING']]) {
    const { server, session } = await greetedScene(extensions)
    const sent = session.send(
      outgoing({
        size: long.length + 5,
        content: async function* () {
          yield Buffer.from(long)
          yield Buffer.from('\n.\r\n')
          yield Buffer.from('x')
        },
      }),
    )
    await server.line()
    await server.line()
    server.say('250 ok', '250 ok')
    await server.line()
    if (extensions.length === 1) server.say('354 go')
    assert.deepEqual(summary(await sent), ['cannot-carry bare-newline'])
    await server.closed()
    assert.ok(!server.waiting.includes('\r\n.\r\n'))
  }
})

test('content that fails or has another length than announced is never completed', async () => {
  const failing = async function* () {
    yield Buffer.from(long)
    throw new Error('disk')
  }
  const short = async function* () {
    yield Buffer.from(long)
  }
  for (const extensions of [['PIPELINING'], ['PIPELINING', 'CHUNKING']]) {
    for (const content of [failing, short]) {
      const { server, session } = await greetedScene(extensions)
      const sent = session.send(outgoing({ size: long.length + 10, content }))
      await server.line()
      await server.line()
      server.say('250 ok', '250 ok')
      await server.line()
      if (extensions.length === 1) server.say('354 go')
      assert.deepEqual(summary(await sent), ['content-failed'])
      await server.closed()
      assert.ok(!server.waiting.endsWith('\r\n.\r\n'))
    }
  }
  // What is small is known before anything is said.
  const { server, session } = await greetedScene(['PIPELINING'])
  assert.deepEqual(summary(await session.send(outgoing({ size: 3 }))), ['content-failed'])
  assert.equal(server.waiting, '')
  assert.equal(session.ending, null)
})
