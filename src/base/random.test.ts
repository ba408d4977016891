import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Random } from './random.ts'
import { RealRandom } from './real-random.ts'
import { SeededRandom } from './seeded-random.ts'

test('the same seed replays, another one does not', () => {
  const draw = (random: Random) => [
    random.below(1_000_000),
    random.id(),
    [...random.bytes(7)],
    random.below(2 ** 48),
  ]
  assert.deepEqual(draw(new SeededRandom('a')), draw(new SeededRandom('a')))
  assert.notDeepEqual(draw(new SeededRandom('a')), draw(new SeededRandom('b')))
  assert.deepEqual(draw(new SeededRandom(7)), draw(new SeededRandom('7')))
})

test('the draws of a seed stay what they were: recorded failures must replay', () => {
  const random = new SeededRandom(42)
  assert.deepEqual(
    [random.below(100), random.below(100), random.below(100), random.id(40)],
    [17, 33, 86, '59a2zpn9'],
  )
})

test('a fork draws for itself', () => {
  const one = new SeededRandom(1)
  const other = new SeededRandom(1)
  const fork = one.fork('dns')
  for (let draw = 0; draw < 10; draw++) fork.below(9)
  other.fork('dns')
  assert.equal(one.below(2 ** 40), other.below(2 ** 40))
})

for (const [name, random] of [
  ['real', new RealRandom()],
  ['seeded', new SeededRandom(1)],
] as const) {
  test(`${name}: every value below a bound comes, none beyond it`, () => {
    const seen = new Set<number>()
    for (let draw = 0; draw < 300; draw++) seen.add(random.below(6))
    assert.deepEqual(seen, new Set([0, 1, 2, 3, 4, 5]))
    assert.equal(random.below(1), 0)
    assert.ok(random.below(2 ** 48) < 2 ** 48)
  })

  test(`${name}: a bound that makes no sense is refused`, () => {
    for (const bound of [0, -1, 1.5, 2 ** 48 + 1, Number.NaN])
      assert.throws(() => random.below(bound), RangeError)
  })

  test(`${name}: identifiers have the bits that were asked for, and need no quoting`, () => {
    assert.match(random.id(), /^[a-km-np-z2-9]{26}$/)
    assert.match(random.id(40), /^[a-km-np-z2-9]{8}$/)
    assert.equal(new Set(Array.from({ length: 100 }, () => random.id())).size, 100)
  })

  test(`${name}: bytes have their length`, () => {
    for (const length of [0, 1, 5, 64]) assert.equal(random.bytes(length).length, length)
  })
}
