// Dates as they stand in real and in broken mail.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatDate, tryDate } from './date.ts'

test('RFC 5322 §3.3 and §4.3: current, obsolete and broken forms of one moment', () => {
  const moment = Date.UTC(2026, 10, 21, 23, 8, 36)
  const forms: [string, number][] = [
    ['Sat, 21 Nov 2026 23:08:36 +0000', 0],
    ['Sat, 21 Nov 2026 23:08:36 -0000', 0],
    ['21 Nov 2026 23:08:36 GMT', 0],
    ['Sat,21 Nov 26 23:08:36 UT', 0],
    ['Sun, 22 Nov 2026 00:08:36 +0100 (CET)', 60],
    ['Sat, 21 Nov 126 18:08:36 EST', -300],
    ['Sat (a \\) (nested) day), 21 (x) Nov 2026 23 : 08 : 36 Z', 0],
    ['Sat Nov 21 23:08:36 2026', 0],
    ['Sat, 21-Nov-2026 23:08:36 +00:00', 0],
    ['2026-11-21T23:08:36Z', 0],
    ['2026-11-22 04:38:36+05:30', 330],
    ['Samstag, 21 November 2026 23:08:36 GMT+0000', 0],
    ['Sat, 21 Nov 2026 11:08:36PM', 0],
    ['Sat, 21 Nov 2026 23.08.36 A', 0],
  ]
  for (const [text, zoneMinutes] of forms)
    assert.deepEqual(tryDate(text), { time: moment, zoneMinutes }, text)
})

test('nonsense is undefined', () => {
  const nonsense = [
    '',
    'yesterday',
    '21 Foo 2026 10:00',
    '32 Nov 2026 10:00:00 +0000',
    '30 Feb 2026',
    '99:99:99',
    '2026',
  ]
  for (const text of [...nonsense, '1 Nov 2026 24:00', '('.repeat(1e5), '9'.repeat(1e5)]) {
    assert.equal(tryDate(text), undefined, text.slice(0, 40))
  }
})

test('formatting', () => {
  assert.equal(formatDate(0), 'Thu, 01 Jan 1970 00:00:00 +0000')
  assert.equal(formatDate(Date.UTC(2026, 10, 21, 23, 8, 36), -210), 'Sat, 21 Nov 2026 19:38:36 -0330')
})

test('what is written is read again; any text is read or refused', () => {
  const times = fc.integer({ min: Date.UTC(1950, 0) / 1000, max: Date.UTC(2200, 0) / 1000 })
  fc.assert(
    fc.property(times, fc.integer({ min: -1439, max: 1439 }), (seconds, zoneMinutes) => {
      assert.deepEqual(tryDate(formatDate(seconds * 1000, zoneMinutes)), {
        time: seconds * 1000,
        zoneMinutes,
      })
    }),
  )
  const pieces = fc.constantFrom(
    '21',
    'Nov',
    '2026',
    ':',
    '08',
    ' ',
    '+0100',
    '-',
    '(',
    ')',
    'T',
    'Z',
    ',',
    '\\',
    'é',
  )
  fc.assert(fc.property(fc.array(pieces), (text) => void tryDate(text.join(''))))
})

test('dates as nearly all are written are read as any others', () => {
  const days = ['1', '01', '9', '28', '29', '31', '32', '0']
  const months = ['Jan', 'Feb', 'Apr', 'Dec', 'Foo', 'jan']
  const clocks = ['00:00:00', '23:59:59', '23:59:60', '24:00:00', '10:60:00']
  const zones = ['+0000', '-0000', '+1400', '-0330', '+2359', '+2400', '+9959', '+0060', '-0000 (UTC)', 'GMT']
  for (const day of days) {
    for (const month of months) {
      for (const clock of clocks) {
        for (const zone of zones) {
          for (const year of ['2026', '1899', '0026']) {
            const text = `Sat, ${day} ${month} ${year} ${clock} ${zone}`
            // A comment is for the reader of everything.
            assert.deepEqual(tryDate(text), tryDate(`(so)${text}`), text)
          }
        }
      }
    }
  }
})
