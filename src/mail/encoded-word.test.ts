// Encoded words: good, broken, and raw bytes beside them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { displayText } from './encoded-word.ts'

const cases: [binary: string, text: string][] = [
  ['plain', 'plain'],
  ['=?ISO-8859-1?Q?a_b=E9?=', 'a bé'],
  ['=?utf-8?B?w6k=?= x', 'é x'],
  // RFC 2047 §8: the examples on white space.
  ['(=?ISO-8859-1?Q?a?= b)', '(a b)'],
  ['=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=', 'ab'],
  ['=?ISO-8859-1?Q?a?= \t =?ISO-8859-2?Q?_b?=', 'a b'],
  // A character split between two words, as broken senders do.
  ['=?utf-8?B?w4M=?=', 'Ã'],
  ['=?utf-8?q?=C3?= =?utf-8?q?=A9?=', 'é'],
  ['=?utf-8?b?4oKs?= =?UTF-8?Q?=E2=82=AC?=', '€€'],
  ['=?utf-8*en?q?=C3=A9?=', 'é'],
  ['=?utf-8?q?with space?=', 'with space'],
  ['=?utf-8?b?w6k?=', 'é'],
  ['=?no-such?q?=C3=A9?=', 'é'],
  ['=?utf-8?q?=FF?=', '\ufffd'],
  ['=?utf-8?x?a?=', '=?utf-8?x?a?='],
  ['=?utf-8?q?open', '=?utf-8?q?open'],
  ['=??q?a?=', '=??q?a?='],
  ['=?utf-8?q??=', ''],
  // Raw 8-bit: UTF-8 where valid, windows-1252 otherwise.
  ['caf\xc3\xa9', 'café'],
  ['caf\xe9', 'café'],
]

test('display text', () => {
  for (const [binary, text] of cases) assert.equal(displayText(binary), text, binary)
})

test('a long run of starts that never end stays linear and as it is', () => {
  for (const piece of ['=?', '=?a?q?', '=?utf-8?b?', '?=']) {
    const text = piece.repeat(50_000)
    assert.equal(displayText(text), text)
  }
})

test('any binary string has a display form', () => {
  const soup = fc.string({
    unit: fc.constantFrom('=?', '?', 'utf-8', 'q', 'B', '?=', ' ', '=', 'C3', '\xe9', '_'),
    maxLength: 30,
  })
  fc.assert(fc.property(soup, (text) => assert.equal(typeof displayText(text), 'string')))
})
