// `npm run check`: everything about the project that a machine can judge without running it.
//
//   npm run check                         all checks, a line each, with a failure at the end if any failed
//   npm run check -- imports rfc          these only
//   npm run check -- docs --update        writes what the check would otherwise find out of date (docs, migrations)
//   npm run check -- --list               their names
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs, styleText } from 'node:util'
import { checkDependencies } from './dependencies.ts'
import { checkBlocks, checkPrograms, knownWords } from './doc-blocks.ts'
import { checkDocuments } from './docs.ts'
import { checkHabits } from './habits.ts'
import { checkImports } from './imports.ts'
import { checkMigrations, updateMigrations } from './migrations.ts'
import { checkReferences, readTables } from './rfc.ts'
import { checkSizes } from './sizes.ts'
import { formatProblem, readFiles, readIfPresent, root } from './sources.ts'
import { checkWebImports } from './web-imports.ts'

interface Check {
  readonly name: string
  readonly about: string
  /** Resolves to what is wrong, as lines for people. */
  readonly run: (update: boolean) => Promise<readonly string[]>
}

const sourcePatterns = [
  'src/**/*.ts',
  'test/**/*.ts',
  'scripts/**/*.ts',
  'bench/**/*.ts',
  'web/**/*.{ts,tsx}',
]

/** Runs a program of node_modules/.bin; its output is the problem when it fails. */
async function runTool(name: string, ...args: string[]): Promise<string[]> {
  const child = spawn(join(root, 'node_modules/.bin', name), args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => output.push(chunk))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  return code === 0 ? [] : [Buffer.concat(output).toString().trimEnd()]
}

const checks: readonly Check[] = [
  { name: 'types', about: 'tsc', run: () => runTool('tsc', '-p', 'tsconfig.json') },
  { name: 'web types', about: 'tsc, of the pages', run: () => runTool('tsc', '-p', 'web/tsconfig.json') },
  { name: 'lint', about: 'oxlint, with types', run: () => runTool('oxlint', '.') },
  { name: 'format', about: 'oxfmt', run: () => runTool('oxfmt', '--check', '.') },
  {
    name: 'imports',
    about: 'import rule, pure rows, state, names',
    run: async () =>
      [...checkImports(readFiles(['src/**/*.ts'])), ...checkWebImports(readFiles(['web/**/*.{ts,tsx}']))].map(
        formatProblem,
      ),
  },
  {
    name: 'rfc',
    about: 'references to standards',
    run: async () => {
      const tables = readTables(readIfPresent('docs/rfcs.tsv'), readIfPresent('docs/rfc-sections.tsv'))
      const files = readFiles(['src/**/*.ts', 'test/**/*.ts', 'test/**/*.txt'])
      return checkReferences(files, tables).map(formatProblem)
    },
  },
  {
    name: 'sizes',
    about: 'lengths of files and functions',
    run: async () =>
      checkSizes(readFiles(sourcePatterns), readIfPresent('scripts/sizes.allow.tsv')).map(formatProblem),
  },
  {
    name: 'habits',
    about: 'nothing left for later, no test left out',
    run: async () =>
      checkHabits(readFiles([...sourcePatterns, 'test/**/*.txt', 'bin/*.js'])).map(formatProblem),
  },
  {
    name: 'knip',
    about: 'dead files, exports and dependencies',
    run: () => runTool('knip', '--no-progress'),
  },
  {
    name: 'deps',
    about: 'runtime dependencies, pins',
    run: async () =>
      checkDependencies(readIfPresent('package.json'), readIfPresent('docs/dependencies.md')).map(
        formatProblem,
      ),
  },
  {
    name: 'migrations',
    about: 'released migrations are as they were',
    run: async (update) => {
      if (update) updateMigrations()
      return checkMigrations().map(formatProblem)
    },
  },
  {
    name: 'docs',
    about: 'generated pages',
    run: async (update) => (await checkDocuments(update)).map(formatProblem),
  },
  {
    name: 'pages',
    about: 'what pages tell to type is there',
    run: async () => {
      const pages = readFiles(['*.md', 'docs/*.md', 'examples/*.md'])
      const known = knownWords(
        readIfPresent('package.json'),
        readIfPresent('docs/generated/openapi.json'),
        readFiles(['src/**/*.ts']),
      )
      return [...checkBlocks(pages, known), ...(await checkPrograms(pages))].map(formatProblem)
    },
  },
]

async function runCheck({ name, about, run }: Check, update: boolean): Promise<boolean> {
  const from = performance.now()
  let problems: readonly string[]
  try {
    problems = await run(update)
  } catch (error) {
    problems = [error instanceof Error ? (error.stack ?? error.message) : String(error)]
  }
  const seconds = ((performance.now() - from) / 1000).toFixed(1)
  const mark = problems.length === 0 ? styleText('green', 'ok    ') : styleText('red', 'FAILED')
  process.stdout.write(`${mark} ${name.padEnd(11)} ${seconds.padStart(5)} s  ${about}\n`)
  for (const problem of problems) process.stdout.write(`${problem.replaceAll(/^/gm, '    ')}\n`)
  return problems.length === 0
}

const { values: options, positionals: names } = parseArgs({
  allowPositionals: true,
  options: { update: { type: 'boolean', default: false }, list: { type: 'boolean', default: false } },
})
const unknown = names.filter((name) => !checks.some((check) => check.name === name))

if (options.list || unknown.length > 0) {
  for (const name of unknown) process.stdout.write(`There is no check ${name}.\n`)
  for (const { name, about } of checks) process.stdout.write(`${name.padEnd(11)} ${about}\n`)
  if (unknown.length > 0) process.exitCode = 64
} else {
  const failed: string[] = []
  for (const check of checks) {
    if (names.length > 0 && !names.includes(check.name)) continue
    if (!(await runCheck(check, options.update))) failed.push(check.name)
  }
  process.stdout.write(failed.length === 0 ? 'All checks passed.\n' : `Failed: ${failed.join(', ')}\n`)
  if (failed.length > 0) process.exitCode = 1
}
