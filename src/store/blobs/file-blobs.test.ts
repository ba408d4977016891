// Staging and reading blobs: where bytes go, when they are synced, what a failing disk leaves.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SeededRandom } from '../../base/seeded-random.ts'
import { testFolder } from '../../../test/support/store.ts'
import type { StagedBlob } from '../model.ts'
import { type BlobWriter, StoreUnavailable } from '../store.ts'
import { FileBlobs } from './file-blobs.ts'
import { diskFileSystem, type FileSystem } from './file-system.ts'
import { memoryFileSystem } from './passing-file-system.ts'

const inlineBytes = 1_000

function blobsOn(fileSystem: FileSystem): FileBlobs {
  return new FileBlobs({ fileSystem, random: new SeededRandom(1), inlineBytes, monotonic: () => 0 })
}

function memory(capacity = 10_000_000): FileSystem {
  return memoryFileSystem({ capacity, now: () => 5 })
}

function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31) & 0xff)
}

async function feed(writer: BlobWriter, bytes: Uint8Array, step: number): Promise<StagedBlob> {
  // One buffer again and again, as a socket would: what is kept must have been copied.
  const buffer = new Uint8Array(step)
  for (let at = 0; at < bytes.length; at += step) {
    const piece = bytes.subarray(at, at + step)
    buffer.set(piece)
    await writer.write(buffer.subarray(0, piece.length))
    buffer.fill(0)
  }
  return writer.finish()
}

async function contentOf(
  blobs: FileBlobs,
  blob: StagedBlob,
  start = 0,
  end = blob.size,
): Promise<Uint8Array> {
  if (blob.type === 'inline') return blob.bytes.subarray(start, end)
  const chunks: Uint8Array[] = []
  for await (const chunk of blobs.read(blob.key, { start, end })) chunks.push(chunk)
  return new Uint8Array(Buffer.concat(chunks))
}

/** A file system whose steps are written down, and fail where `fault` throws. */
function traced(inner: FileSystem, trace: string[], fault: (step: string) => void = () => {}): FileSystem {
  const step = (name: string): void => {
    trace.push(name)
    fault(name)
  }
  return {
    ...inner,
    async create(path) {
      step('create')
      const file = await inner.create(path)
      return {
        write: async (bytes) => {
          step('write')
          await file.write(bytes)
        },
        sync: async () => {
          step('sync')
          await file.sync()
        },
        close: async () => {
          step('close')
          await file.close()
        },
      }
    },
    makeFolder: async (path) => {
      step('makeFolder')
      await inner.makeFolder(path)
    },
    syncFolder: async (path) => {
      step('syncFolder')
      await inner.syncFolder(path)
    },
  }
}

test('up to the threshold a blob stays in memory, in a buffer of its own size', () => {
  const writer = blobsOn(memory()).stage()
  assert.equal(writer.write(pattern(inlineBytes)), undefined)
  const blob = writer.finish()
  assert.ok(!(blob instanceof Promise) && blob.type === 'inline')
  assert.deepEqual(blob.bytes, pattern(inlineBytes))
  assert.equal(blob.bytes.buffer.byteLength, inlineBytes)
})

test('beyond it the file and its name are synced before finish resolves', async () => {
  const trace: string[] = []
  const blob = await feed(blobsOn(traced(memory(), trace)).stage(), pattern(inlineBytes + 1), 400)
  assert.equal(blob.type, 'stored')
  assert.deepEqual(trace, ['makeFolder', 'create', 'write', 'sync', 'syncFolder', 'close'])
})

test('a large message comes back byte for byte from the disk, in ranges too', async (context) => {
  const blobs = blobsOn(diskFileSystem((await testFolder(context)).path))
  const bytes = pattern(700_001)
  const blob = await feed(blobs.stage(), bytes, 65_536)
  assert.deepEqual(await contentOf(blobs, blob), bytes)
  assert.deepEqual(await contentOf(blobs, blob, 65_530, 200_000), bytes.subarray(65_530, 200_000))
  assert.equal(blob.type === 'stored' && (await blobs.size(blob.key)), bytes.length)
})

test('property: any cutting gives the same bytes', async () => {
  const blobs = blobsOn(memory())
  await fc.assert(
    fc.asyncProperty(fc.nat(600_000), fc.integer({ min: 1, max: 300_000 }), async (size, step) => {
      const bytes = pattern(size)
      const blob = await feed(blobs.stage(), bytes, Math.max(step, Math.ceil(size / 50)))
      assert.deepEqual(Buffer.compare(await contentOf(blobs, blob), bytes), 0)
    }),
    { numRuns: 20 },
  )
})

test('discarding removes the file; after finish it does not', async () => {
  const disk = memory()
  const blobs = blobsOn(disk)
  const dropped = blobs.stage()
  await dropped.write(pattern(500_000))
  await dropped.discard()
  await dropped.discard()
  assert.deepEqual(await disk.list(''), [])
  const kept = blobs.stage()
  await kept.write(pattern(500_000))
  const blob = await kept.finish()
  await kept.discard()
  assert.deepEqual(Buffer.compare(await contentOf(blobs, blob), pattern(500_000)), 0)
})

test('whatever step of the disk fails, the writer says unavailable', async () => {
  for (const failing of ['makeFolder', 'create', 'write', 'sync', 'syncFolder', 'close']) {
    const fileSystem = traced(memory(), [], (step) => {
      if (step === failing) throw Object.assign(new Error('no space'), { code: 'ENOSPC' })
    })
    const writer = blobsOn(fileSystem).stage()
    await assert.rejects(feed(writer, pattern(600_000), 65_536), StoreUnavailable, failing)
    await writer.discard()
  }
})

test('a memory disk is full at its capacity', async () => {
  await assert.rejects(feed(blobsOn(memory(100_000)).stage(), pattern(300_000), 10_000), StoreUnavailable)
})

test('old files are found, strangers, young ones and those being written are not', async () => {
  const disk = memory()
  let monotonic = 0
  const random = new SeededRandom(1)
  const blobs = new FileBlobs({ fileSystem: disk, random, inlineBytes, monotonic: () => monotonic })
  const slow = blobs.stage()
  await slow.write(pattern(500_000))
  const blob = await feed(blobs.stage(), pattern(5_000), 5_000)
  await (await disk.create('ab/readme')).write(pattern(1))
  assert.ok(blob.type === 'stored')
  const older = async (now: number): Promise<string[]> =>
    (await Array.fromAsync(blobs.olderThan(100, now))).flat()
  assert.deepEqual(await older(1_000_000), [], 'the wall clock says nothing of what this process wrote')
  monotonic = 101
  assert.deepEqual(await older(105), [])
  assert.deepEqual(await older(106), [blob.key])
  await slow.discard()
})

test('a key from a damaged row reaches no other file', async () => {
  const blobs = blobsOn(memory())
  await assert.rejects(
    Array.fromAsync(blobs.read('../../etc/passwd', { start: 0, end: 1 })),
    /no key of a blob/,
  )
})
