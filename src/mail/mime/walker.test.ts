// The MIME walk on messages written out, every one fed in every way.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { feedEveryWay } from '../../../test/support/feed.ts'
import type { MimeLimits } from './limits.ts'
import type { MessageStructure, Part } from './structure.ts'
import { MimeWalker } from './walker.ts'

function walk(message: string | Uint8Array, limits: Partial<MimeLimits> = {}, cuts = 8): MessageStructure {
  const bytes = typeof message === 'string' ? Buffer.from(message, 'latin1') : message
  return feedEveryWay(
    bytes,
    (chunks) => {
      const walker = new MimeWalker(limits)
      for (const chunk of chunks) walker.push(chunk)
      return walker.finish()
    },
    { cuts },
  )
}

/** Feeds large input in chunks of 64 KB, without the byte-by-byte round. */
function walkLarge(chunks: Iterable<string>, limits: Partial<MimeLimits> = {}): MessageStructure {
  const walker = new MimeWalker(limits)
  for (const chunk of chunks) walker.push(Buffer.from(chunk, 'latin1'))
  return walker.finish()
}

function* repeat(text: string, count: number): Generator<string> {
  for (let round = 0; round < count; round++) yield text
}

function message(...lines: string[]): string {
  return lines.join('\r\n')
}

function body(text: string, part: Part | undefined): string {
  assert.ok(part)
  return text.slice(part.bodyStart, part.bodyEnd)
}

/** Types as a tree: `mixed(plain,rfc822<plain>)`. */
function outline(part: Part): string {
  const children = part.parts.length === 0 ? '' : `(${part.parts.map(outline).join(',')})`
  return `${part.subtype}${children}${part.message === null ? '' : `<${outline(part.message.root)}>`}`
}

test('a plain message: envelope, offsets, lines, preview', () => {
  const text = message(
    'Return-Path: <ann@example.org>',
    'Delivered-To: bob@example.net',
    'Received: from a by b; x',
    'Received: from c',
    '\tby d; x',
    'Date: Sat, 21 Nov 2026 23:08:36 +0000',
    'From: Ann =?utf-8?q?=C3=84?= <ann@example.org>',
    'To: bob@example.net',
    'Subject: Hello',
    ' there',
    'Message-ID: <1@example.org>',
    'In-Reply-To: <0@example.org>',
    'References: <r@example.org>',
    ' <0@example.org>',
    '',
    'One  line.',
    '',
    'Another.',
    '',
  )
  const found = walk(text)
  const ann = [{ name: 'Ann =?utf-8?q?=C3=84?=', route: null, mailbox: 'ann', host: 'example.org' }]
  assert.deepEqual(found.envelope, {
    date: 'Sat, 21 Nov 2026 23:08:36 +0000',
    subject: 'Hello there',
    from: ann,
    sender: ann,
    replyTo: ann,
    to: [{ name: null, route: null, mailbox: 'bob', host: 'example.net' }],
    cc: null,
    bcc: null,
    inReplyTo: '<0@example.org>',
    messageId: '<1@example.org>',
  })
  assert.equal(found.size, text.length)
  assert.equal(body(text, found.root), 'One  line.\r\n\r\nAnother.\r\n')
  assert.equal(found.root.lines, 3)
  assert.equal(found.preview, 'One line. Another.')
  assert.equal(found.receivedCount, 2)
  assert.deepEqual(found.deliveredTo, ['bob@example.net'])
  assert.equal(found.messageId, '1@example.org')
  assert.deepEqual(found.inReplyTo, ['0@example.org'])
  assert.deepEqual(found.references, ['r@example.org', '0@example.org'])
  assert.deepEqual(found.defects, [])
})

