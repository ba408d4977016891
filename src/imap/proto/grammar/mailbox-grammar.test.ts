// The grammar of commands on mailboxes, to the letter: what is taken, in which forms, and what is BAD.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Buffer } from 'node:buffer'
import { Cursor } from './cursor.ts'
import { imapLimits } from '../../../../test/support/imap-limits.ts'
import { noModes } from '../modes.ts'
import { parseMailboxFilter } from './mailbox-filter.ts'
import { prepareCommand } from '../prepare.ts'
import type { CommandContext, ImapRequest } from '../commands/command.ts'
import type { CommandPart } from '../fragments.ts'
import type { ImapLimits } from '../limits.ts'
import type { Modes } from '../modes.ts'
import type { Prepared } from '../prepare.ts'

function prepare(parts: readonly CommandPart[], modes: Modes, limits: Partial<ImapLimits> = {}): Prepared {
  const context: CommandContext = {
    ...{
      state: 'selected',
      modes,
      tls: null,
      capabilities: () => '',
      startTlsOffered: false,
      mechanisms: [],
    },
    ...{ loginAllowed: true, jmapUrl: null, compressed: false },
  }
  return prepareCommand(new Cursor(parts, { modes }), imapLimits(limits), context)
}

function line(text: string): CommandPart[] {
  return [{ text: `a ${text}`, literal: null }]
}

function requestOf(text: string, modes: Modes = noModes): ImapRequest {
  const prepared = prepare(line(text), modes)
  assert.ok(prepared.type === 'ready' && prepared.effect.do === 'request', text)
  return prepared.effect.request
}

function isBad(text: string, limits: Partial<ImapLimits> = {}): void {
  const prepared = prepare(line(text), noModes, limits)
  assert.ok(prepared.type === 'refused' && prepared.status === 'BAD', text)
}

test('LIST is extended by any of its three forms, and by nothing else', () => {
  for (const [text, extended] of [
    ['LIST "" ""', false],
    ['LIST "" "*"', false],
    ['LIST () "" ""', true],
    ['LIST "" ("*")', true],
    ['LIST "" "*" RETURN ()', true],
  ] as const) {
    const request = requestOf(text)
    assert.ok(request.name === 'LIST')
    assert.equal(request.extended, extended, text)
  }
  const all = requestOf(
    'LIST (SPECIAL-USE recursivematch SUBSCRIBED REMOTE) "" (a "b" "&AOk-*") RETURN (MYRIGHTS STATUS (MESSAGES messages) METADATA (/shared/Comment) CHILDREN)',
  )
  assert.ok(all.name === 'LIST')
  assert.deepEqual(all.patterns, ['a', 'b', 'é*'])
  assert.deepEqual(all.selection, { subscribed: true, specialUse: true, recursiveMatch: true })
  assert.deepEqual(all.returns, {
    ...{ subscribed: false, status: ['MESSAGES'], myRights: true, metadata: ['/shared/comment'] },
  })
  for (const bad of [
    'LIST (SPECIAL-USE RECURSIVEMATCH) "" *',
    'LIST (SUBSCRIBED  REMOTE) "" *',
    'LIST "" (a  b)',
    'LIST "" * RETURN',
    'LIST "" * RETURN (STATUS MESSAGES)',
    'LIST "" * RETURN (MYRIGHTS) x',
    'LIST (SUBSCRIBED)"" *',
  ])
    isBad(bad)
})

test('parameters of SELECT are those of RFC 7162, sets ascending and without *', () => {
  const enabled = { ...noModes, condstore: true, qresync: true }
  const select = requestOf(
    'SELECT INBOX (QRESYNC (67890007 90060115194045000 41:211,214:541 (5,7:8 15,20:21)) CONDSTORE)',
    enabled,
  )
  assert.ok(select.name === 'SELECT')
  assert.equal(select.condstore, true)
  assert.deepEqual(select.resync?.known, [
    [41, 211],
    [214, 541],
  ])
  assert.deepEqual(select.resync.match?.numbers, [
    [5, 5],
    [7, 8],
  ])
  // RFC 7162 §3.2.5: not before ENABLE QRESYNC.
  const early = prepare(line('SELECT INBOX (QRESYNC (1 1))'), noModes)
  assert.ok(early.type === 'ready' && early.effect.do === 'answer' && early.effect.status === 'BAD')
  // RFC 7162 §3.1.8: the parameter enables.
  const enabling = prepare(line('EXAMINE INBOX (CONDSTORE)'), noModes)
  assert.ok(enabling.type === 'ready' && enabling.effect.do === 'request')
  assert.equal(enabling.effect.modes?.condstore, true)
  for (const bad of [
    'SELECT INBOX ()',
    'SELECT INBOX (NEW)',
    'SELECT INBOX (QRESYNC)',
    'SELECT INBOX (QRESYNC (0 1))',
    'SELECT INBOX (QRESYNC (1 0))',
    'SELECT INBOX (QRESYNC (1 1 1:*))',
    'SELECT INBOX (QRESYNC (1 1 1:2 (3,2 4,5)))',
    'SELECT INBOX (QRESYNC (1 1 1:2 (2:3 4)))',
    'SELECT INBOX (QRESYNC (1 1 (2 4) 1:2))',
    'SELECT INBOX (QRESYNC (1 1) QRESYNC (1 1))',
    'SELECT INBOX CONDSTORE',
  ])
    isBad(bad)
})

