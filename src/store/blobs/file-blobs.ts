// Blobs that are too large for a row: one file each, `ab/cdef…` below the root, named by chance, written once.
//
// - A message is gathered in memory until it grows beyond the threshold; from then on it streams to its file, one buffer
//   being written while the next fills, so that memory stays bounded whatever the size.
// - `finish` resolves after the content and the names are synced. No rename: nothing looks for a file before its row names it.
// - A file without a row is an orphan (a session that died, a refused delivery). It is collected when it is old enough, and not by
//   the first collection that this process makes after it began the file.
import { Buffer } from 'node:buffer'
import type { Random } from '../../base/random.ts'
import type { StagedBlob } from '../model.ts'
import { type BlobWriter, StoreUnavailable } from '../store.ts'
import type { FileSystem, WritableFile } from './file-system.ts'

export interface FileBlobsOptions {
  readonly fileSystem: FileSystem
  readonly random: Random
  /** Octets up to which a message stays in memory and goes into its row. */
  readonly inlineBytes: number
  /** Milliseconds that never go back: the age of what this process staged, whatever the wall clock does. */
  readonly monotonic: () => number
}

/** Written to a file at once. */
const pieceBytes = 256 * 1024
/** Read from a file at once. */
const chunkBytes = 64 * 1024
/** The least that is made room for when a message comes in small pieces. */
const firstBytes = 512
const nothing = new Uint8Array()
const keyPattern = /^[0-9a-f]{32}$/

export class FileBlobs {
  readonly #options: FileBlobsOptions
  /** Folders that are known to be there. */
  readonly #folders = new Set<string>()
  /** When each file of this process was finished, until it is old; infinite while it is being written. */
  readonly #staged = new Map<string, number>()
  /** Files that were begun since the last collection, and between that and the one before. */
  #begun = new Set<string>()
  #begunBefore = new Set<string>()

  constructor(options: FileBlobsOptions) {
    this.#options = options
  }

