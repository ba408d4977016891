// Framing: lines and literals come out the same wherever the bytes are cut, and nothing exceeds its limit.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Buffer } from 'node:buffer'
import { Fragmenter } from './fragments.ts'
import { feedEveryWay } from '../../../test/support/feed.ts'

const limits = { line: 100, literal: 20, command: 150, drain: 150 }

/** Runs a fragmenter over the chunks; `big` literals stream, too big ones are refused, others are collected. */
function run(chunks: Uint8Array[]): string[] {
  const fragmenter = new Fragmenter(limits)
  const seen: string[] = []
  let streamed = ''
  for (const chunk of chunks) {
    fragmenter.push(chunk)
    for (;;) {
      const fragment = fragmenter.next()
      if (fragment === undefined) break
      if (fragment.type === 'hopeless') {
        seen.push('hopeless')
        return seen
      }
      if (fragment.type === 'command') {
        const parts = fragment.parts.map(({ text, literal }) => {
          return literal === null ? text : `${text}<${Buffer.from(literal).toString('latin1')}>`
        })
        seen.push(`command ${parts.join('')}`)
      } else if (fragment.type === 'literal') {
        seen.push(
          `literal ${fragment.size}${fragment.synchronizing ? '' : '+'}${fragment.tooBig ? ' too big' : ''}`,
        )
        if (fragment.parts[0]?.text.includes('STREAM')) fragmenter.stream()
        else if (fragment.tooBig) seen.push(fragmenter.refuse())
        else fragmenter.collect()
      } else if (fragment.type === 'chunk') {
        streamed += Buffer.from(fragment.bytes).toString('latin1')
        if (fragment.last) {
          seen.push(`streamed ${streamed}`)
          streamed = ''
        }
      } else {
        seen.push(`${fragment.reason} ${fragment.head.slice(0, 5)}`)
      }
    }
  }
  return seen
}

function feed(bytes: string): string[] {
  return feedEveryWay(Buffer.from(bytes, 'latin1'), run)
}

test('lines and literals make commands', () => {
  assert.deepEqual(feed('a NOOP\r\nb LOGIN {3}\r\nann {4+}\r\np{1}\r\nc X\r\n'), [
    'command a NOOP',
    'literal 3',
    'literal 4+',
    'command b LOGIN <ann> <p{1}>',
    'command c X',
  ])
})

test('a literal may hold line breaks, and be empty', () => {
  assert.deepEqual(feed('a X {4}\r\n\r\n\r\n {0}\r\n\r\nb Y\r\n'), [
    'literal 4',
    'literal 0',
    'command a X <\r\n\r\n> <>',
    'command b Y',
  ])
})

test('a streamed literal comes in chunks, then the rest of the command', () => {
  assert.deepEqual(feed('a STREAM {30}\r\n012345678901234567890123456789\r\nb STREAM {0+}\r\n\r\nc X\r\n'), [
    'literal 30 too big',
    'streamed 012345678901234567890123456789',
    'command ',
    'literal 0+',
    'streamed ',
    'command ',
    'command c X',
  ])
})

test('a refused synchronizing literal is never sent: the next line is the next command', () => {
  assert.deepEqual(feed('a LOGIN {2147483647}\r\nb NOOP\r\n'), [
    'literal 2147483647 too big',
    'dropped',
    'command b NOOP',
  ])
})

test('a refused non-synchronizing literal is dropped with its whole command', () => {
  assert.deepEqual(feed(`a LOGIN {30+}\r\n${'x'.repeat(30)} {5+}\r\n12345 more\r\nb NOOP\r\n`), [
    'literal 30+ too big',
    'dropped',
    'command b NOOP',
  ])
})

test('a non-synchronizing literal beyond what is drained is hopeless', () => {
  assert.deepEqual(
    feed('a LOGIN {151+}\r\nxxxx'),
    ['literal 151+ too big', 'dropped', 'hopeless'].toSpliced(1, 1, 'hopeless'),
  )
  assert.deepEqual(feed('a LOGIN {9999999999999999999999+}\r\n').at(-1), 'hopeless')
})

test('literals that are none stay in the line', () => {
  assert.deepEqual(feed('a LOGIN {-1}\r\nb LOGIN {}\r\nc LOGIN {1x}\r\nd {1++}\r\n'), [
    'command a LOGIN {-1}',
    'command b LOGIN {}',
    'command c LOGIN {1x}',
    'command d {1++}',
  ])
})

test('an overlong line is refused once and its rest dropped, literals at its end included', () => {
  assert.deepEqual(feed(`a ${'x'.repeat(120)}\r\nb NOOP\r\n`), ['line-too-long a xxx', 'command b NOOP'])
  assert.deepEqual(feed(`a ${'x'.repeat(120)} {9+}\r\nc EVIL\r\n\r\nb NOOP\r\n`), [
    'line-too-long a xxx',
    'command b NOOP',
  ])
})

test('an overlong line that never ends is hopeless', () => {
  assert.deepEqual(feed(`a ${'x'.repeat(400)}`), ['line-too-long a xxx', 'hopeless'])
})

test('literals together may not exceed the size of a command', () => {
  const seen = feed(`a X${' {20+}\r\n01234567890123456789'.repeat(9)}\r\nb NOOP\r\n`)
  assert.ok(seen.includes('literal 20+ too big'))
  assert.equal(seen.at(-1), 'command b NOOP')
})

test('a bare LF ends a line that is refused; nothing hides behind it', () => {
  assert.deepEqual(feed('a NOOP\nb NOOP\r\n'), ['bare-newline a NOO', 'command b NOOP'])
})
