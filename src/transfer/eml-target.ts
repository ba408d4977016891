// An export as .eml files, one a message, octets as they are: in a folder, or streamed into a zip archive (Zip64 where it grows
// that large). Mailboxes are folders; flags and all else are in the manifest, the last file of the archive.
import { mkdir, open, rm, utimes } from 'node:fs/promises'
import { createReadStream, createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import yazl from 'yazl'
import {
  emptyFolder,
  type ExportTarget,
  FileAppender,
  fileLevel,
  FileNames,
  TargetTaken,
  type Written,
} from './export-target.ts'
import type { ExportedMailbox, ExportedMessage } from './exporter.ts'
import { manifestName } from './manifest.ts'

/** Where files go one after the other. */
interface Files {
  add(path: string, time: number, content: AsyncIterable<Uint8Array>): Promise<void>
  manifest(line: string): Promise<void>
  finish(): Promise<void>
  abandon(): Promise<void>
}

export async function openEmlTarget(folder: string): Promise<ExportTarget> {
  await emptyFolder(folder)
  return emlTarget(new FolderFiles(folder))
}

export async function openZipTarget(path: string): Promise<ExportTarget> {
  try {
    const file = await open(path, 'wx', 0o600)
    await file.close()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') {
      throw new TargetTaken(`${path} is there already: an export begins a new archive.`)
    }
    throw error
  }
  return emlTarget(new ZipFiles(path))
}

function emlTarget(files: Files): ExportTarget {
  const names = new FileNames()
  let folder = ''
  return {
    format: 'eml',
    mailbox({ name }: ExportedMailbox) {
      folder = names.take(name.split('/').map(fileLevel).join('/'))
      return Promise.resolve(null)
    },
    async message(message: ExportedMessage, content): Promise<Written> {
      const file = `${folder}/${String(message.uid).padStart(6, '0')}.eml`
      await files.add(file, message.internalDate, content())
      return { file, added: 0, octets: 'exact' }
    },
    manifest: (line) => files.manifest(line),
    finish: () => files.finish(),
    abandon: () => files.abandon(),
  }
}

class FolderFiles implements Files {
  readonly #folder: string
  readonly #manifest: FileAppender
  #made = ''

  constructor(folder: string) {
    this.#folder = folder
    this.#manifest = new FileAppender(join(folder, manifestName))
  }

  async add(path: string, time: number, content: AsyncIterable<Uint8Array>): Promise<void> {
    const whole = join(this.#folder, path)
    const parent = join(whole, '..')
    if (parent !== this.#made) await mkdir(parent, { recursive: true, mode: 0o700 })
    this.#made = parent
    const file = new FileAppender(whole)
    for await (const chunk of content) await file.write(chunk)
    await file.end()
    await utimes(whole, time / 1000, time / 1000)
  }

  manifest(line: string): Promise<void> {
    return this.#manifest.write(`${line}\n`)
  }

  finish(): Promise<void> {
    return this.#manifest.end()
  }

  abandon(): Promise<void> {
    return this.#manifest.end()
  }
}

class ZipFiles implements Files {
  readonly #path: string
  readonly #zip = new yazl.ZipFile()
  readonly #written: Promise<void>
  /** The manifest until it comes last into the archive. */
  readonly #lines: FileAppender
  readonly #linesPath: string

  constructor(path: string) {
    this.#path = path
    this.#linesPath = `${path}.${manifestName}`
    this.#lines = new FileAppender(this.#linesPath)
    const out = createWriteStream(path, { flags: 'w', mode: 0o600 })
    this.#written = finished(this.#zip.outputStream.pipe(out))
    this.#written.catch(() => undefined)
  }

  async add(path: string, time: number, content: AsyncIterable<Uint8Array>): Promise<void> {
    const stream = Readable.from(content, { objectMode: false })
    const read = finished(stream)
    this.#zip.addReadStream(stream, path, { mtime: new Date(Math.max(time, firstZipTime)), compress: true })
    await Promise.race([read, this.#written])
  }

  manifest(line: string): Promise<void> {
    return this.#lines.write(`${line}\n`)
  }

  async finish(): Promise<void> {
    await this.#lines.end()
    this.#zip.addReadStream(createReadStream(this.#linesPath), manifestName)
    this.#zip.end()
    await this.#written
    await rm(this.#linesPath)
  }

  /** The archive ends here, with a manifest of what is in it. */
  abandon(): Promise<void> {
    return this.finish()
  }

  get path(): string {
    return this.#path
  }
}

/** MS-DOS knows no time before 1980. */
const firstZipTime = Date.UTC(1980, 0, 2)
