import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isLabel, labelsOf, tryKeyword } from './labels.ts'

test('what somebody types becomes a keyword that every server takes', () => {
  assert.equal(tryKeyword('  Brass band '), 'brass-band')
  assert.equal(tryKeyword('Réceptions'), 'receptions')
  assert.equal(tryKeyword('a(b){c}]*%"\\d'), 'abc}d')
  assert.equal(tryKeyword('音楽'), null)
  assert.equal(tryKeyword(' '), null)
  assert.equal(tryKeyword('$seen'), null)
  assert.equal(tryKeyword('x'.repeat(200))?.length, 100)
})

test('flags and marks of programs are no labels; what is important is one', () => {
  for (const keyword of ['$seen', '$flagged', 'junk', 'NonJunk', 'redirected', '\\recent'])
    assert.equal(isLabel(keyword), false, keyword)
  assert.deepEqual(
    labelsOf([
      { keywords: { $seen: true, work: true } },
      { keywords: { $important: true, work: true, nonjunk: true } },
    ]),
    ['work', '$important'],
  )
})
