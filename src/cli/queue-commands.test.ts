import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ShownAttempt, ShownMessage } from '../queue/admin.ts'
import { briefMessage } from './queue-commands.ts'

test('the list tells why a recipient waits, and the last words of one that failed', () => {
  const attempt: ShownAttempt = {
    ...{ at: '2026-01-01T00:00:00.000Z', host: 'mx.far.example', address: '192.0.2.1', tls: null },
    ...{
      verification: null,
      policy: null,
      stage: 'rcpt',
      outcome: 'failed',
      reply: '550-5.1.1 no\n550 such user',
    },
    status: '5.1.1',
  }
  const row = { attempts: 1, nextAttempt: null, route: null }
  const message: ShownMessage = {
    ...{ id: 1, name: 'q1', origin: 'mx', from: '', sender: 'far.example', bytes: 100, priority: 0 },
    ...{ arrived: attempt.at, expires: attempt.at, finished: null, messageId: null },
    recipients: [
      { ...row, address: 'a@far.example', state: 'settled', outcome: 'failed', reason: '', last: attempt },
      { ...row, address: 'b@far.example', state: 'held', outcome: null, reason: 'looks odd', last: null },
      { ...row, address: 'c@far.example', state: 'settled', outcome: 'delivered', reason: '', last: attempt },
    ],
  }
  assert.deepEqual(briefMessage(message).trimEnd().split('\n').slice(1), [
    '  a@far.example  failed, 1 attempts',
    '    550-5.1.1 no',
    '    550 such user',
    '  b@far.example  held, 1 attempts',
    '    looks odd',
    '  c@far.example  delivered, 1 attempts',
  ])
})
