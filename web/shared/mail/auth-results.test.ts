import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explainAuthentication } from './auth-results.ts'

test('each method is said in words, with whom it is about and why', () => {
  const verdicts = explainAuthentication([
    { method: 'spf', result: 'pass', domain: 'x.test', reason: '' },
    { method: 'dkim', result: 'fail', domain: 'x.test', reason: 'body hash did not verify' },
    { method: 'dmarc', result: 'none', domain: '', reason: '' },
  ])
  assert.deepEqual(
    verdicts.map(({ method, result, tone }) => `${method} ${result} ${tone}`),
    ['SPF pass good', 'DKIM fail bad', 'DMARC none plain'],
  )
  assert.match(verdicts[0]?.text ?? '', /may send for x\.test/)
  assert.match(verdicts[1]?.text ?? '', /changed on the way.*\(body hash did not verify\)/)
})
