// Transactions against servers of every kind: what is said, what is heard, and what is known afterwards.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plainMessageOptions, plainRecipientOptions } from '../../mail/delivery-options.ts'
import { greetedScene, outgoing, summary } from '../../../test/support/smtp-client.ts'

const envelope = 'MAIL FROM:<a@example.org>\nRCPT TO:<b@example.net>'
const long = `${'x'.repeat(998)}\r\n`.repeat(300)

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

test('extensions that a server gets wrong can be left alone', async () => {
  const { server, session } = await greetedScene(['PIPELINING', 'CHUNKING'], {
    except: ['PIPELINING', 'CHUNKING'],
  })
  void session.send(outgoing())
  assert.equal(await server.line(), 'MAIL FROM:<a@example.org>')
  assert.equal(server.waiting, '')
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
