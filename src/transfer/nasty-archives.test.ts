// Archives that somebody made to do harm, and those that are large: what leads out of them, what cannot be opened or is damaged, what
// unpacks to a thousand times its size, and more files than a zip without Zip64 can count.
import assert from 'node:assert/strict'
import { createWriteStream } from 'node:fs'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { test, type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import yazl from 'yazl'
import { testFolder, testStore } from '../../test/support/store.ts'
import { contentsOf, filesAt, importInto, newAccount } from '../../test/support/transfer-house.ts'
import { openZipTarget } from './eml-target.ts'
import { SourceUnreadable } from './source.ts'
import { openZip } from './zip-container.ts'
import type { ExportedMailbox, ExportedMessage } from './exporter.ts'

/** A zip of stored files, with its octets changed behind its back. */
async function zipOf(
  context: TestContext,
  files: Readonly<Record<string, string>>,
  change: (archive: Buffer) => void = () => {},
): Promise<string> {
  const { path: folder } = await testFolder(context)
  const path = join(folder, 'mail.zip')
  const zip = new yazl.ZipFile()
  for (const [name, text] of Object.entries(files))
    zip.addBuffer(Buffer.from(text), name, { compress: name.includes('packed') })
  zip.end()
  await finished(Readable.from(zip.outputStream).pipe(createWriteStream(path)))
  const octets = await readFile(path)
  change(octets)
  await writeFile(path, octets)
  return path
}

function replaceAll(archive: Buffer, from: string, to: string): void {
  for (let at = archive.indexOf(from); at !== -1; at = archive.indexOf(from, at + 1)) archive.write(to, at)
}

test('a name that leads out of the archive makes all of it unreadable', async (context) => {
  const path = await zipOf(context, { 'aa/evil.eml': 'Subject: x\n\n' }, (archive) =>
    replaceAll(archive, 'aa/evil', '../evil'),
  )
  await assert.rejects(async () => (await filesAt(path)).folders(), SourceUnreadable)
})

test('an entry that is encrypted or damaged is named, and the rest comes', async (context) => {
  const files = {
    'M/1.eml': 'Subject: 1\n\n',
    'M/2.eml': 'Subject: 2\n\n',
    'M/3-packed.eml': 'Subject: 3\n\n',
  }
  const path = await zipOf(context, files, (archive) => {
    replaceAll(archive, 'Subject: 2', 'Subject: Z')
    // APPNOTE.TXT §4.4.4: bit 0 of the flags says that it is encrypted.
    const header = archive.lastIndexOf('M/3-packed.eml') - 46
    archive.writeUInt16LE(archive.readUInt16LE(header + 8) | 1, header + 8)
  })
  const store = await testStore(context)
  const ann = await newAccount(store, 'ann')
  const { written, read, problems } = await importInto(store, ann, { source: await filesAt(path) })
  assert.deepEqual([written.imported, read.failed], [1, 2])
  assert.match(
    problems.map((problem) => problem.join(': ')).join('\n'),
    /2\.eml[^]*3-packed\.eml: .*encrypted/,
  )
})

test('what unpacks to a thousand times its size is one message that is too large, and the rest comes', async (context) => {
  const bomb = gzipSync(Buffer.alloc(64_000_000, 'a'))
  assert.ok(bomb.length < 100_000)
  const { path } = await testFolder(context)
  await writeFile(join(path, '1.eml'), bomb)
  await writeFile(join(path, '2.eml'), 'Subject: 2\n\n')
  const store = await testStore(context)
  const ann = await newAccount(store, 'ann')
  const { written, read } = await importInto(store, ann, { source: await filesAt(path) })
  const kept = (await contentsOf(store, ann))['INBOX']?.messages.length
  assert.deepEqual([written.imported + read.failed, kept], [2, written.imported])
})

/** APPNOTE.TXT §4.4.21: 65,535 of them is what a directory without Zip64 can count. POSTHORN_FILES=65536 for more. */
const count = Number(process.env['POSTHORN_FILES'] ?? 500)

test(`a zip of ${count} messages is read whole, Zip64 where it must be`, async (context) => {
  const { path: folder } = await testFolder(context)
  const path = join(folder, 'ann.zip')
  const target = await openZipTarget(path)
  // Nothing else of them is looked at.
  await target.mailbox({ name: 'INBOX' } as ExportedMailbox)
  for (let uid = 1; uid < count; uid++) {
    await target.message({ uid, internalDate: 0 } as ExportedMessage, async function* () {
      yield Buffer.from(`Subject: ${uid}\r\n\r\n`)
    })
  }
  await target.manifest('{"type":"posthorn-export"}')
  await target.finish()
  const { size } = await stat(path)
  const end = (await readFile(path)).subarray(size - 98)
  assert.equal(end.includes('PK\x06\x06'), count > 65_535, 'Zip64 end of central directory')

  await using archive = await openZip(path)
  const entries = await archive.entries()
  assert.equal(entries.length, count)
  const last: Uint8Array[] = []
  for await (const chunk of entries[count - 2]?.open() ?? []) last.push(chunk)
  assert.equal(Buffer.concat(last).toString(), `Subject: ${count - 1}\r\n\r\n`)
})

test('an archive that grows over 4 GB is written and read: entries on both sides of the limit', async (context) => {
  const { path: folder } = await testFolder(context)
  const path = join(folder, 'large.zip')
  const zip = new yazl.ZipFile()
  // As if so much had been written before: a hole in the file, which takes no room.
  const start = 2 ** 32 - 100
  assert.ok('outputStreamCursor' in zip)
  Object.assign(zip, { outputStreamCursor: start })
  await writeFile(path, '')
  const written = finished(
    Readable.from(zip.outputStream).pipe(createWriteStream(path, { flags: 'r+', start })),
  )
  const text = (number: number): string => `Subject: ${number}\r\n\r\n${'x'.repeat(number)}\r\n`
  // Streams of unknown size, as an export adds them.
  for (const number of [1, 200, 3]) {
    const stream = Readable.from([Buffer.from(text(number))], { objectMode: false })
    zip.addReadStream(stream, `INBOX/${number}.eml`, { compress: true })
  }
  zip.end()
  await written
  assert.ok((await stat(path)).size > 2 ** 32)
  await using archive = await openZip(path)
  const found = new Map<string, string>()
  for (const entry of await archive.entries()) {
    const chunks = await Array.fromAsync(entry.open())
    found.set(entry.path, Buffer.concat(chunks).toString())
  }
  assert.deepEqual(
    [...found],
    [1, 200, 3].map((number) => [`INBOX/${number}.eml`, text(number)]),
  )
})
