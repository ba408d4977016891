// What would be on the disk if the power failed at a moment of a trace. Stricter than any file system, as POSIX allows:
//
// - Content is there once an fsync or fdatasync of its file has ended that began after the write had ended.
// - A name (made, renamed, removed) is there, or gone, once the folder that holds it was synced after the change. This
//   holds for all names, SQLite's too: it syncs the folder with the first sync of a new journal or WAL, which covers the
//   database beside it. A file whose folder is not there is not there either.
// - What was not made durable so may be there all the same: nothing of it, or as chance will have it, in sectors.
//
// A WAL's index (`-shm`) is mapped memory, of which a trace shows nothing, and which SQLite makes anew: it is left out.
import { Buffer } from 'node:buffer'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, posix } from 'node:path'
import type { Random } from '../../src/base/random.ts'
import { firstNumber, lastNumber, stringsOf, type TraceEvent } from './trace.ts'

type Change =
  | { readonly type: 'write'; readonly at: number; readonly bytes: Buffer }
  | { readonly type: 'truncate'; readonly size: number }

interface FileNode {
  readonly kind: 'file'
  content: Buffer
  /** Of `content`, the octets in use. */
  size: number
  /** Not known to be durable, in order. */
  pending: Change[]
  /** Changes that went from `pending` into `content`. */
  folded: number
}

type Node = FileNode | { readonly kind: 'folder' }

interface OpenFile {
  readonly path: string
  readonly node: Node
  position: number
}

/** What a call has in hand between its start and its end. */
interface Call {
  readonly open: OpenFile | undefined
  /** For a sync of a file: how many of its changes were done when it began. */
  readonly done: number
  /** For a sync of a folder: its names then. */
  readonly names: ReadonlyMap<string, Node>
}

/** By path below the root: bytes of a file, null for a folder. */
export type DiskImage = ReadonlyMap<string, Uint8Array | null>

export interface DiskOptions {
  /** A folder that is there before the trace begins, empty, and stays. */
  readonly root: string
  /** Paths whose syncs do nothing: a disk that lies, or a program that forgot one. */
  readonly ignoreSyncOf?: (path: string) => boolean
}

const sectorBytes = 512

export class Disk {
  readonly #options: DiskOptions
  /** As the running system sees them. */
  readonly #names = new Map<string, Node>()
  readonly #durableNames = new Map<string, Node>()
  readonly #open = new Map<number, OpenFile>()
  readonly #calls = new Map<number, Call>()

  constructor(options: DiskOptions) {
    this.#options = options
    this.#names.set(options.root, { kind: 'folder' })
  }

  /** What a descriptor is, where it is the root or something below it. */
  pathOf(descriptor: number): string | undefined {
    return this.#open.get(descriptor)?.path
  }

  /** The process is gone, and its descriptors with it. The names and contents stay as they were. */
  endProcess(): void {
    this.#open.clear()
    this.#calls.clear()
  }

  apply(event: TraceEvent): void {
    if (event.phase === 'start') this.#begin(event)
    else if (event.result >= 0) this.#finish(event)
  }

