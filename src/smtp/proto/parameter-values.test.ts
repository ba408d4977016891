// Values of MAIL and RCPT parameters, as their standards write them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  tryDeliverBy,
  tryEnvelopeId,
  tryHoldFor,
  tryHoldUntil,
  tryNotify,
  tryOriginalRecipient,
  tryPriority,
  tryRequireValidSince,
  tryReturn,
  trySolicitation,
} from './parameter-values.ts'
import { formatTimestamp, tryTimestamp } from './timestamp.ts'

/** All of these are outside the grammar. */
function refuses(parse: (value: string | null) => unknown, values: readonly (string | null)[]): void {
  for (const value of values) assert.equal(parse(value), undefined, String(value))
}

test('RET (RFC 3461 §4.3)', () => {
  assert.equal(tryReturn('FULL'), 'full')
  assert.equal(tryReturn('hdrs'), 'headers')
  refuses(tryReturn, ['', 'HEADERS', 'FULL,HDRS', null])
})

test('ENVID (RFC 3461 §4.4): xtext, 100 characters, printable', () => {
  assert.equal(tryEnvelopeId('QQ314159'), 'QQ314159')
  assert.equal(tryEnvelopeId('a+20b+2B+3D'), 'a b+=')
  assert.equal(tryEnvelopeId('x'.repeat(100))?.length, 100)
  refuses(tryEnvelopeId, ['x'.repeat(101), 'a+0Ab', 'a+2b', 'a+', 'a=b', '+C3+A9', 'é', null])
})

test('NOTIFY (RFC 3461 §4.1)', () => {
  assert.deepEqual(tryNotify('NEVER'), [])
  assert.deepEqual(tryNotify('success,Failure,DELAY'), ['success', 'failure', 'delay'])
  assert.deepEqual(tryNotify('DELAY,DELAY'), ['delay'])
  refuses(tryNotify, ['', 'NEVER,FAILURE', 'SUCCESS,NEVER', 'SUCCESS,', ',SUCCESS', 'ALWAYS', null])
})

test('ORCPT (RFC 3461 §4.2)', () => {
  assert.equal(tryOriginalRecipient('rfc822;Bob@Example.COM'), 'rfc822;Bob@Example.COM')
  assert.equal(
    tryOriginalRecipient('RFC822;George+20Washington@x.example'),
    'rfc822;George Washington@x.example',
  )
  assert.equal(tryOriginalRecipient('x400;/C=US/'), undefined)
  assert.equal(tryOriginalRecipient('x400;/C+3DUS/'), 'x400;/C=US/')
  const long = `rfc822;${'x'.repeat(500 - 'ORCPT=rfc822;'.length)}`
  assert.equal(tryOriginalRecipient(long), long)
  refuses(tryOriginalRecipient, [
    `${long}x`,
    'rfc822',
    'rfc822;',
    ';a@b',
    'a b;c',
    'rfc822;a+0D+0Ab',
    'rfc822;é@x',
    null,
  ])
})

test('ORCPT of the type utf-8 (RFC 6533 §3)', () => {
  assert.equal(tryOriginalRecipient('utf-8;j\\x{F6}rg@x.example'), 'utf-8;jörg@x.example')
  assert.equal(tryOriginalRecipient('UTF-8;jörg@x.example'), 'utf-8;jörg@x.example')
  assert.equal(tryOriginalRecipient('utf-8;\\x{1F4E7}\\x{2B}a@x.example'), 'utf-8;📧+a@x.example')
  // What is not of the form is kept without alteration.
  assert.equal(tryOriginalRecipient('utf-8;a\\x{D800}b'), 'utf-8;a\\x{D800}b')
  assert.equal(tryOriginalRecipient('utf-8;a+b@x'), 'utf-8;a+b@x')
  assert.equal(tryOriginalRecipient('utf-8;a\\x{110000}'), 'utf-8;a\\x{110000}')
  // No control character comes in by the back door.
  refuses(tryOriginalRecipient, [
    'utf-8;a\\x{0A}b',
    'utf-8;a\\x{0D}\\x{0A}b',
    'utf-8;a\\x{85}',
    'utf-8;\\x{2028}',
  ])
})

