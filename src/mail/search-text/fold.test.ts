import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { fold } from './fold.ts'

describe('fold (RFC 5255 §4.2: i;unicode-casemap)', () => {
  for (const [one, other] of [
    ['HELLO', 'hello'],
    ['Größe', 'GRÖSSE'.replace('SS', 'ß')],
    ['ΟΔΟΣ', 'οδος'],
    ['ﬁnd', 'FIND'],
    ['ｆｕｌｌ', 'full'],
    ['e\u0301', 'É'],
    ['K', 'k'],
    ['ſ', 's'],
    ['각', '\u1100\u1161\u11a8'],
    ['ДОМ', 'дом'],
  ] as const) {
    it(`takes ${one} for ${other}`, () => assert.equal(fold(one), fold(other)))
  }

  it('keeps Hangul syllables whole', () => assert.ok(!fold('각').includes(fold('가'))))

  it('keeps a letter of a word what it is alone, wherever it stands', () => {
    assert.ok(fold('ΟΔΟΣ ΜΟΥ').includes(fold('ΟΔΟΣ')))
    assert.ok(fold('ΟΔΟΣΜΟΥ').includes(fold('ΟΔΟΣ')))
  })

  it('gives a folded text again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => assert.equal(fold(fold(text)), fold(text))),
      { numRuns: 500 },
    )
  })
})
