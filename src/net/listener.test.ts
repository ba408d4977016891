import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Core, Handler } from '../base/core.ts'
import { SeededRandom } from '../base/seeded-random.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import { LineClient } from '../../test/support/line-client.ts'
import { ConnectionCount, type ConnectionLimits } from './connection-limits.ts'
import { listen, type ListenerEvents } from './listener.ts'
import { MemoryNetwork } from './memory-network.ts'

const plenty: ConnectionLimits = { total: 100, perAddress: 100, perPrefix: 100 }

/** Greets, and waits for the end; `slow` leaves an answer outstanding until the clock says so. */
function greeter(): Core<string, string> {
  return {
    open: () => [{ type: 'write', bytes: 'hello\r\n' }],
    receive: () => [{ type: 'ask', question: 'slow' }],
    answer: () => [{ type: 'write', bytes: 'done\r\n' }],
    secured: () => [],
    expire: () => [{ type: 'close' }],
    ended: () => [{ type: 'close' }],
    shutdown: () => [{ type: 'write', bytes: 'stopping\r\n' }, { type: 'close' }],
  }
}

async function setUp(limits: ConnectionLimits = plenty) {
  const clock = new VirtualClock()
  const network = new MemoryNetwork({ clock, random: new SeededRandom(1) })
  const heard: string[] = []
  const events: ListenerEvents = {
    opened: (peer) => void heard.push(`opened ${peer.remoteAddress}`),
    refused: (peer, refusal) => void heard.push(`refused ${peer.remoteAddress}: ${refusal}`),
    handlerFailed: (_peer, _question, error) => void heard.push(String(error)),
    handshakeFailed: (_peer, error) => void heard.push(String(error)),
    broke: (_peer, error) => void heard.push(String(error)),
    finished: (session) => void heard.push(`finished ${session.peer.remoteAddress}: ${session.ending}`),
  }
  const connections = new ConnectionCount(limits)
  const listener = await listen<string, string>({
    network,
    points: [
      { address: '192.0.2.1', port: 25 },
      { address: '2001:db8::1', port: 0 },
    ],
    tls: 'none',
    identity: null,
    service: {
      makeCore: greeter,
      makeHandler: (): Handler<string, string> => ({
        answer: () => clock.sleep(5_000).then(() => 'ok'),
        failed: () => 'failed',
        closed: () => undefined,
      }),
    },
    clock,
    events,
    connections,
    farewell: (refusal) => `421 too many: ${refusal}\r\n`,
  })
  const dial = async (localAddress: string) =>
    new LineClient(
      await network.dial({ address: '192.0.2.1', port: 25, localAddress, timeoutMilliseconds: 1 }),
    )
  return { clock, network, heard, listener, connections, dial }
}

test('it listens on all its points, and tells the ports it was given', async () => {
  const { listener, network } = await setUp()
  const [first, second] = listener.points
  assert.deepEqual(first, { address: '192.0.2.1', port: 25 })
  assert.ok(second !== undefined && second.port > 0)
  const client = new LineClient(await network.dial({ ...second, timeoutMilliseconds: 1 }))
  assert.equal(await client.line(), 'hello')
})

test('who is over a limit hears the farewell, and a place becomes free again', async () => {
  const { dial, heard, connections, listener } = await setUp({ total: 3, perAddress: 1, perPrefix: 2 })
  const first = await dial('198.51.100.1')
  assert.equal(await first.line(), 'hello')
  assert.equal(await (await dial('198.51.100.1')).rest(), '421 too many: address\r\n')
  assert.equal(await (await dial('198.51.100.2')).line(), 'hello')
  assert.equal(await (await dial('198.51.100.3')).rest(), '421 too many: prefix\r\n')
  assert.equal(await (await dial('203.0.113.1')).line(), 'hello')
  assert.equal(await (await dial('203.0.113.2')).rest(), '421 too many: total\r\n')
  assert.equal(connections.total, 3)
  assert.equal(listener.sessions, 3)
  first.connection.end()
  await first.rest()
  assert.equal(await (await dial('203.0.113.2')).line(), 'hello')
  assert.ok(heard.includes('refused 203.0.113.2: total'))
})

test('a refused peer that does not close is closed', async () => {
  const { dial, clock } = await setUp({ ...plenty, total: 0 })
  const client = await dial('198.51.100.1')
  assert.equal(await client.rest(), '421 too many: total\r\n')
  await clock.advance('3s')
  client.send('still here\r\n')
  await clock.advance('1s')
  assert.match(String(client.error), /ECONNRESET/)
})

test('stop: idle sessions end at once, replies under way are finished, nobody new comes in', async () => {
  const { listener, dial, clock, heard } = await setUp()
  const idle = await dial('198.51.100.1')
  const busy = await dial('198.51.100.2')
  busy.send('x')
  assert.equal(await busy.line(), 'hello')
  const stopped = listener.stop(10_000)
  assert.equal(await idle.rest(), 'hello\r\nstopping\r\n')
  idle.connection.end()
  await assert.rejects(dial('198.51.100.3'), { code: 'ECONNREFUSED' })
  await clock.advance('5s')
  assert.equal(await busy.rest(), 'done\r\nstopping\r\n')
  busy.connection.end()
  await stopped
  assert.deepEqual(heard.slice(-2), ['finished 198.51.100.1: closed', 'finished 198.51.100.2: closed'])
})

test('stop: what is left at the deadline is cut', async () => {
  const { listener, dial, clock, heard } = await setUp()
  const busy = await dial('198.51.100.2')
  busy.send('x')
  await busy.line()
  const stopped = listener.stop(1_000)
  await clock.advance('1s')
  assert.equal(await busy.rest(), '')
  await clock.advance('1s')
  await stopped
  await clock.advance('5s')
  assert.equal(heard.at(-1), 'finished 198.51.100.2: cut')
})

test('disposal stops it', async () => {
  const { listener, dial } = await setUp()
  await listener[Symbol.asyncDispose]()
  await assert.rejects(dial('198.51.100.3'), { code: 'ECONNREFUSED' })
})

test('where one point cannot be bound, none is', async () => {
  const { network, clock, connections } = await setUp()
  const options = {
    network,
    points: [
      { address: '192.0.2.1', port: 26 },
      { address: '192.0.2.1', port: 25 },
    ],
    tls: 'none' as const,
    identity: null,
    service: {
      makeCore: greeter,
      makeHandler: () => ({ answer: () => 'ok', failed: () => 'failed', closed: () => undefined }),
    },
    clock,
    events: {
      opened: () => undefined,
      refused: () => undefined,
      handlerFailed: () => undefined,
      handshakeFailed: () => undefined,
      broke: () => undefined,
      finished: () => undefined,
    },
    connections,
    farewell: () => '',
  }
  await assert.rejects(listen(options), { code: 'EADDRINUSE' })
  await assert.rejects(network.dial({ address: '192.0.2.1', port: 26, timeoutMilliseconds: 1 }), {
    code: 'ECONNREFUSED',
  })
})

test('counting: by address and prefix, each left once', () => {
  const count = new ConnectionCount({ total: 9, perAddress: 9, perPrefix: 2 })
  assert.equal(count.enter('2001:db8:0:1::1'), null)
  assert.equal(count.enter('2001:db8:0:1:ffff::2'), null)
  assert.equal(count.enter('2001:db8:0:1::3'), 'prefix')
  assert.equal(count.enter('2001:db8:0:2::1'), null)
  count.leave('2001:db8:0:1::1')
  assert.equal(count.enter('2001:db8:0:1::3'), null)
  assert.equal(count.total, 3)
})
