import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import type { Connection } from '../base/connection.ts'
import { SeededRandom } from '../base/seeded-random.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import { LineClient } from '../../test/support/line-client.ts'
import { connectInMemory, MemoryNetwork, type MemoryNetworkOptions } from './memory-network.ts'

const ends = { local: { address: '192.0.2.9', port: 4_000 }, remote: { address: '192.0.2.1', port: 25 } }

function pair(options: Partial<MemoryNetworkOptions> = {}) {
  const clock = new VirtualClock()
  const [near, far] = connectInMemory({ clock, random: new SeededRandom(1), ...options }, ends)
  return { clock, near, far }
}

function collect(connection: Connection) {
  const heard: string[] = []
  connection.onData = (bytes) => void heard.push(Buffer.from(bytes).toString())
  connection.onEnd = () => void heard.push('<end>')
  connection.onClose = (error) => void heard.push(error === null ? '<closed>' : `<${error.message}>`)
  connection.onDrain = () => void heard.push('<drain>')
  connection.resume()
  return heard
}

async function settle(): Promise<void> {
  for (let job = 0; job < 200; job++) await null
}

test('both ends know each other', () => {
  const { near, far } = pair()
  assert.deepEqual(near.peer, {
    remoteAddress: '192.0.2.1',
    remotePort: 25,
    localAddress: '192.0.2.9',
    localPort: 4_000,
  })
  assert.equal(far.peer.remoteAddress, '192.0.2.9')
})

test('nothing is delivered within a call, all of it in order, then the end', async () => {
  const { near, far } = pair()
  const heard = collect(far)
  near.write('one')
  near.cork()
  near.write('two')
  near.write(Buffer.from('three'))
  near.uncork()
  near.end()
  assert.deepEqual(heard, [])
  await settle()
  assert.deepEqual(heard, ['one', 'twothree', '<end>'])
  const nearHeard = collect(near)
  far.write('still open')
  far.end()
  await settle()
  assert.deepEqual(nearHeard, ['still open', '<end>', '<closed>'])
  assert.deepEqual(heard.at(-1), '<closed>')
})

test('segments are cut and joined at random, alike for one seed, and lose nothing', async () => {
  const text = 'abcdefghij'.repeat(300)
  const run = async () => {
    const { near, far } = pair({ segments: 'cut' })
    const heard = collect(far)
    for (let at = 0; at < text.length; at += 100) near.write(text.slice(at, at + 100))
    await settle()
    return heard
  }
  const first = await run()
  assert.equal(first.join(''), text)
  assert.ok(new Set(first.map((segment) => segment.length)).size > 5)
  assert.deepEqual(await run(), first)
})

test('the writer is told to wait at the high-water mark, and when there is room', async () => {
  const { near, far } = pair({ highWaterMark: 10 })
  const heard = collect(near)
  assert.equal(near.write('12345'), true)
  assert.equal(near.write('67890'), false)
  await settle()
  assert.deepEqual(heard, [])
  far.resume()
  await settle()
  assert.deepEqual(heard, ['<drain>'])
})

test('latency passes on the clock', async () => {
  const { near, far, clock } = pair({ latencyMilliseconds: 50 })
  const heard = collect(far)
  near.write('a')
  await clock.advance(49)
  near.write('b')
  assert.deepEqual(heard, [])
  await clock.advance(1)
  assert.deepEqual(heard, ['a'])
  await clock.advance(49)
  assert.deepEqual(heard, ['a', 'b'])
})

test('destroying: in order where all was read, a reset where not; the bytes written before it arrive', async () => {
  const orderly = pair()
  const heard = collect(orderly.far)
  orderly.near.write('last words')
  orderly.near.destroy()
  await settle()
  assert.deepEqual(heard, ['last words', '<end>'])
  orderly.far.write('too late')
  await settle()
  assert.deepEqual(heard.at(-1), '<read: ECONNRESET>')

  const unread = pair()
  const other = collect(unread.far)
  unread.far.write('never read')
  unread.near.destroy()
  await settle()
  assert.deepEqual(other, ['<read: ECONNRESET>'])
})

test('a reset reaches both ends at once, also a paused one', async () => {
  const { near, far } = pair()
  const heard = collect(far)
  far.pause()
  near.write('lost')
  near.reset()
  await settle()
  assert.deepEqual(heard, ['<read: ECONNRESET>'])
})

test('TLS: both ends get one state; bytes in the clear make it fail', async () => {
  const { near, far } = pair()
  const [one, other] = await Promise.all([near.startTls(), far.startTls()])
  assert.equal(one, other)
  assert.equal(one.exporter?.length, 32)
  await assert.rejects(near.startTls())

  for (const order of ['before', 'during']) {
    const attacked = pair()
    collect(attacked.far)
    if (order === 'before') attacked.near.write('evil')
    const handshake = attacked.far.startTls()
    if (order === 'during') attacked.near.write('evil')
    await assert.rejects(handshake, { code: 'EPROTO' })
    await assert.rejects(attacked.near.startTls().then(settle))
  }
})

test('listening and dialing, with a port of its choice', async () => {
  const clock = new VirtualClock()
  const network = new MemoryNetwork({ clock, random: new SeededRandom(1), latencyMilliseconds: 10 })
  const accepted: Connection[] = []
  const point = { address: '0.0.0.0', port: 0, identity: null }
  const listening = await network.listen(point, (connection) => void accepted.push(connection))
  assert.ok(listening.port > 0)
  const target = {
    address: '192.0.2.5',
    port: listening.port,
    localAddress: '192.0.2.6',
    timeoutMilliseconds: 1_000,
  }
  const dialing = network.dial(target)
  await clock.advance(20)
  const client = new LineClient(await dialing)
  const [server] = accepted
  assert.equal(server?.peer.remoteAddress, '192.0.2.6')
  server.write('hello\r\n')
  await clock.advance(10)
  assert.equal(await client.line(), 'hello')
  await assert.rejects(
    network.listen({ ...point, port: listening.port }, () => undefined),
    { code: 'EADDRINUSE' },
  )
  await listening.close()
  const refused = assert.rejects(network.dial(target), { code: 'ECONNREFUSED' })
  await clock.advance(20)
  await refused
})
