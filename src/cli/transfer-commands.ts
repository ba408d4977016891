// `posthorn import` and `posthorn export`: mail from other programs and servers into an account, and an account's mail out into files
// (docs/import-export.md). The source is read and the target written here; who has the store is a running server, or this process.
import { constants, setPriority } from 'node:os'
import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { RealClock } from '../net/real-clock.ts'
import type { ExportTarget } from '../transfer/export-target.ts'
import { TargetTaken } from '../transfer/export-target.ts'
import type { ExportedMailbox, ExportPage } from '../transfer/exporter.ts'
import type { ImportEvent, ImportTotals } from '../transfer/records.ts'
import { type ExportTotals, runExport } from '../transfer/run-export.ts'
import { ImportReader, type ReadTotals } from '../transfer/run-import.ts'
import { type Source, SourceUnreadable } from '../transfer/source.ts'
import { type AdminSession, openAdministration } from './admin-client.ts'
import { admin } from './admin-command.ts'
import type { ConfigOptions } from './configuration.ts'
import { type ImportOptions, openImportSource } from './import-source.ts'
import { CommandError, exitCode, humanSize, type Io, print } from './io.ts'
import { transferBar } from './transfer-bar.ts'

interface ExportOptions extends ConfigOptions {
  readonly json?: boolean
  readonly format: 'auto' | 'mbox' | 'maildir' | 'eml' | 'zip'
  readonly mailbox?: string[]
  readonly since?: string
}

const another = (name: string, before: readonly string[] = []): string[] => [...before, name]

/** Adds `import` and `export`. */
export function addTransferCommands(program: Command, io: Io): void {
  addImport(program, io)
  addExport(program, io)
}

function addImport(program: Command, io: Io): void {
  admin(
    program,
    'import <address> <source>',
    'Bring mail into an account: from mbox, Maildir, .eml files, a zip archive of these, an export of `posthorn export`, standard input (-), or a live server (imaps://user@host). Started again it goes on where it was, and brings only what is new.',
  )
    .addOption(
      new Option('--format <format>', 'what the files are, where it cannot be seen')
        .choices(['auto', 'mbox', 'maildir', 'eml', 'zip'])
        .default('auto'),
    )
    .addOption(
      new Option('--quoting <dialect>', 'how an mbox quotes lines that begin with From')
        .choices(['auto', 'mboxrd', 'mboxo', 'none'])
        .default('auto'),
    )
    .option(
      '--folder <name>',
      'only this folder of the source and what is below it; * is any text; may be repeated',
      another,
    )
    .option('--exclude <name>', 'not this folder; may be repeated', another)
    .option(
      '--into <mailbox>',
      'into this mailbox; several folders go below it; default: each into one of its name',
    )
    .option('--since <date>', 'only messages that came on this day or later, for example 2024-01-31')
    .option('--dedupe', 'leave out messages whose Message-ID is in the mailbox already')
    .option('--again', 'bring what earlier imports have brought too')
    .option('--dry-run', 'read everything and change nothing')
    .option('--password-stdin', 'IMAP: the password is the first line of standard input')
    .option(
      '--password-file <file>',
      'IMAP: the password is the first line of this file; default: it is asked for, or POSTHORN_IMPORT_PASSWORD',
    )
    .option('--token', 'IMAP: the password is an OAuth 2 access token (XOAUTH2)')
    .option(
      '--authorize-as <user>',
      'IMAP: log in to the mailbox of another user, as an administrator may; default: to that of the user in the URL',
    )
    .addOption(
      new Option('--tls <mode>', 'IMAP: by default implicit for imaps, starttls for imap').choices([
        'implicit',
        'starttls',
        'none',
      ]),
    )
    .option('--insecure', 'IMAP: take any certificate, for example a self-signed one')
    .action((address: string, source: string, options: ImportOptions) =>
      importMail(io, { address, source }, options),
    )
}

