// The table is what the transcripts prove: each command stands in one; and each limit of the grammar refuses.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readdirSync, readFileSync } from 'node:fs'
import { commands } from './table.ts'
import { Cursor } from '../grammar/cursor.ts'
import { noModes } from '../modes.ts'
import { prepareCommand } from '../prepare.ts'
import { imapLimits } from '../../../../test/support/imap-limits.ts'
import type { CommandContext } from './command.ts'
import type { ImapLimits } from '../limits.ts'
import type { Prepared } from '../prepare.ts'

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

function prepare(text: string, limits: Partial<ImapLimits> = {}): Prepared {
  return prepareCommand(new Cursor([{ text: `a ${text}`, literal: null }]), imapLimits(limits), context)
}

test('every command has a transcript', () => {
  const folder = new URL('../../../../test/transcripts/imap/', import.meta.url)
  const said = readdirSync(folder)
    .filter((name) => name.endsWith('.txt'))
    .map((name) => readFileSync(new URL(name, folder), 'utf8').toUpperCase())
    .join('\n')
  for (const name of commands.keys()) assert.match(said, new RegExp(`[A-Z0-9]+ ${name}\\b`), name)
})

test('each limit of the grammar refuses what is beyond it, and takes what is not', () => {
  const cases: [limit: keyof ImapLimits, most: number, text: (count: number) => string][] = [
    ['searchKeys', 5, (count) => `SEARCH${' SEEN'.repeat(count)}`],
    ['searchDepth', 5, (count) => `SEARCH ${'NOT '.repeat(count)}SEEN`],
    ['searchDepth', 5, (count) => `SEARCH ${'('.repeat(count)}SEEN${')'.repeat(count)}`],
    ['fetchItems', 5, (count) => `FETCH 1 (${Array(count).fill('UID').join(' ')})`],
    ['fetchItems', 5, (count) => `STATUS x (${Array(count).fill('UNSEEN').join(' ')})`],
    ['headerFields', 5, (count) => `FETCH 1 BODY[HEADER.FIELDS (${Array(count).fill('a').join(' ')})]`],
    ['sectionDepth', 5, (count) => `FETCH 1 BODY[${Array(count).fill('1').join('.')}]`],
    ['flags', 5, (count) => `STORE 1 FLAGS (${Array(count).fill('x').join(' ')})`],
    ['flags', 5, (count) => `STORE 1 FLAGS ${Array(count).fill('x').join(' ')}`],
    ['idPairs', 5, (count) => `ID (${Array(count).fill('"a" "b"').join(' ')})`],
    ['mailboxName', 5, (count) => `CREATE ${'x'.repeat(count)}`],
    ['mailboxLevels', 5, (count) => `CREATE ${Array(count).fill('x').join('/')}`],
  ]
  for (const [limit, most, text] of cases) {
    assert.equal(prepare(text(most), { [limit]: most }).type, 'ready', `${limit}: ${text(most)}`)
    assert.equal(prepare(text(most + 1), { [limit]: most }).type, 'refused', `${limit}: ${text(most + 1)}`)
  }
})

test('spaces, tabs, case and numbers are taken to the letter', () => {
  for (const good of [
    'fetch 1:*,5,*:3 (flags uid body.peek[1.2.header.fields (a "b c")]<0.10>)',
    'FETCH 1 ALL',
    'store 1 -flags.silent \\seen foo',
    'SEARCH charset "utf-8" or seen (2:4 not from "x") since 1-feb-2020',
    'search uid 1:* header "X y" ""',
    'UID EXPUNGE 1,2',
    'LIST "" *%]',
    'STATUS inbox (messages unseen)',
    'ID NIL',
  ]) {
    assert.equal(prepare(good).type, 'ready', good)
  }
  for (const bad of [
    'FETCH 1  FLAGS',
    'FETCH\t1 FLAGS',
    'FETCH 1 FLAGS ',
    'FETCH 0 FLAGS',
    'FETCH 01 FLAGS',
    'FETCH 4294967296 FLAGS',
    'FETCH 1: FLAGS',
    'FETCH 1,,2 FLAGS',
    'FETCH 1 (FLAGS ALL)',
    'FETCH 1 ()',
    'FETCH 1 BODY[]<0.0>',
    'FETCH 1 BODY[HEADER.FIELDS ()]',
    'FETCH 1 BODY[1.]',
    'STORE 1 FLAGS (\\Seen',
    'STORE 1 +FLAGS',
    'SEARCH SEEN)',
    'SEARCH SINCE 32-Jan-2020',
    'COPY 1',
    'UID NOOP',
    'UID FETCH 1',
    'LIST ""',
    'STATUS inbox ()',
    'NOOP x',
    'XYZZY',
  ]) {
    const prepared = prepare(bad)
    assert.ok(prepared.type === 'refused' && prepared.status === 'BAD', bad)
  }
})
