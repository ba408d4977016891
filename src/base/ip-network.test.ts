// Networks in CIDR notation: what is one, and what is in it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inNetworks, parseIpNetworks, tryIpNetwork } from './ip-network.ts'

const inside: readonly (readonly [network: string, address: string, expected: boolean])[] = [
  ['192.0.2.0/24', '192.0.2.77', true],
  ['192.0.2.0/24', '192.0.3.77', false],
  ['192.0.2.0/24', '::ffff:192.0.2.77', true],
  ['192.0.2.128/25', '192.0.2.127', false],
  ['192.0.2.128/25', '192.0.2.128', true],
  ['0.0.0.0/0', '203.0.113.1', true],
  ['0.0.0.0/0', '2001:db8::1', false],
  ['192.0.2.1', '192.0.2.1', true],
  ['192.0.2.1', '192.0.2.2', false],
  ['2001:db8::/33', '2001:db8:7fff::1', true],
  ['2001:db8::/33', '2001:db8:8000::1', false],
  ['::1', '::1', true],
  ['::/0', 'memory', false],
]

for (const [network, address, expected] of inside) {
  test(`${address} is ${expected ? '' : 'not '}in ${network}`, () => {
    assert.equal(inNetworks(parseIpNetworks([network]), address), expected)
  })
}

test('what is no network', () => {
  for (const text of ['', '192.0.2.0/33', '192.0.2/24', '192.0.2.0/', '192.0.2.0/24/8', '::/129', 'host/8']) {
    assert.equal(tryIpNetwork(text), undefined, text)
  }
  assert.throws(() => parseIpNetworks(['::1', 'x']), RangeError)
})