function addExport(program: Command, io: Io): void {
  admin(
    program,
    'export <address> <target>',
    'Write the mail of an account into files: a new folder of mbox files, a Maildir++, a folder of .eml files or, where the name ends in .zip, a zip archive of these. With its manifest, `posthorn import` brings back the same.',
  )
    .addOption(
      new Option('--format <format>', 'mbox unless the target ends in .zip')
        .choices(['auto', 'mbox', 'maildir', 'eml', 'zip'])
        .default('auto'),
    )
    .option(
      '--mailbox <name>',
      'only this mailbox and what is below it; * is any text; may be repeated',
      another,
    )
    .option('--since <date>', 'only messages that came on this day or later')
    .action((address: string, target: string, options: ExportOptions) =>
      exportMail(io, { address, target }, options),
    )
}

async function importMail(
  io: Io,
  { address, source: place }: { address: string; source: string },
  options: ImportOptions,
): Promise<void> {
  const clock = new RealClock()
  const since = sinceOf(options.since)
  using interruption = onInterruption(io)
  await using session = await openAdministration(options)
  stepBack(session)
  await using source = await unreadableAsFailure(() => openImportSource(io, place, { ...options, clock }))
  const bar = transferBar(io, clock)
  const problems: { name: string; reason: string }[] = []
  const reader = new ImportReader({
    source,
    choice: {
      ...{ folders: options.folder ?? [], exclude: options.exclude ?? [], into: options.into ?? null, since },
      now: clock.now(),
    },
    onProgress: (progress) => bar.show(progress),
    onProblem: (name, reason) => {
      problems.push({ name, reason })
      bar.clear()
      io.err(`${name}: ${reason}\n`)
    },
    signal: interruption.signal,
  })
  const written = await unreadableAsFailure(() =>
    session.run<ImportTotals>({
      operation: 'mail.import',
      parameters: {
        ...{ address, source: source.identity, pace: session.on === 'server' ? 'gentle' : 'full' },
        ...{
          dedupe: options.dedupe === true,
          again: options.again === true,
          dryRun: options.dryRun === true,
        },
      },
      input: reader.records(),
      // The operation and this are one program.
      onEvent: (event) => reader.heard(event as ImportEvent),
    }),
  ).finally(() => bar.clear())
  tellImport(io, { address, source, options, written, read: reader.totals, problems })
}