  /** What is there after the cut; without chance nothing that was not made durable. */
  image(chance?: Random): DiskImage {
    const image = new Map<string, Uint8Array | null>()
    const paths = new Set([...this.#durableNames.keys(), ...this.#names.keys()])
    // A folder comes before what is in it.
    paths.delete(this.#options.root)
    for (const path of [...paths].toSorted()) {
      const lucky = chance !== undefined && chance.below(2) === 0
      const node = (lucky ? this.#names : this.#durableNames).get(path)
      const folder = dirname(path)
      if (node === undefined || path.endsWith('-shm')) continue
      if (folder !== this.#options.root && image.get(this.#inside(folder)) !== null) continue
      image.set(this.#inside(path), node.kind === 'folder' ? null : contentOf(node, chance))
    }
    return image
  }

  #inside(path: string): string {
    return path.slice(this.#options.root.length + 1)
  }

  #isBelow(path: string): boolean {
    return path.startsWith(`${this.#options.root}/`)
  }

  #begin(event: TraceEvent): void {
    const { name, thread } = event
    const open = takesDescriptor.has(name) ? this.#open.get(firstNumber(event)) : undefined
    const node = open?.node
    this.#calls.set(thread, {
      open,
      done: node?.kind === 'file' ? node.folded + node.pending.length : 0,
      names: node?.kind === 'folder' && open ? this.#namesIn(open.path) : new Map(),
    })
    if (name === 'close') this.#open.delete(firstNumber(event))
    const copies = unmodelled.has(name) || (name === 'fcntl' && event.text.includes('F_DUPFD'))
    if (open !== undefined && copies) throw new Error(`${name} of ${open.path} is not modelled`)
  }

  #namesIn(folder: string): Map<string, Node> {
    return new Map([...this.#names].filter(([path]) => dirname(path) === folder))
  }

  #finish(event: TraceEvent): void {
    const call = this.#calls.get(event.thread)
    this.#calls.delete(event.thread)
    if (call === undefined) return
    if (event.name.startsWith('open')) this.#opened(event)
    else if (call.open !== undefined) this.#changeFile(event, { ...call, open: call.open })
    else if (!takesDescriptor.has(event.name)) this.#changeNames(event)
  }

  #opened(event: TraceEvent): void {
    const path = posix.normalize(String(stringsOf(event)[0]))
    // A number that was closed by a call that is not traced may come again.
    this.#open.delete(event.result)
    if (path !== this.#options.root && !this.#isBelow(path)) return
    let node = this.#names.get(path)
    if (node === undefined) {
      if (!event.text.includes('O_CREAT')) throw new Error(`${path} is opened, and was never made`)
      node = { kind: 'file', content: Buffer.alloc(0), size: 0, pending: [], folded: 0 }
      this.#names.set(path, node)
    } else if (event.text.includes('O_TRUNC') && node.kind === 'file') {
      node.pending.push({ type: 'truncate', size: 0 })
    }
    if (event.text.includes('O_APPEND')) throw new Error('O_APPEND is not modelled')
    this.#open.set(event.result, { path, node, position: 0 })
  }

  #changeFile(event: TraceEvent, call: Call & { open: OpenFile }): void {
    const { path, node } = call.open
    switch (event.name) {
      case 'fsync':
      case 'fdatasync':
        if (this.#options.ignoreSyncOf?.(path) !== true) this.#sync(call)
        return
      case 'ftruncate':
        if (node.kind === 'file') node.pending.push({ type: 'truncate', size: lastNumber(event) })
        return
      case 'write':
      case 'writev':
      case 'pwrite64':
      case 'pwritev': {
        if (node.kind !== 'file') return
        const bytes = Buffer.concat(stringsOf(event)).subarray(0, event.result)
        const placed = event.name.startsWith('p')
        const at = placed ? lastNumber(event) : call.open.position
        if (!placed) call.open.position += bytes.length
        node.pending.push({ type: 'write', at, bytes })
      }
    }
  }

  #sync({ open: { path, node }, done, names }: Call & { open: OpenFile }): void {
    if (node.kind === 'file') {
      const changes = node.pending.splice(0, Math.max(0, done - node.folded))
      for (const change of changes) applyChange(node, change)
      node.folded += changes.length
      return
    }
    for (const known of this.#durableNames.keys()) {
      if (dirname(known) === path && !names.has(known)) this.#durableNames.delete(known)
    }
    for (const [name, child] of names) this.#durableNames.set(name, child)
  }

  #changeNames(event: TraceEvent): void {
    const [path = '', target = ''] = stringsOf(event).map(String)
    if (!this.#isBelow(path)) return
    const { name } = event
    if (name.startsWith('mkdir')) this.#names.set(path, { kind: 'folder' })
    else if (name.startsWith('unlink') || name === 'rmdir') this.#names.delete(path)
    else if (name.startsWith('rename')) {
      const node = this.#names.get(path)
      if (node?.kind !== 'file') throw new Error(`the renaming of ${path} is not modelled`)
      this.#names.delete(path)
      this.#names.set(target, node)
    } else throw new Error(`${name} of ${path} is not modelled`)
  }
}

const unmodelled = new Set([
  ...['dup', 'dup2', 'dup3', 'pwritev2', 'fallocate', 'copy_file_range', 'sendfile', 'splice'],
])
const takesDescriptor = new Set([
  ...unmodelled,
  ...['close', 'fcntl', 'write', 'writev', 'pwrite64', 'pwritev', 'sendto', 'sendmsg'],
  ...['ftruncate', 'fsync', 'fdatasync', 'sync_file_range', 'sync', 'syncfs'],
])

function contentOf(node: FileNode, chance: Random | undefined): Uint8Array {
  const copy = { ...node, content: Buffer.from(node.content) }
  if (chance !== undefined) {
    for (const change of node.pending) {
      for (const kept of survivors(change, chance)) applyChange(copy, kept)
    }
  }
  return copy.content.subarray(0, copy.size)
}

/** All of a change, none, or some of its sectors. */
function survivors(change: Change, chance: Random): readonly Change[] {
  const luck = chance.below(3)
  if (luck === 0) return []
  if (luck === 1 || change.type === 'truncate') return [change]
  const { at, bytes } = change
  const pieces: Change[] = []
  for (let start = 0; start < bytes.length;) {
    // Sectors are those of the file, wherever the write begins.
    const end = Math.min(bytes.length, start + sectorBytes - ((at + start) % sectorBytes))
    if (chance.below(2) === 0)
      pieces.push({ type: 'write', at: at + start, bytes: bytes.subarray(start, end) })
    start = end
  }
  return pieces
}

function applyChange(node: Pick<FileNode, 'content' | 'size'>, change: Change): void {
  if (change.type === 'truncate') {
    grow(node, change.size)
    // What a file gets back when it grows again is zeros.
    node.content.fill(0, change.size)
    node.size = change.size
    return
  }
  const end = change.at + change.bytes.length
  grow(node, end)
  change.bytes.copy(node.content, change.at)
  node.size = Math.max(node.size, end)
}

function grow(node: Pick<FileNode, 'content'>, size: number): void {
  if (size <= node.content.length) return
  const larger = Buffer.alloc(Math.max(size, node.content.length * 2))
  node.content.copy(larger)
  node.content = larger
}

/** Writes an image into an empty folder. */
export async function writeImage(image: DiskImage, folder: string): Promise<void> {
  for (const [path, content] of image) {
    if (content === null) await mkdir(join(folder, path))
    else await writeFile(join(folder, path), content)
  }
}
