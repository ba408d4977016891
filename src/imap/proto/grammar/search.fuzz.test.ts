// Properties of the grammar of SEARCH, SORT, THREAD and ESEARCH: what is right is read, whatever its case, and nothing that is wrong throws.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Cursor } from './cursor.ts'
import { imapLimits } from '../../../../test/support/imap-limits.ts'
import { noModes } from '../modes.ts'
import { prepareCommand } from '../prepare.ts'
import type { CommandContext } from '../commands/command.ts'
import type { Prepared } from '../prepare.ts'

const limits = imapLimits()
const context: CommandContext = {
  ...{ state: 'selected', modes: noModes, compressed: false, tls: null, capabilities: () => '' },
  ...{ startTlsOffered: false, mechanisms: [], loginAllowed: true, jmapUrl: null },
}

function prepare(text: string): Prepared {
  return prepareCommand(new Cursor([{ text: `a ${text}`, literal: null }]), limits, context)
}

const plain = ['ALL', 'SEEN', 'NEW', 'OLD', 'SAVEDATESUPPORTED', '$', '1:*', '2,4:7', 'UID $', 'UID 3:*']
const dated = ['SINCE', 'SENTON', 'BEFORE', 'SAVEDON', 'SAVEDBEFORE', 'SAVEDSINCE'].map(
  (key) => `${key} 1-Feb-2026`,
)
const texts = ['SUBJECT "x y"', 'BODY x', 'TEXT ""', 'HEADER X-A "b"', 'BCC ]', 'KEYWORD $Junk']
const numbers = [
  'OLDER 5',
  'YOUNGER 5',
  'LARGER 0',
  'UIDAFTER 7',
  'UIDBEFORE 7',
  'MODSEQ 0',
  'MODSEQ "/flags/\\\\seen" priv 9',
]
const ids = ['EMAILID M1_2', 'THREADID T1_2']
const { key } = fc.letrec<{ key: string }>((tie) => ({
  key: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(...plain, ...dated, ...texts, ...numbers, ...ids),
    tie('key').map((of) => `NOT ${of}`),
    tie('key').map((of) => `FUZZY ${of}`),
    fc.tuple(tie('key'), tie('key')).map(([one, other]) => `OR ${one} ${other}`),
    fc.array(tie('key'), { minLength: 1, maxLength: 3 }).map((all) => `(${all.join(' ')})`),
  ),
}))
const keys = fc.array(key, { minLength: 1, maxLength: 4 }).map((all) => all.join(' '))
const returns = fc.uniqueArray(fc.constantFrom('MIN', 'MAX', 'ALL', 'COUNT', 'SAVE'), { maxLength: 5 })
const returning = fc.option(
  returns.map((all) => ` RETURN (${all.join(' ')})`),
  { nil: '' },
)
const criteria = fc.uniqueArray(
  fc.constantFrom('ARRIVAL', 'REVERSE DATE', 'SUBJECT', 'DISPLAYTO', 'REVERSE CC'),
  {
    minLength: 1,
  },
)
const command = fc.oneof(
  fc.tuple(returning, keys).map(([options, program]) => `SEARCH${options} ${program}`),
  fc.tuple(returning, keys).map(([options, program]) => `UID SEARCH${options} CHARSET UTF-8 ${program}`),
  fc
    .tuple(returning, criteria, keys)
    .map(([options, order, program]) => `SORT${options} (${order.join(' ')}) UTF-8 ${program}`),
  keys.map((program) => `UID THREAD REFERENCES "utf-8" ${program}`),
  keys.map((program) => `ESEARCH IN (personal subtree (a b)) RETURN (PARTIAL -1:-9) ${program}`),
)

test('what the grammar has is read, in any case of its letters', () => {
  fc.assert(
    fc.property(command, fc.boolean(), (text, lower) => {
      const prepared = prepare(lower ? text.toLowerCase() : text)
      assert.equal(prepared.type, 'ready', text)
    }),
    { numRuns: 300 },
  )
})

test('a command with a piece missing, doubled or strange is read or refused, and never throws', () => {
  const spoil = fc.record({ at: fc.nat(200), cut: fc.nat(5), put: fc.string({ maxLength: 4 }) })
  fc.assert(
    fc.property(command, spoil, (text, { at, cut, put }) => {
      const prepared = prepare(text.slice(0, at) + put + text.slice(at + cut))
      assert.ok(prepared.type === 'ready' || prepared.type === 'refused' || prepared.type === 'wanted')
    }),
    { numRuns: 1_000 },
  )
})