test('RFC 2046 §5.1.1: the line break before a delimiter belongs to it; padding, preamble and epilogue are skipped', () => {
  const text = message(
    'Content-Type: multipart/mixed; boundary="simple boundary"',
    '',
    'preamble --simple boundary',
    '--simple boundary \t ',
    '',
    'implicitly typed',
    '--simple boundary',
    'Content-Type: text/plain; charset=us-ascii',
    '',
    'ends with a line break',
    '',
    '--simple boundary-- ',
    'epilogue',
    '--simple boundary',
    'not a part',
  )
  const found = walk(text)
  assert.equal(outline(found.root), 'mixed(plain,plain)')
  assert.equal(body(text, found.root.parts[0]), 'implicitly typed')
  assert.equal(found.root.parts[0]?.lines, 1)
  assert.equal(body(text, found.root.parts[1]), 'ends with a line break\r\n')
  assert.equal(found.root.parts[1]?.lines, 1)
  assert.equal(found.root.bodyEnd, text.length)
  assert.deepEqual(found.defects, [])
})

test('boundaries that begin alike don’t close one another, and the same boundary inside itself is the inner one', () => {
  const text = message(
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    'Content-Type: multipart/alternative; boundary=b1',
    '',
    '--b1',
    '',
    'one',
    '--b12',
    '--b1--',
    '--b',
    'Content-Type: multipart/related; boundary=b',
    '',
    '--b',
    '',
    'inner',
    '--b--',
    '--b',
    '',
    'outer',
    '--b--',
    '',
  )
  const found = walk(text)
  assert.equal(outline(found.root), 'mixed(alternative(plain),related(plain),plain)')
  assert.equal(body(text, found.root.parts[0]?.parts[0]), 'one\r\n--b12')
  assert.equal(body(text, found.root.parts[2]), 'outer')
})

test('a missing close delimiter: the outer delimiter ends what is inside', () => {
  const text = message(
    'Content-Type: multipart/mixed; boundary=out',
    '',
    '--out',
    'Content-Type: multipart/mixed; boundary=in',
    '',
    '--in',
    '',
    'text',
    '--out',
    '',
    'more',
  )
  const found = walk(text)
  assert.equal(outline(found.root), 'mixed(mixed(plain),plain)')
  assert.equal(body(text, found.root.parts[0]?.parts[0]), 'text')
  assert.equal(body(text, found.root.parts[1]), 'more')
  assert.deepEqual(found.defects, ['boundary-unclosed'])
})

test('a message cut off anywhere has a structure, inside a boundary too', () => {
  const text = message(
    'Content-Type: multipart/mixed; boundary=cut',
    '',
    '--cut',
    'Content-Type: message/rfc822',
    '',
    'Subject: x',
    '',
    'body',
    '--cut--',
  )
  for (let end = 0; end <= text.length; end++) {
    const found = walk(text.slice(0, end), {}, 1)
    assert.equal(found.size, end)
    assert.equal(found.root.bodyEnd, end)
  }
  const inside = walk(text.slice(0, -3))
  assert.equal(body(text, inside.root.parts[0]?.message?.root), 'body\r\n--cu')
})

test('RFC 2046 §5.2.1: a message inside has its own envelope; §5.1.5: it is the default in a digest', () => {
  const text = message(
    'Content-Type: multipart/digest; boundary=d',
    '',
    '--d',
    '',
    'Subject: first',
    'From: a@b',
    '',
    'text',
    '--d',
    'Content-Type: message/rfc822',
    '',
    'Subject: second',
    '',
    '--d--',
    '',
  )
  const found = walk(text)
  assert.equal(outline(found.root), 'digest(rfc822<plain>,rfc822<plain>)')
  const [first, second] = found.root.parts
  assert.equal(first?.message?.envelope.subject, 'first')
  assert.equal(first.message.root.headerStart, first.bodyStart)
  assert.equal(body(text, first), 'Subject: first\r\nFrom: a@b\r\n\r\ntext')
  assert.equal(first.lines, 4)
  assert.equal(second?.message?.envelope.subject, 'second')
  assert.equal(second.message.root.bodyEnd, second.bodyEnd)
})

test('a delimiter ends a header; a header without body is a part', () => {
  const text = message(
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    '--b',
    'Content-ID: <x>',
    '--b',
    'X: --b',
    '--bx: y',
    '',
    '--b--',
  )
  const found = walk(text)
  assert.equal(found.root.parts.length, 3)
  assert.deepEqual(
    found.root.parts.map((part) => [text.slice(part.headerStart, part.bodyStart), body(text, part), part.id]),
    [
      ['', '', null],
      ['Content-ID: <x>', '', '<x>'],
      ['X: --b\r\n--bx: y\r\n\r\n', '', null],
    ],
  )
})

