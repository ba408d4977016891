// Delivery reports as Python's email package reads them: a reader that is not ours, of what we and others write.
import { fileURLToPath } from 'node:url'
import { missing, succeed } from './tool.ts'

/** For `test(name, { skip: skipReport, …)`. */
export const reportMissing = missing('python3')

/** RFC 3464, with the names of fields in lower case. */
export interface ReadReport {
  readonly from: string
  readonly to: string
  readonly subject: string
  readonly autoSubmitted: string
  readonly returnPath: string
  readonly contentType: string
  readonly reportType: string
  readonly parts: readonly string[]
  readonly text: string
  readonly message: Readonly<Record<string, string>>
  readonly recipients: readonly Readonly<Record<string, string>>[]
  readonly returned: string
}

const script = fileURLToPath(new URL('python/report.py', import.meta.url))

/** Fails where Python finds anything wrong with it. */
export async function readReport(text: string, home: string): Promise<ReadReport> {
  // What that script prints.
  return JSON.parse(await succeed('python3', [script], { home, input: text })) as ReadReport
}
