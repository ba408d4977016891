// The resolver against a DNS server in this process, over UDP and TCP on loopback.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { test } from 'node:test'
import {
  AUTHENTIC_DATA,
  decode,
  encode,
  RECURSION_DESIRED,
  TRUNCATED_RESPONSE,
  type DecodedPacket,
  type Packet,
} from 'dns-packet'
import { SeededRandom } from '../base/seeded-random.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import type { DnsServer } from './dns-transport.ts'
import { parseResolvConf } from './resolv-conf.ts'
import { StubResolver, type ResolverLimits } from './resolver.ts'
import { SocketNetwork } from './socket-network.ts'

const nxdomain = 3
const servfail = 2
const refused = 5
const formerr = 1

type Reply = Packet | Buffer | 'silent'
type Behaviour = (query: DecodedPacket, over: 'udp' | 'tcp') => Reply

/** A DNS server on one port of both transports that counts what it is asked. */
async function serveDns(behaviour: Behaviour) {
  const asked: string[] = []
  const answer = (message: Uint8Array, over: 'udp' | 'tcp'): Uint8Array[] => {
    const query = decode(message)
    asked.push(`${over} ${query.questions[0]?.type} ${query.questions[0]?.name}`)
    const reply = behaviour(query, over)
    if (reply === 'silent') return []
    if (reply instanceof Uint8Array) return [reply]
    const flags = (reply.flags ?? 0) | RECURSION_DESIRED
    return [encode({ type: 'response', id: query.id, questions: query.questions, ...reply, flags })]
  }
  const sockets = new Set<Socket>()
  const tcp = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('data', (bytes: Uint8Array) => {
      for (const reply of answer(bytes.subarray(2), 'tcp')) {
        const framed = Buffer.concat([Uint8Array.of(reply.length >> 8, reply.length & 255), reply])
        // In two segments, cut within the length.
        socket.write(framed.subarray(0, 1))
        setImmediate(() => socket.write(framed.subarray(1)))
      }
    })
  })
  const { udp, port } = await onOnePort(tcp)
  udp.on('message', (message, from) => {
    for (const reply of answer(message, 'udp')) udp.send(reply, from.port, from.address)
  })
  return {
    asked,
    server: { address: '127.0.0.1', port, trusted: false } satisfies DnsServer,
    [Symbol.dispose]() {
      udp.close()
      tcp.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** A port that is free for both transports: the system gives one that is free for TCP, and somebody else may have its UDP half. */
async function onOnePort(tcp: Server): Promise<{ udp: UdpSocket; port: number }> {
  for (;;) {
    await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve))
    const { port } = tcp.address() as AddressInfo
    const udp = createSocket('udp4')
    const bound = new Promise<boolean>((resolve) => {
      udp.once('error', () => resolve(false))
      udp.bind(port, '127.0.0.1', () => resolve(true))
    })
    if (await bound) return { udp, port }
    udp.close()
    await new Promise((resolve) => tcp.close(resolve))
  }
}

function resolverFor(servers: DnsServer[], limits: Partial<ResolverLimits> = {}) {
  const clock = new VirtualClock()
  const dialer = new SocketNetwork(clock)
  return { clock, dns: new StubResolver({ servers, clock, random: new SeededRandom(1), dialer, limits }) }
}

const soa = (ttl: number, minimum: number) => ({
  name: 'example.org',
  type: 'SOA',
  ttl,
  data: {
    mname: 'ns.example.org',
    rname: 'root.example.org',
    serial: 1,
    refresh: 1,
    retry: 1,
    expire: 1,
    minimum,
  },
})

