// Properties of framing and core that hold for any octets and any cuts.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TestCore, testLimits } from '../../../test/support/smtp-core.ts'
import type { SmtpOffers } from './offers.ts'

const runs = { numRuns: 150 }
const begin = 'EHLO c.example\r\nMAIL FROM:<a@c.example>\r\nRCPT TO:<ann@example.org>\r\n'
const limits = { ...testLimits, maxErrors: 0, maxRefusedRecipients: 0, maxAuthFailures: 0 }

/** Octets that matter to SMTP come often. */
const nasty = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '\r\n',
        '.',
        '..',
        '\r',
        '\n',
        '\r\n.\r\n',
        '\0',
        ' ',
        '<',
        '>',
        '@',
        ':',
        '"',
        '\\',
        '=',
      ),
      fc.constantFrom(
        'EHLO a',
        'MAIL FROM:<a@b.c>',
        'RCPT TO:<d@e.f>',
        'DATA',
        'BDAT 3',
        'BDAT 2 LAST',
        'RSET',
        'HELP',
      ),
      fc.constantFrom(
        'LHLO a',
        'SEND FROM:<a@b.c>',
        'ETRN @b.c',
        'ETRN #',
        'ATRN b.c',
        'XCLIENT LOGIN=x',
        'XFORWARD ADDR=IPV6:::1',
        'HELP SYSTEM',
        ' RET=FULL',
        ' HOLDFOR=9',
        ' BY=1;R',
        ' NOTIFY=NEVER',
        ' ORCPT=utf-8;\\x{0A}',
      ),
      fc.constantFrom(
        'AUTH PLAIN',
        'AUTH SCRAM-SHA-256 biwsbj1hLHI9Yg==',
        'STARTTLS',
        'VRFY x',
        'QUIT',
        '*',
        'AA==',
      ),
      fc.string({ maxLength: 8 }),
    ),
    { maxLength: 60 },
  )
  .map((parts) => Buffer.from(parts.join('')))

/** Feeds in pieces of the given lengths, over and over. */
function feedCut(core: { feed(bytes: Uint8Array): void }, bytes: Uint8Array, cuts: readonly number[]): void {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = cuts.length === 0 ? bytes.length : (cuts[turn % cuts.length] ?? 1)
    core.feed(bytes.slice(at, at + length))
    at += length
  }
}

const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 6 })

const offers: Partial<SmtpOffers> = {
  dsn: true,
  requireTls: true,
  futureRelease: { maxInterval: 100, clock: { now: () => 0 } },
  deliverBy: { minimum: 1 },
  priority: { profile: '' },
  noSoliciting: { keywords: [] },
  requireValidSince: true,
  expand: true,
  terminals: true,
  etrn: true,
  xclient: true,
  xforward: true,
}

test('whatever comes, the core answers in order or ends; cuts change nothing', () => {
  fc.assert(
    fc.property(nasty, cuts, fc.boolean(), fc.boolean(), (bytes, lengths, sasl, local) => {
      const options = { limits, sasl, offers, dialect: local ? 'lmtp' : 'smtp' } as const
      const whole = new TestCore(options)
      const cut = new TestCore(options)
      whole.open()
      cut.open()
      whole.feed(bytes)
      feedCut(cut, bytes, lengths)
      assert.equal(cut.text, whole.text)
      assert.deepEqual(cut.messages, whole.messages)
      assert.match(whole.text, /^(?:[2-5]\d\d[ -][\x20-\x7e]*\r\n)+$/)
    }),
    runs,
  )
})

const bodyLine = fc.oneof(
  fc.constantFrom('', '.', '..', '.x', 'QUIT', 'MAIL FROM:<evil@x>', 'RCPT TO:<evil@x>', 'RSET', 'DATA'),
  fc.string({ maxLength: 80 }).map((text) => text.replace(/[\r\n\0]/g, ' ')),
)
const body = fc.array(bodyLine, { maxLength: 40 }).map((lines) => lines.map((line) => `${line}\r\n`).join(''))

test('content in is content out, and none of it is a command', () => {
  fc.assert(
    fc.property(body, cuts, (content, lengths) => {
      const core = new TestCore({ limits })
      core.open()
      const stuffed = content.replace(/^\./gm, '..')
      feedCut(core, Buffer.from(`${begin}DATA\r\n${stuffed}.\r\nNOOP\r\n`), lengths)
      assert.deepEqual(core.messages, [Buffer.from(content).toString('latin1')])
      assert.equal(core.asked.filter((type) => type === 'mail' || type === 'rcpt').length, 2)
      assert.match(core.text, /250 2\.0\.0 OK: delivered\r\n250 2\.0\.0 OK\r\n$/)
    }),
    runs,
  )
})

test('binary chunks come through octet for octet', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 5 }),
      cuts,
      (chunks, lengths) => {
        const core = new TestCore({ limits })
        core.open()
        const input = [Buffer.from(begin.replace('c.example>\r\nR', 'c.example> BODY=BINARYMIME\r\nR'))]
        chunks.forEach((chunk, index) => {
          const last = index === chunks.length - 1 ? ' LAST' : ''
          input.push(Buffer.from(`BDAT ${chunk.length}${last}\r\n`), Buffer.from(chunk))
        })
        feedCut(core, Buffer.concat(input), lengths)
        assert.deepEqual(core.messages, [Buffer.concat(chunks).toString('latin1')])
      },
    ),
    runs,
  )
})

test('a line break inside an argument never makes a command of what follows', () => {
  const broken = fc.constantFrom('\n', '\r', '\r\r\n', '\n\r\n', '\0\n')
  fc.assert(
    fc.property(broken, cuts, (newline, lengths) => {
      const core = new TestCore({ limits })
      core.open()
      feedCut(
        core,
        Buffer.from(`EHLO c\r\nMAIL FROM:<a@b.c>${newline}RCPT TO:<evil@x.y>\r\nNOOP\r\n`),
        lengths,
      )
      assert.deepEqual(core.asked, ['connect', 'hello', 'note'])
      assert.match(core.text, /521 5\.5\.2 [^\r]*\r\n$/)
    }),
    runs,
  )
})

test('time grows with the input, not with its square', () => {
  const core = new TestCore({ limits })
  core.open()
  core.feed(Buffer.from(`${begin}DATA\r\n`))
  // Stuffed dots, the costliest content there is, in one piece and then in crumbs.
  core.feed(Buffer.from('..\r\n'.repeat(250_000)))
  const crumb = Buffer.from('..\r\n')
  for (let round = 0; round < 10_000; round++) core.feed(crumb)
  core.feed(Buffer.from('.\r\n'))
  assert.equal(core.messages[0]?.length, 3 * 260_000)
})
