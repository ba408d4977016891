import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import type { Connection } from '../base/connection.ts'
import type { Handler, Sink } from '../base/core.ts'
import { SeededRandom } from '../base/seeded-random.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import { EchoCore } from '../../test/support/echo-core.ts'
import { cutEvery, feedEveryWayAsync } from '../../test/support/feed.ts'
import { LineClient } from '../../test/support/line-client.ts'
import type { MemoryConnection } from './memory-connection.ts'
import { connectInMemory, type MemoryNetworkOptions } from './memory-network.ts'
import { defaultPumpLimits, Session, type PumpLimits } from './pump.ts'
import type { SessionView } from './session-view.ts'

interface Setup {
  readonly answer?: (question: string, sink: Sink) => string | Promise<string>
  readonly takeOver?: (connection: Connection, sink: Sink) => Promise<void>
  readonly limits?: Partial<PumpLimits>
  readonly network?: Partial<MemoryNetworkOptions>
}

/** A session over memory, its client, and what was heard of it. */
function setUp({ answer = (question) => `echo ${question}`, takeOver, limits, network }: Setup = {}) {
  const clock = new VirtualClock()
  const [near, far] = connectInMemory(
    { clock, random: new SeededRandom(1), ...network },
    { local: { address: '192.0.2.9', port: 4_000 }, remote: { address: '192.0.2.1', port: 25 } },
  )
  const heard: string[] = []
  let over: (session: SessionView) => void = () => undefined
  const finished = new Promise<SessionView>((resolve) => {
    over = resolve
  })
  const session = new Session<string, string>(
    far,
    {
      makeCore: () => new EchoCore(),
      makeHandler: (sink): Handler<string, string> => ({
        answer: (question) => answer(question, sink),
        failed: () => 'failed',
        closed: () => void heard.push('closed'),
        ...(takeOver === undefined ? {} : { takeOver: (connection) => takeOver(connection, sink) }),
      }),
    },
    {
      clock,
      limits: { ...defaultPumpLimits, ...limits },
      events: {
        handlerFailed: (_peer, question, error) => heard.push(`handler failed on ${question}: ${error}`),
        handshakeFailed: (_peer, error) => heard.push(`handshake failed: ${error.message}`),
        broke: (_peer, error) => heard.push(`broke: ${error}`),
        finished: (ended) => {
          heard.push(`finished: ${ended.ending}`)
          over(ended)
        },
      },
    },
  )
  session.start()
  return { session, clock, client: new LineClient(near), near, far, heard, finished }
}

test('lines are echoed alike in every segmentation', async () => {
  const input = Buffer.from('one\r\ntwo\r\nthree\r\nquit\r\n')
  const output = await feedEveryWayAsync(input, async (chunks) => {
    const { client, heard, finished } = setUp()
    for (const chunk of chunks) client.send(chunk)
    const output = await client.rest()
    client.connection.end()
    await finished
    assert.deepEqual(heard, ['closed', 'finished: closed'])
    return output
  })
  assert.equal(output, 'hello\r\necho one\r\necho two\r\necho three\r\nbye\r\n')
})

test('slow answers change nothing but the time, in every segmentation and with cut segments', async () => {
  for (const segments of ['kept', 'cut'] as const) {
    const answer = async (question: string) => {
      await null
      return `echo ${question}`
    }
    const output = await feedEveryWayAsync(Buffer.from('one\r\ntwo\r\nquit\r\n'), async (chunks) => {
      const { client } = setUp({ answer, network: { segments } })
      for (const chunk of chunks) client.send(chunk)
      return client.rest()
    })
    assert.equal(output, 'hello\r\necho one\r\necho two\r\nbye\r\n')
  }
})

test('the replies to one segment leave as one segment', async () => {
  const { near, client } = setUp()
  await client.line()
  const segments: string[] = []
  near.onData = (bytes) => void segments.push(Buffer.from(bytes).toString())
  client.send('one\r\ntwo\r\nthree\r\n')
  await settle()
  assert.deepEqual(segments, ['echo one\r\necho two\r\necho three\r\n'])
})

