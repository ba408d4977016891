// `npm run simulate -- [--seeds 1000] [--from 1] [--seed 42] [--houses 2] [--peers 8] [--messages 40]`: the simulated Internet
// under many seeds. A seed that fails is named and can be run again alone.
import { parseArgs } from 'node:util'
import { runScenario, usualSize } from './scenario.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    houses: { type: 'string', default: String(usualSize.houses) },
    peers: { type: 'string', default: String(usualSize.peers) },
    messages: { type: 'string', default: String(usualSize.messages) },
  },
})
const size = { houses: Number(values.houses), peers: Number(values.peers), messages: Number(values.messages) }
const first = Number(values.from)
const seeds =
  values.seed === undefined
    ? Array.from({ length: Number(values.seeds) }, (_, index) => first + index)
    : [Number(values.seed)]

let failed = 0
for (const [index, seed] of seeds.entries()) {
  try {
    const { complaints, fates } = await runScenario(seed, size)
    if (values.seed !== undefined) process.stdout.write(`${JSON.stringify(fates, null, 2)}\n`)
    if (complaints.length > 0) {
      failed++
      process.stdout.write(`seed ${seed}:\n${complaints.map((line) => `  ${line}\n`).join('')}`)
    }
  } catch (error) {
    failed++
    process.stdout.write(`seed ${seed}: ${error instanceof Error ? error.stack : String(error)}\n`)
  }
  if (process.stderr.isTTY) process.stderr.write(`\r${index + 1}/${seeds.length} seeds, ${failed} failed`)
}
process.stdout.write(`${seeds.length} seeds, ${failed} failed. Again: npm run simulate -- --seed N\n`)
process.exitCode = failed === 0 ? 0 : 1
