import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../base/virtual-clock.ts'
import { parseZone } from './zone-file.ts'
import { ZoneResolver } from './zone-resolver.ts'

const zone = `
$ORIGIN example.org.
$TTL 600
@        IN MX 10 mx1          ; the first
         IN MX 20 mx2.other.example.
         TXT "v=spf1 " "-all"
mx1  300 IN A  192.0.2.1
         AAAA 2001:DB8::1
www      CNAME mx1
loop     CNAME loop
*.sub    A 192.0.2.9
null     MX 0 .
deep.er  A 192.0.2.3
1.2.0.192.in-addr.arpa. PTR mx1.example.org.
$AUTHENTIC yes
$ORIGIN secure.example.
@        MX 5 mx
mx       A 192.0.2.7
_25._tcp.mx TLSA 3 1 1 00ff
alias    CNAME mx1.example.org.
$FAIL broken.example. servfail
$FAIL half.example. MX timeout
half.example. A 192.0.2.8
`

const facts = { authentic: false, ttl: 600 }

test('every type is answered', async () => {
  const dns = new ZoneResolver(zone)
  const records = [
    { preference: 10, exchange: 'mx1.example.org' },
    { preference: 20, exchange: 'mx2.other.example' },
  ]
  assert.deepEqual(await dns.mx('Example.ORG'), { ok: true, records, ...facts })
  assert.deepEqual(await dns.txt('example.org.'), { ok: true, records: ['v=spf1 -all'], ...facts })
  assert.deepEqual(await dns.a('mx1.example.org'), { ok: true, records: ['192.0.2.1'], ...facts, ttl: 300 })
  assert.deepEqual(await dns.aaaa('mx1.example.org'), { ok: true, records: ['2001:db8::1'], ...facts })
  assert.deepEqual(await dns.reverse('192.0.2.1'), { ok: true, records: ['mx1.example.org'], ...facts })
  assert.deepEqual(await dns.cname('www.example.org'), { ok: true, records: ['mx1.example.org'], ...facts })
  assert.deepEqual(await dns.mx('null.example.org'), {
    ok: true,
    records: [{ preference: 0, exchange: '' }],
    ...facts,
  })
})

test('aliases are followed, loops and failures are told', async () => {
  const dns = new ZoneResolver(zone)
  assert.deepEqual(await dns.a('www.example.org'), { ok: true, records: ['192.0.2.1'], ...facts, ttl: 300 })
  const failures = await Promise.all([
    dns.a('loop.example.org'),
    dns.mx('broken.example'),
    dns.mx('half.example'),
    dns.a('none.example.org'),
    dns.mx('mx1.example.org'),
    dns.a('er.example.org'),
    dns.a('x..y'),
    dns.a('with space'),
    dns.reverse('not an address'),
  ])
  assert.deepEqual(
    failures.map((answer) => (answer.ok ? 'ok' : answer.failure)),
    ['servfail', 'servfail', 'timeout', 'nxdomain', 'nodata', 'nodata', 'nxdomain', 'malformed', 'malformed'],
  )
  assert.ok((await dns.a('half.example')).ok)
})

test('a wildcard covers what does not exist below it', async () => {
  const dns = new ZoneResolver(zone)
  assert.deepEqual(await dns.a('any.sub.example.org'), { ok: true, records: ['192.0.2.9'], ...facts })
  assert.deepEqual(await dns.a('sub.example.org'), { ok: false, failure: 'nodata', authentic: false })
})

test('the AD bit needs every step to be authentic, in denials too', async () => {
  const dns = new ZoneResolver(zone)
  const tlsa = await dns.tlsa('_25._tcp.mx.secure.example')
  assert.ok(tlsa.ok && tlsa.authentic)
  assert.equal((await dns.a('alias.secure.example')).authentic, false)
  assert.equal((await dns.tlsa('_465._tcp.mx.secure.example')).authentic, true)
  assert.equal((await dns.tlsa('_25._tcp.mx1.example.org')).authentic, false)
})

test('one name can be told to be authentic or not, in its denials too; bogus is servfail', async () => {
  const dns = new ZoneResolver(`${zone}
$AUTHENTIC no _25._tcp.mx.secure.example.
$AUTHENTIC no gone.secure.example.
$AUTHENTIC yes mx1.example.org.
$FAIL _25._tcp.forged.example. TLSA bogus`)
  const insecure = await dns.tlsa('_25._tcp.mx.secure.example')
  assert.ok(insecure.ok && !insecure.authentic)
  assert.deepEqual(await dns.a('gone.secure.example'), { ok: false, failure: 'nxdomain', authentic: false })
  assert.equal((await dns.tlsa('gone2.secure.example')).authentic, true)
  assert.equal((await dns.a('alias.secure.example')).authentic, true)
  assert.deepEqual(await dns.mx('mx1.example.org'), { ok: false, failure: 'nodata', authentic: true })
  assert.deepEqual(await dns.tlsa('_25._tcp.forged.example'), {
    ok: false,
    failure: 'servfail',
    authentic: false,
  })
})

test('RFC 7672 §2.2: each link of a chain of aliases can be asked for by itself', async () => {
  const dns = new ZoneResolver(zone)
  const link = await dns.cname('alias.secure.example')
  assert.deepEqual(link, { ok: true, records: ['mx1.example.org'], authentic: true, ttl: 600 })
  assert.deepEqual(await dns.cname('mx1.example.org'), { ok: false, failure: 'nodata', authentic: false })
})

test('with a clock answers take their time, and time-outs theirs', async () => {
  const clock = new VirtualClock()
  const dns = new ZoneResolver(zone, { clock, latencyMilliseconds: 20, timeoutMilliseconds: 3_000 })
  const heard: string[] = []
  void dns.a('mx1.example.org').then(({ ok }) => heard.push(`a ${ok}`))
  void dns.mx('half.example').then(({ ok }) => heard.push(`mx ${ok}`))
  await clock.advance('19ms')
  assert.deepEqual(heard, [])
  await clock.advance('1ms')
  assert.deepEqual(heard, ['a true'])
  await clock.advance('2980ms')
  assert.deepEqual(heard, ['a true', 'mx false'])
})

test('a zone can be replaced; what was asked is kept', async () => {
  const dns = new ZoneResolver(zone)
  await dns.a('mx1.example.org')
  dns.load('mx1.example.org. A 192.0.2.77')
  assert.deepEqual(await dns.a('mx1.example.org'), {
    ok: true,
    records: ['192.0.2.77'],
    authentic: false,
    ttl: 3_600,
  })
  assert.deepEqual(dns.asked, ['A mx1.example.org', 'A mx1.example.org'])
})

test('mistakes in a zone name their line', () => {
  for (const text of [
    'x. A 1.2.3',
    'x. MX ten mx.',
    'x. SPF "no"',
    '  A 192.0.2.1',
    '$ORIGN x.',
    '$FAIL x. sulks',
    'x. TLSA 3 1 1 zz',
    'x. AAAA 192.0.2.1',
    'x. MX 10',
    '$AUTHENTIC perhaps',
  ]) {
    assert.throws(() => parseZone(`; first line\n${text}`), /zone line 2: /, text)
  }
})
