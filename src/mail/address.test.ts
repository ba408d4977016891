// Mailbox grammar: what is one, what is none, and that no disguise survives.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  addressKey,
  formatAddress,
  formatAddressAscii,
  makeAddress,
  parseAddress,
  scanAddress,
  splitSubaddress,
  tryAddress,
} from './address.ts'

const good: [written: string, formatted: string, localPart: string][] = [
  ['ann@example.org', 'ann@example.org', 'ann'],
  ['Ann.B+c@Example.ORG', 'Ann.B+c@Example.ORG', 'Ann.B+c'],
  ['"ann"@example.org', 'ann@example.org', 'ann'],
  ['"a\\nn"@example.org', 'ann@example.org', 'ann'],
  ['"a b"@example.org', '"a b"@example.org', 'a b'],
  ['"a\\"b\\\\"@example.org', '"a\\"b\\\\"@example.org', 'a"b\\'],
  ['""@example.org', '""@example.org', ''],
  ['"a..b"@example.org', '"a..b"@example.org', 'a..b'],
  ['"a@evil.example x"@internal.example', '"a@evil.example x"@internal.example', 'a@evil.example x'],
  ["!#$%&'*+-/=?^_`{|}~@x", "!#$%&'*+-/=?^_`{|}~@x", "!#$%&'*+-/=?^_`{|}~"],
  ['a@[192.0.2.1]', 'a@[192.0.2.1]', 'a'],
  ['a@[ipv6:2001:DB8:0:0::1]', 'a@[IPv6:2001:db8::1]', 'a'],
  ['a@[IPv6:::ffff:192.0.2.1]', 'a@[IPv6:::ffff:c000:201]', 'a'],
  ['a@[x400:c=us]', 'a@[x400:c=us]', 'a'],
  ['a@r3---sn-x.example', 'a@r3---sn-x.example', 'a'],
  ['a@xn--bcher-kva.example', 'a@xn--bcher-kva.example', 'a'],
]

test('well-formed mailboxes parse, and come back with the least quoting', () => {
  for (const [written, formatted, localPart] of good) {
    const parsed = parseAddress(written)
    assert.ok(parsed.ok, written)
    assert.equal(parsed.address.localPart, localPart)
    assert.equal(formatAddress(parsed.address), formatted)
    assert.deepEqual(tryAddress(formatted), parsed.address)
  }
})

test('what is no mailbox says why', () => {
  const bad: [string, string][] = [
    ['', 'local-part-syntax'],
    ['@example.org', 'local-part-syntax'],
    ['.ann@example.org', 'local-part-syntax'],
    ['ann.@example.org', 'local-part-syntax'],
    ['a..b@example.org', 'local-part-syntax'],
    ['"ann@example.org', 'local-part-syntax'],
    ['"a\r\nb"@example.org', 'local-part-syntax'],
    ['"a\\\nb"@example.org', 'local-part-syntax'],
    ['"a\0"@example.org', 'local-part-syntax'],
    ['ann', 'domain-missing'],
    ['ann@', 'domain-missing'],
    ['a b@example.org', 'domain-missing'],
    ['"a"b@example.org', 'domain-missing'],
    ['user@good.example(x)evil.example', 'domain-syntax'],
    ['user@good.example@evil.example', 'domain-syntax'],
    ['user@good.example,evil.example', 'domain-syntax'],
    ['a@b..c', 'domain-syntax'],
    ['a@.b', 'domain-syntax'],
    ['a@b.', 'domain-syntax'],
    ['a@-b', 'domain-syntax'],
    ['a@b-', 'domain-syntax'],
    ['a@b_c', 'domain-syntax'],
    ['a@192.0.2.1', 'domain-syntax'],
    ['a@xn--a', 'domain-syntax'],
    ['a@foo%2ecom', 'domain-syntax'],
    ['a@b\r\nRCPT', 'domain-syntax'],
    ['a@[192.0.2.256]', 'domain-syntax'],
    ['a@[192.0.2.1', 'domain-syntax'],
    ['a@[192.0.2.1]x', 'domain-syntax'],
    ['a@[IPv6:1:2:3:4:5:6:7]', 'domain-syntax'],
    ['a@[IPv6:fe80::1%eth0]', 'domain-syntax'],
    ['a@[IPv6:::1::2]', 'domain-syntax'],
    ['bücher@example.org', 'needs-utf8'],
    ['a@bücher.example', 'needs-utf8'],
  ]
  for (const [text, failure] of bad)
    assert.deepEqual(parseAddress(text), { ok: false, failure }, JSON.stringify(text))
})