test('STATUS and LIST that ask for HIGHESTMODSEQ enable CONDSTORE (RFC 7162 §3.1)', () => {
  for (const text of ['STATUS x (HIGHESTMODSEQ)', 'LIST "" * RETURN (STATUS (MESSAGES HIGHESTMODSEQ))']) {
    const prepared = prepare(line(text), noModes)
    assert.ok(prepared.type === 'ready' && prepared.effect.do === 'request', text)
    assert.equal(prepared.effect.modes?.condstore, true, text)
  }
})

test('rights are read with c and d for what they stand for, and never passed over', () => {
  const change = (text: string) => {
    const request = requestOf(`SETACL x bob ${text}`)
    assert.ok(request.name === 'SETACL')
    return request.change
  }
  assert.deepEqual(change('+dc'), { mode: 'add', rights: 'kxte' })
  assert.deepEqual(change('-wwl'), { mode: 'remove', rights: 'lw' })
  assert.deepEqual(change('""'), { mode: 'replace', rights: '' })
  assert.deepEqual(change('aetxkpiwsrl'), { mode: 'replace', rights: 'lrswipkxtea' })
  for (const bad of [
    'SETACL x bob R',
    'SETACL x bob ++r',
    'SETACL x bob l\\',
    'SETACL x "b\u0000" l',
    'SETACL x bob',
  ])
    isBad(bad)
})

test('a value of an annotation is a string, NIL or a literal8; names are in lower case', () => {
  const parts: CommandPart[] = [
    { text: 'a SETMETADATA "" (/private/A NIL /private/b "x" /private/c ~', literal: Buffer.from([0, 255]) },
    { text: ' /PRIVATE/B {x})', literal: null },
  ]
  assert.equal(prepare(parts, noModes).type, 'refused')
  parts[1] = { text: ' /PRIVATE/B "y")', literal: null }
  const prepared = prepare(parts, noModes)
  assert.ok(prepared.type === 'ready' && prepared.effect.do === 'request')
  const { request } = prepared.effect
  assert.ok(request.name === 'SETMETADATA')
  assert.equal(request.mailbox, null)
  assert.deepEqual(
    request.changes.map(({ name, value }) => [name, value === null ? null : [...value]]),
    [
      ['/private/a', null],
      ['/private/b', [121]],
      ['/private/c', [0, 255]],
    ],
  )
  // NUL only in a literal8.
  const nul = [
    { text: 'a SETMETADATA "" (/private/a ', literal: Buffer.from([0]) },
    { text: ')', literal: null },
  ]
  assert.equal(prepare(nul, noModes).type, 'refused')
})

test('each limit refuses what is beyond it', () => {
  const cases: [limit: keyof ImapLimits, text: (count: number) => string][] = [
    ['listPatterns', (count) => `LIST "" (${Array(count).fill('a').join(' ')})`],
    ['metadataEntries', (count) => `GETMETADATA x (${Array(count).fill('/private/a').join(' ')})`],
    ['metadataEntries', (count) => `SETMETADATA x (${Array(count).fill('/private/a NIL').join(' ')})`],
    [
      'metadataEntries',
      (count) => `LIST "" * RETURN (METADATA (${Array(count).fill('/private/a').join(' ')}))`,
    ],
    ['fetchItems', (count) => `LIST "" * RETURN (STATUS (${Array(count).fill('UNSEEN').join(' ')}))`],
  ]
  for (const [limit, text] of cases) {
    assert.equal(prepare(line(text(5)), noModes, { [limit]: 5 }).type, 'ready', text(5))
    isBad(text(6), { [limit]: 5 })
  }
  const names = (count: number) =>
    new Cursor([{ text: `mailboxes (${Array(count).fill('a').join(' ')})`, literal: null }])
  assert.deepEqual(parseMailboxFilter(names(5), imapLimits({ filterMailboxes: 5 })), {
    ...{ type: 'mailboxes', names: ['a'] },
  })
  assert.throws(() => parseMailboxFilter(names(6), imapLimits({ filterMailboxes: 5 })))
})
