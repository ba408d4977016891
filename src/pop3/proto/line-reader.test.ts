// Lines are the same however they arrive, and every one is told exactly once.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import fc from 'fast-check'
import { feedEveryWay } from '../../../test/support/feed.ts'
import { LineReader } from './line-reader.ts'

function linesOf(chunks: readonly Uint8Array[], limit: number): string[] {
  const reader = new LineReader()
  const lines: string[] = []
  for (const chunk of chunks) {
    reader.push(chunk)
    for (let line = reader.next(limit); line !== undefined; line = reader.next(limit)) {
      lines.push(line.type === 'line' ? Buffer.from(line.bytes).toString('latin1') : `<${line.type}>`)
    }
  }
  return lines
}

const read = (bytes: string) => feedEveryWay(bytes, (chunks) => linesOf(chunks, 12))

test('Lines end with CRLF and nothing else', () => {
  assert.deepEqual(read('STAT\r\n\r\nRETR 1\r\nunfinished'), ['STAT', '', 'RETR 1'])
  assert.deepEqual(read('STAT\nNOOP\r\n'), ['<malformed>', 'NOOP'])
  assert.deepEqual(read('a\rb\r\na\0b\r\n\n\r\r\n'), [
    '<malformed>',
    '<malformed>',
    '<malformed>',
    '<malformed>',
  ])
})

test('A line that is too long is told once and skipped to its end', () => {
  assert.deepEqual(read('0123456789\r\n'), ['0123456789'])
  assert.deepEqual(read('0123456789a\r\nSTAT\r\n'), ['<too-long>', 'STAT'])
  assert.deepEqual(read(`${'x'.repeat(500)}\r\nSTAT\r\n${'y'.repeat(30)}`), [
    '<too-long>',
    'STAT',
    '<too-long>',
  ])
})

test('Any octets give the same lines in any segments', () => {
  const octets = fc.array(fc.constantFrom(0x0d, 0x0a, 0, 0x61, 0xff), { maxLength: 80 })
  fc.assert(
    fc.property(octets, (bytes) => {
      feedEveryWay(Uint8Array.from(bytes), (chunks) => linesOf(chunks, 6), { cuts: 3 })
    }),
    { numRuns: 100 },
  )
})
