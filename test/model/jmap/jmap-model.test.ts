// A fixed handful of seeds of the model shared by IMAP and JMAP. `npm run jmap-model` runs thousands.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shrinkBy } from '../shrink.ts'
import { play } from './play.ts'
import { planOf } from './steps.ts'

for (let seed = 1; seed <= 12; seed++) {
  test(`seed ${seed}: IMAP and JMAP show what the model has, and changes lead there`, async () => {
    const plan = planOf(seed, 12)
    const outcome = await play(plan)
    if (outcome.complaint === null) return
    const { complaint, transcript } = (await shrinkBy(play, { plan, outcome }, 100)).outcome
    assert.fail(`${complaint}\n${transcript.join('\n')}`)
  })
}