test('RFC 5321 §4.5.3.1: the limits, one octet inside and one beyond', () => {
  const domain = `${'d'.repeat(61)}.`.repeat(2) + 'example'
  assert.ok(parseAddress(`${'a'.repeat(64)}@${domain}`).ok)
  assert.deepEqual(parseAddress(`${'a'.repeat(65)}@x`), { ok: false, failure: 'local-part-too-long' })
  assert.deepEqual(parseAddress(`${'ü'.repeat(33)}@x`, { utf8: true }), {
    ok: false,
    failure: 'local-part-too-long',
  })
  assert.ok(parseAddress(`${'ü'.repeat(32)}@x`, { utf8: true }).ok)
  assert.ok(parseAddress(`a@${'d'.repeat(63)}`).ok)
  assert.deepEqual(parseAddress(`a@${'d'.repeat(64)}`), { ok: false, failure: 'domain-syntax' })
  const long = `${'d'.repeat(49)}.`.repeat(5)
  assert.ok(parseAddress(`a@${long}ab`).ok)
  assert.deepEqual(parseAddress(`a@${long}abc`), { ok: false, failure: 'path-too-long' })
  assert.deepEqual(parseAddress(`a@${long}abcdefg`), { ok: false, failure: 'domain-too-long' })
})

test('RFC 6531 §3.3: with SMTPUTF8 both sides may be Unicode, and one mailbox has one key', () => {
  const address = tryAddress('Jürgen@BÜCHER.example', { utf8: true })
  assert.ok(address)
  assert.equal(address.utf8, true)
  assert.equal(address.domain, 'xn--bcher-kva.example')
  assert.equal(formatAddress(address), 'Jürgen@BÜCHER.example')
  assert.equal(formatAddressAscii(address), 'Jürgen@xn--bcher-kva.example')
  const decomposed = tryAddress('ju\u0308rgen@bu\u0308cher.example', { utf8: true })
  assert.ok(decomposed)
  assert.equal(addressKey(decomposed), addressKey(address))
  assert.equal(tryAddress('\ud800@example.org', { utf8: true }), undefined)
  assert.equal(
    tryAddress('a@exam\u00adple.org', { utf8: true }),
    undefined,
    'an invisible hyphen is not dropped',
  )
  assert.equal(tryAddress('a@example。org', { utf8: true }), undefined, 'another dot is not a dot')
})

test('a look-alike is another mailbox', () => {
  const latin = tryAddress('a@paypal.example')
  const cyrillic = tryAddress('a@p\u0430ypal.example', { utf8: true })
  assert.ok(latin && cyrillic)
  assert.notEqual(addressKey(latin), addressKey(cyrillic))
})

test('the key folds case and quoting, or keeps the case where another host rules', () => {
  const address = tryAddress('"Ann"@EXAMPLE.org')
  assert.ok(address)
  assert.equal(addressKey(address), 'ann@example.org')
  assert.equal(addressKey(address, { localPartCase: 'preserve' }), 'Ann@example.org')
})

test('a mailbox inside a command ends where it must', () => {
  const scanned = scanAddress('<a@b.example> SIZE=1', 1)
  assert.ok(scanned.ok)
  assert.equal(scanned.end, 12)
})

test('makeAddress quotes what needs it and refuses what no quoting can carry', () => {
  const spaced = makeAddress('a b', 'example.org')
  assert.ok(spaced)
  assert.equal(formatAddress(spaced), '"a b"@example.org')
  assert.equal(makeAddress('a\nb', 'example.org'), undefined)
  assert.equal(makeAddress('a', 'b>c'), undefined)
})

test('subaddresses split at the first separator', () => {
  assert.deepEqual(splitSubaddress('ann+x+y', '+'), { base: 'ann', detail: 'x+y' })
  assert.deepEqual(splitSubaddress('ann+', '+'), { base: 'ann', detail: '' })
  assert.deepEqual(splitSubaddress('ann', '+'), { base: 'ann', detail: null })
  assert.deepEqual(splitSubaddress('+ann', '+'), { base: '+ann', detail: null })
  assert.deepEqual(splitSubaddress('ann-x', '-'), { base: 'ann', detail: 'x' })
  assert.deepEqual(splitSubaddress('ann+x', ''), { base: 'ann+x', detail: null })
})
