// From a domain to its hosts: every rule of RFC 5321 §5.1 and RFC 7505, and what DNS trouble does.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededRandom } from '../base/seeded-random.ts'
import { ZoneResolver } from '../net/zone-resolver.ts'
import { findMailHosts, type MailRoute, type MxContext } from './mx.ts'

const zone = `
$ORIGIN test.
plain    MX 20 b.plain
plain    MX 10 a.plain
a.plain  A 192.0.2.1
a.plain  AAAA 2001:db8::1
b.plain  A 192.0.2.2
implicit A 192.0.2.3
null     MX 0 .
mixed    MX 0 .
mixed    MX 10 a.plain
nothing  TXT "no host"
ghosts   MX 10 ghost1
ghosts   MX 20 ghost2
half     MX 10 ghost1
half     MX 20 b.plain
loop     MX 10 relay.us.
best     MX 5 a.plain
best     MX 10 relay.us.
best     MX 20 b.plain
byaddr   MX 10 alias.us.
byaddr   MX 20 b.plain
equalus  MX 10 a.plain
equalus  MX 10 relay.us.
inside   MX 10 in.inside
in.inside A 10.0.0.1
in.inside A 127.0.0.1
partly   MX 10 in.partly
in.partly A 192.168.1.1
in.partly A 192.0.2.7
aliased  CNAME plain
viacname MX 10 c.viacname
c.viacname CNAME a.plain
many     MX 10 a.plain
many     MX 20 b.plain
many     MX 30 implicit
twice    MX 10 a.plain
twice    MX 20 A.Plain
relay.us. A 198.51.100.1
alias.us. A 198.51.100.1
$FAIL fails.test. servfail
$FAIL slow.test. MX timeout
slow.test. A 192.0.2.9
shaky    MX 10 a.shaky
$FAIL a.shaky.test. servfail
`

function look(domain: string, change: Partial<MxContext> = {}): Promise<MailRoute> {
  return findMailHosts(domain, {
    resolver: new ZoneResolver(zone),
    random: new SeededRandom(1),
    limits: { maxHosts: 10, maxAddresses: 8 },
    allowPrivate: false,
    aliases: 'follow',
    self: { names: ['relay.us'], addresses: ['198.51.100.1'] },
    ...change,
  })
}

/** `a.plain.test 2001:db8::1 192.0.2.1 | …`, or the refusal. */
function told(route: MailRoute): string {
  if (route.type !== 'hosts') return `${route.type} ${route.reason} ${route.status}`
  return route.hosts.map(({ name, addresses }) => [name, ...addresses].join(' ')).join(' | ')
}

const cases: readonly (readonly [domain: string, told: string])[] = [
  ['plain.test', 'a.plain.test 2001:db8::1 192.0.2.1 | b.plain.test 192.0.2.2'],
  ['implicit.test', 'implicit.test 192.0.2.3'],
  ['null.test', 'failed null-mx 5.1.10'],
  ['mixed.test', 'a.plain.test 2001:db8::1 192.0.2.1'],
  ['missing.test', 'failed no-domain 5.1.2'],
  ['nothing.test', 'failed no-address 5.4.4'],
  ['ghosts.test', 'failed no-address 5.4.4'],
  ['half.test', 'b.plain.test 192.0.2.2'],
  ['loop.test', 'failed loop 5.4.6'],
  ['best.test', 'a.plain.test 2001:db8::1 192.0.2.1'],
  ['byaddr.test', 'failed loop 5.4.6'],
  ['equalus.test', 'failed loop 5.4.6'],
  ['inside.test', 'failed closed-address 5.4.4'],
  ['partly.test', 'in.partly.test 192.0.2.7'],
  ['aliased.test', 'a.plain.test 2001:db8::1 192.0.2.1 | b.plain.test 192.0.2.2'],
  ['viacname.test', 'c.viacname.test 2001:db8::1 192.0.2.1'],
  ['twice.test', 'a.plain.test 2001:db8::1 192.0.2.1'],
  ['fails.test', 'deferred dns 4.4.3'],
  ['slow.test', 'deferred dns 4.4.3'],
  ['shaky.test', 'deferred dns 4.4.3'],
  ['[192.0.2.50]', '[192.0.2.50] 192.0.2.50'],
  ['[IPv6:2001:db8::50]', '[IPv6:2001:db8::50] 2001:db8::50'],
  ['[127.0.0.1]', 'failed closed-address 5.4.4'],
  ['[198.51.100.1]', 'failed loop 5.4.6'],
  ['[x400:nobody]', 'failed literal 5.1.2'],
]

for (const [domain, wanted] of cases) {
  test(`${domain}: ${wanted}`, async () => assert.equal(told(await look(domain)), wanted))
}

test('the null MX answers 556 (RFC 7505 §4.1)', async () => {
  const route = await look('null.test')
  assert.equal(route.type === 'failed' ? route.reply.slice(0, 11) : '', '556 5.1.10 ')
})

test('hosts of equal preference come in random order', async () => {
  const equal =
    'eq.test. MX 10 a.eq.test.\neq.test. MX 10 b.eq.test.\na.eq.test. A 192.0.2.1\nb.eq.test. A 192.0.2.2'
  const first = new Set<string>()
  for (let seed = 0; seed < 20; seed++) {
    const route = await look('eq.test', { resolver: new ZoneResolver(equal), random: new SeededRandom(seed) })
    if (route.type === 'hosts') first.add(route.hosts[0]?.name ?? '')
  }
  assert.deepEqual(first, new Set(['a.eq.test', 'b.eq.test']))
})

test('counts are bounded, and closed addresses open where they are allowed', async () => {
  const few = await look('many.test', { limits: { maxHosts: 2, maxAddresses: 1 } })
  assert.equal(told(few), 'a.plain.test 2001:db8::1 | b.plain.test 192.0.2.2')
  const inside = await look('inside.test', { allowPrivate: true })
  assert.equal(inside.type === 'hosts' ? inside.hosts[0]?.addresses.length : 0, 2)
})

test('what DNSSEC vouches for is kept apart for MX, alias and address', async () => {
  const signed = `$AUTHENTIC yes
d.test. MX 10 mx.d.test.
mx.d.test. CNAME real.d.test.
real.d.test. A 192.0.2.1
far.d.test. CNAME out.test.
e.d.test. MX 10 far.d.test.
$AUTHENTIC no
out.test. A 192.0.2.2`
  const resolver = new ZoneResolver(signed)
  const route = await look('d.test', { resolver })
  assert.ok(route.type === 'hosts' && route.authentic)
  assert.deepEqual(route.hosts[0], {
    name: 'mx.d.test',
    addresses: ['192.0.2.1'],
    expanded: 'real.d.test',
    addressesAuthentic: true,
    aliasAuthentic: true,
  })
  const far = await look('e.d.test', { resolver })
  assert.ok(far.type === 'hosts')
  assert.equal(far.hosts[0]?.addressesAuthentic, false)
  assert.equal(far.hosts[0]?.aliasAuthentic, true)
})
