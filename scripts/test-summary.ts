// A reporter for Node's test runner that keeps only what the last lines of `npm test` say: how many tests passed,
// failed and were skipped, and where the failures are. `scripts/test.ts` runs it beside the readable reporter,
// reads its file and adds up the groups, so that the end of a long log is enough to know what broke.
import { relative } from 'node:path'
import type { TestEvent } from 'node:test/reporters'

export interface TestSummary {
  readonly tests: number
  readonly passed: number
  readonly skipped: number
  /** `file:line name` of each failed test; a failure of the runner itself is one entry too. */
  readonly failures: readonly string[]
  /** Of those that failed: what passed when its file was run once more, alone. */
  readonly unsteady: readonly string[]
  readonly milliseconds: number
}

interface Result {
  readonly outcome: 'pass' | 'fail' | 'skip'
  readonly where: string
}

type Finished = Extract<TestEvent, { type: 'test:pass' | 'test:fail' }>

function toResult(event: Finished): Result | undefined {
  const { data } = event
  if (data.details.type === 'suite') return undefined
  const file = data.file === undefined ? '' : `${relative(process.cwd(), data.file)}:${data.line ?? 0} `
  // Expected trouble (`todo`) is neither a pass nor a failure, as in the runner's own count.
  if (data.skip !== undefined || data.todo !== undefined) return { outcome: 'skip', where: '' }
  return { outcome: event.type === 'test:pass' ? 'pass' : 'fail', where: `${file}${data.name}` }
}

/** The reporter: one JSON line per finished test. */
export async function* reportSummary(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of source) {
    if (event.type === 'test:pass' || event.type === 'test:fail') {
      const result = toResult(event)
      if (result !== undefined) yield `${JSON.stringify(result)}\n`
    } else if (event.type === 'test:summary' && event.data.file === undefined) {
      yield `${JSON.stringify({ milliseconds: event.data.duration_ms })}\n`
    }
  }
}

// Node's `--test-reporter` asks for a default export.
export { reportSummary as default }

/** Reads the reporter's file. `ended` is the runner's exit code, or the signal that killed it. */
export function readSummary(text: string, ended: number | string, group: string): TestSummary {
  const failures: string[] = []
  let passed = 0
  let skipped = 0
  let milliseconds = 0
  for (const line of text.split('\n')) {
    if (line === '') continue
    const entry = JSON.parse(line) as Partial<Result> & { milliseconds?: number }
    if (entry.outcome === 'pass') passed++
    else if (entry.outcome === 'skip') skipped++
    else if (entry.outcome === 'fail') failures.push(entry.where ?? '?')
    else milliseconds += entry.milliseconds ?? 0
  }
  if (ended !== 0 && failures.length === 0) failures.push(`${group}: the test runner ended with ${ended}`)
  return { tests: passed + skipped + failures.length, passed, skipped, failures, unsteady: [], milliseconds }
}

export function addSummaries(summaries: readonly TestSummary[]): TestSummary {
  const sum = (pick: (summary: TestSummary) => number): number =>
    summaries.reduce((total, summary) => total + pick(summary), 0)
  return {
    tests: sum((summary) => summary.tests),
    passed: sum((summary) => summary.passed),
    skipped: sum((summary) => summary.skipped),
    failures: summaries.flatMap((summary) => summary.failures),
    unsteady: summaries.flatMap((summary) => summary.unsteady),
    milliseconds: sum((summary) => summary.milliseconds),
  }
}

/** A test that failed: its name, and the file that registers it, which for many transcripts or contracts is their helper. */
export interface FailedTest {
  readonly file: string
  readonly name: string
}

/** Empty where a failure belongs to no test. */
export function failedTests({ failures }: TestSummary): FailedTest[] {
  const tests = failures.flatMap((where) => {
    const [, file, name] = /^(\S+\.ts):\d+ (.+)$/s.exec(where) ?? []
    return file === undefined || name === undefined ? [] : [{ file, name }]
  })
  return tests.length === failures.length ? tests : []
}

/** What is left of failures when those tests were run once more; all, where not each of them ran. */
export function settleAgain(first: TestSummary, again: TestSummary): TestSummary {
  if (again.passed + again.failures.length < first.failures.length) return first
  const unsteady = first.failures.filter((where) => !again.failures.includes(where))
  const milliseconds = first.milliseconds + again.milliseconds
  return {
    ...first,
    passed: first.passed + unsteady.length,
    failures: again.failures,
    unsteady,
    milliseconds,
  }
}

/** The closing lines, in the shape of TAP's. */
export function formatSummary(summary: TestSummary): string {
  const lines = ['']
  if (summary.failures.length > 0) lines.push('Failed:', ...summary.failures.map((where) => `  ${where}`), '')
  if (summary.unsteady.length > 0)
    lines.push(
      'UNSTEADY, passed when run once more and alone: mend them or what they test:',
      ...summary.unsteady.map((where) => `  ${where}`),
      '',
    )
  lines.push(
    `# tests ${summary.tests}`,
    `# pass ${summary.passed}`,
    `# fail ${summary.failures.length}`,
    `# skipped ${summary.skipped}`,
    `# seconds ${(summary.milliseconds / 1000).toFixed(1)}`,
    '',
  )
  return lines.join('\n')
}
