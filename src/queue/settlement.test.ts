// What becomes of a row after an attempt: faults of ours are counted, those of hosts are not.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededRandom } from '../base/seeded-random.ts'
import { RelayScene } from '../../test/support/relay-scene.ts'
import { defaultRetryLadder } from './schedule.ts'
import { settlementOf, type SettlementRules } from './settlement.ts'
import type { RecipientResult } from './transport.ts'

const rules: SettlementRules = {
  ladder: defaultRetryLadder,
  unknownAfter: 600_000,
  poisonAfter: 3,
  doubleBounce: 'discard',
}

function settle(stage: string, scope: 'message' | 'destination', faults: number) {
  const { message, recipients } = new RelayScene().job({ recipient: { faults } })
  const [recipient] = recipients
  assert.ok(recipient !== undefined)
  const result: RecipientResult & { type: 'deferred' } = {
    type: 'deferred',
    scope,
    attempt: {
      ...{ at: 0, host: null, address: null, tls: null, verification: null, policy: null },
      ...{ stage, outcome: 'deferred', reply: 'it broke', status: '4.3.0' },
    },
  }
  return settlementOf({ message, recipient }, result, rules, { now: 0, random: new SeededRandom(1), turn: 0 })
}

test('a message that we cannot read is set aside after some faults', () => {
  const first = settle('ours', 'message', 0)
  assert.ok(first.type === 'waiting' && first.fault === 'ours')
  const last = settle('ours', 'message', 2)
  assert.ok(last.type === 'held' && last.reason === 'poison: it broke')
})

test('trouble with a host or a setting is no fault of the message', () => {
  for (const settlement of [settle('rcpt', 'message', 2), settle('ours', 'destination', 2)]) {
    assert.ok(settlement.type === 'waiting' && settlement.fault === 'none')
  }
})