test('what a handler writes through its sink comes before its answer, in one segment with it', async () => {
  const answer = (question: string, sink: Sink) => {
    void sink.write(`* ${question}\r\n`)
    void sink.write(Buffer.from('* bytes\r\n'))
    return 'done'
  }
  const { client } = setUp({ answer })
  client.send('go\r\nquit\r\n')
  assert.equal(await client.rest(), 'hello\r\n* go\r\n* bytes\r\ndone\r\nbye\r\n')
})

test('a handler may write while nothing is asked', async () => {
  let sink: Sink | undefined
  const { client } = setUp({
    answer: (_question, given) => {
      sink = given
      return 'ok'
    },
  })
  client.send('idle\r\n')
  assert.deepEqual(await client.lines(2), ['hello', 'ok'])
  void sink?.write('* news\r\n')
  void sink?.write('* more news\r\n')
  assert.deepEqual(await client.lines(2), ['* news', '* more news'])
})

test('what is told between questions comes whole: the core hears what came meanwhile afterwards', async () => {
  let sink: Sink | undefined
  const { client } = setUp({
    answer: async (question, given) => {
      sink = given
      await null
      return `echo ${question}`
    },
  })
  client.send('first\r\n')
  assert.deepEqual(await client.lines(2), ['hello', 'echo first'])
  const { promise, resolve } = Promise.withResolvers<void>()
  sink?.between(async () => {
    await sink?.write('* half\r\n')
    await promise
    await sink?.write('* other half\r\n')
  })
  assert.equal(await client.line(), '* half')
  client.send('second\r\nquit\r\n')
  await settle()
  sink?.between(async () => void (await sink?.write('* late\r\n')))
  resolve()
  assert.deepEqual(await client.lines(2), ['* other half', 'echo second'])
  assert.equal(await client.rest(), 'bye\r\n')
})

test('nothing is told to a peer that does not read, nor while a question is out', async () => {
  let sink: Sink | undefined
  const { promise, resolve } = Promise.withResolvers<void>()
  const { client } = setUp({
    answer: async (question, given) => {
      sink = given
      await promise
      return `echo ${question}`
    },
  })
  client.send('slow\r\n')
  await settle()
  let told = 0
  for (let count = 0; count < 3; count++)
    sink?.between(async () => void (await sink?.write(`* ${++told}\r\n`)))
  await settle()
  assert.equal(told, 0)
  resolve()
  assert.deepEqual(await client.lines(3), ['hello', 'echo slow', '* 1'])
})

test('a telling that fails breaks its session, and one that is at work when the peer goes is waited for', async () => {
  for (const fails of [true, false]) {
    let sink: Sink | undefined
    const { client, near, heard, finished } = setUp({
      answer: (_question, given) => {
        sink = given
        return 'ok'
      },
    })
    client.send('go\r\n')
    await client.lines(2)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    sink?.between(() => promise)
    if (fails) reject(new Error('no'))
    else near.destroy()
    await settle()
    if (!fails) assert.deepEqual(heard, [])
    resolve()
    await finished
    assert.deepEqual(
      heard,
      fails ? ['broke: Error: no', 'closed', 'finished: broken'] : ['closed', 'finished: peer-ended'],
    )
  }
})

test('a peer that half-closes still gets every reply', async () => {
  const answer = async (question: string) => {
    await null
    return `echo ${question}`
  }
  const { client, finished } = setUp({ answer })
  client.send('one\r\n')
  client.send('two\r\n')
  client.connection.end()
  assert.equal(await client.rest(), 'hello\r\necho one\r\necho two\r\nyou left\r\n')
  assert.equal((await finished).ending, 'peer-ended')
})

test('a reset while an answer is outstanding ends the session after that answer, once', async () => {
  const { promise, resolve } = Promise.withResolvers<string>()
  let gone: AbortSignal | undefined
  const { client, near, heard, finished } = setUp({
    answer: (_question, sink) => {
      gone = sink.gone
      return promise
    },
  })
  client.send('wait\r\n')
  await settle()
  near.reset()
  await settle()
  assert.equal(gone?.aborted, true)
  assert.deepEqual(heard, [], 'closed() came before the answer')
  resolve('late')
  assert.equal((await finished).ending, 'reset')
  assert.deepEqual(heard, ['closed', 'finished: reset'])
})

