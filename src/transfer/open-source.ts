// From what somebody typed to a source: a URL of an IMAP server, a folder, a zip archive, a file, or standard input.
import { stat } from 'node:fs/promises'
import { type Container, type Entry, openFile, openFolder, peek } from './container.ts'
import { exportSource, isExport } from './export-source.ts'
import { fileSource, type FileSourceOptions } from './file-source.ts'
import { type Source, SourceUnreadable } from './source.ts'

export interface OpenOptions {
  readonly format: 'auto' | 'mbox' | 'maildir' | 'eml' | 'zip'
  readonly quoting: FileSourceOptions['quoting']
  readonly input: AsyncIterable<Uint8Array>
}

/** Rejects with `SourceUnreadable`. `-` is standard input. */
export async function openFileSource(path: string, options: OpenOptions): Promise<Source> {
  if (path === '-') return standardInput(options)
  const container = await openContainer(path, options.format)
  if (await isExport(container)) return exportSource(container)
  const entries = await container.entries()
  const isFile = entries.length === 1 && container.identity.endsWith(entries[0]?.path ?? '/')
  return fileSource(container, { ...fileOptions(options), single: isFile })
}

function fileOptions({ format, quoting }: OpenOptions): FileSourceOptions {
  return { quoting, format: format === 'zip' ? 'auto' : format }
}

async function openContainer(path: string, format: OpenOptions['format']): Promise<Container> {
  try {
    const facts = await stat(path)
    if (facts.isDirectory()) return await openFolder(path)
    const file = await openFile(path)
    const [entry] = await file.entries()
    const start = entry === undefined ? '' : await peek(entry, 4)
    if (format !== 'zip' && !/^PK\x03\x04|^PK\x05\x06/.test(start)) return file
    const { openZip } = await import('./zip-container.ts')
    return await openZip(path)
  } catch (error) {
    if (error instanceof SourceUnreadable) throw error
    throw new SourceUnreadable(
      `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}

/** One mbox or one message; it is read once, so that what it is shows in its first octets. */
async function standardInput(options: OpenOptions): Promise<Source> {
  const iterator = options.input[Symbol.asyncIterator]()
  let start = Buffer.alloc(0)
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
    start = Buffer.concat([start, next.value])
    if (start.length >= 5) break
  }
  if (start.length === 0) throw new SourceUnreadable('Standard input is empty.')
  const entry: Entry = {
    path: 'standard input',
    size: 0,
    time: null,
    async *open() {
      yield start
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next())
        yield next.value
    },
  }
  const isMbox =
    options.format === 'mbox' || (options.format === 'auto' && start.toString('latin1', 0, 5) === 'From ')
  const identity = '-'
  return fileSource(
    {
      identity,
      entries: () => Promise.resolve([{ ...entry, path: 'INBOX', kind: isMbox ? 'mbox' : 'eml' }]),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    },
    { ...fileOptions(options), format: isMbox ? 'mbox' : 'eml', single: true },
  )
}
