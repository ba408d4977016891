// Kept structures come back as they were; section numbers find what RFC 3501 §6.4.5 says they do.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeStructure, decodeThreading, encodeStructure, StructureDamaged } from './codec.ts'
import { partAt, sectionAt } from './section.ts'
import type { MessageStructure } from './structure.ts'
import { MimeWalker } from './walker.ts'

function walk(...lines: string[]): MessageStructure {
  const walker = new MimeWalker()
  walker.push(Buffer.from(lines.join('\r\n'), 'latin1'))
  return walker.finish()
}

/** The example of RFC 3501 §6.4.5, with the subtype of each part telling its number. */
const example = walk(
  'Content-Type: multipart/mixed; boundary=a',
  'From: ann@x',
  'Reply-To: caf\xe9 <bob@x>',
  '',
  '--a',
  'Content-Type: text/p1',
  '',
  '--a',
  'Content-Type: application/p2',
  'Content-ID: <x>',
  '',
  '--a',
  'Content-Type: message/rfc822',
  '',
  'Content-Type: multipart/m3; boundary=b',
  '',
  '--b',
  'Content-Type: text/p3-1',
  '',
  '--b',
  'Content-Type: application/p3-2',
  '',
  '--b--',
  '--a',
  'Content-Type: multipart/p4; boundary=c',
  '',
  '--c',
  'Content-Type: image/p4-1',
  '',
  '--c',
  'Content-Type: message/rfc822',
  '',
  'Content-Type: text/p4-2-1',
  '',
  'text',
  '--c--',
  '--a--',
)

test('a structure survives being kept', () => {
  const text = encodeStructure(example)
  assert.deepEqual(decodeStructure(text), example)
  assert.ok(text.length < 1_500)
})

test('anything else is damage', () => {
  for (const text of [
    '',
    '{}',
    '[]',
    '[0]',
    '[1]',
    '[1,2,3,4]',
    'null',
    encodeStructure(example).slice(0, -9),
  ]) {
    assert.throws(() => decodeStructure(text), StructureDamaged, text)
  }
})

test('what makes a thread is read from a kept structure alone', () => {
  const fields = [
    'Message-ID: <a@x>',
    'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=',
    'In-Reply-To: <b@x>',
    'References: <c@x> <b@x>',
  ]
  const text = encodeStructure(walk(...fields, '', 'text'))
  assert.deepEqual(decodeThreading(text), {
    subject: '=?utf-8?q?Gr=C3=BC=C3=9Fe?=',
    messageId: 'a@x',
    inReplyTo: ['b@x'],
    references: ['c@x', 'b@x'],
  })
  for (const damaged of ['', '{}', 'null', '[0]', '[1]', text.slice(1)]) {
    assert.throws(() => decodeThreading(damaged), StructureDamaged, damaged)
  }
})

test('RFC 3501 §6.4.5: section numbers', () => {
  const subtype = (...path: number[]) => partAt(example, path)?.subtype
  assert.equal(subtype(), 'mixed')
  assert.equal(subtype(1), 'p1')
  assert.equal(subtype(2), 'p2')
  assert.equal(subtype(3), 'rfc822')
  assert.equal(subtype(3, 1), 'p3-1')
  assert.equal(subtype(3, 2), 'p3-2')
  assert.equal(subtype(4), 'p4')
  assert.equal(subtype(4, 1), 'p4-1')
  assert.equal(subtype(4, 2), 'rfc822')
  assert.equal(subtype(4, 2, 1), 'p4-2-1')
  for (const path of [[0], [5], [1, 1], [3, 3], [4, 2, 2], [4, 2, 1, 1], [-1], [1.5]]) {
    assert.equal(partAt(example, path), undefined, path.join('.'))
  }
  assert.equal(sectionAt(example, [])?.hasMime, false)
  assert.equal(sectionAt(example, [3])?.message?.root.subtype, 'm3')
  assert.equal(sectionAt(example, [1])?.message, null)
  const plain = walk('Content-Type: text/only', '', 'x')
  assert.equal(partAt(plain, [1])?.subtype, 'only')
  assert.equal(partAt(plain, [2]), undefined)
  assert.equal(partAt(plain, [1, 1]), undefined)
})
