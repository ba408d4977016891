// A fixed handful of seeds of the model shared by IMAP and JMAP. `npm run jmap-model` runs thousands.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shrinkBy } from '../shrink.ts'
import { play } from './play.ts'
import { planOf } from './steps.ts'

const few = Array.from({ length: 12 }, (_, index) => ({ seed: index + 1, steps: 12 }))
/** Each found a fault when it was new. */
const found: readonly { seed: number; steps: number; which?: 'all' | 'first' }[] = [
  // RENAME to another place among what is shared with a guest: his Mailbox/changes did not know its own states any more.
  { seed: 5001, steps: 40, which: 'first' },
  // A mailbox was no longer the trash: what is unread in the others was another number, and nobody was told.
  { seed: 10010, steps: 30, which: 'first' },
]

for (const { seed, steps, which } of [...few.map((one) => ({ ...one, which: 'all' as const })), ...found]) {
  test(`seed ${seed}: IMAP and JMAP show what the model has, and changes lead there`, async () => {
    const plan = planOf(seed, steps, which)
    const outcome = await play(plan)
    if (outcome.complaint === null) return
    const { complaint, transcript } = (await shrinkBy((one) => play(one), { plan, outcome }, 100)).outcome
    assert.fail(`${complaint}\n${transcript.join('\n')}`)
  })
}