test('RRVS (RFC 7293 §3.1)', () => {
  const since = Date.UTC(2014, 3, 3, 23, 1, 0)
  assert.deepEqual(tryRequireValidSince('2014-04-03T23:01:00Z'), { since, onFailure: 'reject' })
  assert.deepEqual(tryRequireValidSince('2014-04-03T23:01:00Z;C'), { since, onFailure: 'continue' })
  assert.deepEqual(tryRequireValidSince('2014-04-03T23:01:00Z;r'), { since, onFailure: 'reject' })
  assert.deepEqual(tryRequireValidSince('2014-04-04T01:01:00+02:00'), { since, onFailure: 'reject' })
  refuses(tryRequireValidSince, [
    ...['2014-04-03', '2014-04-03T23:01:00.5Z', '2014-04-03T23:01:00Z;X', '2014-04-03T23:01:00Z;', 'x', ''],
    null,
  ])
})

test('HOLDFOR and HOLDUNTIL (RFC 4865 §3)', () => {
  assert.deepEqual(tryHoldFor('1'), { seconds: 1 })
  assert.deepEqual(tryHoldFor('999999999'), { seconds: 999_999_999 })
  refuses(tryHoldFor, ['0', '01', '-1', '+1', '1000000000', '1.5', '', null])
  const until = Date.UTC(2006, 7, 31, 15, 0, 0)
  assert.deepEqual(tryHoldUntil('2006-08-31T15:00:00Z'), { until })
  assert.deepEqual(tryHoldUntil('2006-08-31T15:00:00+00:00'), { until })
  refuses(tryHoldUntil, ['2006-08-31T15:00:00+01:00', '2006-08-31', '2006-02-30T15:00:00Z', 'tomorrow', null])
})

test('BY (RFC 2852 §4)', () => {
  assert.deepEqual(tryDeliverBy('125;R'), { seconds: 125, mode: 'return', trace: 'not-asked' })
  assert.deepEqual(tryDeliverBy('+125;rt'), { seconds: 125, mode: 'return', trace: 'asked' })
  assert.deepEqual(tryDeliverBy('-30;N'), { seconds: -30, mode: 'notify', trace: 'not-asked' })
  assert.deepEqual(tryDeliverBy('0;NT'), { seconds: 0, mode: 'notify', trace: 'asked' })
  refuses(tryDeliverBy, ['0;R', '-1;R', '1234567890;N', '120', '120;', '120;X', '120;RX', ';R', null])
})

test('MT-PRIORITY (RFC 6710 §7) and SOLICIT (RFC 3865 §2.2)', () => {
  assert.deepEqual(['-9', '-1', '0', '9'].map(tryPriority), [-9, -1, 0, 9])
  refuses(tryPriority, ['10', '-0', '+1', '-10', '1.0', '', null])
  assert.deepEqual(trySolicitation('org.example:ADV:ADLT'), ['org.example:ADV:ADLT'])
  assert.deepEqual(trySolicitation('net.example:ADV,org.example:ADV'), ['net.example:ADV', 'org.example:ADV'])
  assert.equal(trySolicitation('a'.repeat(1000))?.length, 1)
  refuses(trySolicitation, ['a'.repeat(1001), '1a', 'a,', ',a', 'a,,b', 'a b', '', null])
})

test('moments (RFC 3339 §5.6): no such day is no moment, and what is written is read', () => {
  assert.equal(tryTimestamp('2024-02-29T00:00:00Z'), Date.UTC(2024, 1, 29))
  assert.equal(tryTimestamp('1996-12-19T16:39:57-08:00'), Date.UTC(1996, 11, 20, 0, 39, 57))
  assert.equal(tryTimestamp('1990-12-31T23:59:60Z'), Date.UTC(1991, 0, 1))
  assert.equal(tryTimestamp('0001-01-01T00:00:00z'), Date.parse('0001-01-01T00:00:00Z'))
  refuses(
    (text) => tryTimestamp(text ?? ''),
    [
      ...['2023-02-29T00:00:00Z', '2024-00-10T00:00:00Z', '2024-13-10T00:00:00Z', '2024-01-10T24:00:00Z'],
      ...['2024-01-10T00:60:00Z', '2024-01-10T00:00:61Z', '2024-01-10T00:00:00', '2024-01-10 00:00:00Z', ''],
    ],
  )
  const time = Date.UTC(2026, 10, 22, 1, 2, 3)
  assert.equal(formatTimestamp(time), '2026-11-22T01:02:03Z')
  assert.equal(tryTimestamp(formatTimestamp(time)), time)
})