test('records of every type, as they came', async () => {
  const data: { readonly [type: string]: unknown } = {
    A: '192.0.2.1',
    AAAA: '2001:db8:0:0:0:0:0:1',
    MX: { preference: 10, exchange: 'mx.example.org' },
    TXT: [Buffer.from('v=spf1 '), Buffer.from('-all')],
    TLSA: { usage: 3, selector: 1, matchingType: 1, certificate: Buffer.from('00ff', 'hex') },
    PTR: 'mx.example.org',
    CNAME: 'other.example.org',
  }
  using upstream = await serveDns((query) => {
    const { name = '', type = '' } = query.questions[0] ?? {}
    return { answers: [{ name, type, ttl: 300, data: data[type] }] }
  })
  const { dns } = resolverFor([upstream.server])
  const facts = { ok: true, authentic: false, ttl: 300 }
  assert.deepEqual(await dns.a('example.org'), { ...facts, records: ['192.0.2.1'] })
  assert.deepEqual(await dns.aaaa('example.org'), { ...facts, records: ['2001:db8::1'] })
  const mx = { preference: 10, exchange: 'mx.example.org' }
  assert.deepEqual(await dns.mx('example.org'), { ...facts, records: [mx] })
  assert.deepEqual(await dns.txt('example.org'), { ...facts, records: ['v=spf1 -all'] })
  assert.deepEqual(await dns.cname('example.org'), { ...facts, records: ['other.example.org'] })
  assert.deepEqual(await dns.reverse('2001:db8::1'), { ...facts, records: ['mx.example.org'] })
  const tlsa = await dns.tlsa('_25._tcp.mx.example.org')
  assert.ok(tlsa.ok)
  assert.deepEqual(
    { ...tlsa.records[0], data: Buffer.from(tlsa.records[0]?.data ?? []).toString('hex') },
    {
      usage: 3,
      selector: 1,
      matchingType: 1,
      data: '00ff',
    },
  )
  assert.ok(upstream.asked.includes(`udp PTR 1.${'0.'.repeat(23)}8.b.d.0.1.0.0.2.ip6.arpa`))
})

test('an answer is kept for its TTL; one question under way is asked once', async () => {
  using upstream = await serveDns(() => ({
    answers: [{ name: 'a.example', type: 'A', ttl: 60, data: '192.0.2.1' }],
  }))
  const { dns, clock } = resolverFor([upstream.server])
  await Promise.all([dns.a('a.example'), dns.a('A.example.'), dns.a('a.example')])
  await clock.advance('20s')
  const kept = await dns.a('a.example')
  assert.ok(kept.ok)
  assert.equal(kept.ttl, 40)
  assert.equal(upstream.asked.length, 1)
  await clock.advance('40s')
  await dns.a('a.example')
  assert.equal(upstream.asked.length, 2)
})

test('a denial is kept as the SOA says; without SOA it is not kept', async () => {
  using upstream = await serveDns((query) => {
    const [question] = query.questions
    if (question?.name === 'none.example') return { flags: nxdomain, authorities: [soa(900, 30)] }
    return question?.type === 'MX' ? { authorities: [soa(20, 900)] } : {}
  })
  const { dns, clock } = resolverFor([upstream.server])
  assert.deepEqual(await dns.a('none.example'), { ok: false, failure: 'nxdomain', authentic: false })
  assert.deepEqual(await dns.mx('b.example'), { ok: false, failure: 'nodata', authentic: false })
  await clock.advance('19s')
  await dns.a('none.example')
  await dns.mx('b.example')
  assert.equal(upstream.asked.length, 2)
  await clock.advance('12s')
  await dns.a('none.example')
  await dns.mx('b.example')
  assert.equal(upstream.asked.length, 4)
  await dns.txt('b.example')
  await dns.txt('b.example')
  assert.equal(upstream.asked.length, 6)
})

test('the cache is bounded', async () => {
  using upstream = await serveDns((query) => ({
    answers: [{ name: query.questions[0]?.name ?? '', type: 'A', ttl: 60, data: '192.0.2.1' }],
  }))
  const { dns } = resolverFor([upstream.server], { cacheEntries: 2 })
  for (const name of ['a.example', 'b.example', 'a.example', 'c.example', 'a.example', 'b.example'])
    await dns.a(name)
  assert.deepEqual(
    upstream.asked.map((line) => line.slice(-9)),
    ['a.example', 'b.example', 'c.example', 'b.example'],
  )
})

test('what does not fit into UDP comes by TCP', async () => {
  const parts = Array.from({ length: 40 }, () => Buffer.alloc(200, 'x'))
  using upstream = await serveDns((_query, over) =>
    over === 'udp'
      ? { flags: TRUNCATED_RESPONSE }
      : { answers: [{ name: 'big.example', type: 'TXT', ttl: 1, data: parts }] },
  )
  const { dns } = resolverFor([upstream.server])
  const answer = await dns.txt('big.example')
  assert.ok(answer.ok)
  assert.equal(answer.records[0]?.length, 8_000)
  assert.deepEqual(upstream.asked, ['udp TXT big.example', 'tcp TXT big.example'])
})

test('a server that refuses EDNS is asked without it', async () => {
  using upstream = await serveDns((query) =>
    query.additionals.length > 0
      ? { flags: formerr }
      : { answers: [{ name: 'a.example', type: 'A', ttl: 1, data: '192.0.2.1' }] },
  )
  const { dns } = resolverFor([upstream.server])
  assert.ok((await dns.a('a.example')).ok)
})

