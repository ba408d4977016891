// Properties of the MIME walk over hostile bytes: no exception, no dependence on chunks, offsets that partition the
// message, limits that hold, and work that grows with the bytes and not with the nesting.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cutRandomly, feedEveryWay } from '../../../test/support/feed.ts'
import { decodeStructure, encodeStructure } from './codec.ts'
import type { MimeLimits } from './limits.ts'
import type { MessageStructure, Part } from './structure.ts'
import { MimeWalker } from './walker.ts'

const small: Partial<MimeLimits> = {
  depth: 4,
  parts: 8,
  headerOctets: 120,
  fieldOctets: 60,
  boundaryOctets: 10,
  addresses: 3,
  keptOctets: 2_000,
  previewPlainOctets: 16,
  previewHtmlOctets: 16,
}

function walkChunks(chunks: readonly Uint8Array[], limits: Partial<MimeLimits>): MessageStructure {
  const walker = new MimeWalker(limits)
  for (const chunk of chunks) walker.push(chunk)
  return walker.finish()
}

/** Pieces that make multiparts, messages and broken ends likely. */
const piece = fc.constantFrom(
  'Content-Type: multipart/mixed; boundary=a\r\n',
  'Content-Type: multipart/digest; boundary="ab"\n',
  'Content-Type: message/rfc822\r\n',
  'Content-Type: text/html; charset=x\r\n',
  'Content-Type: multipart/mixed; boundary=toolongboundary\r\n',
  'Content-Transfer-Encoding: base64\r\n',
  'Subject: x\r\n y\r\n',
  'To: a@b, c: d@e;, f\r\n',
  '\r\n',
  '\r\n',
  '\n',
  '--a',
  '--a\r\n',
  '\r\n--a\r\n',
  '\r\n--a--\r\n',
  '--ab\r\n',
  '--ab-- \t\r\n',
  '-',
  '\r',
  ' ',
  '\0\xff',
  'text',
)
const soup = fc.array(piece, { maxLength: 25 }).map((pieces) => Buffer.from(pieces.join(''), 'latin1'))

/** Asserts the offsets of a part and its descendants; counts them. */
function checkPart(part: Part, from: number, to: number): number {
  assert.ok(from <= part.headerStart && part.headerStart <= part.bodyStart, 'header in order')
  assert.ok(part.bodyStart <= part.bodyEnd && part.bodyEnd <= to, 'body inside what holds it')
  let count = 1
  let at = part.bodyStart
  for (const child of part.parts) {
    count += checkPart(child, at, part.bodyEnd)
    at = child.bodyEnd
  }
  if (part.message !== null) {
    assert.equal(part.message.root.headerStart, part.bodyStart)
    assert.equal(part.message.root.bodyEnd, part.bodyEnd)
    count += checkPart(part.message.root, part.bodyStart, part.bodyEnd)
  }
  return count
}

/** Line feeds in the body, and one for an unfinished last line. */
function countLines(bytes: Uint8Array, part: Part): number {
  const body = bytes.subarray(part.bodyStart, part.bodyEnd)
  let lines = 0
  for (const byte of body) if (byte === 10) lines++
  return lines + (body.length > 0 && body.at(-1) !== 10 ? 1 : 0)
}

function checkLines(bytes: Uint8Array, part: Part): void {
  assert.equal(part.lines, countLines(bytes, part))
  for (const child of part.parts) checkLines(bytes, child)
  if (part.message !== null) checkLines(bytes, part.message.root)
}

test('any bytes, cut anyhow, give one structure whose offsets and lines are true', () => {
  fc.assert(
    fc.property(soup, fc.constantFrom(small, {}), (bytes, limits) => {
      const found = feedEveryWay(bytes, (chunks) => walkChunks(chunks, limits), { cuts: 3 })
      assert.equal(found.size, bytes.length)
      assert.equal(found.root.headerStart, 0)
      assert.equal(found.root.bodyEnd, bytes.length)
      const count = checkPart(found.root, 0, bytes.length)
      checkLines(bytes, found.root)
      if (limits === small) assert.ok(count <= 8)
      assert.deepEqual(decodeStructure(encodeStructure(found)), found)
    }),
    { numRuns: 600 },
  )
})

test('random bytes too', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.integer(), (bytes, seed) => {
      assert.deepEqual(walkChunks(cutRandomly(bytes, seed), {}), walkChunks([bytes], {}))
    }),
  )
})

test('what a multipart says is what it was made of', () => {
  const text = fc.string({ unit: fc.constantFrom('a', '-', ' ', '\r\n'), maxLength: 30 })
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 6 }), (bodies) => {
      const parts = bodies.map((body) => `\r\n--b0undary\r\n\r\n${body}`).join('')
      const bytes = Buffer.from(
        `Content-Type: multipart/mixed; boundary=b0undary\r\n${parts}\r\n--b0undary--`,
      )
      const { root } = walkChunks([bytes], {})
      const found = root.parts.map((part) => bytes.toString('latin1', part.bodyStart, part.bodyEnd))
      assert.deepEqual(found, bodies)
    }),
  )
})

/** A chunk that counts how often its octets are looked at one by one. */
class CountingChunk extends Uint8Array {
  looks = 0
  override indexOf(element: number, from?: number): number {
    const found = super.indexOf(element, from)
    this.looks += (found < 0 ? this.length : found) - (from ?? 0)
    return found
  }
}

test('linear work: every octet is searched at most once, however deep the open boundaries', () => {
  const depth = 90
  const boundaries = Array.from({ length: depth }, (_, level) => `boundary-${level}`)
  const opening = boundaries
    .map((name) => `Content-Type: multipart/mixed; boundary=${name}\r\n\r\n--${name}\r\n`)
    .join('')
  const walker = new MimeWalker()
  walker.push(Buffer.from(`${opening}\r\n`))
  const near = CountingChunk.from(
    Buffer.from('--boundary-\r\n--boundary-8x and a long line after it\r\n'.repeat(2_000)),
  )
  // `from` is inherited, so the copy is of this class.
  assert.ok(near instanceof CountingChunk)
  walker.push(near)
  assert.ok(near.looks <= near.length, `${near.looks} looks at ${near.length} octets`)
  assert.deepEqual(walker.finish().defects, ['boundary-unclosed'])
})
