// `npm test`: runs the tests with Node's own runner.
//
//   npm test                    everything
//   npm test -- smtp imap       only the test files whose path contains one of these words
//   npm test -- --unit          only the first of the two groups below (--integration: only the second)
//   npm test -- --coverage      with line, branch and function coverage of the unit group
//   npm test -- --seed 42       the order of an earlier run, as that run printed it
//   npm test -- --name 'EHLO'   only tests whose name matches
//
// Unit tests share processes (two at a time where there are two processors), which is several times faster than one process a
// file and also proves that no test leaves state behind for its neighbour; both groups run in random order. Integration tests
// start servers and kill processes, so each file has its own process, two at a time. What else the machine does can break tests
// of servers: what fails in up to three files of a group is run once more, alone, and what passes then is told as unsteady, in
// capitals.
import { spawn } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  addSummaries,
  failedTests,
  formatSummary,
  readSummary,
  settleAgain,
  type TestSummary,
} from './test-summary.ts'

const root = new URL('..', import.meta.url).pathname

interface Group {
  readonly name: 'unit' | 'integration'
  readonly patterns: readonly string[]
  readonly flags: readonly string[]
}

const groups: readonly Group[] = [
  {
    name: 'unit',
    patterns: [
      'src/**/*.test.ts',
      'scripts/**/*.test.ts',
      'web/**/*.test.ts',
      'test/support/**/*.test.ts',
      'test/contracts/**/*.test.ts',
      'test/transcripts/**/*.test.ts',
      'test/simulation/**/*.test.ts',
      'test/jmap/**/*.test.ts',
      'test/model/**/*.test.ts',
    ],
    flags: ['--test-isolation=none', '--test-timeout=120000'],
  },
  {
    name: 'integration',
    patterns: [
      'test/e2e/**/*.test.ts',
      'test/interop/**/*.test.ts',
      'test/crash/**/*.test.ts',
      'test/browser/**/*.test.ts',
    ],
    flags: ['--test-concurrency=2', '--test-timeout=300000'],
  },
]

const { values: options, positionals: words } = parseArgs({
  allowPositionals: true,
  options: {
    unit: { type: 'boolean' },
    integration: { type: 'boolean' },
    coverage: { type: 'boolean' },
    seed: { type: 'string' },
    name: { type: 'string' },
  },
})

function findFiles(group: Group): string[] {
  const files = globSync([...group.patterns], { cwd: root }).sort()
  // A word with a slash begins at a folder: `scripts/` is not `test/transcripts/`.
  const matches = (file: string, word: string): boolean =>
    word.includes('/') ? `/${file}`.includes(`/${word}`) : file.includes(word)
  return words.length === 0 ? files : files.filter((file) => words.some((word) => matches(file, word)))
}

function runnerFlags(group: Group, summaryFile: string): string[] {
  const flags = ['--test', ...group.flags, '--enable-source-maps', '--disable-warning=ExperimentalWarning']
  flags.push(options.seed === undefined ? '--test-randomize' : `--test-random-seed=${options.seed}`)
  if (options.name !== undefined) flags.push(`--test-name-pattern=${options.name}`)
  if (options.coverage === true && group.name === 'unit') {
    flags.push('--experimental-test-coverage', '--test-coverage-include=src/**')
    flags.push('--test-coverage-exclude=**/*.test.ts', '--test-coverage-exclude=**/*.fuzz.ts')
  }
  flags.push('--test-reporter=spec', '--test-reporter-destination=stdout')
  flags.push('--test-reporter=./scripts/test-summary.ts', `--test-reporter-destination=${summaryFile}`)
  return flags
}

/** With fewer files than this a second process is not worth its start. */
const filesForTwo = 20
/** Pieces in which unit tests are given to two processes, whoever is free: some files take minutes, most milliseconds. */
const pieces = 6

/** In pieces of about the same work: heavy files lie next to one another. */
function deal(group: Group, files: readonly string[]): (readonly string[])[] {
  const alone = group.name !== 'unit' || options.coverage === true
  if (alone || files.length < filesForTwo || availableParallelism() < 2) return [files]
  return Array.from({ length: pieces }, (_, piece) =>
    files.filter((_file, index) => index % pieces === piece),
  )
}

/** Runs one group to its end. A runner that dies without a summary counts as one failure. */
async function runGroup(group: Group, files: readonly string[], folder: string): Promise<TestSummary[]> {
  const left = deal(group, files).entries()
  const summaries: TestSummary[] = []
  const work = async (): Promise<void> => {
    for (const [piece, hand] of left)
      summaries.push(await runHand(group, hand, join(folder, `${group.name}-${piece}`)))
  }
  await Promise.all([work(), work()])
  return summaries
}

/** Failures in more files than this are no bad luck. */
const mostAgain = 3

/** The group's summaries, with tests that failed run once more where they may be unlucky. */
async function settle(group: Group, summaries: readonly TestSummary[], folder: string): Promise<TestSummary> {
  const first = addSummaries(summaries)
  const failed = failedTests(first)
  const registers = [...new Set(failed.map(({ file }) => file))]
  if (registers.length === 0 || registers.length > mostAgain) return first
  const files = [...new Set(registers.flatMap((file) => filesOf(group, file)))]
  if (files.length === 0) return first
  process.stdout.write(`\nonce more, alone: ${failed.map(({ name }) => name).join(' | ')}\n`)
  const flags = group.flags.map((flag) =>
    flag.startsWith('--test-concurrency') ? '--test-concurrency=1' : flag,
  )
  flags.push(...failed.map(({ name }) => `--test-name-pattern=${RegExp.escape(name)}`))
  return settleAgain(first, await runHand({ ...group, flags }, files, join(folder, `${group.name}-again`)))
}

/** The test files behind a file that registers tests: itself, or those that import a helper. */
function filesOf(group: Group, file: string): readonly string[] {
  if (file.endsWith('.test.ts')) return [file]
  return findFiles(group).filter((path) => safeRead(join(root, path)).includes(`/${basename(file)}'`))
}

async function runHand(group: Group, files: readonly string[], summaryFile: string): Promise<TestSummary> {
  const child = spawn(process.execPath, [...runnerFlags(group, summaryFile), ...files], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const ended = await new Promise<string | number>((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => resolve(signal ?? code ?? 1))
  })
  return readSummary(safeRead(summaryFile), ended, group.name)
}

function safeRead(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

const folder = mkdtempSync(join(tmpdir(), 'posthorn-test-'))
try {
  const summaries: TestSummary[] = []
  for (const group of groups) {
    const other = group.name === 'unit' ? options.integration : options.unit
    const files = other === true ? [] : findFiles(group)
    if (files.length === 0) continue
    process.stdout.write(`\n${group.name}: ${files.length} test files\n`)
    summaries.push(await settle(group, await runGroup(group, files, folder), folder))
  }
  if (summaries.length === 0) {
    process.stdout.write(`No test file matches ${words.map((word) => `“${word}”`).join(' or ')}.\n`)
    process.exitCode = 1
  } else {
    const total = addSummaries(summaries)
    process.stdout.write(formatSummary(total))
    // Nothing ran: a pattern that is broken must not pass for success.
    if (total.failures.length > 0 || total.tests === 0) process.exitCode = 1
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
