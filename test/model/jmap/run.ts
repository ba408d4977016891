// `npm run jmap-model`: random changes by IMAP and JMAP against the model under many seeds. A seed that fails is cut down to a short dialogue.
//
//   npm run jmap-model -- --seeds 1000 --from 1     so many seeds
//   npm run jmap-model -- --seed 42                 one
//   npm run jmap-model -- --steps 120               longer runs
//   npm run jmap-model -- --seed 42 --whole         not cut down
import { parseArgs } from 'node:util'
import { planOf } from './steps.ts'
import { play } from './play.ts'
import { shrinkBy } from '../shrink.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    steps: { type: 'string', default: '40' },
    whole: { type: 'boolean', default: false },
  },
})
const print = (line: string): void => void process.stdout.write(`${line}\n`)
const first = Number(values.from)
const seeds =
  values.seed === undefined
    ? Array.from({ length: Number(values.seeds) }, (_, index) => first + index)
    : [Number(values.seed)]

let failed = 0
for (const [index, seed] of seeds.entries()) {
  const plan = planOf(seed, Number(values.steps))
  const outcome = await play(plan)
  if (outcome.complaint !== null) {
    failed++
    const shown = values.whole ? outcome : (await shrinkBy(play, { plan, outcome })).outcome
    print(`seed ${seed}: ${shown.complaint}\n${shown.transcript.map((line) => `  ${line}`).join('\n')}\n`)
  }
  if (process.stderr.isTTY) process.stderr.write(`\r${index + 1}/${seeds.length} seeds, ${failed} failed`)
  else if ((index + 1) % 100 === 0) print(`${index + 1} seeds, ${failed} failed`)
}
print(`${seeds.length} seeds, ${failed} failed. Again: npm run jmap-model -- --seed N`)
process.exitCode = failed === 0 ? 0 : 1
