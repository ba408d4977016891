import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compare, type Copy, type Outcome, type Sent } from './ledger.ts'

const sent = (outcome: Outcome): Sent => ({
  ...{ id: 'one', recipients: ['ann', 'bob'], digest: 'd', outcome, reply: '' },
})
const copy = (address: string, digest = 'd'): Copy => ({ address, id: 'one', digest })

test('what was promised must be there once for each recipient', () => {
  assert.deepEqual(compare([sent('promised')], [copy('ann'), copy('bob')]), [])
  assert.equal(compare([sent('promised')], []).length, 2)
  assert.match(
    compare([sent('promised')], [copy('ann'), copy('bob'), copy('bob')]).join(),
    /2 copies for bob/,
  )
})

test('what is unknown may be there or not, for all recipients alike', () => {
  assert.deepEqual(compare([sent('unknown')], []), [])
  assert.deepEqual(compare([sent('unknown')], [copy('ann'), copy('bob')]), [])
  assert.match(compare([sent('unknown')], [copy('ann')]).join(), /only some/)
})

test('what was refused, changed, sent to others or never sent must not be there', () => {
  assert.equal(compare([sent('refused')], [copy('ann'), copy('bob')]).length, 2)
  assert.match(compare([sent('unknown')], [copy('ann', 'x'), copy('bob')]).join(), /other bytes/)
  assert.match(compare([sent('unknown')], [copy('ann'), copy('bob'), copy('cid')]).join(), /not asked for/)
  assert.match(compare([], [copy('ann')]).join(), /never sent/)
})
