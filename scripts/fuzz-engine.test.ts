import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runInThisContext } from 'node:vm'
import { instrument } from './coverage-hooks.ts'
import { fuzz, minimise } from './fuzz-engine.ts'

/** Loads rewritten code with counters of its own. */
function load<T>(source: string): { readonly run: T; readonly counters: Uint8Array } {
  const { code, nextId } = instrument(source, 0)
  const counters = new Uint8Array(nextId)
  const make = runInThisContext(`(function (__posthornBranches) { ${code}; return run })`) as (
    c: Uint8Array,
  ) => T
  const run = make(counters)
  return { run, counters }
}

function seeded(): () => number {
  let state = 1
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
}

test('rewritten code does what it did, and counts its branches', () => {
  const source = `function run(n) {
    let sum = 0
    for (let i = 0; i < n; i++) if (i % 2) sum += i; else sum--
    switch (n) { case 3: sum = -sum; break; default: sum += 0 }
    const f = (x) => x && sum > 100 ? 'big' : { x: 'small' }
    try { if (n > 10) throw new Error('x') } catch { return null }
    while (sum > 50) sum -= 10
    return [sum, f(n)]
  }`
  const original = runInThisContext(`(${source})`) as (n: number) => unknown
  const { run, counters } = load<(n: number) => unknown>(source)
  for (const n of [0, 1, 3, 7, 11]) assert.deepEqual(run(n), original(n))
  assert.ok(counters.filter((count) => count > 0).length >= 10)
})

test('a fault five comparisons deep is found from nothing, and minimised', () => {
  const source = `function run(b) {
    if (b[0] === 0x50) { if (b[1] === 0x4f) { if (b[2] === 0x53) { if (b[3] === 0x54) { if (b.length > 6) {
      throw new Error('deep') } } } } }
  }`
  const { run, counters } = load<(bytes: Uint8Array) => void>(source)
  const random = seeded()
  const mayGoOn = (runs: number): boolean => runs < 400_000
  const result = fuzz({ target: run, counters, seeds: [], dictionary: [], random, mayGoOn, now: () => 0 })
  assert.ok(result.finding !== null, `nothing found in ${result.runs} runs`)
  const fails = (input: Uint8Array): boolean => {
    try {
      run(input)
      return false
    } catch {
      return true
    }
  }
  assert.equal(minimise(result.finding.input, fails).length, 7)
})

test('a run that takes too long is a finding', () => {
  let time = 0
  const target = (bytes: Uint8Array): void => void (time += bytes.length * 100)
  const options = {
    counters: new Uint8Array(8),
    seeds: [Buffer.from('abc')],
    dictionary: [],
    random: seeded(),
  }
  const result = fuzz({ ...options, target, mayGoOn: () => false, now: () => time })
  assert.match(String(result.finding?.error), /took 300 ms/)
})

test('the dictionary is used', () => {
  const { run, counters } = load<(bytes: Uint8Array) => void>(
    `function run(b) { if (String.fromCharCode(...b).includes('<CRLF>.<CRLF>')) throw new Error('found') }`,
  )
  const dictionary = [Buffer.from('<CRLF>.<CRLF>')]
  const mayGoOn = (runs: number): boolean => runs < 2_000
  const result = fuzz({
    target: run,
    counters,
    seeds: [],
    dictionary,
    random: seeded(),
    mayGoOn,
    now: () => 0,
  })
  assert.ok(result.finding !== null)
})
