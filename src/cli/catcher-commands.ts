// `posthorn catcher`: files into a running catcher, and what it has caught into files, over its HTTP API. So it works beside a catcher that
// keeps everything in memory, and from another machine.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Buffer } from 'node:buffer'
import { type Command, Option } from 'commander'
import { RealClock } from '../net/real-clock.ts'
import { makeFolder } from '../store/blobs/make-folder.ts'
import { openFileSource } from '../transfer/open-source.ts'
import { ImportReader } from '../transfer/run-import.ts'
import { SourceUnreadable } from '../transfer/source.ts'
import { CommandError, exitCode, type Io, print } from './io.ts'

interface Where {
  readonly url: string
  readonly user?: string
}

interface IngestOptions extends Where {
  readonly format: 'auto' | 'mbox' | 'maildir' | 'eml' | 'zip'
  readonly to?: string[]
  readonly from?: string
  readonly json?: boolean
}

interface DumpOptions extends Where {
  readonly query?: string
  readonly inbox?: string
  readonly json?: boolean
}

/** Adds `catcher ingest` and `catcher dump`. */
export function addCatcherCommands(program: Command, io: Io): void {
  const catcher = program
    .command('catcher')
    .description('Put files into a running catcher, or what it has caught into files.')
  const url = (): Option =>
    new Option('--url <url>', 'where the catcher’s page is').default('http://127.0.0.1:8025')
  const user = (): Option =>
    new Option('--user <name:password>', 'of catcher.users, where it has some; default: nobody').env(
      'POSTHORN_CATCHER_USER',
    )
  catcher
    .command('ingest <source>')
    .description(
      'Hand in the messages of a file or folder, as if they had been sent: mbox, Maildir, .eml files, a zip archive of these, or - for standard input.',
    )
    .addOption(
      new Option('--format <format>', 'what the files are, where it cannot be seen')
        .choices(['auto', 'mbox', 'maildir', 'eml', 'zip'])
        .default('auto'),
    )
    .option('--to <address>', 'to this recipient; may be repeated; default: those in To, Cc and Bcc', another)
    .option('--from <address>', 'with this reverse-path; default: the author')
    .addOption(url())
    .addOption(user())
    .option('--json', 'print what was done as JSON')
    .action((source: string, options: IngestOptions) => ingest(io, source, options))
  catcher
    .command('dump <folder>')
    .description('Write what was caught into a folder, one .eml file for each message.')
    .option('--query <search>', 'only what this search finds')
    .option('--inbox <name>', 'only of this inbox')
    .addOption(url())
    .addOption(user())
    .option('--json', 'print what was done as JSON')
    .action((folder: string, options: DumpOptions) => dump(io, folder, options))
}

const another = (name: string, before: readonly string[] = []): string[] => [...before, name]

async function ingest(io: Io, place: string, options: IngestOptions): Promise<void> {
  const problems: { name: string; reason: string }[] = []
  const query = new URLSearchParams()
  for (const to of options.to ?? []) query.append('to', to)
  if (options.from !== undefined) query.set('from', options.from)
  let messages = 0
  try {
    await using source = await openFileSource(place, {
      format: options.format,
      quoting: 'auto',
      input: io.input,
    })
    const reader = new ImportReader({
      source,
      choice: { folders: [], exclude: [], into: null, since: null, now: new RealClock().now() },
      onProgress: () => undefined,
      onProblem: (name, reason) => problems.push({ name, reason }),
      signal: new AbortController().signal,
    })
    for await (const message of wholeMessages(reader)) {
      const response = await ask(options, `/messages?${query}`, {
        method: 'POST',
        body: Uint8Array.from(message.octets),
      })
      if (response.ok) messages++
      else problems.push({ name: message.name, reason: await reasonOf(response) })
    }
  } catch (error) {
    if (error instanceof SourceUnreadable) throw new CommandError(exitCode.unavailable, error.message)
    throw error
  }
  for (const { name, reason } of problems) io.err(`${name}: ${reason}\n`)
  print(io, options, { messages, problems }, () => `${counted(messages)} handed in.\n`)
  if (problems.length > 0) {
    throw new CommandError(
      exitCode.refused,
      `${counted(problems.length)} could not be handed in; the others were.`,
    )
  }
}

async function* wholeMessages(reader: ImportReader): AsyncGenerator<{ name: string; octets: Buffer }> {
  let open: { name: string; pieces: Buffer[] } | null = null
  for await (const record of reader.records()) {
    switch (record.type) {
      case 'folder':
        reader.heard({ type: 'folder', name: record.name, mailbox: 'INBOX', known: [] })
        break
      case 'message':
        if (record.isCopy) break
        open = { name: record.name, pieces: [Buffer.from(record.data, 'base64')] }
        if (!record.more) {
          yield { name: open.name, octets: Buffer.concat(open.pieces) }
          open = null
        }
        break
      case 'data':
        open?.pieces.push(Buffer.from(record.data, 'base64'))
        break
      case 'end':
        if (open !== null) yield { name: open.name, octets: Buffer.concat(open.pieces) }
        open = null
        break
      case 'broken':
        open = null
        break
      case 'finish':
        return
    }
  }
}

/** As the API's schema says (`GET /api/v1/catcher/messages`). */
interface Listed {
  readonly messages: readonly { readonly id: string }[]
  readonly next: string | null
}

async function dump(io: Io, folder: string, options: DumpOptions): Promise<void> {
  await makeFolder(folder)
  let messages = 0
  let after: string | null = null
  do {
    const query = new URLSearchParams({ limit: '500' })
    if (options.query !== undefined) query.set('query', options.query)
    if (options.inbox !== undefined) query.set('inbox', options.inbox)
    if (after !== null) query.set('after', after)
    // A catcher of another version fails at the first field that it lacks.
    const page = (await (await good(options, `/messages?${query}`)).json()) as Listed
    for (const { id } of page.messages) {
      const source = await good(options, `/messages/${encodeURIComponent(id)}/source`)
      await writeFile(
        join(folder, `${id.replaceAll(/[^a-z0-9]/gi, '')}.eml`),
        Buffer.from(await source.arrayBuffer()),
      )
      messages++
    }
    after = page.next
  } while (after !== null)
  print(io, options, { messages, folder }, () => `${counted(messages)} in ${folder}.\n`)
}

function counted(messages: number): string {
  return `${messages} message${messages === 1 ? '' : 's'}`
}

async function good(where: Where, path: string): Promise<Response> {
  const response = await ask(where, path)
  if (!response.ok) throw new CommandError(exitCode.refused, await reasonOf(response))
  return response
}

async function ask({ url, user }: Where, path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers({ 'content-type': 'message/rfc822' })
  if (user !== undefined) headers.set('authorization', `Basic ${Buffer.from(user).toString('base64')}`)
  try {
    return await fetch(`${url.replace(/\/+$/, '')}/api/v1/catcher${path}`, { ...init, headers })
  } catch {
    throw new CommandError(
      exitCode.unavailable,
      `${url} cannot be reached. Start a catcher with \`posthorn dev\`, or name another with --url.`,
    )
  }
}

async function reasonOf(response: Response): Promise<string> {
  const text = await response.text()
  return /"detail":"([^"]*)"/.exec(text)?.[1] ?? `HTTP ${response.status}`
}
