import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import type { Connection } from '../base/connection.ts'
import { SeededRandom } from '../base/seeded-random.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import { LineClient } from '../../test/support/line-client.ts'
import {
  connectInMemory,
  MemoryNetwork,
  type MemoryHost,
  type MemoryNetworkOptions,
} from './memory-network.ts'
import { memoryPublicKey } from './memory-tls.ts'

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
  assert.deepEqual(one, other)
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

test('a client is shown who the server is, and the server who the client is', async () => {
  const { network } = internet()
  const tls = { names: ['MX.example.org'], key: 'k1', issuers: ['ca'], problem: null }
  const host = network.host(['192.0.2.5'], { tls })
  const server = await accepting(host, 25)
  const ann = { names: [], emailAddresses: ['ann@example.org'], key: 'k2', problem: 'CERT_HAS_EXPIRED' }
  network.setConditions('192.0.2.6', { tls: ann })
  const client = await network.dial({ ...target, localAddress: '192.0.2.6' })
  const identity = { certificate: '', key: '' }
  const request = { serverName: 'mx.example.org', identity }
  const [seen, shown] = await Promise.all([client.startClientTls(request), server.next().startTls()])
  assert.deepEqual(seen.peerCertificate?.dnsNames, ['mx.example.org'])
  assert.equal(seen.peerCertificate?.problem, null)
  assert.deepEqual(
    seen.peerCertificate?.chain.map(({ publicKey }) => publicKey),
    [memoryPublicKey('k1'), memoryPublicKey('ca')],
  )
  assert.equal(shown.serverName, 'mx.example.org')
  assert.deepEqual(shown.peerCertificate?.emailAddresses, ['ann@example.org'])
  assert.equal(shown.peerCertificate?.problem, 'CERT_HAS_EXPIRED')
  const anonymous = await network.dial({ ...target, localAddress: '192.0.2.6' })
  const [, unknown] = await Promise.all([
    anonymous.startClientTls({ serverName: null }),
    server.next().startTls(),
  ])
  assert.equal(unknown.peerCertificate, null)
})

test('hosts listen on their own addresses and dial from them', async () => {
  const { network } = internet()
  const one = network.host(['192.0.2.5', '2001:db8::5'])
  const two = network.host(['192.0.2.7'])
  const [first, second] = [await accepting(one, 25), await accepting(two, 25)]
  await two.dial(target)
  assert.equal(first.next().peer.remoteAddress, '192.0.2.7')
  await one.dial({ ...target, address: '192.0.2.7', localAddress: '192.0.2.5' })
  assert.equal(second.next().peer.remoteAddress, '192.0.2.5')
  await one.dial({ ...target, address: '2001:db8::5' })
  assert.equal(first.next().peer.remoteAddress, '2001:db8::5')
  await assert.rejects(two.dial({ ...target, address: '2001:db8::5' }), { code: 'ENETUNREACH' })
  await assert.rejects(two.dial({ ...target, localAddress: '192.0.2.5' }), { code: 'EADDRNOTAVAIL' })
  const point = { address: '192.0.2.5', port: 26, identity: null }
  await assert.rejects(
    two.listen(point, () => undefined),
    { code: 'EADDRNOTAVAIL' },
  )
})

test('addresses that refuse, cannot be reached, never answer or are too far away', async () => {
  const { network, clock } = internet()
  const host = network.host(['192.0.2.5'], { connect: 'refused' })
  await accepting(host, 25)
  await assert.rejects(network.dial(target), { code: 'ECONNREFUSED' })
  host.set({ connect: 'unreachable' })
  await assert.rejects(network.dial(target), { code: 'EHOSTUNREACH' })
  for (const conditions of [{ connect: 'black-hole' as const }, { latencyMilliseconds: 600 }]) {
    host.set(conditions)
    const before = clock.monotonic()
    const failed = assert.rejects(network.dial(target), { code: 'ETIMEDOUT' })
    await clock.advance('1s')
    await failed
    assert.equal(clock.monotonic() - before, 1_000)
  }
  const abort = new AbortController()
  host.set({ connect: 'black-hole' })
  const given = assert.rejects(network.dial({ ...target, signal: abort.signal }), /enough/)
  await settle()
  abort.abort(new Error('enough'))
  await given
})

test('connections that die after some octets or some time', async () => {
  const { network, clock } = internet()
  const host = network.host(['192.0.2.5'], { faults: { dieAfterOctets: 10 } })
  const server = await accepting(host, 25)
  const client = await network.dial(target)
  const [there, here] = [collect(server.next()), collect(client)]
  client.write('12345')
  await settle()
  client.write('67890')
  await settle()
  client.write('x')
  await settle()
  assert.deepEqual(there, ['12345', '67890', '<read: ECONNRESET>'])
  assert.deepEqual(here, ['<read: ECONNRESET>'])
  host.set({ faults: { dieAfterMilliseconds: 500 } })
  const late = collect(await network.dial(target))
  await clock.advance(499)
  assert.deepEqual(late, [])
  await clock.advance(1)
  assert.deepEqual(late, ['<read: ECONNRESET>'])
})

test('handshakes that fail, and that never end', async () => {
  const { network, clock } = internet()
  const host = network.host(['192.0.2.5'], { faults: { handshake: 'fails' } })
  const server = await accepting(host, 25)
  const failing = await network.dial(target)
  const atServer = assert.rejects(server.next().startTls())
  await assert.rejects(failing.startClientTls({ serverName: null }))
  await atServer
  host.set({ faults: { handshake: 'hangs' } })
  const hanging = await network.dial(target)
  const handshake = hanging.startClientTls({ serverName: null })
  void server
    .next()
    .startTls()
    .catch(() => undefined)
  let over = false
  void handshake.catch(() => undefined).finally(() => (over = true))
  await clock.advance('1h')
  assert.equal(over, false)
  hanging.destroy()
  await assert.rejects(handshake)
})

const target = { address: '192.0.2.5', port: 25, timeoutMilliseconds: 1_000 }

function internet() {
  const clock = new VirtualClock()
  return { clock, network: new MemoryNetwork({ clock, random: new SeededRandom(1) }) }
}

/** Listens on all addresses of a host; `next` takes the oldest connection. */
async function accepting(host: MemoryHost, port: number) {
  const accepted: Connection[] = []
  await host.listen({ address: '::', port, identity: null }, (connection) => void accepted.push(connection))
  const next = () => {
    const connection = accepted.shift()
    assert.ok(connection)
    return connection
  }
  return { next }
}
