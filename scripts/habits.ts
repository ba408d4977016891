// Small habits that are easily broken and easily found: nothing is left for later in a comment, no test is left out or waits
// for a fixed time, no rule is switched off in passing, no real host or folder of someone's machine is written down.
import { lineAt, type Problem, type SourceFile } from './sources.ts'

interface Habit {
  readonly pattern: RegExp
  readonly message: string
  /** Only in files that match; default all. */
  readonly where?: RegExp
}

const tests = /\.test\.ts$|^test\//

// Spelt in two halves, so that this table does not find itself.
const habits: readonly Habit[] = [
  {
    pattern: new RegExp(String.raw`\b(?:TO${''}DO|FIX${''}ME|XX${''}X|HA${''}CK)\b`, 'g'),
    message: 'is left for later',
  },
  {
    pattern: /\b(?:test|it|describe|suite)\.only\(|\bonly: true/g,
    message: 'leaves out all other tests',
    where: tests,
  },
  { pattern: /\b(?:test|it|describe|suite)\.(?:skip|todo)\(/g, message: 'leaves out a test', where: tests },
  {
    pattern: /setTimeout\((?:resolve|done|\w+), *[0-9_]{2,}\)|timers\/promises/g,
    message: 'waits for a fixed time: wait for the event, or move the virtual clock',
    where: tests,
  },
  {
    // Flags of what is gone need not be told any more, and a slow machine hears of both at once.
    pattern:
      /^(\w+) C: .*\bSTORE\b.* \/ .*\bEXPUNGE\b.*\n(?:(?:\1 S|#).*\n)*(?!\1 )(?:\w+ )?S: (?!\.\.\.).*\bFETCH\b.* \/ .*\b(?:EXPUNGE|VANISHED)\b/gm,
    message: 'wants each of two changes told that were made at once: let the first be seen before the second',
    where: /^test\/transcripts\/.*\.txt$/,
  },
  {
    // With a reason behind `--` it may stand.
    pattern:
      /(?:oxlint|eslint|biome)-disable(?!-next-line [\w/-]+ -- \w)|@ts-(?:ignore|nocheck|expect-error(?! -- \w))/g,
    message: 'switches a check off without saying why',
  },
  { pattern: /(?<![\w.])\/(?:home|Users|root)\/\w+/g, message: 'is a path of someone’s machine' },
]

/** Checks sources, tests and transcripts. */
export function checkHabits(files: readonly SourceFile[]): Problem[] {
  return files.flatMap((file) =>
    habits
      .filter(({ where }) => where?.test(file.path) ?? true)
      .flatMap(({ pattern, message }) =>
        [...file.text.matchAll(pattern)].map(({ index, 0: found }) => {
          return { path: file.path, line: lineAt(file.text, index), message: `“${found}” ${message}` }
        }),
      ),
  )
}
