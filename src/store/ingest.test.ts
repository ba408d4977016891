// Bytes in, a staged message and its structure out, whatever the cuts and the size.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testStore } from '../../test/support/store.ts'
import { decodeStructure } from '../mail/mime/codec.ts'
import { ingest } from './ingest.ts'

const header = 'Received: from a by b; x\r\nSubject: hello\r\n\r\n'

test('a small message is finished at once, with its structure', async (context) => {
  const store = await testStore(context)
  const arriving = ingest({ blobs: store.blobs })
  for (const byte of Buffer.from(`${header}body\r\n`))
    assert.equal(arriving.write(Uint8Array.of(byte)), undefined)
  const done = arriving.finish()
  assert.ok(!(done instanceof Promise))
  assert.equal(done.structure.envelope.subject, 'hello')
  assert.equal(done.structure.receivedCount, 1)
  assert.equal(done.message.blob.size, arriving.size)
  assert.deepEqual(decodeStructure(done.message.structure), done.structure)
})

test('a large one streams to its place and can be read back', async (context) => {
  const store = await testStore(context, { medium: 'folder' })
  const arriving = ingest({ blobs: store.blobs })
  await arriving.write(Buffer.from(header))
  for (let line = 0; line < 10_000; line++) await arriving.write(Buffer.from('all work and no play\r\n'))
  const { message, structure } = await arriving.finish()
  assert.equal(message.blob.type, 'stored')
  assert.equal(structure.size, message.blob.size)
  assert.equal(structure.root.lines, 10_000)
})
