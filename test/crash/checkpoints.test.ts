// Servers killed at every named place between DATA and 250, early and later in a load.
import { test } from 'node:test'
import { checkpointNames } from '../../src/base/checkpoint.ts'
import { SeededRandom } from '../../src/base/seeded-random.ts'
import { endWell, killAtCheckpoint } from './rounds.ts'
import { makeSite } from './site.ts'

test('what was answered 250 outlives a server that dies at any named place', async (context) => {
  await using site = await makeSite()
  const random = new SeededRandom('checkpoints')
  for (const name of checkpointNames) {
    for (const time of [1 + random.below(3), 5 + random.below(20)]) {
      await context.test(`${name}, time ${time}`, () =>
        killAtCheckpoint(site, { name, time, seed: `${name}.${time}`, senders: 4, messages: 400 }),
      )
    }
  }
  await context.test('it starts again, gives all mail by POP3 and stops', () =>
    endWell(site, { seed: 'checkpoints.end', senders: 4 }),
  )
})
