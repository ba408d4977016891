// Contents that share one file without a name, in blocks: large messages of a store that ends with the program cost no memory, and
// nothing is left of them however it ends.
//
// - The file is made when it is first needed. Blocks of contents that are dropped are used again, and a file without any is emptied.
// - What stands in the file's blocks is asked for and written at once, without waiting: it is the system's page cache that is written to.
import { closeSync, ftruncateSync } from 'node:fs'
import { type OpenNameless, readAt, writeAt } from '../nameless-file.ts'
import type { Content } from './passing-file-system.ts'

export interface BlockFileOptions {
  readonly open: OpenNameless
  /** Octets of a block; default 32 KiB. */
  readonly blockBytes?: number
}

export class BlockFile implements Disposable {
  readonly #open: OpenNameless
  readonly blockBytes: number
  #descriptor: number | null = null
  /** Blocks that were used and are not; the next one last. */
  #free: number[] = []
  /** Blocks that the file has had. */
  #length = 0

  constructor({ open, blockBytes = 32 * 1024 }: BlockFileOptions) {
    this.#open = open
    this.blockBytes = blockBytes
  }

  content(): Content {
    return new BlockContent(this)
  }

  /** A block that nobody uses. */
  take(): number {
    return this.#free.pop() ?? this.#length++
  }

  free(blocks: readonly number[]): void {
    // So that they are taken in order: neighbours are written at once.
    this.#free.push(...blocks.toReversed())
    if (this.#free.length < this.#length) return
    this.#free = []
    this.#length = 0
    if (this.#descriptor !== null) ftruncateSync(this.#descriptor)
  }

  /** Throws the system's error. */
  write(bytes: Uint8Array, at: number): void {
    this.#descriptor ??= this.#open()
    writeAt(this.#descriptor, bytes, at)
  }

  read(at: number, length: number): Uint8Array {
    if (this.#descriptor === null) throw new Error('the temporary file is closed')
    return readAt(this.#descriptor, at, length)
  }

  [Symbol.dispose](): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor)
    this.#descriptor = null
  }
}

class BlockContent implements Content {
  readonly #file: BlockFile
  #blocks: number[] = []
  #size = 0

  constructor(file: BlockFile) {
    this.#file = file
  }

  get size(): number {
    return this.#size
  }

  append(bytes: Uint8Array): void {
    const end = this.#size + bytes.length
    while (this.#blocks.length * this.#file.blockBytes < end) this.#blocks.push(this.#file.take())
    for (let at = this.#size; at < end;) {
      const run = this.#run(at, end - at)
      const from = at - this.#size
      this.#file.write(bytes.subarray(from, from + run.length), run.at)
      at += run.length
    }
    this.#size = end
  }

  /** From blocks that are neighbours. */
  read(position: number, length: number): Uint8Array {
    const run = this.#run(position, Math.min(length, this.#size - position))
    return run.length > 0 ? this.#file.read(run.at, run.length) : new Uint8Array()
  }

  drop(): void {
    this.#file.free(this.#blocks)
    this.#blocks = []
    this.#size = 0
  }

  /** Where `position` is in the file, and how many octets from there are in order, `most` at most. */
  #run(position: number, most: number): { at: number; length: number } {
    const { blockBytes } = this.#file
    const first = Math.floor(position / blockBytes)
    const within = position % blockBytes
    const block = this.#blocks[first] ?? 0
    let length = blockBytes - within
    for (let next = first + 1; length < most && this.#blocks[next] === block + next - first; next++)
      length += blockBytes
    return { at: block * blockBytes + within, length: Math.min(length, most) }
  }
}
