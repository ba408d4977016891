// Content-Type, Content-Disposition and the ways of RFC 2231 to hide a file name.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { attachmentName, decodeParameters, firstToken, tryDisposition, tryMediaType } from './parameters.ts'

test('RFC 2045 §5.1: media types with comments, quotes and the liberties that senders take', () => {
  assert.deepEqual(tryMediaType('Text/PLAIN (c (n)); Charset="utf-8" (x); format=flowed'), {
    type: 'text',
    subtype: 'plain',
    parameters: [
      ['charset', 'utf-8'],
      ['format', 'flowed'],
    ],
  })
  const lenient: [string, [string, string][]][] = [
    ['a/b; boundary=x=y/z:1', [['boundary', 'x=y/z:1']]],
    [
      'a/b; name=my file.pdf; x=1',
      [
        ['name', 'my file.pdf'],
        ['x', '1'],
      ],
    ],
    [
      'a/b; name="a\\"b;c"; ;; x = "1"',
      [
        ['name', 'a"b;c'],
        ['x', '1'],
      ],
    ],
    ['a/b charset=utf-8', [['charset', 'utf-8']]],
    ['a/b; junk; x=1', [['x', '1']]],
    ['a/b; x="open', [['x', 'open']]],
    ['a/b; =1; y=2', [['y', '2']]],
  ]
  for (const [value, parameters] of lenient)
    assert.deepEqual(tryMediaType(value)?.parameters, parameters, value)
  for (const value of ['', 'text', 'text/', '/plain', '(', ';x=1'])
    assert.equal(tryMediaType(value), undefined, value)
  assert.equal(firstToken(' (c) Base64 '), 'base64')
})

test('RFC 2231 §3 and §4: split and encoded values are one value', () => {
  const disposition = tryDisposition(
    'attachment; filename*1*=%2Ept; filename*0*=utf-8\'\'invoice%C3%A9; filename*2=".exe"; filename=harmless.txt',
  )
  assert.ok(disposition)
  assert.equal(decodeParameters(disposition.parameters).get('filename'), 'invoiceé.pt.exe')
  assert.equal(
    attachmentName({ type: 'text', subtype: 'plain', parameters: [] }, disposition),
    'invoiceé.pt.exe',
  )
  const decode = (value: string) => decodeParameters(tryDisposition(`x; ${value}`)?.parameters ?? []).get('a')
  assert.equal(decode("a*=iso-8859-1'en'caf%E9"), 'café')
  assert.equal(decode('a*0=one; a*2=three'), 'one')
  assert.equal(decode('a*1=two'), undefined)
  assert.equal(decode('a*=%C3%A9'), 'é')
  assert.equal(decode("a*=no-such''%E9"), 'é')
  assert.equal(decode('a="=?utf-8?q?=C3=A9?="'), 'é')
  assert.equal(decode("a*0*=utf-8''%E2%82; a*1*=%AC"), '€')
})

test('no attachment name leads out of its folder or hides its ending', () => {
  const name = (text: string) =>
    attachmentName(
      { type: 'a', subtype: 'b', parameters: [['name*', `utf-8''${encodeURIComponent(text)}`]] },
      null,
    )
  assert.equal(name('../../etc/passwd'), 'passwd')
  assert.equal(name('C:\\x\\y.exe'), 'y.exe')
  assert.equal(name('..'), null)
  assert.equal(name('a/'), null)
  assert.equal(name('photo\u202egnp.exe'), 'photognp.exe')
  assert.equal(name('a\r\n\0b.txt'), 'ab.txt')
  assert.equal(name('x'.repeat(9999))?.length, 255)
})

test('hostile values end and give something', () => {
  for (const piece of ['(', ';a=', '"', '\\', '=', 'a*0*=', '; a*1=x', 'a(;', ';a(']) {
    const found = tryMediaType(`a/b${piece.repeat(50_000)}`)
    assert.ok((found?.parameters.length ?? 0) <= 100)
    if (found !== undefined) decodeParameters(found.parameters)
  }
  const soup = fc.string({
    unit: fc.constantFrom('a', '/', ';', '=', '"', '\\', '(', ')', '*', '0', ' ', "'", '%', '\xff'),
    maxLength: 40,
  })
  fc.assert(fc.property(soup, (text) => void decodeParameters(tryMediaType(`a/b;${text}`)?.parameters ?? [])))
})
