// `npm run fuzz -- NAME [--seconds 60] [--seed 1]`: fuzzes one parser, guided by the branches of our own code that it reaches.
//
// A target is a file `NAME.fuzz.ts` below `src/` that exports `target(bytes)`, which must return for every input (it catches the
// parser's declared error itself), and may export `seeds` and `dictionary` (strings or octets). Without NAME, the targets
// are listed; `all` runs each in turn. What was found is minimised, shown, and kept with the corpus in `.posthorn/fuzz/NAME/`,
// where the next run begins.
import { createHash } from 'node:crypto'
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import { inspect, parseArgs } from 'node:util'
import { installCoverage, type Counters } from './coverage-hooks.ts'
import { fuzz, minimise, type FuzzResult } from './fuzz-engine.ts'
import { root } from './sources.ts'

interface TargetModule {
  readonly target: (bytes: Uint8Array) => void
  readonly seeds?: readonly (string | Uint8Array)[]
  readonly dictionary?: readonly (string | Uint8Array)[]
}

const toBytes = (value: string | Uint8Array): Uint8Array =>
  typeof value === 'string' ? Buffer.from(value) : Buffer.from(value)

/** Small, fast and seeded: mulberry32. */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

function findTargets(): Map<string, string> {
  const files = globSync('src/**/*.fuzz.ts', { cwd: root }).sort()
  return new Map(files.map((file) => [basename(file, '.fuzz.ts'), join(root, file)]))
}

function keep(folder: string, prefix: string, input: Uint8Array): string {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `${prefix}-${createHash('sha256').update(input).digest('hex').slice(0, 12)}`)
  writeFileSync(file, input)
  return file
}

interface RunOptions {
  readonly seconds: number
  readonly seed: number
  readonly coverage: () => Counters
}

async function runTarget(name: string, file: string, options: RunOptions): Promise<FuzzResult> {
  // The file is one of ours, and its shape is what makes it a target.
  const module = (await import(pathToFileURL(file).href)) as TargetModule
  const folder = join(root, '.posthorn', 'fuzz', name)
  const kept = globSync('corpus-*', { cwd: folder }).map((entry) => readFileSync(join(folder, entry)))
  const until = performance.now() + options.seconds * 1000
  const result = fuzz({
    target: module.target,
    counters: options.coverage(),
    seeds: [...(module.seeds ?? []).map(toBytes), ...kept],
    dictionary: (module.dictionary ?? []).map(toBytes),
    random: seededRandom(options.seed),
    mayGoOn: () => performance.now() < until,
    now: () => performance.now(),
  })
  for (const input of result.corpus) keep(folder, 'corpus', input)
  const rate = Math.round(result.runs / options.seconds)
  const reached = `${result.branches} branches, ${result.corpus.length} inputs kept`
  process.stdout.write(`${name}: ${result.runs} runs (${rate} a second), ${reached}\n`)
  if (result.finding !== null) report(module, folder, result.finding)
  return result
}

function report(module: TargetModule, folder: string, finding: { input: Uint8Array; error: unknown }): void {
  const throws = (input: Uint8Array): boolean => {
    try {
      module.target(input)
      return false
    } catch {
      return true
    }
  }
  const input = throws(finding.input) ? minimise(finding.input, throws) : finding.input
  const file = keep(folder, 'finding', input)
  process.stdout.write(`FOUND: ${inspect(finding.error)}\n`)
  process.stdout.write(`by ${JSON.stringify(Buffer.from(input).toString('latin1'))}\nkept in ${file}\n`)
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string', default: '1' } },
})
const targets = findTargets()
const wanted = positionals.includes('all') ? [...targets.keys()] : positionals
const unknown = wanted.filter((name) => !targets.has(name))
if (wanted.length === 0 || unknown.length > 0) {
  for (const name of unknown) process.stdout.write(`There is no ${name}.fuzz.ts.\n`)
  process.stdout.write(`Targets: ${[...targets.keys()].join(', ')}\n`)
  process.exitCode = 64
} else {
  const source = join(root, 'src') + sep
  const coverage = installCoverage((path) => path.startsWith(source) && !/\.(fuzz|test)\.ts$/.test(path))
  for (const name of wanted) {
    const options = { seconds: Number(values.seconds), seed: Number(values.seed), coverage }
    const result = await runTarget(name, targets.get(name) ?? '', options)
    if (result.finding !== null) process.exitCode = 1
  }
}