test('the next server is asked where one fails, and the good one first from then on', async () => {
  using broken = await serveDns(() => ({ flags: servfail }))
  using good = await serveDns((query) => ({
    answers: [{ name: query.questions[0]?.name ?? '', type: 'A', ttl: 0, data: '192.0.2.1' }],
  }))
  const { dns } = resolverFor([broken.server, good.server])
  assert.ok((await dns.a('a.example')).ok)
  assert.ok((await dns.a('b.example')).ok)
  assert.deepEqual([broken.asked.length, good.asked.length], [1, 2])
})

test('failures are told apart, and not asked again at once', async () => {
  for (const [flags, failure] of [
    [servfail, 'servfail'],
    [refused, 'refused'],
  ] as const) {
    using upstream = await serveDns(() => ({ flags }))
    const { dns, clock } = resolverFor([upstream.server])
    assert.deepEqual(await dns.mx('a.example'), { ok: false, failure, authentic: false })
    await dns.mx('a.example')
    assert.equal(upstream.asked.length, 2)
    await clock.advance('6s')
    await dns.mx('a.example')
    assert.equal(upstream.asked.length, 4)
  }
})

test('silence is a time-out by the injected clock', async () => {
  const waiting = Promise.withResolvers<void>()
  using upstream = await serveDns(() => {
    waiting.resolve()
    return 'silent'
  })
  const { dns, clock } = resolverFor([upstream.server], { rounds: 1 })
  const answer = dns.a('a.example')
  await waiting.promise
  await clock.advance('3s')
  assert.deepEqual(await answer, { ok: false, failure: 'timeout', authentic: false })
  assert.deepEqual(await resolverFor([]).dns.a('a.example'), {
    ok: false,
    failure: 'timeout',
    authentic: false,
  })
})

test('the AD bit counts only from a trusted server', async () => {
  using upstream = await serveDns(() => ({
    flags: AUTHENTIC_DATA,
    answers: [{ name: 'a.example', type: 'A', ttl: 1, data: '192.0.2.1' }],
  }))
  assert.equal((await resolverFor([upstream.server]).dns.a('a.example')).authentic, false)
  const trusted = { ...upstream.server, trusted: true }
  assert.equal((await resolverFor([trusted]).dns.a('a.example')).authentic, true)
})

test('the AD bit of TLSA, MX and CNAME, of chains of aliases and of both kinds of denial; never of a failure', async () => {
  const alias = (name: string, data: string) => ({ name, type: 'CNAME', ttl: 5, data })
  using upstream = await serveDns((query) => {
    const { name = '', type = '' } = query.questions[0] ?? {}
    const secure = name.startsWith('insecure.') ? 0 : AUTHENTIC_DATA
    const flags = (code: number) => secure | code
    if (name.endsWith('gone.example')) return { flags: flags(nxdomain), authorities: [soa(60, 60)] }
    if (name.endsWith('empty.example')) return { flags: flags(0), authorities: [soa(60, 60)] }
    if (name.endsWith('bogus.example')) return { flags: flags(servfail) }
    if (name.endsWith('alias.example')) {
      const answers = [alias(name, 'b.example'), alias('b.example', 'c.example')]
      const last = { name: 'c.example', type, ttl: 9, data: '192.0.2.1' }
      return { flags: flags(0), answers: type === 'CNAME' ? answers.slice(0, 1) : [...answers, last] }
    }
    const data =
      type === 'TLSA'
        ? { usage: 3, selector: 1, matchingType: 1, certificate: Buffer.from('00ff', 'hex') }
        : { preference: 1, exchange: 'mx.example' }
    return { flags: flags(0), answers: [{ name, type, ttl: 9, data }] }
  })
  const { dns } = resolverFor([{ ...upstream.server, trusted: true }], { rounds: 1 })
  for (const [prefix, authentic] of [
    ['', true],
    ['insecure.', false],
  ] as const) {
    assert.equal((await dns.tlsa(`${prefix}a.example`)).authentic, authentic)
    assert.equal((await dns.mx(`${prefix}a.example`)).authentic, authentic)
    const chain = await dns.a(`${prefix}alias.example`)
    assert.deepEqual(chain, { ok: true, records: ['192.0.2.1'], ttl: 5, authentic })
    // One link alone, for who has to know which of them is authentic (RFC 7672 §2.2.2).
    const link = await dns.cname(`${prefix}alias.example`)
    assert.deepEqual(link, { ok: true, records: ['b.example'], ttl: 5, authentic })
    assert.deepEqual(await dns.tlsa(`${prefix}gone.example`), { ok: false, failure: 'nxdomain', authentic })
    assert.deepEqual(await dns.tlsa(`${prefix}empty.example`), { ok: false, failure: 'nodata', authentic })
    // Kept answers say the same.
    assert.equal((await dns.tlsa(`${prefix}gone.example`)).authentic, authentic)
    const bogus = await dns.tlsa(`${prefix}bogus.example`)
    assert.deepEqual(bogus, { ok: false, failure: 'servfail', authentic: false })
  }
})

