// Mail, hashes and keys are for their owner only, in a folder too that was made for everybody to read.
import assert from 'node:assert/strict'
import { chmod, mkdir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { LineSocket } from './line-socket.ts'
import { addPeople, allListeners, serve, temporaryPlace, writeConfig } from './program.ts'

test('no file of the data folder can be read by others', async (context) => {
  const place = await temporaryPlace(context)
  const { folder } = place
  const data = join(folder, 'data')
  await mkdir(data)
  await chmod(data, 0o755)
  await writeConfig(folder, `store.inlineBlobLimit = 10\n${allListeners}`)
  await addPeople(folder)
  const server = await serve(place)
  const client = await LineSocket.open(server.port('smtp'))
  await client.reply()
  for (const line of ['EHLO c.test', 'MAIL FROM:<>', 'RCPT TO:<ann@mail.test>', 'DATA']) {
    assert.match((await client.command(line)) ?? '', /^[23]/, line)
  }
  assert.match((await client.command('Subject: private\r\n\r\nin a file of its own\r\n.')) ?? '', /^250 /)
  client.close()
  const open: string[] = []
  for (const entry of await readdir(data, { recursive: true })) {
    const { mode } = await stat(join(data, entry))
    if ((mode & 0o077) !== 0) open.push(`${entry} ${(mode & 0o777).toString(8)}`)
  }
  assert.deepEqual(open, [])
})
