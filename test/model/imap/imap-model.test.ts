// A fixed handful of seeds of the IMAP model. `npm run imap-model` runs thousands.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planOf } from './steps.ts'
import { play } from './play.ts'
import { shrinkBy } from '../shrink.ts'

for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
  test(`seed ${seed}: every response is legal, and every client's picture is the model's`, async () => {
    const plan = planOf(seed, 40)
    const outcome = await play(plan)
    if (outcome.complaint === null) return
    const { complaint, transcript } = (await shrinkBy(play, { plan, outcome })).outcome
    assert.fail(`${complaint}\n${transcript.join('\n')}`)
  })
}

test('the same seed, the same dialogue', async () => {
  const [one, two] = [await play(planOf('again', 30)), await play(planOf('again', 30))]
  assert.ok(one.transcript.length > 100)
  assert.deepEqual(one.transcript, two.transcript)
})
