// Files of an import, wherever they are: a folder on disk with all below it, a zip archive, one file. Compressed files
// (gzip, zstd) read as what they hold. Symbolic links are followed to files, not to folders, so that no walk goes in circles.
import { createReadStream } from 'node:fs'
import { open, readdir, realpath, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { createGunzip, createZstdDecompress } from 'node:zlib'

export interface Entry {
  /** From the container's root, `/` between levels. */
  readonly path: string
  readonly size: number
  /** Of the last change, milliseconds since the epoch; null where it is unknown. */
  readonly time: number | null
  /** Where it is known without looking. */
  readonly kind?: 'mbox' | 'eml'
  open(): AsyncIterable<Uint8Array>
}

export interface Container extends AsyncDisposable {
  readonly identity: string
  entries(): Promise<readonly Entry[]>
}

export async function openFolder(path: string): Promise<Container> {
  const root = await realpath(path)
  return {
    identity: root,
    entries: () => walk(root),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

async function walk(root: string): Promise<Entry[]> {
  const found: Entry[] = []
  const folders = [root]
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const items = await readdir(folder, { withFileTypes: true })
    for (const item of items.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(folder, item.name)
      if (item.isDirectory()) folders.push(path)
      else if (item.isFile() || item.isSymbolicLink()) {
        const entry = await tryFile(path, relative(root, path).split(sep).join('/'))
        if (entry !== undefined) found.push(entry)
      }
    }
  }
  return found
}

/** Undefined for what is no file, or is gone by now. */
async function tryFile(path: string, name: string): Promise<Entry | undefined> {
  const facts = await stat(path).catch(() => undefined)
  if (facts === undefined || !facts.isFile()) return undefined
  return { path: name, size: facts.size, time: Math.floor(facts.mtimeMs), open: () => readDecompressed(path) }
}

/** One file as a container; its entry has the file's own name. */
export async function openFile(path: string): Promise<Container> {
  const real = await realpath(path)
  const entry = await tryFile(real, real.slice(real.lastIndexOf(sep) + 1))
  return {
    identity: real,
    entries: () => Promise.resolve(entry === undefined ? [] : [entry]),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

async function* readDecompressed(path: string): AsyncGenerator<Uint8Array> {
  const first = await firstOctets(path)
  const file = createReadStream(path, { highWaterMark: 256 * 1024 })
  try {
    const stream = first.startsWith('1f8b')
      ? file.pipe(createGunzip())
      : first === '28b52ffd'
        ? file.pipe(createZstdDecompress())
        : file
    // An error of the file does not pass through `pipe`.
    file.on('error', (error) => stream.destroy(error))
    for await (const chunk of stream) yield chunk as Uint8Array
  } finally {
    file.destroy()
  }
}

async function firstOctets(path: string): Promise<string> {
  await using file = await open(path)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0)
  return buffer.toString('hex', 0, bytesRead)
}

/** The first octets of an entry, as Latin-1. */
export async function peek(entry: Entry, length: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of entry.open()) {
    chunks.push(Uint8Array.from(chunk))
    size += chunk.length
    if (size >= length) break
  }
  return Buffer.concat(chunks).toString('latin1', 0, length)
}
