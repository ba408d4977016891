import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explainAuthentication } from './auth-results.ts'

test('each method is said in words, with whom it is about', () => {
  const verdicts = explainAuthentication(
    'mx.test; spf=pass (sender (really) is ok) smtp.mailfrom=ann@x.test; dkim=fail header.d=x.test; dmarc=none header.from=x.test; x-odd=pass',
  )
  assert.deepEqual(
    verdicts.map(({ method, result, tone }) => `${method} ${result} ${tone}`),
    ['SPF pass good', 'DKIM fail bad', 'DMARC none plain'],
  )
  assert.match(verdicts[0]?.text ?? '', /may send for ann@x\.test/)
})

test('nothing was done, or it is nonsense: nothing is said', () => {
  assert.deepEqual(explainAuthentication('mx.test; none'), [])
  assert.deepEqual(explainAuthentication(''), [])
})
