import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addSummaries, failedTests, formatSummary, readSummary, settleAgain } from './test-summary.ts'

const lines = [
  '{"outcome":"pass","where":"a.test.ts:1 one"}',
  '{"outcome":"skip","where":""}',
  '{"outcome":"fail","where":"a.test.ts:9 two"}',
  '{"milliseconds":1500}',
].join('\n')

test('the closing lines count every outcome and name each failure', () => {
  const text = formatSummary(readSummary(lines, 1, 'unit'))
  assert.match(text, /Failed:\n {2}a\.test\.ts:9 two\n/)
  assert.match(text, /# tests 3\n# pass 1\n# fail 1\n# skipped 1\n# seconds 1\.5\n/)
})

test('a runner that dies or fails without a failed test is a failure', () => {
  assert.deepEqual(readSummary('', 'SIGKILL', 'unit').failures, ['unit: the test runner ended with SIGKILL'])
  assert.equal(readSummary('{"outcome":"pass","where":"x"}', 1, 'unit').failures.length, 1)
})

test('groups add up', () => {
  const one = readSummary(lines, 1, 'unit')
  const sum = addSummaries([one, one])
  assert.equal(sum.tests, 6)
  assert.equal(sum.failures.length, 2)
  assert.equal(sum.milliseconds, 3000)
})

test('what passes when run once more is told as unsteady, what fails again as failed', () => {
  const failing = (...places: string[]) =>
    readSummary(
      places.map((where) => JSON.stringify({ outcome: 'fail', where })).join('\n'),
      1,
      'integration',
    )
  const first = failing('test/a.test.ts:9 two', 'test/b.test.ts:3 three')
  assert.deepEqual(failedTests(first), [
    { file: 'test/a.test.ts', name: 'two' },
    { file: 'test/b.test.ts', name: 'three' },
  ])
  const again = `${JSON.stringify({ outcome: 'pass', where: 'test/a.test.ts:9 two' })}\n`
  const settled = settleAgain(
    first,
    readSummary(`${again}${JSON.stringify({ outcome: 'fail', where: 'test/b.test.ts:3 three' })}`, 1, 'unit'),
  )
  assert.match(
    formatSummary(settled),
    /Failed:\n {2}test\/b\.test\.ts:3 three\n\nUNSTEADY[^\n]*\n {2}test\/a\.test\.ts:9 two\n/,
  )
  assert.match(formatSummary(settled), /# tests 2\n# pass 1\n# fail 1\n/)
  assert.deepEqual(failedTests(readSummary('', 'SIGKILL', 'integration')), [], 'a runner that died')
})

test('a test that its helper registers is run once more, and one that did not run again has not passed', () => {
  const where = 'test/support/transcript.ts:350 notify.txt (memory, PostgreSQL)'
  const first = readSummary(JSON.stringify({ outcome: 'fail', where }), 1, 'unit')
  assert.deepEqual(failedTests(first), [
    { file: 'test/support/transcript.ts', name: 'notify.txt (memory, PostgreSQL)' },
  ])
  assert.deepEqual(settleAgain(first, readSummary('', 0, 'unit')).failures, [where])
})
