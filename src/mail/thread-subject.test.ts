// Subjects of one conversation, whoever's program wrote them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { threadSubject } from './thread-subject.ts'

test('language, case and white space make no other conversation', () => {
  const base = threadSubject('Quarterly  Report')
  const same = [
    'AW: quarterly report',
    'Re: WG: Quarterly Report',
    'SV: RE: [list] QUARTERLY REPORT (fwd)',
    'Antw[2] : Quarterly\r\n Report',
    '=?utf-8?Q?R=C3=A9f:_Quarterly?= Report',
  ]
  for (const subject of same) assert.equal(threadSubject(subject), base, subject)
  for (const subject of ['Re: Another', 'Awful: Quarterly Report', '']) {
    assert.notEqual(threadSubject(subject), base, subject)
  }
})

test('a subject of nothing but marks ends', () => {
  assert.equal(threadSubject('AW: '.repeat(5)), '')
  assert.ok(threadSubject('AW: '.repeat(10_000)).length > 0)
})
