import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { SearchWord } from '../../mail/search-text/word-places.ts'
import * as snippet from './snippet.ts'

const anywhere = (words: readonly string[]): SearchWord[] => words.map((text) => ({ text, at: 'anywhere' }))
const markedText = (text: string, words: readonly string[]) => snippet.markedText(text, anywhere(words))
const markedPart = (text: string, words: readonly string[]) => snippet.markedPart(text, anywhere(words))

test('RFC 8621 §5: marks and escapes', () => {
  assert.equal(markedText('The Foo & <b>', ['foo']), 'The <mark>Foo</mark> &amp; &lt;b&gt;')
  assert.equal(markedText('nothing', ['foo']), null)
  assert.equal(markedText('nothing', []), null)
  assert.equal(markedText('foofoo bar', ['foo', 'oof', 'bar']), '<mark>foofoo</mark> <mark>bar</mark>')
  assert.equal(markedText('Ein Café, ﬁn', ['cafe\u0301', 'fin']), 'Ein <mark>Café</mark>, <mark>ﬁn</mark>')
})

test('marks stand where words are looked for', () => {
  const text = 'there, here and hereby'
  assert.equal(
    snippet.markedText(text, [{ text: 'here', at: 'start' }]),
    'there, <mark>here</mark> and <mark>here</mark>by',
  )
  assert.equal(
    snippet.markedText(text, [{ text: 'here', at: 'whole' }]),
    'there, <mark>here</mark> and hereby',
  )
})

test('a part begins shortly before the first word, and is short', () => {
  const text = `${'before '.repeat(50)}needle ${'after '.repeat(100)}`
  const part = markedPart(text, ['needle']) ?? ''
  assert.match(part, /^(?:before )+<mark>needle<\/mark> after/)
  assert.ok(Buffer.byteLength(part) <= 255 && part.length > 150, part)
  assert.ok(Buffer.byteLength(markedPart(`x${'needle'.repeat(100)}`, ['needle'.repeat(100)]) ?? '') <= 255)
})

test('whatever the text: bounded, and markup is marks alone', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), fc.string({ maxLength: 3 }), (text, word) => {
      const part = markedPart(text + word + text, [word])
      if (part === null) return
      assert.ok(Buffer.byteLength(part) <= 255)
      assert.doesNotMatch(part.replaceAll(/<\/?mark>/g, ''), /[<>]/)
    }),
    { numRuns: 200 },
  )
})
