import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FairTurns, startTurn } from './fairness.ts'

test('a turn starts where the sender’s last one ended, never before the domain’s time', () => {
  const table = [
    { finish: undefined, virtual: undefined, now: 5000, turn: 5000 },
    { finish: undefined, virtual: 3000, now: 5000, turn: 3000 },
    { finish: 9000, virtual: 3000, now: 5000, turn: 9000 },
    { finish: 2000, virtual: 3000, now: 5000, turn: 3000 },
  ]
  for (const { turn, ...state } of table) assert.equal(startTurn(state), turn)
})

test('one message of another sender stands before 50,000 of a bulk sender', () => {
  const turns = new FairTurns()
  const row = { domain: 'big.example', priority: 0, now: 1_000_000 }
  const bulk = Array.from({ length: 50_000 }, () => turns.next({ ...row, sender: 'bulk' }))
  for (const turn of bulk.slice(0, 100)) turns.taken({ ...row, turn })
  const single = turns.next({ ...row, now: 2_000_000, sender: 'ann' })
  assert.ok(bulk.filter((turn) => turn < single).length <= 100)
  assert.ok(single <= (bulk[100] ?? 0))
})

test('two bulk senders take turns', () => {
  const turns = new FairTurns()
  const row = { domain: 'big.example', priority: 0, now: 0 }
  const rows = ['a', 'b'].flatMap((sender) =>
    Array.from({ length: 100 }, () => ({ sender, turn: turns.next({ ...row, sender }) })),
  )
  rows.sort((one, other) => one.turn - other.turn)
  const first = rows.slice(0, 100).filter(({ sender }) => sender === 'a').length
  assert.equal(first, 50)
})

test('priorities have their own turns', () => {
  const turns = new FairTurns()
  turns.taken({ domain: 'x.example', priority: 5, turn: 99_000 })
  assert.equal(turns.next({ domain: 'x.example', priority: 0, sender: 'a', now: 7 }), 7)
})

test('what is remembered is bounded', () => {
  const turns = new FairTurns(10)
  for (let index = 0; index < 100; index++) {
    turns.next({ domain: `${index}.example`, priority: 0, sender: 's', now: 1 })
  }
  assert.equal(turns.next({ domain: '0.example', priority: 0, sender: 's', now: 1 }), 1, 'forgotten')
  assert.equal(turns.next({ domain: '99.example', priority: 0, sender: 's', now: 1 }), 1001)
})
