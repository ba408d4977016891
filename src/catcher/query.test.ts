// The search language: what each term finds, and that nothing that is typed breaks it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Uid } from '../store/model.ts'
import { clean, matches, matchesText, parseQuery, tryTime } from './query.ts'
import { makeRow, type NewRow } from './row.ts'

const row = (change: Partial<NewRow> = {}) =>
  makeRow({
    ...{ id: 'a', uid: 1 as Uid, receivedAt: Date.UTC(2026, 5, 15, 12), read: false, inbox: 'shop' },
    ...{ tags: ['Test tag'], username: 'app', size: 3_000, attachments: 1, inline: 0 },
    ...{ subject: 'Your Order "17"', messageId: 'abc.1@shop.example', snippet: '', places: [] },
    from: { name: 'The Shop', address: 'app@shop.example' },
    to: [{ name: 'Ann Müller', address: 'ann@example.org' }],
    cc: [{ name: '', address: 'carl@example.org' }],
    bcc: [{ name: '', address: 'hidden@example.org' }],
    replyTo: [{ name: 'Help', address: 'help@shop.example' }],
    ...change,
  })

const found: readonly (readonly [query: string, found: 'yes' | 'no' | 'text'])[] = [
  ['', 'yes'],
  ['to:ann', 'yes'],
  ['TO:MÜLLER', 'yes'],
  ['to:carl', 'no'],
  ['cc:carl', 'yes'],
  ['bcc:hidden@', 'yes'],
  ['from:"the shop"', 'yes'],
  ['from:"The Shop <app@shop.example>"', 'yes'],
  ['reply-to:help', 'yes'],
  ['addressed:hidden', 'yes'],
  ['addressed:nobody', 'no'],
  ['subject:"your order"', 'yes'],
  ['-subject:order', 'no'],
  ['!subject:invoice', 'yes'],
  ['message-id:<abc.1@shop.example>', 'yes'],
  ['tag:"TEST TAG"', 'yes'],
  ['tag:test', 'no'],
  ['inbox:shop', 'yes'],
  ['inbox:blog', 'no'],
  ['is:unread', 'yes'],
  ['is:read', 'no'],
  ['-is:read', 'yes'],
  ['is:tagged', 'yes'],
  ['has:attachment', 'yes'],
  ['has:inlines', 'no'],
  ['larger:2k', 'yes'],
  ['larger:1.5MB', 'no'],
  ['smaller:4kb', 'yes'],
  ['after:2026-06-15', 'yes'],
  ['before:2026-06-15', 'no'],
  ['before:"June 16, 2026"', 'yes'],
  ['after:nonsense', 'yes'],
  ['order', 'yes'],
  ['somewhere', 'text'],
  ['-somewhere', 'text'],
  ['order is:read somewhere', 'no'],
  ['is:odd', 'text'],
]

for (const [query, expected] of found) {
  test(`${query || 'nothing'}: ${expected}`, () => assert.equal(matches(parseQuery(query), row()), expected))
}

test('what the text decides', () => {
  const text = 'Dear Ann,\r\nyour  code is <b>123</b>'
  assert.equal(matchesText(parseQuery('"your code is"'), row(), text), true)
  assert.equal(matchesText(parseQuery('order 123'), row(), text), true)
  assert.equal(matchesText(parseQuery('order 124'), row(), text), false)
  assert.equal(matchesText(parseQuery('-124'), row(), text), true)
  assert.equal(matchesText(parseQuery('-123'), row(), text), false)
})

test('dates as people write them, in their zone', () => {
  const midnight = Date.UTC(2026, 0, 2)
  for (const text of [
    '2026-01-02',
    '2026/1/2',
    '2 Jan 2026',
    'January 2, 2026',
    '1/2/2026',
    '2026-01-02 00:00',
  ]) {
    assert.equal(tryTime(text, 'UTC'), midnight, text)
  }
  assert.equal(tryTime('2026-01-02', 'Pacific/Auckland'), midnight - 13 * 3_600_000)
  assert.equal(tryTime('2026-07-02', 'Europe/Berlin'), Date.UTC(2026, 6, 1, 22))
  assert.equal(tryTime('2026-01-02T03:04:05+01:00', 'UTC'), Date.UTC(2026, 0, 2, 2, 4, 5))
  assert.equal(tryTime('2026-01-02 3:04 pm', 'UTC'), Date.UTC(2026, 0, 2, 15, 4))
  assert.equal(tryTime('1767312000', 'UTC'), 1_767_312_000_000)
  for (const text of ['', 'x', '2026-13-01', '99999']) assert.equal(tryTime(text, 'UTC'), undefined, text)
})

test('an unknown zone is UTC', () => {
  const query = parseQuery('after:2026-06-15', { timeZone: 'Nowhere/Land' })
  assert.equal(matches(query, row()), 'yes')
})

test('nothing that is typed throws, and a negation is the opposite', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 60 }), (text) => {
      matches(parseQuery(text), row())
      matchesText(parseQuery(text), row(), text)
      assert.equal(clean(clean(text)), clean(text))
    }),
    { numRuns: 300 },
  )
})
