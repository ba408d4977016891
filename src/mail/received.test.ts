// Trace fields, and the attempts to smuggle something into them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tryAddress } from './address.ts'
import {
  formatDeliveredTo,
  formatReceived,
  formatReturnPath,
  type ReceivedTrace,
  tryReceivedFrom,
  withProtocol,
} from './received.ts'

const ann = tryAddress('ann@example.org') ?? null
const trace: ReceivedTrace = {
  helo: 'client.example',
  remoteAddress: '192.0.2.1',
  remoteName: 'rdns.example',
  by: 'mx.example.org',
  protocol: 'ESMTPS',
  id: '01J.abc',
  recipient: ann,
  tls: { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' },
  time: Date.UTC(2026, 10, 21, 23, 8, 36),
}

test('RFC 5321 §4.4: a Received field with every clause, folded', () => {
  assert.equal(
    formatReceived(trace),
    'Received: from client.example (rdns.example [192.0.2.1]) by mx.example.org\r\n' +
      '\twith ESMTPS (TLSv1.3 TLS_AES_256_GCM_SHA384) id 01J.abc\r\n' +
      '\tfor <ann@example.org>; Sat, 21 Nov 2026 23:08:36 +0000\r\n',
  )
})

test('RFC 6710 §4.1: a priority that is not the usual one is told', () => {
  assert.match(formatReceived({ ...trace, priority: -3 }), /for <ann@example\.org>\r\n\tPRIORITY -3; Sat, 21/)
  assert.doesNotMatch(formatReceived({ ...trace, priority: 0 }), /PRIORITY/)
})

test('RFC 3865 §2.6: classes of solicitation are told, as many as a line holds', () => {
  const solicitation = ['net.example:ADV', 'org.example:ADV:ADLT']
  assert.match(
    formatReceived({ ...trace, solicitation }),
    /\(SOLICIT=net\.example:ADV,org\.example:ADV:ADLT\) id /,
  )
  const long = formatReceived({ ...trace, solicitation: Array<string>(60).fill('net.example:ADVERTISEMENT') })
  assert.ok(long.split('\r\n').every((line) => line.length < 998))
})

test('clauses that do not apply are left out', () => {
  const bare = {
    ...trace,
    helo: '[127.0.0.1]',
    remoteAddress: '::1',
    remoteName: null,
    recipient: null,
    tls: null,
  }
  assert.equal(
    formatReceived({ ...bare, protocol: 'SMTP' }),
    'Received: from [127.0.0.1] ([IPv6:::1]) by mx.example.org with SMTP\r\n' +
      '\tid 01J.abc; Sat, 21 Nov 2026 23:08:36 +0000\r\n',
  )
})

test('no HELO name, host name or identifier breaks out of its place', () => {
  const attack = 'x)\r\nSubject: forged\r\n\r\n(\\\u2028\0'
  const field = formatReceived({ ...trace, helo: attack, remoteName: attack, id: attack, by: attack })
  assert.match(
    field,
    /^Received: from \[192\.0\.2\.1\] \(\[192\.0\.2\.1\]\) \(HELO x\?\?\?Subject: forged\?+\)/,
  )
  for (const line of field.split('\r\n').slice(1, -1)) assert.match(line, /^\t[\x20-\x7e]+$/)
  assert.match(formatReceived({ ...trace, helo: 'host_name'.repeat(1000) }), /^(.{1,300}\r\n)+$/)
})

test('what was written is read back, and no claim of the client is taken for its address', () => {
  const read = (change: Partial<ReceivedTrace>) =>
    tryReceivedFrom(`Return-Path: <>\r\n${formatReceived({ ...trace, ...change })}`)
  assert.deepEqual(read({}), { helo: 'client.example', address: '192.0.2.1', protocol: 'ESMTPS' })
  assert.deepEqual(read({ remoteAddress: '2001:db8::1', remoteName: null }), {
    ...{ helo: 'client.example', address: '2001:db8::1', protocol: 'ESMTPS' },
  })
  for (const helo of [
    '[203.0.113.9]',
    'x [203.0.113.9]',
    'x) ([203.0.113.9]',
    '',
    null,
    'Received: from y ([203.0.113.9]) by z with ESMTP',
  ])
    assert.equal(read({ helo })?.address, '192.0.2.1', String(helo))
  assert.equal(tryReceivedFrom('Return-Path: <>\r\n'), undefined)
})

test('RFC 6531 §3.7.3: Unicode stands in a clause only under UTF8SMTP', () => {
  const recipient = tryAddress('jürgen@bücher.example', { utf8: true }) ?? null
  assert.doesNotMatch(formatReceived({ ...trace, recipient }), /for </)
  assert.match(
    formatReceived({ ...trace, recipient, protocol: 'UTF8SMTPS' }),
    /for <jürgen@bücher\.example>;/,
  )
})

test('RFC 3848 §1: the with keyword follows the session', () => {
  const session = { dialect: 'smtp', extended: true, tls: false, authenticated: false, utf8: false } as const
  assert.equal(withProtocol({ ...session, extended: false }), 'SMTP')
  assert.equal(withProtocol(session), 'ESMTP')
  assert.equal(withProtocol({ ...session, tls: true, authenticated: true }), 'ESMTPSA')
  assert.equal(withProtocol({ ...session, utf8: true, authenticated: true }), 'UTF8SMTPA')
  assert.equal(withProtocol({ ...session, dialect: 'lmtp', tls: true }), 'LMTPS')
  assert.equal(withProtocol({ ...session, dialect: 'lmtp', utf8: true }), 'UTF8LMTP')
})

test('Return-Path and Delivered-To', () => {
  assert.equal(formatReturnPath(null), 'Return-Path: <>\r\n')
  assert.equal(formatReturnPath(ann), 'Return-Path: <ann@example.org>\r\n')
  const spaced = tryAddress('"a b"@example.org')
  assert.ok(spaced)
  assert.equal(formatDeliveredTo(spaced, {}), 'Delivered-To: "a b"@example.org\r\n')
})

test('Delivered-To without UTF-8: A-labels, and no field where the local part has no ASCII form', () => {
  const [domain, both] = ['ann@bücher.example', 'jürgen@bücher.example'].map((text) =>
    tryAddress(text, { utf8: true }),
  )
  assert.ok(domain && both)
  assert.equal(formatDeliveredTo(domain, {}), 'Delivered-To: ann@xn--bcher-kva.example\r\n')
  assert.equal(formatDeliveredTo(both, {}), '')
  assert.equal(formatDeliveredTo(both, { utf8: true }), 'Delivered-To: jürgen@bücher.example\r\n')
})