test('a reset at any moment of a session is no error of ours', async () => {
  const script = ['', 'o', 'one\r', 'one\r\n', 'one\r\ntwo', 'tls\r\n', 'quit\r\n']
  for (const sent of script) {
    for (let turns = 0; turns < 6; turns++) {
      const { client, near, heard, finished } = setUp({
        answer: async () => {
          await null
          return 'ok'
        },
      })
      if (sent !== '') client.send(sent)
      for (let turn = 0; turn < turns; turn++) await null
      near.reset()
      await finished
      assert.equal(heard.filter((event) => event === 'closed').length, 1)
      assert.ok(!heard.some((event) => event.startsWith('broke')), heard.join())
    }
  }
})

test('a handler that throws is reported once, and the session says farewell', async () => {
  for (const answer of [
    () => {
      throw new Error('no')
    },
    () => Promise.reject(new Error('no')),
  ]) {
    const { client, heard, finished } = setUp({ answer })
    client.send('x\r\n')
    assert.equal(await client.rest(), 'hello\r\nfailed\r\nstopping (stopping)\r\n')
    client.connection.end()
    await finished
    assert.deepEqual(heard, ['handler failed on x: Error: no', 'closed', 'finished: closed'])
  }
})

test('a core that throws loses its connection and nothing else', async () => {
  const { client, heard, finished } = setUp()
  client.send('bug\r\n')
  await client.rest()
  assert.equal((await finished).ending, 'broken')
  assert.deepEqual(heard, ['broke: Error: a bug in the core', 'closed', 'finished: broken'])
})

test('a silent peer is told after the time-out, counted from its last byte', async () => {
  const { client, clock } = setUp()
  assert.equal(await client.line(), 'hello')
  await clock.advance('50s')
  client.send('x\r\n')
  assert.equal(await client.line(), 'echo x')
  await clock.advance('59s')
  assert.equal(client.unread, '')
  await clock.advance('1s')
  assert.equal(await client.line(), 'too slow')
})

test('one timer serves a session, however much it is told', async () => {
  const { client, clock } = setUp()
  await client.line()
  for (let round = 0; round < 20; round++) {
    client.send('x\r\n')
    await client.line()
    await clock.advance('1s')
    assert.equal(clock.pending, 1)
  }
  client.send('quit\r\n')
  await client.rest()
  client.connection.end()
  await settle()
  assert.equal(clock.pending, 0)
})

test('a peer that waits for an answer is not silent', async () => {
  const { client, clock } = setUp({ answer: () => clock.sleep(300_000).then(() => 'at last') })
  client.send('x\r\n')
  await clock.advance('4m')
  assert.equal(client.unread, 'hello\r\n')
  await clock.advance('1m')
  assert.deepEqual(await client.lines(2), ['hello', 'at last'])
})

test('a deadline ends who only trickles, is lifted, and does not run while the peer waits for an answer', async () => {
  const trickle = setUp()
  trickle.client.send('deadline 10000\r\n')
  for (let second = 0; second < 10; second++) {
    trickle.client.send('x')
    await trickle.clock.advance('1s')
  }
  assert.equal(await trickle.client.rest(), 'hello\r\nok\r\ntoo slow\r\n')

  const lifted = setUp()
  lifted.client.send('deadline 10000\r\ndeadline none\r\n')
  await lifted.clock.advance('30s')
  assert.equal(lifted.client.unread, 'hello\r\nok\r\nok\r\n')

  const waiting = setUp({ answer: () => waiting.clock.sleep(90_000).then(() => 'at last') })
  waiting.client.send('deadline 10000\r\nx\r\n')
  await waiting.clock.advance('99s')
  assert.equal(waiting.client.unread, 'hello\r\nok\r\nat last\r\n')
  await waiting.clock.advance('1s')
  assert.match(waiting.client.unread, /too slow/)
})

test('a slow reader slows its handler down, and is not read meanwhile', async () => {
  const block = Buffer.alloc(8_192, 'x')
  let written = 0
  const { client, near, far } = setUp({
    answer: async (_question, sink) => {
      for (let round = 0; round < 100; round++) {
        await sink.write(block)
        written++
      }
      return 'done'
    },
    limits: { heldBytes: 1_000 },
  })
  await client.line()
  near.pause()
  client.send('big\r\n')
  await settle()
  assert.ok(written < 5, `${written} blocks were written to a peer that reads nothing`)
  for (let round = 0; round < 10; round++) client.send(Buffer.alloc(500, 'y'))
  await settle()
  assert.ok(far.inFlight >= 3_000, 'the connection was read on although nothing can be done with it')
  near.resume()
  client.send('\r\nquit\r\n')
  const output = await client.rest()
  // Both lines were answered: each with its blocks, in order.
  assert.equal(output.length, 2 * (100 * 8_192 + 'done\r\n'.length) + 'bye\r\n'.length)
  assert.ok(output.endsWith('xdone\r\nbye\r\n'))
})

