// A disk in memory, for the store that has none. Holds at most `capacity` octets in all files together; what does not fit
// fails as a full disk does.
import type { FileSystem } from './file-system.ts'

interface MemoryFile {
  readonly chunks: Uint8Array[]
  size: number
  modifiedAt: number
}

class MemoryDiskError extends Error {
  readonly code: string
  constructor(code: 'ENOENT' | 'EEXIST' | 'ENOSPC', path: string) {
    super(`${code}: ${path}`)
    this.code = code
  }
}

export function memoryFileSystem(options: { capacity: number; now: () => number }): FileSystem {
  const files = new Map<string, MemoryFile>()
  let used = 0
  const find = (path: string): MemoryFile => {
    const file = files.get(path)
    if (!file) throw new MemoryDiskError('ENOENT', path)
    return file
  }
  return {
    async create(path) {
      if (files.has(path)) throw new MemoryDiskError('EEXIST', path)
      const file: MemoryFile = { chunks: [], size: 0, modifiedAt: options.now() }
      files.set(path, file)
      return {
        async write(bytes) {
          if (used + bytes.length > options.capacity) throw new MemoryDiskError('ENOSPC', path)
          used += bytes.length
          file.chunks.push(bytes.slice())
          file.size += bytes.length
          file.modifiedAt = options.now()
        },
        async sync() {},
        async close() {},
      }
    },
    async open(path) {
      const file = find(path)
      return { read: async (position, length) => readFrom(file, position, length), async close() {} }
    },
    async makeFolder() {},
    async syncFolder() {},
    async remove(path) {
      used -= find(path).size
      files.delete(path)
    },
    async list(path) {
      const prefix = path === '' ? '' : `${path}/`
      const names = [...files.keys()].filter((name) => name.startsWith(prefix))
      return [...new Set(names.map((name) => name.slice(prefix.length).split('/')[0] ?? ''))]
    },
    async status(path) {
      const file = files.get(path)
      return file && { size: file.size, modifiedAt: file.modifiedAt }
    },
  }
}

/** From one chunk at a time, which is what a read may give. */
function readFrom(file: MemoryFile, position: number, length: number): Uint8Array {
  let start = 0
  for (const chunk of file.chunks) {
    if (position < start + chunk.length) return chunk.subarray(position - start, position - start + length)
    start += chunk.length
  }
  return new Uint8Array()
}
