// The side of an export that writes: asks for mailboxes and pages of messages, checks each message's size, and writes it with its
// line of the manifest. Constant memory, whatever the mailbox.
import { createHash } from 'node:crypto'
import type { Written, ExportTarget } from './export-target.ts'
import type { ExportedMailbox, ExportedMessage, ExportPage } from './exporter.ts'
import { isNamed } from './folder-names.ts'
import { flagNames, type ManifestLine } from './manifest.ts'

/** Whoever has the store. */
export interface ExportReader {
  mailboxes(): Promise<readonly ExportedMailbox[]>
  page(mailbox: number, from: number): Promise<ExportPage>
  /** Octets of a blob, in base64. */
  octets(request: { blob: number; start: number; end: number }): Promise<string>
}

export interface ExportRun {
  readonly reader: ExportReader
  readonly target: ExportTarget
  readonly account: string
  /** By name, `*` is any text; none: all. */
  readonly chosen: readonly string[]
  readonly since: number | null
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly onProgress: (progress: ExportProgress) => void
  readonly signal: AbortSignal
}

export interface ExportProgress {
  readonly folder: string
  readonly messages: number
  readonly bytes: number
  readonly totalMessages: number
  readonly totalBytes: number
}

export interface ExportTotals {
  readonly mailboxes: number
  readonly messages: number
  readonly bytes: number
  readonly interrupted: boolean
}

const octetsAtOnce = 512 * 1024

export async function runExport(run: ExportRun): Promise<ExportTotals> {
  const { reader, target, account, chosen, signal } = run
  const all = await reader.mailboxes()
  const mailboxes = all.filter(({ name }) => chosen.length === 0 || isNamed(name, chosen))
  const totals = { mailboxes: 0, messages: 0, bytes: 0 }
  try {
    const { format } = target
    const created = new Date(run.now).toISOString()
    await say(target, { type: 'posthorn-export', version: 1, account, format, created })
    for (const mailbox of mailboxes) {
      if (signal.aborted) break
      await exportMailbox({ run, mailboxes, totals }, mailbox)
      totals.mailboxes++
    }
  } catch (error) {
    await target.abandon().catch(() => undefined)
    throw error
  }
  await target.finish()
  return { ...totals, interrupted: signal.aborted }
}

interface Under {
  readonly run: ExportRun
  readonly mailboxes: readonly ExportedMailbox[]
  readonly totals: { messages: number; bytes: number }
}

async function exportMailbox({ run, mailboxes, totals }: Under, mailbox: ExportedMailbox): Promise<void> {
  const { reader, target, since, signal } = run
  const { id, name, specialUse, subscribed, uidValidity, messages, bytes } = mailbox
  const file = await target.mailbox(mailbox)
  await say(target, { type: 'mailbox', name, specialUse, subscribed, uidValidity, messages, bytes, file })
  for (let from: number | null = 1; from !== null && !signal.aborted;) {
    const page: ExportPage = await reader.page(id, from)
    for (const message of page.messages) {
      if (signal.aborted) break
      if (since === null || message.internalDate >= since) {
        await exportMessage(run, message)
        totals.messages++
        totals.bytes += message.size
      }
      run.onProgress({
        folder: name,
        messages: totals.messages,
        bytes: totals.bytes,
        totalMessages: mailboxes.reduce((sum, one) => sum + one.messages, 0),
        totalBytes: mailboxes.reduce((sum, one) => sum + one.bytes, 0),
      })
    }
    from = page.next
  }
}

async function exportMessage({ reader, target }: ExportRun, message: ExportedMessage): Promise<void> {
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of contentOf(reader, message)) {
    hash.update(chunk)
    size += chunk.length
  }
  if (size !== message.size)
    throw new Error(`message ${message.uid} has ${size} octets and not ${message.size}`)
  const written = await target.message(message, () => contentOf(reader, message))
  await say(target, lineOf(message, written, hash.digest('hex')))
}

function lineOf(message: ExportedMessage, written: Written, sha256: string): ManifestLine {
  const { flags, keywords, internalDate, uid, email, thread, savedAt, size } = message
  return {
    ...{ type: 'message', ...written },
    flags: flagNames(flags),
    keywords: keywords === '' ? [] : keywords.split(' '),
    date: new Date(internalDate).toISOString(),
    ...{ uid, emailId: email, threadId: thread },
    savedAt: savedAt === null ? null : new Date(savedAt).toISOString(),
    ...{ size, sha256 },
  }
}

function say(target: ExportTarget, line: ManifestLine): Promise<void> {
  return target.manifest(JSON.stringify(line))
}

async function* contentOf(reader: ExportReader, message: ExportedMessage): AsyncGenerator<Uint8Array> {
  const { prefix, blob, data, size } = message
  const head = Buffer.from(prefix)
  if (head.length > 0) yield head
  if (data !== null) {
    const bytes = Buffer.from(data, 'base64')
    if (bytes.length > 0) yield bytes
    return
  }
  const octets = size - head.length
  for (let start = 0; start < octets; start += octetsAtOnce) {
    const end = Math.min(octets, start + octetsAtOnce)
    yield Buffer.from(await reader.octets({ blob, start, end }), 'base64')
  }
}
