// `npm run crash`: the rounds of the crash tests for as long as one likes.
//
//   npm run crash -- --seconds 600 --senders 16
//   npm run crash -- --seed 42             the rounds of an earlier run: the same loads, places and delays
//   npm run crash -- --seed 42 --round 17  that round alone, and the good ending
//
// Each tenth round is a power cut where strace can trace; the others kill the server at random, at a named
// place, or while the host that it relays to has a message in hand.
// A seed decides what is sent and where or after how long the server dies; how its threads and the senders interleave is the
// machine's, so a failure may take a few rounds to show again. A folder that failed is kept, and its place printed.
import assert from 'node:assert/strict'
import { parseArgs } from 'node:util'
import { checkpointNames } from '../../src/base/checkpoint.ts'
import { SeededRandom } from '../../src/base/seeded-random.ts'
import { endWell, killAtCheckpoint, killAtRandom, killAtSink, type Site, timesAtMost } from './rounds.ts'
import { cutPower, recordLife } from './power-cut.ts'
import { makeSite } from './site.ts'
import { whyNoStrace } from './trace.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    senders: { type: 'string', default: '8' },
    round: { type: 'string' },
  },
})
const senders = Number(values.senders)
const noStrace = whyNoStrace()
/** Rounds over one folder, so that a long run is not one of reading ever more mail. */
const roundsPerSite = 20

interface Round {
  readonly number: number
  readonly seed: string
}

/** Gives a line for the screen. */
async function play(site: Site, { number, seed }: Round): Promise<string> {
  const random = new SeededRandom(`${seed}/draw`)
  if (number % 10 === 0 && noStrace === undefined) return playPowerCut(number, seed)
  if (number % 3 === 0) {
    return `killed after ${await killAtRandom(site, { seed, senders, longest: 1500 })} ms`
  }
  if (number % 7 === 0) {
    const [moment, time] = [
      random.below(2) === 0 ? ('dot' as const) : ('reply' as const),
      1 + random.below(60),
    ]
    await killAtSink(site, { moment, time, seed, senders, messages: 2000 })
    return `killed at the ${moment} of relayed message ${time}`
  }
  const name = checkpointNames[random.below(checkpointNames.length)] ?? 'smtp.content'
  const time = 1 + random.below(timesAtMost(name, 40))
  await killAtCheckpoint(site, { name, time, seed, senders, messages: 2000 })
  return `killed at ${name}, time ${time}`
}

/** By turns with files, and so much in the database that SQLite copies its WAL there in the middle of the load. */
async function playPowerCut(number: number, seed: string): Promise<string> {
  const size = number % 20 === 0 ? { messages: 800, largest: 60_000 } : { messages: 250, largest: 120_000 }
  const life = await recordLife({ seed, senders, ...size })
  const { cuts, promised, findings } = await cutPower(life, { seed, elsewhere: 40, promises: 20 })
  assert.deepEqual(findings, [])
  return `power cut ${cuts} times in a life of ${promised} messages of its own`
}

function count({ ledger }: Site): string {
  const promised = ledger.filter(({ outcome }) => outcome === 'promised').length
  return `${promised} of ${ledger.length} messages promised`
}

async function playAll(from: number): Promise<void> {
  const start = performance.now()
  const seconds = (): number => Math.round((performance.now() - start) / 1000)
  for (let number = from; seconds() < Number(values.seconds);) {
    const site = await makeSite()
    try {
      for (let left = roundsPerSite; left > 0 && seconds() < Number(values.seconds); left--) {
        const line = await play(site, { number, seed: `${values.seed}.${number}` })
        console.log(`${seconds()} s, round ${number}: ${line}; ${count(site)}`)
        number++
        if (values.round !== undefined) break
      }
      await endWell(site, { seed: `${values.seed}.end.${number}`, senders })
    } catch (error) {
      console.log(`FAILED in round ${number}, seed ${values.seed}; the folder is ${site.folder}`)
      throw error
    }
    await site[Symbol.asyncDispose]()
    if (values.round !== undefined) return
  }
}

console.log(`seed ${values.seed}, ${senders} senders, ${values.seconds} s`)
if (noStrace !== undefined) console.log(`no power cuts: ${noStrace}`)
await playAll(Number(values.round ?? 1))
console.log('nothing was lost, and nothing is there twice')
