// A zip archive as a container: read by its directory, Zip64 and all, each entry unpacked when it is opened.
//
// yauzl checks names (none leads out of the archive) and sizes, we check sums; encrypted entries are refused when they are opened.
import { realpath } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import yauzl, { type Entry as ZipEntry, type ZipFile } from 'yauzl'
import type { Container, Entry } from './container.ts'
import { SourceUnreadable } from './source.ts'

export async function openZip(path: string): Promise<Container> {
  const identity = await realpath(path)
  const archive = await openArchive(path)
  let entries: Promise<Entry[]> | undefined
  return {
    identity,
    entries: () => (entries ??= readEntries(path, archive)),
    [Symbol.asyncDispose]() {
      archive.close()
      return Promise.resolve()
    },
  }
}

function openArchive(path: string): Promise<ZipFile> {
  return new Promise((resolve, reject) => {
    yauzl.open(path, { lazyEntries: true, autoClose: false }, (error, archive) => {
      if (error === null) resolve(archive)
      else reject(new SourceUnreadable(`${path} is no zip archive that can be read: ${error.message}`))
    })
  })
}

function readEntries(path: string, archive: ZipFile): Promise<Entry[]> {
  return new Promise((resolve, reject) => {
    const found: Entry[] = []
    // Of its directory: a name that leads out of it, sizes that cannot be. Nothing of such an archive is believed.
    archive.on('error', (error: Error) =>
      reject(new SourceUnreadable(`${path} is no zip archive that can be read: ${error.message}`)),
    )
    archive.on('end', () => resolve(found))
    archive.on('entry', (entry: ZipEntry) => {
      if (!entry.fileName.endsWith('/')) found.push(entryOf(archive, entry))
      archive.readEntry()
    })
    archive.readEntry()
  })
}

function entryOf(archive: ZipFile, entry: ZipEntry): Entry {
  return {
    path: entry.fileName,
    size: entry.uncompressedSize,
    time: entry.getLastModDate().getTime(),
    open: () => unpacked(archive, entry),
  }
}

async function* unpacked(archive: ZipFile, entry: ZipEntry): AsyncGenerator<Uint8Array> {
  if (entry.isEncrypted()) throw new Error('it is encrypted')
  const stream = await new Promise<NodeJS.ReadableStream>((resolve, reject) => {
    archive.openReadStream(entry, (error, opened) => (error === null ? resolve(opened) : reject(error)))
  })
  // APPNOTE.TXT §4.4.7: of the octets unpacked. What is damaged becomes no message.
  let sum = 0
  for await (const chunk of stream) {
    sum = crc32(chunk as Uint8Array, sum)
    yield chunk as Uint8Array
  }
  if (sum !== entry.crc32) throw new Error('it is damaged: its checksum is another')
}
