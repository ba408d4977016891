// The few things that the blob store asks of a disk, so that a test can make any of them fail, and the real disk.
// Paths are relative to the root that the file system was made for. Errors are the system's, with their `code`.
import { constants, type Dirent } from 'node:fs'
import { type FileHandle, open, readdir, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { makeFolder } from './make-folder.ts'

export interface WritableFile {
  /** Appends all of it. The bytes must not change until it resolves. */
  write(bytes: Uint8Array): Promise<void>
  /** The content is on the disk when it resolves. */
  sync(): Promise<void>
  close(): Promise<void>
}

export interface ReadableFile {
  /** Up to `length` bytes from `position`; empty at the end. */
  read(position: number, length: number): Promise<Uint8Array>
  close(): Promise<void>
}

export interface FileStatus {
  readonly size: number
  /** Milliseconds since the epoch. */
  readonly modifiedAt: number
}

export interface FileSystem {
  /** A new file; fails where there is one. */
  create(path: string): Promise<WritableFile>
  open(path: string): Promise<ReadableFile>
  /** Makes the folder where it is missing; its name is on the disk when it resolves, whoever made it. */
  makeFolder(path: string): Promise<void>
  /** The names in a folder are on the disk when it resolves. */
  syncFolder(path: string): Promise<void>
  remove(path: string): Promise<void>
  /** Names in a folder; none where it is missing. */
  list(path: string): Promise<string[]>
  status(path: string): Promise<FileStatus | undefined>
}

/** The real disk below `root`. */
export function diskFileSystem(root: string): FileSystem {
  const at = (path: string): string => join(root, path)
  const made = new Map<string, Promise<void>>()
  return {
    async create(path) {
      return writable(await open(at(path), 'wx', 0o600))
    },
    async open(path) {
      return readable(await open(at(path), constants.O_RDONLY))
    },
    makeFolder(path) {
      // Two messages may want it at once, and the second must wait for the sync of the first as well.
      let making = made.get(path)
      if (making === undefined) {
        making = makeDurably(at(path))
        made.set(path, making)
        making.catch(() => made.delete(path))
      }
      return making
    },
    syncFolder: (path) => syncFolder(at(path)),
    remove: (path) => unlink(at(path)),
    async list(path) {
      const entries: Dirent[] = await readdir(at(path), { withFileTypes: true }).catch(absent(() => []))
      return entries.map(({ name }) => name)
    },
    async status(path) {
      const found = await stat(at(path)).catch(absent(() => undefined))
      return found && { size: found.size, modifiedAt: found.mtimeMs }
    },
  }
}

/** Makes a folder and what is missing above it; their names are on the disk when it resolves. */
export async function makeFolders(path: string): Promise<void> {
  const first = await makeFolder(path)
  if (first === undefined) return
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    await syncFolder(folder)
    if (folder === dirname(first) || folder === dirname(folder)) return
  }
}

/** Syncs also where the folder is there: a process may have died between making it and its sync. */
async function makeDurably(path: string): Promise<void> {
  await makeFolder(path)
  await syncFolder(dirname(path))
}

/** Turns "no such file" into a value. */
function absent<T>(value: () => T): (error: unknown) => T {
  return (error) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return value()
    throw error
  }
}

async function syncFolder(path: string): Promise<void> {
  // Windows cannot open folders; NTFS journals their entries by itself.
  if (process.platform === 'win32') return
  const folder = await open(path, constants.O_RDONLY)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function writable(file: FileHandle): WritableFile {
  return {
    async write(bytes) {
      for (let done = 0; done < bytes.length;) {
        const { bytesWritten } = await file.write(bytes, done, bytes.length - done)
        done += bytesWritten
      }
    },
    sync: () => file.datasync(),
    close: () => file.close(),
  }
}

function readable(file: FileHandle): ReadableFile {
  return {
    async read(position, length) {
      const bytes = new Uint8Array(length)
      const { bytesRead } = await file.read(bytes, 0, length, position)
      return bytes.subarray(0, bytesRead)
    },
    close: () => file.close(),
  }
}
