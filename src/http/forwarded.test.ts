// Whose request it is behind proxies, and whose word is not taken.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIpNetworks } from '../base/ip-network.ts'
import { clientOf, type ForwardedBy } from './forwarded.ts'

const from = parseIpNetworks(['10.0.0.0/8', '2001:db8:1::/48'])

function client(
  by: ForwardedBy,
  headers: Readonly<Record<string, string>>,
  remoteAddress = '10.0.0.1',
): string {
  const found = clientOf(
    { remoteAddress, secure: false },
    { from, by, maxHops: 4 },
    (name) => headers[name] ?? null,
  )
  return `${found.remoteAddress}${found.secure ? ' secure' : ''}`
}

const xff = (list: string, proto?: string): string =>
  client('x-forwarded-for', {
    'x-forwarded-for': list,
    ...(proto === undefined ? {} : { 'x-forwarded-proto': proto }),
  })

for (const [name, found, expected] of [
  ['one proxy', xff('192.0.2.7'), '192.0.2.7'],
  ['more than http.maxHops', xff('192.0.2.7, 10.0.0.5, 10.0.0.4, 10.0.0.3, 10.0.0.2'), '10.0.0.5'],
  ['over TLS', xff('192.0.2.7', 'https'), '192.0.2.7 secure'],
  ['in the clear', xff('192.0.2.7', 'http'), '192.0.2.7'],
  ['what the client wrote itself is not believed', xff('198.51.100.1, 192.0.2.7'), '192.0.2.7'],
  ['two proxies', xff('198.51.100.1, 192.0.2.7, 10.9.9.9'), '192.0.2.7'],
  ['proxies alone', xff('10.2.2.2, 10.9.9.9'), '10.2.2.2'],
  ['with a port', xff('192.0.2.7:4711'), '192.0.2.7'],
  ['IPv6', xff('2001:DB8:2:0::7'), '2001:db8:2::7'],
  ['IPv6 in brackets', xff('[2001:db8:2::7]:4711'), '2001:db8:2::7'],
  ['IPv4 as IPv6', xff('::ffff:192.0.2.7'), '192.0.2.7'],
  ['nonsense', xff('192.0.2.7, unknown'), '10.0.0.1'],
  ['nothing', xff(''), '10.0.0.1'],
  ['nonsense behind a proxy', xff('x, 10.9.9.9'), '10.9.9.9'],
  ['the other header', client('x-forwarded-for', { forwarded: 'for=192.0.2.7' }), '10.0.0.1'],
  [
    'a stranger’s word',
    client('x-forwarded-for', { 'x-forwarded-for': '192.0.2.7' }, '192.0.2.9'),
    '192.0.2.9',
  ],
  ['Forwarded', client('forwarded', { forwarded: 'For=192.0.2.7;Proto=https' }), '192.0.2.7 secure'],
  ['Forwarded, IPv6', client('forwarded', { forwarded: 'for="[2001:db8:2::7]:80";by=_x' }), '2001:db8:2::7'],
  [
    'Forwarded, two',
    client('forwarded', { forwarded: 'for="_a,b", for=192.0.2.7, for=10.1.1.1' }),
    '192.0.2.7',
  ],
  ['Forwarded, hidden', client('forwarded', { forwarded: 'for=192.0.2.7, for=_hidden' }), '10.0.0.1'],
  [
    'Forwarded, twice the same',
    client('forwarded', { forwarded: 'for=192.0.2.7;for=192.0.2.8' }),
    '10.0.0.1',
  ],
  ['Forwarded, nonsense', client('forwarded', { forwarded: 'for="192.0.2.7' }), '10.0.0.1'],
] as const) {
  test(name, () => assert.equal(found, expected))
}

test('a list of thousands of proxies ends somewhere', () => {
  assert.equal(xff(`192.0.2.7${', 10.0.0.2'.repeat(5000)}`), '10.0.0.2')
})
