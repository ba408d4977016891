import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { OctetReader, OctetWriter } from './octets.ts'
import { DocumentSet, postingsLength, readPostings, writePostings } from './postings.ts'

describe('numbers as octets', () => {
  it('come back', () => {
    const output = new OctetWriter()
    const numbers = [0, 1, 127, 128, 300, 2 ** 31 - 1, 2 ** 31, 2 ** 40, Number.MAX_SAFE_INTEGER]
    for (const number of numbers) output.number(number)
    const reader = new OctetReader(output.take())
    assert.deepEqual(
      numbers.map(() => reader.number()),
      numbers,
    )
  })
})

describe('lists of documents', () => {
  const lists = fc
    .uniqueArray(fc.nat(2_000), { maxLength: 1_500 })
    .map((documents) => documents.toSorted((a, b) => a - b))

  it('come back, in the shorter of two forms', () => {
    fc.assert(
      fc.property(lists, fc.nat(50), (documents, base) => {
        const output = new OctetWriter()
        output.text('before')
        const size = writePostings(output, documents, 2_001)
        const bytes = output.take().subarray(6)
        assert.equal(bytes.length, postingsLength(size))
        assert.ok(bytes.length <= 251)
        const read: number[] = []
        readPostings(bytes, size, read, base)
        assert.deepEqual(
          read,
          documents.map((document) => document + base),
        )
        const set = new DocumentSet(2_001)
        set.addPostings(bytes, size)
        assert.equal(set.count, documents.length)
        assert.ok(documents.every((document) => set.has(document)))
      }),
      { numRuns: 200 },
    )
  })

  it('are sets', () => {
    const all = DocumentSet.all(11)
    assert.equal(all.count, 11)
    const some = new DocumentSet(11)
    some.add(3)
    some.add(10)
    all.without(some)
    assert.deepEqual([all.count, all.has(3), all.has(4)], [9, false, true])
    all.and(some)
    assert.ok(all.isEmpty)
    all.or(some)
    assert.ok(all.copy().has(10))
  })
})
