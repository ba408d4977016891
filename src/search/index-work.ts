// The work of indexing, apart from where it runs and where its data is: a thread of its own asks its host for what it needs.
import type { SearchBlock } from '../store/search-index.ts'
import { addEmail, type EmailSource, type TextLimits } from './email-texts.ts'
import { SegmentBuilder } from './segment-builder.ts'
import { type Merged, mergeSegments } from './segment-merge.ts'

/** An email with its octets, where these are few. */
export interface EmailToRead {
  readonly email: number
  readonly blob: number
  readonly prefix: string
  /** '' where the message cannot be read. */
  readonly structure: string
  /** The whole blob, or null: then `readBlob` is asked for stretches of it. */
  readonly bytes: Uint8Array | null
}

/** What the work asks for. All reject where the store cannot. */
export interface WorkHost {
  /** The emails that follow; none at the end. */
  nextEmails(): Promise<readonly EmailToRead[]>
  /** Null where the blob is gone or broken. */
  readBlob(blob: number, start: number, end: number): Promise<Uint8Array | null>
  /** Rejects where the row is gone. */
  readRow(segment: number, row: number): Promise<Uint8Array>
  writeRows(rows: readonly SearchBlock[]): Promise<void>
}

export interface BuildJob {
  readonly job: 'build'
  readonly limits: TextLimits
  /** Emails, and characters of text, after which the segment ends. */
  readonly emails: number
  readonly characters: number
}

export interface MergeJob {
  readonly job: 'merge'
  readonly segments: readonly number[]
  readonly alive: Float64Array
}

export type IndexJob = BuildJob | MergeJob

/** Of the segment that was made. Of none, where there were no emails: `emails` is 0. */
export interface IndexResult extends Merged {
  readonly first: number
  readonly last: number
}

/** Where work is done, one job at a time. */
export interface Workshop {
  run(job: IndexJob, host: WorkHost): Promise<IndexResult>
  /** Ends it; what runs is rejected. */
  close(): Promise<void>
}

/** Work on the thread that asks for it, in turns. */
export class InlineWorkshop implements Workshop {
  async run(job: IndexJob, host: WorkHost): Promise<IndexResult> {
    return await doIndexJob(job, host, () => new Promise((resolve) => setImmediate(resolve)))
  }

  async close(): Promise<void> {}
}

/** Octets of rows that are handed over at once: one commit of the store. */
const rowsAtOnce = 512 * 1024

/** Does a job here. `breathe` lets others have their turn. */
export async function doIndexJob(
  job: IndexJob,
  host: WorkHost,
  breathe: () => Promise<void>,
): Promise<IndexResult> {
  if (job.job === 'build') return await build(job, host, breathe)
  const { segments, alive } = job
  const merged = await mergeSegments({
    segments,
    alive,
    breathe,
    read: (segment, row) => host.readRow(segment, row),
    write: (rows) => writeAll(host, rows),
  })
  return { ...merged, first: alive[0] ?? 0, last: alive.at(-1) ?? 0 }
}

async function build(job: BuildJob, host: WorkHost, breathe: () => Promise<void>): Promise<IndexResult> {
  const builder = new SegmentBuilder()
  let first = 0
  let last = 0
  while (builder.emails < job.emails && builder.weight < job.characters) {
    const emails = await host.nextEmails()
    if (emails.length === 0) break
    for (const { email, blob, prefix, structure, bytes } of emails) {
      const read: EmailSource['read'] = (start, end) =>
        bytes?.subarray(start, end) ?? host.readBlob(blob, start, end)
      await addEmail(builder, { email, prefix, structure, read }, job.limits)
      if (first === 0) first = email
      last = email
      if (builder.emails % emailsInTurn === 0) await breathe()
    }
  }
  if (builder.emails === 0) return { emails: 0, size: 0, first, last }
  const { emails, size, rows } = builder.finish()
  await writeAll(host, rows)
  return { emails, size, first, last }
}

/** Emails read before others have their turn: a millisecond or two of ordinary ones. */
const emailsInTurn = 4

async function writeAll(host: WorkHost, rows: readonly SearchBlock[]): Promise<void> {
  let some: SearchBlock[] = []
  let size = 0
  for (const row of rows) {
    some.push(row)
    size += row.bytes.length
    if (size < rowsAtOnce) continue
    await host.writeRows(some)
    some = []
    size = 0
  }
  if (some.length > 0) await host.writeRows(some)
}
