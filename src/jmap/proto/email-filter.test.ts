import assert from 'node:assert/strict'
import { test } from 'node:test'
import { holdsWord } from '../../mail/search-text/word-places.ts'
import { searchTokens } from './email-filter.ts'

const read = (text: string): string[] => searchTokens(text).map((word) => `${word.at} ${word.text}`)

test('words, and phrases in quotes', () => {
  assert.deepEqual(read('Hello  world'), ['start hello', 'start world'])
  assert.deepEqual(read(`"hello world" 'a "b' x`), ['whole hello world', 'whole a "b', 'start x'])
  assert.deepEqual(read('"a \\"b\\" c"'), ['whole a "b" c'])
  assert.deepEqual(read('12" or 6"x don\'t "'), [
    'start 12"',
    'start or',
    'start 6"x',
    "start don't",
    'start "',
  ])
  assert.deepEqual(read('"" \'\''), [])
})

test('an address is found as it is written, its local part in quotes too', () => {
  const finds = (text: string, wanted: string): boolean =>
    searchTokens(wanted).every((word) => holdsWord(text, word))
  const envelope = 'joe smith <tu x@example.com>'
  for (const wanted of [
    '"tu x"@example.com',
    'tu x@example.com',
    'Joe Smith',
    '@example.com',
    'example.com',
  ]) {
    assert.ok(finds(envelope, wanted), wanted)
  }
  assert.ok(finds('write to "tu x"@example.com', '"tu x"@example.com'), 'with its quotes, in a body')
  assert.ok(finds('joe <joe@example.com>', 'Joe <joe@example.com>'))
  assert.ok(!finds(envelope, '"u x"@example.com'))
  assert.ok(!finds('bjoe@example.com', 'joe@example.com'))
})

test('of a very long text only whether it is there is asked', () => {
  const [word, ...more] = searchTokens(`"${'x'.repeat(100_000)}"`)
  assert.deepEqual([word?.at, more.length], ['anywhere', 0])
})
