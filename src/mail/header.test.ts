// Header fields as they come: folded, obsolete, broken.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fieldValue, languageTags, messageIds, splitHeader, unfold } from './header.ts'

test('RFC 5322 §2.2: fields are split, cut out by offsets, and unfolded on demand', () => {
  const text = 'Subject: one\r\n two\r\n\tthree\r\nX-A:b\r\nOld : c\r\n\r\nbody: no\r\n'
  const { fields, malformed } = splitHeader(text)
  assert.equal(malformed, 0)
  assert.deepEqual(
    fields.map((field) => [field.name, fieldValue(field)]),
    [
      ['subject', 'one two\tthree'],
      ['x-a', 'b'],
      ['old', 'c'],
    ],
  )
  assert.equal(text.slice(fields[1]?.start, fields[1]?.end), 'X-A:b\r\n')
})

test('lines that are no fields are skipped and counted', () => {
  const { fields, malformed } = splitHeader(
    'From ann Sat Nov 21\nno colon\nA: 1\n continued\n: empty\nA B: 2\nZ: 3',
  )
  assert.deepEqual(fields.map(fieldValue), ['1 continued', '3'])
  assert.equal(malformed, 4)
})

test('a value holds no CR, LF or NUL', () => {
  assert.equal(unfold(' a\r\n b\rc\0d\n e\r\r\n f\r\n'), 'a b c d e  f')
  assert.equal(unfold(`a${'\r'.repeat(500_000)}b`).length, 500_002)
})

test('RFC 5322 §3.6.4: identifiers, the first and the last ones where there are too many', () => {
  assert.deepEqual(messageIds('<a@b> (c) <d@e>junk< f@ g>', 10), ['a@b', 'd@e', 'f@g'])
  assert.deepEqual(messageIds('<1><2><3><4><5>', 3), ['1', '4', '5'])
  assert.deepEqual(messageIds('<<x>>', 3), ['x'])
  assert.deepEqual(messageIds('<'.repeat(1e5), 3), [])
})

test('RFC 3282 §2: language tags', () => {
  assert.deepEqual(languageTags('en, de-AT (österreichisch), "x"'), ['en', 'de-AT'])
})

test('any text splits into fields that lie in it in order', () => {
  const soup = fc.string({
    unit: fc.constantFrom('a', ':', ' ', '\t', '\r', '\n', '\0', '\xff'),
    maxLength: 60,
  })
  fc.assert(
    fc.property(soup, (text) => {
      let at = 0
      for (const field of splitHeader(text).fields) {
        assert.ok(field.start >= at && field.end > field.start && field.end <= text.length)
        assert.doesNotMatch(fieldValue(field), /[\r\n\0]/)
        at = field.end
      }
    }),
  )
})
