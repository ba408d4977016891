// `npm run simulate`: the simulated Internet under many seeds. A seed that fails is named and can be run again alone.
//
//   npm run simulate -- --seeds 1000 --from 1            so many seeds
//   npm run simulate -- --seed 42                        one, with what was complained of
//   npm run simulate -- --seed 42 --message m7           and all that happened to that message, in queues and at hosts
//   npm run simulate -- --houses 3 --peers 12 --messages 100
import { parseArgs } from 'node:util'
import { markerIn } from './ledger.ts'
import { runScenario, usualSize } from './scenario.ts'
import type { World } from './world.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    message: { type: 'string' },
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

const print = (line: string): void => void process.stdout.write(`${line}\n`)

/** All that the world has to say of one message. */
async function tell(world: World, marker: string): Promise<void> {
  const time = (at: number): string => new Date(at).toISOString().slice(5, 19)
  for (const peer of world.peers) {
    print(`${peer.domain}: ${peer.personality.name} ${JSON.stringify(peer.place)}`)
    for (const kept of peer.kept) {
      if (markerIn(kept.content) === marker) print(`  ${time(kept.at)} kept for ${kept.recipient}`)
    }
  }
  for (const house of world.houses) {
    for (const { from, to } of house.deaths) print(`${house.domain} was dead ${time(from)} to ${time(to)}`)
    for (const { message, recipients, attempts } of await house.queued()) {
      if (!(message.messageId ?? '').includes(`${marker}@`)) continue
      print(`${house.domain} ${message.name} from <${message.reversePath}> at ${time(message.arrivedAt)}`)
      for (const row of recipients) {
        const { address, state, outcome, reason, report } = row
        print(
          `  to ${address}: ${state} ${outcome ?? ''} ${report ?? ''} ${reason} ${JSON.stringify(row.options)}`,
        )
        for (const { number, attempt } of attempts) {
          const { at, host, stage, reply } = attempt
          if (number === row.number) print(`    ${time(at)} ${host} ${attempt.outcome} ${stage} ${reply}`)
        }
      }
    }
    for (const { account, text } of await house.filed()) {
      if (markerIn(text) === marker) print(`${account} has\n${text.replaceAll(/^/gm, '  | ')}`)
    }
  }
}

let failed = 0
for (const [index, seed] of seeds.entries()) {
  try {
    const { message } = values
    const look = (world: World) => (message === undefined ? Promise.resolve() : tell(world, message))
    const { complaints } = await runScenario(seed, size, look)
    if (complaints.length > 0) {
      failed++
      print(`seed ${seed}:\n${complaints.map((line) => `  ${line}`).join('\n')}`)
    }
  } catch (error) {
    failed++
    print(`seed ${seed}: ${error instanceof Error ? error.stack : String(error)}`)
  }
  if (process.stderr.isTTY) process.stderr.write(`\r${index + 1}/${seeds.length} seeds, ${failed} failed`)
  else if ((index + 1) % 100 === 0) print(`${index + 1} seeds, ${failed} failed`)
}
print(`${seeds.length} seeds, ${failed} failed. Again: npm run simulate -- --seed N`)
process.exitCode = failed === 0 ? 0 : 1