test('bare line feeds are lines, and are told', () => {
  const text = 'Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\ntwo\n--b--\n'
  const found = walk(text)
  assert.equal(body(text, found.root.parts[0]), 'one\ntwo')
  assert.equal(found.root.parts[0]?.lines, 2)
  assert.deepEqual(found.defects, ['bare-newline'])
})

test('nothing, blank lines, bare CR, NUL and no header at all', () => {
  assert.equal(walk('').root.bodyEnd, 0)
  const blank = walk('\r\n'.repeat(200))
  assert.equal(blank.root.bodyStart, 2)
  assert.equal(blank.root.lines, 199)
  assert.equal(walk('\r\r\0\r').root.bodyStart, 4)
  const bare = walk('just text\r\nwithout header\r\n')
  assert.deepEqual(bare.defects, ['header-unfinished', 'header-malformed'])
})

test('nasty input 16: tens of thousands of leading blank lines', () => {
  const found = walkLarge(['\r\n'.repeat(50_000), 'text'])
  assert.equal(found.root.lines, 50_000)
  assert.equal(found.preview, '', 'the sample is bounded, so the preview may be empty')
})

test('nasty input 14: a million tiny parts cost no more than the limit', () => {
  const head = 'Content-Type: multipart/mixed; boundary=b\r\n\r\n'
  const found = walkLarge([head, ...repeat('--b\r\n\r\nx\r\n'.repeat(10_000), 100)], { parts: 50 })
  assert.equal(found.root.parts.length, 49)
  const last = found.root.parts.at(-1)
  assert.equal(last?.bodyEnd, found.size)
  assert.ok(found.defects.includes('parts-limit'))
})

test('nasty input 15: multiparts and messages nested ten thousand deep', () => {
  function* nested(): Generator<string> {
    for (let level = 0; level < 10_000; level++) {
      yield `Content-Type: multipart/mixed; boundary=b${level}\r\n\r\n--b${level}\r\n`
    }
    yield 'Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\n'
  }
  const found = walkLarge(nested())
  let depth = 0
  for (let part: Part | undefined = found.root; part !== undefined; part = part.parts[0]) depth++
  assert.equal(depth, 100)
  assert.ok(found.defects.includes('depth-limit'))
  const messages = walkLarge(repeat('Content-Type: message/rfc822\r\n\r\n', 10_000))
  assert.ok(messages.defects.includes('depth-limit'))
  const ended = walk(
    message(
      'Content-Type: multipart/mixed; boundary=a',
      '',
      '--a',
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b',
      '',
      '--a',
      '',
      'after',
    ),
    { depth: 2 },
  )
  assert.equal(outline(ended.root), 'mixed(mixed,plain)', 'what is too deep is opaque, what follows is not')
})

test('nasty input 17: a header line of megabytes loses its end, and the fields after it count', () => {
  const limits = { fieldOctets: 1_000, headerOctets: 3_000 }
  const subject = `Subject: ${'x'.repeat(5_000)}\r\n ${'y'.repeat(50)}\r\nFrom: a@b\r\n`
  const found = walk(`${subject}Content-Type: text/html\r\n\r\ntext`, limits, 3)
  assert.equal(found.envelope.subject?.length, 1_000 - 'Subject: '.length)
  assert.equal(found.envelope.from?.[0]?.mailbox, 'a')
  assert.equal(found.root.subtype, 'html')
  assert.deepEqual(found.defects, ['header-limit'])
  assert.equal(found.root.bodyEnd - found.root.bodyStart, 4)
  const many = walkLarge([...repeat('X-Filler: 0123456789\r\n'.repeat(1_000), 100), '\r\ntext'])
  assert.equal(many.preview, 'text')
  assert.ok(many.defects.includes('header-limit'))
})

