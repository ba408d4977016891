// Servers killed at random under load: nothing that was answered 250 is lost, nothing is there twice.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endWell, killAtRandom } from './rounds.ts'
import { makeSite } from './site.ts'

test('what was answered 250 outlives a server that is killed at random', async (context) => {
  await using site = await makeSite()
  for (let round = 1; round <= 5; round++) {
    await context.test(`round ${round}`, async () => {
      await killAtRandom(site, { seed: `random.${round}`, senders: 8, longest: 400 })
    })
  }
  await context.test('it starts again, gives all mail by POP3 and stops', () =>
    endWell(site, { seed: 'random.end', senders: 4 }),
  )
  const outcomes = new Set(site.ledger.map(({ outcome }) => outcome))
  assert.deepEqual([...outcomes].toSorted(), ['promised', 'unknown'])
})
