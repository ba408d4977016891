// Properties of the grammar: what is written is read back as the same, and nothing but ParseError is ever thrown.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { Cursor } from './cursor.ts'
import { formatDateTime, parseDateTime } from './date.ts'
import { encodeModifiedUtf7, matchesPattern, tryDecodeModifiedUtf7 } from './mailbox.ts'
import { formatNumbers, formatRanges, parseNumberSet, resolveNumberSet } from './sequence-set.ts'
import { encodeString } from '../encode/strings.ts'
import { noModes } from '../modes.ts'
import { prepareCommand } from '../prepare.ts'
import { imapLimits } from '../../../../test/support/imap-limits.ts'
import type { CommandContext } from '../commands/command.ts'

const limits = imapLimits()

function cursorOf(text: string): Cursor {
  const literal = /^\{([0-9]+)\}\r\n/.exec(text)
  if (literal === null) return new Cursor([{ text, literal: null }])
  const bytes = Buffer.from(text.slice(literal[0].length), 'latin1')
  return new Cursor([
    { text: '', literal: bytes },
    { text: '', literal: null },
  ])
}

test('mailbox names: modified UTF-7 is read back as written', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      assert.equal(tryDecodeModifiedUtf7(encodeModifiedUtf7(name)), name)
    }),
  )
})

test('mailbox names: what decodes has no other encoding', () => {
  const alphabet = fc.constantFrom(...'&-AbQ+,/ zé~')
  fc.assert(
    fc.property(fc.string({ unit: alphabet }), (encoded) => {
      const name = tryDecodeModifiedUtf7(encoded)
      if (name !== undefined) assert.equal(encodeModifiedUtf7(name), encoded)
    }),
  )
})

test('strings: encoded and read back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const text = Buffer.from(bytes.map((byte) => (byte === 0 ? 1 : byte))).toString('latin1')
      assert.equal(cursorOf(encodeString(text)).string(), text)
    }),
  )
})

test('sequence sets: written and read back', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 4_294_967_295 })), (numbers) => {
      fc.pre(numbers.length > 0)
      const sorted = numbers.toSorted((a, b) => a - b)
      const text = formatNumbers(sorted)
      const ranges = resolveNumberSet(parseNumberSet(cursorOf(text)), 1)
      assert.equal(formatRanges(ranges), text)
      assert.deepEqual(
        ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0),
        sorted.length,
      )
    }),
  )
})

test('dates: written and read back to the second', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 253_402_300_799 }), (seconds) => {
      assert.equal(parseDateTime(cursorOf(`"${formatDateTime(seconds * 1000)}"`)), seconds * 1000)
    }),
  )
})

test('LIST patterns agree with a regular expression on small input', () => {
  const unit = fc.constantFrom('a', 'b', '/', '*', '%')
  const name = fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 8 })
  fc.assert(
    fc.property(name, fc.string({ unit, maxLength: 6 }), (text, pattern) => {
      const source = pattern.replaceAll('*', '.*').replaceAll('%', '[^/]*')
      assert.equal(matchesPattern(text, pattern), new RegExp(`^${source}$`).test(text))
    }),
  )
})

test('no command makes the parser throw', () => {
  const context: CommandContext = {
    state: 'selected',
    modes: noModes,
    compressed: false,
    tls: null,
    capabilities: () => '',
    startTlsOffered: false,
    mechanisms: [],
    loginAllowed: true,
    jmapUrl: null,
  }
  const word = fc.constantFrom(
    ...'a UID FETCH STORE SEARCH COPY APPEND LIST STATUS ID ( ) [ ] 1:* 1,2 BODY.PEEK[ HEADER.FIELDS < > "x" "\\" NOT OR FLAGS +FLAGS \\Seen 1-Feb-2020 NIL {3} INBOX & * % . ENVELOPE CHARSET UTF-8 SINCE KEYWORD'.split(
      ' ',
    ),
    ' ',
    '\0',
    'é',
  )
  const line = fc.array(fc.oneof({ weight: 9, arbitrary: word }, { weight: 1, arbitrary: fc.string() }))
  fc.assert(
    fc.property(line, fc.boolean(), (words, pending) => {
      const parts = [{ text: `a ${words.join('')}`, literal: null }]
      prepareCommand(new Cursor(parts, { pending }), limits, context)
      const spaced = [{ text: `a ${words.join(' ')}`, literal: null }]
      prepareCommand(new Cursor(spaced, { pending }), limits, context)
    }),
    { numRuns: 500 },
  )
})
