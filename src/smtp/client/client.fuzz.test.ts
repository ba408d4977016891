// Whatever a server says, in whatever pieces: the client pairs, settles, and ends; nothing is ever taken for more than it was.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { greetedScene, openScene, outgoing, summary } from '../../../test/support/smtp-client.ts'
import { LineEndings } from './content.ts'
import { ReplyParser } from './reply-parser.ts'

const runs = { numRuns: 100 }

const replyText = fc.oneof(
  fc.constantFrom(
    '250 ok',
    '250-a',
    '250',
    '354 go',
    '450 4.2.0 x',
    '550 5.1.1 x',
    '421 bye',
    '220 hi',
    '221 bye',
  ),
  fc.constantFrom('250-PIPELINING', '250 CHUNKING', '250-SIZE 5', '250 LIMITS RCPTMAX=1', '334 ', '235 ok'),
  fc.string({ maxLength: 12 }),
)
const serverTalk = fc
  .array(fc.tuple(replyText, fc.constantFrom('\r\n', '\r\n', '\r\n', '\n', '\r', '')), { maxLength: 25 })
  .map((parts) => Buffer.from(parts.map((part) => part.join('')).join('')))

test('the parser gives the same replies for any cuts, within its limits', () => {
  fc.assert(
    fc.property(serverTalk, fc.array(fc.nat(20), { maxLength: 6 }), (bytes, cuts) => {
      const limits = { maxReplyLine: 60, maxReplyLines: 8 }
      const whole = new ReplyParser(limits)
      const cut = new ReplyParser(limits)
      const expected = whole.feed(bytes)
      const found = []
      for (let at = 0, turn = 0; at < bytes.length; turn++) {
        const length = (cuts[turn % Math.max(1, cuts.length)] ?? bytes.length) + 1
        found.push(...cut.feed(bytes.subarray(at, at + length)))
        at += length
      }
      assert.deepEqual(found, expected)
      for (const reply of expected) {
        if (reply.type !== 'reply') continue
        assert.ok(reply.code >= 200 && reply.code < 600)
        assert.doesNotMatch(reply.verbatim, /[\0-\x09\x0b-\x1f\x7f]/)
      }
    }),
    runs,
  )
})

test('a session with a server that says anything ends or goes on, and every message is settled', async () => {
  await fc.assert(
    fc.asyncProperty(serverTalk, serverTalk, fc.nat(1000), async (first, second, seed) => {
      const { clock, server, opened } = openScene({ network: { segments: 'cut', seed } })
      server.sayRaw(first)
      await clock.advance('1s')
      server.sayRaw(second)
      server.connection.end()
      const result = await opened
      if (result.type !== 'open') return
      const { session } = result
      const sent = await Promise.all([session.send(outgoing()), session.send(outgoing())])
      for (const { recipients } of sent) assert.equal(recipients.length, 1)
      await session.ended
    }),
    runs,
  )
})

/** A reply to each of MAIL, RCPT, RCPT, DATA and the dot, and where the connection ends (5: not at all). */
const course = fc.record({
  codes: fc.array(fc.constantFrom(250, 250, 250, 450, 550), { minLength: 5, maxLength: 5 }),
  end: fc.nat(5),
  pipelining: fc.boolean(),
})

test('what is known afterwards is what the server said', async () => {
  await fc.assert(
    fc.asyncProperty(course, fc.nat(1000), async ({ codes, end, pipelining }, seed) => {
      const { server, session } = await greetedScene(pipelining ? ['PIPELINING'] : [], {
        network: { segments: 'cut', seed },
      })
      const sent = session.send(outgoing({ to: ['a@x.example', 'b@x.example'] }))
      let accepted = false
      let said = 0
      const serve = async () => {
        for (const verb of ['MAIL', 'RCPT', 'RCPT', 'DATA'] as const) {
          assert.ok((await server.line()).startsWith(verb))
          if (said === end) {
            server.connection.end()
            return
          }
          const code = codes[said++] ?? 250
          server.say(verb === 'DATA' && code === 250 ? '354 go' : `${code} x`)
        }
        if (codes[3] !== 250) return
        const content = await server.dotted()
        if (end === 4) server.connection.end()
        else {
          accepted = codes[4] === 250 && content !== ''
          server.say(`${codes[4]} x`)
        }
      }
      // A client that stops early (MAIL refused without PIPELINING) leaves the script waiting: that is no failure.
      const served = serve().catch(() => undefined)
      const outcomes = summary(await sent)
      if (codes[0] === 250 && (codes[1] === 250 || codes[2] === 250)) await served
      for (const outcome of outcomes) {
        if (outcome === 'accepted') assert.ok(accepted)
        if (outcome.startsWith('unknown')) assert.equal(end, 4)
        if (outcome.startsWith('lost')) assert.ok(end < 4)
      }
      session.close()
      await served
    }),
    runs,
  )
})

test('stuffed content is the content again, for any pieces', () => {
  const line = fc.constantFrom('', '.', '..', '.a', 'a.', 'text')
  fc.assert(
    fc.property(fc.array(line, { maxLength: 30 }), fc.integer({ min: 1, max: 9 }), (lines, length) => {
      const content = Buffer.from(lines.map((text) => `${text}\r\n`).join(''))
      const endings = new LineEndings()
      const pieces: Uint8Array[] = []
      for (let at = 0; at < content.length; at += length) {
        pieces.push(...endings.stuff(content.subarray(at, at + length)))
      }
      const stuffed = Buffer.concat(pieces).toString()
      assert.equal(stuffed.replace(/^\./gm, ''), content.toString())
      assert.ok(!stuffed.includes('\r\n.\r\n') && !stuffed.startsWith('.\r\n'))
      assert.equal(endings.hasBareNewline, false)
    }),
    runs,
  )
})
