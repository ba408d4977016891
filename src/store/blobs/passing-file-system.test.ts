// Files of a store without a folder: their octets, wherever they are kept, and the room that they give back.
import assert from 'node:assert/strict'
import { fstatSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { openNameless } from '../nameless-file.ts'
import { BlockFile } from './block-file.ts'
import type { FileSystem, ReadableFile } from './file-system.ts'
import { type Content, memoryFileSystem, passingFileSystem } from './passing-file-system.ts'

interface Bench {
  readonly folder: string
  readonly files: FileSystem
  /** Octets of the file behind it. */
  readonly fileSize: () => number
}

async function onBlocks(context: TestContext, capacity = 100_000): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-blocks-'))
  let descriptor: number | null = null
  const open = (): number => (descriptor = openNameless(join(folder, 'blocks')))
  const file = new BlockFile({ open, blockBytes: 16 })
  context.after(async () => {
    file[Symbol.dispose]()
    await rm(folder, { recursive: true, force: true })
  })
  const files = passingFileSystem({ medium: () => file.content(), capacity, now: () => 5 })
  return { folder, files, fileSize: () => (descriptor === null ? 0 : fstatSync(descriptor).size) }
}

async function write(files: FileSystem, path: string, pieces: readonly Uint8Array[]): Promise<void> {
  const file = await files.create(path)
  for (const piece of pieces) {
    // What is written must have been copied.
    const buffer = piece.slice()
    await file.write(buffer)
    buffer.fill(0)
  }
  await file.close()
}

async function readAll(file: ReadableFile, step = 1000): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for (let at = 0; ;) {
    const piece = await file.read(at, step)
    if (piece.length === 0) break
    pieces.push(piece)
    at += piece.length
  }
  await file.close()
  return new Uint8Array(Buffer.concat(pieces))
}

const contents = fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 5 })
const steps = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: contents.map((pieces) => ({ what: 'write' as const, pieces })) },
    fc.nat().map((at) => ({ what: 'remove' as const, at })),
  ),
  { maxLength: 40 },
)

describe('the files of a store that ends with the program', () => {
  for (const medium of ['a file of blocks', 'memory'] as const) {
    test(`give their octets back, in ${medium}`, async (context) => {
      const memory = memoryFileSystem({ capacity: 100_000, now: () => 5 })
      const files = medium === 'memory' ? memory : (await onBlocks(context)).files
      let names = 0
      await fc.assert(
        fc.asyncProperty(steps, fc.integer({ min: 1, max: 70 }), async (list, step) => {
          const kept: [string, Uint8Array][] = []
          for (const what of list) {
            if (what.what === 'write') {
              const path = `ab/${++names}`
              await write(files, path, what.pieces)
              kept.push([path, new Uint8Array(Buffer.concat(what.pieces))])
              continue
            }
            const [gone] = kept.splice(what.at % (kept.length || 1), 1)
            if (gone !== undefined) await files.remove(gone[0])
          }
          assert.deepEqual(
            (await files.list('ab')).toSorted(),
            kept.map(([path]) => path.slice(3)).toSorted(),
          )
          for (const [path, bytes] of kept) {
            assert.deepEqual(await readAll(await files.open(path), step), bytes)
            assert.deepEqual(await files.status(path), { size: bytes.length, modifiedAt: 5 })
            await files.remove(path)
          }
        }),
        { numRuns: 100 },
      )
    })
  }

  test('share one file that nobody else can find, and that is empty when they are gone', async (context) => {
    const { folder, files, fileSize } = await onBlocks(context)
    await write(files, 'ab/1', [new Uint8Array(100)])
    await write(files, 'ab/2', [new Uint8Array(100)])
    assert.deepEqual(await readdir(folder), [])
    assert.equal(fileSize(), 7 * 16 + 100)
    await files.remove('ab/1')
    await write(files, 'ab/3', [new Uint8Array(100)])
    assert.equal(fileSize(), 7 * 16 + 100, 'blocks are used again')
    await files.remove('ab/2')
    await files.remove('ab/3')
    assert.equal(fileSize(), 0)
  })

  test('are read to their end by whoever has them open when they are removed', async (context) => {
    const { files } = await onBlocks(context)
    await write(files, 'ab/1', [Buffer.from('one'.repeat(20))])
    const reader = await files.open('ab/1')
    await files.remove('ab/1')
    await write(files, 'ab/2', [Buffer.from('two'.repeat(20))])
    assert.equal(Buffer.from(await readAll(reader)).toString(), 'one'.repeat(20))
    await assert.rejects(files.open('ab/1'), { code: 'ENOENT' })
  })

  test('are full at their capacity, and take more when some are gone', async (context) => {
    const { files } = await onBlocks(context, 150)
    await write(files, 'ab/1', [new Uint8Array(100)])
    await assert.rejects(write(files, 'ab/2', [new Uint8Array(100)]), { code: 'ENOSPC' })
    await files.remove('ab/1')
    await write(files, 'ab/3', [new Uint8Array(100)])
  })

  test('go on in memory where the disk takes no more, as far as that may', async () => {
    const descriptor = openNameless(join(tmpdir(), `posthorn-full-${process.pid}`))
    using file = new BlockFile({ open: () => descriptor, blockBytes: 16 })
    let isFull = false
    const medium = (): Content => {
      const content = file.content()
      const append = content.append.bind(content)
      content.append = (bytes) => {
        if (isFull) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
        append(bytes)
      }
      return content
    }
    const files = passingFileSystem({ medium, capacity: 1000, memoryBytes: 100, now: () => 5 })
    const writing = await files.create('ab/1')
    await writing.write(Buffer.from('disk'.repeat(10)))
    isFull = true
    await writing.write(Buffer.from('memory'.repeat(10)))
    await writing.close()
    for (const step of [1, 7, 1000])
      assert.equal(
        Buffer.from(await readAll(await files.open('ab/1'), step)).toString(),
        `${'disk'.repeat(10)}${'memory'.repeat(10)}`,
      )
    await assert.rejects(write(files, 'ab/2', [new Uint8Array(50)]), { code: 'ENOSPC' })
    await files.remove('ab/1')
    await write(files, 'ab/3', [new Uint8Array(50), new Uint8Array(50)])
    assert.equal((await files.status('ab/3'))?.size, 100)
  })

  test('say what the system says where no file can be had', async () => {
    const open = (): number => openNameless(join(tmpdir(), 'posthorn-missing', 'blocks'))
    const file = new BlockFile({ open })
    const files = passingFileSystem({ medium: () => file.content(), capacity: 1000, now: () => 5 })
    await assert.rejects(write(files, 'ab/1', [new Uint8Array(10)]), { code: 'ENOENT' })
    file[Symbol.dispose]()
  })
})