  stage(): BlobWriter {
    return new StagingWriter(this.#options.inlineBytes, () => this.#create())
  }

  /** Bytes [start, end) of a file. */
  async *read(key: string, range: { start: number; end: number }): AsyncGenerator<Uint8Array> {
    const file = await this.#options.fileSystem
      .open(pathOf(key))
      .catch(unavailable('a message file cannot be opened'))
    try {
      for (let at = range.start; at < range.end;) {
        const length = Math.min(chunkBytes, range.end - at)
        const bytes = await file.read(at, length).catch(unavailable('a message file cannot be read'))
        if (bytes.length === 0) throw new StoreUnavailable(`message file ${key} is shorter than its row says`)
        at += bytes.length
        yield bytes
      }
    } finally {
      await file.close()
    }
  }

  /** Octets of the file; undefined where it is missing. */
  async size(key: string): Promise<number | undefined> {
    return (await this.#options.fileSystem.status(pathOf(key)))?.size
  }

  async remove(key: string): Promise<void> {
    await this.#options.fileSystem.remove(pathOf(key)).catch((error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    })
  }

  /** Keys of files that have been finished for longer than `milliseconds`, folder by folder. `now` is the wall clock's. */
  async *olderThan(milliseconds: number, now: number): AsyncGenerator<string[]> {
    const monotonic = this.#options.monotonic()
    for (const [key, finished] of this.#staged) {
      if (finished < monotonic - milliseconds) this.#staged.delete(key)
    }
    const { fileSystem } = this.#options
    for (const folder of await fileSystem.list('')) {
      if (!/^[0-9a-f]{2}$/.test(folder)) continue
      const keys: string[] = []
      for (const name of await fileSystem.list(folder)) {
        const key = folder + name
        if (!keyPattern.test(key) || this.#staged.has(key)) continue
        const status = await fileSystem.status(pathOf(key))
        if (status && status.modifiedAt < now - milliseconds) keys.push(key)
      }
      if (keys.length > 0) yield keys
    }
  }

  /**
   * Whether this process began the file during or since the collection before this one: its message may be about to be
   * delivered, however old the file looks. A wall clock that jumps makes every file look old.
   */
  isYoung(key: string): boolean {
    return this.#begun.has(key) || this.#begunBefore.has(key)
  }

  /** To be called at the end of a collection. */
  grow(): void {
    this.#begunBefore = this.#begun
    this.#begun = new Set()
  }

  async #create(): Promise<OpenBlob> {
    const { fileSystem, random } = this.#options
    const key = Buffer.from(random.bytes(16)).toString('hex')
    this.#begun.add(key)
    const folder = key.slice(0, 2)
    if (!this.#folders.has(folder)) {
      await fileSystem.makeFolder(folder)
      this.#folders.add(folder)
    }
    this.#staged.set(key, Infinity)
    const file = await fileSystem.create(pathOf(key)).catch((error: unknown) => {
      this.#staged.delete(key)
      throw error
    })
    return {
      key,
      file,
      settled: () => this.#staged.set(key, this.#options.monotonic()),
      syncName: () => fileSystem.syncFolder(folder),
      remove: () => fileSystem.remove(pathOf(key)),
    }
  }
}

interface OpenBlob {
  readonly key: string
  readonly file: WritableFile
  syncName(): Promise<void>
  /** Nothing more is written: its age begins. */
  settled(): void
  remove(): Promise<void>
}

function pathOf(key: string): string {
  if (!keyPattern.test(key)) throw new Error(`no key of a blob: ${JSON.stringify(key)}`)
  return `${key.slice(0, 2)}/${key.slice(2)}`
}

function unavailable(message: string): (cause: unknown) => never {
  return (cause) => {
    throw new StoreUnavailable(message, { cause })
  }
}

type StagingState = 'open' | 'finished' | 'discarded'

class StagingWriter implements BlobWriter {
  readonly #inlineBytes: number
  readonly #create: () => Promise<OpenBlob>
  #state: StagingState = 'open'
  #size = 0
  /** What is gathered and not written: all of a small message, one piece of a large one. */
  #buffer = nothing
  #filled = 0
  /** Set once the message is large. */
  #blob: Promise<OpenBlob> | undefined
  /** The piece being written. */
  #writing: Promise<void> | undefined
  #failure: StoreUnavailable | undefined

  constructor(inlineBytes: number, create: () => Promise<OpenBlob>) {
    this.#inlineBytes = inlineBytes
    this.#create = create
  }

  write(bytes: Uint8Array): void | Promise<void> {
    if (this.#state !== 'open') throw new Error(`the blob is ${this.#state}`)
    if (this.#failure) return Promise.reject(this.#failure)
    this.#size += bytes.length
    if (this.#blob === undefined) {
      if (this.#size <= this.#inlineBytes) return this.#gather(bytes)
      this.#outgrow()
    }
    if (this.#filled + bytes.length < pieceBytes) return this.#gather(bytes)
    return this.#stream(bytes)
  }

  finish(): StagedBlob | Promise<StagedBlob> {
    if (this.#state !== 'open') throw new Error(`the blob is ${this.#state}`)
    if (this.#blob !== undefined) return this.#finishFile(this.#blob)
    this.#state = 'finished'
    // A buffer of its own size: what passes to another thread takes its whole buffer along.
    const whole = this.#filled === this.#buffer.length
    const bytes = whole ? this.#buffer : this.#buffer.slice(0, this.#filled)
    this.#buffer = nothing
    return { type: 'inline', size: this.#size, bytes }
  }

  async discard(): Promise<void> {
    if (this.#state !== 'open') return
    this.#state = 'discarded'
    this.#buffer = nothing
    const blob = await this.#blob?.catch(() => undefined)
    if (!blob) return
    await this.#writing?.catch(() => {})
    blob.settled()
    // A file that cannot be removed now is an orphan, and collected.
    await blob.file.close().catch(() => {})
    await blob.remove().catch(() => {})
  }

  #gather(bytes: Uint8Array): void {
    const needed = this.#filled + bytes.length
    if (this.#filled === 0 && bytes.length > firstBytes && this.#blob === undefined) {
      // Most messages come as one chunk: this copy is the only one.
      this.#buffer = new Uint8Array(bytes)
      this.#filled = needed
      return
    }
    if (needed > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(needed, firstBytes, this.#buffer.length * 2))
      larger.set(this.#buffer.subarray(0, this.#filled))
      this.#buffer = larger
    }
    this.#buffer.set(bytes, this.#filled)
    this.#filled = needed
  }

  #outgrow(): void {
    this.#blob = this.#create()
    // Reported by the next write, or by `finish`.
    this.#blob.catch(() => {})
  }

  /** Fills pieces and writes each once the one before is written. */
  async #stream(bytes: Uint8Array): Promise<void> {
    // Copied before the first wait, after which the caller may reuse them.
    this.#gather(bytes)
    const full = this.#buffer.subarray(0, this.#filled)
    this.#buffer = new Uint8Array(pieceBytes)
    this.#filled = 0
    await this.#push(full)
  }

  /** Waits until the piece before is written, then begins with this one. */
  async #push(piece: Uint8Array): Promise<void> {
    const before = this.#writing
    const next = this.#append(before, piece)
    next.catch(() => {})
    this.#writing = next
    // The first piece waits for the file to be there; later ones for the piece before.
    await (before ?? this.#guard(this.#blob))
  }

  async #append(before: Promise<void> | undefined, piece: Uint8Array): Promise<void> {
    await before
    const blob = await this.#guard(this.#blob)
    if (this.#state === 'discarded' || !blob) return
    await this.#guard(blob.file.write(piece))
  }

  async #finishFile(opening: Promise<OpenBlob>): Promise<StagedBlob> {
    if (this.#failure) throw this.#failure
    if (this.#filled > 0) await this.#push(this.#buffer.subarray(0, this.#filled))
    await this.#writing
    const blob = await this.#guard(opening)
    await this.#guard(blob.file.sync())
    await this.#guard(blob.syncName())
    await this.#guard(blob.file.close())
    blob.settled()
    this.#state = 'finished'
    this.#buffer = nothing
    return { type: 'stored', size: this.#size, key: blob.key }
  }

  /** The first failure of the disk is that of every later call. */
  async #guard<T>(step: Promise<T> | T): Promise<T> {
    try {
      return await step
    } catch (cause) {
      this.#failure ??= new StoreUnavailable('the message cannot be written to its file', { cause })
      // A handle that is left to the garbage collector ends the process.
      this.#blob?.then((blob) => blob.file.close()).catch(() => {})
      throw this.#failure
    }
  }
}
