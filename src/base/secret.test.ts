import assert from 'node:assert/strict'
import { test } from 'node:test'
import { format, inspect } from 'node:util'
import { Secret } from './secret.ts'

test('a secret comes out by name alone, however it is printed', () => {
  const secret = new Secret('hunter2')
  assert.equal(secret.reveal(), 'hunter2')
  const printed = [
    `${secret}`,
    String(secret),
    JSON.stringify({ secret }),
    inspect(secret, { showHidden: true }),
    inspect({ deep: [secret] }, { depth: null }),
    format('%s %o %j', secret, secret, secret),
    JSON.stringify(Object.entries(secret)),
    String(new Error('failed', { cause: secret }).cause),
  ]
  for (const text of printed) assert.doesNotMatch(text, /hunter2/)
})
