import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDuration, milliseconds, parseDuration } from './duration.ts'
import { formatSize, parseSize } from './size.ts'

test('durations as people write them', () => {
  const rows: [string, number][] = [
    ['250ms', 250],
    ['30s', 30_000],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['5d', 432_000_000],
    ['1w', 604_800_000],
    ['1h30m', 5_400_000],
    ['1h 30m', 5_400_000],
    ['1.5 s', 1_500],
    ['0s', 0],
  ]
  for (const [text, wanted] of rows) assert.equal(parseDuration(text), wanted, text)
})

test('what is no duration', () => {
  for (const text of [
    '',
    ' ',
    '5',
    '-5s',
    '5x',
    '5s5s',
    '30s1h',
    's',
    '1e3s',
    '5S',
    '1m ',
    '9'.repeat(15) + 'w',
    'x'.repeat(1_000),
  ]) {
    assert.equal(parseDuration(text), undefined, text)
  }
})

test('durations are written so that they can be read again', () => {
  for (const [value, text] of [
    [0, '0s'],
    [90_000, '1m30s'],
    [86_400_000 * 10, '10d'],
    [1_001, '1s1ms'],
  ] as const) {
    assert.equal(formatDuration(value), text)
    assert.equal(parseDuration(text), value)
  }
})

test('either form is taken where a duration is wanted', () => {
  assert.equal(milliseconds('5d'), 432_000_000)
  assert.equal(milliseconds(7), 7)
  assert.throws(() => milliseconds('soon'), RangeError)
  assert.throws(() => milliseconds(-1), RangeError)
  assert.throws(() => milliseconds(Number.NaN), RangeError)
})

test('sizes as people write them', () => {
  const rows: [string, number][] = [
    ['512', 512],
    ['512 B', 512],
    ['64 KB', 65_536],
    ['64kb', 65_536],
    ['50 MB', 52_428_800],
    ['50 MiB', 52_428_800],
    ['1.5 GB', 1_610_612_736],
    ['2T', 2_199_023_255_552],
  ]
  for (const [text, wanted] of rows) assert.equal(parseSize(text), wanted, text)
})

test('what is no size', () => {
  for (const text of ['', 'MB', '-1 KB', '1 XB', '1 KB 2', '1  KB', '0x10', '999999999999999 TB']) {
    assert.equal(parseSize(text), undefined, text)
  }
})

test('sizes are written in the largest unit that needs no rounding', () => {
  for (const [value, text] of [
    [0, '0 B'],
    [1_000, '1000 B'],
    [65_536, '64 KB'],
    [52_428_800, '50 MB'],
  ] as const) {
    assert.equal(formatSize(value), text)
    assert.equal(parseSize(text), value)
  }
})
