// A small coverage-guided fuzzer in the manner of AFL: keep every input that reached a branch, or a branch more often, than
// any before; change kept inputs at random; report the first that makes the target throw or run for too long.
//
// Everything comes from the seed, so that a finding can be made again.
import type { Counters } from './coverage-hooks.ts'

export interface FuzzOptions {
  /** Must not throw, and must end in time in proportion to the input. */
  readonly target: (bytes: Uint8Array) => void
  readonly counters: Counters
  readonly seeds: readonly Uint8Array[]
  /** Words worth inserting. */
  readonly dictionary: readonly Uint8Array[]
  /** Between 0 and 1, as Math.random. */
  readonly random: () => number
  /** Asked now and then. */
  readonly mayGoOn: (runs: number) => boolean
  /** Milliseconds since some moment. */
  readonly now: () => number
  /** Octets; default 4096. */
  readonly longest?: number
  /** Milliseconds that one run may take; default 250. */
  readonly patience?: number
}

export interface Finding {
  readonly input: Uint8Array
  readonly error: unknown
}

export interface FuzzResult {
  readonly runs: number
  /** Inputs that reached something new, seeds among them. */
  readonly corpus: readonly Uint8Array[]
  /** Branches ever reached. */
  readonly branches: number
  readonly finding: Finding | null
}

/** Runs until told to stop, or something is found. */
export function fuzz(options: FuzzOptions): FuzzResult {
  const { counters, dictionary, random, longest = 4096 } = options
  const seen = new Uint8Array(counters.length)
  const corpus: Uint8Array[] = []
  let runs = 0
  const attempt = (input: Uint8Array): Finding | null => {
    runs++
    const finding = runOnce(options, input)
    if (noteCoverage(counters, seen)) corpus.push(input)
    return finding
  }
  const finish = (finding: Finding | null): FuzzResult => {
    const branches = seen.reduce((sum, bits) => sum + (bits === 0 ? 0 : 1), 0)
    return { runs, corpus, branches, finding }
  }
  for (const seed of [new Uint8Array(), ...options.seeds]) {
    const finding = attempt(seed)
    if (finding !== null) return finish(finding)
    // A seed is worth changing even where nothing is counted.
    if (counters.length === 0) corpus.push(seed)
  }
  while (runs % 64 !== 0 || options.mayGoOn(runs)) {
    // Half of the time one of the newest, which are the deepest.
    const span = random() < 0.5 ? Math.min(8, corpus.length) : corpus.length
    const chosen = corpus[corpus.length - 1 - Math.floor(random() * span)] ?? new Uint8Array()
    const other = corpus[Math.floor(random() * corpus.length)] ?? chosen
    const finding = attempt(mutate(chosen, { other, dictionary, random, longest }))
    if (finding !== null) return finish(finding)
  }
  return finish(null)
}

function runOnce({ target, counters, now, patience = 250 }: FuzzOptions, input: Uint8Array): Finding | null {
  counters.fill(0)
  const from = now()
  try {
    target(input)
  } catch (error) {
    return { input, error }
  }
  const took = now() - from
  return took > patience ? { input, error: new Error(`took ${Math.round(took)} ms`) } : null
}

/** Once, twice, three times, 4-7, 8-15, 16-31, 32-127, 128 and more: a bit each. */
function bucket(count: number): number {
  if (count < 4) return 1 << (count - 1)
  if (count < 8) return 8
  if (count < 16) return 16
  if (count < 32) return 32
  return count < 128 ? 64 : 128
}

/** Whether the run reached something new; remembers it. */
function noteCoverage(counters: Counters, seen: Uint8Array): boolean {
  let isNew = false
  for (let id = 0; id < counters.length; id++) {
    const count = counters[id] ?? 0
    if (count === 0) continue
    const bits = seen[id] ?? 0
    const bit = bucket(count)
    if ((bits & bit) !== 0) continue
    seen[id] = bits | bit
    isNew = true
  }
  return isNew
}

interface Material {
  readonly other: Uint8Array
  readonly dictionary: readonly Uint8Array[]
  readonly random: () => number
  readonly longest: number
}

/** Octets that parsers stumble over. */
const interesting = Uint8Array.of(
  0,
  1,
  9,
  10,
  13,
  32,
  34,
  40,
  41,
  42,
  46,
  58,
  60,
  62,
  64,
  92,
  123,
  125,
  127,
  128,
  255,
)

/** The input with one to eight random changes. */
export function mutate(input: Uint8Array, material: Material): Uint8Array {
  let bytes = input
  const below = (bound: number): number => Math.floor(material.random() * bound)
  for (let left = 1 << below(4); left > 0; left--) bytes = mutateOnce(bytes, material, below)
  return bytes.subarray(0, material.longest)
}

function mutateOnce(bytes: Uint8Array, material: Material, below: (bound: number) => number): Uint8Array {
  const at = below(bytes.length + 1)
  const length = 1 + below(Math.min(32, bytes.length + 1))
  switch (below(8)) {
    case 0:
      return splice(bytes, { at, remove: 1, insert: Uint8Array.of(below(256)) })
    case 1:
      return splice(bytes, { at, remove: 1, insert: Uint8Array.of((bytes[at] ?? 0) ^ (1 << below(8))) })
    case 2:
      return splice(bytes, {
        at,
        remove: below(2),
        insert: Uint8Array.of(interesting[below(interesting.length)] ?? 0),
      })
    case 3:
      return splice(bytes, { at, remove: length, insert: new Uint8Array() })
    case 4:
      return splice(bytes, { at, remove: 0, insert: bytes.slice(at, at + length) })
    case 5: {
      const piece = bytes.slice(at, at + length)
      return splice(bytes, { at: below(bytes.length + 1), remove: 0, insert: piece })
    }
    case 6: {
      const from = below(material.other.length + 1)
      return splice(bytes, {
        at,
        remove: below(2) * length,
        insert: material.other.slice(from, from + 4 * length),
      })
    }
    default: {
      const word = material.dictionary[below(material.dictionary.length)] ?? Uint8Array.of(below(256))
      return splice(bytes, { at, remove: below(2) * word.length, insert: word })
    }
  }
}

interface Change {
  readonly at: number
  readonly remove: number
  readonly insert: Uint8Array
}

function splice(bytes: Uint8Array, { at, remove, insert }: Change): Uint8Array {
  return Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + remove)])
}

/** A shorter input for which `fails` still holds, found by leaving pieces out. */
export function minimise(input: Uint8Array, fails: (input: Uint8Array) => boolean): Uint8Array {
  let best = input
  for (let size = Math.ceil(best.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < best.length;) {
      const shorter = splice(best, { at, remove: size, insert: new Uint8Array() })
      if (fails(shorter)) best = shorter
      else at += size
    }
  }
  return best
}
