// What `npm run imap-model` and `npm run jmap-model` do: a model under many seeds. A seed that fails is cut down to a short dialogue.
//
//   npm run imap-model -- --seeds 1000 --from 1     so many seeds
//   npm run imap-model -- --seed 42                 one
//   npm run imap-model -- --steps 120               longer runs
//   npm run imap-model -- --seed 42 --whole         not cut down
//   npm run jmap-model -- --engine postgres         on another engine than SQLite in memory
import { parseArgs } from 'node:util'
import { type Outcome, shrinkBy } from './shrink.ts'

/** Where the mail is kept. */
export type Engine = 'memory' | 'postgres'

export interface Model<Plan extends { readonly steps: readonly unknown[] }> {
  /** Of package.json. */
  readonly script: string
  /** Of a run, unless another number is asked for. */
  readonly steps: number
  planOf(seed: number, length: number): Plan
  play(plan: Plan, engine: Engine): Promise<Outcome>
}

/** Reads the command line; the exit code tells whether every seed held. */
export async function runModel<Plan extends { readonly steps: readonly unknown[] }>(
  model: Model<Plan>,
): Promise<void> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '1000' },
      from: { type: 'string', default: '1' },
      seed: { type: 'string' },
      steps: { type: 'string', default: String(model.steps) },
      whole: { type: 'boolean', default: false },
      engine: { type: 'string', default: 'memory' },
    },
  })
  const print = (line: string): void => void process.stdout.write(`${line}\n`)
  const { engine } = values
  if (engine !== 'memory' && engine !== 'postgres') throw new Error(`there is no engine ${engine}`)
  const play = (plan: Plan): Promise<Outcome> => model.play(plan, engine)
  const first = Number(values.from)
  const seeds =
    values.seed === undefined
      ? Array.from({ length: Number(values.seeds) }, (_, index) => first + index)
      : [Number(values.seed)]

  let failed = 0
  for (const [index, seed] of seeds.entries()) {
    const plan = model.planOf(seed, Number(values.steps))
    const outcome = await play(plan)
    if (outcome.complaint !== null) {
      failed++
      const shown = values.whole ? outcome : (await shrinkBy(play, { plan, outcome })).outcome
      print(`seed ${seed}: ${shown.complaint}\n${shown.transcript.map((line) => `  ${line}`).join('\n')}\n`)
    }
    if (process.stderr.isTTY) process.stderr.write(`\r${index + 1}/${seeds.length} seeds, ${failed} failed`)
    else if ((index + 1) % 100 === 0) print(`${index + 1} seeds, ${failed} failed`)
  }
  print(`${seeds.length} seeds, ${failed} failed. Again: npm run ${model.script} -- --seed N`)
  process.exitCode = failed === 0 ? 0 : 1
}
