// Fuzz target: what a server says. The parser does not throw, keeps to its limits, gives nothing that a terminal obeys, and it
// does not matter where a chunk ends.
import assert from 'node:assert/strict'
import { parseCapabilities } from './capabilities.ts'
import { ReplyParser } from './reply-parser.ts'

const limits = { maxReplyLine: 512, maxReplyLines: 50 }

export function target(bytes: Uint8Array): void {
  const whole = new ReplyParser(limits).feed(bytes)
  const parted = new ReplyParser(limits)
  const cut = (bytes[0] ?? 0) % (bytes.length + 1)
  assert.deepEqual([...parted.feed(bytes.subarray(0, cut)), ...parted.feed(bytes.subarray(cut))], whole)
  for (const [index, reply] of whole.entries()) {
    if (reply.type === 'malformed') {
      assert.equal(index, whole.length - 1)
      continue
    }
    assert.ok(reply.code >= 200 && reply.code < 600)
    assert.ok(reply.texts.length <= limits.maxReplyLines)
    assert.doesNotMatch(reply.verbatim, /[\0-\x09\x0b-\x1f\x7f-\x9f]/)
    const { limits: offered, auth } = parseCapabilities(reply, { greeted: 'EHLO' })
    assert.ok(offered.rcptMax === null || offered.rcptMax > 0)
    assert.ok(auth.every((name) => name !== ''))
  }
}

export const seeds: readonly string[] = [
  '220 mx.example.net ESMTP\r\n250-mx.example.net\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250 AUTH PLAIN LOGIN\r\n',
  '250-LIMITS RCPTMAX=20 MAILMAX=1\r\n250-DELIVERBY 60,x\r\n250 FUTURERELEASE 9 2027-01-01T00:00:00Z\r\n',
  '550-5.1.1 no\n550 5.1.1 such user\n421 4.3.2 bye\r\n250\r\n354-\r\n354 go\r\n',
]

export const dictionary: readonly string[] = [
  '250',
  '250-',
  '250 ',
  '\r\n',
  '\n',
  '5.1.1 ',
  'AUTH ',
  'LIMITS ',
  'SIZE=',
]
