// A column finds what a look at each text would find, on both sides of the ends of blocks.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Pace } from '../../pace.ts'
import { TextColumn, textVerdict } from './text-column.ts'

test('a column finds the needle where each text has it, and nowhere across two texts', async () => {
  const text = fc.option(fc.string({ unit: fc.constantFrom('a', 'b', 'ß'), maxLength: 6 }), {
    nil: undefined,
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(text, { maxLength: 50 }),
      fc.string({ unit: fc.constantFrom('a', 'b', 'ß'), maxLength: 3 }),
      fc.integer({ min: 1, max: 60 }),
      async (texts, needle, times) => {
        const column = new TextColumn()
        const all = Array.from({ length: times }, () => texts).flat()
        for (const each of all) column.push(each)
        const expected = all.map((each) => (each?.includes(needle) === true ? 1 : 0))
        assert.deepEqual([...(await column.find(needle, new Pace()))], expected)
      },
    ),
    { numRuns: 100 },
  )
})

test('of a text that is too long to be kept, its end is not known', async () => {
  const column = new TextColumn()
  column.push(`begin${'x'.repeat(5_000)}end`)
  column.push('short')
  assert.deepEqual([...(await column.find('begin', new Pace()))], [textVerdict.present, textVerdict.absent])
  assert.deepEqual([...(await column.find('end', new Pace()))], [textVerdict.unknown, textVerdict.absent])
})
