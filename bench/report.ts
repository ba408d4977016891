// Rows of measurements, how they are repeated, and how they are shown.

/** One workload on one server; every figure is a median of the repetitions. */
export interface Row {
  readonly workload: string
  readonly server: string
  /** Named figures, in the order to show them. */
  readonly figures: Readonly<Record<string, number>>
}

/** The middle of some numbers. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2
}

/** Runs a measurement several times, after rounds that do not count, and takes the median of each figure. */
export async function repeat(
  times: number,
  measure: () => Promise<Record<string, number>>,
  warmUps = 0,
): Promise<Record<string, number>> {
  for (let round = 0; round < warmUps; round++) await measure()
  const runs: Record<string, number>[] = []
  for (let run = 0; run < times; run++) runs.push(await measure())
  const names = Object.keys(runs[0] ?? {})
  return Object.fromEntries(names.map((name) => [name, median(runs.map((figures) => figures[name] ?? 0))]))
}

/** A Markdown table of the rows of one workload group. */
export function markdown(rows: readonly Row[]): string {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row.figures)))]
  const lines = [
    `| workload | server | ${names.join(' | ')} |`,
    `|---|---|${names.map(() => '--:|').join('')}`,
    ...rows.map(
      (row) =>
        `| ${row.workload} | ${row.server} | ${names.map((name) => shown(row.figures[name])).join(' | ')} |`,
    ),
  ]
  return `${lines.join('\n')}\n`
}

function shown(value: number | undefined): string {
  if (value === undefined) return ''
  if (value >= 100) return Math.round(value).toLocaleString('en-US')
  if (value >= 10) return value.toFixed(1)
  return value.toPrecision(2)
}