test('a peer that never reads is cut off after the time-out', async () => {
  const { client, near, clock, heard } = setUp({
    answer: async (_question, sink) => {
      while (!sink.gone.aborted) await sink.write(Buffer.alloc(8_192))
      return 'done'
    },
  })
  await client.line()
  near.pause()
  client.send('big\r\n')
  await clock.advance('61s')
  assert.deepEqual(heard, ['closed', 'finished: not-reading'])
})

test('a question waits while the peer leaves its replies unread', async () => {
  const asked: string[] = []
  const { client, near } = setUp({
    answer: (question) => {
      asked.push(question)
      return 'x'.repeat(20_000)
    },
  })
  await client.line()
  near.pause()
  client.send('a\r\n')
  await settle()
  client.send('b\r\n')
  client.send('c\r\n')
  await settle()
  assert.deepEqual(asked, ['a'])
  near.resume()
  await client.lines(3)
  assert.deepEqual(asked, ['a', 'b', 'c'])
})

test('STARTTLS: both ends agree, and the session goes on', async () => {
  const { client, near, far } = setUp()
  client.send('tls\r\n')
  assert.deepEqual(await client.lines(2), ['hello', 'go'])
  const state = await near.startTls()
  client.send('x\r\n')
  assert.deepEqual(await client.lines(2), ['secured', 'echo x'])
  assert.deepEqual(state, far.tls)
})

test('STARTTLS with bytes behind it never runs them', async () => {
  const inputs = [['tls\r\nx\r\n'], ['tls\r\n', 'x\r\n'], [...cutEvery(Buffer.from('tls\r\nx\r\n'), 1)]]
  for (const chunks of inputs) {
    const asked: string[] = []
    const { client, finished } = setUp({
      answer: (question) => {
        asked.push(question)
        return 'ok'
      },
    })
    for (const chunk of chunks) client.send(chunk)
    const output = await client.rest()
    client.connection.destroy()
    await finished
    assert.doesNotMatch(output, /secured|ok/)
    assert.deepEqual(asked, [])
  }
})

test('bytes that were held when TLS starts end the session', async () => {
  const { promise, resolve } = Promise.withResolvers<string>()
  const { client, finished } = setUp({ answer: () => promise })
  client.send('wait\r\ntls\r\n')
  await settle()
  client.send('x\r\n')
  await settle()
  resolve('ok')
  assert.equal((await finished).ending, 'injected')
})

test('a handshake that never comes is given up', async () => {
  const { client, clock, heard } = setUp()
  client.send('tls\r\n')
  await client.lines(2)
  await clock.advance('31s')
  assert.deepEqual(heard, [
    'handshake failed: TLS handshake timed out',
    'closed',
    'finished: handshake-failed',
  ])
})

test('stop waits for the reply under way, then the core says farewell', async () => {
  const { promise, resolve } = Promise.withResolvers<string>()
  const { client, session, finished } = setUp({ answer: () => promise })
  client.send('x\r\n')
  await settle()
  session.stop()
  await settle()
  assert.equal(client.unread, 'hello\r\n')
  resolve('done')
  assert.equal(await client.rest(), 'hello\r\ndone\r\nstopping (stopping)\r\n')
  client.connection.end()
  assert.equal((await finished).ending, 'closed')
})

test('after its farewell a peer that does not close is closed', async () => {
  const { client, clock, heard } = setUp()
  client.send('quit\r\n')
  await client.rest()
  client.send('more\r\n')
  await clock.advance('6s')
  assert.deepEqual(heard, ['closed', 'finished: closed'])
})

