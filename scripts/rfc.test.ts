import assert from 'node:assert/strict'
import { test } from 'node:test'
import { extractSections } from './rfc-sections.ts'
import { checkReferences, findReferences, readTables, renderSupportTable } from './rfc.ts'

const list = [
  '# number\ttitle\tstatus\tnote',
  '5321\tSimple Mail Transfer Protocol\tfull\t',
  '9999\tUnread\treference\t',
  '1939\tPost Office Protocol\tpartial\tno APOP',
].join('\n')
const sections = '5321\t4.5.2\tTransparency\n5321\tA\tTCP\n1939\t7\tOptional'

/** What the checker says of one source file. */
function check(text: string, rfcs = list): string[] {
  const files = [
    { path: 'src/smtp/proto/x.ts', text },
    { path: 'src/pop3/proto/cited.ts', text: '// RFC 5321, RFC 1939\n' },
  ]
  return checkReferences(files, readTables(rfcs, sections)).map(
    ({ line, message }) => `${line ?? 0}: ${message}`,
  )
}

test('a section that exists passes, as does the RFC alone and an appendix', () => {
  assert.deepEqual(
    check('// RFC 5321 §4.5.2: transparency\n// RFC 5321\n// RFC 5321 appendix A\n// RFC 5321 §A\n'),
    [],
  )
})

test('a section that does not exist is found, also the second of two', () => {
  assert.deepEqual(check('\n// RFC 5321 §4.5.9\n'), ['2: RFC 5321 has no §4.5.9'])
  assert.deepEqual(check('// RFC 5321 §4.5.2, §8.8 and RFC 1939 §99\n'), [
    '1: RFC 5321 has no §8.8',
    '1: RFC 1939 has no §99',
  ])
  assert.deepEqual(check('// RFC 5321 §4.5.2 and §3.\n'), ['1: RFC 5321 has no §3'])
})

test('an appendix that does not exist is found', () => {
  assert.deepEqual(check('// RFC 5321 appendix B\n'), ['1: RFC 5321 has no §B'])
})

test('an unlisted RFC is found', () => {
  assert.deepEqual(check('// RFC 1234 §1\n'), ['1: RFC 1234 is not in docs/rfcs.tsv'])
})

test('sections of background reading without a known text pass', () => {
  assert.deepEqual(check('// RFC 9999 §1.2\n'), [])
})

test('a claim that no code cites is found, and so are mistakes in the list', () => {
  assert.match(
    check('', `${list}\n7888\tLiterals\tfull\t`).join(),
    /RFC 7888 is said to be full, but no code cites it/,
  )
  assert.match(check('', `${list}\n7888\tLiterals\tdone\t`).join(), /done is none of full/)
  assert.match(check('', `${list}\n5321\tAgain\tfull\t`).join(), /RFC 5321: listed twice/)
  assert.match(check('', `${list}\n7888\tLiterals\tpartial\t`).join(), /partial needs a note/)
})

test('a table of extensions names RFCs too', () => {
  assert.deepEqual(check("const row = { keyword: 'X', rfc: 1234 }\n"), [
    '1: RFC 1234 is not in docs/rfcs.tsv',
  ])
})

test('references know their line', () => {
  const found = findReferences({ path: 'x', text: 'a\nb RFC 5321 §4.5.3.1.1–4.5.3.1.4\n' })
  assert.deepEqual(found, [{ path: 'x', line: 2, rfc: 5321, section: '4.5.3.1.1' }])
})

test('the table for users has a row for each RFC', () => {
  const table = renderSupportTable(readTables(list, sections))
  assert.match(table, /\| \[1939\]\(https:.*\) \| Post Office Protocol \| in part \| no APOP \|\n\| \[5321\]/)
})

test('sections are read from contents and headings, numbered lists are not taken for sections', () => {
  const text = [
    'Table of Contents',
    '',
    '   1.  Introduction . . . . . . . . . . 2',
    '     1.1.  Background . . . . . . . . . 2',
    '   2.  Commands . . . . . . . . . . . . 3',
    '   Appendix A.  Changes . . . . . . . . 9',
    '',
    '1.  Introduction',
    '',
    '   1.  first item of a list',
    '   7.  an item that is no section',
    '',
    '2.  Commands',
    '',
    '2.1.  NOOP',
    '',
    'Appendix A.1.  More',
    '',
  ].join('\n')
  assert.deepEqual(
    extractSections(text, 5000).map(({ number, title }) => `${number} ${title}`),
    ['1 Introduction', '1.1 Background', '2 Commands', 'A Changes', '2.1 NOOP', 'A.1 More'],
  )
})
