// Charsets: what real mail is labelled with, and labels that mean nothing.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeCharset, knowsCharset } from './charset.ts'

const cases: [label: string, hex: string, text: string][] = [
  ['utf-8', '63 61 66 c3 a9', 'café'],
  ['UTF8', '63 61 66 c3 a9', 'café'],
  ['"iso-8859-1"', '63 61 66 e9', 'café'],
  ['us-ascii', '63 61 66 c3 a9', 'café'],
  ['us-ascii', '63 61 66 e9', 'café'],
  ['windows-1251', 'cf f0 e8 e2 e5 f2', 'Привет'],
  ['koi8-r', 'f0 d2 c9 d7 c5 d4', 'Привет'],
  ['iso-2022-jp', '1b 24 42 46 7c 4b 5c 1b 28 42', '日本'],
  ['cp932', '93 fa 96 7b', '日本'],
  ['gb2312', 'd6 d0 ce c4', '中文'],
  ['cp936', 'd6 d0 ce c4', '中文'],
  ['hz-gb-2312', '7e 7b 56 50 4e 44 7e 7d 21', '中文!'],
  ['big5', 'a4 a4 a4 e5', '中文'],
  ['ks_c_5601-1987', 'c7 d1', '한'],
  ['cp437', '81', 'ü'],
  ['utf-7', '2b 41 4f 6b 2d', 'é'],
  ['utf-16le', '41 00', 'A'],
  ['utf-32le', '41 00 00 00', 'A'],
  ['utf-8*en', 'c3 a9', 'é'],
  ['no-such-charset', 'c3 a9', 'é'],
  ['no-such-charset', 'e9', 'é'],
  ['utf-8', '61 ff 62', 'a\ufffdb'],
]

test('labelled bytes become text', () => {
  for (const [label, hex, text] of cases) {
    assert.equal(decodeCharset(Buffer.from(hex.replaceAll(' ', ''), 'hex'), label), text, label)
  }
})

test('known labels are known', () => {
  for (const label of ['UTF-8', 'us-ascii', 'cp437', 'hz', 'iso-8859-15'])
    assert.ok(knowsCharset(label), label)
  for (const label of ['', 'no-such', 'x'.repeat(1e5)]) assert.ok(!knowsCharset(label), label.slice(0, 20))
})

test('any bytes under any label give text', () => {
  const label = fc.oneof(
    fc.constantFrom(
      'utf-8',
      'utf-7',
      'iso-2022-kr',
      'gb18030',
      'base64',
      'hex',
      'ucs2',
      'utf-32',
      '__proto__',
      'internal',
    ),
    fc.string({ maxLength: 20 }),
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), label, (bytes, name) => {
      assert.equal(typeof decodeCharset(bytes, name), 'string')
    }),
  )
})
