// Address lists for ENVELOPE: the grammar, its obsolete half, and what was never in it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseAddressList } from './address-list.ts'

type Row = [name: string | null, mailbox: string | null, host: string | null, route?: string]

function rows(value: string, limit = 100): Row[] {
  return parseAddressList(value, limit).addresses.map(({ name, route, mailbox, host }): Row => {
    return route === null ? [name, mailbox, host] : [name, mailbox, host, route]
  })
}

const cases: [string, Row[]][] = [
  ['ann@example.org', [[null, 'ann', 'example.org']]],
  [
    'Ann B <ann@example.org>, bob@x',
    [
      ['Ann B', 'ann', 'example.org'],
      [null, 'bob', 'x'],
    ],
  ],
  ['"B, Ann \\"x\\"" <ann@example.org>', [['B, Ann "x"', 'ann', 'example.org']]],
  ['user@domain (Real Name)', [['Real Name', 'user', 'domain']]],
  ['J. Q. Public <j@x>', [['J. Q. Public', 'j', 'x']]],
  [
    '"a b"@x, <"c d"@y>',
    [
      [null, 'a b', 'x'],
      [null, 'c d', 'y'],
    ],
  ],
  ['a . b @ c . d', [[null, 'a.b', 'c.d']]],
  ['<@route,@two:user@domain>', [[null, 'user', 'domain', '@route,@two']]],
  ['a@[192.0.2.1]', [[null, 'a', '[192.0.2.1]']]],
  ['=?utf-8?q?J=C3=BCrgen?= <j@x>', [['=?utf-8?q?J=C3=BCrgen?=', 'j', 'x']]],
  ['J\xc3\xbcrgen <j@x>', [['J\xc3\xbcrgen', 'j', 'x']]],
  [
    'undisclosed-recipients:;',
    [
      [null, 'undisclosed-recipients', null],
      [null, null, null],
    ],
  ],
  [
    'g: a@b, C <c@d>;, e@f',
    [
      [null, 'g', null],
      [null, 'a', 'b'],
      ['C', 'c', 'd'],
      [null, null, null],
      [null, 'e', 'f'],
    ],
  ],
  [
    'g: a@b',
    [
      [null, 'g', null],
      [null, 'a', 'b'],
      [null, null, null],
    ],
  ],
  ['"a@evil.example x"@internal.example', [[null, 'a@evil.example x', 'internal.example']]],
  ['user@good.example(x)evil.example', [['x', 'user', 'good.example']]],
  ['ann@x <bob@y>', [['ann@x', 'bob', 'y']]],
  ['John Doe jd@x', [['John Doe', 'jd', 'x']]],
  ['root', [[null, 'root', '']]],
  ['<root>', [[null, 'root', '']]],
  ['<>', []],
  [' , ,, a@b ,', [[null, 'a', 'b']]],
  ['', []],
  ['(only a comment)', []],
  ['Ann <ann@x', [['Ann', 'ann', 'x']]],
  ['"open a@b', [[null, 'open a@b', '']]],
]

test('RFC 5322 §3.4 and §4.4', () => {
  for (const [value, expected] of cases) assert.deepEqual(rows(value), expected, value)
})

test('groups nested in groups join the outer one', () => {
  assert.deepEqual(rows('a: b: c@d; e@f;'), [
    [null, 'a', null],
    [null, 'c', 'd'],
    [null, null, null],
    [null, 'e', 'f'],
  ])
})

test('hostile lists are bounded and linear: nested groups, comments, a megabyte of addresses', () => {
  assert.ok(rows('g:'.repeat(10_000)).length <= 102)
  assert.deepEqual(rows(`${'('.repeat(500_000)}a@b`), [])
  const many = parseAddressList('a@b,'.repeat(250_000), 1_000)
  assert.equal(many.addresses.length, 1_000)
  assert.ok(many.truncated)
  for (const piece of [
    '<',
    '@',
    '"',
    '\\',
    '[',
    ',',
    ';',
    '<@',
    '.',
    '> ',
    'a ',
    '(a',
    '<a@b',
    ':;',
    '<@,',
    '<@a,',
  ]) {
    parseAddressList(piece.repeat(100_000), 1_000)
  }
})

test('any text is a list of at most that many entries, and groups are closed', () => {
  const soup = fc.string({ unit: fc.constantFrom(...'ab@.<>,;:"\\()[] \t\xff'), maxLength: 50 })
  fc.assert(
    fc.property(soup, (text) => {
      const { addresses } = parseAddressList(text, 5)
      assert.ok(addresses.length <= 6)
      const starts = addresses.filter(({ mailbox, host }) => mailbox !== null && host === null).length
      const ends = addresses.filter(({ mailbox }) => mailbox === null).length
      assert.ok(ends === starts || (ends === starts + 1 && addresses.length > 5))
    }),
  )
})
