// Rules of chaos as arithmetic: what strikes when, counted by what, the same for the same seed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededRandom } from '../../base/seeded-random.ts'
import { catcherSection, type ChaosStage } from '../../config/sections/catcher.ts'
import { Chaos, type ChaosMoment } from './engine.ts'

type Settings =
  NonNullable<Parameters<typeof catcherSection.parse>[0]> extends infer T
    ? T extends { chaos?: infer C }
      ? NonNullable<C>
      : never
    : never

const chaosOf = (chaos: object): Chaos =>
  // What the schema takes is what tests write.
  new Chaos(catcherSection.parse({ chaos: chaos as Settings }).chaos, (seed) => new SeededRandom(seed))

const moment = (change: Partial<ChaosMoment> = {}): ChaosMoment => ({
  ...{ stage: 'rcpt', session: 's', connections: 1, client: 'client.example', username: '' },
  ...{ sender: 'app@shop.example', recipients: ['ann@example.org'], inbox: 'default', subject: '' },
  ...change,
})

const reply = { type: 'reply', code: 450 } as const

/** `x` where something strikes, `.` where nothing does. */
const series = (chaos: Chaos, moments: readonly ChaosMoment[]): string =>
  moments.map((one) => (chaos.strike(one).length > 0 ? 'x' : '.')).join('')

const times = (count: number, change: Partial<ChaosMoment> = {}): ChaosMoment[] =>
  Array.from({ length: count }, () => moment(change))

test('first, skip and every, alone and together', () => {
  const of = (rule: object): string =>
    series(chaosOf({ rules: [{ stage: 'rcpt', action: reply, ...rule }] }), times(8))
  assert.equal(of({}), 'xxxxxxxx')
  assert.equal(of({ first: 2 }), 'xx......')
  assert.equal(of({ skip: 3 }), '...xxxxx')
  assert.equal(of({ skip: 2, first: 3 }), '..xxx...')
  assert.equal(of({ every: 3 }), '..x..x..')
  assert.equal(of({ every: 2, first: 2 }), '.x.x....')
  assert.equal(of({ skip: 1, every: 3 }), '...x..x.')
})

test('counted by session, sender or recipient', () => {
  const other = { session: 't', sender: 'x@far.example', recipients: ['bob@example.org'] }
  for (const per of ['session', 'sender', 'recipient'] as const) {
    const chaos = chaosOf({ rules: [{ stage: 'rcpt', first: 1, per, action: reply }] })
    assert.equal(series(chaos, [...times(2), ...times(2, other)]), 'x.x.', per)
  }
  const server = chaosOf({ rules: [{ stage: 'rcpt', first: 1, action: reply }] })
  assert.equal(series(server, [...times(2), ...times(2, other)]), 'x...')
})

test('every condition must hold', () => {
  const rule = {
    ...{
      sender: '@shop',
      recipient: '^ann@',
      username: '^app$',
      client: 'client',
      inbox: 'default',
      connections: 1,
    },
    ...{ stage: 'rcpt', action: reply },
  }
  const chaos = chaosOf({ rules: [rule] })
  const fitting = { username: 'app', connections: 2 }
  assert.equal(series(chaos, times(1, fitting)), 'x')
  const others: readonly Partial<ChaosMoment>[] = [
    ...[
      { sender: null },
      { sender: 'x@y.example' },
      { recipients: ['bob@example.org'] },
      { username: 'other' },
    ],
    ...[{ client: 'else' }, { inbox: 'shop' }, { connections: 1 }, { stage: 'mail' as ChaosStage }],
  ]
  for (const change of others)
    assert.equal(series(chaos, times(1, { ...fitting, ...change })), '.', JSON.stringify(change))
})

test('delays add up, and the first other action is the last', () => {
  const chaos = chaosOf({
    rules: [
      { stage: 'rcpt', name: 'a', action: { type: 'delay', time: '1s' } },
      { stage: 'rcpt', name: 'b', action: { type: 'delay', time: '2s' } },
      { stage: 'rcpt', name: 'c', action: reply },
      { stage: 'rcpt', name: 'd', action: { type: 'drop' } },
    ],
  })
  assert.deepEqual(
    chaos.strike(moment()).map(({ rule }) => rule),
    ['a', 'b', 'c'],
  )
})

test('chance is the seed’s; new rules begin anew', () => {
  const rules = [{ stage: 'rcpt', probability: 30, action: reply }]
  const one = chaosOf({ seed: 7, rules })
  const first = series(one, times(40))
  assert.equal(series(chaosOf({ seed: 7, rules }), times(40)), first)
  assert.notEqual(series(chaosOf({ seed: 8, rules }), times(40)), first)
  one.setRules(one.rules.map(({ rule }) => rule))
  assert.equal(series(one, times(40)), first)
  assert.equal(one.watches('rcpt'), true)
  assert.equal(one.watches('mail'), false)
})

test('Mailpit’s triggers, and nothing at all where chaos is off', () => {
  const chaos = chaosOf({ recipient: { errorCode: 550, probability: 100 } })
  assert.deepEqual(chaos.strike(moment()), [
    { rule: 'Recipient', action: { type: 'reply', code: 550, close: false } },
  ])
  assert.deepEqual(chaos.strike(moment({ stage: 'mail' })), [])
  const off = chaosOf({
    enabled: false,
    recipient: { probability: 100 },
    rules: [{ stage: 'rcpt', action: reply }],
  })
  assert.deepEqual(off.strike(moment()), [])
})

test('rules that cannot be are refused', () => {
  const wrong: readonly object[] = [
    { stage: 'mail', action: { type: 'tls-failure' } },
    { stage: 'mail', action: { type: 'slow' } },
    { stage: 'mail', subject: 'x', action: reply },
    { stage: 'mail', sender: '(', action: reply },
    { stage: 'lunch', action: reply },
    { stage: 'mail', action: { type: 'reply', code: 250 } },
  ]
  for (const rule of wrong) assert.throws(() => chaosOf({ rules: [rule] }), JSON.stringify(rule))
})
