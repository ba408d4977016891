import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BlockCache } from './block-cache.ts'

const isAny = (value: object): value is object => typeof value === 'object'

describe('BlockCache', () => {
  it('forgets what was not used for longest when it is full', () => {
    const cache = new BlockCache(5_000)
    for (const key of ['a', 'b', 'c', 'd']) cache.put(key, { key }, 800)
    assert.ok(cache.get('a', isAny))
    cache.put('e', { key: 'e' }, 800)
    const kept = ['a', 'b', 'c', 'd', 'e'].filter((key) => cache.get(key, isAny) !== undefined)
    assert.deepEqual(kept, ['a', 'c', 'd', 'e'])
    assert.ok(cache.weight <= 5_000)
  })

  it('keeps nothing that is too large beside the rest, and counts what is put again once', () => {
    const cache = new BlockCache(4_000)
    cache.put('large', {}, 2_000)
    assert.equal(cache.get('large', isAny), undefined)
    cache.put('a', {}, 100)
    const { weight } = cache
    cache.put('a', {}, 100)
    assert.equal(cache.weight, weight)
  })

  it('gives nothing of another kind', () => {
    const cache = new BlockCache(4_000)
    cache.put('a', new Map(), 10)
    const isSet = (value: object): value is Set<unknown> => value instanceof Set
    assert.equal(cache.get('a', isSet), undefined)
  })
})
