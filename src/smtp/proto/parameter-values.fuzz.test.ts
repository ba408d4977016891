// Properties of parameter values: nothing throws, nothing that could break a line comes out, and what is encoded is read back.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { talk } from '../../../test/support/smtp-core.ts'
import { tryXtext } from './grammar.ts'
import {
  tryDeliverBy,
  tryEnvelopeId,
  tryHoldFor,
  tryHoldUntil,
  tryNotify,
  tryOriginalRecipient,
  tryPriority,
  tryRequireValidSince,
  tryReturn,
  trySolicitation,
} from './parameter-values.ts'
import { tryAttributes, xclientAttributes, xforwardAttributes } from './proxy-attributes.ts'
import { formatTimestamp, tryTimestamp } from './timestamp.ts'

const runs = { numRuns: 300 }

const nasty = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc
    .array(
      fc.constantFrom(
        ...['rfc822;', 'utf-8;', '\\x{', '}', 'F6', '0A', 'D800', '+0D', '+2B', '+', 'NEVER', 'DELAY', ','],
        ...['2026-11-22T12:00:00Z', ';C', ';R', '-', '9', '00', 'N', 'T', '=', 'ADDR=', 'IPV6:', '::', ' '],
        ...['[UNAVAILABLE]', 'LOGIN=', 'é'],
      ),
      { maxLength: 12 },
    )
    .map((parts) => parts.join('')),
)

test('no value throws, and none brings a control character into a report', () => {
  fc.assert(
    fc.property(nasty, (value) => {
      for (const parse of [tryReturn, tryNotify, tryHoldFor, tryHoldUntil, tryDeliverBy, tryPriority])
        parse(value)
      tryRequireValidSince(value)
      trySolicitation(value)
      for (const text of [tryEnvelopeId(value), tryOriginalRecipient(value)]) {
        assert.doesNotMatch(text ?? '', /[\x00-\x1f\x7f-\x9f]/)
        assert.ok((text ?? '').isWellFormed() || !value.isWellFormed())
      }
      for (const known of [xclientAttributes, xforwardAttributes]) {
        for (const text of tryAttributes(value, known)?.values() ?? []) {
          assert.doesNotMatch(text ?? '', /[\x00-\x1f\x7f]/)
        }
      }
    }),
    runs,
  )
})

function encodeXtext(text: string): string {
  return Buffer.from(text)
    .toString('latin1')
    .replace(
      /[^!-*,-<>-~]/g,
      (octet) => `+${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
    )
}

test('xtext is read back (RFC 3461 §4)', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      assert.equal(tryXtext(encodeXtext(text)), text)
    }),
    runs,
  )
})

test('the address of utf-8-addr-xtext is read back (RFC 6533 §3)', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), (text) => {
      fc.pre(!/[\x00-\x1f\x7f-\x9f\u2028\u2029]/.test(text))
      const encoded = text.replace(
        /[^!-*,-<>-[\]-~]/gu,
        (point) => `\\x{${(point.codePointAt(0) ?? 0).toString(16).toUpperCase()}}`,
      )
      assert.equal(tryOriginalRecipient(`utf-8;${encoded}`), `utf-8;${text}`)
    }),
    runs,
  )
})

test('moments are read back', () => {
  const range = { min: Date.UTC(0, 0, 1), max: Date.UTC(9999, 11, 31) }
  fc.assert(
    fc.property(fc.integer(range), (time) => {
      const whole = Math.floor(time / 1000) * 1000
      assert.equal(tryTimestamp(formatTimestamp(whole)), whole)
    }),
    runs,
  )
})

test('LMTP: as many replies as accepted recipients, whatever became of them (RFC 2033 §4.2)', () => {
  const recipient = fc.constantFrom('RCPT TO:<a@b.c>\r\n', 'RCPT TO:<bad>\r\n', 'RCPT TO:<d@e.f>\r\n')
  const content = fc.constantFrom('', 'hello\r\n', 'a\0b\r\n')
  fc.assert(
    fc.property(fc.array(recipient, { maxLength: 8 }), content, fc.boolean(), (lines, body, chunked) => {
      const accepted = lines.filter((line) => line.includes('@')).length
      const end = chunked ? `BDAT ${body.length} LAST\r\n${body}` : `DATA\r\n${body}.\r\n`
      fc.pre(chunked || accepted > 0)
      const input = `LHLO c\r\nMAIL FROM:<>\r\n${lines.join('')}${end}QUIT\r\n`
      const codes = talk(input, { dialect: 'lmtp' }).codes.split(' ')
      const before = 2 + lines.length + (chunked ? 0 : 1)
      assert.equal(codes.length, before + accepted + 1, codes.join(' '))
    }),
    { numRuns: 60 },
  )
})
