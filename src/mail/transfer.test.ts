// Transfer decoders: the same bytes however they are cut, and no illegal input that stops them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { feedEveryWay } from '../../test/support/feed.ts'
import { decodeTransfer, transferDecoder } from './transfer.ts'

function decode(text: string, encoding: string): string {
  return feedEveryWay(Buffer.from(text, 'latin1'), (chunks) => {
    const decoder = transferDecoder(encoding)
    const pieces = chunks.map((chunk) => decoder.push(chunk))
    return Buffer.concat([...pieces, decoder.finish()]).toString('latin1')
  })
}

test('RFC 2045 §6.8: base64 with line breaks, junk, missing and repeated padding', () => {
  assert.equal(decode('aGVs\r\nbG8=\r\n', 'base64'), 'hello')
  assert.equal(decode('aG*Vs bG!8', 'base64'), 'hello')
  assert.equal(decode('aGk=aGk=', 'base64'), 'hihi')
  assert.equal(decode('====', 'base64'), '')
  assert.equal(decode('a', 'base64'), '')
})

test('RFC 2045 §6.7: quoted-printable with soft breaks, trailing space and illegal escapes', () => {
  assert.equal(decode('caf=E9 =3d=3D\r\n', 'quoted-printable'), 'caf\xe9 ==\r\n')
  assert.equal(decode('one=\r\ntwo=\nthree= \t\r\nfour', 'quoted-printable'), 'onetwothreefour')
  assert.equal(decode('trail \t \r\nnext', 'quoted-printable'), 'trail\r\nnext')
  assert.equal(decode('a=ZZb =4', 'quoted-printable'), 'a=ZZb =4')
  assert.equal(decode('==41 = x', 'quoted-printable'), '=A = x')
  assert.equal(decode('end=', 'quoted-printable'), 'end')
  assert.equal(decode('a\rb', 'quoted-printable'), 'a\rb')
})

test('identity encodings pass through', () => {
  assert.equal(decode('a=41 \r\n', '8bit'), 'a=41 \r\n')
  assert.equal(decode('a=41', 'x-unknown'), 'a=41')
})

test('base64 of any bytes gives them back; any bytes decode, however cut', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const text = Buffer.from(bytes).toString('base64')
      assert.deepEqual(Buffer.from(decodeTransfer(Buffer.from(text), 'base64')), Buffer.from(bytes))
    }),
  )
  const soup = fc.string({
    unit: fc.constantFrom('=', ' ', '\t', '\r', '\n', 'A', '4', 'z', '\xff'),
    maxLength: 60,
  })
  fc.assert(fc.property(soup, (text) => void decode(text, 'quoted-printable')))
  fc.assert(fc.property(soup, (text) => void decode(text, 'base64')))
})

test('a million blanks are held in bounded memory and kept', () => {
  const text = ' '.repeat(1_000_000) + 'x'
  assert.equal(decodeTransfer(Buffer.from(text), 'quoted-printable').length, text.length)
})