test('what is remembered is bounded in all', () => {
  const part = `--b\r\nContent-Description: ${'d'.repeat(900)}\r\n\r\n\r\n`
  const found = walkLarge(['Content-Type: multipart/mixed; boundary=b\r\n\r\n', ...repeat(part, 500)], {
    keptOctets: 50_000,
  })
  assert.equal(found.root.parts.length, 500)
  assert.ok(JSON.stringify(found).length < 300_000)
  assert.ok(found.defects.includes('kept-limit'))
})

test('nasty inputs 20 and 22: many addresses are bounded; doubled fields count once and are told, recipients add up', () => {
  const found = walk(
    message(
      'From: a@b',
      'From: evil@c',
      'Subject: one',
      'Subject: two',
      'To: x@y',
      'To: z@y',
      `Cc: ${'c@d, '.repeat(50)}`,
      '',
      '',
    ),
    { addresses: 10 },
  )
  assert.deepEqual(
    found.envelope.from?.map(({ mailbox }) => mailbox),
    ['a'],
  )
  assert.equal(found.envelope.subject, 'one')
  assert.equal(found.envelope.to?.length, 2)
  assert.equal(found.envelope.cc?.length, 10)
  assert.deepEqual(found.defects, ['header-duplicate', 'kept-limit'])
})

test('multipart without boundary, encoded message, malformed type', () => {
  assert.deepEqual(walk('Content-Type: multipart/mixed\r\n\r\n--b\r\n').defects, ['boundary-missing'])
  const encoded = walk(
    'Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDo=\r\n',
  )
  assert.equal(encoded.root.message, null)
  assert.deepEqual(encoded.defects, ['composite-encoded'])
  const malformed = walk('Content-Type: ;;;\r\n\r\n')
  assert.equal(`${malformed.root.type}/${malformed.root.subtype}`, 'text/plain')
  assert.deepEqual(malformed.defects, ['content-type-malformed'])
})

test('content fields of a part, raw 8-bit kept', () => {
  const found = walk(
    message(
      'Content-Type: IMAGE/Png; NAME="caf\xe9.png"',
      'Content-Transfer-Encoding: BASE64 (c)',
      'Content-ID: <id@x>',
      'Content-Description: caf\xc3\xa9',
      'Content-Disposition: Attachment; filename=x.png',
      'Content-Language: de, en',
      'Content-Location: http://x/',
      'Content-MD5: abc==',
      '',
      'AAAA',
    ),
  )
  const { headerStart, bodyStart, bodyEnd, lines, parts, message: inner, ...rest } = found.root
  assert.deepEqual([headerStart, bodyEnd - bodyStart, lines, parts, inner], [0, 4, 1, [], null])
  assert.deepEqual(rest, {
    type: 'image',
    subtype: 'png',
    parameters: [['name', 'caf\xe9.png']],
    id: '<id@x>',
    description: 'caf\xc3\xa9',
    encoding: 'base64',
    disposition: { type: 'attachment', parameters: [['filename', 'x.png']] },
    language: ['de', 'en'],
    location: 'http://x/',
    md5: 'abc==',
  })
})

test('an overlong boundary is none; identifiers and Delivered-To are bounded', () => {
  const long = `Content-Type: multipart/mixed; boundary=${'b'.repeat(251)}\r\n\r\n--${'b'.repeat(251)}\r\n`
  assert.deepEqual(walk(long, {}, 2).defects, ['boundary-missing'])
  const many = `References: ${'<a@b> '.repeat(30)}\r\n${'Delivered-To: x@y\r\n'.repeat(30)}\r\n`
  const found = walk(many, { references: 5 }, 2)
  assert.equal(found.references.length, 5)
  assert.equal(found.deliveredTo.length, 5)
})

test('a delimiter may be padded to 1,000 octets, not beyond', () => {
  const text = (padding: number) =>
    message(
      'Content-Type: multipart/mixed; boundary=b',
      '',
      `--b${' '.repeat(padding)}`,
      '',
      'x',
      '--b--',
      '',
    )
  assert.equal(walk(text(996), {}, 3).root.parts.length, 1)
  assert.equal(walk(text(998), {}, 3).root.parts.length, 0)
})