test('aliases are followed within the answer; loops and strangers are not believed', async () => {
  using upstream = await serveDns((query) => {
    const name = query.questions[0]?.name ?? ''
    const alias = (from: string, to: string) => ({ name: from, type: 'CNAME', ttl: 9, data: to })
    const a = (owner: string) => ({ name: owner, type: 'A', ttl: 5, data: '192.0.2.1' })
    if (name === 'www.example')
      return { answers: [alias('WWW.example', 'b.example'), alias('b.example', 'c.example'), a('C.example')] }
    if (name === 'loop.example')
      return { answers: [alias('loop.example', 'x.example'), alias('x.example', 'loop.example')] }
    return { answers: [a('stranger.example')] }
  })
  const { dns } = resolverFor([upstream.server], { rounds: 1 })
  assert.deepEqual(await dns.a('www.example'), { ok: true, records: ['192.0.2.1'], ttl: 5, authentic: false })
  assert.deepEqual(await dns.a('loop.example'), { ok: false, failure: 'malformed', authentic: false })
  assert.deepEqual(await dns.a('other.example'), { ok: false, failure: 'nodata', authentic: false })
})

test('names with line ends or blanks never come through', async () => {
  using upstream = await serveDns(() => ({
    answers: [{ name: '1.2.0.192.in-addr.arpa', type: 'PTR', ttl: 1, data: 'evil\r\nX-Header: yes.example' }],
  }))
  const { dns } = resolverFor([upstream.server], { rounds: 1 })
  assert.deepEqual(await dns.reverse('192.0.2.1'), { ok: false, failure: 'malformed', authentic: false })
})

test('garbage is malformed; forged ids and questions are passed over', async () => {
  using upstream = await serveDns((query) =>
    query.questions[0]?.name === 'garbage.example'
      ? Buffer.concat([Uint8Array.of(query.id >> 8, query.id & 255), Buffer.alloc(20, 0xff)])
      : Buffer.from(encode({ type: 'response', id: query.id ^ 1, questions: query.questions })),
  )
  const { dns, clock } = resolverFor([upstream.server], { rounds: 1 })
  assert.deepEqual(await dns.a('garbage.example'), { ok: false, failure: 'malformed', authentic: false })
  const forged = dns.a('forged.example')
  while (upstream.asked.length < 2) await new Promise((resolve) => setImmediate(resolve))
  await clock.advance('3s')
  assert.deepEqual(await forged, { ok: false, failure: 'timeout', authentic: false })
})

test('names that cannot be asked are answered without asking', async () => {
  const { dns } = resolverFor([])
  const answers = await Promise.all(
    ['a..b', `${'x'.repeat(64)}.example`, 'x.'.repeat(130), 'a b', '', 'ü.example'].map((name) =>
      dns.a(name),
    ),
  )
  assert.deepEqual(
    answers.map((answer) => (answer.ok ? 'ok' : answer.failure)),
    ['nxdomain', 'nxdomain', 'nxdomain', 'malformed', 'malformed', 'malformed'],
  )
})

test('resolv.conf', () => {
  const port = 53
  assert.deepEqual(
    parseResolvConf(
      '# x\nnameserver 192.0.2.1 ; y\nnameserver fe80::1%eth0\nnameserver 2001:db8::1\nsearch a b\n',
    ),
    [
      { address: '192.0.2.1', port, trusted: false },
      { address: 'fe80::1%eth0', port, trusted: false },
      { address: '2001:db8::1', port, trusted: false },
    ],
  )
  assert.deepEqual(parseResolvConf('options edns0 trust-ad\nnameserver 127.0.0.53\nnameserver x\n'), [
    { address: '127.0.0.53', port, trusted: true },
  ])
  assert.deepEqual(parseResolvConf(''), [{ address: '127.0.0.1', port, trusted: false }])
})
