// What a command has of the world: streams to print on, a way to read standard input, and the two forms of every result
// (a table for people, JSON for programs). Exit codes are here, once, for all commands.
import type { Readable } from 'node:stream'

/** Exit codes; `posthorn --help` and docs/generated/cli.md tell them. */
export const exitCode = {
  ok: 0,
  /** The operation was refused: the name is taken, the account is not there, the audit found something. */
  refused: 1,
  /** The command line is wrong. */
  usage: 2,
  /** The configuration is wrong. */
  config: 3,
  /** The store or a port is in use, or cannot be reached. */
  unavailable: 4,
  /** Ended by Ctrl-C with everything in order: the same command goes on. */
  interrupted: 130,
  /** A defect of ours. */
  internal: 70,
} as const

/** What they mean, for people. */
export const exitMeanings: Readonly<Record<number, string>> = {
  [exitCode.ok]: 'done',
  [exitCode.refused]:
    'refused, or done in part: the name is taken, nobody is there, a recipient was not accepted, a check found something',
  [exitCode.usage]: 'the command line is wrong, or a file that it names cannot be read',
  [exitCode.config]: 'the configuration is wrong',
  [exitCode.unavailable]:
    'a server, a port, the store or a source of mail cannot be reached or is in use: try again later',
  [exitCode.internal]: 'a defect of Posthorn: please report it',
  [exitCode.interrupted]: 'ended by Ctrl-C with everything in order: the same command goes on',
}

/** A failure that is told in one sentence, with what to do next, and no stack. */
export class CommandError extends Error {
  override name = 'CommandError'
  readonly code: number
  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

/** The streams of one run of the command line. */
export interface Io {
  readonly input: Readable & { readonly isTTY?: boolean | undefined }
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** Progress bars are drawn only where somebody looks. */
  readonly interactive: boolean
}

/** All of standard input, as text; refuses more than 64 MB. */
export async function readInput(io: Io): Promise<string> {
  return (await readInputBytes(io)).toString('utf8')
}

const maxInput = 64 * 1024 * 1024

/** All of standard input. */
export async function readInputBytes(io: Io): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of io.input) {
    const bytes = Buffer.from(chunk as Uint8Array)
    size += bytes.length
    if (size > maxInput) throw new CommandError(exitCode.usage, 'standard input is larger than 64 MB')
    chunks.push(bytes)
  }
  return Buffer.concat(chunks)
}

/** Rows as aligned columns, the titles first; nothing but `empty` where there are none. */
export function table(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  empty: string,
): string {
  if (rows.length === 0) return `${empty}\n`
  const all = [titles, ...rows]
  const widths = titles.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)))
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
    .concat('\n')
}

/** Prints a result: as JSON when asked, else as the text that `show` makes. */
export function print<T>(
  io: Io,
  options: { json?: boolean | undefined },
  result: T,
  show: (result: T) => string,
): void {
  io.out(options.json ? `${JSON.stringify(result, null, 2)}\n` : show(result))
}

/** Octets for people: `1.5 MB`. */
export function humanSize(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit] ?? ''}`
}

/** A bar on a terminal, nothing elsewhere. */
export function progressBar(io: Io, title: string): (done: number, total: number) => void {
  let shown = ''
  return (done, total) => {
    if (!io.interactive || total === 0) return
    const filled = Math.round((done / total) * 30)
    const line = `${title} [${'#'.repeat(filled)}${'.'.repeat(30 - filled)}] ${done}/${total}`
    if (line === shown) return
    shown = line
    io.err(`\r${line}${done >= total ? '\n' : ''}`)
  }
}
