// Fuzz target: the MIME walk. It takes any bytes, its result does not depend on where a chunk ends, every offset lies inside the
// message, and what it found survives being stored.
import assert from 'node:assert/strict'
import { decodeStructure, encodeStructure } from './codec.ts'
import type { MessageStructure } from './structure.ts'
import { MimeWalker } from './walker.ts'

function walk(chunks: readonly Uint8Array[]): MessageStructure {
  const walker = new MimeWalker()
  for (const chunk of chunks) walker.push(chunk)
  return walker.finish()
}

export function target(bytes: Uint8Array): void {
  const whole = walk([bytes])
  const cut = (bytes[0] ?? 0) % (bytes.length + 1)
  assert.deepEqual(walk([bytes.subarray(0, cut), bytes.subarray(cut)]), whole)
  assert.deepEqual(decodeStructure(encodeStructure(whole)), whole)
  assert.equal(whole.size, bytes.length)
}

export const seeds: readonly string[] = [
  'Subject: x\r\n\r\nbody\r\n',
  'Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\none\r\n--a\r\nContent-Type: text/html\r\n\r\n<b>two</b>\r\n--a--\r\n',
  'Content-Type: message/rfc822\r\n\r\nSubject: inner\r\nFrom: "A B" <a@b.test>\r\n\r\ntext',
  'Content-Type: text/plain; charset=utf-7\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\na=\r\n=41b',
]

export const dictionary: readonly string[] = [
  '\r\n',
  '\r\n\r\n',
  '--a\r\n',
  '--a--\r\n',
  'Content-Type: ',
  'multipart/mixed; boundary=a',
  'multipart/digest; boundary="b c"',
  'message/rfc822',
  'text/html; charset=iso-2022-jp',
  'Content-Transfer-Encoding: base64',
  "Content-Disposition: attachment; filename*=utf-8''x",
  'From: a@b.test, c: d@e.test;',
  '=?utf-8?B?w6Q=?=',
  'Received: from a by b; ',
]
