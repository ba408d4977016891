import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDay, parseSearch, parseSize, toFilter } from './search-language.ts'

const mailboxes = [
  { id: 'F1', name: 'Inbox', role: 'inbox' },
  { id: 'F2', name: 'Junk', role: 'junk' },
  { id: 'F3', name: 'Brass band', role: null },
]
const filter = (text: string) => toFilter(parseSearch(text), mailboxes)

test('words and phrases are text, fields are conditions', () => {
  assert.deepEqual(filter('soup'), { text: 'soup' })
  assert.deepEqual(filter('"spring trip"'), { text: 'spring trip' })
  assert.deepEqual(filter('from:ann subject:"spring trip"'), {
    operator: 'AND',
    conditions: [{ from: 'ann' }, { subject: 'spring trip' }],
  })
  assert.deepEqual(filter('is:unread'), { notKeyword: '$seen' })
  assert.deepEqual(filter('has:attachment'), { hasAttachment: true })
  assert.deepEqual(filter('larger:5M'), { minSize: 5_000_000 })
})

test('minus means the opposite, OR parts', () => {
  assert.deepEqual(filter('-from:ann'), { operator: 'NOT', conditions: [{ from: 'ann' }] })
  assert.deepEqual(filter('soup OR from:bob salad'), {
    operator: 'OR',
    conditions: [{ text: 'soup' }, { operator: 'AND', conditions: [{ from: 'bob' }, { text: 'salad' }] }],
  })
})

test('folders are found by role, by name, and by the names of others', () => {
  assert.deepEqual(filter('in:inbox'), { inMailbox: 'F1' })
  assert.deepEqual(filter('in:spam'), { inMailbox: 'F2' })
  assert.deepEqual(filter('in:"brass band"'), { inMailbox: 'F3' })
})

test('what is not ours is text, and what a field does not take is marked', () => {
  assert.deepEqual(filter('http://x.test/a'), { text: 'http://x.test/a' })
  assert.equal(parseSearch('is:purple')[0]?.wrong, true)
  assert.equal(parseSearch('before:soon')[0]?.wrong, true)
  assert.equal(parseSearch('before:2026-01-31')[0]?.wrong, false)
})

test('sizes and days', () => {
  assert.deepEqual(['500', '2k', '1.5M', '1gb', 'x'].map(parseSize), [
    500,
    2000,
    1_500_000,
    1_000_000_000,
    undefined,
  ])
  const now = new Date(2026, 10, 22, 15, 0).getTime()
  const day = (text: string): number => Date.parse(parseDay(text, now) ?? '')
  assert.equal(day('today'), new Date(2026, 10, 22).getTime())
  assert.equal(day('yesterday'), new Date(2026, 10, 21).getTime())
  assert.equal(day('7d'), new Date(2026, 10, 15).getTime())
  assert.equal(day('2026-03'), new Date(2026, 2, 1).getTime())
})
