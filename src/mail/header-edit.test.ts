// Edits of a header in passing: what changes, what must not, and what could be smuggled in.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import fc from 'fast-check'
import { feedEveryWay } from '../../test/support/feed.ts'
import { displayText } from './encoded-word.ts'
import { type HeaderEdit, HeaderEditor, formatField } from './header-edit.ts'
import { fieldValue, splitHeader } from './header.ts'

function edit(message: string, edits: readonly HeaderEdit[], maxHeaderOctets = 10_000): string | null {
  return feedEveryWay(Buffer.from(message, 'latin1'), (chunks) => {
    const editor = new HeaderEditor({ edits, maxHeaderOctets })
    const out = chunks.flatMap((chunk) => editor.push(chunk).map((piece) => Buffer.from(piece)))
    out.push(...editor.finish().map((piece) => Buffer.from(piece)))
    return editor.failed ? null : Buffer.concat(out).toString('latin1')
  })
}

const message = 'A: 1\r\nB: 2\r\n folded\r\na: 3\r\n\r\nA: body\r\n\r\n.\r\n'

const cases: readonly { name: string; edits: HeaderEdit[]; from?: string; to: string }[] = [
  { name: 'nothing to do', edits: [], to: message },
  {
    name: 'a field at the end, one at the start',
    edits: [
      { type: 'add', name: 'X', value: 'x' },
      { type: 'add', name: 'Y', value: 'y', at: 'start' },
    ],
    to: 'Y: y\r\nA: 1\r\nB: 2\r\n folded\r\na: 3\r\nX: x\r\n\r\nA: body\r\n\r\n.\r\n',
  },
  {
    name: 'added only where missing',
    edits: [
      { type: 'add-missing', name: 'b', value: 'x' },
      { type: 'add-missing', name: 'C', value: 'c' },
    ],
    to: 'A: 1\r\nB: 2\r\n folded\r\na: 3\r\nC: c\r\n\r\nA: body\r\n\r\n.\r\n',
  },
  {
    name: 'all fields of a name go, with what continues them',
    edits: [
      { type: 'remove', name: 'a' },
      { type: 'remove', name: 'b' },
    ],
    to: '\r\nA: body\r\n\r\n.\r\n',
  },
  {
    name: 'the second of a name',
    edits: [
      { type: 'change', name: 'A', index: 2, value: 'new' },
      { type: 'remove', name: 'A', index: 1 },
    ],
    to: 'B: 2\r\n folded\r\nA: new\r\n\r\nA: body\r\n\r\n.\r\n',
  },
  {
    name: 'a change of what is not there adds',
    edits: [{ type: 'change', name: 'C', value: 'c' }],
    to: 'A: 1\r\nB: 2\r\n folded\r\na: 3\r\nC: c\r\n\r\nA: body\r\n\r\n.\r\n',
  },
  {
    name: 'no header',
    edits: [{ type: 'add', name: 'X', value: 'x' }],
    from: '\r\nbody',
    to: 'X: x\r\n\r\nbody',
  },
  { name: 'nothing at all', edits: [{ type: 'add', name: 'X', value: 'x' }], from: '', to: 'X: x\r\n' },
  {
    name: 'a header without end',
    edits: [{ type: 'add', name: 'X', value: 'x' }],
    from: 'A: 1',
    to: 'A: 1\r\nX: x\r\n',
  },
  {
    name: 'lines that are no fields stay',
    edits: [{ type: 'remove', name: 'A' }],
    from: '>From x\r\nA: 1\r\nno field\r\n\r\nbody',
    to: '>From x\r\nno field\r\n\r\nbody',
  },
  {
    name: 'bare LF ends lines too, and 8-bit octets pass',
    edits: [{ type: 'remove', name: 'A' }],
    from: 'A: 1\nB: \xff\n\nA: body\n',
    to: 'B: \xff\n\nA: body\n',
  },
]

for (const { name, edits, from = message, to } of cases) {
  test(name, () => assert.equal(edit(from, edits), to))
}

test('a header beyond the limit fails, whatever its body', () => {
  assert.equal(edit(message, [], 20), null)
  const small = edit(`A: 1\r\n\r\n${'x'.repeat(1000)}`, [{ type: 'remove', name: 'A' }], 20)
  assert.equal(small, `\r\n${'x'.repeat(1000)}`)
})

test('a value cannot begin another field or end the header', () => {
  for (const value of ['x\r\nBcc: y', 'x\nBcc: y', 'x\rBcc: y', 'x\r\n\r\nbody', 'x\0y']) {
    const field = formatField('X', value)
    assert.equal(splitHeader(field).fields.length, 1, JSON.stringify(field))
    assert.match(field, /^X: x[ -~]*\r\n$/)
  }
  assert.throws(
    () => new HeaderEditor({ edits: [{ type: 'remove', name: 'A: b' }], maxHeaderOctets: 1 }),
    TypeError,
  )
  assert.throws(
    () => new HeaderEditor({ edits: [{ type: 'remove', name: 'A\r\n' }], maxHeaderOctets: 1 }),
    TypeError,
  )
})

test('a value that is folded already keeps its folds, as a signature needs it', () => {
  assert.equal(
    formatField('DKIM-Signature', 'v=1;\n\tb=abc\r\n d'),
    'DKIM-Signature: v=1;\r\n\tb=abc\r\n d\r\n',
  )
})

test('long values fold at white space, other scripts are encoded', () => {
  const long = formatField('Subject', 'word '.repeat(60).trim())
  for (const line of long.split('\r\n')) assert.ok(line.length <= 78)
  assert.equal(fieldValue({ raw: long.slice('Subject:'.length) }), 'word '.repeat(60).trim())
  const text = `Grüße aus Köln an ${'Ünïcödé '.repeat(20)}und Ann`
  const encoded = formatField('Subject', text)
  assert.match(encoded, /^[\r\n -~]*$/)
  assert.equal(displayText(fieldValue({ raw: encoded.slice('Subject:'.length) })), text)
})

test('whatever the value, it is one field of ASCII, and reading gives it back', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (value) => {
      const field = formatField('X', value)
      assert.match(field, /^[\t\r\n -~\x01-\x1f\x7f]*$/)
      assert.equal(splitHeader(`${field}\r\n`).fields.length, 1)
    }),
    { numRuns: 200 },
  )
})
