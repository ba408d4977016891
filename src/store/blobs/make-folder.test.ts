import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { makeFolder } from './make-folder.ts'

async function temporary(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-folders-'))
  context.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

test('what is missing is made, by several at once, and the first of it told', async (context) => {
  const folder = await temporary(context)
  const path = join(folder, 'a', 'b', 'c')
  assert.equal(await makeFolder(path), join(folder, 'a'))
  assert.equal(await makeFolder(path), undefined)
  assert.equal(await makeFolder('/'), undefined)
  await Promise.all(['x', 'y', 'z'].map((name) => makeFolder(join(folder, 'd', 'e', name))))
  assert.ok((await stat(join(folder, 'd', 'e', 'z'))).isDirectory())
})

test('a file in the way is an error', async (context) => {
  const file = join(await temporary(context), 'file')
  await writeFile(file, '')
  await assert.rejects(makeFolder(file), { code: 'EEXIST' })
  await assert.rejects(makeFolder(join(file, 'below')))
})

test(
  'so is a folder that can hold none',
  { skip: existsSync('/proc/self') ? false : 'no such folder here' },
  async () => {
    await assert.rejects(makeFolder('/proc/posthorn/below'), { code: 'ENOENT' })
  },
)
