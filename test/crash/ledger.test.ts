import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Arrived, compare, type Copy, type FoundRow, type Outcome, type Sent } from './ledger.ts'

const ann = 'ann@crash.example'
const bob = 'bob@crash.example'
const dora = 'dora@away.example'
const gone = 'gone-1@away.example'

const sent = (outcome: Outcome, recipients: readonly string[] = [ann, bob]): Sent => ({
  ...{ id: 'one', from: ann, recipients, digest: 'd', outcome, reply: '' },
})
const copy = (address: string, digest = 'd'): Copy => ({ address, id: 'one', digest })
const row = (recipient: string, change: Partial<FoundRow> = {}): FoundRow => ({
  ...{ id: 'one', recipient, state: 'waiting', outcome: null, report: 'none', digest: 'd', ...change },
})
const settled = (recipient: string, outcome: string, report: 'due' | 'none' = 'none'): FoundRow =>
  row(recipient, { state: 'settled', outcome, report, digest: null })
const arrival = (life: number, recipient = dora): Arrived => ({ id: 'one', recipient, digest: 'd', life })
const report = { address: ann, about: 'one', failed: [gone] }
const copies: Copy[] = []

test('what was promised must be there once for each recipient', () => {
  assert.deepEqual(compare([sent('promised')], { copies: [copy(ann), copy(bob)] }), [])
  assert.equal(compare([sent('promised')], { copies }).length, 2)
  const twice = compare([sent('promised')], { copies: [copy(ann), copy(bob), copy(bob)] })
  assert.match(twice.join(), /2 copies for bob/)
})

test('what is unknown may be there or not, for all recipients alike', () => {
  assert.deepEqual(compare([sent('unknown')], { copies }), [])
  assert.deepEqual(compare([sent('unknown')], { copies: [copy(ann), copy(bob)] }), [])
  assert.match(compare([sent('unknown')], { copies: [copy(ann)] }).join(), /only some/)
  const half = compare([sent('unknown', [ann, dora])], { copies: [copy(ann)] })
  assert.match(half.join(), /only some/)
})

test('what was refused, changed, sent to others or never sent must not be there', () => {
  assert.equal(compare([sent('refused')], { copies: [copy(ann), copy(bob)] }).length, 2)
  assert.match(compare([sent('unknown')], { copies: [copy(ann, 'x'), copy(bob)] }).join(), /other bytes/)
  const stranger = [copy(ann), copy(bob), copy('cid@crash.example')]
  assert.match(compare([sent('unknown')], { copies: stranger }).join(), /not asked for/)
  assert.match(compare([], { copies: [copy(ann)] }).join(), /never sent/)
  assert.match(compare([], { copies, arrived: [arrival(1)] }).join(), /never sent/)
})

test('what goes elsewhere waits, or has arrived', () => {
  const message = sent('promised', [dora])
  assert.deepEqual(compare([message], { copies, rows: [row(dora)] }), [])
  assert.deepEqual(
    compare([message], { copies, rows: [settled(dora, 'relayed')], arrived: [arrival(1)] }),
    [],
  )
  assert.match(compare([message], { copies, rows: [] }).join(), /nothing for dora/)
  assert.match(compare([message], { copies, rows: [settled(dora, 'relayed')] }).join(), /has nothing/)
  assert.match(compare([message], { copies, rows: [row(dora, { digest: 'x' })] }).join(), /other bytes/)
})

test('a second copy is for those whose attempt was interrupted', () => {
  const message = sent('promised', [dora])
  const rows = [settled(dora, 'relayed')]
  assert.deepEqual(compare([message], { copies, rows, arrived: [arrival(1), arrival(2)], ended: 2 }), [])
  assert.match(
    compare([message], { copies, rows, arrived: [arrival(2), arrival(2)], ended: 2 }).join(),
    /twice in one life/,
  )
  const active = { copies, rows: [row(dora, { state: 'active' })], arrived: [arrival(2)], ended: 2 }
  assert.deepEqual(compare([message], active), [])
  assert.match(compare([message], { ...active, rows: [row(dora)] }).join(), /and is waiting/)
})

test('whoever is gone is reported once', () => {
  const message = sent('promised', [gone])
  assert.deepEqual(compare([message], { copies, rows: [settled(gone, 'failed', 'due')] }), [])
  const rows = [settled(gone, 'failed')]
  assert.deepEqual(compare([message], { copies, rows, reports: [report] }), [])
  assert.match(compare([message], { copies, rows }).join(), /0 reports/)
  assert.match(compare([message], { copies, rows, reports: [report, report] }).join(), /2 reports/)
  assert.match(
    compare([message], { copies, rows, reports: [{ ...report, address: bob }] }).join(),
    /a stranger heard/,
  )
})
