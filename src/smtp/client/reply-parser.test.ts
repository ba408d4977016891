import assert from 'node:assert/strict'
import { test } from 'node:test'
import { feedEveryWay } from '../../../test/support/feed.ts'
import { ReplyParser } from './reply-parser.ts'
import type { ServerReply } from './reply.ts'

const limits = { maxReplyLine: 100, maxReplyLines: 5 }

/** What the parser makes of it, however it is cut. */
function parse(bytes: string | Uint8Array): unknown[] {
  return feedEveryWay(bytes, (chunks) => {
    const parser = new ReplyParser(limits)
    return chunks.flatMap((chunk) => parser.feed(chunk))
  })
}

function reply(code: number, enhanced: string | null, verbatim: string, ...texts: string[]): ServerReply {
  return { type: 'reply', code, enhanced, texts, verbatim }
}

test('replies of one line and of many', () => {
  assert.deepEqual(parse('250 OK\r\n354 Go\r\n250-one\r\n250-two\r\n250 three\r\n'), [
    reply(250, null, '250 OK', 'OK'),
    reply(354, null, '354 Go', 'Go'),
    reply(250, null, '250-one\n250-two\n250 three', 'one', 'two', 'three'),
  ])
})

test('what servers leave out, or end in LF alone, is understood', () => {
  assert.deepEqual(parse('250\r\n250 \r\n250-\r\n250\r\n220 a\n221-b\n221 c\r\n'), [
    reply(250, null, '250', ''),
    reply(250, null, '250 ', ''),
    reply(250, null, '250-\n250', '', ''),
    reply(220, null, '220 a', 'a'),
    reply(221, null, '221-b\n221 c', 'b', 'c'),
  ])
})

test('enhanced status codes are taken from the text where they agree with the code', () => {
  assert.deepEqual(parse('550-5.1.1 No such\r\n550 5.1.1 user\r\n'), [
    reply(550, '5.1.1', '550-5.1.1 No such\n550 5.1.1 user', 'No such', 'user'),
  ])
  assert.deepEqual(parse('450 4.2.0\r\n'), [reply(450, '4.2.0', '450 4.2.0', '')])
  // The class disagrees, or it is no status code at all.
  assert.deepEqual(parse('250 5.1.1 hm\r\n250 2.0.0.1 hm\r\n220 2.0 ready\r\n354 3.1.1 x\r\n'), [
    reply(250, null, '250 5.1.1 hm', '5.1.1 hm'),
    reply(250, null, '250 2.0.0.1 hm', '2.0.0.1 hm'),
    reply(220, null, '220 2.0 ready', '2.0 ready'),
    reply(354, null, '354 3.1.1 x', '3.1.1 x'),
  ])
})

test('codes that differ within a class count as the last, in class they end it', () => {
  assert.deepEqual(parse('550-a\r\n554 b\r\n'), [reply(554, null, '550-a\n554 b', 'a', 'b')])
  assert.deepEqual(parse('550-a\r\n250 b\r\n250 OK\r\n'), [
    { type: 'malformed', problem: 'a reply whose lines contradict each other: 550, 250' },
  ])
})

test('what is no reply ends it, and nothing after it counts', () => {
  for (const [junk, shown] of [
    ['hello', 'hello'],
    ['', ''],
    ['25 x', '25 x'],
    ['150 x', '150 x'],
    ['650 x', '650 x'],
    ['2500 x', '2500 x'],
    ['250+x', '250+x'],
    [' 250 x', ' 250 x'],
    ['\x1b[2J', '?[2J'],
  ] as const) {
    assert.deepEqual(parse(`${junk}\r\n250 OK\r\n`), [
      { type: 'malformed', problem: `a line without a reply code: ${shown}` },
    ])
  }
})

test('lines and replies have limits', () => {
  assert.equal(parse(`250 ${'x'.repeat(95)}\r\n`).length, 1)
  assert.deepEqual(parse(`250 ${'x'.repeat(200)}`), [
    { type: 'malformed', problem: 'a reply line of more than 100 octets' },
  ])
  assert.deepEqual(parse('250-x\r\n'.repeat(6)), [
    { type: 'malformed', problem: 'a reply of more than 5 lines' },
  ])
})

test('texts hold UTF-8 but nothing that a terminal obeys', () => {
  assert.deepEqual(parse('250 grüß\u202e\x1b[31m\tdich\r\r\n'), [
    reply(250, null, '250 grüß??[31m dich?', 'grüß??[31m dich?'),
  ])
  assert.deepEqual(parse(Buffer.from([0x32, 0x35, 0x30, 0x20, 0xff, 0x0d, 0x0a])), [
    reply(250, null, '250 \ufffd', '\ufffd'),
  ])
})

test('half a reply is seen as such', () => {
  const parser = new ReplyParser(limits)
  assert.equal(parser.midReply, false)
  parser.feed(Buffer.from('250-a\r\n'))
  assert.equal(parser.midReply, true)
  parser.feed(Buffer.from('250 b\r\n'))
  assert.equal(parser.midReply, false)
  parser.feed(Buffer.from('2'))
  assert.equal(parser.midReply, true)
})
