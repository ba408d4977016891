import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatIp, ipPrefix, tryIpOctets, tryReverseName, unmapIp } from './ip-address.ts'

test('addresses are read and written canonically', () => {
  const rows: [string, string][] = [
    ['192.0.2.1', '192.0.2.1'],
    ['0.0.0.0', '0.0.0.0'],
    ['::', '::'],
    ['::1', '::1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::ffff:192.0.2.1', '::ffff:c000:201'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ]
  for (const [text, canonical] of rows) {
    const octets = tryIpOctets(text)
    assert.ok(octets !== undefined, text)
    assert.equal(formatIp(octets), canonical)
  }
})

test('what is no address', () => {
  for (const text of [
    '',
    '1',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '01.2.3.4',
    '1.2.3.4 ',
    '0x1.2.3.4',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '::1:2:3:4:5:6:7:8',
    '12345::',
    'g::',
    '::1%eth0',
    '1.2.3.4::',
    '::1.2.3',
    '[::1]',
    ':1:2:3:4:5:6:7',
    `${'0:'.repeat(100)}1`,
  ]) {
    assert.equal(tryIpOctets(text), undefined, text)
  }
})

test('octets of another length are no address', () => {
  assert.throws(() => formatIp(new Uint8Array(5)), RangeError)
})

test('mapped IPv4 is unmapped, everything else stays', () => {
  assert.equal(unmapIp('::ffff:192.0.2.1'), '192.0.2.1')
  assert.equal(unmapIp('::FFFF:c000:201'), '192.0.2.1')
  assert.equal(unmapIp('::1'), '::1')
  assert.equal(unmapIp('::1:ffff:192.0.2.1'), '::1:ffff:192.0.2.1')
  assert.equal(unmapIp('192.0.2.1'), '192.0.2.1')
})

test('prefixes', () => {
  const bits = { ipv4: 24, ipv6: 64 }
  assert.equal(ipPrefix('192.0.2.77', bits), '192.0.2.0/24')
  assert.equal(ipPrefix('2001:db8:1:2:3:4:5:6', bits), '2001:db8:1:2::/64')
  assert.equal(ipPrefix('2001:db8:1:2ff:3::', { ipv4: 20, ipv6: 52 }), '2001:db8:1::/52')
  assert.equal(ipPrefix('192.0.255.77', { ipv4: 20, ipv6: 52 }), '192.0.240.0/20')
  assert.equal(ipPrefix('memory', bits), 'memory')
})

test('reverse names', () => {
  assert.equal(tryReverseName('192.0.2.1'), '1.2.0.192.in-addr.arpa')
  assert.equal(tryReverseName('::ffff:192.0.2.1'), '1.2.0.192.in-addr.arpa')
  assert.equal(tryReverseName('2001:db8::1'), `1.${'0.'.repeat(23)}8.b.d.0.1.0.0.2.ip6.arpa`)
  assert.equal(tryReverseName('host'), undefined)
})