/** What is left for people to know, and how the command ends. */
function tellImport(
  io: Io,
  came: {
    address: string
    source: Source
    options: ImportOptions
    written: ImportTotals
    read: ReadTotals
    problems: readonly object[]
  },
): void {
  const { address, source, options, written, read, problems } = came
  const result = {
    ...{ address, source: source.label, dryRun: options.dryRun === true },
    ...{ imported: written.imported, bytes: written.bytes },
    known: written.known + read.known,
    ...{ duplicates: written.duplicates, older: read.older, elsewhere: read.elsewhere },
    failed: written.failed + read.failed,
    ...{ interrupted: read.interrupted, stopped: written.stopped, ignored: source.ignored, problems },
  }
  print(io, options, result, () => {
    const lines = [
      `${result.dryRun ? 'Would import' : 'Imported'} ${counted(result.imported, 'message')} (${humanSize(result.bytes)}) into ${address}.`,
    ]
    const left = [
      [result.known, 'there already from an earlier import'],
      [result.duplicates, 'duplicates of what is there'],
      [result.older, `older than ${options.since}`],
      [result.elsewhere, 'imported from another folder'],
      [result.failed, 'failed'],
    ] as const
    const named = left.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`)
    if (named.length > 0) lines.push(`Not imported: ${named.join(', ')}.`)
    if (source.ignored.length > 0) {
      lines.push(
        `${counted(source.ignored.length, 'file')} that are no mail: ${source.ignored.slice(0, 5).join(', ')}${source.ignored.length > 5 ? ', …' : ''}`,
      )
    }
    return `${lines.join('\n')}\n`
  })
  if (result.interrupted)
    throw new CommandError(exitCode.interrupted, 'Interrupted. The same command goes on where it was.')
  if (result.stopped !== null) throw new CommandError(exitCode.refused, result.stopped)
  if (result.failed > 0) {
    throw new CommandError(
      exitCode.refused,
      `${counted(result.failed, 'message')} could not be imported; the others were.`,
    )
  }
}

async function exportMail(
  io: Io,
  { address, target: place }: { address: string; target: string },
  options: ExportOptions,
): Promise<void> {
  const clock = new RealClock()
  const since = sinceOf(options.since)
  using interruption = onInterruption(io)
  await using session = await openAdministration(options)
  stepBack(session)
  type Listed = { account: number; mailboxes: ExportedMailbox[] }
  const listed = await session.run<Listed>({ operation: 'mail.mailboxes', parameters: { address } })
  const bar = transferBar(io, clock)
  try {
    const target = await openTarget(resolve(place), options.format)
    const totals = await runExport({
      reader: exportReader(session, listed),
      ...{ target, account: address, chosen: options.mailbox ?? [], since, now: clock.now() },
      onProgress: (progress) => bar.show(progress),
      signal: interruption.signal,
    }).finally(() => bar.clear())
    tellExport(io, { address, place, options, totals })
  } catch (error) {
    if (error instanceof TargetTaken) throw new CommandError(exitCode.usage, error.message)
    if (error instanceof Error && 'code' in error && 'syscall' in error) {
      throw new CommandError(exitCode.unavailable, `${place} cannot be written: ${error.message}`)
    }
    throw error
  }
}

function exportReader(session: AdminSession, listed: { account: number; mailboxes: ExportedMailbox[] }) {
  const { account, mailboxes } = listed
  return {
    mailboxes: () => Promise.resolve(mailboxes),
    page: (mailbox: number, from: number) =>
      session.run<ExportPage>({ operation: 'mail.page', parameters: { account, mailbox, from } }),
    octets: (request: { blob: number; start: number; end: number }) =>
      session.run<string>({ operation: 'mail.octets', parameters: request }),
  }
}

function tellExport(
  io: Io,
  came: { address: string; place: string; options: ExportOptions; totals: ExportTotals },
): void {
  const { address, place, options, totals } = came
  print(
    io,
    options,
    { address, target: place, ...totals },
    () =>
      `Exported ${counted(totals.messages, 'message')} (${humanSize(totals.bytes)}) of ${counted(totals.mailboxes, 'mailbox')} to ${place}.\n`,
  )
  if (totals.interrupted) {
    throw new CommandError(exitCode.interrupted, 'Interrupted: what is there is whole, but not everything.')
  }
}

async function openTarget(place: string, format: ExportOptions['format']): Promise<ExportTarget> {
  const chosen = format !== 'auto' ? format : /\.zip$/i.test(place) ? 'zip' : 'mbox'
  switch (chosen) {
    case 'mbox':
      return (await import('../transfer/mbox-target.ts')).openMboxTarget(place)
    case 'maildir':
      return (await import('../transfer/maildir-target.ts')).openMaildirTarget(place)
    case 'eml':
      return (await import('../transfer/eml-target.ts')).openEmlTarget(place)
    case 'zip':
      return (await import('../transfer/eml-target.ts')).openZipTarget(place)
  }
}

async function unreadableAsFailure<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof SourceUnreadable) throw new CommandError(exitCode.unavailable, error.message)
    throw error
  }
}

/** A server on the same machine has the processor first: mail that comes in does not wait for mail that moves. */
function stepBack({ on }: AdminSession): void {
  if (on === 'server') setPriority(constants.priority.PRIORITY_LOW)
}

/** The first Ctrl-C ends the work in order, the second one at once. */
function onInterruption(io: Io): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController()
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(exitCode.interrupted)
    io.err('\nStopping behind this message; press Ctrl-C again to stop at once.\n')
    controller.abort()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      process.off('SIGINT', onSignal)
      process.off('SIGTERM', onSignal)
    },
  }
}

function sinceOf(text: string | undefined): number | null {
  if (text === undefined) return null
  const time = /^\d{4}-\d{2}-\d{2}(?:T.*)?$/.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isFinite(time))
    throw new CommandError(exitCode.usage, `"${text}" is no date; write 2024-01-31.`)
  return time
}

function counted(count: number, what: string): string {
  const plural = what === 'mailbox' ? 'mailboxes' : `${what}s`
  return `${count} ${count === 1 ? what : plural}`
}
