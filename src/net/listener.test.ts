import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Core, Handler } from '../base/core.ts'
import { parseIpNetworks } from '../base/ip-network.ts'
import { SeededRandom } from '../base/seeded-random.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import { LineClient } from '../../test/support/line-client.ts'
import { ConnectionCount, type ConnectionLimits } from './connection-limits.ts'
import { ConnectionRate, type ConnectionRateLimits } from './connection-rate.ts'
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

const proxies = {
  from: parseIpNetworks(['203.0.113.0/24']),
  timeoutMilliseconds: 5_000,
  longestHeader: 200,
}

async function setUp(
  limits: ConnectionLimits = plenty,
  rate?: ConnectionRateLimits,
  ready?: () => Promise<void>,
) {
  const clock = new VirtualClock()
  const network = new MemoryNetwork({ clock, random: new SeededRandom(1) })
  const heard: string[] = []
  const events: ListenerEvents = {
    opened: (peer) => void heard.push(`opened ${peer.remoteAddress}`),
    refused: (peer, refusal) => void heard.push(`refused ${peer.remoteAddress}: ${refusal}`),
    handlerFailed: (_peer, _question, error) => void heard.push(String(error)),
    handshakeFailed: (_peer, error) => void heard.push(String(error)),
    broke: (_peer, error) => void heard.push(String(error)),
    proxyFailed: (peer, failure) => void heard.push(`proxy ${peer.remoteAddress}: ${failure}`),
    finished: (session) => void heard.push(`finished ${session.peer.remoteAddress}: ${session.ending}`),
  }
  const connections = new ConnectionCount(limits, rate && new ConnectionRate(rate, clock))
  const listener = await listen<string, string>({
    network,
    points: [
      { address: '192.0.2.1', port: 25 },
      { address: '2001:db8::1', port: 0 },
    ],
    tls: 'none',
    identity: null,
    proxies,
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
    ...(ready && { ready }),
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

test('what must be ready first is waited for by those who come early, and those who left meanwhile hold nothing', async () => {
  const ready = Promise.withResolvers<void>()
  let asked = 0
  const { clock, dial, heard, listener } = await setUp(plenty, undefined, () => {
    asked++
    return ready.promise
  })
  assert.equal(asked, 0)
  const patient = await dial('198.51.100.1')
  const hasty = await dial('198.51.100.2')
  hasty.connection.destroy()
  await clock.advance('1s')
  assert.equal(listener.sessions, 0)
  ready.resolve()
  assert.equal(await patient.line(), 'hello')
  assert.equal(await (await dial('198.51.100.3')).line(), 'hello')
  assert.equal(listener.sessions, 2)
  assert.ok(heard.includes('finished 198.51.100.2: reset'))
})

test('where it does not become ready the connection ends, and the next one asks again', async () => {
  const answers = [Promise.reject(new Error('no such file')), Promise.resolve()]
  answers[0]?.catch(() => undefined)
  const { dial, heard } = await setUp(plenty, undefined, () => answers.shift() ?? Promise.resolve())
  await (await dial('198.51.100.1')).rest()
  assert.ok(heard.includes('Error: no such file'))
  assert.equal(await (await dial('198.51.100.2')).line(), 'hello')
})

test('who is over a limit hears the farewell, and a place becomes free again', async () => {
  const { dial, heard, connections, listener } = await setUp({ total: 3, perAddress: 1, perPrefix: 2 })
  const first = await dial('198.51.100.1')
  assert.equal(await first.line(), 'hello')
  assert.equal(await (await dial('198.51.100.1')).rest(), '421 too many: address\r\n')
  assert.equal(await (await dial('198.51.100.2')).line(), 'hello')
  assert.equal(await (await dial('198.51.100.3')).rest(), '421 too many: prefix\r\n')
  assert.equal(await (await dial('192.0.2.91')).line(), 'hello')
  assert.equal(await (await dial('192.0.2.92')).rest(), '421 too many: total\r\n')
  assert.equal(connections.total, 3)
  assert.equal(listener.sessions, 3)
  first.connection.end()
  await first.rest()
  assert.equal(await (await dial('192.0.2.92')).line(), 'hello')
  assert.ok(heard.includes('refused 192.0.2.92: total'))
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

test('counting: a client behind a connection counts by its address, and not in all again', () => {
  const connections = new ConnectionCount({ total: 2, perAddress: 1, perPrefix: 2 })
  assert.equal(connections.enter('192.0.2.1'), null)
  assert.equal(connections.enter('198.51.100.1'), null)
  assert.equal(connections.enterBehind('203.0.113.7'), null)
  assert.equal(connections.total, 2)
  assert.equal(connections.enterBehind('203.0.113.7'), 'address')
  assert.equal(connections.enterBehind('203.0.113.8'), null)
  assert.equal(connections.enterBehind('203.0.113.9'), 'prefix')
  connections.leaveBehind('203.0.113.7')
  assert.equal(connections.enterBehind('203.0.113.7'), null)
  assert.equal(connections.enter('192.0.2.9'), 'total')
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

test('a site of IPv6 has a limit of its own above its prefixes', () => {
  const count = new ConnectionCount({ total: 9, perAddress: 9, perPrefix: 9, perSite: 2 })
  assert.equal(count.enter('2001:db8:0:1::1'), null)
  assert.equal(count.enter('2001:db8:0:2::1'), null)
  assert.equal(count.enter('2001:db8:0:3::1'), 'site')
  assert.equal(count.enter('2001:db8:1:3::1'), null)
  assert.equal(count.enter('192.0.2.1'), null)
  count.leave('2001:db8:0:2::1')
  assert.equal(count.enter('2001:db8:0:3::1'), null)
})

test('new connections have a rate, by address and by prefix, that recovers as time passes', async () => {
  const clock = new VirtualClock()
  const rate = new ConnectionRate({ perAddress: 6, perPrefix: 8 }, clock)
  const count = new ConnectionCount({ total: 99, perAddress: 99, perPrefix: 99 }, rate)
  const enter = (address: string, times: number) =>
    Array.from({ length: times }, () => count.enter(address)).filter((refusal) => refusal === null).length
  assert.equal(enter('192.0.2.1', 20), 6)
  assert.equal(count.enter('192.0.2.1'), 'rate')
  assert.equal(enter('192.0.2.2', 20), 2)
  assert.equal(enter('198.51.100.1', 1), 1)
  await clock.advance('60s')
  assert.equal(enter('192.0.2.1', 20), 0)
  await clock.advance('30s')
  // Half of the last minute has passed out of sight.
  assert.equal(enter('192.0.2.1', 20), 3)
  await clock.advance('10m')
  assert.equal(enter('192.0.2.1', 20), 6)
})

test('a refused newcomer is not counted: he gets in at the allowed rate however often he tries', async () => {
  const { dial, clock } = await setUp(plenty, { perAddress: 1, perPrefix: 0 })
  assert.equal(await (await dial('198.51.100.1')).line(), 'hello')
  for (let second = 0; second < 3; second++) {
    assert.equal(await (await dial('198.51.100.1')).rest(), '421 too many: rate\r\n')
  }
  await clock.advance('2m')
  assert.equal(await (await dial('198.51.100.1')).line(), 'hello')
})

test('behind a listed proxy a session belongs to the client that it speaks for, and counts for him', async () => {
  const { dial, heard, connections } = await setUp({ total: 4, perAddress: 1, perPrefix: 9 })
  const clients = []
  for (const last of [1, 2, 3]) {
    const client = await dial('203.0.113.9')
    client.send(`PROXY TCP4 198.51.100.${last} 192.0.2.1 4000 25\r\n`)
    assert.equal(await client.line(), 'hello')
    clients.push(client)
  }
  const same = await dial('203.0.113.9')
  same.send('PROXY TCP4 198.51.100.1 192.0.2.1 4000 25\r\n')
  assert.equal(await same.rest(), '421 too many: address\r\n')
  assert.deepEqual(heard.slice(-2), ['opened 198.51.100.3', 'refused 198.51.100.1: address'])
  for (const client of clients) {
    client.connection.end()
    await client.rest()
  }
  assert.equal(connections.total, 0)
  assert.equal(heard.at(-1), 'finished 198.51.100.3: peer-ended')
})

test('what came with the header is the client’s; a proxy that speaks for itself keeps its address, without its limit', async () => {
  const { dial, heard } = await setUp({ total: 9, perAddress: 1, perPrefix: 1 })
  const eager = await dial('203.0.113.9')
  eager.send('PROXY TCP6 2001:db8::7 2001:db8::1 4000 25\r\nx')
  assert.equal(await eager.line(), 'hello')
  for (let check = 0; check < 3; check++) {
    const local = await dial('203.0.113.9')
    local.send(Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex'))
    assert.equal(await local.line(), 'hello')
  }
  assert.deepEqual(heard, ['opened 2001:db8::7', ...Array.from({ length: 3 }, () => 'opened 203.0.113.9')])
})

test('a listed proxy must say whom it speaks for, and in time; others may not', async () => {
  const { dial, heard, connections, clock } = await setUp()
  const wrong = await dial('203.0.113.9')
  wrong.send('EHLO me\r\n')
  assert.equal(await wrong.rest(), '')
  const endless = await dial('203.0.113.9')
  endless.send(Buffer.from('0d0a0d0a000d0a515549540a2111ffff', 'hex'))
  assert.equal(await endless.rest(), '')
  const silent = await dial('203.0.113.9')
  silent.send('PROXY TCP4 198.51.')
  await clock.advance('4999ms')
  assert.equal(connections.total, 1)
  await clock.advance('1ms')
  assert.equal(await silent.rest(), '')
  const leaving = await dial('203.0.113.9')
  leaving.connection.end()
  await leaving.rest()
  assert.deepEqual(heard, [
    'proxy 203.0.113.9: invalid',
    'proxy 203.0.113.9: invalid',
    'proxy 203.0.113.9: timed-out',
    'proxy 203.0.113.9: gone',
  ])
  assert.equal(connections.total, 0)
  const unlisted = await dial('198.51.100.1')
  unlisted.send('PROXY TCP4 192.0.2.77 192.0.2.1 4000 25\r\n')
  assert.equal(await unlisted.line(), 'hello')
  assert.equal(heard.at(-1), 'opened 198.51.100.1')
})

test('stop: a proxy that has said nothing yet is cut', async () => {
  const { dial, listener, connections } = await setUp()
  const silent = await dial('203.0.113.9')
  await listener.stop(1_000)
  assert.equal(await silent.rest(), '')
  assert.equal(connections.total, 0)
})
