// Command lines, fed in every way.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { feedEveryWay } from '../../../test/support/feed.ts'
import { InputBuffer, type CommandLine } from './framing.ts'

const limits = { octets: 32, discarded: 64 }

/** All lines of the input; ends where nothing more may be read. */
function lines(chunks: readonly Uint8Array[]): CommandLine[] {
  const input = new InputBuffer()
  const found: CommandLine[] = []
  for (const chunk of chunks) {
    input.push(chunk)
    for (let line = input.next(limits); line.type !== 'incomplete'; line = input.next(limits)) {
      found.push(line)
      if (line.type === 'bare-newline' || line.type === 'endless') return found
    }
  }
  return found
}

function types(bytes: Uint8Array | string): string[] {
  return feedEveryWay(bytes, lines).map((line) => (line.type === 'line' ? line.text : `<${line.type}>`))
}

test('lines end in CRLF', () => {
  assert.deepEqual(types('EHLO a\r\nNOOP\r\n\r\nQUIT\r\nrest'), ['EHLO a', 'NOOP', '', 'QUIT'])
})

test('a bare CR or LF is never part of a line, nor an end of one', () => {
  assert.deepEqual(types('NOOP\nNOOP\r\n'), ['<bare-newline>'])
  assert.deepEqual(types('NOOP\rNOOP\r\n'), ['<bare-newline>'])
  assert.deepEqual(types('NOOP\r\r\n'), ['<bare-newline>'])
  assert.deepEqual(types('NOOP\r\n\nNOOP\r\n'), ['NOOP', '<bare-newline>'])
  assert.deepEqual(types(`${'x'.repeat(40)}\nNOOP\r\n`), ['<bare-newline>'])
  assert.deepEqual(types(`${'x'.repeat(40)}\rNOOP\r\n`), ['<bare-newline>'])
})

test('a line of exactly the limit passes, one octet more does not', () => {
  const longest = 'x'.repeat(limits.octets - 2)
  assert.deepEqual(types(`${longest}\r\n${longest}x\r\nNOOP\r\n`), [longest, '<overlong>', 'NOOP'])
})

test('a line without an end is given up', () => {
  assert.deepEqual(types('x'.repeat(200)), ['<endless>'])
})

test('NUL, controls and broken UTF-8 make a line unreadable, UTF-8 does not', () => {
  assert.deepEqual(types(Buffer.from('NO\0OP\r\n')), ['<unreadable>'])
  assert.deepEqual(types('NO\tOP\r\n'), ['<unreadable>'])
  assert.deepEqual(types(Buffer.from('VRFY \xff\r\n', 'latin1')), ['<unreadable>'])
  assert.deepEqual(types('VRFY jürgen\r\n'), ['VRFY jürgen'])
})
