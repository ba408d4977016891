// Messages survive the multi-line form of RFC 1939 §3, and no message can end itself.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import fc from 'fast-check'
import { feedEveryWay } from '../../../test/support/feed.ts'
import { encodeMessage, headerNeedsUtf8, MessageEncoder } from './message-encoder.ts'

function encode(text: string, bodyLines: number | null = null): string {
  return feedEveryWay(Buffer.from(text), (chunks) => {
    const encoder = new MessageEncoder(bodyLines)
    const pieces = chunks.flatMap((chunk) => encoder.push(chunk))
    return Buffer.concat([...pieces, Buffer.from(encoder.finish())]).toString()
  })
}

/** What a client makes of it: RFC 1939 §3, the other way round. */
function decode(text: string): string {
  return text.replace(/^\./gm, '')
}

test('A message in order passes as it is', () => {
  const text = 'Subject: x\r\n\r\nbody\r\n'
  assert.equal(encode(text), text)
  assert.equal(encode(''), '')
  const bytes = Buffer.from(text)
  assert.equal(encodeMessage(bytes, null).buffer, bytes.buffer)
})

test('Dots are stuffed, bare LF becomes CRLF, an unfinished line is finished', () => {
  assert.equal(encode('.\r\n'), '..\r\n')
  assert.equal(encode('a\n.\n..b'), 'a\r\n..\r\n...b\r\n')
  assert.equal(encode('a\r'), 'a\r\n')
  assert.equal(encode('a\rb\r\n\n'), 'a\rb\r\n\r\n')
})

test('TOP gives the header, the empty line and so many lines of the body', () => {
  const text = 'A: 1\r\nB: 2\r\n\r\none\r\n.two\r\nthree'
  assert.equal(encode(text, 0), 'A: 1\r\nB: 2\r\n\r\n')
  assert.equal(encode(text, 2), 'A: 1\r\nB: 2\r\n\r\none\r\n..two\r\n')
  assert.equal(encode(text, 3), 'A: 1\r\nB: 2\r\n\r\none\r\n..two\r\nthree\r\n')
  assert.equal(encode(text, 4_000_000_000), encode(text))
  assert.equal(encode('A: 1', 0), 'A: 1\r\n')
  assert.equal(encode('\nbody\n', 0), '\r\n')
})

test('Whatever the message, the client reads it back and sees no end within it', () => {
  const piece = fc.constantFrom('.', '..', '\r\n', '\n', 'a', 'Subject: x', '\r\n.\r\n', '\n.\n')
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const text = pieces.join('')
      const encoded = encode(text)
      assert.ok(!`\r\n${encoded}`.includes('\r\n.\r\n'), 'an end inside')
      assert.ok(!/(?<!\r)\n/.test(encoded), 'a bare LF')
      const lines = text.replace(/\r?\n/g, '\r\n')
      assert.equal(decode(encoded), lines === '' || lines.endsWith('\r\n') ? lines : `${lines}\r\n`)
    }),
    { numRuns: 200 },
  )
})

test('RFC 6856 §2.1: a header in UTF-8 is noticed, a body is not, old 8-bit headers neither', () => {
  const latin1 = (text: string) => Buffer.from(text, 'latin1')
  assert.equal(headerNeedsUtf8(Buffer.from('Subject: héllo\r\n\r\nx')), true)
  assert.equal(headerNeedsUtf8(Buffer.from('Subject: x\r\n\r\nhéllo')), false)
  assert.equal(headerNeedsUtf8(latin1('Subject: h\u00e9llo\r\n\r\nx')), false)
  assert.equal(headerNeedsUtf8(Buffer.from('Subject: h\u00e9')), true)
  assert.equal(headerNeedsUtf8(Buffer.alloc(0)), false)
})
