// A disk that ends with the program, for the store that has none. Holds at most `capacity` octets in all files together; what
// does not fit fails as a full disk does.
//
// As on a disk, a file that is removed while somebody reads it is read to its end.
import type { FileSystem } from './file-system.ts'

/** What is in a file. */
export interface Content {
  /** Octets. */
  readonly size: number
  /** Keeps no reference to the bytes. Throws the system's error; nothing was appended then. */
  append(bytes: Uint8Array): void
  /** Up to `length` bytes from `position`; empty at the end. */
  read(position: number, length: number): Uint8Array
  /** It is not used any more. */
  drop(): void
}

export interface PassingFileSystemOptions {
  /** Makes an empty content. */
  readonly medium: () => Content
  /** Octets. */
  readonly capacity: number
  readonly now: () => number
  /** Octets that memory takes of what the medium does not (a small or full disk); default 0. */
  readonly memoryBytes?: number
}

interface PassingFile {
  readonly content: Content
  modifiedAt: number
  /** Its name, and whoever has it open. */
  users: number
}

class PassingDiskError extends Error {
  readonly code: string
  constructor(code: 'ENOENT' | 'EEXIST' | 'ENOSPC', path: string) {
    super(`${code}: ${path}`)
    this.code = code
  }
}

export function passingFileSystem(options: PassingFileSystemOptions): FileSystem {
  const { capacity, now } = options
  const medium = withSpare(options.medium, options.memoryBytes ?? 0)
  const names = new Names()
  let used = 0
  const leave = (file: PassingFile): void => {
    file.users--
    if (file.users > 0) return
    used -= file.content.size
    file.content.drop()
  }
  return {
    async create(path) {
      const file: PassingFile = { content: medium(), modifiedAt: now(), users: 2 }
      names.add(path, file)
      return {
        async write(bytes) {
          if (used + bytes.length > capacity) throw new PassingDiskError('ENOSPC', path)
          file.content.append(bytes)
          used += bytes.length
          file.modifiedAt = now()
        },
        async sync() {},
        close: once(() => leave(file)),
      }
    },
    async open(path) {
      const file = names.get(path)
      file.users++
      return {
        read: async (position, length) => file.content.read(position, length),
        close: once(() => leave(file)),
      }
    },
    async makeFolder() {},
    async syncFolder() {},
    remove: async (path) => leave(names.take(path)),
    list: async (path) => names.list(path),
    async status(path) {
      const file = names.find(path)
      return file && { size: file.content.size, modifiedAt: file.modifiedAt }
    },
  }
}

/** Of files, in folders that are there as long as there is anything in them. */
class Names {
  readonly #folders = new Map<string, Map<string, PassingFile>>()

  find(path: string): PassingFile | undefined {
    const [folder, name] = placeOf(path)
    return this.#folders.get(folder)?.get(name)
  }

  get(path: string): PassingFile {
    const file = this.find(path)
    if (!file) throw new PassingDiskError('ENOENT', path)
    return file
  }

  add(path: string, file: PassingFile): void {
    if (this.find(path)) throw new PassingDiskError('EEXIST', path)
    const [folder, name] = placeOf(path)
    const files = this.#folders.get(folder) ?? new Map<string, PassingFile>()
    this.#folders.set(folder, files.set(name, file))
  }

  /** It has no name any more. */
  take(path: string): PassingFile {
    const file = this.get(path)
    const [folder, name] = placeOf(path)
    const files = this.#folders.get(folder)
    files?.delete(name)
    if (files?.size === 0) this.#folders.delete(folder)
    return file
  }

  list(path: string): string[] {
    return [...((path === '' ? this.#folders : this.#folders.get(path))?.keys() ?? [])]
  }
}

/** In memory. */
export function memoryFileSystem(options: Omit<PassingFileSystemOptions, 'medium'>): FileSystem {
  return passingFileSystem({ ...options, medium: () => new MemoryContent() })
}

class MemoryContent implements Content {
  #chunks: Uint8Array[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  append(bytes: Uint8Array): void {
    this.#chunks.push(bytes.slice())
    this.#size += bytes.length
  }

  /** From one chunk at a time. */
  read(position: number, length: number): Uint8Array {
    let start = 0
    for (const chunk of this.#chunks) {
      if (position < start + chunk.length) return chunk.subarray(position - start, position - start + length)
      start += chunk.length
    }
    return new Uint8Array()
  }

  drop(): void {
    this.#chunks = []
  }
}

/** Contents of the medium, which go on in memory once it fails. */
function withSpare(medium: () => Content, bytes: number): () => Content {
  const spare = { left: bytes }
  return () => new SpareContent(medium(), spare)
}

class SpareContent implements Content {
  readonly #first: Content
  readonly #spare: { left: number }
  #rest: MemoryContent | null = null

  constructor(first: Content, spare: { left: number }) {
    this.#first = first
    this.#spare = spare
  }

  get size(): number {
    return this.#first.size + (this.#rest?.size ?? 0)
  }

  append(bytes: Uint8Array): void {
    if (this.#rest === null) {
      try {
        this.#first.append(bytes)
        return
      } catch (error) {
        if (bytes.length > this.#spare.left) throw error
      }
      this.#rest = new MemoryContent()
    } else if (bytes.length > this.#spare.left) throw new PassingDiskError('ENOSPC', 'in memory')
    this.#spare.left -= bytes.length
    this.#rest.append(bytes)
  }

  read(position: number, length: number): Uint8Array {
    const { size } = this.#first
    if (position < size || this.#rest === null) return this.#first.read(position, length)
    return this.#rest.read(position - size, length)
  }

  drop(): void {
    this.#spare.left += this.#rest?.size ?? 0
    this.#rest = null
    this.#first.drop()
  }
}

/** Folders are not nested. */
function placeOf(path: string): [folder: string, name: string] {
  const slash = path.indexOf('/')
  return slash < 0 ? ['', path] : [path.slice(0, slash), path.slice(slash + 1)]
}

function once(work: () => void): () => Promise<void> {
  let done = false
  return async () => {
    if (done) return
    done = true
    work()
  }
}
