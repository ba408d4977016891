// Domains and literals: one spelling each.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  displayDomain,
  ipOfLiteral,
  literalOf,
  parseDomain,
  tryAddressLiteral,
  tryDomain,
  tryIpv6,
} from './domain.ts'

test('a domain is lower-case A-labels, and shows as U-labels', () => {
  assert.equal(tryDomain('MX.Example.ORG'), 'mx.example.org')
  const domain = tryDomain('Straße.Example', { utf8: true })
  assert.equal(domain, 'xn--strae-oqa.example')
  assert.equal(displayDomain(domain), 'straße.example')
  assert.equal(tryDomain('XN--STRAE-OQA.example'), domain)
  assert.equal(tryDomain('localhost'), 'localhost')
})

test('what looks like a name and is none', () => {
  const bad = [
    '',
    '.',
    'a.',
    '.a',
    'a..b',
    '-a',
    'a-',
    'a_b',
    'a b',
    '127.0.0.1',
    '0x7f.1',
    'xn--',
    'xn--zzzzzz99',
    'a\0b',
  ]
  for (const text of bad) assert.deepEqual(parseDomain(text), { ok: false, failure: 'domain-syntax' }, text)
  for (const text of ['a\u200db', '\ud800', 'a\u2024b', 'ａ.example']) {
    assert.deepEqual(parseDomain(text, { utf8: true }), { ok: false, failure: 'domain-syntax' }, text)
  }
  assert.deepEqual(parseDomain('ü'.repeat(1e5), { utf8: true }), { ok: false, failure: 'domain-too-long' })
  assert.deepEqual(parseDomain('a.'.repeat(1e5)), { ok: false, failure: 'domain-too-long' })
})

test('RFC 5952 §4: IPv6 in its one spelling', () => {
  const cases: [string, string | undefined][] = [
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['1:0:3:4:5:6:7:8', '1:0:3:4:5:6:7:8'],
    ['::ffff:192.0.2.1', '::ffff:c000:201'],
    ['1:2:3:4:5:6:7:8:9', undefined],
    ['1:2', undefined],
    ['::192.0.2.1:1', undefined],
    ['1.2.3.4::', undefined],
    ['12345::', undefined],
    [':::', undefined],
  ]
  for (const [text, spelling] of cases) assert.equal(tryIpv6(text), spelling, text)
})

test('literals and the addresses in them', () => {
  const literal = literalOf('2001:db8::1')
  assert.ok(literal)
  assert.equal(literal, '[IPv6:2001:db8::1]')
  assert.equal(ipOfLiteral(literal), '2001:db8::1')
  assert.equal(literalOf('host.example'), undefined)
  const general = tryAddressLiteral('[tag:x]')
  assert.ok(general)
  assert.equal(ipOfLiteral(general), undefined)
  assert.equal(tryAddressLiteral('[010.000.002.001]'), '[10.0.2.1]')
  for (const text of ['[]', '[:]', '[tag:]', '[-:x-]x', '[a-:x]', '[tag:a b]', '[tag:[]', '[1.2.3]']) {
    assert.equal(tryAddressLiteral(text), undefined, text)
  }
})
