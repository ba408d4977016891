// What is put aside comes back as it was, from wherever it is by then, and leaves nothing behind.
import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { type OpenNameless, openNameless } from './nameless-file.ts'
import { Spool, type SpoolPlace } from './spool.ts'

async function folderOf(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-spool-'))
  context.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

function filesIn(folder: string): OpenNameless {
  let names = 0
  return () => openNameless(join(folder, `spool-${++names}`))
}

const records = fc.record({
  texts: fc.array(fc.string({ unit: 'binary', maxLength: 40 }), { maxLength: 4 }),
  data: fc.uint8Array({ maxLength: 120 }),
})
const steps = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: records.map((record) => ({ what: 'append' as const, record })) },
    fc.nat().map((at) => ({ what: 'read' as const, at })),
    fc.nat().map((at) => ({ what: 'remove' as const, at })),
  ),
  { maxLength: 60 },
)

describe('spool', () => {
  for (const medium of ['a folder', 'memory'] as const) {
    test(`gives every record back until it is removed, in ${medium}`, async (context) => {
      const open = medium === 'memory' ? null : filesIn(await folderOf(context))
      fc.assert(
        fc.property(steps, (list) => {
          const spool = new Spool({ open, pieceBytes: 256, fileBytes: 1024 })
          const kept: [SpoolPlace, { texts: readonly string[]; data: Uint8Array }][] = []
          for (const step of list) {
            if (step.what === 'append')
              kept.push([spool.append(step.record.texts, step.record.data), step.record])
            const index = 'at' in step && kept.length > 0 ? step.at % kept.length : -1
            const [place] = kept[index] ?? []
            if (place === undefined) continue
            if (step.what === 'remove') {
              spool.remove(place)
              kept.splice(index, 1)
            }
          }
          for (const [place, { texts, data }] of kept) {
            const read = spool.read(place)
            assert.deepEqual([read.texts, Array.from(read.data)], [texts, Array.from(data)])
          }
          spool.close()
        }),
        { numRuns: 150 },
      )
    })
  }

  test('has no file that anybody else could find', async (context) => {
    const folder = await folderOf(context)
    const spool = new Spool({ open: filesIn(folder), pieceBytes: 64 })
    const places = Array.from({ length: 20 }, (_, index) =>
      spool.append([`text ${index}`], new Uint8Array(30)),
    )
    assert.deepEqual(await readdir(folder), [])
    assert.deepEqual(
      places.map((place) => spool.read(place).texts),
      places.map((_, index) => [`text ${index}`]),
    )
    spool.close()
  })

  test('keeps what it has in memory where no file can be had', async (context) => {
    const folder = await folderOf(context)
    await rm(folder, { recursive: true })
    const spool = new Spool({ open: filesIn(folder), pieceBytes: 64, fileBytes: 128 })
    const places = Array.from({ length: 20 }, (_, index) =>
      spool.append([`text ${index}`], new Uint8Array(30)),
    )
    assert.deepEqual(
      places.map((place) => spool.read(place).texts),
      places.map((_, index) => [`text ${index}`]),
    )
    spool.close()
  })

  test('takes a record that is larger than a piece', () => {
    const spool = new Spool({ open: null, pieceBytes: 64 })
    const large = spool.append(['x'.repeat(1000)], new Uint8Array(5000).fill(7))
    const small = spool.append(['y'], new Uint8Array([1]))
    assert.equal(spool.read(large).data.length, 5000)
    assert.deepEqual(spool.read(small), { texts: ['y'], data: Buffer.from([1]) })
    spool.close()
  })

  test('says so of a record that was removed with all its neighbours', () => {
    const spool = new Spool({ open: null })
    const place = spool.append(['x'], new Uint8Array())
    spool.remove(place)
    assert.throws(() => spool.read(place), /gone/)
    spool.close()
  })
})
