// Servers killed at every named place between DATA and 250 and on the way out, early and later in a load; and while the host that
// they relay to has had the final dot, or has just answered it.
import { test } from 'node:test'
import { checkpointNames } from '../../src/base/checkpoint.ts'
import { SeededRandom } from '../../src/base/seeded-random.ts'
import { endWell, killAtCheckpoint, killAtSink, timesAtMost } from './rounds.ts'
import { makeSite } from './site.ts'

test('what was answered 250 outlives a server that dies at any named place', async (context) => {
  await using site = await makeSite()
  const random = new SeededRandom('checkpoints')
  for (const [index, name] of checkpointNames.entries()) {
    // By turns early and later; `npm run crash` tries all of them often.
    const time = timesAtMost(name, index % 2 === 0 ? 1 + random.below(3) : 5 + random.below(20))
    await context.test(`${name}, time ${time}`, () =>
      killAtCheckpoint(site, { name, time, seed: `${name}.${time}`, senders: 4, messages: 400 }),
    )
  }
  for (const moment of ['dot', 'reply'] as const) {
    const time = 3 + random.below(20)
    await context.test(`relayed message ${time}, ${moment}`, () =>
      killAtSink(site, { moment, time, seed: `${moment}.${time}`, senders: 4, messages: 400 }),
    )
  }
  await context.test('it starts again, gives all mail by POP3 and stops', () =>
    endWell(site, { seed: 'checkpoints.end', senders: 4 }),
  )
})
