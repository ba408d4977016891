import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { feedEveryWay } from '../../test/support/feed.ts'
import { ProxyHeaderReader, type ProxyHeader } from './proxy-protocol.ts'

/** The header and the rest as text, or what went wrong; alike however the bytes are cut. */
function read(bytes: Uint8Array | string, longest = 4_096) {
  return feedEveryWay(bytes, (chunks): { header: ProxyHeader; rest: string } | 'more' | 'invalid' => {
    const reader = new ProxyHeaderReader(longest)
    const pending = [...chunks]
    for (;;) {
      const chunk = pending.shift()
      if (chunk === undefined) return 'more'
      const step = reader.receive(chunk)
      if (step.type === 'invalid') return 'invalid'
      if (step.type === 'done') {
        const { header, rest } = step
        return { header, rest: Buffer.concat([rest, ...pending]).toString('latin1') }
      }
    }
  })
}

function forwarded(remoteAddress: string, remotePort: number, localAddress: string, localPort: number) {
  return { type: 'forwarded', peer: { remoteAddress, remotePort, localAddress, localPort } }
}

/** A version 2 header: command, family, and what follows the length. */
function binary(command: number, family: number, block: Uint8Array | number[]) {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(block.length)
  return Buffer.concat([
    Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1'),
    Uint8Array.of(command, family),
    length,
    Uint8Array.from(block),
  ])
}

const ipv4 = [198, 51, 100, 7, 192, 0, 2, 1, 0x9c, 0x40, 0, 25]
const ipv6 = [
  ...Buffer.from('20010db8000000000000000000000007' + '20010db8000000000000000000000001', 'hex'),
  0x9c,
  0x40,
  0,
  25,
]

test('version 1: a line with addresses and ports; what follows belongs to the client', () => {
  assert.deepEqual(read('PROXY TCP4 198.51.100.7 192.0.2.1 40000 25\r\nEHLO x\r\n'), {
    header: forwarded('198.51.100.7', 40_000, '192.0.2.1', 25),
    rest: 'EHLO x\r\n',
  })
  assert.deepEqual(read('PROXY TCP6 2001:DB8::7 2001:db8::1 40000 25\r\n'), {
    header: forwarded('2001:db8::7', 40_000, '2001:db8::1', 25),
    rest: '',
  })
  // A client of IPv4 that reached the proxy on a socket of both families.
  assert.deepEqual(read('PROXY TCP6 ::ffff:198.51.100.7 ::ffff:192.0.2.1 40000 25\r\n'), {
    header: forwarded('198.51.100.7', 40_000, '192.0.2.1', 25),
    rest: '',
  })
})

test('version 1: UNKNOWN, with and without anything behind it', () => {
  for (const line of ['PROXY UNKNOWN\r\n', 'PROXY UNKNOWN ffff:f...f ::1 65535 1\r\n']) {
    assert.deepEqual(read(line), { header: { type: 'unnamed' }, rest: '' })
  }
})

test('version 1: the longest line that can be, and what is refused', () => {
  const address = 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'
  const longest = `PROXY UNKNOWN ${address} ${address} 65535 65535\r\n`
  assert.equal(longest.length, 107)
  assert.deepEqual(read(longest), { header: { type: 'unnamed' }, rest: '' })
  for (const line of [
    'EHLO x\r\n',
    'PROXYTCP4\r\n',
    `PROXY UNKNOWN ${'x'.repeat(107)}\r\n`,
    'PROXY TCP4 198.51.100.7 192.0.2.1 40000\r\n',
    'PROXY TCP4  198.51.100.7 192.0.2.1 40000 25\r\n',
    'PROXY TCP4 198.51.100.7 192.0.2.1 40000 025\r\n',
    'PROXY TCP4 198.51.100.7 192.0.2.1 65536 25\r\n',
    'PROXY TCP4 198.51.100.07 192.0.2.1 40000 25\r\n',
    'PROXY TCP4 2001:db8::7 2001:db8::1 40000 25\r\n',
    'PROXY TCP6 198.51.100.7 192.0.2.1 40000 25\r\n',
    'PROXY TCP4 198.51.100.7 192.0.2.1 40000 25\nEHLO x\r\n',
    'proxy TCP4 198.51.100.7 192.0.2.1 40000 25\r\n',
  ]) {
    assert.equal(read(line), 'invalid', line)
  }
  assert.equal(read('PROXY TCP4 198.51.100.7 192.0.2.1 40000 25'), 'more')
  assert.equal(read('x'.repeat(5_000)), 'invalid')
})

test('version 2: IPv4 and IPv6, TLVs skipped', () => {
  const rest = 'EHLO x\r\n'
  assert.deepEqual(read(Buffer.concat([binary(0x21, 0x11, ipv4), Buffer.from(rest)])), {
    header: forwarded('198.51.100.7', 40_000, '192.0.2.1', 25),
    rest,
  })
  const tlv = [0x04, 0, 3, 1, 2, 3]
  assert.deepEqual(read(Buffer.concat([binary(0x21, 0x21, [...ipv6, ...tlv]), Buffer.from(rest)])), {
    header: forwarded('2001:db8::7', 40_000, '2001:db8::1', 25),
    rest,
  })
})

test('version 2: LOCAL, UNSPEC and UNIX name nobody', () => {
  for (const header of [
    binary(0x20, 0x00, []),
    binary(0x20, 0x11, ipv4),
    binary(0x21, 0x00, [1, 2, 3]),
    binary(0x21, 0x31, new Uint8Array(216)),
  ]) {
    assert.deepEqual(read(header), { header: { type: 'unnamed' }, rest: '' })
  }
})

test('version 2: what is refused, before its end where it can be known', () => {
  for (const header of [
    binary(0x11, 0x11, ipv4),
    binary(0x22, 0x11, ipv4),
    binary(0x21, 0x12, ipv4),
    binary(0x21, 0x11, ipv4.slice(1)),
    binary(0x21, 0x21, ipv4),
    binary(0x21, 0x11, new Uint8Array(4_097 - 16)),
    binary(0x21, 0x11, new Uint8Array(65_535)).subarray(0, 20),
  ]) {
    assert.equal(read(header), 'invalid')
  }
  assert.notEqual(read(binary(0x21, 0x11, new Uint8Array(4_096 - 16))), 'invalid')
  assert.equal(read(binary(0x21, 0x11, ipv4).subarray(0, -1)), 'more')
  assert.equal(read('\r\n\r\n'), 'more')
  assert.equal(read('\r\nEHLO'), 'invalid')
})