test('whatever a handler throws while closing is reported, and the session still finishes', async () => {
  const heard: string[] = []
  const clock = new VirtualClock()
  const [near, far]: [MemoryConnection, MemoryConnection] = connectInMemory(
    { clock, random: new SeededRandom(1) },
    { local: { address: '192.0.2.9', port: 4_000 }, remote: { address: '192.0.2.1', port: 25 } },
  )
  const service = {
    makeCore: () => new EchoCore(),
    makeHandler: (): Handler<string, string> => ({
      answer: (question) => question,
      failed: () => 'failed',
      closed: () => Promise.reject(new Error('too late')),
    }),
  }
  const events = {
    handlerFailed: () => undefined,
    handshakeFailed: () => undefined,
    broke: (_peer: unknown, error: unknown) => void heard.push(String(error)),
    finished: () => void heard.push('finished'),
  }
  new Session(far, service, { clock, limits: defaultPumpLimits, events }).start()
  near.reset()
  await settle()
  assert.deepEqual(heard, ['Error: too late', 'finished'])
})

test('a connection that is handed over belongs to who takes it, and the session is over when he is done', async () => {
  const done = Promise.withResolvers<void>()
  const taken: string[] = []
  const takeOver = (connection: Connection) => {
    connection.onData = (bytes) => void taken.push(Buffer.from(bytes).toString())
    connection.resume()
    connection.write('EHLO\r\n')
    return done.promise
  }
  const { client, session, clock, heard, finished } = setUp({ takeOver })
  client.send('turn\r\n')
  assert.deepEqual(await client.lines(3), ['hello', 'your turn', 'EHLO'])
  client.send('250 hello\r\n')
  await settle()
  assert.deepEqual(taken, ['250 hello\r\n'])
  session.stop()
  // The core's time-out is over as well: from now on the new owner keeps the time.
  await clock.advance('1h')
  assert.deepEqual(heard, [])
  done.resolve()
  assert.equal((await finished).ending, 'handed-over')
  assert.equal(await client.rest(), '')
  assert.deepEqual(heard, ['closed', 'finished: handed-over'])
})

test('who took a connection over learns that it is gone, also at the end of a stop', async () => {
  for (const end of ['peer', 'stop'] as const) {
    let gone: AbortSignal | undefined
    const takeOver = (connection: Connection, sink: Sink) => {
      gone = sink.gone
      return new Promise<void>((resolve) => {
        connection.onClose = () => resolve()
        connection.resume()
      })
    }
    const { client, session, near, heard, finished } = setUp({ takeOver })
    client.send('turn\r\n')
    await client.lines(2)
    if (end === 'peer') near.reset()
    else session.destroy()
    await finished
    assert.equal(gone?.aborted, true)
    assert.deepEqual(heard, ['closed', end === 'peer' ? 'finished: handed-over' : 'finished: cut'])
  }
})

test('a take-over that fails, or that nobody wants, breaks this session alone', async () => {
  const failing = setUp({ takeOver: () => Promise.reject(new Error('no wish to')) })
  failing.client.send('turn\r\n')
  await failing.finished
  assert.deepEqual(failing.heard, ['broke: Error: no wish to', 'closed', 'finished: broken'])
  const nobody = setUp()
  nobody.client.send('turn\r\n')
  await nobody.finished
  assert.deepEqual(nobody.heard.slice(1), ['closed', 'finished: broken'])
})

test('what came before a hand-over ends the session, and reaches nobody', async () => {
  let asked = 0
  const answer = async (question: string) => {
    asked++
    await settle()
    return `echo ${question}`
  }
  const { client, heard, finished } = setUp({ answer, takeOver: () => Promise.resolve() })
  client.send('wait\r\nturn\r\n')
  await settle()
  client.send('250 too early\r\n')
  await finished
  assert.equal(asked, 1)
  assert.deepEqual(heard, ['closed', 'finished: injected'])
})

test('a handler sees how much the peer has sent that nobody has looked at', async () => {
  const seen: number[] = []
  const answer = async (_question: string, sink: Sink) => {
    seen.push(sink.held)
    await settle()
    seen.push(sink.held)
    return 'done'
  }
  const { client } = setUp({ answer })
  client.send('one\r\n')
  await client.line()
  client.send('quit\r\n')
  await client.rest()
  assert.deepEqual(seen, [0, 6])
})

/** Lets all that is under way in memory come to rest. */
async function settle(): Promise<void> {
  for (let job = 0; job < 100; job++) await null
}
