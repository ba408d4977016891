import { globSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { fuzz } from './fuzz-engine.ts'
import { root } from './sources.ts'

interface TargetModule {
  readonly target: (bytes: Uint8Array) => void
  readonly seeds?: readonly string[]
  readonly dictionary?: readonly string[]
}

function seeded(): () => number {
  let state = 1
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
}

for (const file of globSync('src/**/*.fuzz.ts', { cwd: root }).sort()) {
  test(`${basename(file)} survives its seeds and a few hundred changes to them`, async () => {
    // The shape is what makes the file a target.
    const module = (await import(pathToFileURL(join(root, file)).href)) as TargetModule
    const result = fuzz({
      target: module.target,
      counters: new Uint8Array(),
      seeds: (module.seeds ?? []).map((seed) => Buffer.from(seed)),
      dictionary: (module.dictionary ?? []).map((word) => Buffer.from(word)),
      random: seeded(),
      mayGoOn: (runs) => runs < 500,
      now: () => 0,
    })
    if (result.finding !== null) {
      const input = JSON.stringify(Buffer.from(result.finding.input).toString('latin1'))
      throw new Error(`${file} fails on ${input}`, { cause: result.finding.error })
    }
  })
}
