import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fold } from './fold.ts'
import { placeOf, type WordPlace } from './word-places.ts'

const found = (text: string, word: string, at: WordPlace): number =>
  placeOf(fold(text), { text: fold(word), at })

test('anywhere, where a word begins, and whole words', () => {
  assert.equal(found('Hello there', 'here', 'anywhere'), 7)
  assert.equal(found('Hello there', 'here', 'start'), -1)
  assert.equal(found('there is nothing here', 'here', 'start'), 17)
  assert.equal(found('two bananas', 'banana', 'start'), 4)
  assert.equal(found('two bananas', 'banana', 'whole'), -1)
  assert.equal(found('bananas, a banana.', 'banana', 'whole'), 11)
  assert.equal(found('the quick fox', 'quick fox', 'whole'), 4)
  assert.equal(found('the quick foxes', 'quick fox', 'whole'), -1)
})

test('what is no letter bounds words, and needs no bounds itself', () => {
  assert.equal(found('<fromtest@example.com>', 'example', 'start'), 10)
  assert.equal(found('<fromtest@example.com>', '@exa', 'start'), 9)
  assert.equal(found('a.b.ctest', 'b.c', 'start'), 2)
  assert.equal(found('a.b.ctest', 'b.c', 'whole'), -1)
  assert.equal(found('100%', '%', 'whole'), 3)
  assert.equal(found('snake_case', 'case', 'whole'), 6)
})

test('marks belong to their letters, and scripts without spaces have no words', () => {
  assert.equal(found('Café', 'cafe', 'whole'), -1)
  assert.equal(found('Café', 'café', 'whole'), 0)
  assert.equal(found('在東京', '東京', 'whole'), 1)
  assert.equal(found('A東京B', '東京', 'whole'), 1)
  assert.equal(found('𝐀𝐁', '𝐁', 'start'), -1)
  assert.equal(found('𠀀𠀁', '𠀁', 'start'), 2)
})
