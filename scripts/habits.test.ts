import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkHabits } from './habits.ts'

const check = (path: string, text: string): string[] =>
  checkHabits([{ path, text }]).map(({ line, message }) => `${line ?? 0}: ${message}`)

// Written in two halves, so that the check does not find its own test.
test('what is left for later is found', () => {
  assert.deepEqual(check('src/a.ts', `f()\n// TO${''}DO: more\n`), [`2: “TO${''}DO” is left for later`])
})

test('tests that run alone, do not run, or wait are found, in tests alone', () => {
  for (const text of [`test.on${''}ly('x')`, `test.sk${''}ip('x')`, `setTime${''}out(resolve, 100)`]) {
    assert.equal(check('test/e2e/a.test.ts', text).length, 1, text)
    assert.equal(check('scripts/a.ts', text).length, 0, text)
  }
})

test('a transcript in which one session changes twice at once, and another is to hear of each', () => {
  const [both, first] = ['2 C: a STORE 1 +FLAGS (x) / b EXPUNGE', '2 C: a STORE 1 +FLAGS (x)']
  const own = '2 S: a OK * / * 1 EXPUNGE / b OK *'
  const told = '1 S: * 1 FETCH (*) / * VANISHED 1'
  const path = 'test/transcripts/imap/a.txt'
  assert.equal(check(path, `${both}\n${own}\n${told}\n`).length, 1)
  for (const fine of [
    `${both}\n${own}\n1 S: ... * VANISHED 1`,
    `${both}\n${own}\n2 S: ${told.slice(5)}`,
    `${first}\n2 S: a OK *\n${told}`,
  ])
    assert.deepEqual(check(path, fine), [])
})

test('a check is switched off for one line, with a reason', () => {
  const line = `// oxlint-dis${''}able-next-line no-control-regex`
  assert.equal(check('src/a.ts', line).length, 1)
  assert.deepEqual(check('src/a.ts', `${line} -- they are what is searched for`), [])
})

test('checks that are switched off and paths of a machine are found', () => {
  assert.equal(check('src/a.ts', `// @ts-ig${''}nore\n`).length, 1)
  assert.equal(check('src/a.ts', `'/ho${''}me/ann/mail'`).length, 1)
})
