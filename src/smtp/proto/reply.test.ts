// The catalogue as a whole.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeReply, replies, type Reply } from './reply.ts'

const all: [string, Reply][] = [
  ...Object.entries(replies).flatMap(([name, entry]): [string, Reply][] =>
    typeof entry === 'function' ? [] : [[name, entry]],
  ),
  ['greeting', replies.greeting('mx.example')],
  ['extensions', replies.extensions(['mx.example greets you', 'PIPELINING'])],
  ['chunkOk', replies.chunkOk(5)],
  ['syntax', replies.syntax('QUIT')],
  ['challenge', replies.challenge('')],
]

test('the class of each enhanced code is the class of its reply (RFC 3463 §3)', () => {
  for (const [name, { code, enhanced }] of all) {
    if (enhanced === null) continue
    assert.match(enhanced, /^[245]\.[0-7]\.\d{1,3}$/, name)
    assert.equal(enhanced[0], String(code)[0], name)
  }
})

test('each reply is well formed and short enough (RFC 5321 §4.2.1, §4.5.3.1.5)', () => {
  for (const [name, { code, wire }] of all) {
    assert.ok(code >= 200 && code < 600, name)
    for (const line of wire.split('\r\n').slice(0, -1)) {
      assert.match(line, /^[2-5][0-5][0-9][ -][\x20-\x7e]*$/, name)
      assert.ok(line.length <= 510, name)
    }
  }
})

test('nothing that a client sent can break out of a reply', () => {
  const reply = makeReply(501, '5.5.4', `a\r\n250 evil\0\x1b[2J é${'x'.repeat(1000)}`)
  assert.equal(reply.wire.split('\r\n').length, 2)
  assert.match(reply.wire, /^501 5\.5\.4 a\?\?250 evil\?\?\[2J \?x+\r\n$/)
  assert.ok(reply.wire.length <= 512)
})
